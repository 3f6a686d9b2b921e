; made of loops.py 16c832090f3311c15bc17e190a0455f76ea607745d355cc1eb3e146648199a1b
; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare double @llvm.fabs.f64(double) #0

; Function Attrs: nofree norecurse nosync nounwind memory(argmem: readwrite)
define void @add_values(ptr noalias readonly captures(none) %values, i64 %first, i64 %last, double %center, double %per_scale, ptr noalias captures(none) %counts, ptr noalias captures(none) %sums, ptr noalias captures(none) %moments, ptr noalias captures(none) %ys, ptr noalias captures(none) %bins) local_unnamed_addr #1 {
  %.69.i = sub i64 %last, %first
  %1 = add nuw i64 %.69.i, 511
  %.93.i = lshr i64 %1, 9
  %.70.inv.i = icmp slt i64 %.69.i, 1
  %.115265.not269.i = icmp eq i64 %.93.i, 0
  %.115265.not.i = select i1 %.70.inv.i, i1 true, i1 %.115265.not269.i
  br i1 %.115265.not.i, label %_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit, label %B50.if.lr.ph.i

B50.if.lr.ph.i:                                   ; preds = %0
  %.227.i = getelementptr i8, ptr %moments, i64 24
  %.230.i = getelementptr i8, ptr %moments, i64 32
  %.657.i = getelementptr i8, ptr %moments, i64 8
  %.666.i = getelementptr i8, ptr %moments, i64 16
  %.681.i = getelementptr i8, ptr %moments, i64 40
  %.227.i.promoted = load double, ptr %.227.i, align 8, !noalias !0
  %.230.i.promoted = load double, ptr %.230.i, align 8, !noalias !0
  %moments.promoted = load double, ptr %moments, align 8, !noalias !0
  %.657.i.promoted = load double, ptr %.657.i, align 8, !noalias !0
  %.666.i.promoted = load double, ptr %.666.i, align 8, !noalias !0
  %.681.i.promoted = load double, ptr %.681.i, align 8, !noalias !0
  br label %B50.if.i

B644.loopexit.i:                                  ; preds = %B214.if.i
  %2 = icmp ne i64 %.585.i, 0
  %3 = icmp eq i64 %.629.i, %.528.i
  br label %B644.i

B644.i:                                           ; preds = %B50.if.i, %B644.loopexit.i
  %finite.2.1.lcssa.i = phi i64 [ 0, %B50.if.i ], [ %.528.i, %B644.loopexit.i ]
  %missing.2.1.lcssa.i = phi i64 [ 0, %B50.if.i ], [ %.554.i, %B644.loopexit.i ]
  %outside.2.1.lcssa.i = phi i1 [ false, %B50.if.i ], [ %2, %B644.loopexit.i ]
  %same.2.1.lcssa.i = phi i1 [ true, %B50.if.i ], [ %3, %B644.loopexit.i ]
  %.651.i = uitofp nneg i64 %finite.2.1.lcssa.i to double
  %.652.i = fadd double %.652.i9, %.651.i
  %.660.i = uitofp nneg i64 %missing.2.1.lcssa.i to double
  %.661.i = fadd double %.661.i10, %.660.i
  %4 = add i64 %finite.2.1.lcssa.i, %missing.2.1.lcssa.i
  %.672.i = sub i64 %.13.i248.i, %4
  %.675.i = sitofp i64 %.672.i to double
  %.676.i = fadd double %.676.i11, %.675.i
  br i1 %.283.i, label %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i, label %B38.if.i.i

B38.if.i.i:                                       ; preds = %B38.if.i.i, %B644.i
  %total.2.037.i.i = phi double [ %.138.i.i, %B38.if.i.i ], [ 0.000000e+00, %B644.i ]
  %.34.035.i.i = phi i64 [ %.105.i.i, %B38.if.i.i ], [ 0, %B644.i ]
  %.105.i.i = add nuw nsw i64 %.34.035.i.i, 1
  %.131.i.i = getelementptr double, ptr %ys, i64 %.34.035.i.i
  %.132.i.i = load double, ptr %.131.i.i, align 8, !noalias !3
  %.136.i.i = fmul reassoc double %.132.i.i, %.132.i.i
  %.138.i.i = fadd reassoc double %total.2.037.i.i, %.136.i.i
  %exitcond.not.i.i = icmp eq i64 %.13.i248.i, %.105.i.i
  br i1 %exitcond.not.i.i, label %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i, label %B38.if.i.i

_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i: ; preds = %B38.if.i.i, %B644.i
  %total.2.0.lcssa.i.i = phi double [ 0.000000e+00, %B644.i ], [ %.138.i.i, %B38.if.i.i ]
  %.709.i = fadd double %.709.i12, %total.2.0.lcssa.i.i
  br i1 %outside.2.1.lcssa.i, label %B894.if.i, label %B1110.i

B932.i:                                           ; preds = %B894.if.i
  %.852.i = getelementptr double, ptr %.234.i, i64 %.742.0260.i
  %.853.i = load double, ptr %.852.i, align 8, !noalias !0
  %.12.i.i = fcmp olt double %.853.i, %.13.i.i3
  %.13.i.i = select i1 %.12.i.i, double %.853.i, double %.13.i.i3
  store double %.13.i.i, ptr %.227.i, align 8, !noalias !0
  %.12.i246.i = fcmp ogt double %.853.i, %.13.i247.i7
  %.13.i247.i = select i1 %.12.i246.i, double %.853.i, double %.13.i247.i7
  store double %.13.i247.i, ptr %.230.i, align 8, !noalias !0
  br label %B1108.i

B1108.i:                                          ; preds = %B894.if.i, %B932.i
  %.13.i247.i6 = phi double [ %.13.i247.i7, %B894.if.i ], [ %.13.i247.i, %B932.i ]
  %.13.i.i2 = phi double [ %.13.i.i3, %B894.if.i ], [ %.13.i.i, %B932.i ]
  %exitcond270.not.i = icmp eq i64 %.811.i, %storemerge243.i
  br i1 %exitcond270.not.i, label %B1110.i, label %B894.if.i

B1110.i:                                          ; preds = %B1108.i, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i
  %.13.i247.i5 = phi double [ %.13.i247.i8, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i ], [ %.13.i247.i6, %B1108.i ]
  %.13.i.i1 = phi double [ %.13.i.i4, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i ], [ %.13.i.i2, %B1108.i ]
  %.951.i = icmp eq i64 %finite.2.1.lcssa.i, %.13.i248.i
  %or.cond.i = and i1 %.951.i, %same.2.1.lcssa.i
  br i1 %or.cond.i, label %B1142.i, label %B1282.preheader.i

B1282.preheader.i:                                ; preds = %B1110.i
  br i1 %.325249.i, label %B1282.if.i, label %B1427.i

B1142.i:                                          ; preds = %B1110.i
  %.961.i = load i64, ptr %bins, align 8, !noalias !0
  %.963.i = getelementptr i64, ptr %counts, i64 %.961.i
  %.964.i = load i64, ptr %.963.i, align 8, !noalias !0
  %.966.i = add nsw i64 %.964.i, %.13.i248.i
  store i64 %.966.i, ptr %.963.i, align 8, !noalias !0
  %.974.i = getelementptr double, ptr %sums, i64 %.961.i
  %.975.i = load double, ptr %.974.i, align 8, !noalias !0
  %.978.i = load double, ptr %ys, align 8, !noalias !0
  %.980.i = sitofp i64 %.13.i248.i to double
  %.981.i = fmul double %.978.i, %.980.i
  %.984.i = fadd double %.975.i, %.981.i
  store double %.984.i, ptr %.974.i, align 8, !noalias !0
  br label %B1427.i

B1320.i:                                          ; preds = %B1282.if.i
  %.1123.i = getelementptr i64, ptr %counts, i64 %.1115.i
  %.1124.i = load i64, ptr %.1123.i, align 8, !noalias !0
  %.1125.i = add nsw i64 %.1124.i, 1
  store i64 %.1125.i, ptr %.1123.i, align 8, !noalias !0
  %.1134.i = getelementptr double, ptr %sums, i64 %.1115.i
  %.1135.i = load double, ptr %.1134.i, align 8, !noalias !0
  %.1138.i = getelementptr double, ptr %ys, i64 %.1015.0263.i
  %.1139.i = load double, ptr %.1138.i, align 8, !noalias !0
  %.1142.i = fadd double %.1135.i, %.1139.i
  store double %.1142.i, ptr %.1134.i, align 8, !noalias !0
  br label %B1420.i

B1420.i:                                          ; preds = %B1282.if.i, %B1320.i
  %exitcond271.not.i = icmp eq i64 %.1084.i, %storemerge243.i
  br i1 %exitcond271.not.i, label %B1427.i, label %B1282.if.i

B1427.i:                                          ; preds = %B1420.i, %B1142.i, %B1282.preheader.i
  %.115.i = icmp sgt i64 %.59.0266.i, 1
  br i1 %.115.i, label %B50.if.i, label %_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit.loopexit

B50.if.i:                                         ; preds = %B1427.i, %B50.if.lr.ph.i
  %.709.i12 = phi double [ %.681.i.promoted, %B50.if.lr.ph.i ], [ %.709.i, %B1427.i ]
  %.676.i11 = phi double [ %.666.i.promoted, %B50.if.lr.ph.i ], [ %.676.i, %B1427.i ]
  %.661.i10 = phi double [ %.657.i.promoted, %B50.if.lr.ph.i ], [ %.661.i, %B1427.i ]
  %.652.i9 = phi double [ %moments.promoted, %B50.if.lr.ph.i ], [ %.652.i, %B1427.i ]
  %.13.i247.i8 = phi double [ %.230.i.promoted, %B50.if.lr.ph.i ], [ %.13.i247.i5, %B1427.i ]
  %.13.i.i4 = phi double [ %.227.i.promoted, %B50.if.lr.ph.i ], [ %.13.i.i1, %B1427.i ]
  %.56.0267.i = phi i64 [ %first, %B50.if.lr.ph.i ], [ %.128.i, %B1427.i ]
  %.59.0266.i = phi i64 [ %.93.i, %B50.if.lr.ph.i ], [ %.124.i, %B1427.i ]
  %.124.i = add nsw i64 %.59.0266.i, -1
  %.128.i = add i64 %.56.0267.i, 512
  %.158.i = sub nsw i64 %last, %.56.0267.i
  %.13.i248.i = tail call i64 @llvm.smin.i64(i64 %.158.i, i64 512)
  %.234.i = getelementptr double, ptr %values, i64 %.56.0267.i
  %.235.i = load double, ptr %.234.i, align 8, !noalias !0
  %.283.i = icmp slt i64 %.158.i, 1
  %storemerge243.i = select i1 %.283.i, i64 0, i64 %.13.i248.i
  %.325249.i = icmp sgt i64 %storemerge243.i, 0
  br i1 %.325249.i, label %B214.if.i, label %B644.i

B214.if.i:                                        ; preds = %B214.if.i, %B50.if.i
  %same.2.1255.i = phi i64 [ %.629.i, %B214.if.i ], [ 0, %B50.if.i ]
  %outside.2.1254.i = phi i64 [ %.585.i, %B214.if.i ], [ 0, %B50.if.i ]
  %missing.2.1253.i = phi i64 [ %.554.i, %B214.if.i ], [ 0, %B50.if.i ]
  %finite.2.1252.i = phi i64 [ %.528.i, %B214.if.i ], [ 0, %B50.if.i ]
  %.269.0251.i = phi i64 [ %.338.i, %B214.if.i ], [ 0, %B50.if.i ]
  %.338.i = add nuw nsw i64 %.269.0251.i, 1
  %.370.i = getelementptr double, ptr %.234.i, i64 %.269.0251.i
  %.371.i = load double, ptr %.370.i, align 8, !noalias !0
  %.377.i = fsub double %.371.i, %center
  %.379.i = fmul double %per_scale, %.377.i
  %.384.i = tail call double @llvm.fabs.f64(double %.379.i)
  %.385.i = fadd double %.384.i, 1.000000e+00
  %.390.i = fcmp one double %.385.i, 0x7FF0000000000000
  %.395.i = fcmp olt double %.385.i, 0x426FFFFFFFFFFFFF
  %.385..i = select i1 %.395.i, double %.385.i, double 0x426FFFFFFFFFFFFF
  %.5.i.i = bitcast double %.385..i to i64
  %.6.i.i = lshr i64 %.5.i.i, 45
  %.441.i = fcmp ult double %.379.i, 0.000000e+00
  %.444.i = add nsw i64 %.6.i.i, -125824
  %.453.i = sub nsw i64 136063, %.6.i.i
  %"$phi456.2.2.2.i" = select i1 %.441.i, i64 %.453.i, i64 %.444.i
  %"$phi478.2.2.2.i" = select i1 %.390.i, i64 %"$phi456.2.2.2.i", i64 10240
  %.482.i = getelementptr i64, ptr %bins, i64 %.269.0251.i
  store i64 %"$phi478.2.2.2.i", ptr %.482.i, align 8, !noalias !0
  %"$phi496.2.2.2.i" = select i1 %.390.i, double %.379.i, double 0.000000e+00
  %.503.i = getelementptr double, ptr %ys, i64 %.269.0251.i
  store double %"$phi496.2.2.2.i", ptr %.503.i, align 8, !noalias !0
  %"$phi516.3.2.2.i" = zext i1 %.390.i to i64
  %.528.i = add nuw nsw i64 %finite.2.1252.i, %"$phi516.3.2.2.i"
  %.537.i = fcmp uno double %.371.i, 0.000000e+00
  %"$phi570.3.2.2.i" = zext i1 %.537.i to i64
  %.554.i = add nuw nsw i64 %missing.2.1253.i, %"$phi570.3.2.2.i"
  %.564.i = fcmp olt double %.371.i, %.13.i.i4
  %.567.i = fcmp ogt double %.371.i, %.13.i247.i8
  %.568.i = or i1 %.564.i, %.567.i
  %"$phi610.3.2.2.i" = zext i1 %.568.i to i64
  %.585.i = add nuw nsw i64 %outside.2.1254.i, %"$phi610.3.2.2.i"
  %.595.i = fcmp oeq double %.371.i, %.235.i
  %"$phi636.3.2.2.i" = zext i1 %.595.i to i64
  %.629.i = add nuw nsw i64 %same.2.1255.i, %"$phi636.3.2.2.i"
  %exitcond.not.i = icmp eq i64 %.338.i, %storemerge243.i
  br i1 %exitcond.not.i, label %B644.loopexit.i, label %B214.if.i

B894.if.i:                                        ; preds = %B1108.i, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i
  %.13.i247.i7 = phi double [ %.13.i247.i6, %B1108.i ], [ %.13.i247.i8, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i ]
  %.13.i.i3 = phi double [ %.13.i.i2, %B1108.i ], [ %.13.i.i4, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i ]
  %.742.0260.i = phi i64 [ %.811.i, %B1108.i ], [ 0, %_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax.exit.i ]
  %.811.i = add nuw nsw i64 %.742.0260.i, 1
  %.841.i = getelementptr i64, ptr %bins, i64 %.742.0260.i
  %.842.i = load i64, ptr %.841.i, align 8, !noalias !0
  %.843.i = icmp slt i64 %.842.i, 10240
  br i1 %.843.i, label %B932.i, label %B1108.i

B1282.if.i:                                       ; preds = %B1420.i, %B1282.preheader.i
  %.1015.0263.i = phi i64 [ %.1084.i, %B1420.i ], [ 0, %B1282.preheader.i ]
  %.1084.i = add nuw nsw i64 %.1015.0263.i, 1
  %.1114.i = getelementptr i64, ptr %bins, i64 %.1015.0263.i
  %.1115.i = load i64, ptr %.1114.i, align 8, !noalias !0
  %.1116.i = icmp slt i64 %.1115.i, 10240
  br i1 %.1116.i, label %B1320.i, label %B1420.i

_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit.loopexit: ; preds = %B1427.i
  store double %.652.i, ptr %moments, align 8, !noalias !0
  store double %.661.i, ptr %.657.i, align 8, !noalias !0
  store double %.676.i, ptr %.666.i, align 8, !noalias !0
  store double %.709.i, ptr %.681.i, align 8, !noalias !0
  br label %_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit

_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit: ; preds = %_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a.exit.loopexit, %0
  ret void
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.smin.i64(i64, i64) #0

; Function Attrs: nofree norecurse nosync nounwind memory(argmem: readwrite)
define void @add_days(ptr noalias readonly captures(none) %values, ptr noalias readonly captures(none) %days, i64 %size, double %center, double %per_scale, ptr noalias captures(none) %cells) local_unnamed_addr #1 {
  %.10154.not.i = icmp slt i64 %size, 1
  br i1 %.10154.not.i, label %_ZN2ml5drift8counting5loops8add_daysB2v7B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2a8int64_2axdd8int64_2a.exit, label %B34.if.i

B64.i:                                            ; preds = %B34.if.i
  %.156.i = mul nuw nsw i64 %.145.i, 385
  %.162.i = getelementptr double, ptr %values, i64 %.43.056.i
  %.163.i = load double, ptr %.162.i, align 8, !noalias !6
  %.167.i = fsub double %.163.i, %center
  %.169.i = fmul double %per_scale, %.167.i
  %.174.i = tail call double @llvm.fabs.f64(double %.169.i)
  %.175.i = fadd double %.174.i, 1.000000e+00
  %.180.i = fcmp ueq double %.175.i, 0x7FF0000000000000
  br i1 %.180.i, label %B188.i, label %B238.i

B188.i:                                           ; preds = %B64.i
  %1 = getelementptr i64, ptr %cells, i64 %.156.i
  %.191.i = getelementptr i8, ptr %1, i64 3072
  %.192.i = load i64, ptr %.191.i, align 8, !noalias !6
  %.193.i = add nsw i64 %.192.i, 1
  store i64 %.193.i, ptr %.191.i, align 8, !noalias !6
  br label %B447.i

B238.i:                                           ; preds = %B64.i
  %.5.i.i = bitcast double %.175.i to i64
  %.6.i.i = lshr i64 %.5.i.i, 45
  %.225.i = add nsw i64 %.6.i.i, -130944
  %.246.lhs.trunc.i = trunc nsw i64 %.225.i to i32
  %.24653.i = sdiv i32 %.246.lhs.trunc.i, 8
  %.246.sext.i = sext i32 %.24653.i to i64
  %2 = and i64 %.225.i, -9223372036854775801
  %.249.i = icmp ugt i64 %2, -9223372036854775808
  %.256.i = sext i1 %.249.i to i64
  %.235.0.i = add nsw i64 %.246.sext.i, %.256.i
  %.13.i.i = tail call i64 @llvm.smin.i64(i64 range(i64 -1152921504606846977, 1152921504606830608) %.235.0.i, i64 191)
  %.301.i = fcmp ult double %.169.i, 0.000000e+00
  %.306.i = add nsw i64 %.13.i.i, 192
  %.315.i = sub nsw i64 191, %.13.i.i
  %"$phi404.1.2.2.i" = select i1 %.301.i, i64 %.315.i, i64 %.306.i
  %3 = getelementptr i64, ptr %cells, i64 %.156.i
  %.329.i = getelementptr i64, ptr %3, i64 %"$phi404.1.2.2.i"
  %.330.i = load i64, ptr %.329.i, align 8, !noalias !6
  %.331.i = add nsw i64 %.330.i, 1
  store i64 %.331.i, ptr %.329.i, align 8, !noalias !6
  br label %B447.i

B447.i:                                           ; preds = %B34.if.i, %B238.i, %B188.i
  %exitcond.not.i = icmp eq i64 %size, %.114.i
  br i1 %exitcond.not.i, label %_ZN2ml5drift8counting5loops8add_daysB2v7B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2a8int64_2axdd8int64_2a.exit, label %B34.if.i

B34.if.i:                                         ; preds = %B447.i, %0
  %.43.056.i = phi i64 [ %.114.i, %B447.i ], [ 0, %0 ]
  %.114.i = add nuw nsw i64 %.43.056.i, 1
  %.144.i = getelementptr i64, ptr %days, i64 %.43.056.i
  %.145.i = load i64, ptr %.144.i, align 8, !noalias !6
  %.146.i = icmp slt i64 %.145.i, 0
  br i1 %.146.i, label %B447.i, label %B64.i

_ZN2ml5drift8counting5loops8add_daysB2v7B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2a8int64_2axdd8int64_2a.exit: ; preds = %B447.i, %0
  ret void
}

; Function Attrs: nofree norecurse nosync nounwind memory(argmem: readwrite)
define void @count_uniforms(ptr noalias readonly captures(none) %uniforms, i64 %draws, i64 %size, ptr noalias readonly captures(none) %shares, i64 %share_count, ptr noalias readonly captures(none) %starts, i64 %start_count, ptr noalias captures(none) %counts) local_unnamed_addr #1 {
  %.107154.not.i = icmp slt i64 %draws, 1
  br i1 %.107154.not.i, label %_ZN2ml5drift8counting5loops14count_uniformsB2v8B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float32_2axx10float64_2ax8int64_2ax10float32_2a.exit, label %B34.if.lr.ph.i

B34.if.lr.ph.i:                                   ; preds = %0
  %spec.select147.i = tail call i64 @llvm.smax.i64(i64 %share_count, i64 0)
  %.234148.not.i = icmp slt i64 %share_count, 1
  %.363151.not.i = icmp slt i64 %size, 1
  %.414.i = sitofp i64 %start_count to double
  %1 = shl i64 %share_count, 2
  %2 = shl nuw i64 %spec.select147.i, 2
  %3 = add i64 %share_count, -1
  br label %B34.if.i

B34.loopexit.i:                                   ; preds = %B342.i, %B100.i
  %exitcond158.not.i = icmp eq i64 %.120.i, %draws
  br i1 %exitcond158.not.i, label %_ZN2ml5drift8counting5loops14count_uniformsB2v8B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float32_2axx10float64_2ax8int64_2ax10float32_2a.exit, label %B34.if.i

B100.i:                                           ; preds = %B78.if.lr.ph.i, %B34.if.i
  br i1 %.363151.not.i, label %B34.loopexit.i, label %B130.if.lr.ph.i

B130.if.lr.ph.i:                                  ; preds = %B100.i
  %.403.i = mul nuw nsw i64 %.49.0156.i, %size
  %4 = getelementptr float, ptr %uniforms, i64 %.403.i
  %5 = getelementptr float, ptr %counts, i64 %.150.i
  br label %B130.if.i

B222.i:                                           ; preds = %B130.if.i
  %.463.i = getelementptr double, ptr %shares, i64 %.442.i
  %.464.i = load double, ptr %.463.i, align 8, !noalias !9
  %.469.i = fcmp ugt double %.464.i, %.413.i
  br i1 %.469.i, label %B292.i, label %B246.i

B246.i:                                           ; preds = %B268.i, %B222.i
  %k.3.2.i = phi i64 [ %.475.i, %B268.i ], [ %.442.i, %B222.i ]
  %exitcond.not.i = icmp eq i64 %k.3.2.i, %3
  br i1 %exitcond.not.i, label %B342.i, label %B268.i

B268.i:                                           ; preds = %B246.i
  %.475.i = add nsw i64 %k.3.2.i, 1
  %.496.i = getelementptr double, ptr %shares, i64 %.475.i
  %.497.i = load double, ptr %.496.i, align 8, !noalias !9
  %.502.i = fcmp ugt double %.497.i, %.413.i
  br i1 %.502.i, label %B292.i, label %B246.i

B292.i:                                           ; preds = %B130.if.i, %B268.i, %B222.i
  %k.4.3.i = phi i64 [ %.442.i, %B222.i ], [ %.442.i, %B130.if.i ], [ %.475.i, %B268.i ]
  %.519.i = icmp slt i64 %k.4.3.i, %share_count
  br i1 %.519.i, label %B304.i, label %B342.i

B304.i:                                           ; preds = %B292.i
  %.527.i = getelementptr float, ptr %5, i64 %k.4.3.i
  %.528.i = load float, ptr %.527.i, align 4, !noalias !9
  %.532.i = fadd float %.528.i, 1.000000e+00
  store float %.532.i, ptr %.527.i, align 4, !noalias !9
  br label %B342.i

B342.i:                                           ; preds = %B304.i, %B292.i, %B246.i
  %exitcond157.not.i = icmp eq i64 %size, %.376.i
  br i1 %exitcond157.not.i, label %B34.loopexit.i, label %B130.if.i

B34.if.i:                                         ; preds = %B34.loopexit.i, %B34.if.lr.ph.i
  %.49.0156.i = phi i64 [ 0, %B34.if.lr.ph.i ], [ %.120.i, %B34.loopexit.i ]
  %.120.i = add nuw nsw i64 %.49.0156.i, 1
  %.150.i = mul nsw i64 %.49.0156.i, %share_count
  br i1 %.234148.not.i, label %B100.i, label %B78.if.lr.ph.i

B78.if.lr.ph.i:                                   ; preds = %B34.if.i
  %6 = mul i64 %1, %.49.0156.i
  %scevgep.i = getelementptr i8, ptr %counts, i64 %6
  tail call void @llvm.memset.p0.i64(ptr align 4 %scevgep.i, i8 0, i64 %2, i1 false), !noalias !9
  br label %B100.i

B130.if.i:                                        ; preds = %B342.i, %B130.if.lr.ph.i
  %.307.0152.i = phi i64 [ 0, %B130.if.lr.ph.i ], [ %.376.i, %B342.i ]
  %.376.i = add nuw nsw i64 %.307.0152.i, 1
  %.406.i = getelementptr float, ptr %4, i64 %.307.0152.i
  %.407.i = load float, ptr %.406.i, align 4, !noalias !9
  %.413.i = fpext float %.407.i to double
  %.415.i = fmul double %.414.i, %.413.i
  %.5.i.i = fptosi double %.415.i to i64
  %.441.i = getelementptr i64, ptr %starts, i64 %.5.i.i
  %.442.i = load i64, ptr %.441.i, align 8, !noalias !9
  %.452.i = icmp slt i64 %.442.i, %share_count
  br i1 %.452.i, label %B222.i, label %B292.i

_ZN2ml5drift8counting5loops14count_uniformsB2v8B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float32_2axx10float64_2ax8int64_2ax10float32_2a.exit: ; preds = %B34.loopexit.i, %0
  ret void
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.smax.i64(i64, i64) #0

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr writeonly captures(none), i8, i64, i1 immarg) #2

attributes #0 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #1 = { nofree norecurse nosync nounwind memory(argmem: readwrite) }
attributes #2 = { nocallback nofree nounwind willreturn memory(argmem: write) }

!0 = !{!1}
!1 = distinct !{!1, !2, !"_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a: %retptr"}
!2 = distinct !{!2, !"_ZN2ml5drift8counting5loops10add_valuesB2v1B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2axxdd8int64_2a10float64_2a10float64_2a10float64_2a8int64_2a"}
!3 = !{!4, !1}
!4 = distinct !{!4, !5, !"_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax: %retptr"}
!5 = distinct !{!5, !"_ZN2ml5drift8counting5loops14sum_of_squaresB2v4B70c8tJTIeFIjxB2IKSgI4CrvQClYb5wBbdC9XqRcCUUpyfrF6rCQxIjKiG6gcGFZilCQA_3dE10float64_2ax"}
!6 = !{!7}
!7 = distinct !{!7, !8, !"_ZN2ml5drift8counting5loops8add_daysB2v7B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2a8int64_2axdd8int64_2a: %retptr"}
!8 = distinct !{!8, !"_ZN2ml5drift8counting5loops8add_daysB2v7B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float64_2a8int64_2axdd8int64_2a"}
!9 = !{!10}
!10 = distinct !{!10, !11, !"_ZN2ml5drift8counting5loops14count_uniformsB2v8B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float32_2axx10float64_2ax8int64_2ax10float32_2a: %retptr"}
!11 = distinct !{!11, !"_ZN2ml5drift8counting5loops14count_uniformsB2v8B38c8tJTIeFIjxB2IKSgI4CrvQClQZ6FczSBAA_3dE10float32_2axx10float64_2ax8int64_2ax10float32_2a"}
