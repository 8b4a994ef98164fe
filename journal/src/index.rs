//! The indexes beside the blocks: written at the seal from the events themselves, so they can always be made
//! again.
//!
//! ```text
//! times      earliest time_received i64, sign flipped · first sequence u64  →  nothing
//! numbers    number of the block's first event u64                          →  first sequence u64
//! orders     a page of (order u64, sequence u64), by its first pair         →  the pairs
//! decisions  a page of sequences u64, by its first                          →  the sequences
//! ```
//!
//! All big-endian, so that sled's order is the order of numbers.

use genovo_engine::event::{Action, AlertRaised, Event, Fact};
use genovo_engine::ids::{OrderId, Sequence};

use crate::block::BlockHeader;
use crate::error::Error;
use crate::store::Store;

/// Pairs or sequences in a page: a page stays far below the size at which sled makes a file of its own of a
/// value.
const PAGE: usize = 1024;

/// Gathers what the indexes hold.
#[derive(Default)]
pub struct IndexBuilder {
    blocks: Vec<(i64, u64, u64)>,
    orders: Vec<(u64, u64)>,
    decisions: Vec<u64>,
}

impl IndexBuilder {
    /// Takes a block.
    pub fn block(&mut self, header: &BlockHeader) {
        self.blocks.push((header.first_time.0, header.first_number, header.first_sequence.0));
    }

    /// Takes an event.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        let sequence = event.header.sequence.0;
        for_each_order(&event.fact, |order| self.orders.push((order.0, sequence)));
        if matches!(event.fact, Fact::DecisionMade(_)) {
            self.decisions.push(sequence);
        }
    }

    /// Writes the trees.
    pub fn write(mut self, store: &Store) -> Result<(), Error> {
        for (time, number, sequence) in &self.blocks {
            let time = (*time as u64) ^ (1 << 63);
            store.insert_index("times", &pair(time, *sequence), &[])?;
            store.insert_index("numbers", &number.to_be_bytes(), &sequence.to_be_bytes())?;
        }
        self.orders.sort_unstable();
        self.orders.dedup();
        for page in self.orders.chunks(PAGE) {
            let value: Vec<u8> = page.iter().flat_map(|(order, sequence)| pair(*order, *sequence)).collect();
            store.insert_index("orders", &value[..16], &value)?;
        }
        for page in self.decisions.chunks(PAGE) {
            let value: Vec<u8> = page.iter().flat_map(|sequence| sequence.to_be_bytes()).collect();
            store.insert_index("decisions", &value[..8], &value)?;
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
        | Fact::BarClosed(_)
        | Fact::FeaturesComputed(_)
        | Fact::RunStarted(_)
        | Fact::InstrumentDefined(_)
        | Fact::CorporateActionApplied(_)
        | Fact::SessionChanged(_)
        | Fact::TimerFired(_)
        | Fact::ChapterClosed(_)
        | Fact::DataFlagged(_)
        | Fact::RiskAssessed(_)
        | Fact::TradingHalted(_)
        | Fact::AccountReported(_)
        | Fact::PositionReported(_)
        | Fact::ConnectionChanged(_)
        | Fact::OperatorCommanded(_)
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
            | AlertRaised::BalanceDiffers { .. } => {}
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
                    Action::Cancel { order } | Action::Replace { order, .. } => found(*order),
                    Action::Hold | Action::Target { .. } | Action::Submit { .. } | Action::Place(_) => {}
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
