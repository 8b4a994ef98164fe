//! The orders of a book by order, found by their number.
//!
//! A table of slots probed one after the other, twice as many as orders at least. Its layout follows from the numbers
//! alone, and nothing ever walks it in its own order where that could be seen.

use crate::canonical::{Canonical, Input, fields};
use crate::event::Side;
use crate::state::{State, StateError};
use crate::units::{Price, Quantity};

/// An order of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookOrder {
    /// Its number at the venue.
    pub order: u64,
    /// Whether it bids or offers.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub size: Quantity,
    /// Its place: of two orders at one price the smaller comes first.
    pub place: u64,
}

fields! { BookOrder { order, side, price, size, place } }

/// Orders by number.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Empty, or a power of two.
    slots: Vec<Option<BookOrder>>,
    count: usize,
    /// How many places were given.
    places: u64,
}

/// Slots of the first table.
const FIRST: usize = 1024;

impl Orders {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The place that the next order gets: every order that is there has a smaller one.
    pub fn next_place(&self) -> u64 {
        self.places
    }

    /// Where a number belongs.
    #[inline]
    fn home(&self, order: u64) -> usize {
        // The high bits of the product with an odd constant near 2^64 / φ depend on all bits of the number.
        let spread = order.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & (self.slots.len() - 1)
    }

    /// The slot of an order, or the empty one that it would get. There is always an empty one.
    #[inline]
    fn find(&self, order: u64) -> usize {
        let mut slot = self.home(order);
        while self.slots[slot].is_some_and(|found| found.order != order) {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    /// The order with this number.
    #[inline]
    pub fn get(&self, order: u64) -> Option<BookOrder> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.find(order)]
    }

    /// Puts an order in, in place of one with its number. It goes to the end of the queue unless it keeps its place.
    pub(super) fn put(&mut self, order: u64, side: Side, price: Price, size: Quantity, keeps_place: bool) {
        if 2 * (self.count + 1) > self.slots.len() {
            self.grow();
        }
        let slot = self.find(order);
        let before = self.slots[slot];
        let place = match before {
            Some(before) if keeps_place => before.place,
            _ => {
                self.places = self.places.wrapping_add(1);
                self.places.wrapping_sub(1)
            }
        };
        self.count += usize::from(before.is_none());
        self.slots[slot] = Some(BookOrder { order, side, price, size, place });
    }

    /// Makes an order smaller; how it was before, and by how much. `None` if it is not there.
    pub(super) fn reduce(&mut self, order: u64, by: Quantity) -> Option<(BookOrder, Quantity)> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.find(order);
        let before = self.slots[slot]?;
        let by = by.max(Quantity::ZERO).min(before.size);
        if by == before.size {
            self.empty(slot);
        } else {
            self.slots[slot] = Some(BookOrder { size: Quantity(before.size.0 - by.0), ..before });
        }
        Some((before, by))
    }

    /// Takes an order out.
    pub(super) fn remove(&mut self, order: u64) {
        if !self.slots.is_empty() {
            let slot = self.find(order);
            if self.slots[slot].is_some() {
                self.empty(slot);
            }
        }
    }

    /// Empties a slot and closes the gap, so that no search ends too early.
    fn empty(&mut self, mut slot: usize) {
        let mask = self.slots.len() - 1;
        self.slots[slot] = None;
        self.count -= 1;
        let mut next = (slot + 1) & mask;
        while let Some(order) = self.slots[next] {
            let home = self.home(order.order);
            // It may move back as far as its home.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(slot) & mask) {
                self.slots[slot] = self.slots[next].take();
                slot = next;
            }
            next = (next + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (2 * self.slots.len()).max(FIRST);
        let old = std::mem::replace(&mut self.slots, vec![None; size]);
        for order in old.into_iter().flatten() {
            let slot = self.find(order.order);
            self.slots[slot] = Some(order);
        }
    }

    /// Takes every order out; places go on.
    pub(super) fn clear(&mut self) {
        if self.count > 0 {
            self.slots.fill(None);
            self.count = 0;
        }
    }

    /// The queue at a price, first come first. It looks at every order: for showing, not for every tick.
    pub fn queue(&self, side: Side, price: Price) -> Vec<BookOrder> {
        let here = |order: &&BookOrder| order.side == side && order.price == price;
        let mut queue: Vec<BookOrder> = self.slots.iter().flatten().filter(here).copied().collect();
        queue.sort_unstable_by_key(|order| order.place);
        queue
    }
}

/// Sorted by number: how they lie in the table can be seen by nobody.
impl State for Orders {
    fn save(&self, out: &mut Vec<u8>) {
        let mut orders: Vec<BookOrder> = self.slots.iter().flatten().copied().collect();
        orders.sort_unstable_by_key(|order| order.order);
        self.places.write(out);
        orders.write(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.clear();
        self.places.load(input)?;
        for _ in 0..input.count()? {
            let order = BookOrder::read(input)?;
            if 2 * (self.count + 1) > self.slots.len() {
                self.grow();
            }
            let slot = self.find(order.order);
            if self.slots[slot].replace(order).is_some() {
                return Err(StateError::Impossible("Orders"));
            }
            self.count += 1;
        }
        Ok(())
    }
}
