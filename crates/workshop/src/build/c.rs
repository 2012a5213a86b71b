//! C: clang, or zig, which has one; freestanding, one call for all sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tool::{find, output, run};
use super::{BuildError, Options, finish, python};
use crate::Project;

/// Where an author's sources may be.
const FOLDERS: [&str; 2] = ["", "src"];
/// Where the SDK is.
const SDK: &str = "vendor/troupe-actor";
/// All of the SDK that is compiled with an actor.
const SDK_SOURCE: &str = "vendor/troupe-actor/troupe.c";
/// What ties functions to the world.
const ACTOR: &str = "TROUPE_ACTOR";
/// Headers that a compiler has without a C library.
const FREESTANDING: [&str; 9] = [
    "float.h",
    "iso646.h",
    "limits.h",
    "stdalign.h",
    "stdarg.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdnoreturn.h",
];
/// What a compiler makes, before it is a component.
const MODULE: &str = "build/core.wasm";
/// The version of zig that `--install` gets.
const ZIG: &str = "ziglang==0.17.1";
/// What each compiler takes. The memory is so large that no message of ordinary size has to grow it.
const FLAGS: [&str; 10] = [
    "-std=c11",
    "-Os",
    "-ffreestanding",
    "-nostdlib",
    "-Wall",
    "-Wextra",
    "-Wl,--no-entry",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=131072",
    "-Wl,--initial-memory=1048576",
];

pub(super) fn build(project: &Project, options: &Options<'_>) -> Result<(), BuildError> {
    let mut compiler = compiler(project, options)?;
    let sources = sources(&project.folder);
    if sources.is_empty() {
        return Err(BuildError::sources("there is no file that ends in .c"));
    }
    let module = project.folder.join(MODULE);
    let folder = project.folder.join("build");
    fs::create_dir_all(&folder).map_err(BuildError::system(format!("making {}", folder.display())))?;
    compiler.current_dir(&project.folder).args(FLAGS).arg(format!("-I{SDK}"));
    compiler.args(&sources).args([SDK_SOURCE, "-o", MODULE]);
    run(&mut compiler, "the C compiler").map_err(|error| match error {
        BuildError::Sources { what, .. } => BuildError::Sources { what, help: advice(project, &sources) },
        error => error,
    })?;
    finish::finish(project, &module)?;
    fs::remove_file(&module).map_err(BuildError::system(format!("removing {}", module.display())))
}

/// The sources below a project's folder, in the order of their names.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for below in FOLDERS {
        let entries = folder.join(below).read_dir().into_iter().flatten().flatten();
        let names = entries.map(|entry| Path::new(below).join(entry.file_name()));
        sources.extend(names.filter(|path| path.extension().is_some_and(|extension| extension == "c")));
    }
    sources.sort();
    sources
}

/// What is often wrong with sources that a compiler does not take, where they look like that.
fn advice(project: &Project, sources: &[PathBuf]) -> Vec<String> {
    let read = |path: &PathBuf| fs::read_to_string(project.folder.join(path)).ok();
    let text: String = sources.iter().filter_map(read).collect();
    let mut advice = Vec::new();
    if !text.contains(ACTOR) {
        advice.push(format!(
            "write {ACTOR}(.init = …, .handle = …) once: it says which functions are the actor"
        ));
    }
    let includes =
        text.lines().filter_map(|line| line.trim_start().strip_prefix("#include <")?.split('>').next());
    if let Some(header) = includes.into_iter().find(|header| !FREESTANDING.contains(header)) {
        let instead =
            format!("{SDK}/troupe_actor.h has what an actor needs, README.md there how to have one");
        advice.push(format!("there is no C library here, and so no <{header}>; {instead}"));
    }
    advice
}

/// A compiler that links WebAssembly: clang with wasm-ld, zig, or zig from a Python package.
fn compiler(project: &Project, options: &Options<'_>) -> Result<Command, BuildError> {
    if find("clang").is_some() && find("wasm-ld").is_some() {
        let mut clang = Command::new("clang");
        clang.arg("--target=wasm32");
        return Ok(clang);
    }
    let zig = |mut command: Command| {
        command.args(["cc", "-target", "wasm32-freestanding"]);
        command
    };
    if find("zig").is_some() {
        return Ok(zig(Command::new("zig")));
    }
    if let Some(python) = python_with_zig(project) {
        return Ok(zig(python));
    }
    if options.install {
        python::install(project, options, &[ZIG])?;
        if let Some(python) = python_with_zig(project) {
            return Ok(zig(python));
        }
    }
    Err(BuildError::missing(
        "there is no C compiler for WebAssembly",
        &["install clang and lld", "or zig, from a Python package into the project: troupe build --install"],
    ))
}

/// Zig from a Python package, if some Python has it.
fn python_with_zig(project: &Project) -> Option<Command> {
    let has_zig = |python: &PathBuf| output(Command::new(python).args(["-c", "import ziglang"])).is_some();
    let python = python::candidates(project).into_iter().find(has_zig)?;
    let mut module = Command::new(python);
    module.args(["-m", "ziglang"]);
    Some(module)
}
