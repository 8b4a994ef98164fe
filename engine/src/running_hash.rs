//! BLAKE3 of bytes as they come, whose state can be saved: what the hash of all derived events needs to go on after a
//! restore.
//!
//! The result is that of [`blake3::hash`] over everything. BLAKE3 is a tree over pieces of 1,024 bytes: what was seen
//! is a few hashes of whole subtrees, one for each bit of the number of groups, and the bytes of the group under way.

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use crate::canonical::{Canonical, Input};
use crate::ids::Hash;
use crate::state::{State, StateError, expect_tag, tag};

/// Bytes that are hashed in one go: 8 pieces, as many as AVX2 takes at once.
const GROUP: usize = 8 * blake3::CHUNK_LEN;

/// The hash of everything so far.
#[derive(Clone, Debug)]
pub struct RunningHash {
    /// Groups that are hashed.
    groups: u64,
    /// Hashes of whole subtrees, the largest first: one for each bit of `groups`.
    subtrees: Vec<[u8; 32]>,
    /// The group under way. It is hashed only when more comes: the last one makes the root.
    open: Vec<u8>,
}

impl Default for RunningHash {
    fn default() -> RunningHash {
        RunningHash { groups: 0, subtrees: Vec::with_capacity(48), open: Vec::with_capacity(GROUP) }
    }
}

impl RunningHash {
    /// Takes more bytes.
    #[inline]
    pub fn update(&mut self, mut bytes: &[u8]) {
        while self.open.len() + bytes.len() > GROUP {
            let (now, later) = bytes.split_at(GROUP - self.open.len());
            self.open.extend_from_slice(now);
            self.close_group();
            bytes = later;
        }
        self.open.extend_from_slice(bytes);
    }

    fn close_group(&mut self) {
        let mut hash = self.hash_open();
        self.open.clear();
        self.groups += 1;
        // Two subtrees of one size are one of the next size.
        for _ in 0..self.groups.trailing_zeros() {
            let left = self.subtrees.pop().expect("a subtree for each bit");
            hash = merge_subtrees_non_root(&left, &hash, Mode::Hash);
        }
        self.subtrees.push(hash);
    }

    /// The hash of the group under way as a subtree.
    fn hash_open(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(self.groups * GROUP as u64).update(&self.open);
        hasher.finalize_non_root()
    }

    /// The hash of all bytes so far.
    pub fn finalize(&self) -> Hash {
        let Some((first, others)) = self.subtrees.split_first() else {
            return Hash(*blake3::hash(&self.open).as_bytes());
        };
        let right = others
            .iter()
            .rev()
            .fold(self.hash_open(), |right, left| merge_subtrees_non_root(left, &right, Mode::Hash));
        Hash(*merge_subtrees_root(first, &right, Mode::Hash).as_bytes())
    }
}

const TAG: u32 = tag("RunningHash groups subtrees open");

impl State for RunningHash {
    fn save(&self, out: &mut Vec<u8>) {
        TAG.write(out);
        self.groups.write(out);
        for subtree in &self.subtrees {
            out.extend_from_slice(subtree);
        }
        self.open.len().write(out);
        out.extend_from_slice(&self.open);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        expect_tag(TAG, "RunningHash", input)?;
        self.groups = u64::read(input)?;
        self.subtrees.clear();
        for _ in 0..self.groups.count_ones() {
            self.subtrees.push(input.array()?);
        }
        let length = input.count()?;
        self.open.clear();
        self.open.extend_from_slice(input.take(length)?);
        // No more groups than there can be bytes; and a group is hashed only when more comes.
        let possible = self.groups <= u64::MAX / (2 * GROUP as u64)
            && length <= GROUP
            && (self.groups == 0 || length > 0);
        if possible { Ok(()) } else { Err(StateError::Impossible("RunningHash")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn it_is_blake3_at_every_edge() {
        for groups in 0..=9 {
            for beside in [0, 1, 1_023, 1_024, 1_025, GROUP - 1] {
                let bytes = bytes(groups * GROUP + beside);
                let mut hash = RunningHash::default();
                bytes.chunks(700).for_each(|piece| hash.update(piece));
                assert_eq!(hash.finalize().0, *blake3::hash(&bytes).as_bytes(), "{groups} and {beside}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_goes_on_where_it_was_saved(
            before in 0..200_000_usize,
            after in 0..60_000_usize,
            piece in 1..30_000_usize,
        ) {
            let bytes = bytes(before + after);
            let mut hash = RunningHash::default();
            bytes[..before].chunks(piece).for_each(|piece| hash.update(piece));
            let mut saved = Vec::new();
            hash.save(&mut saved);
            let (mut again, mut input) = (RunningHash::default(), Input::new(&saved));
            again.update(b"something else");
            again.load(&mut input).unwrap();
            prop_assert!(input.rest().is_empty());
            again.update(&bytes[before..]);
            prop_assert_eq!(again.finalize().0, *blake3::hash(&bytes).as_bytes());
        }
    }
}
