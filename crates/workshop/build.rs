//! Embeds the SDKs: writes a table of their files, which a new project gets a copy of.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The SDKs, each a folder under `sdk/`.
const SDKS: [&str; 4] = ["c", "js", "python", "rust"];
/// What is in those folders, but of no use to an author, or made again by tools.
const LEFT_OUT: [&str; 12] = [
    "__pycache__",
    "build",
    "examples",
    "node_modules",
    "package-lock.json",
    "rustfmt.toml",
    "target",
    "test",
    "tests",
    "tools",
    ".gitignore",
    ".venv",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../sdk");
    let mut table = String::from("&[\n");
    for sdk in SDKS {
        let folder = root.join(sdk);
        let mut files = Vec::new();
        if folder.is_dir() {
            collect(&folder, Path::new(""), &mut files)?;
        }
        println!("cargo::rerun-if-changed={}", folder.display());
        let _ = writeln!(table, "    (\"{sdk}\", &[");
        for file in files {
            let path = folder.join(&file);
            let _ = writeln!(
                table,
                "        Embedded {{ path: {:?}, bytes: include_bytes!({:?}) }},",
                file.display().to_string().replace('\\', "/"),
                path.canonicalize()?.display().to_string(),
            );
        }
        table.push_str("    ]),\n");
    }
    table.push(']');
    fs::write(PathBuf::from(variable("OUT_DIR")?).join("sdk.rs"), table)
}

/// The files of a folder, in the order of their names.
fn collect(folder: &Path, below: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder.join(below))?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) || name.to_string_lossy().ends_with(".egg-info")
        {
            continue;
        }
        let path = below.join(&name);
        if entry.file_type()?.is_dir() { collect(folder, &path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}
