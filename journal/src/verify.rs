//! Verification: from the first event to the head, nothing believed that can be computed.

use std::path::{Path, PathBuf};

use genovo_engine::ids::{Hash, Sequence};

use crate::block::{BlockHeader, BlockReader};
use crate::chain::Chain;
use crate::chapter::{BlockFile, Paths};
use crate::error::{Damage, Error, Intact, Place};
use crate::group::GROUP_BYTES_MAX;
use crate::seal::{Before, Seal};
use crate::store::StoreCopy;
use crate::writer::compare;

/// What [`verify()`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The journal.
    pub journal: PathBuf,
    /// Events whose place in the chain was recomputed and agrees.
    pub events: u64,
    /// Their blocks.
    pub blocks: u64,
    /// The chain's hash after them; the sealed head when all are intact.
    pub head_hash: Hash,
    /// Files compared with their sealed hash.
    pub files: u64,
    /// The first thing that differs from what was sealed.
    pub first_damage: Option<Damage>,
}

impl Verification {
    /// Whether everything is as it was sealed.
    pub fn intact(&self) -> bool {
        self.first_damage.is_none()
    }
}

/// Recomputes a sealed journal from the first event: every event is decoded, encoded canonically again,
/// chained, and compared with its block and the seal; every file is compared with its sealed hash, every
/// block of the store with that of `chapter.blocks`.
///
/// What differs is a [`Damage`] in the answer. An error means that nothing could be said: no journal, no
/// seal, or a file that the system does not let us read.
pub fn verify(journal: &Path) -> Result<Verification, Error> {
    let mut verification = Verification {
        journal: journal.to_owned(),
        events: 0,
        blocks: 0,
        head_hash: Hash::default(),
        files: 0,
        first_damage: None,
    };
    let mut before = Before::default();
    let mut chapters = Paths::sealed_chapters(journal)?.into_iter().peekable();
    while let Some(paths) = chapters.next() {
        let blocks = verification.blocks;
        match verify_chapter(&paths, &before, &mut verification)? {
            Ok(seal) if seal.continues && chapters.peek().is_none() => {
                let seal = Paths::chapter(journal, paths.number + 1).seal;
                return Err(Error::Incomplete { journal: journal.to_owned(), seal });
            }
            Ok(seal) => before = seal.after(),
            Err(mut damage) => {
                damage.intact.blocks += blocks;
                verification.first_damage = Some(*damage);
                break;
            }
        }
    }
    Ok(verification)
}

/// The same for one chapter, which comes after `before`; adds what is intact to `found`.
fn verify_chapter(
    paths: &Paths,
    before: &Before,
    found: &mut Verification,
) -> Result<Result<Seal, Box<Damage>>, Error> {
    let seal = match Seal::read(&paths.seal).and_then(|seal| seal.expect(paths, before)) {
        Ok(seal) => seal,
        Err(Error::Damaged(mut damage)) => {
            damage.intact.events = before.events;
            return Ok(Err(damage));
        }
        Err(error) => return Err(error),
    };
    found.files += seal.files.len() as u64 + 1;
    let check = seal.check_files(paths)?;
    let mut follower = Follower::of(&seal);
    let followed = follow_file(paths, &seal, &mut follower);
    found.events = follower.intact.events;
    found.blocks += follower.intact.blocks;
    found.head_hash = follower.chain.head();
    let in_chain = match followed {
        Ok(()) => None,
        Err(Error::Damaged(damage)) => Some(*damage),
        // A file that is missing is damage, and the comparison of files has named it.
        Err(_) if check.blocks.is_some() => None,
        Err(error) => return Err(error),
    };
    let in_chain = in_chain.map(|damage| match &check.blocks {
        Some(file) if damage.recomputed.is_none() => {
            Damage { sealed: file.sealed, recomputed: file.recomputed, ..damage }
        }
        _ => damage,
    });
    let intact = follower.intact;
    if let Some(damage) = in_chain.or(check.blocks).or(check.store).or(check.identity) {
        return Ok(Err(Box::new(Damage { intact, ..damage })));
    }
    let mut copy = StoreCopy::open(&paths.store)?;
    if let Some(store) = copy.store() {
        match compare(store, paths) {
            Ok(()) => {}
            Err(Error::Damaged(damage)) => return Ok(Err(damage)),
            Err(error) => return Err(error),
        }
    }
    match crate::checkpoint::verify(paths)? {
        Some(damage) => Ok(Err(Box::new(Damage { intact, ..damage }))),
        None => Ok(Ok(seal)),
    }
}

/// A chapter's seal, if everything is as it was sealed and comes after `before`.
pub(crate) fn verify_sealed(paths: &Paths, before: &Before) -> Result<Seal, Error> {
    let mut found = Verification {
        journal: paths.journal.clone(),
        events: 0,
        blocks: 0,
        head_hash: Hash::default(),
        files: 0,
        first_damage: None,
    };
    verify_chapter(paths, before, &mut found)?.map_err(Error::Damaged)
}

/// Follows the chain through `chapter.blocks`.
pub(crate) fn follow_file(paths: &Paths, seal: &Seal, follower: &mut Follower) -> Result<(), Error> {
    let file = BlockFile::open(&paths.blocks)?;
    let mut at = file.start();
    let mut block = Vec::new();
    while let Some(header) = file.header(at).map_err(|error| follower.in_this_block(error))? {
        file.block(at, header.block_bytes(), &mut block)?;
        follower.follow(&block, &paths.blocks)?;
        at += header.block_bytes();
    }
    follower.expect_end(seal, &paths.blocks)
}

/// Follows the chain from block to block and recomputes it.
pub(crate) struct Follower {
    chain: Chain,
    reader: BlockReader,
    blocks: u64,
    first_sequence: Option<Sequence>,
    intact: Intact,
}

impl Follower {
    /// Before the first block of a chapter with this seal.
    pub fn of(seal: &Seal) -> Follower {
        let Before { events, last_sequence, head } = seal.before;
        let last_sequence = (events > 0).then_some(last_sequence);
        Follower {
            chain: Chain::after(head),
            reader: BlockReader::default(),
            blocks: seal.blocks,
            first_sequence: None,
            intact: Intact { blocks: 0, events, last_sequence },
        }
    }

    /// Takes the next block if it follows; `file` is where it was found.
    pub fn follow(&mut self, block: &[u8], file: &Path) -> Result<BlockHeader, Error> {
        self.follow_with(block, file, |_| ())
    }

    /// The same, and `visit` sees every event.
    pub fn follow_with(
        &mut self,
        block: &[u8],
        file: &Path,
        mut visit: impl FnMut(&genovo_engine::event::Event),
    ) -> Result<BlockHeader, Error> {
        let header = match self.reader.read(block) {
            Ok(header) => header,
            Err(error) => {
                let header = block.first_chunk().and_then(|head| BlockHeader::read(head).ok());
                return Err(self.damage(file, header.as_ref(), error.to_string(), None));
            }
        };
        let wrong = |problem: &str| Err(self.damage(file, Some(&header), problem.to_owned(), None));
        if header.first_number != self.intact.events + 1 {
            return wrong("its first event does not have the number after the last one's");
        }
        if header.previous != self.chain.head().0[..16] {
            return wrong("it does not follow the block before it: the hashes do not join");
        }
        let mut last = self.intact.last_sequence;
        let mut events = 0;
        while let Some(event) = self.reader.next_event() {
            if last.is_some_and(|last| event.header.sequence <= last) {
                let problem = format!("sequence {} does not rise", event.header.sequence);
                return Err(self.damage(file, Some(&header), problem, None));
            }
            last = Some(event.header.sequence);
            events += 1;
            self.chain.add_unchecked(&event);
            visit(&event);
        }
        if events > 1 && self.chain.open_bytes() > GROUP_BYTES_MAX {
            return Err(self.damage(file, Some(&header), "it holds more than a group may".to_owned(), None));
        }
        let content = self.chain.close();
        if content != header.content {
            let problem = "its events are not those that were sealed: the chain breaks here".to_owned();
            return Err(self.damage(file, Some(&header), problem, Some(content)));
        }
        self.first_sequence.get_or_insert(header.first_sequence);
        self.intact.blocks += 1;
        self.intact.events += events;
        self.intact.last_sequence = last;
        Ok(header)
    }

    /// Fails unless what was followed is all that was sealed.
    pub fn expect_end(&self, seal: &Seal, file: &Path) -> Result<(), Error> {
        let Intact { blocks, events, last_sequence } = self.intact;
        let events = events.saturating_sub(seal.before.events);
        if blocks != seal.blocks || events != seal.events {
            let problem = format!(
                "holds {blocks} blocks with {events} events, sealed were {} with {}",
                seal.blocks, seal.events
            );
            return Err(self.damage(file, None, problem, None));
        }
        let last_sequence = last_sequence.filter(|_| events > 0);
        let (first, last) = (self.first_sequence.unwrap_or_default(), last_sequence.unwrap_or_default());
        if (first, last) != (seal.first_sequence, seal.last_sequence) {
            return Err(self.damage(file, None, "other first or last sequence than sealed".to_owned(), None));
        }
        let head = self.chain.head();
        if head != seal.head_hash {
            let mut damage = Damage::new(file, "the chain ends in another hash than was sealed");
            damage.sealed = Some(seal.head_hash);
            damage.recomputed = Some(head);
            return Err(Error::Damaged(Box::new(damage)));
        }
        Ok(())
    }

    /// An error in the header of the block that comes next.
    fn in_this_block(&self, error: Error) -> Error {
        match error {
            Error::Damaged(damage) => {
                let problem =
                    format!("block {} of {}: {}", self.intact.blocks + 1, self.blocks, damage.problem);
                Error::Damaged(Box::new(Damage { problem, intact: self.intact, ..*damage }))
            }
            other => other,
        }
    }

    fn damage(
        &self,
        file: &Path,
        header: Option<&BlockHeader>,
        problem: String,
        recomputed: Option<Hash>,
    ) -> Error {
        let place = header.map(|header| Place {
            block: self.intact.blocks + 1,
            blocks: self.blocks,
            first_sequence: header.first_sequence,
            last_sequence: header.last_sequence,
            first_number: self.intact.events + 1,
            last_number: self.intact.events.saturating_add(u64::from(header.events)),
            first_time: header.first_time,
            last_time: header.last_time,
        });
        let sealed = recomputed.and(header.map(|header| header.content));
        let intact = self.intact;
        Error::Damaged(Box::new(Damage { place, sealed, recomputed, intact, ..Damage::new(file, problem) }))
    }
}
