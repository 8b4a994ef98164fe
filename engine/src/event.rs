//! Everything that can have happened: facts in the past tense, one closed enum.
//!
//! Adding a kind takes four edits, and the compiler or a test reminds of each: a variant here, an arm in
//! `Engine::apply`, a golden journal in `tests/golden/`, a row in `docs/journal-format.md`. No `_ =>` arm on
//! [`Fact`], ever. Kinds whose turn comes later are reserved in [`Kind`], so that no number is given twice.
// rkyv's derive makes undocumented companions of enums with named fields.
#![cfg_attr(not(doc), allow(missing_docs))]

use crate::ids::{Hash, InstrumentId, OrderId, Sequence, TimerId};
use crate::settings::Instrument;
use crate::units::{Money, Nanoseconds, Price, Quantity, Timestamp};

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
    /// A wake that the engine asked for came due.
    TimerFired(TimerFired),
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
    /// Something is odd about a piece of market data.
    DataFlagged(DataFlagged),
    /// A bar built from ticks ended. Known at the first event at or after its end.
    BarClosed(Bar),
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
    /// The engine takes no new decisions until the run ends.
    TradingHalted(TradingHalted),
    /// The run's totals and state hash; always the last event.
    RunEnded(Box<RunEnded>),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal $(($built:ident))?,)*) => {
        /// The number of every kind of event, built or reserved. Numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[repr(u8)]
        #[allow(missing_docs)] // The names are the documentation; `Fact` describes those that are built.
        pub enum Kind { $($(#[$doc])* $name = $number,)* }

        impl Kind {
            /// Every kind in the order of its number.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The kind with this number.
            pub const fn from_number(number: u8) -> Option<Kind> {
                match number {
                    $($number => Some(Kind::$name),)*
                    _ => None,
                }
            }

            /// The kind's name, as in the documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => stringify!($name),)* }
            }

            /// Whether this build knows the kind's contents; a reserved kind is only a name.
            pub const fn is_built(self) -> bool {
                match self { $(Kind::$name => [$(stringify!($built),)? ""].len() > 1,)* }
            }
        }
    };
}

kinds! {
    // Inputs: 1 to 95.
    RunStarted = 1 (built),
    InstrumentDefined = 2 (built),
    QuoteChanged = 3 (built),
    TradePrinted = 4 (built),
    BarReceived = 5 (built),
    BookChanged = 6,
    BookReset = 7,
    CorporateActionApplied = 8,
    SessionChanged = 9,
    MacroReleased = 10,
    NewsPublished = 11,
    EventScheduled = 12,
    SignalReceived = 13,
    TimerFired = 14 (built),
    ClockChecked = 15,
    OperatorCommanded = 16,
    ApprovalGiven = 17,
    LimitsChanged = 18,
    ConnectionChanged = 19,
    FeedGap = 20,
    OrderAccepted = 32 (built),
    OrderRejected = 33 (built),
    OrderUnknown = 34,
    OrderFilled = 35 (built),
    TradeCorrected = 36,
    OrderCancelled = 37 (built),
    CancelRejected = 38 (built),
    OrderExpired = 39 (built),
    OrderReplaced = 40,
    ReplaceRejected = 41,
    AccountReported = 42,
    PositionReported = 43,
    ModelLoaded = 48,
    ModelPromoted = 49,
    ModelKept = 50,
    RetrainStarted = 51,
    FeaturesReselected = 52,
    ChapterClosed = 64,
    // Derived: 96 to 191.
    DataFlagged = 96 (built),
    BarClosed = 97 (built),
    FeaturesComputed = 98 (built),
    RegimeChanged = 99,
    DecisionMade = 100 (built),
    RiskAssessed = 101 (built),
    OrderDenied = 102 (built),
    OrderSubmitted = 103 (built),
    CancelRequested = 104 (built),
    ReplaceRequested = 105,
    FinancingCharged = 106,
    RewardComputed = 107,
    ShadowDecisionMade = 108,
    TradingHalted = 109 (built),
    AlertRaised = 110,
    RunEnded = 111 (built),
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
            Fact::TimerFired(_) => Kind::TimerFired,
            Fact::OrderAccepted(_) => Kind::OrderAccepted,
            Fact::OrderRejected(_) => Kind::OrderRejected,
            Fact::OrderFilled(_) => Kind::OrderFilled,
            Fact::OrderCancelled(_) => Kind::OrderCancelled,
            Fact::CancelRejected(_) => Kind::CancelRejected,
            Fact::OrderExpired(_) => Kind::OrderExpired,
            Fact::DataFlagged(_) => Kind::DataFlagged,
            Fact::BarClosed(_) => Kind::BarClosed,
            Fact::FeaturesComputed(_) => Kind::FeaturesComputed,
            Fact::DecisionMade(_) => Kind::DecisionMade,
            Fact::RiskAssessed(_) => Kind::RiskAssessed,
            Fact::OrderDenied(_) => Kind::OrderDenied,
            Fact::OrderSubmitted(_) => Kind::OrderSubmitted,
            Fact::CancelRequested(_) => Kind::CancelRequested,
            Fact::TradingHalted(_) => Kind::TradingHalted,
            Fact::RunEnded(_) => Kind::RunEnded,
        }
    }
}

impl Kind {
    /// Whether events of this kind are market data: quotes, trades, bars, books.
    pub const fn is_market(self) -> bool {
        matches!(
            self,
            Kind::QuoteChanged | Kind::TradePrinted | Kind::BarReceived | Kind::BookChanged | Kind::BookReset
        )
    }

    /// Whether events of this kind are the venue's answers to our orders.
    pub const fn is_venue_answer(self) -> bool {
        (self as u8) >= Kind::OrderAccepted as u8 && (self as u8) <= Kind::PositionReported as u8
    }
}

/// Which of the three worlds fed the run. It decides how a replay treats the venue's answers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[repr(u8)]
pub enum WorldKind {
    /// The simulated venue answered: its answers are recomputed on replay.
    Simulated = 1,
    /// A broker answered: its answers are inputs.
    Live = 2,
    /// Market data only, imported; nothing traded.
    Market = 3,
}

/// The logical identity of a run. Everything that can change a derived event is in it, and nothing else.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RunStarted {
    /// Which world fed the run.
    pub world: WorldKind,
    /// [`crate::LOGIC_VERSION`] of the build that ran.
    pub logic_version: u32,
    /// The seed of all counter-based randomness.
    pub seed: u64,
    /// The effective settings as canonical JSON: a replay needs nothing but the journal.
    pub settings: String,
    /// BLAKE3 of `settings`.
    pub settings_hash: Hash,
    /// The names of the feature vector's columns, in order.
    pub features: Vec<String>,
    /// The content id of the model that decides; `None` for a built-in rule.
    pub model: Option<Hash>,
}

/// Best bid and ask. A size that the data lacks is `None`, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quote {
    /// What buyers pay.
    pub bid: Price,
    /// What sellers ask.
    pub ask: Price,
    /// How much is bid for at `bid`.
    pub bid_size: Option<Quantity>,
    /// How much is offered at `ask`.
    pub ask_size: Option<Quantity>,
}

/// A trade of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Trade {
    /// The price.
    pub price: Price,
    /// How much changed hands.
    pub size: Option<Quantity>,
    /// Who crossed the spread, when the data says so.
    pub aggressor: Option<Side>,
}

/// Open, high, low, close of a span of time that ends at the header's `time_event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Bar {
    /// When the span began.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Quantity traded in the span.
    pub volume: Option<Quantity>,
}

/// Buy or sell.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Side {
    /// Adds to the position.
    Buy = 1,
    /// Takes from it.
    Sell = 2,
}

impl Side {
    /// 1 for a buy, −1 for a sell.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// `buy` or `sell`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        }
    }

    /// The side that trades against this one.
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
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

/// How an order wants to be executed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum OrderKind {
    /// At once, at the best there is.
    Market,
    /// At this price or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// At market once the market has reached the trigger.
    Stop {
        /// Buys trigger when the ask is at or above it, sells when the bid is at or below it.
        trigger: Price,
    },
}

impl OrderKind {
    /// `market`, `limit` or `stop`.
    pub const fn name(self) -> &'static str {
        match self {
            OrderKind::Market => "market",
            OrderKind::Limit { .. } => "limit",
            OrderKind::Stop { .. } => "stop",
        }
    }
}

/// How long an order works.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    Gtc = 1,
    /// Until the trading day ends.
    Day = 2,
    /// What can be filled at once; the rest is cancelled.
    Ioc = 3,
    /// All at once or nothing.
    Fok = 4,
}

/// An order as it left for the venue.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Order {
    /// Its number in the run.
    pub order: OrderId,
    /// Buy or sell.
    pub side: Side,
    /// Market, limit or stop, with the price that needs.
    pub kind: OrderKind,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// How much; always positive.
    pub quantity: Quantity,
    /// The bid when it was decided, if there was one.
    pub bid: Option<Price>,
    /// The ask when it was decided, if there was one.
    pub ask: Option<Price>,
    /// The position it starts from.
    pub position: Quantity,
}

/// An order and nothing more: accepted, cancel asked for, cancel refused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderNotice {
    /// Which order.
    pub order: OrderId,
}

/// Why a venue refused an order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RejectReason {
    /// The quantity is no positive multiple of the lot.
    QuantityOffLot = 1,
    /// The price is no multiple of the tick.
    PriceOffTick = 2,
    /// There is no price to trade against yet.
    NoMarket = 3,
    /// The venue does not know the instrument.
    UnknownInstrument = 4,
}

impl RejectReason {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            RejectReason::QuantityOffLot => "quantity is no positive multiple of the lot",
            RejectReason::PriceOffTick => "price is no multiple of the tick",
            RejectReason::NoMarket => "no market yet",
            RejectReason::UnknownInstrument => "unknown instrument",
        }
    }
}

/// The venue's no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderRejected {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub reason: RejectReason,
}

/// Why an order no longer works.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum CloseReason {
    /// We asked for it.
    Requested = 1,
    /// Immediate-or-cancel: what could be filled was.
    ImmediateRest = 2,
    /// Fill-or-kill: not all of it could be filled at once.
    NotFillable = 3,
    /// Its day ended.
    DayEnded = 4,
}

/// An order that left the market without being filled whole.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderClosed {
    /// Which order.
    pub order: OrderId,
    /// What was never filled.
    pub unfilled: Quantity,
    /// Why.
    pub reason: CloseReason,
}

/// Whether a fill took liquidity or gave it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Liquidity {
    /// It rested and was met.
    Maker = 1,
    /// It crossed the spread.
    Taker = 2,
}

/// An execution, with the market that it met.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Fill {
    /// Which order.
    pub order: OrderId,
    /// The order's side.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much; always positive.
    pub quantity: Quantity,
    /// What of the order is still working.
    pub remaining: Quantity,
    /// Maker or taker.
    pub liquidity: Liquidity,
    /// What the venue charged, in account currency, rounded to its digits.
    pub commission: Money,
    /// The bid that it met.
    pub bid: Option<Price>,
    /// The ask that it met.
    pub ask: Option<Price>,
}

/// What is odd about a piece of data.
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
pub enum Flaw {
    /// Bid above ask.
    Crossed = 1,
    /// Bid equal to ask.
    Locked = 2,
    /// Stamped earlier than the event before it from the same instrument.
    OutOfOrder = 3,
    /// The same stamp and the same contents as the event before it.
    Duplicate = 4,
    /// Nothing came for longer than the settings allow.
    Gap = 5,
    /// Far outside what the last moves suggest.
    Outlier = 6,
}

impl Flaw {
    /// Every flaw.
    pub const ALL: [Flaw; 6] =
        [Flaw::Crossed, Flaw::Locked, Flaw::OutOfOrder, Flaw::Duplicate, Flaw::Gap, Flaw::Outlier];

    /// As in a scenario's `[quality]`.
    pub const fn name(self) -> &'static str {
        match self {
            Flaw::Crossed => "crossed",
            Flaw::Locked => "locked",
            Flaw::OutOfOrder => "out_of_order",
            Flaw::Duplicate => "duplicate",
            Flaw::Gap => "gap",
            Flaw::Outlier => "outlier",
        }
    }
}

/// What was done with a flawed piece of data.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum FlawAction {
    /// Used like any other.
    Keep = 1,
    /// Journaled, and used by nobody: neither strategy nor bars, account or venue.
    Drop = 2,
    /// No decision is taken from here on.
    Halt = 3,
}

/// A flaw found in the data.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct DataFlagged {
    /// Which flaw.
    pub flaw: Flaw,
    /// What was done.
    pub action: FlawAction,
    /// How large: nanoseconds for a gap or a step back, price units for a crossed spread, multiples of 1e-9 of the
    /// usual move for an outlier, else 0.
    pub size: i64,
}

/// A feature vector: what the decision saw.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Features {
    /// One value a column of `RunStarted::features`; +0.0 where it is not valid.
    pub values: Vec<f32>,
    /// One bit a column, least significant first: whether the value is known.
    pub valid: Vec<u64>,
}

impl Features {
    /// Column `index`, if it is known.
    pub fn get(&self, index: usize) -> Option<f32> {
        let known = self.valid.get(index / 64)? >> (index % 64) & 1 == 1;
        known.then(|| self.values.get(index).copied()).flatten()
    }
}

/// What a strategy wants.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Action {
    /// Nothing changes.
    Hold,
    /// Hold this position, traded at market. Signed; risk may reduce it.
    Target {
        /// Which instrument.
        instrument: InstrumentId,
        /// The position wanted.
        quantity: Quantity,
    },
    /// Send this order.
    Submit {
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Market, limit or stop.
        kind: OrderKind,
        /// How long.
        time_in_force: TimeInForce,
        /// How much; positive.
        quantity: Quantity,
    },
    /// Take this order off the market.
    Cancel {
        /// Which order.
        order: OrderId,
    },
}

/// A decision with everything that made it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Decision {
    /// The strategy's name.
    pub strategy: String,
    /// What it wants, in the order in which risk sees it.
    pub actions: Vec<Action>,
    /// The reason in one line for a reader.
    pub because: String,
    /// The numbers behind the reason.
    pub evidence: Vec<Evidence>,
    /// Equity when it decided.
    pub equity: Money,
    /// Position in the header's instrument when it decided.
    pub position: Quantity,
}

/// A named number.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Evidence {
    /// What it is.
    pub name: String,
    /// Its value; never NaN or infinite.
    pub value: f64,
}

/// A pre-trade rule. One file each in `risk/`.
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
pub enum Rule {
    /// There must be a price to trade against.
    NoMarket = 1,
    /// Share of equity that one trade may lose.
    PerTradeRisk = 2,
    /// Share of equity that all open positions together may lose.
    TotalRisk = 3,
    /// No position smaller than this is opened.
    MinimumPosition = 4,
    /// The account must be able to carry it: margin, or cash.
    BuyingPower = 5,
}

impl Rule {
    /// As in verdicts and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::NoMarket => "no_market",
            Rule::PerTradeRisk => "per_trade_risk",
            Rule::TotalRisk => "total_risk",
            Rule::MinimumPosition => "minimum_position",
            Rule::BuyingPower => "buying_power",
        }
    }
}

/// What a rule, or all together, said.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Outcome {
    /// As asked.
    Allowed = 1,
    /// Less than asked.
    Reduced = 2,
    /// Nothing.
    Denied = 3,
}

impl Outcome {
    /// `allowed`, `reduced` or `denied`.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Allowed => "allowed",
            Outcome::Reduced => "reduced",
            Outcome::Denied => "denied",
        }
    }
}

/// One rule's word with its numbers, in account currency.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RuleResult {
    /// Which rule.
    pub rule: Rule,
    /// What it said.
    pub outcome: Outcome,
    /// What the rule allows.
    pub limit: Money,
    /// What the order would take of it.
    pub asked: Money,
    /// What it takes of it after this rule.
    pub granted: Money,
    /// The opening quantity that this rule leaves.
    pub quantity: Quantity,
}

/// Where the distance came from over which a position is at risk.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DistanceSource {
    /// A multiple of the average true range of the scenario's bars.
    AverageTrueRange = 1,
    /// A share of the price.
    ShareOfPrice = 2,
    /// The distance to the order's own stop.
    Stop = 3,
    /// Unknown yet: too few bars. The order is denied when a rule needs it.
    Unknown = 4,
}

/// Risk's answer to one action of a decision.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Verdict {
    /// All rules together.
    pub outcome: Outcome,
    /// The rule that decided, unless all allowed it.
    pub rule: Option<Rule>,
    /// Buy or sell.
    pub side: Side,
    /// The part that only closes what is open; no rule reduces it.
    pub closing: Quantity,
    /// The part asked for that opens or adds.
    pub asked: Quantity,
    /// The part of `asked` that is granted.
    pub granted: Quantity,
    /// The price that valued it: the side of the quote that it would trade at.
    pub price: Option<Price>,
    /// How far the price moves against it in the case the risk is counted for.
    pub distance: Price,
    /// Where `distance` came from.
    pub distance_source: DistanceSource,
    /// Equity when assessed.
    pub equity: Money,
    /// Every rule in the order of asking.
    pub rules: Vec<RuleResult>,
}

/// Our own no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
pub struct OrderDenied {
    /// The number that the order would have had.
    pub order: OrderId,
    /// The rule that said no.
    pub rule: Rule,
}

/// Why the engine stopped deciding.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum TradingHalted {
    /// The data had a flaw for which the settings say `halt`.
    Data {
        /// Which flaw.
        flaw: Flaw,
    },
    /// A strategy or feature produced NaN or infinity.
    NotANumber {
        /// The place in the feature vector or the evidence.
        column: u32,
    },
    /// The account can no longer hold its positions.
    EquityGone,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, serde::Serialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct RunEnded {
    /// Inputs taken, this run's first event included.
    pub inputs: u64,
    /// Events that followed from them, this one not included.
    pub derived: u64,
    /// Decisions made.
    pub decisions: u64,
    /// Orders submitted.
    pub orders: u64,
    /// Fills received.
    pub fills: u64,
    /// Equity at the last marks.
    pub equity: Money,
    /// BLAKE3 of the engine's state: orders, positions, account, risk, windows, and all derived events.
    pub state_hash: Hash,
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

    /// How long it was under way; negative when the clocks disagree.
    #[inline]
    pub fn delay(&self) -> Nanoseconds {
        self.header.time_received - self.header.time_event
    }
}

// A quote passes every stage by copy: its size is part of the design.
const _: () = assert!(size_of::<Header>() == 40);
const _: () = assert!(size_of::<Fact>() <= 64);
const _: () = assert!(size_of::<Event>() <= 104);
