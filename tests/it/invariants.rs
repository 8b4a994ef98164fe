//! Does what must always hold, hold after every event, whatever the market, the orders and the latencies?
//!
//! Random sessions: quotes, trades or bars with gaps, crossed prices and sizes or none, with splits, dividends and
//! breaks of trading, in one currency or two; orders of every kind, time in force and term, alone and in lists,
//! replacements and cancels. An auditor reads the journal as it is written and keeps
//! books of its own from the fills alone. A failure names its seed; `GENOVO_SESSIONS=10000` tries more,
//! `GENOVO_SESSION=7 GENOVO_SESSIONS=7` only that one.

mod auditor;

use std::collections::BTreeMap;

use genovo_engine::account::Account;
use genovo_engine::command::Command;
use genovo_engine::engine::Engine;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, TimerId};
use genovo_engine::log::{Log, LogError};
use genovo_engine::portfolio::allocation::Allocation;
use genovo_engine::recorded::{Comparison, Recorded};
use genovo_engine::run::run;
use genovo_engine::settings::*;
use genovo_engine::simulated::Simulated;
use genovo_engine::state::State;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp};
use genovo_engine::world::{MemorySource, Source, World};

use auditor::Auditor;

/// SplitMix64: a stream of numbers for a test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        (self.next() % end as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as i64) as usize]
    }
}

/// What must have happened in the sessions together.
const EVERYTHING: [&str; 45] = [
    "alternative",
    "bracket exit",
    "budget",
    "budget kept",
    "budget used",
    "cancelled",
    "closed",
    "date reached",
    "day ended",
    "dividend",
    "earliest closed",
    "financing",
    "hedged",
    "immediate rest",
    "invalid_order",
    "limit",
    "listed",
    "market",
    "margin call",
    "margin restored",
    "market_closed",
    "no_rate",
    "not fillable",
    "odd lot",
    "opened",
    "order split",
    "parent ended",
    "position closed",
    "position named",
    "reduce_only",
    "reduced",
    "shared",
    "replaced",
    "sibling filled",
    "smaller by a sibling",
    "smaller by the position",
    "split",
    "stop",
    "stop_limit",
    "stopped out",
    "trailing_stop",
    "triggered",
    "the order was done before",
    "post-only, and it would take liquidity",
    "the order that was to arm it is done",
];

/// Does anything that a strategy may do.
struct Wild {
    random: Random,
    rules: Vec<Instrument>,
    /// Orders that the venue accepted, done or not.
    accepted: Vec<OrderId>,
    hedges: bool,
}

genovo_engine::state! { Random { 0 } }
genovo_engine::state! { Wild { random, accepted } }

const WILD: StrategyKind = StrategyKind {
    name: "wild",
    about: "anything at all",
    parameters: &[],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::EveryTick,
    make: wild,
};

fn wild(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let seed = parameters.integer("seed", 0)?;
    let (rules, hedges) = (settings.instruments.clone(), settings.hedges());
    Ok(Box::new(Wild { random: Random(u64::from(seed) << 20), rules, accepted: Vec::new(), hedges }))
}

impl Strategy for Wild {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        if let Fact::OrderAccepted(notice) = &event.fact {
            self.accepted.push(notice.order);
        }
        self.random.chance(30)
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        // Numbers of their own: what else a seed stands for stays.
        let mut random = Random(!self.random.0);
        if random.chance(80) {
            let mut share = |most: i64| random.below(most) as f64 / 1e4;
            let median = share(40) - 0.002;
            let (low, high) = (median - share(200), median + share(200));
            let (probability, volatility, disagreement) = (share(10_000), share(100), share(50));
            proposal.forecast = Some(Forecast { low, median, high, probability, volatility, disagreement });
        }
        for _ in 0..self.random.pick(&[0, 0, 0, 1, 1, 2]) {
            let index = self.random.below(self.rules.len() as i64) as usize;
            let instrument = InstrumentId(index as u32 + 1);
            let action = match self.random.below(14) {
                0 => Action::Hold,
                1 => Action::Target {
                    instrument,
                    quantity: Quantity(self.quantity(index) * (self.random.below(3) - 1)),
                },
                2 | 3 if !self.accepted.is_empty() => {
                    Action::Cancel { order: self.random.pick(&self.accepted) }
                }
                4 | 5 if !self.accepted.is_empty() => self.replace(view),
                6..=9 => self.place(index, view),
                _ => self.submit(index, view),
            };
            proposal.actions.push(action);
        }
        if self.hedges {
            self.hedge(&mut random, view, &mut proposal.actions);
        }
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

impl Wild {
    fn quantity(&mut self, index: usize) -> i64 {
        let size = self.random.pick(&[1, 3, 10, 200]);
        // Now and then no whole lots.
        self.rules[index].lot.0 * (self.random.below(size) + 1) + i64::from(self.random.chance(5))
    }

    fn submit(&mut self, index: usize, view: &dyn View) -> Action {
        let instrument = InstrumentId(index as u32 + 1);
        let NewOrder { side, kind, time_in_force, quantity, .. } = self.order(index, None, view);
        let time_in_force = match time_in_force {
            // What names no end cannot be good till one.
            TimeInForce::Gtd => TimeInForce::Gtc,
            other => other,
        };
        Action::Submit { instrument, side, kind, time_in_force, quantity }
    }

    /// An order with terms, or several that depend on each other.
    fn place(&mut self, index: usize, view: &dyn View) -> Action {
        let instrument = InstrumentId(index as u32 + 1);
        let first = self.order(index, None, view);
        let list = match self.random.below(5) {
            0 => OrderList::single(instrument, first),
            1 => {
                let mut second = self.order(index, None, view);
                second.quantity = first.quantity;
                OrderList::one_cancels_others(instrument, vec![first, second])
            }
            2 => {
                let others = vec![self.order(index, None, view), self.order(index, None, view)];
                OrderList::one_triggers_others(instrument, first, others)
            }
            _ => {
                let first = NewOrder { reduce_only: false, ..first };
                let [near, far] =
                    [first.side, first.side.opposite()].map(|side| self.price(index, side, view));
                let away = self.rules[index].tick.0 * (1 + self.random.below(8)) * first.side.sign();
                let tick = self.rules[index].tick.0;
                let at = |price: Price, by: i64| Price(((price.0 + by) / tick * tick).max(tick));
                let stop = match self.random.below(3) {
                    0 => OrderKind::Stop { trigger: at(near, -away) },
                    1 => OrderKind::StopLimit { trigger: at(near, -away), price: at(near, -2 * away) },
                    _ => OrderKind::TrailingStop { trail: self.trail(index) },
                };
                let profit = self.random.chance(80).then_some(at(far, away));
                OrderList::bracket(instrument, first, profit, self.random.chance(80).then_some(stop))
            }
        };
        Action::Place(Box::new(list))
    }

    /// Some of the orders open in spite of what is held, and others close a position, or what is none.
    fn hedge(&mut self, random: &mut Random, view: &dyn View, actions: &mut Vec<Action>) {
        for action in actions.iter_mut() {
            if random.chance(40)
                && let Action::Place(list) = action
            {
                *action = Action::Open(list.clone());
            }
        }
        let index = random.below(self.rules.len() as i64) as usize;
        let instrument = InstrumentId(index as u32 + 1);
        let tickets = view.tickets(instrument);
        if random.chance(70) || tickets.is_empty() {
            return;
        }
        let ticket = tickets[random.below(tickets.len() as i64) as usize];
        let closes = if ticket.quantity > Quantity::ZERO { Side::Sell } else { Side::Buy };
        let side = if random.chance(95) { closes } else { closes.opposite() };
        let mut order = self.order(index, Some(side), view);
        if random.chance(70) {
            order.quantity = ticket.quantity.abs();
        }
        let list = match random.below(3) {
            0 => {
                let other = NewOrder { quantity: order.quantity, ..self.order(index, Some(side), view) };
                OrderList::one_cancels_others(instrument, vec![order, other])
            }
            _ => OrderList::single(instrument, order),
        };
        let position = if random.chance(95) { ticket.order } else { OrderId(1 + random.below(50) as u64) };
        actions.push(Action::Close { position, list: Box::new(list) });
    }

    fn replace(&mut self, view: &dyn View) -> Action {
        let order = self.random.pick(&self.accepted);
        let record = *view.orders().get(order).expect("it was accepted");
        let index = record.instrument.index().unwrap();
        let other = self.order(index, Some(record.side), view);
        let price = self.price(index, record.side, view);
        let kind = match record.kind {
            OrderKind::Limit { .. } => OrderKind::Limit { price },
            OrderKind::Stop { .. } => OrderKind::Stop { trigger: price },
            OrderKind::StopLimit { .. } => OrderKind::StopLimit { trigger: price, price },
            OrderKind::TrailingStop { .. } => OrderKind::TrailingStop { trail: self.trail(index) },
            kind @ OrderKind::Market => kind,
        };
        let quantity = if self.random.chance(50) { record.quantity } else { other.quantity };
        Action::Replace { order, kind: if self.random.chance(90) { kind } else { other.kind }, quantity }
    }

    fn trail(&mut self, index: usize) -> Trail {
        let ticks = self.random.below(8);
        match self.random.below(2) {
            // Now and then none at all.
            0 => Trail::Amount(Price(ticks * self.rules[index].tick.0)),
            _ => Trail::Share(Ratio(ticks * SCALE / 2_000)),
        }
    }

    fn price(&mut self, index: usize, side: Side, view: &dyn View) -> Price {
        let instrument = InstrumentId(index as u32 + 1);
        let near = view.price(instrument, side).unwrap_or(Price(SCALE)).0 / self.rules[index].tick.0;
        Price((near + self.random.below(13) - 6).max(1) * self.rules[index].tick.0)
    }

    fn order(&mut self, index: usize, side: Option<Side>, view: &dyn View) -> NewOrder {
        let side = side.unwrap_or_else(|| self.random.pick(&[Side::Buy, Side::Sell]));
        let mut price = self.price(index, side, view);
        // Now and then off the tick.
        price.0 += i64::from(self.random.chance(3));
        let other = self.price(index, side, view);
        let kind = match self.random.below(6) {
            0 | 1 => OrderKind::Market,
            2 => OrderKind::Limit { price },
            3 => OrderKind::Stop { trigger: price },
            4 => OrderKind::StopLimit { trigger: price, price: other },
            _ => OrderKind::TrailingStop { trail: self.trail(index) },
        };
        let time_in_force = self.random.pick(&[
            TimeInForce::Gtc,
            TimeInForce::Gtc,
            TimeInForce::Day,
            TimeInForce::Ioc,
            TimeInForce::Fok,
            TimeInForce::Gtd,
        ]);
        let until = view.now() + Nanoseconds(self.random.below(20) * SCALE / 2);
        NewOrder {
            side,
            kind,
            time_in_force,
            quantity: Quantity(self.quantity(index)),
            post_only: self.random.chance(15),
            reduce_only: self.random.chance(20),
            expires: (time_in_force == TimeInForce::Gtd).then_some(until),
        }
    }
}

/// A random scenario.
fn settings(seed: u32, random: &mut Random) -> Settings {
    let mut settings = genovo_tests::gold();
    settings.seed = u64::from(seed);
    let kind = random.pick(&[AccountKind::Margin, AccountKind::Margin, AccountKind::Cash]);
    settings.account = AccountSettings {
        cash: Money(i128::from(random.pick(&[1_000, 100_000, 10_000_000])) * i128::from(SCALE)),
        digits: random.pick(&[0, 2, 8]),
        kind,
        ..settings.account
    };
    let mut instrument = settings.instruments.remove(0);
    let source = settings.sources.remove(0);
    for number in 1..=random.pick(&[1, 1, 2, 3]) {
        instrument.symbol = format!("X{number}");
        instrument.tick = Price(random.pick(&[1_000_000, 10_000_000, 250_000_000]));
        instrument.lot = Quantity(random.pick(&[1_000_000, SCALE, 100 * SCALE]));
        instrument.multiplier = Quantity(random.pick(&[SCALE, SCALE, 50 * SCALE, SCALE / 10]));
        let share = |random: &mut Random| Ratio(random.below(1_000_000) - 100_000);
        instrument.commission = Commission {
            taker: share(random),
            maker: share(random),
            per_unit: Money(i128::from(random.below(10_000_000))),
            minimum: Money(i128::from(random.below(2) * SCALE)),
        };
        settings.instruments.push(instrument.clone());
        let kind = random.pick(&[DataKind::Quotes, DataKind::Quotes, DataKind::Trades, DataKind::Bars]);
        settings.sources.push(SourceSettings { instrument: InstrumentId(number), kind, ..source.clone() });
        if random.chance(30) {
            let calendar = "by lot".to_string();
            settings.calendars.push(CalendarSettings { instrument: InstrumentId(number), calendar });
        }
    }
    if settings.instruments.len() > 1 && random.chance(60) {
        // The first one is the rate of the others' currency.
        let (instrument, inverse) = (InstrumentId(1), random.chance(50));
        settings.rates.push(RateSettings { currency: "EUR".into(), instrument, inverse });
        for instrument in &mut settings.instruments[1..] {
            instrument.currency = Some("EUR".into());
        }
    }
    let interval = Nanoseconds(random.pick(&[5, 60]) * SCALE);
    settings.bars = random.chance(50).then_some(BarSettings { interval, price: BarPrice::Mid });
    settings.trigger = random.pick(&[
        Trigger::EveryTick,
        Trigger::EveryTick,
        Trigger::EveryNTicks(3),
        Trigger::Every(interval),
        Trigger::OnSignal,
    ]);
    upkeep(seed, &mut settings);
    settings.strategy =
        StrategySettings { kind: "wild".into(), parameters: [("seed".into(), seed.to_string())].into() };
    settings.risk = RiskSettings {
        max_per_trade: Ratio(random.pick(&[1, 20, 500]) * SCALE / 1_000),
        max_total: Ratio(random.pick(&[5, 50, 1_000]) * SCALE / 1_000),
        min_position: Money(i128::from(random.pick(&[0, 100]) * SCALE)),
        distance: RiskDistance::ShareOfPrice(Ratio(random.pick(&[1, 10, 100]) * SCALE / 1_000)),
        limits: None,
        limits_keys: Vec::new(),
        limits_signer: None,
        // Every other session has stops for all that it holds.
        protect: seed.is_multiple_of(2),
        controls: controls(seed, settings.account.cash),
    };
    let milliseconds = |random: &mut Random| Nanoseconds(random.pick(&[0, 0, 1, 7, 250]) * 1_000_000);
    settings.venue = VenueSettings {
        latency: milliseconds(random),
        response_latency: milliseconds(random),
        size_when_absent: random.chance(50).then(|| Quantity(random.below(50) * SCALE)),
        touch: random.pick(&[TouchRule::Never, TouchRule::Always, TouchRule::Probability(Ratio(SCALE / 3))]),
        slippage: random.pick(&[
            Slippage::Ticks(0),
            Slippage::Ticks(2),
            Slippage::SquareRoot(Ratio(1_000_000)),
        ]),
        day_end: Nanoseconds(random.below(86_400) * SCALE),
        when_closed: random.pick(&[WhenClosed::Deny, WhenClosed::Queue]),
        queue: Default::default(),
    };
    let keep_or_drop = [FlawAction::Keep, FlawAction::Keep, FlawAction::Drop];
    settings.quality.crossed = random.pick(&keep_or_drop);
    settings.quality.locked = random.pick(&keep_or_drop);
    settings.quality.duplicate = random.pick(&keep_or_drop);
    settings.quality.out_of_order = random.pick(&keep_or_drop);
    settings.quality.gap = if random.chance(2) { FlawAction::Halt } else { FlawAction::Keep };
    share(seed, &mut settings);
    hedge(seed, &mut settings);
    settings
}

/// Positions side by side, in some of the sessions on margin.
fn hedge(seed: u32, settings: &mut Settings) {
    // Numbers of their own: what else a seed stands for stays.
    let mut random = Random(u64::from(seed) << 32 | 4);
    if random.chance(50) && settings.account.kind == AccountKind::Margin && settings.strategies.is_empty() {
        settings.account.positions = PositionMode::Hedging;
        settings.account.hedged_margin = random.pick(&[HedgedMargin::Larger, HedgedMargin::Both]);
    }
}

/// Several strategies in the account, for some of the sessions.
fn share(seed: u32, settings: &mut Settings) {
    // Numbers of their own: what else a seed stands for stays.
    let mut random = Random(u64::from(seed) << 32 | 3);
    if random.chance(70) {
        return;
    }
    let count = settings.instruments.len() as i64;
    for number in 1..=1 + random.below(3) {
        let own = (u64::from(seed) + 1_000 * number as u64).to_string();
        settings.strategies.push(SharedSettings {
            name: format!("wild {number}"),
            trigger: random.pick(&[
                settings.trigger,
                Trigger::EveryTick,
                Trigger::Every(Nanoseconds(3 * SCALE)),
            ]),
            strategy: StrategySettings { kind: "wild".into(), parameters: [("seed".into(), own)].into() },
            instruments: match random.chance(50) {
                true => Vec::new(),
                false => vec![InstrumentId(1 + random.below(count) as u32)],
            },
            budget: Ratio(random.pick(&[5, 50, 1_000]) * SCALE / 100),
        });
    }
    let SharedSettings { trigger, strategy, .. } = settings.strategies[0].clone();
    (settings.trigger, settings.strategy) = (trigger, strategy);
}

/// Random costs of holding positions and margins, for some of the sessions.
fn upkeep(seed: u32, settings: &mut Settings) {
    // Numbers of their own: what else a seed stands for stays.
    let mut random = Random(u64::from(seed) << 32 | 2);
    if random.chance(50) {
        let count = settings.instruments.len() as u32;
        let mut share = |most: i64| Ratio((random.below(2 * most + 1) - most) * SCALE / 100);
        let rate = |number| FinancingRate {
            instrument: InstrumentId(number),
            long: share(2_000),
            short: share(2_000),
            borrow: Ratio(share(500).0.abs()),
        };
        let rates = (1..=count).map(rate).collect();
        settings.financing = Some(FinancingSettings {
            // So that some sessions of minutes and hours see one.
            rollover: Nanoseconds((22 * 3_600 + 13 * 60 + 20 + random.below(2_000)) * SCALE),
            clock: random.pick(&[RolloverClock::Utc, RolloverClock::Utc, RolloverClock::NewYork]),
            triple: random.pick(&[None, Some(Weekday::Tuesday), Some(Weekday::Wednesday)]),
            days_in_year: random.pick(&[360, 365]),
            rates,
        });
    }
    if random.chance(40) {
        let call = Ratio(random.pick(&[100, 150, 400, 2_000]) * SCALE / 100);
        let stop_out = random.chance(70).then(|| Ratio(call.0 / random.pick(&[1, 2, 4])));
        settings.margin = Some(MarginSettings { call, stop_out });
        for instrument in &mut settings.instruments {
            instrument.margin_maintenance = Ratio(random.pick(&[1, 20, 100]) * SCALE / 100);
            instrument.margin_initial = Ratio(random.pick(&[1, 1, 5]) * SCALE / 100);
        }
    }
}

/// Random controls, for some of the sessions.
fn controls(seed: u32, cash: Money) -> Controls {
    // Numbers of their own: what else a seed stands for stays.
    let mut random = Random(u64::from(seed) << 32 | 1);
    if random.chance(60) {
        return Controls::default();
    }
    let of_cash = |percent: i64| Money(cash.0 / 100 * i128::from(percent));
    let percent = |percent: i64| Ratio(percent * SCALE / 100);
    let often = |count: u32, seconds: i64| Frequency { count, per: Nanoseconds(seconds * SCALE) };
    let mut controls = Controls {
        kill_switch: random.chance(3),
        max_order_value: random.chance(20).then(|| of_cash(random.pick(&[20, 100]))),
        max_order_quantity: random.chance(10).then_some(Quantity(100 * SCALE)),
        price_collar: random.chance(30).then(|| percent(random.pick(&[1, 5]))),
        max_order_rate: random.chance(20).then(|| often(4, random.pick(&[1, 10]))),
        max_executions: random.chance(10).then(|| often(10, 5)),
        duplicate_within: random.chance(20).then_some(Nanoseconds(5 * SCALE)),
        stale_after: random.chance(20).then_some(Nanoseconds(SCALE)),
        prevent_self_trade: random.chance(40),
        max_position: random.chance(30).then(|| of_cash(random.pick(&[5, 50, 200]))),
        max_gross_exposure: random.chance(30).then(|| of_cash(random.pick(&[10, 100, 300]))),
        max_net_exposure: random.chance(30).then(|| of_cash(random.pick(&[5, 50]))),
        max_leverage: random.chance(30).then(|| percent(random.pick(&[20, 150]))),
        max_margin: random.chance(30).then(|| percent(random.pick(&[5, 50]))),
        max_correlated: random.chance(20).then(|| percent(random.pick(&[20, 150]))),
        max_var: random.chance(20).then(|| percent(random.pick(&[1, 5]))),
        max_cvar: random.chance(20).then(|| percent(random.pick(&[1, 5]))),
        soft_drawdown: None,
        hard_drawdown: random.chance(20).then(|| percent(random.pick(&[1, 10]))),
        max_daily_loss: random.chance(20).then(|| percent(random.pick(&[1, 5]))),
        stress_at: random.chance(20).then(|| percent(random.pick(&[100, 150]))),
        stressed_size: percent(random.pick(&[0, 50])),
        fixed_fraction: random.chance(20).then(|| percent(random.pick(&[5, 100]))),
        volatility_target: random.chance(10).then(|| percent(1)),
        kelly: None,
        confidence_weighted: false,
        allocation: random.chance(15).then_some(Allocation::HierarchicalRiskParity),
        allocated: None,
        measure: Measure { sample: Nanoseconds(SCALE), ..Measure::default() },
    };
    if controls.hard_drawdown.is_some() && random.chance(50) {
        controls.soft_drawdown = Some(Ratio(SCALE / 200));
    }
    controls.kelly = random.chance(15).then(|| percent(random.pick(&[1, 50])));
    controls.confidence_weighted = random.chance(15);
    controls
}

/// Random data of one source.
fn market(source: &SourceSettings, tick: i64, settings: &Settings, random: &mut Random) -> Vec<Event> {
    let has_sessions = settings.calendars.iter().any(|calendar| calendar.instrument == source.instrument);
    let (mut open, mut splits) = (true, 0);
    let mut received = 1_700_000_000 * SCALE + random.below(SCALE);
    let mut happened = received;
    let mut middle = 1_000 + random.below(5_000);
    let with_sizes = random.below(3);
    let mut events = Vec::new();
    for _ in 0..random.pick(&[1, 50, 300]) {
        received += match random.below(20) {
            0 => 0,
            1 => random.below(1_800) * SCALE,
            _ => random.below(200_000_000),
        };
        // Stamps step back now and then; nothing arrives before it happened.
        happened = if random.chance(2) {
            happened - random.below(SCALE)
        } else {
            received - random.below(30_000_000)
        };
        // Known when they happen: a fill is then of the shares that are held when it arrives.
        let mut other = |fact| {
            events.push(Event::unnumbered(Timestamp(received), Timestamp(received), source.instrument, fact));
        };
        if has_sessions && random.chance(4) {
            open = !open;
            other(Fact::SessionChanged(SessionChanged { open, until: Timestamp::MAX }));
        }
        if random.chance(1) {
            let amount = Price(random.below(20) * tick);
            other(Fact::CorporateActionApplied(CorporateAction::Dividend { amount }));
        }
        if random.chance(1) && splits < 3 && settings.venue.response_latency == Nanoseconds::ZERO {
            splits += 1;
            let (new, old) = random.pick(&[(2, 1), (3, 1), (3, 2), (1, 10)]);
            other(Fact::CorporateActionApplied(CorporateAction::Split { new, old }));
        }
        middle = (middle + random.below(7) - 3).max(20);
        let mut size = || match with_sizes {
            0 => None,
            1 => Some(Quantity(random.below(40) * SCALE)),
            _ => random.chance(50).then(|| Quantity(random.below(9) * SCALE / 4)),
        };
        let sizes = [size(), size()];
        let price = |ticks: i64| Price(ticks * tick);
        let fact = match source.kind {
            DataKind::Quotes => Fact::QuoteChanged(Quote {
                bid: price(middle),
                ask: price(middle + random.pick(&[-1, 0, 1, 1, 2, 2, 5])),
                bid_size: sizes[0],
                ask_size: sizes[1],
            }),
            DataKind::Trades => {
                let aggressor = random.pick(&[None, Some(Side::Buy), Some(Side::Sell)]);
                Fact::TradePrinted(Trade { price: price(middle), size: sizes[0], aggressor })
            }
            DataKind::Bars
            | DataKind::Books
            | DataKind::Journal
            | DataKind::Actions
            | DataKind::Signals
            | DataKind::Outside => {
                let (open, close) = (middle, (middle + random.below(9) - 4).max(20));
                Fact::BarReceived(Bar {
                    open_time: Timestamp(happened - SCALE),
                    open: price(open),
                    high: price(open.max(close) + random.below(3)),
                    low: price(open.min(close) - random.below(3)),
                    close: price(close),
                    volume: sizes[0],
                })
            }
        };
        events.push(Event::unnumbered(Timestamp(happened), Timestamp(received), source.instrument, fact));
    }
    events
}

/// A log that is audited as it is written, and kept.
struct Audited {
    auditor: Auditor,
    events: Vec<Event>,
}

impl Log for Audited {
    fn append(&mut self, event: &Event) -> Result<(), LogError> {
        self.auditor.audit(event);
        self.events.push(event.clone());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Runs a session and audits it; returns its fills and what happened.
fn session(seed: u32) -> (usize, BTreeMap<&'static str, u64>) {
    let mut random = Random(u64::from(seed));
    let settings = settings(seed, &mut random);
    let ticks = settings.instruments.iter().map(|instrument| instrument.tick.0);
    let data: Vec<Vec<Event>> = settings
        .sources
        .iter()
        .zip(ticks)
        .map(|(source, tick)| market(source, tick, &settings, &mut random))
        .collect();
    let sources = || -> Vec<Box<dyn Source>> {
        data.iter().map(|events| Box::new(MemorySource::new(events.clone())) as Box<dyn Source>).collect()
    };
    let mut registry = Registry::default();
    registry.add(WILD);
    let engine = || Engine::new(settings.clone(), &registry).unwrap();
    let world = |engine: &Engine| {
        Simulated::new(&settings, engine.identity(WorldKind::Simulated), sources()).unwrap()
    };

    let mut first = engine();
    let mut log = Audited { auditor: Auditor::new(settings.clone()), events: Vec::new() };
    run(&mut world(&first), &mut log, &mut first).unwrap();
    log.auditor.compare(first.account());

    // A timer that never comes due keeps the world from its short cut for quiet markets; nothing else may change.
    let mut second = engine();
    let mut long_way = world(&second);
    long_way.send(Command::Wake { timer: TimerId(9), time: Timestamp::MAX }).unwrap();
    let mut again = Vec::new();
    run(&mut long_way, &mut again, &mut second).unwrap();
    assert!(again == log.events, "the short cut for quiet markets changes what happens");

    // As if it had been live: every answer of the venue an input.
    let mut third = engine();
    let play = || log.events.iter().cloned().map(Ok);
    let mut comparison = Comparison::new(play());
    let recomputed = run(&mut Recorded::new(play()), &mut comparison, &mut third);
    let found = comparison.finish().unwrap();
    assert_eq!(found, (log.events.len() as u64, None));
    recomputed.unwrap();

    if !settings.strategies.is_empty() {
        // After every event what each holds adds up to what the account holds.
        let mut fourth = engine();
        for input in log.events.iter().filter(|event| event.header.sequence.is_input()) {
            fourth.apply(input).unwrap();
            for (index, position) in fourth.account().positions.iter().enumerate() {
                let shares = fourth.attribution().shares().iter();
                let sum: i64 = shares.map(|share| share.positions[index].quantity.0).sum();
                assert_eq!(sum, position.quantity.0, "what each holds is what the account holds: {input:?}");
            }
        }
    }

    if settings.hedges() {
        // After every event positions add up to what the account holds, and to its equity.
        let mut fourth = engine();
        for input in log.events.iter().filter(|event| event.header.sequence.is_input()) {
            fourth.apply(input).unwrap();
            add_up(fourth.account());
        }
    }

    // As if it had been killed somewhere, and had gone on from what was kept.
    let at = 1 + random.below(log.events.len() as i64) as usize;
    crate::checkpoints::goes_on_the_same(&settings, &registry, &log.events, &[at]);
    (log.auditor.fills, log.auditor.seen)
}

/// What the positions of a hedging account come to is what it says of them together.
fn add_up(account: &Account) {
    for (index, position) in account.positions.iter().enumerate() {
        let tickets = account.tickets_of(index);
        assert!(tickets.is_sorted_by_key(|one| one.order) && tickets.iter().all(|one| one.quantity.0 != 0));
        let sum: i64 = tickets.iter().map(|one| one.quantity.0).sum();
        let cost: i128 = tickets.iter().map(|one| one.cost.0).sum();
        assert_eq!((sum, cost), (position.quantity.0, position.cost.0), "positions are the account's");
        let gross: i64 = tickets.iter().map(|one| one.quantity.0.abs()).sum();
        let legs = account.tickets().unwrap().legs(index);
        assert_eq!(gross, legs[0].quantity.0 - legs[1].quantity.0);
        assert!(legs[0].quantity.0 >= 0 && legs[1].quantity.0 <= 0);
    }
}

#[test]
fn whatever_happens() {
    let sessions = std::env::var("GENOVO_SESSIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let (mut fills, mut seen, mut failed) = (0, BTreeMap::new(), Vec::new());
    let first = std::env::var("GENOVO_SESSION").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for seed in first..=sessions {
        let result = std::panic::catch_unwind(|| session(seed));
        let Ok((filled, saw)) = result else {
            failed.push(seed);
            continue;
        };
        fills += filled;
        for (what, count) in saw {
            *seen.entry(what).or_default() += count;
        }
    }
    assert!(failed.is_empty(), "the sessions of seeds {failed:?}");
    if sessions - first < 100 {
        return;
    }
    // All that an order can meet was met, often enough to mean something.
    for what in EVERYTHING {
        let count = seen.get(what).copied().unwrap_or(0);
        assert!(count >= 3, "`{what}` happened {count} times in {sessions} sessions: {seen:?}");
    }
    assert!(fills > 20 * sessions as usize, "{fills} fills in {sessions} sessions");
}
