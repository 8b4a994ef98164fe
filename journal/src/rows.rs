//! The facts that are no columns: one archive a block.
//!
//! The shapes in the archive are those of the first build that wrote it, so that every block stays readable. A fact
//! that says more than they can hold lies there as its canonical bytes.

use genovo_engine::canonical;
use genovo_engine::event::*;

use crate::columns::CodecError;
use crate::shapes::{AlertRow, DecisionRow, FillRow, InstrumentRow, OrderRow, VerdictRow};

/// A fact that is neither market data nor a feature vector, as it lies in a block of schema 1.
///
/// New ones go last, and those of more than 17 bytes into a box: the largest gives all their size, and old blocks have
/// rows of theirs.
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[rkyv(attr(allow(missing_docs)))]
enum Row {
    RunStarted(Box<RunStarted>),
    InstrumentDefined(Box<InstrumentRow>),
    TimerFired(TimerFired),
    OrderAccepted(OrderNotice),
    OrderRejected(OrderRejected),
    OrderFilled(Box<FillRow>),
    OrderCancelled(OrderClosed),
    CancelRejected(OrderNotice),
    OrderExpired(OrderClosed),
    DataFlagged(DataFlagged),
    DecisionMade(Box<DecisionRow>),
    RiskAssessed(Box<VerdictRow>),
    OrderDenied(OrderDenied),
    OrderSubmitted(Box<OrderRow>),
    CancelRequested(OrderNotice),
    TradingHalted(TradingHalted),
    RunEnded(Box<RunEnded>),
    ChapterClosed(ChapterClosed),
    OrderUnknown(OrderNotice),
    TradeCorrected(Box<TradeCorrected>),
    AccountReported(Box<AccountReported>),
    PositionReported(PositionReported),
    ConnectionChanged(Box<ConnectionChanged>),
    OperatorCommanded(OperatorCommanded),
    FeedGap(Box<FeedGap>),
    ClockChecked(ClockChecked),
    AlertRaised(Box<AlertRow>),
    Canonical(Vec<u8>),
}

/// Packs rare facts; keeps its buffers.
#[derive(Default)]
pub struct RowPacker {
    rows: Vec<Row>,
    bytes: Vec<u8>,
}

impl RowPacker {
    /// Appends the archive of `facts` and empties them.
    pub fn write(&mut self, facts: &mut Vec<Fact>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.rows.clear();
        self.rows.extend(facts.drain(..).filter_map(row));
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.bytes = rkyv::api::high::to_bytes_in::<_, rkyv::rancor::Failure>(&self.rows, bytes)
            .map_err(|_| CodecError::Rows)?;
        self.rows.clear();
        out.extend_from_slice(&self.bytes);
        Ok(())
    }
}

/// The facts in an archive, checked before anything in it is touched.
pub fn read(bytes: &[u8], facts: &mut Vec<Fact>) -> Result<(), CodecError> {
    use rkyv::rancor::Failure;
    let rows =
        rkyv::access::<rkyv::vec::ArchivedVec<ArchivedRow>, Failure>(bytes).map_err(|_| CodecError::Rows)?;
    facts.clear();
    for row in rows.iter() {
        let row = rkyv::deserialize::<Row, Failure>(row).map_err(|_| CodecError::Rows)?;
        facts.push(fact(row)?);
    }
    Ok(())
}

/// A fact as a row; `None` for those that are columns.
fn row(fact: Fact) -> Option<Row> {
    Some(match fact {
        Fact::QuoteChanged(_)
        | Fact::TradePrinted(_)
        | Fact::BarReceived(_)
        | Fact::BookChanged(_)
        | Fact::BarClosed(_)
        | Fact::FeaturesComputed(_) => return None,
        Fact::RunStarted(fact) => Row::RunStarted(fact),
        Fact::InstrumentDefined(fact) => match InstrumentRow::of(&fact) {
            Some(row) => Row::InstrumentDefined(Box::new(row)),
            None => whole(Fact::InstrumentDefined(fact)),
        },
        Fact::TimerFired(fact) => Row::TimerFired(fact),
        Fact::OrderAccepted(fact) => Row::OrderAccepted(fact),
        Fact::OrderRejected(fact) => Row::OrderRejected(fact),
        Fact::OrderFilled(fact) => match FillRow::of(&fact) {
            Some(row) => Row::OrderFilled(Box::new(row)),
            None => whole(Fact::OrderFilled(fact)),
        },
        Fact::OrderCancelled(fact) => Row::OrderCancelled(fact),
        Fact::CancelRejected(fact) => Row::CancelRejected(fact),
        Fact::OrderExpired(fact) => Row::OrderExpired(fact),
        Fact::DataFlagged(fact) => Row::DataFlagged(fact),
        Fact::DecisionMade(fact) => match DecisionRow::of(&fact) {
            Some(row) => Row::DecisionMade(Box::new(row)),
            None => whole(Fact::DecisionMade(fact)),
        },
        Fact::RiskAssessed(fact) => match VerdictRow::of(&fact) {
            Some(row) => Row::RiskAssessed(Box::new(row)),
            None => whole(Fact::RiskAssessed(fact)),
        },
        Fact::OrderDenied(fact) => Row::OrderDenied(fact),
        Fact::OrderSubmitted(fact) => match OrderRow::of(&fact) {
            Some(row) => Row::OrderSubmitted(Box::new(row)),
            None => whole(Fact::OrderSubmitted(fact)),
        },
        Fact::CancelRequested(fact) => Row::CancelRequested(fact),
        Fact::TradingHalted(fact) => Row::TradingHalted(fact),
        Fact::RunEnded(fact) => Row::RunEnded(fact),
        Fact::ChapterClosed(fact) => Row::ChapterClosed(fact),
        Fact::OrderUnknown(fact) => Row::OrderUnknown(fact),
        Fact::TradeCorrected(fact) => Row::TradeCorrected(fact),
        Fact::AccountReported(fact) => Row::AccountReported(fact),
        Fact::PositionReported(fact) => Row::PositionReported(fact),
        Fact::ConnectionChanged(fact) => Row::ConnectionChanged(fact),
        Fact::OperatorCommanded(fact) => Row::OperatorCommanded(fact),
        Fact::FeedGap(fact) => Row::FeedGap(fact),
        Fact::ClockChecked(fact) => Row::ClockChecked(fact),
        Fact::AlertRaised(fact) => match AlertRow::of(&fact) {
            Some(row) => Row::AlertRaised(Box::new(row)),
            None => whole(Fact::AlertRaised(fact)),
        },
        fact @ (Fact::BookReset(_)
        | Fact::CorporateActionApplied(_)
        | Fact::SessionChanged(_)
        | Fact::MacroReleased(_)
        | Fact::NewsPublished(_)
        | Fact::EventScheduled(_)
        | Fact::SignalReceived(_)
        | Fact::FeaturesReselected(_)
        | Fact::LimitsRequested(_)
        | Fact::ApprovalGiven(_)
        | Fact::LimitsChanged(_)
        | Fact::OrderTriggered(_)
        | Fact::OrderReplaced(_)
        | Fact::ReplaceRejected(_)
        | Fact::ReplaceRequested(_)
        | Fact::RegimeChanged(_)
        | Fact::FinancingCharged(_)) => whole(fact),
    })
}

/// A fact as the canonical bytes of an event with an empty header.
fn whole(fact: Fact) -> Row {
    let mut bytes = Vec::new();
    canonical::encode(&Event { header: Header::default(), fact }, &mut bytes);
    Row::Canonical(bytes)
}

fn fact(row: Row) -> Result<Fact, CodecError> {
    Ok(match row {
        Row::RunStarted(row) => Fact::RunStarted(row),
        Row::InstrumentDefined(row) => Fact::InstrumentDefined(Box::new(row.into_fact())),
        Row::TimerFired(row) => Fact::TimerFired(row),
        Row::OrderAccepted(row) => Fact::OrderAccepted(row),
        Row::OrderRejected(row) => Fact::OrderRejected(row),
        Row::OrderFilled(row) => Fact::OrderFilled(Box::new(row.into_fact())),
        Row::OrderCancelled(row) => Fact::OrderCancelled(row),
        Row::CancelRejected(row) => Fact::CancelRejected(row),
        Row::OrderExpired(row) => Fact::OrderExpired(row),
        Row::DataFlagged(row) => Fact::DataFlagged(row),
        Row::DecisionMade(row) => Fact::DecisionMade(Box::new(row.into_fact())),
        Row::RiskAssessed(row) => Fact::RiskAssessed(Box::new(row.into_fact())),
        Row::OrderDenied(row) => Fact::OrderDenied(row),
        Row::OrderSubmitted(row) => Fact::OrderSubmitted(Box::new(row.into_fact())),
        Row::CancelRequested(row) => Fact::CancelRequested(row),
        Row::TradingHalted(row) => Fact::TradingHalted(row),
        Row::RunEnded(row) => Fact::RunEnded(row),
        Row::ChapterClosed(row) => Fact::ChapterClosed(row),
        Row::OrderUnknown(row) => Fact::OrderUnknown(row),
        Row::TradeCorrected(row) => Fact::TradeCorrected(row),
        Row::AccountReported(row) => Fact::AccountReported(row),
        Row::PositionReported(row) => Fact::PositionReported(row),
        Row::ConnectionChanged(row) => Fact::ConnectionChanged(row),
        Row::OperatorCommanded(row) => Fact::OperatorCommanded(row),
        Row::FeedGap(row) => Fact::FeedGap(row),
        Row::ClockChecked(row) => Fact::ClockChecked(row),
        Row::AlertRaised(row) => Fact::AlertRaised(Box::new(row.into_fact())),
        Row::Canonical(bytes) => {
            let mut input = canonical::Input::new(&bytes);
            let event = canonical::decode(&mut input).map_err(|_| CodecError::Rows)?;
            if !input.rest().is_empty() || event.header != Header::default() {
                return Err(CodecError::Rows);
            }
            event.fact
        }
    })
}
