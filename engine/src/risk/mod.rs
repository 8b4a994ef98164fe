//! Pre-trade risk: every order passes every rule, and every rule's numbers are journaled.
//!
//! One file a rule, all of one shape. A rule sees what is asked and the opening quantity that the rules before it left,
//! and says how much of that it leaves. The part of an order that only closes is never reduced: less risk is always
//! allowed.

mod buying_power;
mod minimum_position;
mod per_trade;
mod total;

use crate::account::{Account, Rate, converted, notional};
use crate::bars::AverageTrueRange;
use crate::event::{DistanceSource, OrderKind, Outcome, Rule, RuleResult, Side, Trail, Verdict};
use crate::ids::InstrumentId;
use crate::market::Market;
use crate::order::Orders;
use crate::settings::{AccountKind, Instrument, RiskDistance, RiskSettings, Settings};
use crate::units::{Money, Price, Quantity, Ratio, div_half_even};

/// What a rule looks at. Amounts are in account currency.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The limits.
    pub settings: &'a RiskSettings,
    /// The instrument's rules.
    pub instrument: &'a Instrument,
    /// Cash or margin.
    pub account: AccountKind,
    /// Buy or sell.
    pub side: Side,
    /// The part that opens, before any rule.
    pub opening: Quantity,
    /// The position that the closing part leaves once the working orders of its side are filled.
    pub kept: Quantity,
    /// The price that values it.
    pub price: Price,
    /// How far the price moves against it.
    pub distance: Price,
    /// How far it moves against what is held already.
    pub distance_kept: Price,
    /// Whether `distance` is known.
    pub distance_known: bool,
    /// Equity now.
    pub equity: Money,
    /// The rate to the account's currency, where the instrument is quoted in another.
    pub rate: Option<Rate>,
    /// What all other instruments may lose.
    pub open_risk: Money,
    /// What all other instruments tie up: margin, or cash paid.
    pub tied_up: Money,
}

impl Ask<'_> {
    /// What `quantity` loses over the distance.
    pub fn risk_of(&self, quantity: Quantity) -> Money {
        self.amount(self.distance, quantity)
    }

    /// What may be lost of what is held already.
    pub fn risk_kept(&self) -> Money {
        self.amount(self.distance_kept, self.kept)
    }

    /// Price × quantity in account currency, without its sign.
    fn amount(&self, price: Price, quantity: Quantity) -> Money {
        converted(notional(price, quantity, self.instrument.multiplier).abs(), self.rate)
    }

    /// What `quantity` is worth at the price.
    pub fn value_of(&self, quantity: Quantity) -> Money {
        self.amount(self.price, quantity)
    }

    /// What `quantity` ties up: margin, or cash paid.
    pub fn cost_of(&self, quantity: Quantity) -> Money {
        match self.account {
            AccountKind::Margin => self.value_of(quantity).times(self.instrument.margin_initial),
            AccountKind::Cash => self.value_of(quantity),
        }
    }

    /// The most, in whole lots and no more than `asked`, for which `cost` stays within `limit`. `cost` must grow with
    /// the quantity.
    pub fn most_within(&self, asked: Quantity, limit: Money, cost: impl Fn(Quantity) -> Money) -> Quantity {
        if cost(asked) <= limit {
            return asked;
        }
        let lot = self.instrument.lot.0.max(1);
        // Halving finds the last lot that fits; 63 steps at most, and no division can round the wrong way.
        let (mut fits, mut too_many) = (0_i64, asked.0 / lot + 1);
        if cost(Quantity::ZERO) > limit {
            return Quantity::ZERO;
        }
        while too_many - fits > 1 {
            let middle = fits + (too_many - fits) / 2;
            let quantity = Quantity(middle.saturating_mul(lot).min(asked.0));
            if cost(quantity) <= limit {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        Quantity(fits * lot)
    }
}

/// One rule: what it leaves of `quantity`.
type PreTradeRule = fn(ask: &Ask<'_>, quantity: Quantity) -> RuleResult;

/// Every rule in the order of asking. The minimum comes after those that reduce, so that nothing tiny slips through.
const RULES: [PreTradeRule; 4] =
    [per_trade::assess, total::assess, buying_power::assess, minimum_position::assess];

/// The result of a rule that left `granted` of `asked`.
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
    RuleResult { rule, outcome, limit, asked: cost(asked), granted: cost(granted), quantity: granted }
}

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
    /// Whether the venue keeps it from opening anything.
    pub reduce_only: bool,
    /// Whether it waits for fills of another order.
    pub has_parent: bool,
    /// The stop that is armed as it is filled: it says how far the price may move against it.
    pub stop: Option<OrderKind>,
    /// Why it cannot be sent, whatever it risks.
    pub refused: Option<Rule>,
}

impl Request {
    /// A request of an order that stands alone.
    pub fn new(instrument: InstrumentId, side: Side, kind: OrderKind, quantity: Quantity) -> Request {
        Request {
            instrument,
            side,
            kind,
            quantity,
            reduce_only: false,
            has_parent: false,
            stop: None,
            refused: None,
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
        OrderKind::TrailingStop { trail: Trail::Share(share) } => {
            let distance = div_half_even(i128::from(price.0) * i128::from(share.0), i128::from(Ratio::ONE.0));
            Price(distance.abs().min(i128::from(crate::units::FIXED_MAX)) as i64)
        }
        OrderKind::Market | OrderKind::Limit { .. } => Price::ZERO,
    }
}

/// The positions that working orders can lead to: all buys filled and no sell, or all sells and no buy. Nobody knows
/// which of them will be, so orders of the two sides never stand for each other.
fn reachable(account: &Account, orders: &Orders, instrument: InstrumentId) -> [Quantity; 2] {
    let held = instrument.index().map_or(Quantity::ZERO, |index| account.positions[index].quantity);
    [Side::Buy, Side::Sell].map(|side| held + orders.working_of(instrument, side))
}

/// The risk layer of a run.
#[derive(Clone, Debug)]
pub struct Risk {
    settings: RiskSettings,
    ranges: Vec<AverageTrueRange>,
}

impl Risk {
    /// The limits of these settings.
    pub fn new(settings: &Settings) -> Risk {
        let period = match settings.risk.distance {
            RiskDistance::AverageTrueRange { period, .. } => period,
            RiskDistance::ShareOfPrice(_) => 1,
        };
        let ranges = settings.instruments.iter().map(|_| AverageTrueRange::new(period)).collect();
        Risk { settings: settings.risk.clone(), ranges }
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
                let distance =
                    div_half_even(i128::from(price.0) * i128::from(share.0), i128::from(Ratio::ONE.0));
                // A share of a price is a price unless the share is absurd; then it is as large as prices get.
                let distance = i64::try_from(distance.abs()).unwrap_or(i64::MAX).min(crate::units::FIXED_MAX);
                (Price(distance), DistanceSource::ShareOfPrice)
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
    ) -> Verdict {
        let index = request.instrument.index().expect("a request names an instrument");
        let sign = request.side.sign();
        let [all_bought, all_sold] = reachable(account, orders, request.instrument);
        let position = match request.side {
            Side::Buy => all_bought,
            Side::Sell => all_sold,
        };
        let against = (-position.0 * sign).max(0);
        let closing = match (request.reduce_only, request.has_parent) {
            (false, _) => Quantity(against.min(request.quantity.0)),
            // What is held is what it may take, whatever else works; with a parent, what that will have opened.
            (true, false) => {
                let held = (-account.positions[index].quantity.0 * sign).max(0);
                Quantity(held.min(request.quantity.0))
            }
            (true, true) => request.quantity,
        };
        let asked = if request.reduce_only { Quantity::ZERO } else { request.quantity - closing };
        let equity = account.equity(markets);
        let price = match request.kind {
            OrderKind::Market | OrderKind::TrailingStop { .. } => markets[index].price_to_trade(request.side),
            OrderKind::Limit { price }
            | OrderKind::Stop { trigger: price }
            | OrderKind::StopLimit { price, .. } => Some(price),
        };
        let rate = account.rate(index, markets);
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
            rules: Vec::with_capacity(RULES.len() + 1),
        };
        let stop = price.zip(request.stop).map(|(price, stop)| distance_to(stop, request.side, price));
        let refused = request
            .refused
            .or(price.is_none().then_some(Rule::NoMarket))
            .or(rate.is_err().then_some(Rule::NoRate))
            .or(stop.is_some_and(|distance| distance.0 <= 0).then_some(Rule::InvalidOrder))
            .or((request.reduce_only && closing == Quantity::ZERO).then_some(Rule::ReduceOnly));
        let (None, Some(price), Ok(rate)) = (refused, price, rate) else {
            let rule = refused.unwrap_or(Rule::NoMarket);
            let quantity = Quantity::ZERO;
            let zero = Money::ZERO;
            verdict.rules.push(RuleResult {
                rule,
                outcome: Outcome::Denied,
                limit: zero,
                asked: zero,
                granted: zero,
                quantity,
            });
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
        let (mut open_risk, mut tied_up) = (Money::ZERO, Money::ZERO);
        for (other, instrument) in settings.instruments.iter().enumerate() {
            if other == index {
                continue;
            }
            let (mut risk, mut tied) = (Money::ZERO, Money::ZERO);
            // Nothing is held or ordered where the rate was never known.
            let Ok(rate) = account.rate(other, markets) else { continue };
            for quantity in reachable(account, orders, InstrumentId(other as u32 + 1)) {
                let Some(mark) = markets[other].mark(quantity.signum()) else { continue };
                let (distance, _) = self.distance(other, mark);
                let amount = |price| converted(notional(price, quantity, instrument.multiplier).abs(), rate);
                risk = risk.max(amount(distance));
                let value = amount(mark);
                tied = tied.max(match account.kind {
                    AccountKind::Margin => value.times(instrument.margin_initial),
                    AccountKind::Cash => value,
                });
            }
            open_risk += risk;
            tied_up += tied;
        }
        let ask = Ask {
            settings: &self.settings,
            instrument: &settings.instruments[index],
            account: account.kind,
            side: request.side,
            opening: asked,
            kept,
            price,
            distance: verdict.distance,
            distance_kept,
            distance_known: verdict.distance_source != DistanceSource::Unknown,
            equity,
            rate,
            open_risk,
            tied_up,
        };
        for rule in RULES {
            let result = rule(&ask, verdict.granted);
            if result.quantity != verdict.granted {
                verdict.granted = result.quantity;
                verdict.rule = Some(result.rule);
            }
            verdict.rules.push(result);
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
}
