//! Is the fast book the book that a slow and obvious one is, after whatever happened?

use std::collections::BTreeMap;

use genovo_engine::book::{Book, BookOrder, Level};
use genovo_engine::event::{BookAction, BookChange, Side};
use genovo_engine::units::{FIXED_MAX, Price, Quantity};
use proptest::prelude::*;

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

/// Levels in a map, orders in a list.
#[derive(Default)]
struct Obvious {
    levels: BTreeMap<(u8, i64), i64>,
    orders: Vec<BookOrder>,
    places: u64,
    unknown: u64,
}

impl Obvious {
    fn set(&mut self, side: Side, price: Price, size: i64) {
        if size > 0 {
            self.levels.insert((side as u8, price.0), size);
        } else {
            self.levels.remove(&(side as u8, price.0));
        }
    }

    fn size_at(&self, side: Side, price: Price) -> i64 {
        self.levels.get(&(side as u8, price.0)).copied().unwrap_or(0)
    }

    fn add(&mut self, side: Side, price: Price, size: i64) {
        self.set(side, price, self.size_at(side, price) + size);
    }

    /// Takes an order out; its place in the list, and how it was.
    fn take_out(&mut self, order: u64) -> Option<(usize, BookOrder)> {
        let place = self.orders.iter().position(|found| found.order == order)?;
        let found = self.orders.remove(place);
        self.add(found.side, found.price, -found.size.0);
        Some((place, found))
    }

    fn change(&mut self, change: &BookChange) {
        let BookChange { price, size, order, side, action, .. } = *change;
        match action {
            BookAction::SetLevel => self.set(side, price, size.0),
            BookAction::FillOrder => {}
            BookAction::AddOrder | BookAction::ChangeOrder => {
                let before = self.take_out(order);
                if size.0 <= 0 {
                    return;
                }
                self.add(side, price, size.0);
                match before {
                    Some((at, before))
                        if action == BookAction::ChangeOrder
                            && (before.side, before.price) == (side, price)
                            && size <= before.size =>
                    {
                        self.orders.insert(at, BookOrder { size, ..before });
                    }
                    _ => {
                        self.orders.push(BookOrder { order, side, price, size, place: self.places });
                        self.places += 1;
                    }
                }
            }
            BookAction::ReduceOrder => {
                let Some(at) = self.orders.iter().position(|found| found.order == order) else {
                    self.unknown += 1;
                    return;
                };
                let before = self.orders[at];
                let by = size.0.max(0).min(before.size.0);
                self.add(before.side, before.price, -by);
                self.orders[at].size.0 -= by;
                self.orders.retain(|order| order.size.0 > 0);
            }
        }
    }

    fn clear(&mut self) {
        self.levels.clear();
        self.orders.clear();
    }

    fn levels(&self, side: Side) -> Vec<Level> {
        let all = self.levels.iter().filter(|((of, _), _)| *of == side as u8);
        let mut all: Vec<Level> =
            all.map(|((_, price), size)| Level { price: Price(*price), size: Quantity(*size) }).collect();
        if side == Side::Buy {
            all.reverse();
        }
        all
    }

    fn best(&self, side: Side) -> Option<Level> {
        let of_side = self.levels.range((side as u8, i64::MIN)..=(side as u8, i64::MAX));
        let best = if side == Side::Buy { of_side.clone().next_back() } else { of_side.clone().next() };
        best.map(|((_, price), size)| Level { price: Price(*price), size: Quantity(*size) })
    }

    fn queue(&self, side: Side, price: Price) -> Vec<BookOrder> {
        self.orders.iter().filter(|order| (order.side, order.price) == (side, price)).copied().collect()
    }
}

fn assert_same(book: &Book, obvious: &Obvious) {
    for side in SIDES {
        let levels = obvious.levels(side);
        assert_eq!(book.levels(side).collect::<Vec<_>>(), levels, "{side:?}");
        assert_eq!(book.best(side), levels.first().copied());
        assert_eq!(book.side(side).len(), levels.len());
        for level in &levels {
            assert_eq!(book.size_at(side, level.price), level.size);
            assert_eq!(book.orders().queue(side, level.price), obvious.queue(side, level.price));
        }
    }
    let touch = obvious.levels(Side::Buy).first().copied().zip(obvious.levels(Side::Sell).first().copied());
    let quote = touch.map(|(bid, ask)| (bid.price, ask.price, Some(bid.size), Some(ask.size)));
    assert_eq!(book.quote().map(|quote| (quote.bid, quote.ask, quote.bid_size, quote.ask_size)), quote);
    assert_eq!((book.orders().len(), book.unknown()), (obvious.orders.len(), obvious.unknown));
}

#[derive(Clone, Debug)]
enum Step {
    Change(BookChange),
    Clear,
}

/// Prices mostly near each other and on the tick, some far away, some between ticks; in units of `tick`.
fn price(tick: i64) -> impl Strategy<Value = Price> {
    prop_oneof![
        12 => (0..40_i64).prop_map(move |n| Price((1_000_000 + n) * tick)),
        3 => (0..200_000_i64).prop_map(move |n| Price((900_000 + n) * tick)),
        1 => (0..1_000_i64).prop_map(move |n| Price(1_000_000 * tick + n)),
        1 => prop_oneof![Just(Price(FIXED_MAX)), Just(Price(-FIXED_MAX)), Just(Price(0)), Just(Price(tick))],
    ]
}

fn step(tick: i64) -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let size = prop_oneof![4 => 1..100_i64, 2 => Just(0), 1 => Just(-5)];
    let action = prop_oneof![
        Just((BookAction::SetLevel, 0..1_u64)),
        Just((BookAction::AddOrder, 1..200)),
        Just((BookAction::ChangeOrder, 1..200)),
        Just((BookAction::ReduceOrder, 1..200)),
        Just((BookAction::FillOrder, 1..200)),
    ];
    let change = (price(tick), size, side, action, any::<bool>()).prop_flat_map(
        |(price, size, side, (action, orders), last)| {
            orders.prop_map(move |order| {
                Step::Change(BookChange { price, size: Quantity(size), order, side, action, last })
            })
        },
    );
    prop_oneof![60 => change, 1 => Just(Step::Clear)]
}

fn run(tick: i64, steps: &[Step]) {
    let (mut book, mut obvious) = (Book::new(Price(tick)), Obvious::default());
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Change(change) => {
                book.change(change);
                obvious.change(change);
            }
            Step::Clear => {
                book.clear();
                obvious.clear();
            }
        }
        if number % 16 == 0 {
            assert_same(&book, &obvious);
        }
    }
    assert_same(&book, &obvious);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_fast_book_is_the_obvious_one(
        (tick, steps) in prop_oneof![Just(1_i64), Just(10_000_000), Just(3), Just(1_i64 << 41)]
            .prop_flat_map(|tick| (Just(tick), proptest::collection::vec(step(tick.min(1 << 30)), 1..400))),
    ) {
        run(tick, &steps);
    }
}

/// A market that walks far beyond the window and back, level by level.
#[test]
fn a_book_follows_its_market() {
    let tick = 10_000_000;
    let (mut book, mut obvious) = (Book::new(Price(tick)), Obvious::default());
    let path = (0..120_000_i64).step_by(37).chain((0..120_000).rev().step_by(1_111));
    for (number, at) in path.enumerate() {
        for (side, best) in [(Side::Buy, at), (Side::Sell, at + 2)] {
            for depth in [0, 1, 40, 5_000] {
                let price = Price((300_000 + best - side.sign() * depth) * tick);
                let size = Quantity(i64::from(number as u32 % 7));
                let change =
                    BookChange { price, size, order: 0, side, action: BookAction::SetLevel, last: true };
                book.change(&change);
                obvious.change(&change);
            }
        }
        for side in SIDES {
            assert_eq!(book.best(side), obvious.best(side));
        }
    }
    assert_same(&book, &obvious);
    for side in SIDES {
        for level in obvious.levels(side) {
            let change = BookChange {
                price: level.price,
                size: Quantity::ZERO,
                order: 0,
                side,
                action: BookAction::SetLevel,
                last: true,
            };
            book.change(&change);
            obvious.change(&change);
            assert_eq!(book.best(side), obvious.best(side));
        }
    }
}

/// Wild numbers of a damaged journal: nothing panics.
#[test]
fn wild_numbers_are_survived() {
    for tick in [i64::MIN, -1, 0, 1, 7, i64::MAX] {
        let mut book = Book::new(Price(tick));
        for price in [i64::MIN, i64::MIN + 1, -1, 0, 1, 5, i64::MAX - 1, i64::MAX] {
            for size in [i64::MIN, -1, 0, 1, i64::MAX] {
                for side in SIDES {
                    for (action, order) in BookAction::ALL.into_iter().zip([0, 1, 1, 1, u64::MAX]) {
                        let (price, size) = (Price(price), Quantity(size));
                        book.change(&BookChange { price, size, order, side, action, last: true });
                    }
                }
            }
        }
        assert!(book.orders().is_empty(), "the last of its changes took the order off");
        book.clear();
        assert_eq!(book.quote(), None);
    }
}
