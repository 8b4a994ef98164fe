//! The index beside the blocks: written at the seal from the events themselves, so it can always be made
//! again.
//!
//! ```text
//! orders     a page of (order u64, sequence u64), by its first pair  →  the pairs
//! ```
//!
//! Big-endian, so that sled's order is the order of numbers. Where a time, a number or a kind is found, the headers of
//! the blocks say.

use genovo_engine::event::{Action, AlertRaised, Event, Fact};
use genovo_engine::ids::{OrderId, Sequence};

use crate::error::Error;
use crate::store::Store;

/// Pairs in a page: a page stays far below the size at which sled makes a file of its own of a
/// value.
const PAGE: usize = 1024;

/// Gathers what the index holds.
#[derive(Default)]
pub struct IndexBuilder {
    orders: Vec<(u64, u64)>,
}

impl IndexBuilder {
    /// Takes an event.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        let sequence = event.header.sequence.0;
        for_each_order(&event.fact, |order| self.orders.push((order.0, sequence)));
    }

    /// Writes the tree.
    pub fn write(mut self, store: &Store) -> Result<(), Error> {
        self.orders.sort_unstable();
        self.orders.dedup();
        for page in self.orders.chunks(PAGE) {
            let value: Vec<u8> = page.iter().flat_map(|(order, sequence)| pair(*order, *sequence)).collect();
            store.insert_index("orders", &value[..16], &value)?;
        }
        Ok(())
    }
}

/// The sequences of all events that name an order.
pub fn order_events(store: &Store, order: OrderId) -> Result<Vec<Sequence>, Error> {
    let mut sequences = Vec::new();
    store.index_from("orders", &pair(order.0, 0), |_, page| {
        let mut beyond = false;
        for pair in page.as_chunks::<16>().0 {
            let (named, sequence) = (number(&pair[..8]), number(&pair[8..]));
            if named == order.0 {
                sequences.push(Sequence(sequence));
            }
            beyond |= named > order.0;
        }
        !beyond
    })?;
    Ok(sequences)
}

/// Calls `found` with every order that a fact names.
#[inline]
pub fn for_each_order(fact: &Fact, mut found: impl FnMut(OrderId)) {
    match fact {
        Fact::QuoteChanged(_)
        | Fact::TradePrinted(_)
        | Fact::BarReceived(_)
        | Fact::BookChanged(_)
        | Fact::BookReset(_)
        | Fact::BarClosed(_)
        | Fact::FeaturesComputed(_)
        | Fact::RunStarted(_)
        | Fact::InstrumentDefined(_)
        | Fact::CorporateActionApplied(_)
        | Fact::SessionChanged(_)
        | Fact::MacroReleased(_)
        | Fact::NewsPublished(_)
        | Fact::EventScheduled(_)
        | Fact::SignalReceived(_)
        | Fact::FeaturesReselected(_)
        | Fact::TimerFired(_)
        | Fact::ChapterClosed(_)
        | Fact::DataFlagged(_)
        | Fact::RiskAssessed(_)
        | Fact::FinancingCharged(_)
        | Fact::RegimeChanged(_)
        | Fact::TradingHalted(_)
        | Fact::AccountReported(_)
        | Fact::PositionReported(_)
        | Fact::ConnectionChanged(_)
        | Fact::OperatorCommanded(_)
        | Fact::LimitsRequested(_)
        | Fact::ApprovalGiven(_)
        | Fact::LimitsChanged(_)
        | Fact::FeedGap(_)
        | Fact::ClockChecked(_)
        | Fact::RunEnded(_) => {}
        Fact::OrderAccepted(fact) | Fact::CancelRejected(fact) | Fact::CancelRequested(fact) => {
            found(fact.order)
        }
        Fact::OrderUnknown(fact) => found(fact.order),
        Fact::TradeCorrected(fact) => found(fact.order),
        Fact::AlertRaised(fact) => match &**fact {
            AlertRaised::ImpossibleAnswer { order, .. } => found(*order),
            AlertRaised::PositionDiffers { .. }
            | AlertRaised::PositionAgrees
            | AlertRaised::BalanceDiffers { .. }
            | AlertRaised::NoStop { .. }
            | AlertRaised::Limits { .. }
            | AlertRaised::MarginCalled { .. }
            | AlertRaised::MarginRestored { .. }
            | AlertRaised::StoppedOut { .. } => {}
        },
        Fact::OrderRejected(fact) | Fact::ReplaceRejected(fact) => found(fact.order),
        Fact::OrderFilled(fact) => found(fact.order),
        Fact::OrderCancelled(fact) | Fact::OrderExpired(fact) => found(fact.order),
        Fact::OrderTriggered(fact) => found(fact.order),
        Fact::OrderReplaced(fact) => found(fact.order),
        Fact::ReplaceRequested(fact) => found(fact.order),
        Fact::OrderDenied(fact) => found(fact.order),
        Fact::OrderSubmitted(fact) => found(fact.order),
        Fact::DecisionMade(fact) => {
            for action in &fact.actions {
                match action {
                    Action::Cancel { order }
                    | Action::Replace { order, .. }
                    | Action::Close { position: order, .. } => found(*order),
                    Action::Hold
                    | Action::Target { .. }
                    | Action::Submit { .. }
                    | Action::Place(_)
                    | Action::Open(_) => {}
                }
            }
        }
    }
}

fn pair(first: u64, second: u64) -> [u8; 16] {
    (u128::from(first) << 64 | u128::from(second)).to_be_bytes()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
