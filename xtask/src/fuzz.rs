//! `cargo xtask fuzz`: runs the fuzz targets with the stable compiler, as `fuzz/README.md` says.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{cache, shell};

/// Runs the task.
pub(crate) fn run(options: &[&str]) -> Result<()> {
    let mut seconds = 60;
    let mut targets = Vec::new();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--seconds" => {
                let value = options.next().context("--seconds needs a number")?;
                seconds = value.parse().with_context(|| format!("--seconds {value}"))?;
            }
            option if option.starts_with('-') => bail!("fuzz has no option {option}"),
            target => targets.push(target),
        }
    }
    each(&targets, seconds)
}

/// Runs some targets, all if none is named, one after the other.
pub(crate) fn each(wanted: &[&str], seconds: u32) -> Result<()> {
    let targets = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !targets.iter().any(|target| target == **name)) {
        bail!("there is no target {unknown}; there are {}", targets.join(", "));
    }
    for target in targets {
        if !wanted.is_empty() && !wanted.contains(&target.as_str()) {
            continue;
        }
        let mut script = Command::new("sh");
        script.current_dir(cache::root()?).args(["fuzz/run.sh", &target, &seconds.to_string()]);
        let mut runs = None;
        shell::run(&mut script, |line| {
            if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
                runs = count.trim().parse::<u64>().ok();
            }
        })
        .with_context(|| format!("fuzzing {target}"))?;
        // A target that ran nothing has found nothing either.
        match runs {
            None | Some(0) => bail!("fuzzing {target}: nothing was run"),
            Some(runs) => println!("{target}: {runs} inputs and no finding"),
        }
    }
    Ok(())
}

/// The targets by name, in order.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(cache::root()?.join("fuzz/targets")).context("reading fuzz/targets")? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}
