  ;; How the world `troupe:actor/actor` takes results: a tag, then a list by its place or a reason.
  (func $result (param $tag i32) (param $p i32) (param $len i32) (result i32)
    (i32.store8 (i32.const 0) (local.get $tag))
    (i32.store (i32.const 4) (local.get $p))
    (i32.store (i32.const 8) (local.get $len))
    (i32.store8 (i32.const 12) (i32.const 0))
    (i32.const 0))
  (func $ok (param $p i32) (param $len i32) (result i32)
    (call $result (i32.const 0) (local.get $p) (local.get $len)))
  (func $accept (result i32) (call $ok (i32.const 0) (i32.const 0)))
  (func $refuse (param $reason i32) (param $len i32) (result i32)
    (call $result (i32.const 1) (local.get $reason) (local.get $len)))
  ;; adds a reply to the outcome that $ok wrote
  (func $reply (param $p i32) (param $len i32)
    (i32.store8 (i32.const 12) (i32.const 1))
    (i32.store (i32.const 16) (local.get $p))
    (i32.store (i32.const 20) (local.get $len)))
  ;; at the level `info`
  (func $log (param $p i32) (param $len i32) (call $import-log (i32.const 1) (local.get $p) (local.get $len)))
