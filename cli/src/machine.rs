//! What the operating system says about this process.

/// The most memory that this process ever held, in bytes; 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    // VmHWM is this process's own peak; getrusage would count what its parent held before exec.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Lets large buffers go back to the system when they are freed, for the whole process.
///
/// By itself glibc raises the size from which it does so with every large buffer that is freed, and a long run of large
/// buffers of many sizes then keeps what it no longer uses: twice the memory on ten times the data.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt only sets a parameter of the allocator; it is called before any thread is started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024);
    }
}
