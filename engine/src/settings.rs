//! The effective settings of a run: what a scenario says once defaults and `--set` are applied.
//!
//! Their canonical JSON is part of `RunStarted`, so a journal replays without its scenario. No paths (data is named by
//! its content), no execution settings (threads, CPU level): those may differ without a decision differing.

use std::collections::BTreeMap;

use crate::event::FlawAction;
use crate::features::candle::Timeframe;
use crate::features::catalogue::TIMEFRAMES;
use crate::features::normalise::Normalise;
use crate::ids::{Hash, InstrumentId, Sequence, StrategyId};
use crate::signature::PublicKey;
use crate::units::{Money, Nanoseconds, Price, Quantity, Ratio};

mod controls;
mod limits;
mod upkeep;

pub use controls::{Controls, Frequency, Measure};
pub use upkeep::{FinancingRate, FinancingSettings, MarginSettings, RolloverClock, Weekday};

/// Everything that decides what a run does.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The scenario's name.
    pub name: String,
    /// The seed of all counter-based randomness.
    pub seed: u64,
    /// The account.
    pub account: AccountSettings,
    /// The instruments; number `i` in this list has [`InstrumentId`] `i + 1`.
    pub instruments: Vec<Instrument>,
    /// The market data, in the order that breaks ties of time.
    pub sources: Vec<SourceSettings>,
    /// By which instruments' quotes other currencies become the account's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<RateSettings>,
    /// When instruments trade; one that is not named always does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<CalendarSettings>,
    /// What holding positions over the rollover costs, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financing: Option<FinancingSettings>,
    /// When the account is called and positions are closed for want of margin, if ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<MarginSettings>,
    /// Bars built from ticks, if the strategy or a risk distance needs them.
    pub bars: Option<BarSettings>,
    /// When the strategy decides.
    pub trigger: Trigger,
    /// Who decides.
    pub strategy: StrategySettings,
    /// Those that share the account, where there are several; `trigger` and `strategy` are the first one's then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<SharedSettings>,
    /// The columns of the catalogue that a decision sees, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<FeatureSettings>,
    /// The limits.
    pub risk: RiskSettings,
    /// The simulated venue.
    pub venue: VenueSettings,
    /// What is done about flawed data.
    pub quality: QualitySettings,
    /// What takes over in the middle of the run; only a what-if has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Box<Later>>,
}

/// Settings that hold from some input on. What is not here is fixed for a run: what came before depends on it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Later {
    /// The first input that meets them; inside an input's own events it means the next input.
    pub from: Sequence,
    /// When the strategy decides.
    pub trigger: Trigger,
    /// Who decides. It has watched the run from its beginning.
    pub strategy: StrategySettings,
    /// The limits.
    pub risk: RiskSettings,
    /// The simulated venue.
    pub venue: VenueSettings,
}

impl Settings {
    /// The settings that hold in the end, as if from the beginning: those of [`Settings::later`] laid over the rest.
    pub fn in_the_end(&self) -> Settings {
        let mut settings = self.clone();
        if let Some(later) = settings.later.take() {
            let Later { from: _, trigger, strategy, risk, venue } = *later;
            (settings.trigger, settings.strategy, settings.risk, settings.venue) =
                (trigger, strategy, risk, venue);
        }
        settings
    }

    /// Who decides, by name: the strategy's kind, or the names of those that share the account.
    pub fn decides(&self) -> String {
        if self.strategies.is_empty() {
            return self.strategy.kind.clone();
        }
        self.strategies.iter().map(|shared| shared.name.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// Every strategy that decides, one or several.
    pub fn all_strategies(&self) -> Vec<&StrategySettings> {
        match self.strategies.is_empty() {
            true => vec![&self.strategy],
            false => self.strategies.iter().map(|shared| &shared.strategy).collect(),
        }
    }

    /// The strategy that decisions name so, where it decides.
    pub fn strategy_named(&self, name: &str) -> Option<&StrategySettings> {
        if self.strategies.is_empty() {
            return Some(&self.strategy).filter(|strategy| strategy.kind == name);
        }
        self.strategies.iter().find(|shared| shared.name == name).map(|shared| &shared.strategy)
    }

    /// What stands before the names of the columns that this strategy fills itself: nothing where it is the only one.
    pub fn prefix_of(&self, strategy: &str) -> String {
        if self.strategies.is_empty() { String::new() } else { format!("{strategy}.") }
    }

    /// The strategy with this id, where several share the account.
    pub fn shared(&self, id: StrategyId) -> Option<&SharedSettings> {
        self.strategies.get(id.index()?)
    }

    /// Whether every order that opens makes a position of its own.
    pub fn hedges(&self) -> bool {
        self.account.positions == PositionMode::Hedging
    }

    /// The instrument with this id.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index()?)
    }

    /// Canonical JSON: fields in the order of their declaration, maps sorted, units as exact decimal text.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_string(self).expect("settings hold nothing that JSON cannot")
    }

    /// Reads canonical JSON back.
    pub fn from_canonical_json(text: &str) -> Result<Settings, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// The account that trades.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSettings {
    /// Its currency, such as `USD`.
    pub currency: String,
    /// Decimals of the currency; P&L and fees are rounded to them, once a fill.
    pub digits: u8,
    /// What it starts with.
    pub cash: Money,
    /// Cash or margin.
    pub kind: AccountKind,
    /// Whether what is bought and sold of one instrument is one position, or each order opens one of its own.
    #[serde(default, skip_serializing_if = "PositionMode::is_netting")]
    pub positions: PositionMode,
    /// What margin is needed for, where both sides of an instrument are held.
    #[serde(default, skip_serializing_if = "HedgedMargin::is_larger")]
    pub hedged_margin: HedgedMargin,
}

/// How what is bought and sold of one instrument adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositionMode {
    /// One position an instrument: an order of the other side makes it smaller, closes it, or turns it round.
    #[default]
    Netting,
    /// Every order that opens makes a position of its own; long and short stand side by side. Margin accounts only.
    Hedging,
}

impl PositionMode {
    fn is_netting(&self) -> bool {
        *self == PositionMode::Netting
    }
}

/// What margin is needed for, where both sides of an instrument are held in a hedging account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HedgedMargin {
    /// The side that needs more.
    #[default]
    Larger,
    /// Both sides.
    Both,
}

impl HedgedMargin {
    fn is_larger(&self) -> bool {
        *self == HedgedMargin::Larger
    }

    /// What is needed for an instrument of which one side needs `one` and the other `other`.
    pub fn of(self, one: Money, other: Money) -> Money {
        match self {
            HedgedMargin::Larger => one.max(other),
            HedgedMargin::Both => one + other,
        }
    }
}

/// What an account may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// Buys are paid in full; nothing is sold short.
    Cash,
    /// Positions are carried on margin, short ones too.
    Margin,
}

/// Where the rate of a currency comes from: the middle of an instrument's quotes, else its last price.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateSettings {
    /// The other currency.
    pub currency: String,
    /// Whose quotes.
    pub instrument: InstrumentId,
    /// Whether they say how much of the other currency one of the account's is; else the other way round.
    pub inverse: bool,
}

/// When an instrument trades.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSettings {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// A calendar's name, or its hours and holidays where the scenario says them.
    pub calendar: String,
}

/// An instrument and its rules.
#[derive(
    Clone,
    Debug,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its name, such as `XAUUSD`.
    pub symbol: String,
    /// The smallest step of its price.
    pub tick: Price,
    /// The smallest step of a quantity.
    pub lot: Quantity,
    /// Currency per price unit and quantity unit: 1, or a future's multiplier.
    pub multiplier: Quantity,
    /// Share of the notional that must be there to open.
    pub margin_initial: Ratio,
    /// Share of the notional that must be there to hold.
    pub margin_maintenance: Ratio,
    /// What a fill costs.
    pub commission: Commission,
    /// What its prices and commissions are in; `None` for the account's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// What a fill costs: the sum of both parts, and no less than the minimum.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    serde::Serialize,
    serde::Deserialize,
    rkyv::Archive,
    rkyv::Serialize,
    rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    /// Share of the notional when the fill took liquidity.
    pub taker: Ratio,
    /// Share of the notional when the fill gave liquidity; negative for a rebate.
    pub maker: Ratio,
    /// Amount for each unit of quantity: a share, a contract.
    pub per_unit: Money,
    /// The least that a fill costs; a rebate is not raised to it.
    pub minimum: Money,
}

/// One stream of market data.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// Whose data; [`InstrumentId::NONE`] for a market journal or signals, which name their own.
    pub instrument: InstrumentId,
    /// What it holds.
    pub kind: DataKind,
    /// BLAKE3 of the file, or the head hash of a market journal.
    pub content: Hash,
    /// How its rows are read where the scenario says so: columns, times, delimiter; sorted, empty for "as found".
    pub reading: BTreeMap<String, String>,
    /// How long after `time_event` a row arrives, when the data has no arrival time of its own.
    pub feed_latency: Nanoseconds,
    /// Added to every arrival time of the data: the offset of the capture's clock.
    pub clock_offset: Nanoseconds,
    /// Leave out rows that cannot be read instead of refusing the file.
    pub skip_bad_rows: bool,
    /// How often the data is repeated, each time shifted past its end. 1 is the data itself.
    pub tiles: u32,
    /// For bars: how long a bar lasts.
    pub bar_interval: Option<Nanoseconds>,
    /// For bars: how long after its open time a bar is known; at least its trading hours.
    pub bar_known_after: Option<Nanoseconds>,
}

/// What a stream of data holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataKind {
    /// Best bid and ask.
    Quotes,
    /// Trades.
    Trades,
    /// Finished bars.
    Bars,
    /// Order books, with the trades that the same data tells.
    Books,
    /// A journal of market events.
    Journal,
    /// Splits and dividends.
    Actions,
    /// What another program wants; no market data.
    Signals,
    /// Statistics, news, events to come: what the world outside of the markets says.
    Outside,
}

/// Bars built from ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarSettings {
    /// How long a bar lasts; bars begin at multiples of it since 1970-01-01 00:00 UTC.
    pub interval: Nanoseconds,
    /// Which price they show.
    pub price: BarPrice,
}

/// The price of which bars are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BarPrice {
    /// Middle of bid and ask, rounded down to 1e-9.
    Mid,
    /// The bid.
    Bid,
    /// The ask.
    Ask,
    /// Trades.
    Trade,
}

/// When the strategy decides. One a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// At every market event.
    EveryTick,
    /// At every n-th market event.
    EveryNTicks(u32),
    /// At fixed times, first one interval's multiple after the first event.
    Every(Nanoseconds),
    /// When a bar ends.
    BarClose,
    /// When the strategy's own signal changes.
    OnSignal,
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySettings {
    /// The name in the registry.
    pub kind: String,
    /// Its parameters as written, defaults filled in.
    pub parameters: BTreeMap<String, String>,
}

/// A strategy that shares the account with others.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedSettings {
    /// What decisions and reports call it.
    pub name: String,
    /// When it decides.
    pub trigger: Trigger,
    /// Which it is.
    pub strategy: StrategySettings,
    /// What it trades; empty for every instrument.
    pub instruments: Vec<InstrumentId>,
    /// What its positions together may be worth, as a share of equity. It sees this share of equity as its own.
    pub budget: Ratio,
}

impl SharedSettings {
    /// Whether it trades an instrument.
    pub fn trades(&self, instrument: InstrumentId) -> bool {
        self.instruments.is_empty() || self.instruments.contains(&instrument)
    }
}

/// Which columns of the catalogue a decision sees, and of which bars.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSettings {
    /// `all`, names of families, of columns, or of columns without their timeframe.
    pub columns: Vec<String>,
    /// The bars that columns are over, shortest first.
    pub timeframes: [Timeframe; TIMEFRAMES],
    /// The price that these bars show.
    pub price: BarPrice,
    /// How raw values become what a model sees.
    pub scale: Normalise,
    /// What other instruments are compared with.
    pub benchmark: Option<InstrumentId>,
    /// Which of the columns a model is given, and how that changes; `None` for all, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionSettings>,
    /// Columns of one's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<OwnColumn>,
    /// Columns that are taken away or delayed; only a what-if has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altered: Vec<AlteredColumn>,
}

/// A column of one's own: an expression, computed at every closed bar of a timeframe.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnColumn {
    /// Its name.
    pub id: String,
    /// The expression.
    pub expr: String,
    /// The place of its timeframe among those of the features.
    pub timeframe: u8,
}

/// A column that is taken away or delayed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlteredColumn {
    /// Which column.
    pub column: String,
    /// What is done to it.
    pub change: Change,
    /// The first input that meets it.
    pub from: Sequence,
}

/// What is done to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is unknown.
    Drop,
    /// It shows what it was so many vectors ago.
    Shift(u32),
}

/// Which columns a model is given. All are computed and journaled, so that each knows its past when it is selected.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionSettings {
    /// How many a model is given.
    pub slots: u32,
    /// BLAKE3 of the file of selections, where there is one.
    pub listed: Option<Hash>,
    /// When columns are selected anew from past bars, if ever.
    pub schedule: Option<ScheduleSettings>,
}

/// When columns are selected anew, and from what. Bars are those of the shortest timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Every so many bars.
    pub every: u32,
    /// From so many bars at most.
    pub window: u32,
    /// How many bars ahead the return lies that columns are to say something about.
    pub horizon: u32,
    /// Whose bars.
    pub by: InstrumentId,
    /// How long after the bar a selection takes effect.
    pub after: Nanoseconds,
}

/// The limits. Defaults are those of the original design.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskSettings {
    /// Share of equity one trade may lose: 2 %.
    pub max_per_trade: Ratio,
    /// Share of equity all open positions together may lose: 5 %.
    pub max_total: Ratio,
    /// The smallest position that is opened, by notional: 100 in account currency.
    pub min_position: Money,
    /// How far the price is assumed to move against a position that has no stop.
    pub distance: RiskDistance,
    /// The BLAKE3 of the file of limits that the scenario is held to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Hash>,
    /// Who may sign that file, and allow a running session's limits to be loosened; empty where nobody is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_keys: Vec<PublicKey>,
    /// Who signed it, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_signer: Option<PublicKey>,
    /// Whether every open position has a stop at the venue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protect: bool,
    /// What else is held against an order.
    #[serde(default, skip_serializing_if = "Controls::is_default")]
    pub controls: Controls,
}

impl RiskSettings {
    /// The limits that hold back less here than in `other`, by the names of their keys.
    pub fn looser_than(&self, other: &RiskSettings) -> Vec<&'static str> {
        let nearer = match (self.distance, other.distance) {
            (
                RiskDistance::AverageTrueRange { period, times },
                RiskDistance::AverageTrueRange { period: others, times: other },
            ) => period != others || times < other,
            (RiskDistance::ShareOfPrice(own), RiskDistance::ShareOfPrice(other)) => own < other,
            // Which of the two is farther depends on the market.
            _ => true,
        };
        let own = [
            ("max_per_trade", self.max_per_trade > other.max_per_trade),
            ("max_total", self.max_total > other.max_total),
            ("min_position", self.min_position < other.min_position),
            ("distance", nearer),
            ("unprotected", other.protect && !self.protect),
        ];
        let own = own.into_iter().filter(|(_, looser)| *looser).map(|(name, _)| name);
        own.chain(self.controls.looser_than(&other.controls)).collect()
    }
}

/// How far the price is assumed to move against a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskDistance {
    /// So many times the average true range of `period` bars.
    AverageTrueRange {
        /// Bars in the average (Wilder's).
        period: u32,
        /// The multiple.
        times: Ratio,
    },
    /// A share of the price.
    ShareOfPrice(Ratio),
}

/// The simulated venue.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueSettings {
    /// From our sending an order, or a cancel, to its arrival there.
    pub latency: Nanoseconds,
    /// From the venue's answer to its arrival here.
    pub response_latency: Nanoseconds,
    /// What is displayed when the data has no sizes: so much, or `None` for "unlimited".
    pub size_when_absent: Option<Quantity>,
    /// Whether a resting limit order fills when the market only touches its price.
    pub touch: TouchRule,
    /// What the part of a market order beyond the displayed size pays on top, and every fill on bars or trades.
    pub slippage: Slippage,
    /// When the trading day ends for DAY orders of instruments without a calendar, as time since 00:00 UTC.
    pub day_end: Nanoseconds,
    /// What becomes of an order for a market that is closed.
    #[serde(default, skip_serializing_if = "WhenClosed::is_default")]
    pub when_closed: WhenClosed,
    /// What of a level that shrank was ahead of a resting order, where the data has a book by price.
    #[serde(default, skip_serializing_if = "QueueRule::is_default")]
    pub queue: QueueRule,
}

/// What of a decrease of a level that no trade explains was ahead of a resting order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueRule {
    /// Nothing, as long as there was enough behind it.
    #[default]
    RiskAverse,
    /// A share by the logarithms of what is ahead and behind, each with 1 added.
    Log,
    /// A share by this power of what is ahead and behind.
    Power(u8),
}

impl QueueRule {
    fn is_default(&self) -> bool {
        *self == QueueRule::default()
    }

    /// As in a scenario.
    pub fn name(self) -> String {
        match self {
            QueueRule::RiskAverse => "risk_averse".to_string(),
            QueueRule::Log => "log".to_string(),
            QueueRule::Power(power) => format!("power_{power}"),
        }
    }

    /// The rule with this name.
    pub fn from_name(name: &str) -> Option<QueueRule> {
        match name {
            "risk_averse" => Some(QueueRule::RiskAverse),
            "log" => Some(QueueRule::Log),
            _ => name.strip_prefix("power_")?.parse().ok().map(QueueRule::Power),
        }
    }
}

/// What becomes of an order for a market that is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenClosed {
    /// It is denied by name, or rejected when it arrives too late.
    #[default]
    Deny,
    /// It waits for the market to open.
    Queue,
}

impl WhenClosed {
    fn is_default(&self) -> bool {
        *self == WhenClosed::default()
    }
}

/// Whether a resting limit order fills when the opposite side only touches its price. A trade-through always fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TouchRule {
    /// Only a trade-through fills.
    Never,
    /// A touch fills.
    Always,
    /// A touch fills with this probability, drawn from the seed for each order and touch.
    Probability(Ratio),
}

/// How much worse than displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slippage {
    /// So many ticks.
    Ticks(u32),
    /// A share of the price times the square root of (excess quantity / displayed size), rounded up to a tick.
    SquareRoot(Ratio),
}

/// What is done about flawed data.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualitySettings {
    /// Bid above ask.
    pub crossed: FlawAction,
    /// Bid equal to ask.
    pub locked: FlawAction,
    /// A stamp before the last one.
    pub out_of_order: FlawAction,
    /// The same row again.
    pub duplicate: FlawAction,
    /// Silence longer than `gap_after`.
    pub gap: FlawAction,
    /// How long silence may last; zero never flags.
    pub gap_after: Nanoseconds,
    /// A move far beyond the usual.
    pub outlier: FlawAction,
    /// How many times the usual move is too far; zero never flags.
    pub outlier_times: u32,
}
