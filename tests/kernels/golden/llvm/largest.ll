; forward, pass 1: max[last](x)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s0 = phi <8 x float> [ splat (float 0xFFF0000000000000), %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %s0_larger = fcmp ogt <8 x float> %o0_here_value, %s0
  %s0_nan = fcmp uno <8 x float> %o0_here_value, %o0_here_value
  %s0_taken = or <8 x i1> %s0_larger, %s0_nan
  %s0_next = select <8 x i1> %s0_taken, <8 x float> %o0_here_value, <8 x float> %s0
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}


; forward, results
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  %o2_0_at = getelementptr float, ptr %o2, i64 0
  %o2_0_one = load float, ptr %o2_0_at
  %o2_0_first = insertelement <8 x float> poison, float %o2_0_one, i32 0
  %o2_0_all = shufflevector <8 x float> %o2_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %v0 = fsub <8 x float> %o0_here_value, %o2_0_all
  %v1 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v0, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v2 = fsub <8 x float> %v1, splat (float 0x4168000000000000)
  %v3 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v0)
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v3)
  %v5 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v4, <8 x float> splat (float 0x3F56D22300000000))
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> %v4, <8 x float> splat (float 0x3F81110540000000))
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v6, <8 x float> %v4, <8 x float> splat (float 0x3FA55550C0000000))
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v7, <8 x float> %v4, <8 x float> splat (float 0x3FC5555560000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v4, <8 x float> splat (float 0x3FE0000000000000))
  %v10 = fmul <8 x float> %v4, %v4
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v9, <8 x float> %v4)
  %v12 = fadd <8 x float> %v11, splat (float 0x3FF0000000000000)
  %v13 = bitcast <8 x float> %v1 to <8 x i32>
  %v14 = shl <8 x i32> %v13, splat (i32 23)
  %v15 = bitcast <8 x float> %v12 to <8 x i32>
  %v16 = add <8 x i32> %v15, %v14
  %v17 = bitcast <8 x i32> %v16 to <8 x float>
  %v18 = fcmp ogt <8 x float> %v0, splat (float 0x40562E42E0000000)
  %v19 = select <8 x i1> %v18, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v17
  %v20 = fcmp olt <8 x float> %v0, splat (float 0xC055D589E0000000)
  %v21 = select <8 x i1> %v20, <8 x float> splat (float 0x0000000000000000), <8 x float> %v19
  store <8 x float> %v21, ptr %o1_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}


; backward, pass 1: sum[last](-upstream * exp(x - max[last](x))), sum[last](equal(x, max[last](x)))
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_0(ptr %places, i64 %count, ptr %sums) {
entry:
  %o0_at = getelementptr ptr, ptr %places, i64 0
  %o0 = load ptr, ptr %o0_at
  %o1_at = getelementptr ptr, ptr %places, i64 1
  %o1 = load ptr, ptr %o1_at
  %o2_at = getelementptr ptr, ptr %places, i64 2
  %o2 = load ptr, ptr %o2_at
  %o2_0_at = getelementptr float, ptr %o2, i64 0
  %o2_0_one = load float, ptr %o2_0_at
  %o2_0_first = insertelement <8 x float> poison, float %o2_0_one, i32 0
  %o2_0_all = shufflevector <8 x float> %o2_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s1 = phi <8 x float> [ zeroinitializer, %entry ], [ %s1_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %v0 = fsub <8 x float> %o0_here_value, %o2_0_all
  %v1 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v0, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v2 = fsub <8 x float> %v1, splat (float 0x4168000000000000)
  %v3 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v0)
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v3)
  %v5 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v4, <8 x float> splat (float 0x3F56D22300000000))
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> %v4, <8 x float> splat (float 0x3F81110540000000))
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v6, <8 x float> %v4, <8 x float> splat (float 0x3FA55550C0000000))
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v7, <8 x float> %v4, <8 x float> splat (float 0x3FC5555560000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v4, <8 x float> splat (float 0x3FE0000000000000))
  %v10 = fmul <8 x float> %v4, %v4
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v9, <8 x float> %v4)
  %v12 = fadd <8 x float> %v11, splat (float 0x3FF0000000000000)
  %v13 = bitcast <8 x float> %v1 to <8 x i32>
  %v14 = shl <8 x i32> %v13, splat (i32 23)
  %v15 = bitcast <8 x float> %v12 to <8 x i32>
  %v16 = add <8 x i32> %v15, %v14
  %v17 = bitcast <8 x i32> %v16 to <8 x float>
  %v18 = fcmp ogt <8 x float> %v0, splat (float 0x40562E42E0000000)
  %v19 = select <8 x i1> %v18, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v17
  %v20 = fcmp olt <8 x float> %v0, splat (float 0xC055D589E0000000)
  %v21 = select <8 x i1> %v20, <8 x float> splat (float 0x0000000000000000), <8 x float> %v19
  %v22 = fmul <8 x float> %o1_here_value, %v21
  %v23 = fneg <8 x float> %v22
  %v24 = fcmp oeq <8 x float> %o0_here_value, %o2_0_all
  %v25 = select <8 x i1> %v24, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %s0_next = fadd <8 x float> %s0, %v23
  %s1_next = fadd <8 x float> %s1, %v25
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  %s1_at = getelementptr [8 x float], ptr %sums, i64 1
  store <8 x float> %s1_next, ptr %s1_at, align 4
  ret void
}


; backward, results
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.fmuladd.v8f32(<8 x float>, <8 x float>, <8 x float>)

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
  %o5_at = getelementptr ptr, ptr %places, i64 5
  %o5 = load ptr, ptr %o5_at
  %o5_0_at = getelementptr float, ptr %o5, i64 0
  %o5_0_one = load float, ptr %o5_0_at
  %o5_0_first = insertelement <8 x float> poison, float %o5_0_one, i32 0
  %o5_0_all = shufflevector <8 x float> %o5_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %v23 = fdiv <8 x float> %o4_0_all, %o5_0_all
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %v0 = fsub <8 x float> %o0_here_value, %o3_0_all
  %v1 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v0, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v2 = fsub <8 x float> %v1, splat (float 0x4168000000000000)
  %v3 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v0)
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v2, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v3)
  %v5 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v4, <8 x float> splat (float 0x3F56D22300000000))
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> %v4, <8 x float> splat (float 0x3F81110540000000))
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v6, <8 x float> %v4, <8 x float> splat (float 0x3FA55550C0000000))
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v7, <8 x float> %v4, <8 x float> splat (float 0x3FC5555560000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v4, <8 x float> splat (float 0x3FE0000000000000))
  %v10 = fmul <8 x float> %v4, %v4
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v9, <8 x float> %v4)
  %v12 = fadd <8 x float> %v11, splat (float 0x3FF0000000000000)
  %v13 = bitcast <8 x float> %v1 to <8 x i32>
  %v14 = shl <8 x i32> %v13, splat (i32 23)
  %v15 = bitcast <8 x float> %v12 to <8 x i32>
  %v16 = add <8 x i32> %v15, %v14
  %v17 = bitcast <8 x i32> %v16 to <8 x float>
  %v18 = fcmp ogt <8 x float> %v0, splat (float 0x40562E42E0000000)
  %v19 = select <8 x i1> %v18, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v17
  %v20 = fcmp olt <8 x float> %v0, splat (float 0xC055D589E0000000)
  %v21 = select <8 x i1> %v20, <8 x float> splat (float 0x0000000000000000), <8 x float> %v19
  %v22 = fcmp oeq <8 x float> %o0_here_value, %o3_0_all
  %v24 = select <8 x i1> %v22, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v25 = fmul <8 x float> %v24, %v23
  %v26 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o1_here_value, <8 x float> %v21, <8 x float> %v25)
  store <8 x float> %v26, ptr %o2_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:

  ret void
}
