//! What the figures in `docs/benchmarks.md` are measured with: alternatives run in turn within one process, medians of
//! the rounds, and ratios against a baseline of the same run.

pub mod bare;
pub mod naive;
pub mod raw;

use std::time::{Duration, Instant};

/// Runs every alternative once per round, in turn, and returns the median of each.
///
/// An alternative returns how long it took by its own clock, so that what it prepares does not count.
///
/// # Errors
/// The first error of an alternative.
pub fn medians<const N: usize>(
    rounds: usize,
    mut alternatives: [&mut dyn FnMut() -> anyhow::Result<f64>; N],
) -> anyhow::Result<[f64; N]> {
    let mut samples: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for round in 0..=rounds {
        for (alternative, samples) in alternatives.iter_mut().zip(&mut samples) {
            let sample = alternative()?;
            // The first round warms up.
            if round > 0 {
                samples.push(sample);
            }
        }
    }
    Ok(samples.map(median))
}

/// The middle one of the samples; not a number if there is none.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The time that this thread computed for one call, in microseconds, over `count` calls. What others do on the machine
/// counts for less than in [`per_call`].
///
/// # Errors
/// The first error of a call.
pub fn cpu_per_call(count: usize, mut call: impl FnMut(usize) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = cpu_micros();
    for index in 0..count {
        call(index)?;
    }
    Ok((cpu_micros() - began) / count as f64)
}

/// The time that this thread has computed so far, in microseconds.
pub fn cpu_micros() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// The time of one call, in microseconds, over `count` calls.
///
/// # Errors
/// The first error of a call.
pub fn per_call(count: usize, mut call: impl FnMut(usize) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let began = Instant::now();
    for index in 0..count {
        call(index)?;
    }
    Ok(micros(began.elapsed()) / count as f64)
}

/// A duration in microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// An error of wasmtime's as one that the rest of the benchmarks use.
pub fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}
