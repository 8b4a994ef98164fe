//! Canonical bytes: every event comes back from them, and nothing is an event that is not written as these bytes.

mod support;

use genovo_engine::canonical::{DecodeError, Input, decode, encode};
use genovo_engine::event::Event;
use proptest::prelude::*;
use support::{Random, assert_same, built_kinds, event, richer};

fn encoded(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(event, &mut bytes);
    bytes
}

/// Whatever is read is written as the bytes that were taken.
fn read_and_write_again(bytes: &[u8]) -> Option<Event> {
    let mut input = Input::new(bytes);
    let event = decode(&mut input).ok()?;
    let taken = bytes.len() - input.rest().len();
    assert_eq!(encoded(&event), &bytes[..taken], "{event:?}");
    Some(event)
}

#[test]
fn every_kind_comes_back_and_nothing_shorter_does() {
    let mut random = Random::new(77);
    for kind in built_kinds() {
        for n in 0..200 {
            let mut event = event(n, kind, &mut random);
            if n % 2 == 1 {
                event.fact = richer(event.fact, &mut random);
            }
            let bytes = encoded(&event);
            let read = read_and_write_again(&bytes).unwrap_or_else(|| panic!("{event:?} does not come back"));
            assert_same(&[read], std::slice::from_ref(&event));
            for length in 0..bytes.len() {
                assert_eq!(decode(&mut Input::new(&bytes[..length])), Err(DecodeError::Short), "{event:?}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_gives_an_error_or_what_is_written_so() {
    let mut random = Random::new(78);
    for kind in built_kinds() {
        let mut event = event(5, kind, &mut random);
        for _ in 0..2 {
            let bytes = encoded(&event);
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                read_and_write_again(&flipped);
            }
            event.fact = richer(event.fact, &mut random);
        }
    }
}

#[test]
fn a_wild_count_asks_for_no_wild_memory() {
    let mut random = Random::new(79);
    let mut bytes = encoded(&event(5, genovo_engine::event::Kind::FeaturesComputed, &mut random));
    let at = bytes.len().min(22 + 8 * ((bytes[1] & 1) + ((bytes[1] >> 1) & 1)) as usize);
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(decode(&mut Input::new(&bytes)), Err(DecodeError::Short));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_give_an_event_or_an_error(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        kind in any::<proptest::sample::Index>(),
    ) {
        // Half of the cases get past the first two bytes.
        if bytes.len() > 2 && bytes[0] % 2 == 0 {
            bytes[0] = *kind.get(&built_kinds()) as u8;
            bytes[1] &= 31;
        }
        read_and_write_again(&bytes);
    }
}
