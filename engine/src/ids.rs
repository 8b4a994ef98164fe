//! Identifiers: newtypes, so that no number of one thing passes for a number of another.

use std::fmt;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            rkyv::Archive, rkyv::Serialize, rkyv::Deserialize, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id_type! {
    /// An instrument of the run: its place in the settings' list, counted from 1. 0 means "no instrument".
    InstrumentId(u32)
}
id_type! {
    /// An order, counted from 1 in the order of submission or denial.
    OrderId(u64)
}
id_type! {
    /// A strategy of the run where several share the account: its place in the settings' list, counted from 1. 0 means
    /// "the only one", or "none": the operator, a margin call, a stop that protects.
    StrategyId(u32)
}
id_type! {
    /// A timer that somebody asked to be woken by.
    TimerId(u32)
}
id_type! {
    /// The place of an event in its run: `input number << 16 | position`; 0 means "none".
    ///
    /// An input has position 0; what it causes follows at 1, 2, …. The sequence, not any clock, orders a replay.
    Sequence(u64)
}

impl InstrumentId {
    /// What concerns no single instrument.
    pub const NONE: InstrumentId = InstrumentId(0);

    /// The index into a list of the run's instruments, `None` for [`InstrumentId::NONE`].
    #[inline]
    pub fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }
}

impl OrderId {
    /// No order.
    pub const NONE: OrderId = OrderId(0);

    /// Whether it is no order.
    #[inline]
    pub fn is_none(&self) -> bool {
        *self == OrderId::NONE
    }
}

impl StrategyId {
    /// The only strategy, or none.
    pub const NONE: StrategyId = StrategyId(0);

    /// The index into the list of strategies that share the account.
    #[inline]
    pub fn index(self) -> Option<usize> {
        (self.0 as usize).checked_sub(1)
    }

    /// Whether it is no strategy among several.
    #[inline]
    pub fn is_none(&self) -> bool {
        *self == StrategyId::NONE
    }
}

impl Sequence {
    /// No event.
    pub const NONE: Sequence = Sequence(0);
    /// The most events one input may cause; more is a fault.
    pub const POSITION_MAX: u64 = 0xffff;

    /// The sequence of input `number`, counted from 1.
    #[inline]
    pub const fn input(number: u64) -> Sequence {
        Sequence(number << 16)
    }

    /// Which input this is or follows from.
    #[inline]
    pub const fn input_number(self) -> u64 {
        self.0 >> 16
    }

    /// 0 for an input, 1, 2, … for what it caused.
    #[inline]
    pub const fn position(self) -> u64 {
        self.0 & Self::POSITION_MAX
    }

    /// Whether this names an input.
    #[inline]
    pub const fn is_input(self) -> bool {
        self.position() == 0
    }
}

/// A BLAKE3 hash, printed as `b3:` and 64 hexadecimal digits.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The first and last four digits, for a line that a person compares by eye.
    pub fn short(&self) -> String {
        let text = hex(&self.0);
        format!("b3:{}…{}", &text[..4], &text[60..])
    }

    /// Reads what [`fmt::Display`] printed.
    pub fn parse(text: &str) -> Option<Hash> {
        unhex(text.strip_prefix("b3:")?).map(Hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b3:{}", hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        Hash::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a b3: hash")))
    }
}

/// The identity of a run: the first 16 bytes of the BLAKE3 of its `RunStarted` event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub [u8; 16]);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Two hexadecimal digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many bytes out of twice as many lower-case digits, and nothing else.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| (c as char).to_digit(16).filter(|_| !c.is_ascii_uppercase());
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_keeps_input_and_position_apart() {
        let input = Sequence::input(7);
        let third = Sequence(input.0 + 3);
        assert!(input.is_input());
        assert!(!third.is_input());
        assert_eq!((third.input_number(), third.position()), (7, 3));
        assert!(third < Sequence::input(8));
    }

    #[test]
    fn hash_reads_what_it_prints_and_nothing_else() {
        let hash = Hash(std::array::from_fn(|i| (i * 9) as u8));
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash::parse("b3:00"), None);
        assert_eq!(Hash::parse(&hash.to_string().to_uppercase()), None);
        assert_eq!(Hash::parse(&hash.to_string().replace("b3:", "b4:")), None);
    }
}
