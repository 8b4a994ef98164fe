//! One side of a book: levels by price.
//!
//! Prices near the best lie in a window of slots, one a tick, with two bitmaps above them that find the next level in a
//! few steps; what lies outside of the window or between ticks is in a sorted list. The window follows the best price.
//! Inside, prices are keys that grow towards the market on both sides: a bid's price, an offer's price negated.

use crate::canonical::{Canonical, Input, fields};
use crate::event::Side;
use crate::state::{State, StateError};
use crate::units::{Price, Quantity};

/// Slots of the window: a power of 64 times 8.
const WINDOW: usize = 1 << 15;
const WORDS: usize = WINDOW / 64;
/// Levels outside of the window that there is room for from the beginning.
const FAR: usize = 2_048;
/// The widest tick that the window is used for: beyond, prices are few and lie in the list.
const TICK_MAX: i64 = 1 << 40;

/// A price and what is displayed there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// The size, more than zero.
    pub size: Quantity,
}

fields! { Level { price, size } }

/// The levels of one side.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// 1 for bids, −1 for offers.
    sign: i64,
    tick: i64,
    /// 2^64 / tick, rounded up: divides multiples of the tick exactly.
    reciprocal: u64,
    /// The key of slot 0.
    base: i64,
    /// Keys that the window covers, from `base` on; 0 before the first level.
    span: u64,
    sizes: Vec<i64>,
    /// A bit for each slot that has a level.
    words: Vec<u64>,
    /// A bit for each word that has one.
    summary: [u64; WORDS / 64],
    /// One more than the best slot; 0 when the window is empty.
    top: usize,
    /// Keys and sizes of all other levels, ascending.
    far: Vec<(i64, i64)>,
    /// Levels on their way when the window moves.
    moving: Vec<(i64, i64)>,
    count: usize,
}

impl Ladder {
    /// An empty side.
    pub fn new(side: Side, tick: Price) -> Ladder {
        let tick = tick.0.max(1);
        Ladder {
            sign: side.sign(),
            tick,
            reciprocal: (u64::MAX / tick as u64).wrapping_add(1),
            base: 0,
            span: 0,
            sizes: Vec::new(),
            words: Vec::new(),
            summary: [0; WORDS / 64],
            top: 0,
            far: Vec::new(),
            moving: Vec::new(),
            count: 0,
        }
    }

    /// How many levels there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    #[inline]
    fn key(&self, price: Price) -> i64 {
        price.0.wrapping_mul(self.sign)
    }

    #[inline]
    fn level(&self, (key, size): (i64, i64)) -> Level {
        Level { price: Price(key.wrapping_mul(self.sign)), size: Quantity(size) }
    }

    /// The slot of a key, if the window has one.
    #[inline]
    fn slot(&self, key: i64) -> Option<usize> {
        let offset = key.wrapping_sub(self.base) as u64;
        if offset >= self.span {
            return None;
        }
        // A tick of 1 has no reciprocal below 2^64.
        let slot = match self.reciprocal {
            0 => offset,
            reciprocal => ((u128::from(offset) * u128::from(reciprocal)) >> 64) as u64,
        };
        (slot.wrapping_mul(self.tick as u64) == offset && slot < WINDOW as u64).then_some(slot as usize)
    }

    /// Shows `size` at `price`; nothing where it is not more than zero.
    #[inline]
    pub fn set(&mut self, price: Price, size: Quantity) {
        let key = self.key(price);
        match self.slot(key) {
            Some(slot) => self.set_slot(slot, size.0.max(0)),
            None => self.set_far(key, size.0.max(0)),
        }
    }

    /// Adds to what is displayed at `price`, or takes away from it.
    #[inline]
    pub fn add(&mut self, price: Price, size: Quantity) {
        let key = self.key(price);
        match self.slot(key) {
            Some(slot) => self.set_slot(slot, self.sizes[slot].saturating_add(size.0).max(0)),
            None => {
                let before = self.find_far(key).map_or(0, |place| self.far[place].1);
                self.set_far(key, before.saturating_add(size.0).max(0));
            }
        }
    }

    #[inline]
    fn set_slot(&mut self, slot: usize, size: i64) {
        let before = std::mem::replace(&mut self.sizes[slot], size);
        if (before == 0) == (size == 0) {
            return;
        }
        let (word, bit) = (slot / 64, 1_u64 << (slot % 64));
        if size > 0 {
            self.words[word] |= bit;
            self.summary[word / 64] |= 1 << (word % 64);
            self.count += 1;
            if slot >= self.top {
                self.top = slot + 1;
            }
        } else {
            self.words[word] &= !bit;
            if self.words[word] == 0 {
                self.summary[word / 64] &= !(1 << (word % 64));
            }
            self.count -= 1;
            if slot + 1 == self.top {
                self.top = self.below(slot).map_or(0, |slot| slot + 1);
                // The best price has come near the window's end, and what follows it may lie outside.
                if self.top < WINDOW / 8 && !self.far.is_empty() {
                    self.follow();
                }
            }
        }
    }

    /// The best level's slot below another.
    #[inline]
    fn below(&self, slot: usize) -> Option<usize> {
        let word = slot / 64;
        let bits = self.words[word] & ((1 << (slot % 64)) - 1);
        if bits != 0 {
            return Some(word * 64 + 63 - bits.leading_zeros() as usize);
        }
        let mut at = word / 64;
        let mut words = self.summary[at] & ((1 << (word % 64)) - 1);
        loop {
            if words != 0 {
                let word = at * 64 + 63 - words.leading_zeros() as usize;
                return Some(word * 64 + 63 - self.words[word].leading_zeros() as usize);
            }
            at = at.checked_sub(1)?;
            words = self.summary[at];
        }
    }

    #[inline]
    fn slot_key(&self, slot: usize) -> i64 {
        self.base.wrapping_add((slot as i64).wrapping_mul(self.tick))
    }

    fn find_far(&self, key: i64) -> Option<usize> {
        self.far.binary_search_by_key(&key, |level| level.0).ok()
    }

    fn set_far(&mut self, key: i64, size: i64) {
        match (self.far.binary_search_by_key(&key, |level| level.0), size) {
            (Ok(place), 0) => {
                self.far.remove(place);
                self.count -= 1;
            }
            (Ok(place), _) => self.far[place].1 = size,
            (Err(_), 0) => return,
            (Err(place), _) => {
                self.far.insert(place, (key, size));
                self.count += 1;
            }
        }
        let last = self.far.last().map(|level| level.0);
        let best_in_window = self.top.checked_sub(1).map(|slot| self.slot_key(slot));
        if last > best_in_window {
            self.follow();
        }
    }

    /// Moves the window so that the best level that lies on a tick is in its middle, unless it is inside.
    #[cold]
    fn follow(&mut self) {
        let on_tick = |key: i64| key.rem_euclid(self.tick) == 0;
        let best_far = self.far.iter().rev().map(|level| level.0).find(|key| on_tick(*key));
        let best_in_window = self.top.checked_sub(1).map(|slot| self.slot_key(slot));
        let Some(best) = best_far.max(best_in_window) else { return };
        let middle = (WINDOW / 2) as i64;
        let near = self.slot(best).is_some_and(|slot| slot >= WINDOW / 8);
        if near || self.tick > TICK_MAX {
            return;
        }
        self.take_out();
        if self.sizes.is_empty() {
            self.sizes.resize(WINDOW, 0);
            self.words.resize(WORDS, 0);
            // What a deep book has outside: room for it now, so that none is needed in the middle of a run.
            self.far.reserve(FAR);
            self.moving.reserve(2 * FAR);
        }
        self.base = best.wrapping_sub(middle * self.tick);
        self.span = WINDOW as u64 * self.tick as u64;
        let moving = std::mem::take(&mut self.moving);
        self.count = moving.len();
        for &(key, size) in &moving {
            match self.slot(key) {
                Some(slot) => {
                    self.sizes[slot] = size;
                    self.words[slot / 64] |= 1 << (slot % 64);
                    self.summary[slot / 64 / 64] |= 1 << (slot / 64 % 64);
                    self.top = slot + 1;
                }
                None => self.far.push((key, size)),
            }
        }
        self.moving = moving;
    }

    /// Empties window and list into `moving`, ascending.
    fn take_out(&mut self) {
        let mut moving = std::mem::take(&mut self.moving);
        moving.clear();
        moving.extend(Levels { ladder: self, slot: self.top, far: self.far.len() }.keys());
        moving.reverse();
        self.clear();
        self.moving = moving;
    }

    /// Takes every level away.
    pub fn clear(&mut self) {
        for at in 0..self.summary.len() {
            let mut words = std::mem::take(&mut self.summary[at]);
            while words != 0 {
                let word = at * 64 + words.trailing_zeros() as usize;
                words &= words - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    self.sizes[word * 64 + bits.trailing_zeros() as usize] = 0;
                    bits &= bits - 1;
                }
            }
        }
        self.far.clear();
        (self.top, self.count) = (0, 0);
    }

    /// The best level.
    #[inline]
    pub fn best(&self) -> Option<Level> {
        let inside = self.top.checked_sub(1).map(|slot| (self.slot_key(slot), self.sizes[slot]));
        let best = match self.far.last() {
            None => inside,
            far => inside.max(far.copied()),
        };
        best.map(|level| self.level(level))
    }

    /// What is displayed at a price; zero for nothing.
    pub fn size_at(&self, price: Price) -> Quantity {
        let key = self.key(price);
        let size = match self.slot(key) {
            Some(slot) => self.sizes[slot],
            None => self.find_far(key).map_or(0, |place| self.far[place].1),
        };
        Quantity(size)
    }

    /// The levels, the best first.
    pub fn levels(&self) -> Levels<'_> {
        Levels { ladder: self, slot: self.top, far: self.far.len() }
    }
}

/// The levels, the best first. Where the window lies can be seen by nobody.
impl State for Ladder {
    fn save(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        self.levels().for_each(|level| level.write(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.clear();
        let count = input.count()?;
        for _ in 0..count {
            let Level { price, size } = Level::read(input)?;
            self.set(price, size);
        }
        // Each once, and none that shows nothing.
        if self.count == count { Ok(()) } else { Err(StateError::Impossible("Ladder")) }
    }
}

/// The levels of a side, the best first.
#[derive(Clone, Debug)]
pub struct Levels<'a> {
    ladder: &'a Ladder,
    /// One more than the next slot; 0 when the window is done.
    slot: usize,
    /// One more than the next place in the list.
    far: usize,
}

impl Levels<'_> {
    #[inline]
    fn next_key(&mut self) -> Option<(i64, i64)> {
        let ladder = self.ladder;
        let inside = self.slot.checked_sub(1).map(|slot| (ladder.slot_key(slot), ladder.sizes[slot]));
        let outside = self.far.checked_sub(1).map(|place| ladder.far[place]);
        if outside > inside {
            self.far -= 1;
            return outside;
        }
        if let Some(slot) = self.slot.checked_sub(1) {
            self.slot = ladder.below(slot).map_or(0, |slot| slot + 1);
        }
        inside
    }

    fn keys(mut self) -> impl Iterator<Item = (i64, i64)> {
        std::iter::from_fn(move || self.next_key())
    }
}

impl Iterator for Levels<'_> {
    type Item = Level;

    #[inline]
    fn next(&mut self) -> Option<Level> {
        let level = self.next_key()?;
        Some(self.ladder.level(level))
    }
}
