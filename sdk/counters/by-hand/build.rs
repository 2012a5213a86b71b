//! Lays out the memory that an instance begins with, so that no message of ordinary size has to grow it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg=-zstack-size=131072");
        println!("cargo::rustc-link-arg=--initial-memory=1048576");
    }
}
