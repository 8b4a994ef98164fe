//! Pre-trade risk: every order passes every rule, and every rule's numbers are journaled.
//!
//! One file a rule, all of one shape. A rule sees what is asked and the opening quantity that the rules before it left,
//! and says how much of that it leaves. The part of an order that only closes is never reduced: less risk is always
//! allowed.

mod allocation;
mod ask;
mod budget;
mod buying_power;
mod change;
mod conditional_value_at_risk;
mod confidence;
mod correlated_exposure;
mod daily_loss;
mod duplicate_order;
mod fixed_fraction;
mod gross_exposure;
mod hard_drawdown;
mod kelly;
mod kill_switch;
mod leverage;
mod margin_call;
mod margin_limit;
mod minimum_position;
mod net_exposure;
mod order_quantity;
mod order_rate;
mod order_value;
mod per_trade;
mod position_limit;
mod price_collar;
mod regime;
mod repeated_execution;
mod self_trade;
mod sides;
mod soft_drawdown;
mod stale_data;
mod total;
mod value_at_risk;
mod volatility_target;
mod watch;

pub use ask::{Ask, OtherSide, Others, Tail};
pub use budget::Own;
pub use watch::{Mark, Sent, Watch};

use ask::Spread;
use sides::sides;

use crate::account::{Account, converted, notional};
use crate::bars::AverageTrueRange;
use crate::event::{
    CorporateAction, DistanceSource, Forecast, OrderKind, Outcome, PositionEffect, RegimeChanged, Rule,
    RuleResult, Side, Trail, Verdict,
};
use crate::ids::{InstrumentId, OrderId};
use crate::market::Market;
use crate::order::Orders;
use crate::settings::{AccountKind, Controls, RiskDistance, RiskSettings, Settings};
use crate::units::{FIXED_MAX, Money, Price, Quantity, SCALE, Timestamp};

/// One rule: adds what it leaves of `quantity`, unless it is off. Each result is written where it stays: a verdict has
/// many, and one that is moved is waited for.
type PreTradeRule = fn(ask: &Ask<'_>, quantity: Quantity, results: &mut Vec<RuleResult>);

macro_rules! rules {
    ($($rule:path,)*) => {
        [$(|ask, quantity, results| {
            if let Some(result) = $rule(ask, quantity) {
                results.push(result);
            }
        },)*]
    };
}

/// Every rule in the order of asking: those that say yes or no, those that shrink, those that cap. The minimum comes
/// after all that reduce, so that nothing tiny slips through.
const RULES: [PreTradeRule; 29] = rules![
    kill_switch::assess,
    margin_call::assess,
    stale_data::assess,
    order_rate::assess,
    repeated_execution::assess,
    duplicate_order::assess,
    order_value::assess,
    order_quantity::assess,
    hard_drawdown::assess,
    daily_loss::assess,
    soft_drawdown::assess,
    regime::assess,
    confidence::assess,
    fixed_fraction::assess,
    volatility_target::assess,
    kelly::assess,
    allocation::assess,
    per_trade::assess,
    total::assess,
    position_limit::assess,
    gross_exposure::assess,
    net_exposure::assess,
    leverage::assess,
    margin_limit::assess,
    correlated_exposure::assess,
    value_at_risk::assess,
    conditional_value_at_risk::assess,
    buying_power::assess,
    minimum_position::assess,
];

/// Rules that refuse a whole order, for it is the order itself that is wrong: `None` when they are off or do not apply.
const REFUSALS: [fn(&Refusal<'_>) -> Option<RuleResult>; 2] = [self_trade::assess, price_collar::assess];

/// What a rule that refuses looks at.
struct Refusal<'a> {
    controls: &'a Controls,
    request: &'a Request,
    market: &'a Market,
    orders: &'a Orders,
}

impl Refusal<'_> {
    /// The result of a rule about prices.
    fn result(&self, rule: Rule, good: bool, limit: Price, asked: Price) -> RuleResult {
        let price = |price: Price| Money(i128::from(price.0));
        let quantity = if good { self.request.quantity } else { Quantity::ZERO };
        let outcome = if good { Outcome::Allowed } else { Outcome::Denied };
        let granted = if good { price(asked) } else { Money::ZERO };
        RuleResult { rule, outcome, limit: price(limit), asked: price(asked), granted, quantity }
    }
}

/// How many, as a rule's number.
fn count(count: u32) -> Money {
    Money(i128::from(count) * i128::from(SCALE))
}

/// A plain number as a rule's number.
fn plain(number: f64) -> Money {
    Money::from_f64(number)
}

/// The result of a rule that says yes or no.
fn gate(rule: Rule, quantity: Quantity, good: bool, limit: Money, asked: Money) -> RuleResult {
    let granted = if good { quantity } else { Quantity::ZERO };
    RuleResult {
        granted: if good { asked } else { Money::ZERO },
        ..scaled(rule, quantity, granted, limit, asked)
    }
}

/// The result of a rule that leaves a share.
fn scaled(rule: Rule, quantity: Quantity, granted: Quantity, limit: Money, asked: Money) -> RuleResult {
    result(rule, quantity, granted, limit, |_| asked)
}

/// The result of a rule that needs what is not known yet: then nothing is opened.
fn unknown(rule: Rule, quantity: Quantity, limit: Money) -> RuleResult {
    result(rule, quantity, Quantity::ZERO, limit, |_| Money::ZERO)
}

/// The result of a rule that left `granted` of `asked`.
#[inline]
fn result(
    rule: Rule,
    asked: Quantity,
    granted: Quantity,
    limit: Money,
    cost: impl Fn(Quantity) -> Money,
) -> RuleResult {
    let outcome = match granted {
        _ if granted == asked => Outcome::Allowed,
        Quantity::ZERO => Outcome::Denied,
        _ => Outcome::Reduced,
    };
    let cost_asked = cost(asked);
    let cost_granted = if granted == asked { cost_asked } else { cost(granted) };
    RuleResult { rule, outcome, limit, asked: cost_asked, granted: cost_granted, quantity: granted }
}

/// As many instruments need no room on the heap.
const FEW: usize = 16;

/// What is asked of risk: one action of a decision.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Whose order.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How it executes.
    pub kind: OrderKind,
    /// How much; positive.
    pub quantity: Quantity,
    /// What the order that it is added to has already, where it is a replacement.
    pub beside: Quantity,
    /// Whether the venue keeps it from opening anything.
    pub reduce_only: bool,
    /// The position that it closes, in a hedging account.
    pub closes: OrderId,
    /// Whether it waits for fills of another order.
    pub has_parent: bool,
    /// The stop that is armed as it is filled: it says how far the price may move against it.
    pub stop: Option<OrderKind>,
    /// Why it cannot be sent, whatever it risks.
    pub refused: Option<Rule>,
    /// What equity would have to be for anything to be opened, while the account is called for margin.
    pub margin_lacking: Option<Money>,
    /// What the decision forecasts of the instrument, if anything.
    pub forecast: Option<Forecast>,
    /// What the strategy holds that asks, where several share the account.
    pub own: Option<Own>,
}

impl Request {
    /// A request of an order that stands alone.
    pub fn new(instrument: InstrumentId, side: Side, kind: OrderKind, quantity: Quantity) -> Request {
        Request {
            instrument,
            side,
            kind,
            quantity,
            beside: Quantity::ZERO,
            reduce_only: false,
            closes: OrderId::NONE,
            has_parent: false,
            stop: None,
            refused: None,
            margin_lacking: None,
            forecast: None,
            own: None,
        }
    }
}

/// How far a stop stands from the price at which the order that it protects is valued; zero or less where it stands on
/// the wrong side.
fn distance_to(stop: OrderKind, side: Side, price: Price) -> Price {
    match stop {
        OrderKind::Stop { trigger } | OrderKind::StopLimit { trigger, .. } => {
            Price((price.0 - trigger.0) * side.sign())
        }
        OrderKind::TrailingStop { trail: Trail::Amount(amount) } => amount,
        OrderKind::TrailingStop { trail: Trail::Share(share) } => Price(price.share(share).0.abs()),
        OrderKind::Market | OrderKind::Limit { .. } => Price::ZERO,
    }
}

/// The positions that working orders can lead to: all buys filled and no sell, or all sells and no buy. Nobody knows
/// which of them will be, so orders of the two sides never stand for each other.
#[inline]
fn reachable(account: &Account, orders: &Orders, instrument: InstrumentId) -> [Quantity; 2] {
    let held = instrument.index().map_or(Quantity::ZERO, |index| account.positions[index].quantity);
    let [bought, sold] = orders.working_of(instrument);
    [reached(held, bought), reached(held, sold)]
}

/// A position after working orders. Each of the two is at most FIXED_MAX, so their sum fits; what no position can be
/// counts as the largest.
fn reached(held: Quantity, working: Quantity) -> Quantity {
    Quantity((held + working).0.clamp(-FIXED_MAX, FIXED_MAX))
}

/// The risk layer of a run.
#[derive(Clone, Debug)]
pub struct Risk {
    settings: RiskSettings,
    ranges: Vec<AverageTrueRange>,
    watch: Watch,
    tail: Tail,
    /// How many rules are asked, at most.
    asked: usize,
    /// Whether the limits are no longer those of the settings.
    changed: bool,
}

impl Risk {
    /// The limits of these settings.
    pub fn new(settings: &Settings) -> Risk {
        let period = match settings.risk.distance {
            RiskDistance::AverageTrueRange { period, .. } => period,
            RiskDistance::ShareOfPrice(_) => 1,
        };
        let ranges = settings.instruments.iter().map(|_| AverageTrueRange::new(period)).collect();
        let controls = &settings.risk.controls;
        let asked = Risk::asked_by(controls);
        let tail = Tail::at(controls.measure.confidence.as_f64());
        let (limits, watch) = (settings.risk.clone(), Watch::new(settings));
        Risk { settings: limits, ranges, watch, tail, asked, changed: false }
    }

    /// How many rules these controls ask, at most.
    fn asked_by(controls: &Controls) -> usize {
        if controls.is_default() { 5 } else { RULES.len() + REFUSALS.len() + 1 }
    }

    /// What the rules know of the past.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// A market event comes: what is sampled is sampled before it is known. Whether anything was.
    #[inline]
    pub fn before_market(&mut self, now: Timestamp, markets: &[Market]) -> bool {
        let due = self.watch.is_sample_due(now);
        if due {
            self.watch.sample(&self.settings.controls, now, markets);
        }
        due
    }

    /// The regime of a market after a sample, where it is another one.
    pub fn regime_changed(&mut self, index: usize) -> Option<RegimeChanged> {
        self.watch.regime_changed(&self.settings.controls, index)
    }

    /// A market event was taken in; whether equity has fallen as far as it may.
    #[inline]
    pub fn after_market(
        &mut self,
        index: usize,
        now: Timestamp,
        account: &Account,
        markets: &[Market],
    ) -> bool {
        self.watch.heard(index, now);
        let follows = self.watch.mark.is_some();
        follows && self.watch.equity(&self.settings.controls, account.equity(markets), now)
    }

    /// An order left.
    pub fn sent(&mut self, request: &Request, now: Timestamp) {
        let Request { instrument, side, kind, quantity, closes, .. } = *request;
        let order = Sent { instrument, side, kind, quantity, closes };
        self.watch.sent(&self.settings.controls, Some(order), now);
    }

    /// A replacement left.
    pub fn replaced(&mut self, now: Timestamp) {
        self.watch.sent(&self.settings.controls, None, now);
    }

    /// An order was filled in part or whole.
    pub fn filled(&mut self, index: usize, side: Side, now: Timestamp) {
        self.watch.filled(index, side, now);
    }

    /// The operator said to go on.
    pub fn go_on(&mut self) {
        self.watch.go_on();
    }

    /// A split or a dividend.
    pub fn adjust(&mut self, index: usize, action: &CorporateAction) {
        self.ranges[index].adjust(action);
        self.watch.adjust(index, action);
    }

    /// Adds what the controls know to the state's hash; nothing when they are all off.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        if !self.settings.controls.is_default() {
            self.watch.add_to_hash(hasher);
        }
        if self.changed {
            hasher.update(serde_json::to_string(&self.settings).expect("limits are JSON").as_bytes());
        }
    }

    /// The rule that refuses a replacement of this kind, whatever it adds.
    pub fn refusal(
        &self,
        request: &Request,
        now: Timestamp,
        market: &Market,
        orders: &Orders,
    ) -> Option<Rule> {
        let refusal = Refusal { controls: &self.settings.controls, request, market, orders };
        let full = self.watch.sent.as_ref().is_some_and(|sent| sent.is_full(now));
        let mut results = REFUSALS.iter().filter_map(|rule| rule(&refusal));
        let refused = results.find(|result| result.outcome == Outcome::Denied).map(|result| result.rule);
        refused.or(full.then_some(Rule::OrderRate))
    }

    /// The average true range of an instrument by its index.
    pub fn range_mut(&mut self, index: usize) -> &mut AverageTrueRange {
        &mut self.ranges[index]
    }

    /// The average true range of an instrument by its index, where the settings measure risk by it.
    pub fn range(&self, index: usize) -> Option<f64> {
        match self.settings.distance {
            RiskDistance::AverageTrueRange { .. } => self.ranges[index].value(),
            RiskDistance::ShareOfPrice(_) => None,
        }
    }

    /// How far the price of an instrument is assumed to move against a position.
    fn distance(&self, index: usize, price: Price) -> (Price, DistanceSource) {
        match self.settings.distance {
            RiskDistance::AverageTrueRange { times, .. } => {
                let distance = self.ranges[index].value().map(|range| range * times.as_f64());
                match distance.and_then(Price::from_f64) {
                    Some(distance) => (distance, DistanceSource::AverageTrueRange),
                    None => (Price::ZERO, DistanceSource::Unknown),
                }
            }
            RiskDistance::ShareOfPrice(share) => {
                (Price(price.share(share).0.abs()), DistanceSource::ShareOfPrice)
            }
        }
    }

    /// Asks every rule.
    pub fn assess(
        &self,
        request: &Request,
        settings: &Settings,
        account: &Account,
        markets: &[Market],
        orders: &Orders,
        now: Timestamp,
    ) -> Verdict {
        let index = request.instrument.index().expect("a request names an instrument");
        let sign = request.side.sign();
        let sides = account.tickets().map(|tickets| sides(tickets, orders, index));
        let [bought, sold] = match sides {
            None => reachable(account, orders, request.instrument),
            Some(sides) => sides.map(|side| side.most),
        };
        let position = match request.side {
            Side::Buy => bought,
            Side::Sell => sold,
        };
        // What is held is worth the same to the rules as to equity.
        let mut worth = [Money::ZERO; FEW];
        let equity = account.equity_noting(markets, |index, value| {
            if let Some(worth) = worth.get_mut(index) {
                *worth = value;
            }
        });
        let price = match request.kind {
            OrderKind::Market | OrderKind::TrailingStop { .. } => markets[index].price_to_trade(request.side),
            OrderKind::Limit { price }
            | OrderKind::Stop { trigger: price }
            | OrderKind::StopLimit { price, .. } => Some(price),
        };
        let rate = account.rate(index, markets);
        let instrument = &settings.instruments[index];
        // What waits for fills of an entry takes no more than those open.
        let own = request.own.filter(|_| !(request.reduce_only && request.has_parent));
        let budgeted = own
            .zip(price.zip(rate.ok()))
            .map(|(own, (price, rate))| own.leave(request, instrument, price, rate, equity));
        let left = budgeted.as_ref().map_or(request.quantity, |(left, _)| *left);
        let against = (-position.0 * sign).max(0);
        let reduces = request.reduce_only || !request.closes.is_none();
        let closing = match (reduces, request.has_parent) {
            (false, _) => Quantity(against.min(left.0)),
            // What is held is what it may take, whatever else works; with a parent, what that will have opened.
            (true, false) => {
                let held = match account.tickets() {
                    None => (-account.positions[index].quantity.0 * sign).max(0),
                    Some(tickets) => {
                        let effect = PositionEffect::of(request.closes, request.reduce_only);
                        tickets.closable(index, request.side, effect).0
                    }
                };
                Quantity(held.min(left.0))
            }
            (true, true) => request.quantity,
        };
        let asked = if reduces { Quantity::ZERO } else { request.quantity - closing };
        let mut verdict = Verdict {
            outcome: Outcome::Allowed,
            rule: None,
            side: request.side,
            closing,
            asked,
            granted: asked,
            price,
            distance: Price::ZERO,
            distance_source: DistanceSource::Unknown,
            equity,
            rate: rate.ok().flatten().map(|rate| rate.price),
            forecast: request.forecast.filter(|_| self.settings.controls.needs_forecast()),
            rules: Vec::with_capacity(self.asked),
        };
        let refusal = Refusal { controls: &self.settings.controls, request, market: &markets[index], orders };
        verdict.rules.extend(REFUSALS.iter().filter_map(|rule| rule(&refusal)));
        let wrong = verdict.rules.iter().find(|result| result.outcome == Outcome::Denied);
        let wrong = wrong.map(|result| result.rule);
        if let Some((left, mut result)) = budgeted {
            // Of what opens for the account: the rules that follow go on from there.
            result.quantity = if request.reduce_only { Quantity::ZERO } else { left - closing };
            if left != request.quantity {
                (verdict.granted, verdict.rule) = (result.quantity, Some(Rule::Budget));
            }
            verdict.rules.push(result);
        }
        let stop = price.zip(request.stop).map(|(price, stop)| distance_to(stop, request.side, price));
        let refused = request
            .refused
            .or(price.is_none().then_some(Rule::NoMarket))
            .or(rate.is_err().then_some(Rule::NoRate))
            .or(stop.is_some_and(|distance| distance.0 <= 0).then_some(Rule::InvalidOrder))
            .or((reduces && closing == Quantity::ZERO).then_some(Rule::ReduceOnly))
            .or(wrong);
        let (None, Some(price), Ok(rate)) = (refused, price, rate) else {
            let rule = refused.unwrap_or(Rule::NoMarket);
            let quantity = Quantity::ZERO;
            let zero = Money::ZERO;
            if wrong != Some(rule) {
                let outcome = Outcome::Denied;
                let result = RuleResult { rule, outcome, limit: zero, asked: zero, granted: zero, quantity };
                verdict.rules.push(result);
            }
            return Verdict {
                outcome: Outcome::Denied,
                rule: Some(rule),
                closing: quantity,
                granted: quantity,
                ..verdict
            };
        };
        let (distance_kept, source) = self.distance(index, price);
        (verdict.distance, verdict.distance_source) =
            stop.map_or((distance_kept, source), |distance| (distance, DistanceSource::Stop));

        let kept = Quantity(position.0 + closing.0 * sign);
        let mut others = self.others(index, request.side, settings, account, markets, orders, &worth);
        let other_side = sides.map(|[long, short]| {
            let other = if request.side == Side::Buy { short } else { long };
            let hedged = account.hedged_margin();
            self.add_other_side(index, other, hedged, instrument, price, rate, &mut others)
        });
        let ask = Ask {
            settings: &self.settings,
            instrument,
            index,
            market: &markets[index],
            account: account.kind,
            request,
            side: request.side,
            opening: asked,
            kept,
            price,
            distance: verdict.distance,
            distance_kept,
            distance_known: verdict.distance_source != DistanceSource::Unknown,
            equity,
            rate,
            kept_value: converted(notional(price, kept, instrument.multiplier).abs(), rate),
            opening_value: converted(notional(price, asked, instrument.multiplier).abs(), rate),
            other_side,
            others,
            watch: &self.watch,
            tail: self.tail,
            now,
        };
        for rule in RULES {
            let before = verdict.rules.len();
            rule(&ask, verdict.granted, &mut verdict.rules);
            if let Some(RuleResult { rule, quantity, .. }) = verdict.rules.get(before)
                && *quantity != verdict.granted
            {
                (verdict.granted, verdict.rule) = (*quantity, Some(*rule));
            }
        }
        if asked + closing == Quantity::ZERO {
            // Less than a lot was asked for: there is nothing to send, and the verdict says so.
            verdict.rule = Some(Rule::MinimumPosition);
        }
        verdict.outcome = match verdict.granted {
            Quantity::ZERO if asked + closing == Quantity::ZERO => Outcome::Denied,
            granted if granted == asked => Outcome::Allowed,
            Quantity::ZERO if closing == Quantity::ZERO => Outcome::Denied,
            _ => Outcome::Reduced,
        };
        verdict
    }

    /// What all instruments but the one at `index` come to, to an order of this side. `worth` is the notional value of
    /// what a netting account holds of the first instruments.
    #[allow(clippy::too_many_arguments)] // What the run is, and what was computed of it already.
    fn others(
        &self,
        index: usize,
        side: Side,
        settings: &Settings,
        account: &Account,
        markets: &[Market],
        orders: &Orders,
        worth: &[Money; FEW],
    ) -> Others {
        let mut others = Others::default();
        let controls = &self.settings.controls;
        let covariance = self.watch.covariance(index);
        let correlated = covariance.filter(|_| controls.max_correlated.is_some());
        let varied = covariance.filter(|_| controls.max_var.is_some() || controls.max_cvar.is_some());
        let count = settings.instruments.len();
        // What each can become worth once all of its sells, or all of its buys, are filled; short below zero.
        let needs_values = correlated.is_some() || varied.is_some();
        let (mut few, mut many) = ([[0.0; 3]; FEW], Vec::new());
        let values = match (needs_values, count) {
            (false, _) => &mut few[..0],
            (true, ..=FEW) => &mut few[..count],
            (true, _) => {
                many.resize(count, [0.0; 3]);
                &mut many[..]
            }
        };
        for (other, instrument) in settings.instruments.iter().enumerate() {
            if let Some(tickets) = account.tickets() {
                if other != index {
                    let sides = sides(tickets, orders, other);
                    let net = self.add_sides(other, sides, instrument, account, markets, &mut others);
                    if let Some([low, high, _]) = values.get_mut(other) {
                        [*low, *high] = net.map(Money::as_f64);
                    }
                }
                continue;
            }
            let [highest, lowest] = reachable(account, orders, InstrumentId(other as u32 + 1));
            if other == index || (highest, lowest) == (Quantity::ZERO, Quantity::ZERO) {
                continue;
            }
            // Nothing is held or ordered where the rate was never known.
            let Ok(rate) = account.rate(other, markets) else { continue };
            let (mut risk, mut tied, mut gross) = (Money::ZERO, Money::ZERO, Money::ZERO);
            // What a position counts as; what it is worth, short below zero.
            let mut counted = |quantity: Quantity| {
                let Some(mark) = markets[other].mark(quantity.signum()) else { return Money::ZERO };
                let (distance, _) = self.distance(other, mark);
                let notional = |price| notional(price, quantity, instrument.multiplier);
                let amount = |value: Money| converted(value.abs(), rate);
                risk = risk.max(amount(notional(distance)));
                let known = worth.get(other).filter(|_| quantity == account.positions[other].quantity);
                let value = amount(known.copied().unwrap_or_else(|| notional(mark)));
                gross = gross.max(value);
                tied = tied.max(match account.kind {
                    AccountKind::Margin => value.times(instrument.margin_initial),
                    AccountKind::Cash => value,
                });
                Money(value.0 * i128::from(quantity.signum()))
            };
            let most = counted(highest);
            let net = [if lowest == highest { most } else { counted(lowest) }, most];
            others.open_risk += risk;
            others.tied_up += tied;
            others.gross += gross;
            others.net[0] += net[0];
            others.net[1] += net[1];
            if let Some([low, high, _]) = values.get_mut(other) {
                [*low, *high] = net.map(Money::as_f64);
            }
        }
        if needs_values {
            let mut spread = |coefficients| Spread::new(index, side, coefficients, values);
            others.correlated = correlated.map(|covariance| spread(covariance.correlations()));
            others.varied = varied.map(|covariance| spread(covariance.covariances()));
        }
        others
    }
}
