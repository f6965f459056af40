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
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %o2_here_value = load <8 x float>, ptr %o2_here, align 4
  %v0 = fmul <8 x float> %o2_here_value, %o0_here_value
  %v1 = fcmp ogt <8 x float> %v0, splat (float 0x0000000000000000)
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v0)
  %v3 = fneg <8 x float> %v2
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v3, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v5 = fsub <8 x float> %v4, splat (float 0x4168000000000000)
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v3)
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v6)
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v7, <8 x float> splat (float 0x3F56D22300000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v7, <8 x float> splat (float 0x3F81110540000000))
  %v10 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v9, <8 x float> %v7, <8 x float> splat (float 0x3FA55550C0000000))
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v7, <8 x float> splat (float 0x3FC5555560000000))
  %v12 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v11, <8 x float> %v7, <8 x float> splat (float 0x3FE0000000000000))
  %v13 = fmul <8 x float> %v7, %v7
  %v14 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v13, <8 x float> %v12, <8 x float> %v7)
  %v15 = fadd <8 x float> %v14, splat (float 0x3FF0000000000000)
  %v16 = bitcast <8 x float> %v4 to <8 x i32>
  %v17 = shl <8 x i32> %v16, splat (i32 23)
  %v18 = bitcast <8 x float> %v15 to <8 x i32>
  %v19 = add <8 x i32> %v18, %v17
  %v20 = bitcast <8 x i32> %v19 to <8 x float>
  %v21 = fcmp ogt <8 x float> %v3, splat (float 0x40562E42E0000000)
  %v22 = select <8 x i1> %v21, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v20
  %v23 = fcmp olt <8 x float> %v3, splat (float 0xC055D589E0000000)
  %v24 = select <8 x i1> %v23, <8 x float> splat (float 0x0000000000000000), <8 x float> %v22
  %v25 = fadd <8 x float> splat (float 0x3FF0000000000000), %v24
  %v26 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v25
  %v27 = fmul <8 x float> %v24, %v26
  %v28 = select <8 x i1> %v1, <8 x float> %v26, <8 x float> %v27
  %v29 = fmul <8 x float> %o0_here_value, %v28
  store <8 x float> %v29, ptr %o1_here, align 4
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
  %o3_at = getelementptr ptr, ptr %places, i64 3
  %o3 = load ptr, ptr %o3_at
  %o4_at = getelementptr ptr, ptr %places, i64 4
  %o4 = load ptr, ptr %o4_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %o3_here = getelementptr [8 x float], ptr %o3, i64 %index
  %o3_here_value = load <8 x float>, ptr %o3_here, align 4
  %v0 = fmul <8 x float> %o3_here_value, %o0_here_value
  %v1 = fcmp ogt <8 x float> %v0, splat (float 0x0000000000000000)
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v0)
  %v3 = fneg <8 x float> %v2
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v3, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v5 = fsub <8 x float> %v4, splat (float 0x4168000000000000)
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v3)
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v6)
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v7, <8 x float> splat (float 0x3F56D22300000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v7, <8 x float> splat (float 0x3F81110540000000))
  %v10 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v9, <8 x float> %v7, <8 x float> splat (float 0x3FA55550C0000000))
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v7, <8 x float> splat (float 0x3FC5555560000000))
  %v12 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v11, <8 x float> %v7, <8 x float> splat (float 0x3FE0000000000000))
  %v13 = fmul <8 x float> %v7, %v7
  %v14 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v13, <8 x float> %v12, <8 x float> %v7)
  %v15 = fadd <8 x float> %v14, splat (float 0x3FF0000000000000)
  %v16 = bitcast <8 x float> %v4 to <8 x i32>
  %v17 = shl <8 x i32> %v16, splat (i32 23)
  %v18 = bitcast <8 x float> %v15 to <8 x i32>
  %v19 = add <8 x i32> %v18, %v17
  %v20 = bitcast <8 x i32> %v19 to <8 x float>
  %v21 = fcmp ogt <8 x float> %v3, splat (float 0x40562E42E0000000)
  %v22 = select <8 x i1> %v21, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v20
  %v23 = fcmp olt <8 x float> %v3, splat (float 0xC055D589E0000000)
  %v24 = select <8 x i1> %v23, <8 x float> splat (float 0x0000000000000000), <8 x float> %v22
  %v25 = fadd <8 x float> splat (float 0x3FF0000000000000), %v24
  %v26 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v25
  %v27 = fmul <8 x float> %v24, %v26
  %v28 = select <8 x i1> %v1, <8 x float> %v26, <8 x float> %v27
  %v29 = fmul <8 x float> %o1_here_value, %o0_here_value
  %v30 = fmul <8 x float> %v27, %v26
  %v31 = fmul <8 x float> %v29, %v30
  %v32 = fmul <8 x float> %v31, %o3_here_value
  %v33 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o1_here_value, <8 x float> %v28, <8 x float> %v32)
  %v34 = fmul <8 x float> %v31, %o0_here_value
  store <8 x float> %v33, ptr %o2_here, align 4
  %o4_here = getelementptr [8 x float], ptr %o4, i64 %index
  %o4_here_value = load <8 x float>, ptr %o4_here, align 4
  %o4_here_next = fadd <8 x float> %o4_here_value, %v34
  store <8 x float> %o4_here_next, ptr %o4_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}
