  ;; what is within `{"do":"` and `"}`, or the whole
  (func $bare (param $p i32) (param $len i32) (result i32 i32)
    (if (i32.ge_u (local.get $len) (i32.const 9)) (then
      (if (i32.eq (i32.load (local.get $p)) (i32.const 0x6f64227b)) (then
        (if (i32.eq (i32.and (i32.load offset=4 (local.get $p)) (i32.const 0xffffff)) (i32.const 0x223a22)) (then
          (return (i32.add (local.get $p) (i32.const 7)) (i32.sub (local.get $len) (i32.const 9)))))))))
    (local.get $p) (local.get $len))
  ;; the first byte, or 0
  (func $first (param $p i32) (param $len i32) (result i32)
    (if (result i32) (local.get $len) (then (i32.load8_u (local.get $p))) (else (i32.const 0))))
  ;; what comes before a line feed or a `|`, or the whole
  (func $head (param $p i32) (param $len i32) (result i32 i32)
    (local $n i32) (local $c i32)
    (block $found
      (loop $next
        (br_if $found (i32.ge_u (local.get $n) (local.get $len)))
        (local.set $c (i32.load8_u (i32.add (local.get $p) (local.get $n))))
        (br_if $found (i32.eq (local.get $c) (i32.const 10)))
        (br_if $found (i32.eq (local.get $c) (i32.const 124)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $p) (local.get $n))
  ;; what comes after it, or nothing
  (func $tail (param $p i32) (param $len i32) (result i32 i32)
    (local $n i32)
    (call $head (local.get $p) (local.get $len))
    (local.set $n) (drop)
    (if (i32.lt_u (local.get $n) (local.get $len)) (then (local.set $n (i32.add (local.get $n) (i32.const 1)))))
    (i32.add (local.get $p) (local.get $n)) (i32.sub (local.get $len) (local.get $n)))
  (func $number (param $p i32) (param $len i32) (result i64)
    (local $n i64)
    (loop $next
      (if (local.get $len) (then
        (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 10))
          (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $p)) (i32.const 48)))))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next))))
    (local.get $n))
  (func $shown (param $n i64) (result i32 i32)
    (local $end i32) (local $p i32)
    (local.set $end (i32.add (call $alloc (i32.const 24)) (i32.const 24)))
    (local.set $p (local.get $end))
    (loop $next
      (local.set $p (i32.sub (local.get $p) (i32.const 1)))
      (i32.store8 (local.get $p) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const 10)))))
      (local.set $n (i64.div_u (local.get $n) (i64.const 10)))
      (br_if $next (i64.ne (local.get $n) (i64.const 0))))
    (local.get $p) (i32.sub (local.get $end) (local.get $p)))
  ;; a child of the own code: its name, and after a line feed its configuration
  (func $child (param $p i32) (param $len i32)
    (local $child i32) (local $at i32) (local $n i32)
    (local.set $child (call $alloc (i32.const 96)))
    (memory.fill (local.get $child) (i32.const 0) (i32.const 96))
    (call $head (local.get $p) (local.get $len))
    (local.set $n) (local.set $at)
    (i32.store8 offset=24 (local.get $child) (i32.ne (local.get $n) (i32.const 0)))
    (i32.store offset=28 (local.get $child) (local.get $at))
    (i32.store offset=32 (local.get $child) (local.get $n))
    (i32.store8 offset=12 (local.get $child) (i32.lt_u (local.get $n) (local.get $len)))
    (call $tail (local.get $p) (local.get $len))
    (local.set $n) (local.set $at)
    (i32.store offset=16 (local.get $child) (local.get $at))
    (i32.store offset=20 (local.get $child) (local.get $n))
    (call $spawn (local.get $child) (i32.const 32)))
  (func $do (param $p i32) (param $len i32)
    (local $c i32)
    (if (i32.eqz (local.get $len)) (then (return)))
    (local.set $c (i32.load8_u (local.get $p)))
    (local.set $p (i32.add (local.get $p) (i32.const 1)))
    (local.set $len (i32.sub (local.get $len) (i32.const 1)))
    (if (i32.eq (local.get $c) (i32.const 83)) (then ;; S
      (call $send (call $head (local.get $p) (local.get $len)) (call $tail (local.get $p) (local.get $len)))))
    (if (i32.eq (local.get $c) (i32.const 82)) (then ;; R
      (call $request (call $head (local.get $p) (local.get $len)) (call $tail (local.get $p) (local.get $len))
        (i64.const 1000) (i32.const 32))))
    (if (i32.eq (local.get $c) (i32.const 84)) (then ;; T
      (call $set-timer (i64.const 10) (local.get $p) (local.get $len) (i32.const 32))))
    (if (i32.eq (local.get $c) (i32.const 90)) (then ;; Z
      (call $set-cron (call $head (local.get $p) (local.get $len)) (call $tail (local.get $p) (local.get $len))
        (i32.const 32))))
    (if (i32.eq (local.get $c) (i32.const 75)) (then ;; K
      (call $cancel (call $number (local.get $p) (local.get $len)) (i32.const 0))))
    (if (i32.eq (local.get $c) (i32.const 67)) (then ;; C
      (call $child (local.get $p) (local.get $len))))
    (if (i32.eq (local.get $c) (i32.const 69)) (then ;; E
      (call $stop (local.get $p) (local.get $len))))
    (if (i32.eq (local.get $c) (i32.const 88)) (then ;; X
      (call $exit (call $done))))
    (if (i32.eq (local.get $c) (i32.const 70)) (then ;; F
      (unreachable))))
