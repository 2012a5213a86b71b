//! Stock in C, where its compiler is: what is committed is what its sources give.

use std::path::Path;
use std::{env, fs};

/// The core module that the sources give, as `sdk/stock/c/README.md` says how to make it.
const CORE: &str = "TROUPE_STOCK_CORE";

#[test]
fn the_stock_in_c_is_what_its_sources_give() {
    let Some(core) = env::var_os(CORE) else {
        eprintln!("NOT TESTED: {CORE} names no core module; `cargo xtask test stock` makes one");
        return;
    };
    let built = troupe_workshop::encode(&fs::read(core).unwrap()).unwrap();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/stock/c/stock.wasm");
    if env::var_os("TROUPE_ACCEPT").is_some() {
        fs::write(&committed, &built).unwrap();
    }
    assert!(fs::read(committed).unwrap() == built, "sdk/stock/c/stock.wasm is not what its sources give");
}
