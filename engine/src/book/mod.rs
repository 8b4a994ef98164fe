//! The order book of one instrument: by price (L2), or by order (L3) where the data names orders.
//!
//! [`Ladder`] holds one side's levels, [`Orders`] the orders of a book by order. A change costs the same near the top
//! of a deep book as in a shallow one, and nothing is allocated once the tables have grown.

mod ladder;
mod orders;

pub use ladder::{Ladder, Level, Levels};
pub use orders::{BookOrder, Orders};

use crate::event::{BookAction, BookChange, Fact, Quote, Side};
use crate::units::{Price, Quantity};

/// A book and its touch as it was told last.
#[derive(Clone, Debug)]
pub(crate) struct Followed {
    pub book: Box<Book>,
    pub told: Option<Quote>,
}

impl Followed {
    pub fn new(tick: Price) -> Followed {
        Followed { book: Box::new(Book::new(tick)), told: None }
    }

    /// The touch after a whole update, where it is another than was told. Nothing is told of a side that is empty.
    pub fn news(&mut self) -> Option<Quote> {
        let quote = self.book.quote();
        if quote == self.told {
            return None;
        }
        self.told = quote;
        quote
    }
}

/// An order book.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    orders: Orders,
    /// Orders that were changed or taken off and never joined: the data began in the middle.
    unknown: u64,
}

crate::state! { Book { bids, asks, orders, unknown } }

impl Book {
    /// An empty book of prices in steps of `tick`; other prices are kept too, only slower.
    pub fn new(tick: Price) -> Book {
        Book {
            bids: Ladder::new(Side::Buy, tick),
            asks: Ladder::new(Side::Sell, tick),
            orders: Orders::default(),
            unknown: 0,
        }
    }

    /// Takes a fact about the book in; whether an update of the book ended with it. Other facts change nothing.
    #[inline]
    pub fn apply(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::BookChanged(change) => {
                self.change(change);
                change.last
            }
            Fact::BookReset(_) => {
                self.clear();
                false
            }
            _ => false,
        }
    }

    /// Changes a level or an order.
    #[inline]
    pub fn change(&mut self, change: &BookChange) {
        match change.action {
            BookAction::SetLevel => self.side_mut(change.side).set(change.price, change.size),
            BookAction::AddOrder
            | BookAction::ChangeOrder
            | BookAction::ReduceOrder
            | BookAction::FillOrder => self.change_order(change),
        }
    }

    fn change_order(&mut self, change: &BookChange) {
        let BookChange { price, size, order, side, action, .. } = *change;
        match action {
            BookAction::SetLevel | BookAction::FillOrder => {}
            BookAction::AddOrder | BookAction::ChangeOrder => {
                let before = self.orders.get(order);
                if let Some(before) = before {
                    self.side_mut(before.side).add(before.price, Quantity(before.size.0.saturating_neg()));
                }
                if size <= Quantity::ZERO {
                    self.orders.remove(order);
                    return;
                }
                let keeps_place = action == BookAction::ChangeOrder
                    && before.is_some_and(|before| {
                        before.side == side && before.price == price && size <= before.size
                    });
                self.orders.put(order, side, price, size, keeps_place);
                self.side_mut(side).add(price, size);
            }
            BookAction::ReduceOrder => match self.orders.reduce(order, size) {
                Some((before, by)) => {
                    self.side_mut(before.side).add(before.price, Quantity(by.0.saturating_neg()));
                }
                None => self.unknown = self.unknown.saturating_add(1),
            },
        }
    }

    /// Forgets every level and order.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.orders.clear();
    }

    /// The levels of a side.
    #[inline]
    pub fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    #[inline]
    fn side_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// The best level of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Level> {
        self.side(side).best()
    }

    /// Best bid and ask with what is displayed there; `None` while a side is empty.
    #[inline]
    pub fn quote(&self) -> Option<Quote> {
        let (bid, ask) = (self.bids.best()?, self.asks.best()?);
        Some(Quote { bid: bid.price, ask: ask.price, bid_size: Some(bid.size), ask_size: Some(ask.size) })
    }

    /// What is displayed at a price.
    pub fn size_at(&self, side: Side, price: Price) -> Quantity {
        self.side(side).size_at(price)
    }

    /// The levels of a side, the best first.
    pub fn levels(&self, side: Side) -> Levels<'_> {
        self.side(side).levels()
    }

    /// The orders, where the data names them.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// How many changes named an order that was not there.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Brings the whole book to bytes for a state hash: levels from the best on, then how many orders there are.
    pub(crate) fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        for side in [Side::Buy, Side::Sell] {
            for level in self.levels(side) {
                hasher.update(&[side as u8]);
                hasher.update(&level.price.0.to_le_bytes());
                hasher.update(&level.size.0.to_le_bytes());
            }
        }
        hasher.update(&(self.orders.len() as u64).to_le_bytes());
        hasher.update(&self.unknown.to_le_bytes());
    }
}
