declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %v0 = fcmp ogt <8 x float> splat (float 0x0000000000000000), %o0_here_value
  %v1 = select <8 x i1> %v0, <8 x float> splat (float 0x0000000000000000), <8 x float> %o0_here_value
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %o0_here_value)
  %v3 = fcmp olt <8 x float> splat (float 0x402A800000000000), %v2
  %v4 = select <8 x i1> %v3, <8 x float> splat (float 0x402A800000000000), <8 x float> %v2
  %v5 = fmul contract <8 x float> splat (float 0x3F70548FA0000000), %v4
  %v6 = fadd contract <8 x float> %v5, splat (float 0x3FA45D0C20000000)
  %v7 = fmul contract <8 x float> %v6, %v4
  %v8 = fadd contract <8 x float> %v7, splat (float 0x3FC72113E0000000)
  %v9 = fmul contract <8 x float> %v8, %v4
  %v10 = fadd contract <8 x float> %v9, splat (float 0x3FDBD544A0000000)
  %v11 = fmul contract <8 x float> %v10, %v4
  %v12 = fadd contract <8 x float> %v11, splat (float 0x3FE0000000000000)
  %v13 = fmul contract <8 x float> splat (float 0x3F84777A60000000), %v4
  %v14 = fadd contract <8 x float> %v13, splat (float 0x3FB9861580000000)
  %v15 = fmul contract <8 x float> %v14, %v4
  %v16 = fadd contract <8 x float> %v15, splat (float 0x3FDD9DEFE0000000)
  %v17 = fmul contract <8 x float> %v16, %v4
  %v18 = fadd contract <8 x float> %v17, splat (float 0x3FF3126C20000000)
  %v19 = fmul contract <8 x float> %v18, %v4
  %v20 = fadd contract <8 x float> %v19, splat (float 0x3FFAAEC520000000)
  %v21 = fmul contract <8 x float> %v20, %v4
  %v22 = fadd contract <8 x float> %v21, splat (float 0x3FF0000000000000)
  %v23 = fdiv contract <8 x float> %v12, %v22
  %v24 = fmul contract <8 x float> %v4, %v23
  %v25 = fmul contract <8 x float> %o0_here_value, %o0_here_value
  %v26 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v25
  %v27 = fneg <8 x float> %v26
  %v28 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v27, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v29 = fsub contract <8 x float> %v28, splat (float 0x4168000000000000)
  %v30 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v29, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v27)
  %v31 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v29, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v30)
  %v32 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v31, <8 x float> splat (float 0x3F56D22300000000))
  %v33 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v32, <8 x float> %v31, <8 x float> splat (float 0x3F81110540000000))
  %v34 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v33, <8 x float> %v31, <8 x float> splat (float 0x3FA55550C0000000))
  %v35 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v34, <8 x float> %v31, <8 x float> splat (float 0x3FC5555560000000))
  %v36 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v35, <8 x float> %v31, <8 x float> splat (float 0x3FE0000000000000))
  %v37 = fmul contract <8 x float> %v31, %v31
  %v38 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v37, <8 x float> %v36, <8 x float> %v31)
  %v39 = fadd contract <8 x float> %v38, splat (float 0x3FF0000000000000)
  %v40 = bitcast <8 x float> %v28 to <8 x i32>
  %v41 = shl <8 x i32> %v40, splat (i32 23)
  %v42 = bitcast <8 x float> %v39 to <8 x i32>
  %v43 = add <8 x i32> %v42, %v41
  %v44 = bitcast <8 x i32> %v43 to <8 x float>
  %v45 = fcmp ogt <8 x float> %v27, splat (float 0x40562E42E0000000)
  %v46 = select <8 x i1> %v45, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v44
  %v47 = fcmp olt <8 x float> %v27, splat (float 0xC055D589E0000000)
  %v48 = select <8 x i1> %v47, <8 x float> splat (float 0x0000000000000000), <8 x float> %v46
  %v49 = fmul contract <8 x float> %v24, %v48
  %v50 = fsub contract <8 x float> %v1, %v49
  store <8 x float> %v50, ptr %o1_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_1(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %v0 = fcmp ogt <8 x float> %o0_here_value, splat (float 0x0000000000000000)
  %v1 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %o0_here_value)
  %v2 = fcmp olt <8 x float> splat (float 0x402A800000000000), %v1
  %v3 = select <8 x i1> %v2, <8 x float> splat (float 0x402A800000000000), <8 x float> %v1
  %v4 = fmul contract <8 x float> splat (float 0x3F70548FA0000000), %v3
  %v5 = fadd contract <8 x float> %v4, splat (float 0x3FA45D0C20000000)
  %v6 = fmul contract <8 x float> %v5, %v3
  %v7 = fadd contract <8 x float> %v6, splat (float 0x3FC72113E0000000)
  %v8 = fmul contract <8 x float> %v7, %v3
  %v9 = fadd contract <8 x float> %v8, splat (float 0x3FDBD544A0000000)
  %v10 = fmul contract <8 x float> %v9, %v3
  %v11 = fadd contract <8 x float> %v10, splat (float 0x3FE0000000000000)
  %v12 = fmul contract <8 x float> splat (float 0x3F84777A60000000), %v3
  %v13 = fadd contract <8 x float> %v12, splat (float 0x3FB9861580000000)
  %v14 = fmul contract <8 x float> %v13, %v3
  %v15 = fadd contract <8 x float> %v14, splat (float 0x3FDD9DEFE0000000)
  %v16 = fmul contract <8 x float> %v15, %v3
  %v17 = fadd contract <8 x float> %v16, splat (float 0x3FF3126C20000000)
  %v18 = fmul contract <8 x float> %v17, %v3
  %v19 = fadd contract <8 x float> %v18, splat (float 0x3FFAAEC520000000)
  %v20 = fmul contract <8 x float> %v19, %v3
  %v21 = fadd contract <8 x float> %v20, splat (float 0x3FF0000000000000)
  %v22 = fdiv contract <8 x float> %v11, %v21
  %v23 = fmul contract <8 x float> %o0_here_value, %o0_here_value
  %v24 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v23
  %v25 = fneg <8 x float> %v24
  %v26 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v25, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v27 = fsub contract <8 x float> %v26, splat (float 0x4168000000000000)
  %v28 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v27, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v25)
  %v29 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v27, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v28)
  %v30 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v29, <8 x float> splat (float 0x3F56D22300000000))
  %v31 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v30, <8 x float> %v29, <8 x float> splat (float 0x3F81110540000000))
  %v32 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v31, <8 x float> %v29, <8 x float> splat (float 0x3FA55550C0000000))
  %v33 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v32, <8 x float> %v29, <8 x float> splat (float 0x3FC5555560000000))
  %v34 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v33, <8 x float> %v29, <8 x float> splat (float 0x3FE0000000000000))
  %v35 = fmul contract <8 x float> %v29, %v29
  %v36 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v35, <8 x float> %v34, <8 x float> %v29)
  %v37 = fadd contract <8 x float> %v36, splat (float 0x3FF0000000000000)
  %v38 = bitcast <8 x float> %v26 to <8 x i32>
  %v39 = shl <8 x i32> %v38, splat (i32 23)
  %v40 = bitcast <8 x float> %v37 to <8 x i32>
  %v41 = add <8 x i32> %v40, %v39
  %v42 = bitcast <8 x i32> %v41 to <8 x float>
  %v43 = fcmp ogt <8 x float> %v25, splat (float 0x40562E42E0000000)
  %v44 = select <8 x i1> %v43, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v42
  %v45 = fcmp olt <8 x float> %v25, splat (float 0xC055D589E0000000)
  %v46 = select <8 x i1> %v45, <8 x float> splat (float 0x0000000000000000), <8 x float> %v44
  %v47 = fmul contract <8 x float> %v22, %v46
  %v48 = fsub contract <8 x float> splat (float 0x3FF0000000000000), %v47
  %v49 = select <8 x i1> %v0, <8 x float> %v48, <8 x float> %v47
  %v50 = fmul contract <8 x float> splat (float 0x3FD9884540000000), %o0_here_value
  %v51 = fmul contract <8 x float> %v50, %v46
  %v52 = fadd contract <8 x float> %v49, %v51
  %v53 = fmul contract <8 x float> %o1_here_value, %v52
  store <8 x float> %v53, ptr %o2_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}
