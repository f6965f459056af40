; forward, pass 1: mean[group:4](x)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o1_0_at = getelementptr float, ptr %o1, i64 0
  %o1_0_one = load float, ptr %o1_0_at
  %o1_0_first = insertelement <8 x float> poison, float %o1_0_one, i32 0
  %o1_0_all = shufflevector <8 x float> %o1_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %s0_next = fadd <8 x float> %s0, %o0_here_value
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}


; forward, pass 2: var[group:4](x)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o1_0_at = getelementptr float, ptr %o1, i64 0
  %o1_0_one = load float, ptr %o1_0_at
  %o1_0_first = insertelement <8 x float> poison, float %o1_0_one, i32 0
  %o1_0_all = shufflevector <8 x float> %o1_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  %o2_0_at = getelementptr float, ptr %o2, i64 0
  %o2_0_one = load float, ptr %o2_0_at
  %o2_0_first = insertelement <8 x float> poison, float %o2_0_one, i32 0
  %o2_0_all = shufflevector <8 x float> %o2_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %v0 = fsub <8 x float> %o0_here_value, %o1_0_all
  %v1 = fmul <8 x float> %v0, %v0
  %s0_next = fadd <8 x float> %s0, %v1
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}


; forward, results
declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.sqrt.v8f32(<8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  %o3_at = getelementptr ptr, ptr %places, i64 3
  %o3 = load ptr, ptr %o3_at
  %o3_0_at = getelementptr float, ptr %o3, i64 0
  %o3_0_one = load float, ptr %o3_0_at
  %o3_0_first = insertelement <8 x float> poison, float %o3_0_one, i32 0
  %o3_0_all = shufflevector <8 x float> %o3_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o4_at = getelementptr ptr, ptr %places, i64 4
  %o4 = load ptr, ptr %o4_at
  %o4_0_at = getelementptr float, ptr %o4, i64 0
  %o4_0_one = load float, ptr %o4_0_at
  %o4_0_first = insertelement <8 x float> poison, float %o4_0_one, i32 0
  %o4_0_all = shufflevector <8 x float> %o4_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %v29 = fadd <8 x float> %o3_0_all, %o4_0_all
  %v30 = call <8 x float> @llvm.sqrt.v8f32(<8 x float> %v29)
  %v31 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v30
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
  %v32 = fmul <8 x float> %o0_here_value, %v28
  %v33 = fmul <8 x float> %v32, %v31
  store <8 x float> %v33, ptr %o1_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}


; backward, pass 1: mean[group:4](-upstream * x * sigmoid(v * x) * 0.5 / (sqrt(var[group:4](x) + c0)**2 * sqrt(var[group:4](x) + c0)))
declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.sqrt.v8f32(<8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  %o3_at = getelementptr ptr, ptr %places, i64 3
  %o3 = load ptr, ptr %o3_at
  %o3_0_at = getelementptr float, ptr %o3, i64 0
  %o3_0_one = load float, ptr %o3_0_at
  %o3_0_first = insertelement <8 x float> poison, float %o3_0_one, i32 0
  %o3_0_all = shufflevector <8 x float> %o3_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o4_at = getelementptr ptr, ptr %places, i64 4
  %o4 = load ptr, ptr %o4_at
  %o4_0_at = getelementptr float, ptr %o4, i64 0
  %o4_0_one = load float, ptr %o4_0_at
  %o4_0_first = insertelement <8 x float> poison, float %o4_0_one, i32 0
  %o4_0_all = shufflevector <8 x float> %o4_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %v31 = fadd <8 x float> %o3_0_all, %o4_0_all
  %v32 = call <8 x float> @llvm.sqrt.v8f32(<8 x float> %v31)
  %v33 = fmul <8 x float> %v32, %v32
  %v34 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v33
  %v36 = fdiv <8 x float> splat (float 0x3FE0000000000000), %v32
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
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
  %v30 = fmul <8 x float> %o1_here_value, %v29
  %v35 = fmul <8 x float> %v34, %v30
  %v37 = fmul <8 x float> %v35, %v36
  %v38 = fneg <8 x float> %v37
  %s0_next = fadd <8 x float> %s0, %v38
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}


; backward, results
declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.fmuladd.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.sqrt.v8f32(<8 x float>)

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
  %o4_0_at = getelementptr float, ptr %o4, i64 0
  %o4_0_one = load float, ptr %o4_0_at
  %o4_0_first = insertelement <8 x float> poison, float %o4_0_one, i32 0
  %o4_0_all = shufflevector <8 x float> %o4_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o5_at = getelementptr ptr, ptr %places, i64 5
  %o5 = load ptr, ptr %o5_at
  %o5_0_at = getelementptr float, ptr %o5, i64 0
  %o5_0_one = load float, ptr %o5_0_at
  %o5_0_first = insertelement <8 x float> poison, float %o5_0_one, i32 0
  %o5_0_all = shufflevector <8 x float> %o5_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o6_at = getelementptr ptr, ptr %places, i64 6
  %o6 = load ptr, ptr %o6_at
  %o6_0_at = getelementptr float, ptr %o6, i64 0
  %o6_0_one = load float, ptr %o6_0_at
  %o6_0_first = insertelement <8 x float> poison, float %o6_0_one, i32 0
  %o6_0_all = shufflevector <8 x float> %o6_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o7_at = getelementptr ptr, ptr %places, i64 7
  %o7 = load ptr, ptr %o7_at
  %o7_0_at = getelementptr float, ptr %o7, i64 0
  %o7_0_one = load float, ptr %o7_0_at
  %o7_0_first = insertelement <8 x float> poison, float %o7_0_one, i32 0
  %o7_0_all = shufflevector <8 x float> %o7_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %v29 = fadd <8 x float> %o4_0_all, %o7_0_all
  %v30 = call <8 x float> @llvm.sqrt.v8f32(<8 x float> %v29)
  %v31 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v30
  %v33 = fmul <8 x float> splat (float 0x4000000000000000), %o5_0_all
  %o8_at = getelementptr ptr, ptr %places, i64 8
  %o8 = load ptr, ptr %o8_at
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
  %v32 = fmul <8 x float> %v28, %v31
  %v34 = fsub <8 x float> %o0_here_value, %o6_0_all
  %v35 = fmul <8 x float> %v33, %v34
  %v36 = fmul <8 x float> %o0_here_value, %v31
  %v37 = fmul <8 x float> %o1_here_value, %v36
  %v38 = fmul <8 x float> %v27, %v26
  %v39 = fmul <8 x float> %v37, %v38
  %v40 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o1_here_value, <8 x float> %v32, <8 x float> %v35)
  %v41 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v39, <8 x float> %o3_here_value, <8 x float> %v40)
  %v42 = fmul <8 x float> %v39, %o0_here_value
  store <8 x float> %v41, ptr %o2_here, align 4
  %o8_here = getelementptr [8 x float], ptr %o8, i64 %index
  %o8_here_value = load <8 x float>, ptr %o8_here, align 4
  %o8_here_next = fadd <8 x float> %o8_here_value, %v42
  store <8 x float> %o8_here_next, ptr %o8_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}
