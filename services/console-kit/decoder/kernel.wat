;; What a mask decoder computes, in WebAssembly's 128-bit vectors. All values are float32, matrices are row-major, pointers are bytes.
(module
  (import "env" "memory" (memory 1))

  ;; C[m, n] = A[m, k] B[k, n] + bias[n]. B lies in panels of eight columns, [n / 8][k][8]; n is a multiple of eight.
  ;; Four rows by eight columns are computed at a time, so that each value of B that is loaded is used four times.
  (func (export "multiply")
    (param $a i32) (param $b i32) (param $bias i32) (param $c i32) (param $m i32) (param $k i32) (param $n i32)
    (local $strideA i32) (local $strideC i32) (local $panel i32) (local $panelBytes i32) (local $row i32) (local $p i32) (local $back i32)
    (local $a0 i32) (local $a1 i32) (local $a2 i32) (local $a3 i32) (local $pb i32) (local $out i32)
    (local $left v128) (local $right v128) (local $bl v128) (local $br v128) (local $x v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local $r0 v128) (local $r1 v128) (local $r2 v128) (local $r3 v128)
    (local.set $strideA (i32.shl (local.get $k) (i32.const 2)))
    (local.set $strideC (i32.shl (local.get $n) (i32.const 2)))
    (local.set $panelBytes (i32.shl (local.get $k) (i32.const 5)))
    (block $panelsDone
      (loop $panels
        (br_if $panelsDone (i32.ge_u (local.get $panel) (local.get $n)))
        (local.set $bl (v128.load (local.get $bias)))
        (local.set $br (v128.load offset=16 (local.get $bias)))
        (local.set $row (i32.const 0))
        (local.set $a0 (local.get $a))
        (local.set $out (i32.add (local.get $c) (i32.shl (local.get $panel) (i32.const 2))))
        (block $foursDone
          (loop $fours
            (br_if $foursDone (i32.gt_u (i32.add (local.get $row) (i32.const 4)) (local.get $m)))
            (local.set $a1 (i32.add (local.get $a0) (local.get $strideA)))
            (local.set $a2 (i32.add (local.get $a1) (local.get $strideA)))
            (local.set $a3 (i32.add (local.get $a2) (local.get $strideA)))
            (local.set $pb (local.get $b))
            (local.set $l0 (local.get $bl)) (local.set $l1 (local.get $bl))
            (local.set $l2 (local.get $bl)) (local.set $l3 (local.get $bl))
            (local.set $r0 (local.get $br)) (local.set $r1 (local.get $br))
            (local.set $r2 (local.get $br)) (local.set $r3 (local.get $br))
            (local.set $p (local.get $k))
            (loop $terms
              (local.set $left (v128.load (local.get $pb)))
              (local.set $right (v128.load offset=16 (local.get $pb)))
              (local.set $x (v128.load32_splat (local.get $a0)))
              (local.set $l0 (f32x4.add (local.get $l0) (f32x4.mul (local.get $x) (local.get $left))))
              (local.set $r0 (f32x4.add (local.get $r0) (f32x4.mul (local.get $x) (local.get $right))))
              (local.set $x (v128.load32_splat (local.get $a1)))
              (local.set $l1 (f32x4.add (local.get $l1) (f32x4.mul (local.get $x) (local.get $left))))
              (local.set $r1 (f32x4.add (local.get $r1) (f32x4.mul (local.get $x) (local.get $right))))
              (local.set $x (v128.load32_splat (local.get $a2)))
              (local.set $l2 (f32x4.add (local.get $l2) (f32x4.mul (local.get $x) (local.get $left))))
              (local.set $r2 (f32x4.add (local.get $r2) (f32x4.mul (local.get $x) (local.get $right))))
              (local.set $x (v128.load32_splat (local.get $a3)))
              (local.set $l3 (f32x4.add (local.get $l3) (f32x4.mul (local.get $x) (local.get $left))))
              (local.set $r3 (f32x4.add (local.get $r3) (f32x4.mul (local.get $x) (local.get $right))))
              (local.set $a0 (i32.add (local.get $a0) (i32.const 4)))
              (local.set $a1 (i32.add (local.get $a1) (i32.const 4)))
              (local.set $a2 (i32.add (local.get $a2) (i32.const 4)))
              (local.set $a3 (i32.add (local.get $a3) (i32.const 4)))
              (local.set $pb (i32.add (local.get $pb) (i32.const 32)))
              (local.set $p (i32.sub (local.get $p) (i32.const 1)))
              (br_if $terms (local.get $p)))
            (v128.store (local.get $out) (local.get $l0))
            (v128.store offset=16 (local.get $out) (local.get $r0))
            (local.set $out (i32.add (local.get $out) (local.get $strideC)))
            (v128.store (local.get $out) (local.get $l1))
            (v128.store offset=16 (local.get $out) (local.get $r1))
            (local.set $out (i32.add (local.get $out) (local.get $strideC)))
            (v128.store (local.get $out) (local.get $l2))
            (v128.store offset=16 (local.get $out) (local.get $r2))
            (local.set $out (i32.add (local.get $out) (local.get $strideC)))
            (v128.store (local.get $out) (local.get $l3))
            (v128.store offset=16 (local.get $out) (local.get $r3))
            (local.set $out (i32.add (local.get $out) (local.get $strideC)))
            ;; The last row's pointer has come to the end of its row: the next four begin there.
            (local.set $a0 (local.get $a3))
            (local.set $row (i32.add (local.get $row) (i32.const 4)))
            ;; Fewer than four are left: the last four are computed once more, which takes less than to compute each alone.
            (local.set $back (i32.sub (i32.add (local.get $row) (i32.const 4)) (local.get $m)))
            (if (i32.and (i32.gt_s (local.get $back) (i32.const 0)) (i32.lt_s (local.get $back) (i32.const 4)))
              (then
                (local.set $row (i32.sub (local.get $row) (local.get $back)))
                (local.set $a0 (i32.sub (local.get $a0) (i32.mul (local.get $back) (local.get $strideA))))
                (local.set $out (i32.sub (local.get $out) (i32.mul (local.get $back) (local.get $strideC))))))
            (br $fours)))
        (block $onesDone
          (loop $ones
            (br_if $onesDone (i32.ge_u (local.get $row) (local.get $m)))
            (local.set $pb (local.get $b))
            (local.set $l0 (local.get $bl))
            (local.set $r0 (local.get $br))
            (local.set $p (local.get $k))
            (loop $terms
              (local.set $x (v128.load32_splat (local.get $a0)))
              (local.set $l0 (f32x4.add (local.get $l0) (f32x4.mul (local.get $x) (v128.load (local.get $pb)))))
              (local.set $r0 (f32x4.add (local.get $r0) (f32x4.mul (local.get $x) (v128.load offset=16 (local.get $pb)))))
              (local.set $a0 (i32.add (local.get $a0) (i32.const 4)))
              (local.set $pb (i32.add (local.get $pb) (i32.const 32)))
              (local.set $p (i32.sub (local.get $p) (i32.const 1)))
              (br_if $terms (local.get $p)))
            (v128.store (local.get $out) (local.get $l0))
            (v128.store offset=16 (local.get $out) (local.get $r0))
            (local.set $out (i32.add (local.get $out) (local.get $strideC)))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))
            (br $ones)))
        (local.set $b (i32.add (local.get $b) (local.get $panelBytes)))
        (local.set $bias (i32.add (local.get $bias) (i32.const 32)))
        (local.set $panel (i32.add (local.get $panel) (i32.const 8)))
        (br $panels))))

  ;; The sum of four lanes.
  (func $across (param $x v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $x)) (f32x4.extract_lane 1 (local.get $x)))
      (f32.add (f32x4.extract_lane 2 (local.get $x)) (f32x4.extract_lane 3 (local.get $x)))))

  ;; exp(x) of x <= 0, to the last bits (Cephes, expf): a power of two, and a polynomial of what is left.
  (func $exp (param $x v128) (result v128)
    (local $n v128)
    (local $p v128)
    (local.set $x (f32x4.max (local.get $x) (v128.const f32x4 -87 -87 -87 -87)))
    (local.set $n
      (f32x4.nearest (f32x4.mul (local.get $x) (v128.const f32x4 1.44269504 1.44269504 1.44269504 1.44269504))))
    ;; ln 2 in two parts, of which the first is exact.
    (local.set $x
      (f32x4.sub
        (local.get $x)
        (f32x4.mul (local.get $n) (v128.const f32x4 0.693359375 0.693359375 0.693359375 0.693359375))))
    (local.set $x
      (f32x4.add
        (local.get $x)
        (f32x4.mul (local.get $n) (v128.const f32x4 2.12194440e-4 2.12194440e-4 2.12194440e-4 2.12194440e-4))))
    (local.set $p (v128.const f32x4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4 1.9875691500e-4))
    (local.set $p
      (f32x4.add
        (f32x4.mul (local.get $p) (local.get $x))
        (v128.const f32x4 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3 1.3981999507e-3)))
    (local.set $p
      (f32x4.add
        (f32x4.mul (local.get $p) (local.get $x))
        (v128.const f32x4 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3 8.3334519073e-3)))
    (local.set $p
      (f32x4.add
        (f32x4.mul (local.get $p) (local.get $x))
        (v128.const f32x4 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2 4.1665795894e-2)))
    (local.set $p
      (f32x4.add
        (f32x4.mul (local.get $p) (local.get $x))
        (v128.const f32x4 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1 1.6666665459e-1)))
    (local.set $p
      (f32x4.add
        (f32x4.mul (local.get $p) (local.get $x))
        (v128.const f32x4 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1 5.0000001201e-1)))
    (local.set $p
      (f32x4.add
        (f32x4.mul (f32x4.mul (local.get $p) (local.get $x)) (local.get $x))
        (f32x4.add (local.get $x) (v128.const f32x4 1 1 1 1))))
    (f32x4.mul
      (local.get $p)
      (i32x4.shl
        (i32x4.add (i32x4.trunc_sat_f32x4_s (local.get $n)) (v128.const i32x4 127 127 127 127))
        (i32.const 23))))

  ;; Attention of several heads: row by row, into = softmax(q k^T * scale) v over the columns of each head.
  ;; `stride` and `depth` are the bytes of a row and of a head's share of it, both multiples of 16.
  ;; `weights` has room for one value for each key, and for four more.
  (func (export "attend")
    (param $q i32) (param $queries i32) (param $k i32) (param $v i32) (param $keys i32)
    (param $stride i32) (param $depth i32) (param $scale f32) (param $into i32) (param $weights i32)
    (local $head i32) (local $at i32) (local $other i32) (local $weight i32) (local $end i32)
    (local $most f32) (local $dot f32) (local $sum v128) (local $share v128)
    (local.set $end (i32.add (local.get $weights) (i32.shl (local.get $keys) (i32.const 2))))
    (loop $rows
      (local.set $head (i32.const 0))
      (loop $heads
        (local.set $most (f32.const -inf))
        (local.set $weight (local.get $weights))
        (local.set $other (i32.add (local.get $k) (local.get $head)))
        (loop $dots
          (local.set $sum (v128.const f32x4 0 0 0 0))
          (local.set $at (i32.const 0))
          (loop $terms
            (local.set $sum
              (f32x4.add
                (local.get $sum)
                (f32x4.mul
                  (v128.load (i32.add (i32.add (local.get $q) (local.get $head)) (local.get $at)))
                  (v128.load (i32.add (local.get $other) (local.get $at))))))
            (br_if $terms
              (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $depth))))
          (local.set $dot (f32.mul (call $across (local.get $sum)) (local.get $scale)))
          (local.set $most (f32.max (local.get $most) (local.get $dot)))
          (f32.store (local.get $weight) (local.get $dot))
          (local.set $other (i32.add (local.get $other) (local.get $stride)))
          (br_if $dots
            (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 4))) (local.get $end))))
        ;; Beyond the last one, up to a multiple of four: nothing.
        (v128.store (local.get $end) (v128.const f32x4 -inf -inf -inf -inf))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $weight (local.get $weights))
        (loop $powers
          (local.set $share
            (call $exp (f32x4.sub (v128.load (local.get $weight)) (f32x4.splat (local.get $most)))))
          (v128.store (local.get $weight) (local.get $share))
          (local.set $sum (f32x4.add (local.get $sum) (local.get $share)))
          (br_if $powers
            (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 16))) (local.get $end))))
        (local.set $share (f32x4.splat (f32.div (f32.const 1) (call $across (local.get $sum)))))
        (local.set $at (i32.const 0))
        (loop $means
          (local.set $sum (v128.const f32x4 0 0 0 0))
          (local.set $weight (local.get $weights))
          (local.set $other (i32.add (i32.add (local.get $v) (local.get $head)) (local.get $at)))
          (loop $values
            (local.set $sum
              (f32x4.add
                (local.get $sum)
                (f32x4.mul (v128.load32_splat (local.get $weight)) (v128.load (local.get $other)))))
            (local.set $other (i32.add (local.get $other) (local.get $stride)))
            (br_if $values
              (i32.lt_u (local.tee $weight (i32.add (local.get $weight) (i32.const 4))) (local.get $end))))
          (v128.store
            (i32.add (i32.add (local.get $into) (local.get $head)) (local.get $at))
            (f32x4.mul (local.get $sum) (local.get $share)))
          (br_if $means
            (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $depth))))
        (br_if $heads
          (i32.lt_u (local.tee $head (i32.add (local.get $head) (local.get $depth))) (local.get $stride))))
      (local.set $q (i32.add (local.get $q) (local.get $stride)))
      (local.set $into (i32.add (local.get $into) (local.get $stride)))
      (br_if $rows (local.tee $queries (i32.sub (local.get $queries) (i32.const 1))))))

  ;; Normalises rows of `width` values, a multiple of four, to mean 0 and deviation 1, then scales and shifts each column.
  (func (export "normalise")
    (param $values i32) (param $rows i32) (param $width i32) (param $scale i32) (param $shift i32) (param $epsilon f32)
    (local $bytes i32) (local $at i32) (local $sum v128) (local $mean v128) (local $x v128) (local $factor v128)
    (local.set $bytes (i32.shl (local.get $width) (i32.const 2)))
    (loop $each
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (local.set $at (i32.const 0))
      (loop $sums
        (local.set $sum (f32x4.add (local.get $sum) (v128.load (i32.add (local.get $values) (local.get $at)))))
        (br_if $sums (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $bytes))))
      (local.set $mean
        (f32x4.splat (f32.div (call $across (local.get $sum)) (f32.convert_i32_u (local.get $width)))))
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (local.set $at (i32.const 0))
      (loop $squares
        (local.set $x (f32x4.sub (v128.load (i32.add (local.get $values) (local.get $at))) (local.get $mean)))
        (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (local.get $x) (local.get $x))))
        (br_if $squares (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $bytes))))
      (local.set $factor
        (f32x4.splat
          (f32.div
            (f32.const 1)
            (f32.sqrt
              (f32.add
                (f32.div (call $across (local.get $sum)) (f32.convert_i32_u (local.get $width)))
                (local.get $epsilon))))))
      (local.set $at (i32.const 0))
      (loop $columns
        (local.set $x
          (f32x4.mul
            (f32x4.sub (v128.load (i32.add (local.get $values) (local.get $at))) (local.get $mean))
            (local.get $factor)))
        (v128.store
          (i32.add (local.get $values) (local.get $at))
          (f32x4.add
            (f32x4.mul (local.get $x) (v128.load (i32.add (local.get $scale) (local.get $at))))
            (v128.load (i32.add (local.get $shift) (local.get $at)))))
        (br_if $columns (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $bytes))))
      (local.set $values (i32.add (local.get $values) (local.get $bytes)))
      (br_if $each (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; x Phi(x) in place, by the error function within 1.5e-7 (Abramowitz and Stegun, 7.1.26); `count` is a multiple of four.
  (func (export "gelu") (param $values i32) (param $count i32)
    (local $end i32) (local $x v128) (local $size v128) (local $z v128) (local $t v128) (local $p v128)
    (local.set $end (i32.add (local.get $values) (i32.shl (local.get $count) (i32.const 2))))
    (loop $each
      (local.set $x (v128.load (local.get $values)))
      (local.set $size (f32x4.abs (local.get $x)))
      (local.set $z
        (f32x4.mul (local.get $size) (v128.const f32x4 0.707106781 0.707106781 0.707106781 0.707106781)))
      (local.set $t
        (f32x4.div
          (v128.const f32x4 1 1 1 1)
          (f32x4.add
            (v128.const f32x4 1 1 1 1)
            (f32x4.mul (local.get $z) (v128.const f32x4 0.3275911 0.3275911 0.3275911 0.3275911)))))
      (local.set $p (v128.const f32x4 1.061405429 1.061405429 1.061405429 1.061405429))
      (local.set $p
        (f32x4.add
          (f32x4.mul (local.get $p) (local.get $t))
          (v128.const f32x4 -1.453152027 -1.453152027 -1.453152027 -1.453152027)))
      (local.set $p
        (f32x4.add
          (f32x4.mul (local.get $p) (local.get $t))
          (v128.const f32x4 1.421413741 1.421413741 1.421413741 1.421413741)))
      (local.set $p
        (f32x4.add
          (f32x4.mul (local.get $p) (local.get $t))
          (v128.const f32x4 -0.284496736 -0.284496736 -0.284496736 -0.284496736)))
      (local.set $p
        (f32x4.add
          (f32x4.mul (local.get $p) (local.get $t))
          (v128.const f32x4 0.254829592 0.254829592 0.254829592 0.254829592)))
      ;; 1 - erf(z)
      (local.set $p
        (f32x4.mul
          (f32x4.mul (local.get $p) (local.get $t))
          (call $exp (f32x4.neg (f32x4.mul (local.get $z) (local.get $z))))))
      ;; (x + |x| erf(z)) / 2
      (v128.store
        (local.get $values)
        (f32x4.mul
          (v128.const f32x4 0.5 0.5 0.5 0.5)
          (f32x4.sub
            (f32x4.add (local.get $x) (local.get $size))
            (f32x4.mul (local.get $size) (local.get $p)))))
      (br_if $each
        (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end))))))
