declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.fmuladd.v8f32(<8 x float>, <8 x float>, <8 x float>)

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
  %v5 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3F70548FA0000000), <8 x float> %v4, <8 x float> splat (float 0x3FA45D0C20000000))
  %v6 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v5, <8 x float> %v4, <8 x float> splat (float 0x3FC72113E0000000))
  %v7 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v6, <8 x float> %v4, <8 x float> splat (float 0x3FDBD544A0000000))
  %v8 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v7, <8 x float> %v4, <8 x float> splat (float 0x3FE0000000000000))
  %v9 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3F84777A60000000), <8 x float> %v4, <8 x float> splat (float 0x3FB9861580000000))
  %v10 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v9, <8 x float> %v4, <8 x float> splat (float 0x3FDD9DEFE0000000))
  %v11 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v10, <8 x float> %v4, <8 x float> splat (float 0x3FF3126C20000000))
  %v12 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v11, <8 x float> %v4, <8 x float> splat (float 0x3FFAAEC520000000))
  %v13 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v12, <8 x float> %v4, <8 x float> splat (float 0x3FF0000000000000))
  %v14 = fdiv <8 x float> %v8, %v13
  %v15 = fmul <8 x float> %v4, %v14
  %v16 = fmul <8 x float> %o0_here_value, %o0_here_value
  %v17 = fmul <8 x float> splat (float 0x3FE0000000000000), %v16
  %v18 = fneg <8 x float> %v17
  %v19 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v18, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v20 = fsub <8 x float> %v19, splat (float 0x4168000000000000)
  %v21 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v20, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v18)
  %v22 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v20, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v21)
  %v23 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v22, <8 x float> splat (float 0x3F56D22300000000))
  %v24 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v23, <8 x float> %v22, <8 x float> splat (float 0x3F81110540000000))
  %v25 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v24, <8 x float> %v22, <8 x float> splat (float 0x3FA55550C0000000))
  %v26 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v25, <8 x float> %v22, <8 x float> splat (float 0x3FC5555560000000))
  %v27 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v26, <8 x float> %v22, <8 x float> splat (float 0x3FE0000000000000))
  %v28 = fmul <8 x float> %v22, %v22
  %v29 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v28, <8 x float> %v27, <8 x float> %v22)
  %v30 = fadd <8 x float> %v29, splat (float 0x3FF0000000000000)
  %v31 = bitcast <8 x float> %v19 to <8 x i32>
  %v32 = shl <8 x i32> %v31, splat (i32 23)
  %v33 = bitcast <8 x float> %v30 to <8 x i32>
  %v34 = add <8 x i32> %v33, %v32
  %v35 = bitcast <8 x i32> %v34 to <8 x float>
  %v36 = fcmp ogt <8 x float> %v18, splat (float 0x40562E42E0000000)
  %v37 = select <8 x i1> %v36, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v35
  %v38 = fcmp olt <8 x float> %v18, splat (float 0xC055D589E0000000)
  %v39 = select <8 x i1> %v38, <8 x float> splat (float 0x0000000000000000), <8 x float> %v37
  %v40 = fneg <8 x float> %v15
  %v41 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v40, <8 x float> %v39, <8 x float> %v1)
  store <8 x float> %v41, ptr %o1_here, align 4
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
  %v4 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3F70548FA0000000), <8 x float> %v3, <8 x float> splat (float 0x3FA45D0C20000000))
  %v5 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v4, <8 x float> %v3, <8 x float> splat (float 0x3FC72113E0000000))
  %v6 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v5, <8 x float> %v3, <8 x float> splat (float 0x3FDBD544A0000000))
  %v7 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v6, <8 x float> %v3, <8 x float> splat (float 0x3FE0000000000000))
  %v8 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3F84777A60000000), <8 x float> %v3, <8 x float> splat (float 0x3FB9861580000000))
  %v9 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v8, <8 x float> %v3, <8 x float> splat (float 0x3FDD9DEFE0000000))
  %v10 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v9, <8 x float> %v3, <8 x float> splat (float 0x3FF3126C20000000))
  %v11 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v10, <8 x float> %v3, <8 x float> splat (float 0x3FFAAEC520000000))
  %v12 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v11, <8 x float> %v3, <8 x float> splat (float 0x3FF0000000000000))
  %v13 = fdiv <8 x float> %v7, %v12
  %v14 = fmul <8 x float> %o0_here_value, %o0_here_value
  %v15 = fmul <8 x float> splat (float 0x3FE0000000000000), %v14
  %v16 = fneg <8 x float> %v15
  %v17 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v16, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v18 = fsub <8 x float> %v17, splat (float 0x4168000000000000)
  %v19 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v18, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v16)
  %v20 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v18, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v19)
  %v21 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v20, <8 x float> splat (float 0x3F56D22300000000))
  %v22 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v21, <8 x float> %v20, <8 x float> splat (float 0x3F81110540000000))
  %v23 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v22, <8 x float> %v20, <8 x float> splat (float 0x3FA55550C0000000))
  %v24 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v23, <8 x float> %v20, <8 x float> splat (float 0x3FC5555560000000))
  %v25 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v24, <8 x float> %v20, <8 x float> splat (float 0x3FE0000000000000))
  %v26 = fmul <8 x float> %v20, %v20
  %v27 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v26, <8 x float> %v25, <8 x float> %v20)
  %v28 = fadd <8 x float> %v27, splat (float 0x3FF0000000000000)
  %v29 = bitcast <8 x float> %v17 to <8 x i32>
  %v30 = shl <8 x i32> %v29, splat (i32 23)
  %v31 = bitcast <8 x float> %v28 to <8 x i32>
  %v32 = add <8 x i32> %v31, %v30
  %v33 = bitcast <8 x i32> %v32 to <8 x float>
  %v34 = fcmp ogt <8 x float> %v16, splat (float 0x40562E42E0000000)
  %v35 = select <8 x i1> %v34, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v33
  %v36 = fcmp olt <8 x float> %v16, splat (float 0xC055D589E0000000)
  %v37 = select <8 x i1> %v36, <8 x float> splat (float 0x0000000000000000), <8 x float> %v35
  %v38 = fmul <8 x float> %v13, %v37
  %v39 = fsub <8 x float> splat (float 0x3FF0000000000000), %v38
  %v40 = select <8 x i1> %v0, <8 x float> %v39, <8 x float> %v38
  %v41 = fmul <8 x float> splat (float 0x3FD9884540000000), %o0_here_value
  %v42 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v41, <8 x float> %v37, <8 x float> %v40)
  %v43 = fmul <8 x float> %o1_here_value, %v42
  store <8 x float> %v43, ptr %o2_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}
