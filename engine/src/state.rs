//! What is remembered, as bytes: saved at one event, loaded later into a machine made of the same settings.
//!
//! A [`State`] saves what events have made of it and nothing that follows from its settings. Numbers are little-endian
//! ([`crate::canonical`]); a list that the settings size is loaded into the list that is there, and must be as long. A
//! machine begins with the tag of its fields' names, so that a build that remembers other things refuses the bytes
//! instead of misreading them. Any bytes load or give an error; none can make a machine panic.
//!
//! Most machines are listed by [`state!`](crate::state!) beside their definition.
//! `docs/decisions/0015-a-checkpoint-is-a-cache.md` says what is in a checkpoint of the engine and why.

use std::collections::VecDeque;

use crate::canonical::{Canonical, DecodeError, Input};

/// Something that events change, and that can be saved and loaded.
pub trait State {
    /// Appends everything that events have made of it.
    fn save(&self, out: &mut Vec<u8>);

    /// Becomes what was saved, taking it from the front of `input`. It was made of the same settings as what saved it;
    /// after an error it means nothing.
    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError>;
}

/// Why bytes are not a saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A value cannot be read.
    #[error(transparent)]
    Value(#[from] DecodeError),
    /// Another machine's bytes, or those of a build that remembers other things.
    #[error("here is not the state of {0} as this build has it")]
    Layout(&'static str),
    /// A list of another length.
    #[error("a list has {found} entries, but must have {expected}")]
    Length {
        /// How many there are.
        found: u64,
        /// How many the settings make.
        expected: usize,
    },
    /// A machine that cannot be in this state.
    #[error("{0} cannot be in this state")]
    Impossible(&'static str),
    /// Bytes behind the end.
    #[error("{0} bytes are left over")]
    Rest(usize),
}

impl<T: Canonical> State for T {
    #[inline]
    fn save(&self, out: &mut Vec<u8>) {
        self.write(out);
    }

    #[inline]
    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        *self = T::read(input)?;
        Ok(())
    }
}

/// A list whose length the settings fix.
impl<T: State> State for [T] {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|item| item.save(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        let (found, expected) = (u64::read(input)?, self.len());
        if found != expected as u64 {
            return Err(StateError::Length { found, expected });
        }
        self.iter_mut().try_for_each(|item| item.load(input))
    }
}

impl<T: State, const N: usize> State for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|item| item.save(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.iter_mut().try_for_each(|item| item.load(input))
    }
}

/// It keeps the room that it has.
impl<T: Canonical> State for VecDeque<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().write(out);
        self.iter().for_each(|item| item.write(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.clear();
        for _ in 0..input.count()? {
            self.push_back(T::read(input)?);
        }
        Ok(())
    }
}

/// The tag of a machine: FNV-1a of what is remembered, by name.
pub const fn tag(layout: &str) -> u32 {
    let bytes = layout.as_bytes();
    let (mut hash, mut at) = (0x811c_9dc5_u32, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// Takes a machine's tag.
pub fn expect_tag(tag: u32, machine: &'static str, input: &mut Input<'_>) -> Result<(), StateError> {
    if u32::read(input)? == tag { Ok(()) } else { Err(StateError::Layout(machine)) }
}

/// Implements [`State`](crate::state::State) for a struct: the fields that events change, in order. `[field]` is a list
/// whose length the settings fix, `(field)` an option of which they say whether there is one; `if |it| …` is what must
/// hold of every loaded one, `; then method` works out again what follows from the fields.
///
/// ```
/// struct Counter {
///     limit: u32,
///     seen: u32,
///     last: [f64; 4],
/// }
/// genovo_engine::state! { Counter { seen, last } if |it| it.seen <= it.limit }
/// ```
#[macro_export]
macro_rules! state {
    ($type:ident { $($field:tt),* $(,)? } $(if |$it:ident| $holds:expr)? $(; then $follows:ident)?) => {
        impl $crate::state::State for $type {
            fn save(&self, out: &mut Vec<u8>) {
                const TAG: u32 = $crate::state::tag(stringify!($type $($field)*));
                $crate::state::State::save(&TAG, out);
                $($crate::state!(@save self, out, $field);)*
            }

            fn load(
                &mut self,
                input: &mut $crate::canonical::Input<'_>,
            ) -> Result<(), $crate::state::StateError> {
                const TAG: u32 = $crate::state::tag(stringify!($type $($field)*));
                $crate::state::expect_tag(TAG, stringify!($type), input)?;
                $($crate::state!(@load self, input, $field);)*
                $(self.$follows();)?
                $({
                    let $it = &*self;
                    if !$holds {
                        return Err($crate::state::StateError::Impossible(stringify!($type)));
                    }
                })?
                Ok(())
            }
        }
    };
    (@save $self:tt, $out:ident, [$field:ident]) => {
        $crate::state::State::save(&$self.$field[..], $out)
    };
    (@save $self:tt, $out:ident, ($field:ident)) => {
        $self.$field.iter().for_each(|it| $crate::state::State::save(it, $out))
    };
    (@save $self:tt, $out:ident, $field:tt) => {
        $crate::state::State::save(&$self.$field, $out)
    };
    (@load $self:tt, $input:ident, [$field:ident]) => {
        $crate::state::State::load(&mut $self.$field[..], $input)?
    };
    (@load $self:tt, $input:ident, ($field:ident)) => {
        $self.$field.iter_mut().try_for_each(|it| $crate::state::State::load(it, $input))?
    };
    (@load $self:tt, $input:ident, $field:tt) => {
        $crate::state::State::load(&mut $self.$field, $input)?
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Machine {
        seen: Vec<Option<u32>>,
        at: usize,
        queue: VecDeque<i64>,
        pair: (f64, bool),
    }
    crate::state! { Machine { [seen], at, queue, pair } if |it| it.at < it.seen.len() }

    fn machine() -> Machine {
        Machine {
            seen: vec![Some(7), None, Some(0)],
            at: 2,
            queue: [-1, i64::MAX].into(),
            pair: (-0.0, true),
        }
    }

    fn saved(machine: &Machine) -> Vec<u8> {
        let mut bytes = Vec::new();
        machine.save(&mut bytes);
        bytes
    }

    fn loaded(bytes: &[u8], seen: usize) -> Result<Machine, StateError> {
        let mut machine = Machine { seen: vec![None; seen], ..Machine::default() };
        let mut input = Input::new(bytes);
        machine.load(&mut input)?;
        match input.rest().len() {
            0 => Ok(machine),
            rest => Err(StateError::Rest(rest)),
        }
    }

    #[test]
    fn a_machine_comes_back_as_it_was() {
        let bytes = saved(&machine());
        let again = loaded(&bytes, 3).unwrap();
        assert_eq!(again, machine());
        assert_eq!(again.pair.0.to_bits(), (-0.0_f64).to_bits());
        assert_eq!(saved(&again), bytes);
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let bytes = saved(&machine());
        assert_eq!(loaded(&bytes, 4).unwrap_err(), StateError::Length { found: 3, expected: 4 });
        for end in 0..bytes.len() {
            assert!(loaded(&bytes[..end], 3).is_err(), "cut at {end}");
        }
        let mut other = bytes.clone();
        other[0] ^= 1;
        assert_eq!(loaded(&other, 3).unwrap_err(), StateError::Layout("Machine"));
        let beyond = saved(&Machine { at: 3, ..machine() });
        assert_eq!(loaded(&beyond, 3).unwrap_err(), StateError::Impossible("Machine"));
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(loaded(&longer, 3).unwrap_err(), StateError::Rest(1));
    }

    #[test]
    fn a_field_more_or_another_name_is_another_tag() {
        assert_ne!(tag("Machine seen at"), tag("Machine seen at queue"));
        assert_ne!(tag("Machine seen at"), tag("Machine seen place"));
        assert_eq!(tag(""), 0x811c_9dc5);
    }
}
