declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)

; `count` vectors of elements; `places` points to each operand's first, and the sums of every lane go to `sums`.
define void @sweep_2(ptr %places, i64 %count, ptr %sums) {
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
  %o3_here = getelementptr [8 x float], ptr %o3, i64 %index
  %o4_here = getelementptr [8 x float], ptr %o4, i64 %index
  %v0 = fmul contract <8 x float> %o1_here_value, %o0_here_value
  %v1 = fmul contract <8 x float> %o5_0_all, %o0_here_value
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v1)
  %v3 = fneg <8 x float> %v2
  %v4 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v3, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v5 = fsub contract <8 x float> %v4, splat (float 0x4168000000000000)
  %v6 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0xBFE6300000000000), <8 x float> %v3)
  %v7 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v5, <8 x float> splat (float 0x3F2BD01060000000), <8 x float> %v6)
  %v8 = call <8 x float> @llvm.fma.v8f32(<8 x float> splat (float 0x3F2A184500000000), <8 x float> %v7, <8 x float> splat (float 0x3F56D22300000000))
  %v9 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v8, <8 x float> %v7, <8 x float> splat (float 0x3F81110540000000))
  %v10 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v9, <8 x float> %v7, <8 x float> splat (float 0x3FA55550C0000000))
  %v11 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v10, <8 x float> %v7, <8 x float> splat (float 0x3FC5555560000000))
  %v12 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v11, <8 x float> %v7, <8 x float> splat (float 0x3FE0000000000000))
  %v13 = fmul contract <8 x float> %v7, %v7
  %v14 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v13, <8 x float> %v12, <8 x float> %v7)
  %v15 = fadd contract <8 x float> %v14, splat (float 0x3FF0000000000000)
  %v16 = bitcast <8 x float> %v4 to <8 x i32>
  %v17 = shl <8 x i32> %v16, splat (i32 23)
  %v18 = bitcast <8 x float> %v15 to <8 x i32>
  %v19 = add <8 x i32> %v18, %v17
  %v20 = bitcast <8 x i32> %v19 to <8 x float>
  %v21 = fcmp ogt <8 x float> %v3, splat (float 0x40562E42E0000000)
  %v22 = select <8 x i1> %v21, <8 x float> splat (float 0x7FF0000000000000), <8 x float> %v20
  %v23 = fcmp olt <8 x float> %v3, splat (float 0xC055D589E0000000)
  %v24 = select <8 x i1> %v23, <8 x float> splat (float 0x0000000000000000), <8 x float> %v22
  %v25 = fmul contract <8 x float> %v24, %v24
  %v26 = fadd contract <8 x float> splat (float 0x3FF0000000000000), %v25
  %v27 = fdiv contract <8 x float> %v24, %v26
  %v28 = fmul contract <8 x float> %v27, %v27
  %v29 = fmul contract <8 x float> splat (float 0x4010000000000000), %v28
  %v30 = fmul contract <8 x float> %v0, %v29
  %v31 = fmul contract <8 x float> %o6_0_all, %v30
  %v32 = fmul contract <8 x float> %o6_0_all, %o0_here_value
  %v33 = fmul contract <8 x float> %o2_here_value, %o5_0_all
  %v34 = fadd contract <8 x float> %v32, %v33
  %v35 = fmul contract <8 x float> %v34, %v29
  %v36 = fmul contract <8 x float> %v35, %o1_here_value
  %v37 = fmul contract <8 x float> %v34, %v0
  %v38 = fmul contract <8 x float> %v37, splat (float 0x4010000000000000)
  %v39 = fmul contract <8 x float> splat (float 0x4000000000000000), %v27
  %v40 = fmul contract <8 x float> %v38, %v39
  %v41 = fdiv contract <8 x float> splat (float 0x3FF0000000000000), %v26
  %v42 = fmul contract <8 x float> %v40, %v41
  %v43 = fmul contract <8 x float> %v24, %v41
  %v44 = fmul contract <8 x float> %v43, %v41
  %v45 = fmul contract <8 x float> %v44, %v40
  %v46 = fmul contract <8 x float> %v45, %v24
  %v47 = fsub contract <8 x float> %v42, %v46
  %v48 = fsub contract <8 x float> %v47, %v46
  %v49 = fmul contract <8 x float> %v48, %v24
  %v50 = fcmp ogt <8 x float> %v1, splat (float 0x0000000000000000)
  %v51 = fcmp ogt <8 x float> splat (float 0x0000000000000000), %v1
  %v52 = select <8 x i1> %v50, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v53 = select <8 x i1> %v51, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v54 = fsub contract <8 x float> %v52, %v53
  %v55 = fmul contract <8 x float> %v49, %v54
  %v56 = fmul contract <8 x float> %o2_here_value, %o1_here_value
  %v57 = fmul contract <8 x float> %v56, %v29
  %v58 = fsub contract <8 x float> %v57, %v55
  %v59 = fmul contract <8 x float> %v58, %o5_0_all
  %v60 = fadd contract <8 x float> %v31, %v36
  %v61 = fadd contract <8 x float> %v60, %v59
  %v62 = fmul contract <8 x float> %v35, %o0_here_value
  %v63 = fmul contract <8 x float> %v1, %v1
  %v64 = fcmp olt <8 x float> splat (float 0x40527D70A0000000), %v63
  %v65 = select <8 x i1> %v64, <8 x float> splat (float 0x40527D70A0000000), <8 x float> %v63
  %v66 = fmul contract <8 x float> splat (float 0x3E4E614740000000), %v65
  %v67 = fadd contract <8 x float> %v66, splat (float 0x3EF6333AE0000000)
  %v68 = fmul contract <8 x float> %v67, %v65
  %v69 = fadd contract <8 x float> %v68, splat (float 0x3F6CE9F920000000)
  %v70 = fmul contract <8 x float> %v69, %v65
  %v71 = fadd contract <8 x float> %v70, splat (float 0x3FC12A0BE0000000)
  %v72 = fmul contract <8 x float> %v71, %v65
  %v73 = fadd contract <8 x float> %v72, splat (float 0x3FF0000000000000)
  %v74 = fmul contract <8 x float> %v1, %v73
  %v75 = fmul contract <8 x float> splat (float 0x3EAB2BEEE0000000), %v65
  %v76 = fadd contract <8 x float> %v75, splat (float 0x3F35E5C480000000)
  %v77 = fmul contract <8 x float> %v76, %v65
  %v78 = fadd contract <8 x float> %v77, splat (float 0x3F9AA14F60000000)
  %v79 = fmul contract <8 x float> %v78, %v65
  %v80 = fadd contract <8 x float> %v79, splat (float 0x3FDDEA5B00000000)
  %v81 = fmul contract <8 x float> %v80, %v65
  %v82 = fadd contract <8 x float> %v81, splat (float 0x3FF0000000000000)
  %v83 = fdiv contract <8 x float> %v74, %v82
  %v84 = fcmp olt <8 x float> splat (float 0x3FF0000000000000), %v83
  %v85 = select <8 x i1> %v84, <8 x float> splat (float 0x3FF0000000000000), <8 x float> %v83
  %v86 = fcmp ogt <8 x float> splat (float 0xBFF0000000000000), %v85
  %v87 = select <8 x i1> %v86, <8 x float> splat (float 0xBFF0000000000000), <8 x float> %v85
  %v88 = fmul contract <8 x float> %o2_here_value, %v87
  %v89 = fadd contract <8 x float> %v62, %v88
  %v90 = fmul contract <8 x float> %o2_here_value, %v30
  %v91 = fmul contract <8 x float> %v58, %o0_here_value
  %v92 = fadd contract <8 x float> %v90, %v91
  store <8 x float> %v61, ptr %o3_here, align 4
  store <8 x float> %v89, ptr %o4_here, align 4
  %s0_next = fadd <8 x float> %s0, %v92
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}
