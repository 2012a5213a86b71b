//! The name of some bytes as content-addressed networks have it: a CID of version 1, codec raw, BLAKE3.
//!
//! Invariant: a hash has one CID, of 59 characters; whatever else could be read as it is refused.

use std::fmt;
use std::str::FromStr;

use crate::Hash;

/// What stands before the hash: version 1, codec raw, multihash BLAKE3, 32 bytes.
const PREFIX: [u8; 4] = [0x01, 0x55, 0x1e, 0x20];
/// Bits of a character of base32.
const BITS: u32 = 5;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A hash, written and read as a CID: `b` and lower-case base32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid(pub Hash);

/// A text that is not a CID of version 1, codec raw and BLAKE3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a CID of version 1, raw and BLAKE3: `bafkr4i` and 52 letters and digits, or 64 hex digits")]
pub struct NotACid;

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("b")?;
        let (mut held, mut bits) = (0_u32, 0);
        for byte in PREFIX.iter().chain(self.0.as_bytes()) {
            held = (held << 8) | u32::from(*byte);
            bits += 8;
            while bits >= BITS {
                bits -= BITS;
                f.write_str(letter(held >> bits))?;
            }
        }
        if bits > 0 { f.write_str(letter(held << (BITS - bits))) } else { Ok(()) }
    }
}

/// The letter of the lowest 5 bits.
fn letter(bits: u32) -> &'static str {
    let at = (bits & 31) as usize;
    ALPHABET.get(at..=at).and_then(|letter| std::str::from_utf8(letter).ok()).unwrap_or_default()
}

impl FromStr for Cid {
    type Err = NotACid;

    /// Reads a CID, or the hash alone in hex.
    fn from_str(text: &str) -> Result<Self, NotACid> {
        if let Ok(hash) = text.parse() {
            return Ok(Self(hash));
        }
        let letters = text.strip_prefix('b').ok_or(NotACid)?;
        let mut bytes = Vec::with_capacity(36);
        let (mut held, mut bits) = (0_u32, 0);
        // A text of any length is read no further than a CID goes.
        for letter in letters.bytes().take(59) {
            let value = ALPHABET.iter().position(|known| *known == letter).ok_or(NotACid)?;
            held = (held << BITS) | (value as u32);
            bits += BITS;
            if bits >= 8 {
                bits -= 8;
                bytes.push((held >> bits) as u8);
            }
        }
        let hash = bytes.strip_prefix(&PREFIX).and_then(|hash| hash.try_into().ok()).ok_or(NotACid)?;
        let cid = Self(Hash::from_bytes(hash));
        // Bits that stand for nothing must be 0, so that there is one way to write it.
        if cid.to_string() == text { Ok(cid) } else { Err(NotACid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cid_is_written_as_others_write_it_and_reads_back() {
        let hash = Hash::of(b"");
        assert_eq!(hash.to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        let cid = Cid(hash).to_string();
        assert_eq!(cid, "bafkr4ifpcne3t5pzugtkaqcn5i3nzskjtpfslsnnyejlpte2spfoihzsmi");
        assert_eq!(cid.parse(), Ok(Cid(hash)));
        assert_eq!(hash.to_string().parse(), Ok(Cid(hash)));
        for n in 0..=255 {
            let cid = Cid(Hash::from_bytes([n; 32]));
            assert_eq!(cid.to_string().parse(), Ok(cid));
        }
    }

    #[test]
    fn nothing_else_is_read_as_one() {
        let cid = Cid(Hash::of(b"")).to_string();
        let other_codec = cid.replace("bafkr", "bafyr");
        let (upper, longer) = (cid.to_uppercase(), format!("{cid}a"));
        // The last letter holds bits that must be 0.
        let loose = format!("{}j", &cid[..cid.len() - 1]);
        for bad in ["", "b", &cid[1..], &cid[..58], &other_codec, &upper, &longer, &loose, "b\u{fc}"] {
            assert_eq!(bad.parse::<Cid>(), Err(NotACid), "{bad}");
        }
    }
}
