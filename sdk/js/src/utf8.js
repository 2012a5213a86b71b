// Text and its bytes in UTF-8, natively where the engine has it.
//
// QuickJS has no TextEncoder. What it has leads from characters to bytes within the engine: one call for many characters,
// where a loop would cost hundreds of operations for each.

const ENCODER = typeof TextEncoder === 'undefined' ? undefined : new TextEncoder()
const DECODER =
  typeof TextDecoder === 'undefined' ? undefined : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** So many arguments a function can be given. */
const CHUNK = 4096

/** The bytes of a text. */
export const toBytes = ENCODER ? (text) => ENCODER.encode(text) : bytesViaBase64

/** The text of bytes; throws an error if they are not UTF-8. */
export const toText = DECODER ? (bytes) => DECODER.decode(bytes) : textViaBase64

function bytesViaBase64(text) {
  let bytes
  try {
    bytes = Uint8Array.fromBase64(btoa(text))
    if (isAscii(bytes)) return bytes
  } catch {
    // There is a character beyond the first 256.
  }
  return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text))))
}

function textViaBase64(bytes) {
  const binary = atob(bytes.toBase64())
  return isAscii(bytes) ? binary : decodeURIComponent(escape(binary))
}

function isAscii(bytes) {
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.length <= CHUNK ? bytes : bytes.subarray(at, at + CHUNK)
    if (Math.max.apply(null, chunk) > 0x7f) return false
  }
  return true
}
