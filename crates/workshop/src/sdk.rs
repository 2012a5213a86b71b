//! The SDKs, embedded: what a project has in `vendor/troupe-actor`.

use crate::Lang;

/// A file of an SDK.
pub(crate) struct Embedded {
    /// Below the SDK's folder, with `/` on every system.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Each SDK by its folder under `sdk/`.
static SDKS: &[(&str, &[Embedded])] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// The files of the SDK of a language; none if this program was built without it.
pub(crate) fn files(lang: Lang) -> &'static [Embedded] {
    let folder = match lang {
        Lang::Rust => "rust",
        Lang::Js | Lang::Ts => "js",
        Lang::Python => "python",
        Lang::C => "c",
    };
    SDKS.iter().find(|(name, _)| *name == folder).map_or(&[], |(_, files)| files)
}
