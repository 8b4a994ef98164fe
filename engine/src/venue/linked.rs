//! Orders that depend on others: armed by fills of another, ended by fills of another, or bounded by the position.
//!
//! The rules, in the order in which they hold:
//! - What an order's list waits for is held: it meets no market. Every fill of the first order beyond the part that
//!   closes a position releases its share of the others, in whole lots; the last fill releases the rest. What is
//!   released arrives like a new order.
//! - When the first order ends, what it has not released ends with it.
//! - What one of several alternatives fills, each of the others loses at once, before it can meet the market.
//! - A reduce-only order works for no more than the position of the other side, plus what it still waits for; one that
//!   names a position of a hedging account, for no more than that.

use super::resting::Acting;
use super::{Contingency, Resting, Venue};
use crate::event::{Bar, CloseReason, Event, Membership, Order, RejectReason, ReplaceReason};
use crate::ids::OrderId;
use crate::units::{Quantity, Timestamp};

/// Orders that depend on each other, as far as the venue has seen them.
#[derive(Clone, Debug)]
pub(super) struct List {
    first: OrderId,
    last: OrderId,
    link: Contingency,
    /// The book that they are in.
    index: usize,
    /// What the first order still fills before it arms anything.
    closing: Quantity,
    /// What the first order opens in all.
    whole: Quantity,
    /// What of that is not filled yet.
    rest: Quantity,
    /// The first order is done.
    ended: bool,
    /// What the alternatives filled together.
    filled: Quantity,
}

/// What happened to an order that others depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    list: OrderId,
    order: OrderId,
    filled: Quantity,
    ended: bool,
}

/// A bar in which orders may be armed.
#[derive(Clone, Copy)]
pub(super) struct Within<'a> {
    pub bar: &'a Bar,
    /// The order that may arm others was filled when the bar opened.
    pub at_open: bool,
}

impl Venue {
    /// An order arrives: what of it waits for another one, and what it may be for. Says for which reason it is smaller
    /// than it was sent.
    pub(super) fn join(
        &mut self,
        index: usize,
        resting: &mut Resting,
    ) -> Result<Option<ReplaceReason>, RejectReason> {
        let sent = resting.remaining;
        let mut reason = None;
        if let Some(membership) = resting.order.terms.list {
            let place = self.list_of(index, resting, &membership);
            let list = &self.lists[place];
            let lot = self.settings.instruments[index].lot;
            if resting.order.has_parent() {
                let released = match (list.rest, list.whole) {
                    (Quantity::ZERO, _) => sent,
                    (_, Quantity::ZERO) => Quantity::ZERO,
                    (rest, whole) => share(sent, whole - rest, whole).round_down_to(lot),
                };
                resting.held = sent - released;
                if list.ended {
                    resting.remaining = released;
                    resting.held = Quantity::ZERO;
                    reason = Some(ReplaceReason::ParentEnded);
                }
            }
            let alternative = list.link.cancels() && (resting.order.has_parent() || !list.link.has_parent());
            if alternative && list.filled > Quantity::ZERO {
                resting.remaining = (resting.remaining - list.filled).max(Quantity::ZERO);
                resting.held = resting.held.min(resting.remaining);
                reason = Some(ReplaceReason::SiblingFilled);
            }
            if resting.remaining == Quantity::ZERO {
                return Err(RejectReason::ParentEnded);
            }
        }
        if resting.order.only_closes() {
            let most = self.reducible(index, &resting.order) + resting.held;
            if most == Quantity::ZERO {
                return Err(RejectReason::NothingToReduce);
            }
            if resting.remaining > most {
                resting.remaining = most;
                reason = Some(ReplaceReason::PositionShrank);
            }
        }
        resting.order.quantity += resting.remaining - sent;
        Ok(reason.filter(|_| resting.remaining != sent))
    }

    /// The list that an order belongs to; a new one for its first member to arrive.
    fn list_of(&mut self, index: usize, resting: &Resting, membership: &Membership) -> usize {
        let &Membership { first, count, link, after } = membership;
        let found = self.lists.iter().position(|list| list.first == first);
        let place = found.unwrap_or_else(|| {
            self.forget_lists();
            self.lists.push(List {
                first,
                last: OrderId(first.0 + u64::from(count).saturating_sub(1)),
                link,
                index,
                closing: after,
                whole: Quantity::ZERO,
                rest: Quantity::ZERO,
                // What waits for an order that never came waits for nothing.
                ended: link.has_parent() && resting.order.order != first,
                filled: Quantity::ZERO,
            });
            self.lists.len() - 1
        });
        if link.has_parent() && resting.order.order == first {
            let list = &mut self.lists[place];
            list.whole = (resting.remaining - after).max(Quantity::ZERO);
            list.rest = list.whole;
        }
        place
    }

    /// Drops the lists whose orders have all come and gone.
    fn forget_lists(&mut self) {
        let (books, newest) = (&self.books, self.newest);
        self.lists.retain(|list| {
            let works = books[list.index]
                .resting
                .iter()
                .any(|order| order.order.terms.list.is_some_and(|membership| membership.first == list.first));
            works || newest <= list.last
        });
    }

    /// An order of a list was filled in part or whole.
    pub(super) fn filled(&mut self, resting: &Resting, quantity: Quantity) {
        self.moved = true;
        if let Some(list) = resting.order.terms.list {
            let order = resting.order.order;
            self.effects.push(Effect { list: list.first, order, filled: quantity, ended: false });
        }
    }

    /// An order left its book.
    pub(super) fn ended(&mut self, resting: &Resting) {
        if let Some(list) = resting.order.terms.list
            && list.first == resting.order.order
            && list.link.has_parent()
        {
            let order = resting.order.order;
            self.effects.push(Effect { list: list.first, order, filled: Quantity::ZERO, ended: true });
        }
    }

    /// An order was refused: what would have waited for it need not.
    pub(super) fn never_worked(&mut self, resting: &Resting) {
        if let Some(membership) = resting.order.terms.list
            && let Some(index) = resting.instrument.index().filter(|&index| index < self.books.len())
            && membership.first == resting.order.order
        {
            let place = self.list_of(index, resting, &membership);
            self.lists[place].ended = true;
            self.ended(resting);
        }
    }

    /// The order that arms others became larger or smaller.
    pub(super) fn parent_changed(&mut self, resting: &Resting, by: Quantity) {
        let number = resting.order.order;
        if let Some(list) = self.lists.iter_mut().find(|list| list.first == number && list.link.has_parent())
        {
            list.rest = (list.rest + by).max(Quantity::ZERO);
            list.whole = (list.whole + by).max(list.rest);
        }
    }

    /// Brings what lists count to what it is after a split.
    pub(super) fn split_lists(&mut self, index: usize, resting: &[Resting], new: u32, old: u32) {
        let lot = self.settings.instruments[index].lot;
        for list in self.lists.iter_mut().filter(|list| list.index == index) {
            for quantity in [&mut list.closing, &mut list.whole, &mut list.rest, &mut list.filled] {
                *quantity = super::scaled(*quantity, new, old).round_down_to(lot);
            }
            // As the first order itself is rounded.
            if let Some(first) = resting.iter().find(|order| order.order.order == list.first) {
                let remaining = super::scaled(first.remaining, new, old).round_down_to(lot);
                list.rest = (remaining - list.closing).max(Quantity::ZERO);
                list.whole = list.whole.max(list.rest);
            }
        }
    }

    /// How much of what is held an order could close.
    fn reducible(&self, index: usize, order: &Order) -> Quantity {
        match &self.books[index].tickets {
            None => Quantity((-self.books[index].position.0 * order.side.sign()).max(0)),
            Some(tickets) => tickets.closable(order.side, order.effect()),
        }
    }

    /// Passes on what happened to the orders that depend on it, until nothing more follows. `within` is the bar in
    /// which it happened, on bars.
    #[inline]
    pub(super) fn follow(
        &mut self,
        index: usize,
        resting: &mut [Resting],
        within: Option<Within<'_>>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        if self.moved || !self.effects.is_empty() {
            self.pass_on(index, resting, within, time, answers);
        }
    }

    #[cold]
    fn pass_on(
        &mut self,
        index: usize,
        resting: &mut [Resting],
        within: Option<Within<'_>>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        loop {
            // What was filled is felt by all before the next one meets the market.
            if !self.effects.is_empty() {
                let effect = self.effects.remove(0);
                self.take_effect(index, effect, resting, time, answers);
            } else if std::mem::take(&mut self.moved) {
                for order in resting.iter_mut() {
                    self.bound(index, order, time, answers);
                }
            } else if let Some(order) = resting.iter_mut().find(|order| order.armed) {
                order.armed = false;
                self.release(index, order, within, time, answers);
            } else {
                return;
            }
        }
    }

    fn take_effect(
        &mut self,
        index: usize,
        effect: Effect,
        resting: &mut [Resting],
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let Some(place) = self.lists.iter().position(|list| list.first == effect.list) else { return };
        let list = &mut self.lists[place];
        let is_first = list.link.has_parent() && effect.order == list.first;
        if !is_first {
            if list.link.cancels() {
                list.filled += effect.filled;
                self.take_from_siblings(effect, resting, time, answers);
            }
            return;
        }
        let closing = effect.filled.min(list.closing);
        list.closing -= closing;
        let (opened, rest) = ((effect.filled - closing).min(list.rest), list.rest);
        list.rest -= opened;
        list.ended |= effect.ended;
        let lot = self.settings.instruments[index].lot;
        for order in resting.iter_mut() {
            let waits = order.order.has_parent()
                && order.order.terms.list.is_some_and(|list| list.first == effect.list);
            if !waits || order.gone {
                continue;
            }
            if opened > Quantity::ZERO && order.held > Quantity::ZERO {
                let released = match opened == rest {
                    true => order.held,
                    false => share(order.held, opened, rest).round_down_to(lot),
                };
                order.held -= released;
                order.armed = released > Quantity::ZERO;
            }
            if effect.ended && order.held > Quantity::ZERO && !order.gone {
                let held = std::mem::take(&mut order.held);
                self.shrink(order, held, ReplaceReason::ParentEnded, time, answers);
            }
        }
    }

    /// A part of an order is armed: it arrives. Inside a bar a stop may be reached at once, for the worst is
    /// assumed; what would be to our advantage waits for the next bar.
    fn release(
        &mut self,
        index: usize,
        order: &mut Resting,
        within: Option<Within<'_>>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        if order.gone || order.open() == Quantity::ZERO {
            return;
        }
        let works = match within {
            None => self.arrive(index, order, time, answers),
            Some(Within { bar, at_open: true }) => self.meet_bar(index, order, bar, false, time, answers).0,
            Some(Within { bar, at_open: false }) => match order.acting() {
                Acting::Stop(_) => self.meet_bar(index, order, bar, true, time, answers).0,
                Acting::Market | Acting::Limit(_) => true,
            },
        };
        if !works {
            order.gone = true;
            self.ended(order);
        }
    }

    /// What one alternative filled, the others lose.
    fn take_from_siblings(
        &mut self,
        effect: Effect,
        resting: &mut [Resting],
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        for order in resting.iter_mut() {
            let number = order.order.order;
            let sibling = order.order.terms.list.is_some_and(|list| {
                list.first == effect.list && !(list.link.has_parent() && number == list.first)
            });
            if sibling && number != effect.order && !order.gone {
                self.shrink(order, effect.filled, ReplaceReason::SiblingFilled, time, answers);
            }
        }
    }

    /// Keeps a reduce-only order within what there is to reduce.
    pub(super) fn bound(
        &mut self,
        index: usize,
        order: &mut Resting,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        if !order.order.only_closes() || order.gone {
            return;
        }
        let most = self.reducible(index, &order.order) + order.held;
        if order.remaining > most {
            let by = order.remaining - most;
            self.shrink(order, by, ReplaceReason::PositionShrank, time, answers);
        }
    }

    /// Makes an order smaller; nothing left ends it.
    fn shrink(
        &mut self,
        order: &mut Resting,
        by: Quantity,
        reason: ReplaceReason,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let by = by.min(order.remaining);
        if by == Quantity::ZERO {
            return;
        }
        if by == order.remaining {
            let closed = match reason {
                ReplaceReason::SiblingFilled => CloseReason::SiblingFilled,
                ReplaceReason::ParentEnded => CloseReason::ParentEnded,
                ReplaceReason::PositionShrank => CloseReason::PositionClosed,
                ReplaceReason::Split => CloseReason::Split,
                ReplaceReason::Requested | ReplaceReason::BooksCompared => CloseReason::Requested,
            };
            self.cancel_rest(order, closed, time, answers);
            order.gone = true;
            self.ended(order);
            return;
        }
        order.remaining -= by;
        order.order.quantity -= by;
        order.held = order.held.min(order.remaining);
        self.say_replaced(order, reason, None, time, answers);
    }
}

/// The share `part / whole` of a quantity, rounded down.
fn share(quantity: Quantity, part: Quantity, whole: Quantity) -> Quantity {
    Quantity((i128::from(quantity.0) * i128::from(part.0) / i128::from(whole.0.max(1))) as i64)
}
