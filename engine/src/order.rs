//! The life of an order as one table, and the orders of a run.

use crate::event::{Order, OrderKind, Side};
use crate::ids::{InstrumentId, OrderId};
use crate::units::Quantity;

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
            (CancelPending, FillPart) => CancelPending,
            (Submitted | Accepted | PartiallyFilled | CancelPending, FillRest) => Filled,
            (Submitted | Accepted | PartiallyFilled, AskCancel) => CancelPending,
            (CancelPending, RefuseCancel { part_filled: true }) => PartiallyFilled,
            (CancelPending, RefuseCancel { part_filled: false }) => Accepted,
            // The order was done before the cancel arrived.
            (Filled | Cancelled | Rejected | Expired, RefuseCancel { .. }) => self,
            (Submitted | Accepted | PartiallyFilled | CancelPending, Cancel) => Cancelled,
            (Submitted | Accepted | PartiallyFilled | CancelPending, Expire) => Expired,
            (CancelPending, Reject) => Rejected,

            (Accepted | PartiallyFilled | Filled | Cancelled | Rejected | Expired | Denied, Reject) => {
                return None;
            }
            (Accepted | Filled | Cancelled | Rejected | Expired | Denied, Accept) => return None,
            (Filled | Cancelled | Rejected | Expired | Denied, FillPart | FillRest) => return None,
            (CancelPending | Filled | Cancelled | Rejected | Expired | Denied, AskCancel) => return None,
            (Submitted | Accepted | PartiallyFilled | Denied, RefuseCancel { .. }) => return None,
            (Filled | Cancelled | Rejected | Expired | Denied, Cancel | Expire) => return None,
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
    /// Market, limit or stop.
    pub kind: OrderKind,
    /// Where it stands.
    pub status: Status,
    /// How much was asked for.
    pub quantity: Quantity,
    /// How much was filled.
    pub filled: Quantity,
}

impl OrderRecord {
    /// What may still be filled, with the order's sign; zero once it is done.
    pub fn working(&self) -> Quantity {
        if self.status.is_terminal() {
            return Quantity::ZERO;
        }
        Quantity((self.quantity - self.filled).0 * self.side.sign())
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
        self.working_of(instrument, Side::Buy) + self.working_of(instrument, Side::Sell)
    }

    /// What is still to be filled of an instrument's orders of one side, signed.
    pub fn working_of(&self, instrument: InstrumentId, side: Side) -> Quantity {
        self.working()
            .filter(|(_, record)| record.instrument == instrument && record.side == side)
            .map(|(_, record)| record.working())
            .sum()
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

#[cfg(test)]
mod tests {
    use super::*;
    use Happening::*;
    use Status::*;

    /// Every pair of the table; a blank means that it cannot happen.
    #[test]
    fn the_whole_table() {
        let happenings = [
            Accept,
            Reject,
            FillPart,
            FillRest,
            AskCancel,
            RefuseCancel { part_filled: false },
            RefuseCancel { part_filled: true },
            Cancel,
            Expire,
        ];
        let rows: &[(Status, [Option<Status>; 9])] = &[
            (
                Submitted,
                [
                    Some(Accepted),
                    Some(Rejected),
                    Some(PartiallyFilled),
                    Some(Filled),
                    Some(CancelPending),
                    None,
                    None,
                    Some(Cancelled),
                    Some(Expired),
                ],
            ),
            (
                Accepted,
                [
                    None,
                    None,
                    Some(PartiallyFilled),
                    Some(Filled),
                    Some(CancelPending),
                    None,
                    None,
                    Some(Cancelled),
                    Some(Expired),
                ],
            ),
            (
                PartiallyFilled,
                [
                    Some(PartiallyFilled),
                    None,
                    Some(PartiallyFilled),
                    Some(Filled),
                    Some(CancelPending),
                    None,
                    None,
                    Some(Cancelled),
                    Some(Expired),
                ],
            ),
            (
                CancelPending,
                [
                    Some(CancelPending),
                    Some(Rejected),
                    Some(CancelPending),
                    Some(Filled),
                    None,
                    Some(Accepted),
                    Some(PartiallyFilled),
                    Some(Cancelled),
                    Some(Expired),
                ],
            ),
            (Filled, [None, None, None, None, None, Some(Filled), Some(Filled), None, None]),
            (Cancelled, [None, None, None, None, None, Some(Cancelled), Some(Cancelled), None, None]),
            (Rejected, [None, None, None, None, None, Some(Rejected), Some(Rejected), None, None]),
            (Expired, [None, None, None, None, None, Some(Expired), Some(Expired), None, None]),
            (Denied, [None; 9]),
        ];
        for (status, row) in rows {
            for (happening, expected) in happenings.iter().zip(row) {
                assert_eq!(status.after(*happening), *expected, "{status:?} after {happening:?}");
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
