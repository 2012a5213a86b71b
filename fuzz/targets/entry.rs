//! Whatever decodes as an entry is written again as the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use troupe_chain::Entry;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::decode(bytes) {
        assert_eq!(entry.encode(), bytes, "{entry:?}");
    }
});
