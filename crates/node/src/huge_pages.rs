//! Memory in small pages, so that no message waits for a large one.

/// Lets the system give this process memory in pages of its usual size only, from now on.
///
/// Otherwise a thread that touches new memory may get two megabytes of it at once, and waits until the system has found and
/// cleared them: some hundred microseconds, and several milliseconds in a virtual machine whose host has yet to find them, too.
/// It is a setting of the whole process, and of those that it starts; so a node's binary calls this, not the library. Where the
/// system has no such pages or no such setting, nothing changes.
pub fn disable() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
