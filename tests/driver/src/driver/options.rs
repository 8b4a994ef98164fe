//! What the environment asks of the stand-in.

use std::path::PathBuf;

/// Options, none of which the real driver knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `GENOVO_DRIVER_SEED`: who goes first among warps, blocks, lanes at atomic operations, and streams. 0, when it is
    /// not given: each in its turn, and everything at once when it is asked for.
    pub seed: u64,
    /// `GENOVO_DRIVER_LIMIT`: instructions of threads in one launch.
    pub limit: u64,
    /// `GENOVO_DRIVER_REPORT`: a file for counts and findings.
    pub report: Option<PathBuf>,
    /// Parts of `GENOVO_DRIVER_FAULT`.
    /// Allocations that succeed before memory is out.
    pub out_of_memory_after: Option<u64>,
    /// Bytes of the device.
    pub memory: u64,
    /// Launches after which the device is gone.
    pub lost_device_after_launches: Option<u64>,
    /// The driver's version, 1000 × major + 10 × minor.
    pub version: i32,
    /// How many devices there are.
    pub devices: i32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            seed: 0,
            limit: 20_000_000_000,
            report: None,
            out_of_memory_after: None,
            memory: 16 << 30,
            lost_device_after_launches: None,
            version: 13_000,
            devices: 1,
        }
    }
}

impl Options {
    /// From variables; an unknown or malformed one is an error in words.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Options, String> {
        let mut options = Options::default();
        let number = |name: &str, text: &str| {
            text.parse::<u64>().map_err(|_| format!("{name}: \"{text}\" is no number"))
        };
        if let Some(text) = variable("GENOVO_DRIVER_SEED") {
            options.seed = number("GENOVO_DRIVER_SEED", &text)?;
        }
        if let Some(text) = variable("GENOVO_DRIVER_LIMIT") {
            options.limit = number("GENOVO_DRIVER_LIMIT", &text)?;
        }
        options.report = variable("GENOVO_DRIVER_REPORT").map(PathBuf::from);
        for part in variable("GENOVO_DRIVER_FAULT").unwrap_or_default().split(',') {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if name == "no_device" && value.is_empty() {
                options.devices = 0;
                continue;
            }
            let value = number(&format!("GENOVO_DRIVER_FAULT: {name}"), value)?;
            match name {
                "out_of_memory_after" => options.out_of_memory_after = Some(value),
                "memory" => options.memory = value,
                "lost_device_after_launches" => options.lost_device_after_launches = Some(value),
                "old_driver" => options.version = i32::try_from(value).unwrap_or(i32::MAX),
                _ => {
                    return Err(format!(
                        "GENOVO_DRIVER_FAULT: \"{name}\" is none of no_device, out_of_memory_after=ALLOCATIONS, \
                         memory=BYTES, lost_device_after_launches=LAUNCHES, old_driver=VERSION"
                    ));
                }
            }
        }
        Ok(options)
    }
}
