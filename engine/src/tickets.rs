//! The positions of a hedging account: every order that opens makes one of its own, which bears the order's number, and
//! long and short ones of an instrument stand side by side.
//!
//! The account keeps what they add up to beside them ([`crate::account::Account::positions`]): so whoever asks for the
//! position gets the net one. `docs/decisions/0029-positions-side-by-side.md` says why they are kept so.

use crate::account::{Position, PositionOverflow, Rate};
use crate::canonical::{Canonical, Input, fields};
use crate::event::{PositionEffect, Side};
use crate::ids::OrderId;
use crate::settings::Settings;
use crate::state::{State, StateError};
use crate::units::{FIXED_MAX, Money, Price, Quantity};

/// A position of a hedging account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The order that opened it, by which it is named.
    pub order: OrderId,
    /// How much; negative when short, never zero.
    pub quantity: Quantity,
    /// What it cost: price × quantity × multiplier of what is open, with the sign of `quantity`, in the instrument's
    /// currency.
    pub cost: Money,
    /// P&L of what of it was closed already, commission not included.
    pub realised: Money,
}

fields! {
    Ticket { order, quantity, cost, realised }
}

/// What the positions of one side add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// How much; negative when short.
    pub quantity: Quantity,
    /// What it cost, with the sign of `quantity`.
    pub cost: Money,
}

/// The positions of one instrument.
#[derive(Clone, Debug, Default)]
struct Held {
    /// By number, the earliest order first.
    tickets: Vec<Ticket>,
    /// Long and short.
    legs: [Leg; 2],
    multiplier: Quantity,
}

/// Every position of a hedging account.
#[derive(Clone, Debug)]
pub struct Tickets {
    held: Vec<Held>,
}

/// What became of a fill: what the position of its instrument is now, and what closing brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booked {
    pub net: Leg,
    pub profit: Money,
}

impl Tickets {
    /// None yet.
    pub fn new(settings: &Settings) -> Tickets {
        let held = |multiplier| Held { multiplier, ..Held::default() };
        Tickets { held: settings.instruments.iter().map(|instrument| held(instrument.multiplier)).collect() }
    }

    /// The positions in the instrument at `index`, the earliest order's first.
    pub fn of(&self, index: usize) -> &[Ticket] {
        self.held.get(index).map_or(&[], |held| &held.tickets)
    }

    /// The position that an order opened.
    pub fn get(&self, index: usize, order: OrderId) -> Option<&Ticket> {
        let tickets = self.of(index);
        tickets.binary_search_by_key(&order, |ticket| ticket.order).ok().map(|place| &tickets[place])
    }

    /// What is long and what is short of the instrument at `index`.
    #[inline]
    pub fn legs(&self, index: usize) -> [Leg; 2] {
        self.held.get(index).map_or_else(Default::default, |held| held.legs)
    }

    /// What is held of the side that an order of `side` opens.
    pub fn leg(&self, index: usize, side: Side) -> Leg {
        self.legs(index)[usize::from(side == Side::Sell)]
    }

    /// The same as a position that can be valued.
    pub(crate) fn valued(&self, index: usize, leg: Leg) -> Position {
        let multiplier = self.held.get(index).map_or(Quantity::ZERO, |held| held.multiplier);
        Position::carried(leg.quantity, leg.cost, multiplier)
    }

    /// How much an order of `side` with this effect could close now.
    pub fn closable(&self, index: usize, side: Side, effect: PositionEffect) -> Quantity {
        let against = |quantity: Quantity| Quantity((-quantity.0 * side.sign()).max(0));
        match effect {
            PositionEffect::Open => Quantity::ZERO,
            PositionEffect::CloseEarliest => against(self.leg(index, side.opposite()).quantity),
            PositionEffect::Close(position) => {
                self.get(index, position).map_or(Quantity::ZERO, |ticket| against(ticket.quantity))
            }
        }
    }

    /// Books `quantity` of a fill of `order` at `price`, P&L rounded to `digits` once a position. What closes more than
    /// there is, which only a broker can say, is a position of the order's own.
    #[allow(clippy::too_many_arguments)] // A fill, and how it counts.
    pub(crate) fn fill(
        &mut self,
        index: usize,
        order: OrderId,
        side: Side,
        price: Price,
        quantity: Quantity,
        effect: PositionEffect,
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Booked, PositionOverflow> {
        let held = &mut self.held[index];
        let (mut left, mut profit, mut place) = (quantity, Money::ZERO, 0);
        while left > Quantity::ZERO && effect != PositionEffect::Open {
            let next = held.tickets[place..].iter().position(|ticket| match effect {
                PositionEffect::Close(position) if ticket.order != position => false,
                _ => ticket.quantity.signum() == -side.sign(),
            });
            let Some(next) = next else { break };
            place += next;
            let part = left.min(held.tickets[place].quantity.abs());
            let signed = Quantity(part.0 * side.sign());
            profit += held.trade(place, price, signed, digits, rate)?;
            left -= part;
        }
        if left > Quantity::ZERO {
            let place = held.place(order);
            profit += held.trade(place, price, Quantity(left.0 * side.sign()), digits, rate)?;
        }
        Ok(Booked { net: held.recount()?, profit })
    }

    /// Books `quantity` (signed) at `price` to one position, whatever that makes of it.
    pub(crate) fn trade(
        &mut self,
        index: usize,
        position: OrderId,
        price: Price,
        quantity: Quantity,
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Booked, PositionOverflow> {
        let held = &mut self.held[index];
        let place = held.place(position);
        let profit = held.trade(place, price, quantity, digits, rate)?;
        Ok(Booked { net: held.recount()?, profit })
    }

    /// A split of the instrument at `index`, `new` for every `old`. What it leaves of a position beyond whole lots is
    /// paid out at the price of `marks` at which its side could be closed, or is lost at cost where there is none.
    pub(crate) fn split(
        &mut self,
        index: usize,
        (new, old): (u32, u32),
        lot: Quantity,
        marks: [Option<Price>; 2],
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Booked, PositionOverflow> {
        let held = &mut self.held[index];
        let mut profit = Money::ZERO;
        for place in 0..held.tickets.len() {
            let mut position = held.position(place);
            position.split(new, old)?;
            let mark = marks[usize::from(position.quantity < Quantity::ZERO)];
            profit += position.pay_out_odd_lots(lot, mark, digits, rate)?;
            held.keep(place, &position);
        }
        Ok(Booked { net: held.recount()?, profit })
    }

    /// Adds every position to the state's hash.
    pub(crate) fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        for held in &self.held {
            hasher.update(&(held.tickets.len() as u64).to_le_bytes());
            for ticket in &held.tickets {
                hasher.update(&ticket.order.0.to_le_bytes());
                hasher.update(&ticket.quantity.0.to_le_bytes());
                hasher.update(&ticket.cost.0.to_le_bytes());
                hasher.update(&ticket.realised.0.to_le_bytes());
            }
        }
    }
}

impl Held {
    /// The place of an order's position; of an empty one where there is none.
    fn place(&mut self, order: OrderId) -> usize {
        match self.tickets.binary_search_by_key(&order, |ticket| ticket.order) {
            Ok(place) => place,
            Err(place) => {
                self.tickets.insert(place, Ticket { order, ..Ticket::default() });
                place
            }
        }
    }

    fn position(&self, place: usize) -> Position {
        let ticket = &self.tickets[place];
        let mut position = Position::carried(ticket.quantity, ticket.cost, self.multiplier);
        position.realised = ticket.realised;
        position
    }

    fn keep(&mut self, place: usize, position: &Position) {
        let ticket = &mut self.tickets[place];
        (ticket.quantity, ticket.cost) = (position.quantity, position.cost);
        ticket.realised = position.realised;
    }

    /// Books `quantity` (signed) to the position at `place`, which stays there even when nothing is left of it.
    fn trade(
        &mut self,
        place: usize,
        price: Price,
        quantity: Quantity,
        digits: u8,
        rate: Option<Rate>,
    ) -> Result<Money, PositionOverflow> {
        let mut position = self.position(place);
        let profit = position.fill(price, quantity, digits, rate)?;
        self.keep(place, &position);
        Ok(profit)
    }

    /// Drops what is closed, and adds the rest up.
    fn recount(&mut self) -> Result<Leg, PositionOverflow> {
        self.tickets.retain(|ticket| ticket.quantity != Quantity::ZERO);
        let mut sums = [(0_i128, Money::ZERO); 2];
        for ticket in &self.tickets {
            let (quantity, cost) = &mut sums[usize::from(ticket.quantity < Quantity::ZERO)];
            *quantity += i128::from(ticket.quantity.0);
            *cost += ticket.cost;
        }
        let leg = |(quantity, cost): (i128, Money)| {
            let quantity = i64::try_from(quantity).ok().filter(|sum| (-FIXED_MAX..=FIXED_MAX).contains(sum));
            let quantity = quantity.map(Quantity).ok_or(PositionOverflow::Quantity)?;
            if cost.is_beyond() { Err(PositionOverflow::Amount) } else { Ok(Leg { quantity, cost }) }
        };
        self.legs = [leg(sums[0])?, leg(sums[1])?];
        let [long, short] = self.legs;
        Ok(Leg { quantity: long.quantity + short.quantity, cost: long.cost + short.cost })
    }
}

impl State for Tickets {
    fn save(&self, out: &mut Vec<u8>) {
        self.held.len().write(out);
        self.held.iter().for_each(|held| held.tickets.write(out));
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        let (found, expected) = (u64::read(input)?, self.held.len());
        if found != expected as u64 {
            return Err(StateError::Length { found, expected });
        }
        for held in &mut self.held {
            held.tickets = Vec::read(input)?;
            let ordered = held.tickets.is_sorted_by(|one, other| one.order < other.order);
            let whole = held.tickets.iter().all(|ticket| ticket.quantity != Quantity::ZERO);
            if !ordered || !whole || held.recount().is_err() {
                return Err(StateError::Impossible("the positions of a hedging account"));
            }
        }
        Ok(())
    }
}

/// How much is held by which order: what somebody must know who only has to see that nothing closes more than there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantities(Vec<(OrderId, Quantity)>);

impl Quantities {
    /// These, whatever their order.
    pub fn new(mut held: Vec<(OrderId, Quantity)>) -> Quantities {
        held.sort_by_key(|(order, _)| *order);
        Quantities(held)
    }

    /// Each, the earliest order's first.
    pub fn all(&self) -> &[(OrderId, Quantity)] {
        &self.0
    }

    /// A fill of `order`, as [`Tickets`] books it.
    pub fn fill(&mut self, order: OrderId, side: Side, quantity: Quantity, effect: PositionEffect) {
        let mut left = quantity;
        if effect != PositionEffect::Open {
            for (position, held) in &mut self.0 {
                let closes =
                    effect == PositionEffect::CloseEarliest || effect == PositionEffect::Close(*position);
                if closes && held.signum() == -side.sign() {
                    let part = left.min(held.abs());
                    *held += Quantity(part.0 * side.sign());
                    left -= part;
                }
            }
            self.0.retain(|(_, held)| *held != Quantity::ZERO);
        }
        if left > Quantity::ZERO {
            self.add(order, Quantity(left.0.saturating_mul(side.sign())));
        }
    }

    /// So much more (signed) of the position that an order opened.
    pub fn add(&mut self, position: OrderId, quantity: Quantity) {
        match self.0.binary_search_by_key(&position, |(position, _)| *position) {
            Ok(place) => {
                let sum = self.0[place].1.0.saturating_add(quantity.0);
                self.0[place].1 = Quantity(sum.clamp(-FIXED_MAX, FIXED_MAX));
            }
            Err(place) => self.0.insert(place, (position, quantity)),
        }
        self.0.retain(|(_, held)| *held != Quantity::ZERO);
    }

    /// How much an order of `side` with this effect could close now.
    pub fn closable(&self, side: Side, effect: PositionEffect) -> Quantity {
        let held = self.0.iter().filter(|(position, _)| {
            effect == PositionEffect::CloseEarliest || effect == PositionEffect::Close(*position)
        });
        let against = held.map(|(_, held)| held.0.saturating_mul(-side.sign()).max(0));
        Quantity(against.fold(0_i64, |sum, held| sum.saturating_add(held)))
    }

    /// Every one becomes what `scaled` makes of it.
    pub fn scale(&mut self, scaled: impl Fn(Quantity) -> Quantity) {
        self.0.iter_mut().for_each(|(_, held)| *held = scaled(*held));
        self.0.retain(|(_, held)| *held != Quantity::ZERO);
    }

    /// What they add up to.
    pub fn net(&self) -> Quantity {
        Quantity(self.0.iter().fold(0_i64, |sum, (_, held)| sum.saturating_add(held.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SCALE;
    use proptest::prelude::*;

    /// One instrument of an account in a currency of two decimals.
    fn none() -> Tickets {
        Tickets { held: vec![Held { multiplier: Quantity(SCALE), ..Held::default() }] }
    }

    fn units(units: i64) -> Quantity {
        Quantity(units * SCALE)
    }

    fn fill(
        tickets: &mut Tickets,
        order: u64,
        side: Side,
        price: i64,
        quantity: i64,
        effect: PositionEffect,
    ) -> Money {
        let price = Price(price * SCALE);
        tickets.fill(0, OrderId(order), side, price, units(quantity), effect, 2, None).unwrap().profit
    }

    fn held(tickets: &Tickets) -> Vec<(u64, i64)> {
        tickets.of(0).iter().map(|one| (one.order.0, one.quantity.0 / SCALE)).collect()
    }

    /// What each effect makes of 10 long by order 1, 5 long by order 3 and 4 short by order 2.
    #[test]
    fn what_a_fill_does_by_its_effect() {
        use PositionEffect::{Close, CloseEarliest, Open};
        use Side::{Buy, Sell};
        type Row = (Side, i64, PositionEffect, &'static [(u64, i64)], i64);
        let rows: [Row; 10] = [
            (Buy, 6, Open, &[(1, 10), (2, -4), (3, 5), (9, 6)], 0),
            (Sell, 6, Open, &[(1, 10), (2, -4), (3, 5), (9, -6)], 0),
            (Sell, 6, Close(OrderId(1)), &[(1, 4), (2, -4), (3, 5)], 60),
            (Sell, 10, Close(OrderId(1)), &[(2, -4), (3, 5)], 100),
            (Sell, 5, Close(OrderId(3)), &[(1, 10), (2, -4)], 0),
            (Buy, 4, Close(OrderId(2)), &[(1, 10), (3, 5)], -40),
            (Sell, 12, CloseEarliest, &[(2, -4), (3, 3)], 100),
            (Buy, 3, CloseEarliest, &[(1, 10), (2, -1), (3, 5)], -30),
            // Only a broker can say such things: what is beyond is a position of the order's own.
            (Sell, 12, Close(OrderId(1)), &[(2, -4), (3, 5), (9, -2)], 100),
            (Buy, 1, Close(OrderId(1)), &[(1, 10), (2, -4), (3, 5), (9, 1)], 0),
        ];
        for (side, quantity, effect, expected, profit) in rows {
            let mut tickets = none();
            fill(&mut tickets, 1, Buy, 100, 10, Open);
            fill(&mut tickets, 3, Buy, 110, 5, Open);
            fill(&mut tickets, 2, Sell, 100, 4, Open);
            let brought = fill(&mut tickets, 9, side, 110, quantity, effect);
            assert_eq!(held(&tickets), expected, "{side:?} {quantity} {effect:?}");
            assert_eq!(brought, Money(i128::from(profit * SCALE)), "{side:?} {quantity} {effect:?}");
            let gross: i64 = expected.iter().map(|(_, quantity)| quantity.abs()).sum();
            let [long, short] = tickets.legs(0);
            assert_eq!(long.quantity.0 - short.quantity.0, gross * SCALE);
        }
    }

    #[test]
    fn positions_end_where_quantities_do() {
        let mut tickets = none();
        let mut buy = |order, quantity| {
            let effect = PositionEffect::Open;
            tickets.fill(0, OrderId(order), Side::Buy, Price(1), Quantity(quantity), effect, 2, None).err()
        };
        assert_eq!(buy(1, FIXED_MAX), None);
        // Each of them could be, but not what they come to.
        assert_eq!(buy(2, 1), Some(PositionOverflow::Quantity));
    }

    #[test]
    fn what_is_saved_loads_and_what_cannot_be_does_not() {
        let mut tickets = none();
        fill(&mut tickets, 1, Side::Buy, 100, 10, PositionEffect::Open);
        fill(&mut tickets, 2, Side::Sell, 100, 4, PositionEffect::Open);
        let mut bytes = Vec::new();
        tickets.save(&mut bytes);
        let mut again = none();
        again.load(&mut Input::new(&bytes)).unwrap();
        assert_eq!((again.of(0), again.legs(0)), (tickets.of(0), tickets.legs(0)));
        // Two of one order, and one of nothing.
        for ticket in [tickets.held[0].tickets[0], Ticket { order: OrderId(7), ..Ticket::default() }] {
            let mut wrong = tickets.clone();
            wrong.held[0].tickets.push(ticket);
            let mut bytes = Vec::new();
            wrong.save(&mut bytes);
            assert!(none().load(&mut Input::new(&bytes)).is_err());
        }
    }

    /// The slow way: every unit bought or sold is a thing of its own, with the order that opened it.
    #[derive(Default)]
    struct Units(Vec<(u64, i64, i64)>);

    impl Units {
        /// The P&L of what it closes.
        fn fill(&mut self, order: u64, side: Side, price: i64, quantity: i64, effect: PositionEffect) -> i64 {
            let mut profit = 0;
            for _ in 0..quantity {
                let closes = |&(opened, sign, _): &(u64, i64, i64)| {
                    sign == -side.sign()
                        && match effect {
                            PositionEffect::Open => false,
                            PositionEffect::CloseEarliest => true,
                            PositionEffect::Close(position) => position.0 == opened,
                        }
                };
                let opened = self.0.iter().filter(|unit| closes(unit)).map(|(opened, ..)| *opened).min();
                match opened {
                    None => self.0.push((order, side.sign(), price)),
                    Some(opened) => {
                        let place = self.0.iter().position(|unit| unit.0 == opened && closes(unit)).unwrap();
                        let (_, sign, paid) = self.0.remove(place);
                        profit += (price - paid) * sign;
                    }
                }
            }
            profit
        }
    }

    proptest! {
        /// Whatever opens and closes: positions are as the units say, P&L is theirs to the cent a fill, and the
        /// quantities that a venue keeps are the account's.
        #[test]
        fn positions_are_what_their_units_are(
            fills in proptest::collection::vec((0_u64..12, any::<bool>(), 90_i64..110, 1_i64..8, 0_u8..4), 1..60),
        ) {
            let (mut tickets, mut slow, mut quantities) = (none(), Units::default(), Quantities::default());
            let (mut profit, mut expected) = (Money::ZERO, 0);
            for (number, (position, buys, price, quantity, kind)) in fills.iter().enumerate() {
                let side = if *buys { Side::Buy } else { Side::Sell };
                let effect = match kind {
                    0 | 1 => PositionEffect::Open,
                    2 => PositionEffect::CloseEarliest,
                    _ => PositionEffect::Close(OrderId(*position)),
                };
                // Some orders are filled in several parts.
                let order = number as u64 / 2 + 1;
                let closable = tickets.closable(0, side, effect);
                prop_assert_eq!(closable, quantities.closable(side, effect));
                let quantity = match effect {
                    PositionEffect::Open => *quantity,
                    // The venue lets no order close more than there is.
                    _ => (*quantity).min(closable.0 / SCALE),
                };
                // An order that opened one side is no order of the other.
                let turns = slow.0.iter().any(|unit| unit.0 == order && unit.1 != side.sign());
                if quantity == 0 || (turns && effect == PositionEffect::Open) {
                    continue;
                }
                profit += fill(&mut tickets, order, side, *price, quantity, effect);
                expected += slow.fill(order, side, *price, quantity, effect);
                quantities.fill(OrderId(order), side, units(quantity), effect);
                let mut each: Vec<(u64, i64)> = Vec::new();
                for (opened, sign, _) in &slow.0 {
                    match each.iter_mut().find(|(order, _)| order == opened) {
                        Some((_, sum)) => *sum += sign,
                        None => each.push((*opened, *sign)),
                    }
                }
                each.sort_unstable();
                prop_assert_eq!(held(&tickets), each);
                let kept = quantities.all().iter().map(|(order, held)| (order.0, held.0 / SCALE));
                prop_assert_eq!(kept.collect::<Vec<_>>(), held(&tickets));
            }
            // Everything closed at one price: nothing is left, and all that was ever paid came back or was lost.
            for ticket in tickets.of(0).to_vec() {
                let side = if ticket.quantity.0 > 0 { Side::Sell } else { Side::Buy };
                let (quantity, effect) = (ticket.quantity.0.abs() / SCALE, PositionEffect::Close(ticket.order));
                profit += fill(&mut tickets, 99, side, 100, quantity, effect);
                expected += slow.fill(99, side, 100, quantity, effect);
            }
            prop_assert!(tickets.of(0).is_empty() && tickets.legs(0) == [Leg::default(); 2]);
            // Units have prices of their own where positions have an average; both pay the same in the end.
            let rounded = Money(5_000_000 * (fills.len() as i128 + 20));
            let difference = (profit - Money(i128::from(expected) * i128::from(SCALE))).abs();
            prop_assert!(difference <= rounded, "{} {}", profit, expected);
        }
    }
}
