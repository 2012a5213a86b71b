//! Lines for the actor's log. They reach no chain and no other actor.

use std::fmt;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever develops the actor.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something went wrong.
    Error,
}

/// Writes a line to the actor's log; the macros [`debug!`](crate::debug!), [`info!`](crate::info!),
/// [`warn!`](crate::warn!) and [`error!`](crate::error!) are shorter.
pub fn log(level: Level, line: fmt::Arguments<'_>) {
    match line.as_str() {
        Some(line) => crate::host::log(level, line),
        None => crate::host::log(level, &line.to_string()),
    }
}

/// Logs for whoever develops the actor.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log($crate::Level::Debug, ::core::format_args!($($line)+)) };
}

/// Logs what is worth knowing.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log($crate::Level::Info, ::core::format_args!($($line)+)) };
}

/// Logs what is worth a look.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($line)+)) };
}

/// Logs that something went wrong.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log($crate::Level::Error, ::core::format_args!($($line)+)) };
}

/// Writes what a panic says to the log, before it traps.
#[cfg(all(target_arch = "wasm32", feature = "panics"))]
pub(crate) mod panics {
    use std::cell::Cell;
    use std::panic::PanicHookInfo;

    use super::Level;

    /// The most characters that are written of a panic, so that a long one is not a log that is too large.
    const MAX_PANIC: usize = 1000;

    thread_local! {
        static INSTALLED: Cell<bool> = const { Cell::new(false) };
    }

    /// An instance serves one message, with a few calls; the first of them does it.
    pub(crate) fn install() {
        if !INSTALLED.replace(true) {
            std::panic::set_hook(Box::new(report));
        }
    }

    fn report(panic: &PanicHookInfo<'_>) {
        // The place is on a line of its own.
        let text = panic.to_string().replacen('\n', " ", 1);
        let line = text.chars().take(MAX_PANIC).collect::<String>();
        super::log(Level::Error, format_args!("{line}"));
    }
}

/// Takes what is logged with the crate `log`.
#[cfg(feature = "log")]
pub(crate) mod facade {
    use super::Level;

    struct Logger;

    impl log::Log for Logger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            let level = match record.level() {
                log::Level::Error => Level::Error,
                log::Level::Warn => Level::Warn,
                log::Level::Info => Level::Info,
                log::Level::Debug | log::Level::Trace => Level::Debug,
            };
            super::log(level, *record.args());
        }

        fn flush(&self) {}
    }

    /// An error says that it was installed before, or that somebody else's was.
    pub(crate) fn install() {
        if log::set_logger(&Logger).is_ok() {
            log::set_max_level(log::LevelFilter::Debug);
        }
    }
}
