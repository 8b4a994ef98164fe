//! The levels that are shown, order by order.
//!
//! Messages tell what became of orders that they told of; what a line of the book shows beyond those are orders without
//! a name: they rested before the first message, or came back with a level that had been beyond the window. A level
//! that leaves the window is forgotten with its orders, since no message tells what becomes of them there.

use std::collections::{BTreeMap, HashMap};

use genovo_engine::event::{BookAction, BookChange, Side};
use genovo_engine::units::{Price, Quantity};

/// Ids from here on are of orders without a name: LOBSTER's are far smaller.
const NAMELESS: u64 = 1 << 63;

/// A level as a line of the book shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub price: Price,
    pub size: Quantity,
}

/// The orders of the levels shown. Every change goes into `changes`.
#[derive(Default)]
pub(super) struct Window {
    /// Buys, sells: the orders of each level in the order in which they came to be known.
    sides: [BTreeMap<Price, Vec<(u64, Quantity)>>; 2],
    /// Where the orders with names are.
    places: HashMap<u64, (Side, Price)>,
    nameless: u64,
    pub changes: Vec<BookChange>,
}

impl Window {
    fn note(&mut self, action: BookAction, side: Side, price: Price, order: u64, size: Quantity) {
        self.changes.push(BookChange { price, size, order, side, action, last: false });
    }

    /// An order joins.
    pub(super) fn add(&mut self, side: Side, price: Price, order: u64, size: Quantity) {
        // A name that comes twice is a new order; the old one can only be told by the book from here on.
        self.forget(order);
        self.sides[side as usize - 1].entry(price).or_default().push((order, size));
        if order < NAMELESS {
            self.places.insert(order, (side, price));
        }
        self.note(BookAction::AddOrder, side, price, order, size);
    }

    /// An order becomes smaller, or ends; `executed` by a trade. One that no message told of is one without a name at
    /// this price. Whether such an order was there.
    pub(super) fn reduce(
        &mut self,
        side: Side,
        price: Price,
        order: u64,
        size: Quantity,
        executed: bool,
    ) -> bool {
        let (side, price, named) = match self.places.get(&order) {
            Some(&(side, price)) => (side, price, Some(order)),
            None => (side, price, None),
        };
        let Some(orders) = self.sides[side as usize - 1].get_mut(&price) else { return false };
        // Of those without a name the one that fits, else the first that is large enough.
        let nameless = |fits: &dyn Fn(Quantity) -> bool| {
            orders.iter().position(|(order, held)| *order >= NAMELESS && fits(*held))
        };
        let place = match named {
            Some(order) => orders.iter().position(|(held, _)| *held == order),
            None => nameless(&|held| held == size).or_else(|| nameless(&|held| held > size)),
        };
        let Some(place) = place else { return false };
        let (order, held) = &mut orders[place];
        let (order, by) = (*order, if *held < size { *held } else { size });
        *held -= by;
        if *held == Quantity::ZERO {
            orders.remove(place);
            if orders.is_empty() {
                self.sides[side as usize - 1].remove(&price);
            }
            self.places.remove(&order);
        }
        if executed {
            self.note(BookAction::FillOrder, side, price, order, by);
        }
        self.note(BookAction::ReduceOrder, side, price, order, by);
        true
    }

    fn forget(&mut self, order: u64) {
        if let Some((side, price)) = self.places.get(&order).copied() {
            self.reduce(side, price, order, Quantity(i64::MAX), false);
        }
    }

    /// Brings a side to what the book shows of it. The level that shows less than the orders with names there add up
    /// to, if there is one, with what they add up to: then the two files are not of one book.
    pub(super) fn show(&mut self, side: Side, shown: &[Level]) -> Result<(), (Level, Quantity)> {
        let index = side as usize - 1;
        // Best first, as the file has them.
        let place = |price: &Price| {
            shown.binary_search_by(|level| match side {
                Side::Buy => price.cmp(&level.price),
                Side::Sell => level.price.cmp(price),
            })
        };
        let left: Vec<Price> =
            self.sides[index].keys().copied().filter(|price| place(price).is_err()).collect();
        for price in left {
            for (order, size) in self.sides[index].remove(&price).unwrap_or_default() {
                self.places.remove(&order);
                self.note(BookAction::ReduceOrder, side, price, order, size);
            }
        }
        for level in shown {
            let held = self.held(side, level.price);
            if held < level.size {
                let order = NAMELESS + self.nameless;
                self.nameless += 1;
                self.add(side, level.price, order, level.size - held);
            }
            let mut excess = held - level.size;
            while excess > Quantity::ZERO {
                let orders = self.sides[index].get(&level.price);
                let Some(&(_, size)) =
                    orders.and_then(|orders| orders.iter().find(|held| held.0 >= NAMELESS))
                else {
                    return Err((*level, self.held(side, level.price)));
                };
                let by = if size < excess { size } else { excess };
                if !self.reduce(side, level.price, 0, by, false) {
                    return Err((*level, self.held(side, level.price)));
                }
                excess -= by;
            }
        }
        Ok(())
    }

    fn held(&self, side: Side, price: Price) -> Quantity {
        let orders = self.sides[side as usize - 1].get(&price);
        let add = |sum: i64, order: &(u64, Quantity)| sum.saturating_add(order.1.0);
        orders.map_or(Quantity::ZERO, |orders| Quantity(orders.iter().fold(0, add)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, size: i64) -> Level {
        Level { price: Price(price), size: Quantity(size) }
    }

    fn words(window: &mut Window) -> String {
        let one = |change: BookChange| {
            let name = match change.order.checked_sub(NAMELESS) {
                Some(number) => format!("?{number}"),
                None => change.order.to_string(),
            };
            format!("{} {name} {}@{}", change.action.name(), change.size.0, change.price.0)
        };
        std::mem::take(&mut window.changes).into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_no_message_told_of_has_no_name() {
        let mut window = Window::default();
        window.add(Side::Buy, Price(10), 7, Quantity(5));
        window.show(Side::Buy, &[level(10, 8), level(9, 4)]).unwrap();
        assert_eq!(words(&mut window), "add 7 5@10, add ?0 3@10, add ?1 4@9");
        // An order that was there before the first message: it is the one that fits.
        assert!(window.reduce(Side::Buy, Price(9), 99, Quantity(4), true));
        assert!(window.reduce(Side::Buy, Price(10), 7, Quantity(2), false));
        assert!(!window.reduce(Side::Buy, Price(9), 98, Quantity(1), false), "nobody is left there");
        window.show(Side::Buy, &[level(10, 6)]).unwrap();
        assert_eq!(words(&mut window), "fill ?1 4@9, reduce ?1 4@9, reduce 7 2@10");
        // A level leaves the window, and comes back as it is by then.
        window.show(Side::Buy, &[level(11, 1)]).unwrap();
        window.show(Side::Buy, &[level(11, 1), level(10, 2)]).unwrap();
        assert_eq!(words(&mut window), "reduce 7 3@10, reduce ?0 3@10, add ?2 1@11, add ?3 2@10");
    }

    #[test]
    fn a_book_that_shows_less_than_its_orders_is_another_book() {
        let mut window = Window::default();
        window.add(Side::Sell, Price(10), 7, Quantity(5));
        window.show(Side::Sell, &[level(10, 6)]).unwrap();
        // Of what has no name some may go unseen.
        window.show(Side::Sell, &[level(10, 5)]).unwrap();
        assert_eq!(window.show(Side::Sell, &[level(10, 4)]), Err((level(10, 4), Quantity(5))));
    }
}
