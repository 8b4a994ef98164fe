//! The life of an order as one table, and the orders of a run.

use crate::canonical::{Canonical, Input, fields};
use crate::event::{Order, OrderKind, PositionEffect, Side, Terms};
use crate::ids::{InstrumentId, OrderId, StrategyId};
use crate::state::{State, StateError};
use crate::units::{FIXED_MAX, Quantity};

/// Where an order stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Status {
    /// Sent; the venue has not answered.
    Submitted = 1,
    /// Working at the venue.
    Accepted = 2,
    /// Working, in part filled.
    PartiallyFilled = 3,
    /// Working as far as we know; a cancel is under way.
    CancelPending = 4,
    /// Done: filled whole.
    Filled = 5,
    /// Done: taken off the market.
    Cancelled = 6,
    /// Done: the venue refused it.
    Rejected = 7,
    /// Done: its time ended.
    Expired = 8,
    /// Done: we never sent it.
    Denied = 9,
    /// Working as far as we know; a replacement is under way.
    ReplacePending = 10,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 10] = [
        Status::Submitted,
        Status::Accepted,
        Status::PartiallyFilled,
        Status::CancelPending,
        Status::Filled,
        Status::Cancelled,
        Status::Rejected,
        Status::Expired,
        Status::Denied,
        Status::ReplacePending,
    ];
}

/// What can happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The venue took it.
    Accept,
    /// The venue refused it.
    Reject,
    /// A part was executed.
    FillPart,
    /// The last part was executed.
    FillRest,
    /// We asked to cancel.
    AskCancel,
    /// The venue refused to cancel; the flag says whether a part is filled.
    RefuseCancel {
        /// Whether a part is filled.
        part_filled: bool,
    },
    /// It was taken off the market.
    Cancel,
    /// Its time ended.
    Expire,
    /// The market reached its trigger.
    Trigger,
    /// We asked to replace it.
    AskReplace,
    /// It was replaced as we asked; the flag says whether a part is filled.
    Replace {
        /// Whether a part is filled.
        part_filled: bool,
    },
    /// The venue refused to replace it; the flag says whether a part is filled.
    RefuseReplace {
        /// Whether a part is filled.
        part_filled: bool,
    },
    /// The venue changed it by its own rules.
    Adjust,
}

impl Status {
    /// Whether nothing can happen to it any more.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Status::Filled | Status::Cancelled | Status::Rejected | Status::Expired | Status::Denied
        )
    }

    /// The table: what becomes of an order in this state when that happens; `None` where it cannot happen.
    ///
    /// A fill may overtake the acceptance, and any answer may overtake a cancel under way.
    pub const fn after(self, happening: Happening) -> Option<Status> {
        use Happening::*;
        use Status::*;
        Some(match (self, happening) {
            (Submitted, Accept) => Accepted,
            (Submitted, Reject) => Rejected,
            // The acceptance comes late: a fill or a cancel request has already moved the order on.
            (PartiallyFilled | CancelPending, Accept) => self,
            (Submitted | Accepted | PartiallyFilled, FillPart) => PartiallyFilled,
            (CancelPending | ReplacePending, FillPart) => self,
            (Submitted | Accepted | PartiallyFilled | CancelPending | ReplacePending, FillRest) => Filled,
            // A replacement under way no longer matters once the order is to go.
            (Submitted | Accepted | PartiallyFilled | ReplacePending, AskCancel) => CancelPending,
            (CancelPending, RefuseCancel { part_filled: true }) => PartiallyFilled,
            (CancelPending, RefuseCancel { part_filled: false }) => Accepted,
            // The order was done before the cancel, or the replacement, arrived.
            (Filled | Cancelled | Rejected | Expired, RefuseCancel { .. } | RefuseReplace { .. }) => self,
            (Submitted | Accepted | PartiallyFilled | CancelPending | ReplacePending, Cancel) => Cancelled,
            (Submitted | Accepted | PartiallyFilled | CancelPending | ReplacePending, Expire) => Expired,
            (CancelPending, Reject) => Rejected,
            (Submitted | Accepted | PartiallyFilled | CancelPending | ReplacePending, Trigger | Adjust) => {
                self
            }
            (Accepted | PartiallyFilled, AskReplace) => ReplacePending,
            (ReplacePending, Replace { part_filled: true } | RefuseReplace { part_filled: true }) => {
                PartiallyFilled
            }
            (ReplacePending, Replace { part_filled: false } | RefuseReplace { part_filled: false }) => {
                Accepted
            }
            // We asked to cancel while the replacement was under way.
            (CancelPending, Replace { .. } | RefuseReplace { .. }) => self,

            (
                Accepted | PartiallyFilled | Filled | Cancelled | Rejected | Expired | Denied
                | ReplacePending,
                Reject,
            ) => return None,
            (Accepted | Filled | Cancelled | Rejected | Expired | Denied | ReplacePending, Accept) => {
                return None;
            }
            (Filled | Cancelled | Rejected | Expired | Denied, FillPart | FillRest) => return None,
            (CancelPending | Filled | Cancelled | Rejected | Expired | Denied, AskCancel) => return None,
            (Submitted | Accepted | PartiallyFilled | Denied | ReplacePending, RefuseCancel { .. }) => {
                return None;
            }
            (Filled | Cancelled | Rejected | Expired | Denied, Cancel | Expire) => return None,
            (Filled | Cancelled | Rejected | Expired | Denied, Trigger | Adjust) => return None,
            // Only what the venue has acknowledged can be replaced.
            (
                Submitted | CancelPending | ReplacePending | Filled | Cancelled | Rejected | Expired | Denied,
                AskReplace,
            ) => return None,
            (
                Submitted | Accepted | PartiallyFilled | Filled | Cancelled | Rejected | Expired | Denied,
                Replace { .. },
            ) => return None,
            (Submitted | Accepted | PartiallyFilled | Denied, RefuseReplace { .. }) => return None,
        })
    }
}

/// An order and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Whose order.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How it executes, with its prices as they are now.
    pub kind: OrderKind,
    /// Where it stands.
    pub status: Status,
    /// How much is ordered.
    pub quantity: Quantity,
    /// How much was filled.
    pub filled: Quantity,
    /// What a replacement under way asks for.
    pub asked: Option<Quantity>,
    /// What else it says.
    pub terms: Terms,
    /// Whether its kind or quantity is no longer as it was sent.
    pub changed: bool,
    /// Whose it is, where several strategies share the account.
    pub strategy: StrategyId,
    /// The position that it closes, by the order that opened it; in a hedging account only.
    pub closes: OrderId,
}

fields! {
    OrderRecord {
        instrument, side, kind, status, quantity, filled, asked, terms, changed, strategy, closes
    }
}

impl OrderRecord {
    /// Whether it is a stop that stands alone and opens nothing: what protects a position.
    pub fn protects(&self) -> bool {
        self.terms.protects(self.kind)
    }

    /// What its fills do to the positions of a hedging account.
    pub fn effect(&self) -> PositionEffect {
        PositionEffect::of(self.closes, self.terms.reduce_only)
    }

    /// What may still be filled, with the order's sign; zero once it is done.
    pub fn working(&self) -> Quantity {
        if self.status.is_terminal() {
            return Quantity::ZERO;
        }
        // A replacement under way may come into force at any moment.
        let quantity = self.asked.map_or(self.quantity, |asked| asked.max(self.quantity));
        Quantity((quantity - self.filled).0 * self.side.sign())
    }
}

/// What cannot be: an answer that the table does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// No order has this number.
    #[error("order {0} is unknown")]
    Unknown(OrderId),
    /// The table has no such entry.
    #[error("order {order} is {status:?}: {happening:?} cannot happen to it")]
    Impossible {
        /// Which order.
        order: OrderId,
        /// Where it stands.
        status: Status,
        /// What was said to have happened.
        happening: Happening,
    },
    /// More was filled than was ordered.
    #[error("order {order}: {filled} filled of {quantity}")]
    Overfilled {
        /// Which order.
        order: OrderId,
        /// What the fills add up to.
        filled: Quantity,
        /// What was ordered.
        quantity: Quantity,
    },
}

/// All orders of a run, by number.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    records: Vec<OrderRecord>,
    working: Vec<OrderId>,
}

impl Orders {
    /// The number of the next order.
    pub fn next_id(&self) -> OrderId {
        OrderId(self.records.len() as u64 + 1)
    }

    /// Takes an order in, submitted or denied; its number must be [`Orders::next_id`].
    pub fn insert(&mut self, instrument: InstrumentId, order: &Order, status: Status) {
        assert_eq!(order.order, self.next_id(), "orders are numbered without a gap");
        if !status.is_terminal() {
            self.working.push(order.order);
        }
        self.records.push(OrderRecord {
            instrument,
            side: order.side,
            kind: order.kind,
            status,
            quantity: order.quantity,
            filled: Quantity::ZERO,
            asked: None,
            terms: order.terms,
            changed: false,
            strategy: order.strategy,
            closes: order.closes,
        });
    }

    /// The order with this number.
    pub fn get(&self, order: OrderId) -> Option<&OrderRecord> {
        self.records.get(usize::try_from(order.0).ok()?.checked_sub(1)?)
    }

    /// Every order in the order of its number.
    pub fn records(&self) -> &[OrderRecord] {
        &self.records
    }

    /// The orders that are not done, oldest first.
    pub fn working(&self) -> impl Iterator<Item = (OrderId, &OrderRecord)> {
        self.working.iter().map(|&order| (order, self.get(order).expect("a working order exists")))
    }

    /// What is still to be filled of an instrument, signed.
    pub fn working_quantity(&self, instrument: InstrumentId) -> Quantity {
        let [bought, sold] = self.working_of(instrument);
        bought + sold
    }

    /// What is still to be filled of an instrument's orders to buy, and of those to sell, signed. Reduce-only orders do
    /// not count: they lead to no position that is not there already. No position is larger than [`FIXED_MAX`], however
    /// many work.
    #[inline]
    pub fn working_of(&self, instrument: InstrumentId) -> [Quantity; 2] {
        self.working_where(instrument, |_| true)
    }

    /// The same of one strategy's orders.
    pub fn working_by(&self, strategy: StrategyId, instrument: InstrumentId) -> [Quantity; 2] {
        self.working_where(instrument, |record| record.strategy == strategy)
    }

    /// What the orders that open, and what those that close, are still to fill of an instrument in a hedging account:
    /// buys and sells, signed. Reduce-only orders close like others.
    pub fn opening_and_closing(&self, instrument: InstrumentId) -> ([Quantity; 2], [Quantity; 2]) {
        let (mut opening, mut closing) = ([0_i64; 2], [0_i64; 2]);
        for (_, record) in self.working().filter(|(_, record)| record.instrument == instrument) {
            let opens = record.effect() == PositionEffect::Open;
            let sums = if opens { &mut opening } else { &mut closing };
            let sum = &mut sums[usize::from(record.side == Side::Sell)];
            *sum = sum.saturating_add(record.working().0);
        }
        let within = |sums: [i64; 2]| sums.map(|sum| Quantity(sum.clamp(-FIXED_MAX, FIXED_MAX)));
        (within(opening), within(closing))
    }

    /// How much of a position the working orders will close that count as such, reduce-only ones left out.
    pub fn spoken_for(&self, position: OrderId) -> Quantity {
        let closes = self.working().filter(|(_, record)| {
            record.closes == position && !position.is_none() && !record.terms.reduce_only
        });
        let sum = closes.fold(0_i64, |sum, (_, record)| sum.saturating_add(record.working().0.abs()));
        Quantity(sum.clamp(0, FIXED_MAX))
    }

    #[inline]
    fn working_where(
        &self,
        instrument: InstrumentId,
        counts: impl Fn(&OrderRecord) -> bool,
    ) -> [Quantity; 2] {
        let (mut bought, mut sold) = (0_i64, 0_i64);
        for (_, record) in self.working() {
            if record.instrument == instrument && !record.terms.reduce_only && counts(record) {
                let sum = if record.side == Side::Buy { &mut bought } else { &mut sold };
                *sum = sum.saturating_add(record.working().0);
            }
        }
        [Quantity(bought.clamp(-FIXED_MAX, FIXED_MAX)), Quantity(sold.clamp(-FIXED_MAX, FIXED_MAX))]
    }

    /// Moves an order along the table.
    pub fn advance(&mut self, order: OrderId, happening: Happening) -> Result<Status, OrderError> {
        let index = usize::try_from(order.0).unwrap_or(usize::MAX).wrapping_sub(1);
        let record = self.records.get_mut(index).ok_or(OrderError::Unknown(order))?;
        let status = record.status;
        let next = status.after(happening).ok_or(OrderError::Impossible { order, status, happening })?;
        record.status = next;
        if next.is_terminal() {
            self.working.retain(|&working| working != order);
        }
        Ok(next)
    }

    /// Notes that a replacement for `quantity` in all is under way.
    pub fn ask_replace(&mut self, order: OrderId, quantity: Quantity) -> Result<Status, OrderError> {
        let status = self.advance(order, Happening::AskReplace)?;
        self.records[order.0 as usize - 1].asked = Some(quantity);
        Ok(status)
    }

    /// Books that an order works on as another one, or that it does not.
    pub fn replaced(
        &mut self,
        order: OrderId,
        happening: Happening,
        change: Option<(OrderKind, Quantity)>,
    ) -> Result<Status, OrderError> {
        let status = self.advance(order, happening)?;
        let record = &mut self.records[order.0 as usize - 1];
        if let Some((kind, quantity)) = change {
            (record.kind, record.quantity, record.changed) = (kind, quantity, true);
        }
        if record.filled > record.quantity {
            return Err(OrderError::Overfilled { order, filled: record.filled, quantity: record.quantity });
        }
        if happening != Happening::Adjust {
            record.asked = None;
        }
        Ok(status)
    }

    /// Books a fill of `quantity`.
    pub fn fill(&mut self, order: OrderId, quantity: Quantity) -> Result<Status, OrderError> {
        let record = *self.get(order).ok_or(OrderError::Unknown(order))?;
        let filled = Quantity(record.filled.0.saturating_add(quantity.0));
        if filled > record.quantity {
            return Err(OrderError::Overfilled { order, filled, quantity: record.quantity });
        }
        let rest = filled < record.quantity;
        let status = self.advance(order, if rest { Happening::FillPart } else { Happening::FillRest })?;
        self.records[order.0 as usize - 1].filled = filled;
        Ok(status)
    }
}

impl State for Orders {
    fn save(&self, out: &mut Vec<u8>) {
        self.records.write(out);
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        self.records = Vec::read(input)?;
        // Orders come in by number, and none comes back once it is done.
        let working = self.records.iter().zip(1..).filter(|(record, _)| !record.status.is_terminal());
        self.working = working.map(|(_, number)| OrderId(number)).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Happening::*;
    use Status::*;

    /// A journal of others may have orders replaced to any size.
    #[test]
    fn what_works_is_at_most_what_a_position_can_be() {
        let mut orders = Orders::default();
        for _ in 0..4 {
            let record = OrderRecord {
                instrument: InstrumentId(1),
                side: Side::Sell,
                kind: OrderKind::Market,
                status: Submitted,
                quantity: Quantity(FIXED_MAX),
                filled: Quantity::ZERO,
                asked: None,
                terms: Terms::default(),
                changed: false,
                strategy: StrategyId::NONE,
                closes: OrderId::NONE,
            };
            orders.records.push(record);
            orders.working.push(OrderId(orders.records.len() as u64));
        }
        assert_eq!(orders.working_of(InstrumentId(1)), [Quantity::ZERO, Quantity(-FIXED_MAX)]);
    }

    /// Every pair of the table, a row a status, a column a happening; a blank means that it cannot happen.
    #[test]
    fn the_whole_table() {
        let columns = [
            Accept,
            Reject,
            FillPart,
            FillRest,
            AskCancel,
            RefuseCancel { part_filled: false },
            RefuseCancel { part_filled: true },
            Cancel,
            Expire,
            Trigger,
            Adjust,
            AskReplace,
            Replace { part_filled: false },
            Replace { part_filled: true },
            RefuseReplace { part_filled: false },
            RefuseReplace { part_filled: true },
        ];
        // S submitted, A accepted, P partially filled, C cancel pending, R replace pending,
        // f filled, c cancelled, r rejected, e expired.
        let rows = "
    status           accept reject part rest ask-c refuse- refuse+ cancel expire trigger adjust ask-r re- re+ no- no+
    Submitted        A      r      P    f    C     .       .       c      e      S       S      .     .   .   .   .
    Accepted         .      .      P    f    C     .       .       c      e      A       A      R     .   .   .   .
    PartiallyFilled  P      .      P    f    C     .       .       c      e      P       P      R     .   .   .   .
    CancelPending    C      r      C    f    .     A       P       c      e      C       C      .     C   C   C   C
    Filled           .      .      .    .    .     f       f       .      .      .       .      .     .   .   f   f
    Cancelled        .      .      .    .    .     c       c       .      .      .       .      .     .   .   c   c
    Rejected         .      .      .    .    .     r       r       .      .      .       .      .     .   .   r   r
    Expired          .      .      .    .    .     e       e       .      .      .       .      .     .   .   e   e
    Denied           .      .      .    .    .     .       .       .      .      .       .      .     .   .   .   .
    ReplacePending   .      .      R    f    C     .       .       c      e      R       R      .     A   P   A   P";
        let named = |letter: &str| match letter {
            "S" => Some(Submitted),
            "A" => Some(Accepted),
            "P" => Some(PartiallyFilled),
            "C" => Some(CancelPending),
            "R" => Some(ReplacePending),
            "f" => Some(Filled),
            "c" => Some(Cancelled),
            "r" => Some(Rejected),
            "e" => Some(Expired),
            _ => None,
        };
        let rows: Vec<&str> = rows.lines().skip(2).collect();
        assert_eq!(rows.len(), Status::ALL.len());
        for (row, status) in rows.into_iter().zip(Status::ALL) {
            let mut cells = row.split_whitespace();
            assert_eq!(cells.next().unwrap(), format!("{status:?}"));
            let cells: Vec<&str> = cells.collect();
            assert_eq!(cells.len(), columns.len(), "{row}");
            for (cell, happening) in cells.into_iter().zip(columns) {
                assert_eq!(status.after(happening), named(cell), "{status:?} after {happening:?}");
            }
            assert_eq!(
                status.is_terminal(),
                [FillPart, FillRest, Cancel, Expire, Accept].iter().all(|h| status.after(*h).is_none()),
                "{status:?}"
            );
        }
    }

    #[test]
    fn an_order_never_fills_beyond_its_quantity() {
        let mut orders = Orders::default();
        let order = Order {
            order: OrderId(1),
            side: Side::Sell,
            kind: OrderKind::Market,
            time_in_force: crate::event::TimeInForce::Gtc,
            quantity: Quantity(10),
            bid: None,
            ask: None,
            position: Quantity(0),
            terms: Terms::default(),
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        };
        orders.insert(InstrumentId(1), &order, Submitted);
        assert_eq!(orders.working_quantity(InstrumentId(1)), Quantity(-10));
        assert_eq!(orders.fill(OrderId(1), Quantity(4)), Ok(PartiallyFilled));
        assert!(matches!(orders.fill(OrderId(1), Quantity(7)), Err(OrderError::Overfilled { .. })));
        assert_eq!(orders.working_quantity(InstrumentId(1)), Quantity(-6));
        assert_eq!(orders.fill(OrderId(1), Quantity(6)), Ok(Filled));
        assert_eq!(orders.working_quantity(InstrumentId(1)), Quantity(0));
        assert!(matches!(orders.fill(OrderId(1), Quantity(1)), Err(OrderError::Overfilled { .. })));
        assert_eq!(orders.advance(OrderId(2), Accept), Err(OrderError::Unknown(OrderId(2))));
    }
}
