//! Everything that can have happened: facts in the past tense, one closed enum.
//!
//! Adding a kind takes four edits, and the compiler or a test reminds of each: a variant here, an arm in
//! `Engine::apply`, a golden journal in `tests/golden/`, a row in `docs/journal-format.md`. No `_ =>` arm on
//! [`Fact`], ever. Kinds whose turn comes later are reserved in [`Kind`], so that no number is given twice.

mod account;
mod book;
mod decision;
mod kind;
mod limits;
mod live;
mod market;
mod order;
mod outside;
mod range;
mod run;
mod selection;
mod signal;
mod verdict;

pub use account::*;
pub use book::*;
pub use decision::*;
pub use kind::*;
pub use limits::*;
pub use live::*;
pub use market::*;
pub use order::*;
pub use outside::*;
pub use run::*;
pub use selection::*;
pub use signal::*;
pub use verdict::*;

use crate::ids::{InstrumentId, Sequence, TimerId};
use crate::settings::Instrument;
use crate::units::Timestamp;

/// One fact with its place, its times and its cause.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Event {
    /// Where it stands and why it is there.
    pub header: Header,
    /// What happened.
    pub fact: Fact,
}

/// What every event carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Header {
    /// The place in the run. [`Sequence::NONE`] until the loop numbers it.
    pub sequence: Sequence,
    /// When it happened, by the clock of where it happened (exchange, venue).
    pub time_event: Timestamp,
    /// When it arrived here. This is "now" for features, decisions and timers; it never runs backwards.
    pub time_received: Timestamp,
    /// Which instrument it concerns; [`InstrumentId::NONE`] when none.
    pub instrument: InstrumentId,
    /// The event that led to this one; [`Sequence::NONE`] for what came from outside by itself.
    pub cause: Sequence,
}

/// A fact. Small ones lie inline and are copied; rare large ones are boxed, so that a quote stays small.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "kind", content = "fact")]
pub enum Fact {
    /// The run's identity; always the first event.
    RunStarted(Box<RunStarted>),
    /// An instrument and its rules.
    InstrumentDefined(Box<Instrument>),
    /// The best bid and ask changed.
    QuoteChanged(Quote),
    /// A trade of others was printed.
    TradePrinted(Trade),
    /// A finished bar came from the data.
    BarReceived(Bar),
    /// A level or an order of an order book changed.
    BookChanged(BookChange),
    /// What was known of an order book holds no longer.
    BookReset(BookReset),
    /// A split or a dividend took effect.
    CorporateActionApplied(CorporateAction),
    /// An instrument's market opened or closed.
    SessionChanged(SessionChanged),
    /// A statistic was released.
    MacroReleased(Box<MacroReleased>),
    /// A piece of news was published.
    NewsPublished(Box<NewsPublished>),
    /// An event is to come, or was moved.
    EventScheduled(Box<EventScheduled>),
    /// Another program says which position it wants.
    SignalReceived(Signal),
    /// A wake that the engine asked for came due.
    TimerFired(TimerFired),
    /// Columns of the catalogue were selected anew.
    FeaturesReselected(Box<FeaturesReselected>),
    /// The journal's chapter ends with this event; the next one opens a new chapter.
    ChapterClosed(ChapterClosed),
    /// The venue took an order.
    OrderAccepted(OrderNotice),
    /// The venue refused an order.
    OrderRejected(OrderRejected),
    /// The venue executed an order or a part of it.
    OrderFilled(Box<Fill>),
    /// An order was taken off the market: on request, or by its time in force.
    OrderCancelled(OrderClosed),
    /// The venue refused to cancel: the order was no longer working.
    CancelRejected(OrderNotice),
    /// An order's time ended.
    OrderExpired(OrderClosed),
    /// Whether the venue has an order is unknown: it was sent, and no answer came. Only asking resolves it.
    OrderUnknown(OrderNotice),
    /// The venue took back or changed an execution.
    TradeCorrected(Box<TradeCorrected>),
    /// The broker said what the account holds.
    AccountReported(Box<AccountReported>),
    /// The broker said what the position is.
    PositionReported(PositionReported),
    /// A connection to the outside changed.
    ConnectionChanged(Box<ConnectionChanged>),
    /// The operator spoke.
    OperatorCommanded(OperatorCommanded),
    /// Somebody wants a limit changed.
    LimitsRequested(Box<LimitsRequested>),
    /// A second key allows a change of a limit.
    ApprovalGiven(Box<ApprovalGiven>),
    /// A limit was changed.
    LimitsChanged(Box<LimitsChanged>),
    /// Market data is missing.
    FeedGap(Box<FeedGap>),
    /// The wall clock stepped.
    ClockChecked(ClockChecked),
    /// The market reached the trigger of a stop-limit or trailing order.
    OrderTriggered(OrderTriggered),
    /// An order works on as another one: at our request, or by the venue's own rules.
    OrderReplaced(OrderReplaced),
    /// The venue refused to replace an order.
    ReplaceRejected(OrderRejected),
    /// Something is odd about a piece of market data.
    DataFlagged(DataFlagged),
    /// A bar built from ticks ended. Known at the first event at or after its end.
    BarClosed(Bar),
    /// The regime of a market changed.
    RegimeChanged(Box<RegimeChanged>),
    /// The feature vector at a decision point.
    FeaturesComputed(Box<Features>),
    /// The strategy or model decided.
    DecisionMade(Box<Decision>),
    /// Risk allowed, reduced or denied what the decision asked for, with every rule's numbers.
    RiskAssessed(Box<Verdict>),
    /// We did not send an order: our own no, never the venue's.
    OrderDenied(OrderDenied),
    /// An order left for the venue.
    OrderSubmitted(Box<Order>),
    /// A cancel left for the venue.
    CancelRequested(OrderNotice),
    /// A replacement left for the venue.
    ReplaceRequested(Replacement),
    /// A position was held over a rollover and paid for it.
    FinancingCharged(Box<FinancingCharged>),
    /// The engine takes no new decisions until the run ends.
    TradingHalted(TradingHalted),
    /// Something that a person should look at.
    AlertRaised(Box<AlertRaised>),
    /// The run's totals and state hash; always the last event.
    RunEnded(Box<RunEnded>),
}

impl Fact {
    /// Which kind of fact this is.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self {
            Fact::RunStarted(_) => Kind::RunStarted,
            Fact::InstrumentDefined(_) => Kind::InstrumentDefined,
            Fact::QuoteChanged(_) => Kind::QuoteChanged,
            Fact::TradePrinted(_) => Kind::TradePrinted,
            Fact::BarReceived(_) => Kind::BarReceived,
            Fact::BookChanged(_) => Kind::BookChanged,
            Fact::BookReset(_) => Kind::BookReset,
            Fact::CorporateActionApplied(_) => Kind::CorporateActionApplied,
            Fact::SessionChanged(_) => Kind::SessionChanged,
            Fact::MacroReleased(_) => Kind::MacroReleased,
            Fact::NewsPublished(_) => Kind::NewsPublished,
            Fact::EventScheduled(_) => Kind::EventScheduled,
            Fact::SignalReceived(_) => Kind::SignalReceived,
            Fact::TimerFired(_) => Kind::TimerFired,
            Fact::FeaturesReselected(_) => Kind::FeaturesReselected,
            Fact::ChapterClosed(_) => Kind::ChapterClosed,
            Fact::OrderAccepted(_) => Kind::OrderAccepted,
            Fact::OrderRejected(_) => Kind::OrderRejected,
            Fact::OrderFilled(_) => Kind::OrderFilled,
            Fact::OrderCancelled(_) => Kind::OrderCancelled,
            Fact::CancelRejected(_) => Kind::CancelRejected,
            Fact::OrderExpired(_) => Kind::OrderExpired,
            Fact::OrderUnknown(_) => Kind::OrderUnknown,
            Fact::TradeCorrected(_) => Kind::TradeCorrected,
            Fact::AccountReported(_) => Kind::AccountReported,
            Fact::PositionReported(_) => Kind::PositionReported,
            Fact::ConnectionChanged(_) => Kind::ConnectionChanged,
            Fact::OperatorCommanded(_) => Kind::OperatorCommanded,
            Fact::LimitsRequested(_) => Kind::LimitsRequested,
            Fact::ApprovalGiven(_) => Kind::ApprovalGiven,
            Fact::LimitsChanged(_) => Kind::LimitsChanged,
            Fact::FeedGap(_) => Kind::FeedGap,
            Fact::ClockChecked(_) => Kind::ClockChecked,
            Fact::OrderTriggered(_) => Kind::OrderTriggered,
            Fact::OrderReplaced(_) => Kind::OrderReplaced,
            Fact::ReplaceRejected(_) => Kind::ReplaceRejected,
            Fact::DataFlagged(_) => Kind::DataFlagged,
            Fact::BarClosed(_) => Kind::BarClosed,
            Fact::RegimeChanged(_) => Kind::RegimeChanged,
            Fact::FeaturesComputed(_) => Kind::FeaturesComputed,
            Fact::DecisionMade(_) => Kind::DecisionMade,
            Fact::RiskAssessed(_) => Kind::RiskAssessed,
            Fact::OrderDenied(_) => Kind::OrderDenied,
            Fact::OrderSubmitted(_) => Kind::OrderSubmitted,
            Fact::CancelRequested(_) => Kind::CancelRequested,
            Fact::ReplaceRequested(_) => Kind::ReplaceRequested,
            Fact::FinancingCharged(_) => Kind::FinancingCharged,
            Fact::TradingHalted(_) => Kind::TradingHalted,
            Fact::AlertRaised(_) => Kind::AlertRaised,
            Fact::RunEnded(_) => Kind::RunEnded,
        }
    }
}

impl Fact {
    /// Whether it asks for a change of a limit, allows one, or answers either.
    pub fn is_about_limits(&self) -> bool {
        matches!(self, Fact::LimitsRequested(_) | Fact::ApprovalGiven(_) | Fact::LimitsChanged(_))
            || matches!(self, Fact::AlertRaised(alert) if matches!(**alert, AlertRaised::Limits { .. }))
    }
}

/// A wake that came due.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct TimerFired {
    /// Which timer.
    pub timer: TimerId,
}

impl Event {
    /// An input that the loop has yet to number.
    #[inline]
    pub fn unnumbered(
        time_event: Timestamp,
        time_received: Timestamp,
        instrument: InstrumentId,
        fact: Fact,
    ) -> Event {
        let header =
            Header { sequence: Sequence::NONE, time_event, time_received, instrument, cause: Sequence::NONE };
        Event { header, fact }
    }
}

// A quote passes every stage by copy: its size is part of the design.
const _: () = assert!(size_of::<Header>() == 40);
const _: () = assert!(size_of::<Fact>() <= 64);
const _: () = assert!(size_of::<Event>() <= 104);
