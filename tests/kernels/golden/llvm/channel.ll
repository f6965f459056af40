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
  %o2_0_at = getelementptr float, ptr %o2, i64 0
  %o2_0_one = load float, ptr %o2_0_at
  %o2_0_first = insertelement <8 x float> poison, float %o2_0_one, i32 0
  %o2_0_all = shufflevector <8 x float> %o2_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o3_at = getelementptr ptr, ptr %places, i64 3
  %o3 = load ptr, ptr %o3_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o3_here = getelementptr [8 x float], ptr %o3, i64 %index
  %o3_here_value = load <8 x float>, ptr %o3_here, align 4
  %v0 = fmul <8 x float> %o3_here_value, %o0_here_value
  %v1 = fcmp ogt <8 x float> %o0_here_value, %v0
  %v2 = select <8 x i1> %v1, <8 x float> %o0_here_value, <8 x float> %v0
  %v3 = fcmp uno <8 x float> %o0_here_value, %o0_here_value
  %v4 = select <8 x i1> %v3, <8 x float> %o0_here_value, <8 x float> %v2
  %v5 = fadd <8 x float> %o2_0_all, %v4
  store <8 x float> %v5, ptr %o1_here, align 4
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
  %o3_0_at = getelementptr float, ptr %o3, i64 0
  %o3_0_one = load float, ptr %o3_0_at
  %o3_0_first = insertelement <8 x float> poison, float %o3_0_one, i32 0
  %o3_0_all = shufflevector <8 x float> %o3_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  %o4_at = getelementptr ptr, ptr %places, i64 4
  %o4 = load ptr, ptr %o4_at
  %o5_at = getelementptr ptr, ptr %places, i64 5
  %o5 = load ptr, ptr %o5_at
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %o4_here = getelementptr [8 x float], ptr %o4, i64 %index
  %o4_here_value = load <8 x float>, ptr %o4_here, align 4
  %v0 = fmul <8 x float> %o4_here_value, %o0_here_value
  %v1 = fcmp ogt <8 x float> %o0_here_value, %v0
  %v2 = fcmp oeq <8 x float> %o0_here_value, %v0
  %v3 = select <8 x i1> %v2, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v4 = fmul <8 x float> splat (float 0x3FE0000000000000), %v3
  %v5 = select <8 x i1> %v1, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v6 = fadd <8 x float> %v5, %v4
  %v7 = fcmp ogt <8 x float> %v0, %o0_here_value
  %v8 = select <8 x i1> %v7, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v9 = fadd <8 x float> %v8, %v4
  %v10 = fmul <8 x float> %o1_here_value, %v9
  %v11 = fmul <8 x float> %v10, %o4_here_value
  %v12 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o1_here_value, <8 x float> %v6, <8 x float> %v11)
  %v13 = fmul <8 x float> %v10, %o0_here_value
  store <8 x float> %v12, ptr %o2_here, align 4
  %s0_next = fadd <8 x float> %s0, %o1_here_value
  %o5_here = getelementptr [8 x float], ptr %o5, i64 %index
  %o5_here_value = load <8 x float>, ptr %o5_here, align 4
  %o5_here_next = fadd <8 x float> %o5_here_value, %v13
  store <8 x float> %o5_here_next, ptr %o5_here, align 4
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}
