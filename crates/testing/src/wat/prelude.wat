  ;; Shared by every guest. 0..24 is the area of results, from 64 on stand the guest's constants, then the heap.
  (memory (export "memory") {{pages}})
  (global $brk (mut i32) (i32.const {{heap}}))

  (func $realloc (export "cabi_realloc")
    (param $old i32) (param $oldlen i32) (param $align i32) (param $len i32) (result i32)
    (local $p i32) (local $end i32)
    {{realloc}}
    (local.set $p (i32.and (i32.add (global.get $brk) (i32.sub (local.get $align) (i32.const 1)))
                           (i32.sub (i32.const 0) (local.get $align))))
    (local.set $end (i32.add (local.get $p) (local.get $len)))
    (block $fits
      (br_if $fits (i32.le_u (local.get $end) (i32.shl (memory.size) (i32.const 16))))
      (br_if $fits (i32.ne (i32.const -1) (memory.grow
        (i32.add (i32.const 1)
          (i32.shr_u (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 16))))))
      unreachable)
    (if (local.get $oldlen) (then (memory.copy (local.get $p) (local.get $old) (local.get $oldlen))))
    (global.set $brk (local.get $end))
    (local.get $p))

  (func $alloc (param $len i32) (result i32)
    (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (local.get $len)))

  ;; `len` bytes, all of them `x`
  (func $filled (param $len i32) (result i32)
    (local $p i32)
    (local.set $p (call $alloc (local.get $len)))
    (memory.fill (local.get $p) (i32.const 120) (local.get $len))
    (local.get $p))

  ;; the first list, then the second
  (func $concat (param $a i32) (param $alen i32) (param $b i32) (param $blen i32) (result i32)
    (local $p i32)
    (local.set $p (call $alloc (i32.add (local.get $alen) (local.get $blen))))
    (memory.copy (local.get $p) (local.get $a) (local.get $alen))
    (memory.copy (i32.add (local.get $p) (local.get $alen)) (local.get $b) (local.get $blen))
    (local.get $p))

  ;; whether a list begins with `!`
  (func $marked (param $p i32) (param $len i32) (result i32)
    (if (result i32) (local.get $len)
      (then (i32.eq (i32.load8_u (local.get $p)) (i32.const 33)))
      (else (i32.const 0))))

  ;; nothing outlives a call: the heap is empty again after each
  (func $reset (param $result i32)
    {{post-return}}
    (global.set $brk (i32.const {{heap}})))
