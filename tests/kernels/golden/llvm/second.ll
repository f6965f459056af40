declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.fmuladd.v8f32(<8 x float>, <8 x float>, <8 x float>)

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
  %v0 = fmul <8 x float> %o1_here_value, %o0_here_value
  %v1 = fmul <8 x float> %o5_0_all, %o0_here_value
  %v2 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v1)
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
  %v25 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v24, <8 x float> %v24, <8 x float> splat (float 0x3FF0000000000000))
  %v26 = fdiv <8 x float> %v24, %v25
  %v27 = fmul <8 x float> %v26, %v26
  %v28 = fmul <8 x float> splat (float 0x4010000000000000), %v27
  %v29 = fmul <8 x float> %v0, %v28
  %v30 = fmul <8 x float> %o2_here_value, %o5_0_all
  %v31 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o6_0_all, <8 x float> %o0_here_value, <8 x float> %v30)
  %v32 = fmul <8 x float> %v31, %v28
  %v33 = fmul <8 x float> %v32, %o1_here_value
  %v34 = fmul <8 x float> %v31, %v0
  %v35 = fmul <8 x float> %v34, splat (float 0x4010000000000000)
  %v36 = fmul <8 x float> splat (float 0x4000000000000000), %v26
  %v37 = fmul <8 x float> %v35, %v36
  %v38 = fdiv <8 x float> splat (float 0x3FF0000000000000), %v25
  %v39 = fmul <8 x float> %v24, %v38
  %v40 = fmul <8 x float> %v39, %v38
  %v41 = fmul <8 x float> %v40, %v37
  %v42 = fmul <8 x float> %v41, %v24
  %v43 = fneg <8 x float> %v42
  %v44 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v37, <8 x float> %v38, <8 x float> %v43)
  %v45 = fsub <8 x float> %v44, %v42
  %v46 = fmul <8 x float> %v45, %v24
  %v47 = fcmp ogt <8 x float> %v1, splat (float 0x0000000000000000)
  %v48 = fcmp ogt <8 x float> splat (float 0x0000000000000000), %v1
  %v49 = select <8 x i1> %v47, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v50 = select <8 x i1> %v48, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x0000000000000000)
  %v51 = fsub <8 x float> %v49, %v50
  %v52 = fmul <8 x float> %v46, %v51
  %v53 = fmul <8 x float> %o2_here_value, %o1_here_value
  %v54 = fneg <8 x float> %v52
  %v55 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v53, <8 x float> %v28, <8 x float> %v54)
  %v56 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o6_0_all, <8 x float> %v29, <8 x float> %v33)
  %v57 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v55, <8 x float> %o5_0_all, <8 x float> %v56)
  %v58 = fmul <8 x float> %v1, %v1
  %v59 = fcmp olt <8 x float> splat (float 0x40527D70A0000000), %v58
  %v60 = select <8 x i1> %v59, <8 x float> splat (float 0x40527D70A0000000), <8 x float> %v58
  %v61 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3E4E614740000000), <8 x float> %v60, <8 x float> splat (float 0x3EF6333AE0000000))
  %v62 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v61, <8 x float> %v60, <8 x float> splat (float 0x3F6CE9F920000000))
  %v63 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v62, <8 x float> %v60, <8 x float> splat (float 0x3FC12A0BE0000000))
  %v64 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v63, <8 x float> %v60, <8 x float> splat (float 0x3FF0000000000000))
  %v65 = fmul <8 x float> %v1, %v64
  %v66 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> splat (float 0x3EAB2BEEE0000000), <8 x float> %v60, <8 x float> splat (float 0x3F35E5C480000000))
  %v67 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v66, <8 x float> %v60, <8 x float> splat (float 0x3F9AA14F60000000))
  %v68 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v67, <8 x float> %v60, <8 x float> splat (float 0x3FDDEA5B00000000))
  %v69 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v68, <8 x float> %v60, <8 x float> splat (float 0x3FF0000000000000))
  %v70 = fdiv <8 x float> %v65, %v69
  %v71 = fcmp olt <8 x float> splat (float 0x3FF0000000000000), %v70
  %v72 = select <8 x i1> %v71, <8 x float> splat (float 0x3FF0000000000000), <8 x float> %v70
  %v73 = fcmp ogt <8 x float> splat (float 0xBFF0000000000000), %v72
  %v74 = select <8 x i1> %v73, <8 x float> splat (float 0xBFF0000000000000), <8 x float> %v72
  %v75 = fmul <8 x float> %o2_here_value, %v74
  %v76 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %v32, <8 x float> %o0_here_value, <8 x float> %v75)
  %v77 = fmul <8 x float> %v55, %o0_here_value
  %v78 = call <8 x float> @llvm.fmuladd.v8f32(<8 x float> %o2_here_value, <8 x float> %v29, <8 x float> %v77)
  store <8 x float> %v57, ptr %o3_here, align 4
  store <8 x float> %v76, ptr %o4_here, align 4
  %s0_next = fadd <8 x float> %s0, %v78
  %index_next = add i64 %index, 1
  %more = icmp slt i64 %index_next, %count
  br i1 %more, label %loop, label %done

done:
  %s0_at = getelementptr [8 x float], ptr %sums, i64 0
  store <8 x float> %s0_next, ptr %s0_at, align 4
  ret void
}
