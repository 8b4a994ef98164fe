//! Which vector instructions the kernels may use. All levels give the same bits; they differ in speed only.
//!
//! Without the `fma` instruction a fused multiply-add is a call with the same bits, tens of times slower:
//! the scalar level is there to be right everywhere, not to be fast.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A level of vector instructions, weakest first. Chosen once, at start-up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CpuLevel {
    /// Plain Rust: every machine has it, and it is the truth the others are held against.
    Scalar,
    /// x86-64 with AVX2 and FMA: 8 floats at a time.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL, besides all of `Avx2`: 16 floats at a time.
    Avx512,
}

impl CpuLevel {
    /// All levels, weakest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// The best level of this machine.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                let wide = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                return if wide { Self::Avx512 } else { Self::Avx2 };
            }
        }
        Self::Scalar
    }

    /// Reads what an operator asked for: a level's name, or `auto` for the best this machine has.
    ///
    /// # Errors
    /// A name that is none, or a level that this machine lacks.
    pub fn choose(name: &str) -> Result<Self, CpuLevelError> {
        Self::choose_on(name, Self::detect())
    }

    /// `choose` on a machine whose best level is `best`.
    fn choose_on(name: &str, best: Self) -> Result<Self, CpuLevelError> {
        if name == "auto" {
            return Ok(best);
        }
        let asked: Self = name.parse()?;
        if asked > best { Err(CpuLevelError::Missing { asked, best }) } else { Ok(asked) }
    }

    /// The level's name: `scalar`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for CpuLevel {
    type Err = CpuLevelError;

    /// Reads a level's name, whether this machine has the level or not.
    fn from_str(name: &str) -> Result<Self, CpuLevelError> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| CpuLevelError::Unknown { name: name.to_owned() })
    }
}

/// Why a CPU level could not be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CpuLevelError {
    /// No level has this name.
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// This machine lacks instructions of the level.
    Missing {
        /// What was asked for.
        asked: CpuLevel,
        /// The best this machine has.
        best: CpuLevel,
    },
}

impl fmt::Display for CpuLevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => {
                write!(f, "cpu level `{name}` is none of auto, scalar, avx2, avx512")
            }
            Self::Missing { asked, best } => {
                write!(f, "cpu level {asked} asked for, but this machine has {best} at best")
            }
        }
    }
}

impl Error for CpuLevelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for level in CpuLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!(CpuLevel::ALL.map(CpuLevel::name), ["scalar", "avx2", "avx512"]);
        assert_eq!(format!("{:>7}", CpuLevel::Avx2), "   avx2");
    }

    #[test]
    fn names_must_match_to_the_letter() {
        for name in ["", "AVX2", "avx", "avx2 ", "auto"] {
            assert_eq!(name.parse::<CpuLevel>(), Err(CpuLevelError::Unknown { name: name.to_owned() }));
        }
        assert_eq!(
            CpuLevel::choose("sse2").unwrap_err().to_string(),
            "cpu level `sse2` is none of auto, scalar, avx2, avx512"
        );
    }

    #[test]
    fn a_level_beyond_the_machine_is_an_error() {
        for best in CpuLevel::ALL {
            assert_eq!(CpuLevel::choose_on("auto", best), Ok(best));
            for asked in CpuLevel::ALL {
                let expected =
                    if asked <= best { Ok(asked) } else { Err(CpuLevelError::Missing { asked, best }) };
                assert_eq!(CpuLevel::choose_on(asked.name(), best), expected);
            }
        }
        assert_eq!(
            CpuLevelError::Missing { asked: CpuLevel::Avx512, best: CpuLevel::Scalar }.to_string(),
            "cpu level avx512 asked for, but this machine has scalar at best"
        );
    }

    #[test]
    fn this_machine_has_its_own_best_level() {
        assert_eq!(CpuLevel::choose("auto"), Ok(CpuLevel::detect()));
        assert_eq!(CpuLevel::choose("scalar"), Ok(CpuLevel::Scalar));
    }
}
