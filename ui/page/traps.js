// What ends a guest: what its host refused, or what the engine says of a trap.

import { AbiTrap } from "./abi.js";
import { Unknown, pack } from "./verifier.js";

/** What the verifier made of a call to the host that it refused. */
class HostTrap extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/** The chain's codes for what engines say of a trap. What none of these fits is not guessed at. */
const TRAPS = [
  [/unreachable/i, "trap:unreachable"],
  [/memory access out of bounds|index out of bounds|out of bounds memory access/i, "trap:memory-out-of-bounds"],
  [/table index is out of bounds|table access|out of bounds (call_indirect|table)/i, "trap:table-out-of-bounds"],
  [/null function|signature mismatch|indirect call (to null|signature)|call_indirect to a (null|signature)/i, "trap:indirect-call"],
  [/(divide|division) by zero|remainder by zero|integer divide by zero/i, "trap:divide-by-zero"],
  [/divide result unrepresentable|integer overflow|float unrepresentable|invalid conversion to integer|out of bounds (trunc|float)/i, "trap:integer-overflow"],
];

/** What stopped a guest, as the verifier takes it: a trap with the chain's code, or nothing that is known. */
export function stopped(error) {
  if (error instanceof HostTrap) return pack(["trap", error.code, error.message]);
  if (error instanceof AbiTrap) return pack(["trap", "trap:abi", error.message]);
  if (error instanceof Unknown) return pack(["abort", error.message]);
  if (error instanceof RangeError && /call stack/i.test(error.message)) return pack(["trap", "stack", error.message]);
  if (error instanceof WebAssembly.RuntimeError) {
    const code = TRAPS.find(([pattern]) => pattern.test(error.message))?.[1] ?? "";
    return pack(["trap", code, error.message]);
  }
  return pack(["abort", `${error}`]);
}

/** Ends the guest if that is what its host answered. */
export function hostStopped([kind, code, detail]) {
  if (kind === "trap") throw new HostTrap(code, detail);
  if (kind === "abort") throw new Unknown(code);
}
