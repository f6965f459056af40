declare <8 x float> @llvm.fabs.v8f32(<8 x float>)

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
  %v4 = fmul contract <8 x float> %v2, %v2
  %v5 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v2
  %v6 = fsub contract <8 x float> splat (float 0x3FF0000000000000), %v5
  %v7 = fmul contract <8 x float> %v4, %v6
  %v8 = fsub contract <8 x float> splat (float 0x3FE5555560000000), %v7
  %v9 = fsub contract <8 x float> splat (float 0x4000000000000000), %v2
  %v10 = fmul contract <8 x float> %v9, %v9
  %v11 = fmul contract <8 x float> %v10, %v9
  %v12 = fmul contract <8 x float> splat (float 0x3FC5555560000000), %v11
  %v13 = select <8 x i1> %v3, <8 x float> %v8, <8 x float> %v12
  %v14 = fmul contract <8 x float> %o2_0_all, %v13
  %v15 = fsub contract <8 x float> %o0_here_value, splat (float 0x3FF0000000000000)
  %v16 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v15)
  %v17 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v16
  %v18 = select <8 x i1> %v17, <8 x float> splat (float 0x4000000000000000), <8 x float> %v16
  %v19 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v18
  %v20 = fmul contract <8 x float> %v18, %v18
  %v21 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v18
  %v22 = fsub contract <8 x float> splat (float 0x3FF0000000000000), %v21
  %v23 = fmul contract <8 x float> %v20, %v22
  %v24 = fsub contract <8 x float> splat (float 0x3FE5555560000000), %v23
  %v25 = fsub contract <8 x float> splat (float 0x4000000000000000), %v18
  %v26 = fmul contract <8 x float> %v25, %v25
  %v27 = fmul contract <8 x float> %v26, %v25
  %v28 = fmul contract <8 x float> splat (float 0x3FC5555560000000), %v27
  %v29 = select <8 x i1> %v19, <8 x float> %v24, <8 x float> %v28
  %v30 = fmul contract <8 x float> %o3_0_all, %v29
  %v31 = fadd contract <8 x float> %v14, %v30
  store <8 x float> %v31, ptr %o1_here, align 4
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
  %v1 = fsub contract <8 x float> %o4_0_all, %o3_0_all
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
  %v0 = fadd contract <8 x float> %o0_here_value, splat (float 0x3FE0000000000000)
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v0)
  %v3 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v2
  %v4 = select <8 x i1> %v3, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v2
  %v5 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v4
  %v6 = fmul contract <8 x float> %v4, %v4
  %v7 = fsub contract <8 x float> splat (float 0x3FE8000000000000), %v6
  %v8 = fsub contract <8 x float> splat (float 0x3FF8000000000000), %v4
  %v9 = fmul contract <8 x float> %v8, %v8
  %v10 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v9
  %v11 = select <8 x i1> %v5, <8 x float> %v7, <8 x float> %v10
  %v12 = fmul contract <8 x float> %o3_0_all, %v11
  %v13 = fsub contract <8 x float> %v0, splat (float 0x3FF0000000000000)
  %v14 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v13)
  %v15 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v14
  %v16 = select <8 x i1> %v15, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v14
  %v17 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v16
  %v18 = fmul contract <8 x float> %v16, %v16
  %v19 = fsub contract <8 x float> splat (float 0x3FE8000000000000), %v18
  %v20 = fsub contract <8 x float> splat (float 0x3FF8000000000000), %v16
  %v21 = fmul contract <8 x float> %v20, %v20
  %v22 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v21
  %v23 = select <8 x i1> %v17, <8 x float> %v19, <8 x float> %v22
  %v24 = fmul contract <8 x float> %v1, %v23
  %v25 = fsub contract <8 x float> %v0, splat (float 0x4000000000000000)
  %v26 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v25)
  %v27 = fcmp olt <8 x float> splat (float 0x3FF8000000000000), %v26
  %v28 = select <8 x i1> %v27, <8 x float> splat (float 0x3FF8000000000000), <8 x float> %v26
  %v29 = fcmp ogt <8 x float> splat (float 0x3FE0000000000000), %v28
  %v30 = fmul contract <8 x float> %v28, %v28
  %v31 = fsub contract <8 x float> splat (float 0x3FE8000000000000), %v30
  %v32 = fsub contract <8 x float> splat (float 0x3FF8000000000000), %v28
  %v33 = fmul contract <8 x float> %v32, %v32
  %v34 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v33
  %v35 = select <8 x i1> %v29, <8 x float> %v31, <8 x float> %v34
  %v36 = fmul contract <8 x float> %o4_0_all, %v35
  %v37 = fadd contract <8 x float> %v12, %v24
  %v38 = fsub contract <8 x float> %v37, %v36
  %v39 = fmul contract <8 x float> %o1_here_value, %v38
  %v40 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %o0_here_value)
  %v41 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v40
  %v42 = select <8 x i1> %v41, <8 x float> splat (float 0x4000000000000000), <8 x float> %v40
  %v43 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v42
  %v44 = fmul contract <8 x float> %v42, %v42
  %v45 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v42
  %v46 = fsub contract <8 x float> splat (float 0x3FF0000000000000), %v45
  %v47 = fmul contract <8 x float> %v44, %v46
  %v48 = fsub contract <8 x float> splat (float 0x3FE5555560000000), %v47
  %v49 = fsub contract <8 x float> splat (float 0x4000000000000000), %v42
  %v50 = fmul contract <8 x float> %v49, %v49
  %v51 = fmul contract <8 x float> %v50, %v49
  %v52 = fmul contract <8 x float> splat (float 0x3FC5555560000000), %v51
  %v53 = select <8 x i1> %v43, <8 x float> %v48, <8 x float> %v52
  %v54 = fmul contract <8 x float> %o1_here_value, %v53
  %v55 = fsub contract <8 x float> %o0_here_value, splat (float 0x3FF0000000000000)
  %v56 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v55)
  %v57 = fcmp olt <8 x float> splat (float 0x4000000000000000), %v56
  %v58 = select <8 x i1> %v57, <8 x float> splat (float 0x4000000000000000), <8 x float> %v56
  %v59 = fcmp ogt <8 x float> splat (float 0x3FF0000000000000), %v58
  %v60 = fmul contract <8 x float> %v58, %v58
  %v61 = fmul contract <8 x float> splat (float 0x3FE0000000000000), %v58
  %v62 = fsub contract <8 x float> splat (float 0x3FF0000000000000), %v61
  %v63 = fmul contract <8 x float> %v60, %v62
  %v64 = fsub contract <8 x float> splat (float 0x3FE5555560000000), %v63
  %v65 = fsub contract <8 x float> splat (float 0x4000000000000000), %v58
  %v66 = fmul contract <8 x float> %v65, %v65
  %v67 = fmul contract <8 x float> %v66, %v65
  %v68 = fmul contract <8 x float> splat (float 0x3FC5555560000000), %v67
  %v69 = select <8 x i1> %v59, <8 x float> %v64, <8 x float> %v68
  %v70 = fmul contract <8 x float> %o1_here_value, %v69
  store <8 x float> %v39, ptr %o2_here, align 4
  %s0_next = fadd <8 x float> %s0, %v54
  %s1_next = fadd <8 x float> %s1, %v70
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
