declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
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
  %v0 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %o0_here_value)
  %v1 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v0
  %v2 = select <8 x i1> %v1, <8 x float> splat (float 0x4000000000000000), <8 x float> %v0
  %v3 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v2
  %v4 = fmul <8 x float> %v2, %v2
  %v5 = fneg <8 x float> splat (float 0x3FE0000000000000)
  %v6 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v5, <8 x float> %v2, <8 x float> splat (float 0x3FF0000000000000))
  %v7 = fneg <8 x float> %v4
  %v8 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v7, <8 x float> %v6, <8 x float> splat (float 0x3FE5555560000000))
  %v9 = fsub <8 x float> splat (float 0x4000000000000000), %v2
  %v10 = fmul <8 x float> %v9, %v9
  %v11 = fmul <8 x float> %v10, %v9
  %v12 = fmul <8 x float> splat (float 0x3FC5555560000000), %v11
  %v13 = select <8 x i1> %v3, <8 x float> %v8, <8 x float> %v12
  %v14 = fsub <8 x float> %o0_here_value, splat (float 0x3FF0000000000000)
  %v15 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v14)
  %v16 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v15
  %v17 = select <8 x i1> %v16, <8 x float> splat (float 0x4000000000000000), <8 x float> %v15
  %v18 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v17
  %v19 = fmul <8 x float> %v17, %v17
  %v20 = fneg <8 x float> splat (float 0x3FE0000000000000)
  %v21 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v20, <8 x float> %v17, <8 x float> splat (float 0x3FF0000000000000))
  %v22 = fneg <8 x float> %v19
  %v23 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v22, <8 x float> %v21, <8 x float> splat (float 0x3FE5555560000000))
  %v24 = fsub <8 x float> splat (float 0x4000000000000000), %v17
  %v25 = fmul <8 x float> %v24, %v24
  %v26 = fmul <8 x float> %v25, %v24
  %v27 = fmul <8 x float> splat (float 0x3FC5555560000000), %v26
  %v28 = select <8 x i1> %v18, <8 x float> %v23, <8 x float> %v27
  %v29 = fmul <8 x float> %o3_0_all, %v28
  %v30 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o2_0_all, <8 x float> %v13, <8 x float> %v29)
  store <8 x float> %v30, ptr %o1_here, align 4
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
  %v1 = fsub <8 x float> %o4_0_all, %o3_0_all
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
  %v0 = fadd <8 x float> %o0_here_value, splat (float 0x3FE0000000000000)
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v0)
  %v3 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v2
  %v4 = select <8 x i1> %v3, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v2
  %v5 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v4
  %v6 = fneg <8 x float> %v4
  %v7 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v6, <8 x float> %v4, <8 x float> splat (float 0x3FE8000000000000))
  %v8 = fsub <8 x float> splat (float 0x3FF8000000000000), %v4
  %v9 = fmul <8 x float> %v8, %v8
  %v10 = fmul <8 x float> splat (float 0x3FE0000000000000), %v9
  %v11 = select <8 x i1> %v5, <8 x float> %v7, <8 x float> %v10
  %v12 = fsub <8 x float> %v0, splat (float 0x3FF0000000000000)
  %v13 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v12)
  %v14 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v13
  %v15 = select <8 x i1> %v14, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v13
  %v16 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v15
  %v17 = fneg <8 x float> %v15
  %v18 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v17, <8 x float> %v15, <8 x float> splat (float 0x3FE8000000000000))
  %v19 = fsub <8 x float> splat (float 0x3FF8000000000000), %v15
  %v20 = fmul <8 x float> %v19, %v19
  %v21 = fmul <8 x float> splat (float 0x3FE0000000000000), %v20
  %v22 = select <8 x i1> %v16, <8 x float> %v18, <8 x float> %v21
  %v23 = fmul <8 x float> %v1, %v22
  %v24 = fsub <8 x float> %v0, splat (float 0x4000000000000000)
  %v25 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v24)
  %v26 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v25
  %v27 = select <8 x i1> %v26, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v25
  %v28 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v27
  %v29 = fneg <8 x float> %v27
  %v30 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v29, <8 x float> %v27, <8 x float> splat (float 0x3FE8000000000000))
  %v31 = fsub <8 x float> splat (float 0x3FF8000000000000), %v27
  %v32 = fmul <8 x float> %v31, %v31
  %v33 = fmul <8 x float> splat (float 0x3FE0000000000000), %v32
  %v34 = select <8 x i1> %v28, <8 x float> %v30, <8 x float> %v33
  %v35 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o3_0_all, <8 x float> %v11, <8 x float> %v23)
  %v36 = fneg <8 x float> %o4_0_all
  %v37 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v36, <8 x float> %v34, <8 x float> %v35)
  %v38 = fmul <8 x float> %o1_here_value, %v37
  %v39 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %o0_here_value)
  %v40 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v39
  %v41 = select <8 x i1> %v40, <8 x float> splat (float 0x4000000000000000), <8 x float> %v39
  %v42 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v41
  %v43 = fmul <8 x float> %v41, %v41
  %v44 = fneg <8 x float> splat (float 0x3FE0000000000000)
  %v45 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v44, <8 x float> %v41, <8 x float> splat (float 0x3FF0000000000000))
  %v46 = fneg <8 x float> %v43
  %v47 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v46, <8 x float> %v45, <8 x float> splat (float 0x3FE5555560000000))
  %v48 = fsub <8 x float> splat (float 0x4000000000000000), %v41
  %v49 = fmul <8 x float> %v48, %v48
  %v50 = fmul <8 x float> %v49, %v48
  %v51 = fmul <8 x float> splat (float 0x3FC5555560000000), %v50
  %v52 = select <8 x i1> %v42, <8 x float> %v47, <8 x float> %v51
  %v53 = fmul <8 x float> %o1_here_value, %v52
  %v54 = fsub <8 x float> %o0_here_value, splat (float 0x3FF0000000000000)
  %v55 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v54)
  %v56 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v55
  %v57 = select <8 x i1> %v56, <8 x float> splat (float 0x4000000000000000), <8 x float> %v55
  %v58 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v57
  %v59 = fmul <8 x float> %v57, %v57
  %v60 = fneg <8 x float> splat (float 0x3FE0000000000000)
  %v61 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v60, <8 x float> %v57, <8 x float> splat (float 0x3FF0000000000000))
  %v62 = fneg <8 x float> %v59
  %v63 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v62, <8 x float> %v61, <8 x float> splat (float 0x3FE5555560000000))
  %v64 = fsub <8 x float> splat (float 0x4000000000000000), %v57
  %v65 = fmul <8 x float> %v64, %v64
  %v66 = fmul <8 x float> %v65, %v64
  %v67 = fmul <8 x float> splat (float 0x3FC5555560000000), %v66
  %v68 = select <8 x i1> %v58, <8 x float> %v63, <8 x float> %v67
  %v69 = fmul <8 x float> %o1_here_value, %v68
  store <8 x float> %v38, ptr %o2_here, align 4
  %s0_next = fadd <8 x float> %s0, %v53
  %s1_next = fadd <8 x float> %s1, %v69
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
