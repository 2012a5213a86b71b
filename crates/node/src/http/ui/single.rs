//! The explorer as one file that needs no node and no server, with a bundle in it or without.
//!
//! Invariant: the file asks nobody for anything, which its own policy says: the one script that it runs is named there by
//! its hash, and the others come out of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{FILES, File, HTML, IMAGE, SCRIPT, STYLE, WASM};

/// What makes modules of the text that is in the file.
const LOADER: &str = include_str!("../../../../../ui/single/loader.js");
/// The most bytes of a bundle that is put into the file: a browser keeps several copies of it.
pub const MAX_BUNDLE_WITHIN: usize = 64 << 20;

/// Writes the page as one HTML file. With a bundle, its name and bytes, that is what it shows.
pub fn single_file(bundle: Option<(&str, &[u8])>) -> String {
    let mut files = Map::new();
    for file in FILES.iter().filter(|file| [SCRIPT, WASM].contains(&file.content_type)) {
        let value = if file.content_type == WASM { STANDARD.encode(file.bytes) } else { text(file) };
        files.insert(file.name.to_owned(), value.into());
    }
    let bundle = bundle.map(|(name, bytes)| json!({ "name": name, "bytes": STANDARD.encode(bytes) }));
    let data = json!({ "files": Value::Object(files), "bundle": bundle });
    // A script ends with the first `</`, whatever it is in.
    let data = data.to_string().replace('<', "\\u003c");
    let of_type = |content_type: &str| FILES.iter().find(|file| file.content_type == content_type).map(text);
    let (index, style) = (of_type(HTML).unwrap_or_default(), of_type(STYLE).unwrap_or_default());
    let body = index.split_once("<body>").map_or("", |(_, body)| body);
    let body = body.split_once("</body>").map_or(body, |(body, _)| body);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         script-src 'sha256-{}' blob: 'wasm-unsafe-eval'; worker-src blob:; style-src 'sha256-{}'; \
         img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <title>Troupe</title>\n<link rel=\"icon\" href=\"data:{IMAGE};base64,{}\">\n\
         <style>{style}</style>\n</head>\n<body>{body}\
         <script type=\"application/json\" id=\"files\">{data}</script>\n\
         <script type=\"module\">{LOADER}</script>\n</body>\n</html>\n",
        hash(LOADER),
        hash(&style),
        STANDARD.encode(of_type(IMAGE).unwrap_or_default()),
    )
}

fn text(file: &File) -> String {
    String::from_utf8_lossy(file.bytes).into_owned()
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_every_module_and_ends_no_script_early() {
        let page = single_file(Some(("a</script>.car", b"bytes")));
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            assert!(page.contains(&format!("\"{}\":", file.name)), "{}", file.name);
        }
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("\"Ynl0ZXM=\""));
        for elsewhere in ["src=", "href=\"style", "http://", "https://"] {
            let head = page.split_once("<style>").map_or("", |(head, _)| head);
            assert!(!head.contains(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn what_modules_import_is_found_by_the_loader() {
        for file in FILES.iter().filter(|file| file.content_type == SCRIPT) {
            let text = text(file);
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let from = line.split_once(" from \"./").map(|(_, rest)| rest.trim_end_matches("\";"));
                assert!(
                    from.is_some_and(|name| FILES.iter().any(|file| file.name == name)),
                    "{}: {line}",
                    file.name
                );
            }
        }
    }
}
