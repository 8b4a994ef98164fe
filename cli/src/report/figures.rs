//! What a report says: plain data, written as `report.json` and read back for comparisons.
//!
//! Amounts are exact decimal text in account currency, times are RFC 3339 text in UTC, shares are numbers
//! (0.02 is 2 %). `docs/report.md` explains every field to a reader; [`Curves`] are for plots and nothing is
//! computed from them.

use std::collections::BTreeMap;

use genovo_engine::event::Side;
use genovo_engine::ids::{Hash, OrderId};
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Price, Quantity};
use serde::{Deserialize, Serialize};

pub use super::moment::Moment;
pub use super::plotted::{Curve, Curves, FillPoint};

/// Everything a run's report says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run in one or two sentences, made from the figures below.
    pub headline: String,
    /// Which run this is.
    pub identity: Identity,
    /// From the first to the last event with a time.
    pub span: Span,
    /// How much happened.
    pub counts: Counts,
    /// What the account was worth.
    pub equity: Equity,
    /// Where the result came from.
    pub result: ResultSplit,
    /// The fills against the middle of the market that their orders saw when they were sent.
    #[serde(default)]
    pub fill_quality: FillQuality,
    /// The deepest fall of equity.
    pub drawdown: Drawdown,
    /// Closed trades and what they say together.
    pub trades: Trades,
    /// How much of the time and of the account was at work.
    pub activity: Activity,
    /// What risk allowed, reduced and denied.
    pub risk: Risk,
    /// What each strategy did, where several share the account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategies: Vec<StrategyFigures>,
    /// Margin calls, and what became of them.
    #[serde(default, skip_serializing_if = "MarginEvents::is_empty")]
    pub margin: MarginEvents,
    /// When markets were stressed, where the regime rule is on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regimes: Vec<StressedTime>,
    /// Positions still open at the end.
    pub open: Vec<OpenPosition>,
    /// What was odd about the data.
    pub data: DataQuality,
    /// Daily returns and what they say.
    pub returns: Returns,
    /// What holding the first instrument would have given.
    pub buy_and_hold: Option<BuyAndHold>,
    /// Why trading was halted, if it was.
    pub halted: Option<String>,
    /// Series for plots, thinned to a few thousand points.
    pub curves: Curves,
    /// The effective settings; `None` when this build cannot read them.
    pub settings: Option<Settings>,
}

impl Report {
    /// Decimals of the account's currency.
    pub fn digits(&self) -> u8 {
        self.settings.as_ref().map_or(2, |settings| settings.account.digits)
    }

    /// The account's currency, such as `USD`; empty when unknown.
    pub fn currency(&self) -> &str {
        self.settings.as_ref().map_or("", |settings| &settings.account.currency)
    }
}

/// What one of several strategies did. Its positions net among themselves; dividends and financing are the account's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StrategyFigures {
    /// What decisions call it.
    pub name: String,
    /// Which strategy it is.
    pub kind: String,
    /// What its positions may be worth, as a share of equity.
    pub budget: f64,
    /// Decisions.
    pub decisions: u64,
    /// Orders sent.
    pub orders: u64,
    /// Orders that risk made smaller.
    pub reduced: u64,
    /// Orders that risk did not let go.
    pub denied: u64,
    /// Fills of its orders.
    pub fills: u64,
    /// P&L of what it closed, before commissions.
    pub realised: Money,
    /// Commissions that it paid.
    pub commission: Money,
    /// P&L of what is still open, at the last marks.
    pub open: Money,
    /// All of it together.
    pub result: Money,
}

/// Which run a report is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The scenario's name.
    pub name: String,
    /// The strategy's name.
    pub strategy: String,
    /// `simulated`, `live` or `market`.
    pub world: String,
    /// The first 16 bytes of the hash of the run's first event, in hexadecimal.
    pub run_id: String,
    /// Hash of the effective settings.
    pub settings_hash: Hash,
    /// The seed of all randomness.
    pub seed: u64,
    /// The version of the rules by which events follow from each other.
    pub logic_version: u32,
    /// Hash of the engine's final state; `None` when the run did not end.
    pub state_hash: Option<Hash>,
    /// Hash of the journal's last link. The caller fills it in: it is no event.
    pub head_hash: Option<Hash>,
    /// How commands name the journal; the caller fills it in. `None` stands for `last`.
    pub journal: Option<String>,
}

/// From when to when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The first market event.
    pub from: Moment,
    /// The last event.
    pub to: Moment,
    /// UTC calendar days from first to last, both included.
    pub days: u64,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All events.
    pub events: u64,
    /// Quotes.
    pub quotes: u64,
    /// Trades of others.
    pub trades_printed: u64,
    /// Bars that came from the data.
    pub bars_received: u64,
    /// Bars built from ticks.
    pub bars_built: u64,
    /// Decisions.
    pub decisions: u64,
    /// Orders submitted.
    pub orders: u64,
    /// Executions, without those that were taken back.
    pub fills: u64,
    /// Executions that the broker took back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub taken_back: u64,
    /// How often the broker changed the price of one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repriced: u64,
    /// Orders that the venue refused.
    pub rejected: u64,
    /// Orders taken off the market before they were filled whole.
    pub cancelled: u64,
    /// Orders whose time ended.
    pub expired: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the account was worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Equity {
    /// At the beginning.
    pub start: Money,
    /// At the end, open positions at their marks.
    pub last: Money,
    /// The change as a share of the beginning.
    pub change: f64,
    /// The engine's last equity less the report's own sum of fills and marks: zero, or one of them is wrong.
    pub unexplained: Money,
}

/// Where the result came from: `total = before_costs − spread − slippage − commission − financing − borrow`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultSplit {
    /// The result had every fill been at the middle of the quote it met, free of charge.
    pub before_costs: Money,
    /// Middle of the quote to the touch, over all fills; negative when resting orders earned it.
    pub spread: Money,
    /// Beyond the touch: what large orders paid on top of it.
    pub slippage: Money,
    /// What the venue charged.
    pub commission: Money,
    /// Holding positions over rollovers; negative when that brought more than it cost.
    #[serde(default, skip_serializing_if = "nothing")]
    pub financing: Money,
    /// What was borrowed to be sold short.
    #[serde(default, skip_serializing_if = "nothing")]
    pub borrow: Money,
    /// Last equity less first.
    pub total: Money,
    /// Part of `before_costs`, for information: how far the touch moved against market orders under way.
    pub under_way: Money,
    /// Fills that met no quote: only their commission can be told apart.
    pub fills_without_quote: u64,
    /// Part of `before_costs`, for information: what dividends brought, less what was paid where the position was
    /// short.
    #[serde(default, skip_serializing_if = "nothing")]
    pub dividends: Money,
}

fn nothing(amount: &Money) -> bool {
    *amount == Money::ZERO
}

impl ResultSplit {
    /// Spread, slippage, commission, financing and borrow together.
    pub fn costs(&self) -> Money {
        self.spread + self.slippage + self.commission + self.financing + self.borrow
    }
}

/// Margin calls, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginEvents {
    /// How often the account was called.
    pub calls: u64,
    /// How often positions were closed for want of margin.
    pub stop_outs: u64,
    /// The first of all of them, in order.
    pub list: Vec<MarginEvent>,
}

/// Something about margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginEvent {
    /// When.
    pub time: Moment,
    /// What.
    pub what: MarginMoment,
    /// What there was.
    pub equity: Money,
    /// What all positions needed.
    pub maintenance: Money,
}

/// What happened about margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarginMoment {
    /// Nothing is opened from here on.
    Called,
    /// It may be again.
    Restored,
    /// Positions are closed.
    StoppedOut,
}

impl MarginEvents {
    /// Counts one.
    pub fn count(&mut self, what: MarginMoment) {
        match what {
            MarginMoment::Called => self.calls += 1,
            MarginMoment::StoppedOut => self.stop_outs += 1,
            MarginMoment::Restored => {}
        }
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// For how long a market was stressed, as the regime rule saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StressedTime {
    /// Which.
    pub instrument: String,
    /// How often it became so.
    pub times: u64,
    /// The share of the time since its regime was known.
    pub share: f64,
    /// The spans, in seconds since 1970; the first of them.
    pub spans: Vec<[f64; 2]>,
}

/// Fills against the middle of the quote that their order saw when it was sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FillQuality {
    /// By the kind of order: `market`, `limit`, `stop`, `stop-limit`, `trailing stop`.
    pub by_kind: BTreeMap<String, Shortfall>,
    /// Fills of orders that saw no quote.
    pub without_arrival: u64,
}

/// What fills of one kind of order came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shortfall {
    /// How many fills.
    pub fills: u64,
    /// The share of them that were at the middle or better.
    pub better: f64,
    /// What was paid beyond the middle, in account currency; negative where resting orders earned it.
    pub shortfall: Money,
    /// The fills at the middle, in account currency.
    pub notional: Money,
    /// The shortfall in basis points of the notional.
    pub basis_points: f64,
    /// The worst fill, in basis points of the middle.
    pub worst_basis_points: f64,
}

/// The deepest fall of equity from a peak, as a share of the peak, exact at every mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    /// The share lost.
    pub share: f64,
    /// Equity at the peak.
    pub peak: Money,
    /// When.
    pub peak_time: Moment,
    /// Equity at the lowest point.
    pub trough: Money,
    /// When.
    pub trough_time: Moment,
}

/// Closed trades.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trades {
    /// How many closed.
    pub closed: u64,
    /// How many of them won.
    pub won: u64,
    /// How many of them lost.
    pub lost: u64,
    /// What the winners won together.
    pub gross_won: Money,
    /// What the losers lost together, as a positive amount.
    pub gross_lost: Money,
    /// `gross_won / gross_lost`; `None` without a loser.
    pub profit_factor: Option<f64>,
    /// The best one.
    pub best: Option<TradeResult>,
    /// The worst one.
    pub worst: Option<TradeResult>,
    /// How long a trade was open on average, in seconds.
    pub average_seconds: Option<f64>,
    /// Every closed trade in the order of closing.
    pub list: Vec<Trade>,
}

/// One trade's result with the order that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradeResult {
    /// The order that opened it.
    pub order: OrderId,
    /// What it won, costs deducted.
    pub profit: Money,
}

/// From leaving zero, or changing sign, to reaching zero or changing sign again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trade {
    /// The instrument.
    pub instrument: String,
    /// Buy for a long position, sell for a short one.
    pub side: Side,
    /// The largest position it had, positive.
    pub quantity: Quantity,
    /// The order that opened it.
    pub order_in: OrderId,
    /// The order that closed it.
    pub order_out: OrderId,
    /// When it was opened.
    pub opened: Moment,
    /// When it was closed.
    pub closed: Moment,
    /// The average price of the fills that opened or added.
    pub price_in: Price,
    /// The average price of the fills that took away.
    pub price_out: Price,
    /// What it won, commissions deducted.
    pub profit: Money,
    /// Its commissions. Those of a fill that turns the position are shared by quantity.
    pub commission: Money,
    /// The worst it stood at any mark, costs included: zero or less.
    pub worst_mark: Money,
    /// The best it stood at any mark, costs included: zero or more.
    pub best_mark: Money,
}

/// How much of the time and of the account was at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// Share of the time from first to last event with a position, closed hours included.
    pub time_in_market: f64,
    /// The largest net exposure as a share of equity, at fills and at the ends of the curve's buckets.
    pub exposure_max: f64,
    /// Notional of all fills.
    pub turnover: Money,
    /// The same as a multiple of the equity at the beginning.
    pub turnover_times: f64,
}

/// What risk said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// Verdicts.
    pub assessed: u64,
    /// As asked.
    pub allowed: u64,
    /// Less than asked.
    pub reduced: u64,
    /// Nothing of what would open.
    pub denied: u64,
    /// By the name of the rule that decided: how many it reduced and denied.
    pub by_rule: BTreeMap<String, RuleCounts>,
    /// The reductions and denials, the first few thousand.
    pub interventions: Vec<Intervention>,
}

/// How often a rule decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCounts {
    /// Reduced.
    pub reduced: u64,
    /// Denied.
    pub denied: u64,
}

/// One order that risk made smaller or did not let out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervention {
    /// Its number; `None` when neither an order nor a denial followed.
    pub order: Option<OrderId>,
    /// When.
    pub time: Moment,
    /// The instrument.
    pub instrument: String,
    /// Buy or sell.
    pub side: Side,
    /// `reduced` or `denied`.
    pub outcome: String,
    /// The rule that decided.
    pub rule: String,
    /// The opening quantity asked for.
    pub asked: Quantity,
    /// What was granted of it.
    pub granted: Quantity,
    /// What the rule allows, in account currency.
    pub limit: Option<Money>,
    /// What the order would have taken.
    pub would_take: Option<Money>,
}

/// A position that is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPosition {
    /// The instrument.
    pub instrument: String,
    /// Signed.
    pub quantity: Quantity,
    /// The average price of what is open.
    pub price_in: Price,
    /// The price that values it.
    pub mark: Price,
    /// `bid` for a long position, `ask` for a short one, `last` without quotes.
    pub marked_at: String,
    /// What it would win if it were closed at the mark.
    pub profit: Money,
    /// The order that opened it.
    pub order_in: OrderId,
    /// When.
    pub opened: Moment,
}

/// What was odd about the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataQuality {
    /// By flaw, how often it was found and what was done.
    pub flaws: BTreeMap<String, FlawCounts>,
    /// Silences that come at the same time of most days.
    pub daily_breaks: u64,
    /// Silences over a Saturday.
    pub weekends: u64,
    /// Silences of no known kind.
    pub holes: u64,
    /// The first few of those, longest first.
    pub holes_longest: Vec<Silence>,
    /// There are quotes, and none of them has a size.
    pub sizes_absent: bool,
    /// The columns of the catalogue, where the run has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnUse>,
}

/// What became of the columns of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// How many there are.
    pub columns: u64,
    /// In how many vectors.
    pub vectors: u64,
    /// Those that were never known: the data lacks what they are made of, or was too short.
    pub never_known: Vec<String>,
}

impl DataQuality {
    /// How often a flaw was found.
    pub fn found(&self, flaw: &str) -> u64 {
        self.flaws.get(flaw).map_or(0, |counts| counts.found)
    }
}

/// How often one flaw was found and what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlawCounts {
    /// All of them.
    pub found: u64,
    /// Used like any other.
    pub kept: u64,
    /// Used by nobody.
    pub dropped: u64,
}

/// A time without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The last event before it.
    pub from: Moment,
    /// The first event after it.
    pub to: Moment,
}

/// Daily returns and what they say. Figures of a year need at least [`Returns::DAYS_MIN`] days.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    /// Equity at the end of each UTC day with data; a Sunday evening belongs to Monday where Saturdays are
    /// closed.
    pub days: Vec<DayClose>,
    /// Return of each calendar month that has data.
    pub months: Vec<MonthReturn>,
    /// How many days make a year here: 252, or 365 where Saturdays trade.
    pub days_per_year: u32,
    /// Figures that need many days; `None` when there are too few.
    pub figures: Option<ReturnFigures>,
    /// The Sharpe ratio of the last half year, day by day; `None` when there are too few.
    #[serde(default)]
    pub rolling: Option<RollingSharpe>,
    /// How the instruments' daily changes move together; `None` of one alone.
    #[serde(default)]
    pub correlations: Option<Correlations>,
}

/// The Sharpe ratio of the last so many days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollingSharpe {
    /// How many days it looks back.
    pub days: u32,
    /// From the first day with so many before it; `None` without variation.
    pub values: Vec<Option<f64>>,
}

/// Correlations of daily changes of prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    /// The instruments with a price on every day.
    pub instruments: Vec<String>,
    /// Row by row, from −1 to 1.
    pub values: Vec<Vec<f64>>,
}

impl Returns {
    /// With fewer daily returns, a figure of a year would say more than the data.
    pub const DAYS_MIN: usize = 20;
}

/// Equity at a day's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DayClose {
    /// Such as `2014-05-07`.
    pub day: String,
    /// Equity at its last mark.
    pub equity: Money,
    /// The change since the day before, or since the beginning.
    pub change: f64,
}

/// What a month gave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonthReturn {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
    /// The change of equity.
    pub change: f64,
}

/// What daily returns say. Definitions as in `empyrical`, risk-free rate 0; see `docs/report.md`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReturnFigures {
    /// The growth of one year at this pace.
    pub annual_return: f64,
    /// Standard deviation of daily returns, of a year.
    pub annual_volatility: f64,
    /// Mean over standard deviation, of a year; `None` without variation.
    pub sharpe: Option<f64>,
    /// Mean over downside deviation, of a year; `None` without a losing day.
    pub sortino: Option<f64>,
    /// Annual return over the deepest fall of daily closes; `None` without a fall.
    pub calmar: Option<f64>,
    /// What was won over what was lost, day by day; `None` without a losing day.
    #[serde(default)]
    pub omega: Option<f64>,
    /// The 95 % quantile over the 5 % quantile, without their signs.
    #[serde(default)]
    pub tail_ratio: Option<f64>,
    /// Skewness, adjusted for bias.
    #[serde(default)]
    pub skew: Option<f64>,
    /// Excess kurtosis, adjusted for bias.
    #[serde(default)]
    pub kurtosis: Option<f64>,
    /// What a year brings beside the first instrument; `None` where it had no price on some day.
    #[serde(default)]
    pub alpha: Option<f64>,
    /// How strongly the account follows the first instrument.
    #[serde(default)]
    pub beta: Option<f64>,
    /// The daily return that one day of twenty falls below.
    pub var_95: f64,
    /// The same of one day of a hundred.
    #[serde(default)]
    pub var_99: f64,
    /// The mean of the worst twentieth of daily returns.
    pub cvar_95: f64,
    /// The mean of the worst hundredth.
    #[serde(default)]
    pub cvar_99: f64,
    /// Value at risk of a normal distribution with their mean and standard deviation.
    #[serde(default)]
    pub var_parametric_95: f64,
    /// The same of one day of a hundred.
    #[serde(default)]
    pub var_parametric_99: f64,
    /// The same corrected for skewness and kurtosis (Cornish-Fisher).
    #[serde(default)]
    pub var_cornish_fisher_95: Option<f64>,
    /// The same of one day of a hundred.
    #[serde(default)]
    pub var_cornish_fisher_99: Option<f64>,
    /// The best day.
    pub best_day: f64,
    /// The worst day.
    pub worst_day: f64,
}

/// What holding the first instrument would have given, without leverage and commission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuyAndHold {
    /// The instrument.
    pub instrument: String,
    /// The first ask, or the first price where there are no quotes.
    pub bought: Price,
    /// The last bid, or the last price.
    pub marked: Price,
    /// The change as a share of the price paid.
    pub change: f64,
}
