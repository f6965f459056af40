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
  %o3_0_at = getelementptr float, ptr %o3, i64 0
  %o3_0_one = load float, ptr %o3_0_at
  %o3_0_first = insertelement <8 x float> poison, float %o3_0_one, i32 0
  %o3_0_all = shufflevector <8 x float> %o3_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %v0 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o3_0_all, <8 x float> %o0_here_value, <8 x float> %o2_0_all)
  store <8 x float> %v0, ptr %o1_here, align 4
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
  %o4_0_at = getelementptr float, ptr %o4, i64 0
  %o4_0_one = load float, ptr %o4_0_at
  %o4_0_first = insertelement <8 x float> poison, float %o4_0_one, i32 0
  %o4_0_all = shufflevector <8 x float> %o4_0_first, <8 x float> poison, <8 x i32> zeroinitializer
  br label %loop

loop:
  %index = phi i64 [ 0, %entry ], [ %index_next, %loop ]
  %s1 = phi <8 x float> [ zeroinitializer, %entry ], [ %s1_next, %loop ]
  %s0 = phi <8 x float> [ zeroinitializer, %entry ], [ %s0_next, %loop ]
  %o0_here = getelementptr [8 x float], ptr %o0, i64 %index
  %o0_here_value = load <8 x float>, ptr %o0_here, align 4
  %o1_here = getelementptr [8 x float], ptr %o1, i64 %index
  %o1_here_value = load <8 x float>, ptr %o1_here, align 4
  %o2_here = getelementptr [8 x float], ptr %o2, i64 %index
  %v0 = fmul <8 x float> %o1_here_value, %o4_0_all
  %v1 = fmul <8 x float> %o1_here_value, %o0_here_value
  store <8 x float> %v0, ptr %o2_here, align 4
  %s0_next = fadd <8 x float> %s0, %o1_here_value
  %s1_next = fadd <8 x float> %s1, %v1
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
