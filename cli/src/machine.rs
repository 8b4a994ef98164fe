//! What the operating system says about this process.

/// The most memory that this process ever held, in bytes; 0 where the system does not tell.
pub fn peak_rss_bytes() -> u64 {
    // VmHWM is this process's own peak; getrusage would count what its parent held before exec.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
