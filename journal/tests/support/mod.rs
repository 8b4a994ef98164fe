//! Events and journals for the tests.
#![allow(dead_code)] // Each test binary uses its part.

pub mod power;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use genovo_engine::canonical;
use genovo_engine::event::*;
use genovo_engine::ids::*;
use genovo_engine::order::Status;
use genovo_engine::settings::{Commission, Instrument};
use genovo_engine::signature::{PublicKey, Signature};
use genovo_engine::units::*;
use genovo_journal::{Identity, LiveJournal, LiveOptions, Sealed, Writer};

/// A small generator, so that a seed gives the same events for ever.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly small, sometimes at an edge.
    pub fn number(&mut self) -> i64 {
        match self.below(8) {
            0 => i64::MIN,
            1 => i64::MAX,
            2 => 0,
            3 => self.next() as i64,
            _ => self.below(2_000) as i64 - 1_000,
        }
    }

    fn money(&mut self) -> Money {
        match self.below(4) {
            0 => Money(i128::MIN),
            1 => Money(i128::MAX),
            _ => Money(i128::from(self.number()) * 1_000_003),
        }
    }

    fn maybe(&mut self) -> Option<i64> {
        (self.below(2) == 0).then(|| self.number())
    }

    fn text(&mut self) -> String {
        ["", "plain", "Ünïcode ✓", "a \"quoted\" line\n"][self.below(4) as usize].to_owned()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    fn hash(&mut self) -> Hash {
        Hash(std::array::from_fn(|_| self.next() as u8))
    }

    fn order(&mut self) -> OrderId {
        OrderId(match self.below(50) {
            0 => u64::MAX,
            1 => 0,
            _ => self.below(300),
        })
    }
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];
const TIMES: [TimeInForce; 4] = [TimeInForce::Gtc, TimeInForce::Day, TimeInForce::Ioc, TimeInForce::Fok];
const RULES: [Rule; 5] =
    [Rule::NoMarket, Rule::PerTradeRisk, Rule::TotalRisk, Rule::MinimumPosition, Rule::BuyingPower];

/// An arbitrary fact of a kind.
pub fn fact(kind: Kind, r: &mut Random) -> Fact {
    let notice = OrderNotice { order: r.order() };
    let closed = OrderClosed {
        order: r.order(),
        unfilled: Quantity(r.number()),
        reason: r.pick(&[
            CloseReason::Requested,
            CloseReason::ImmediateRest,
            CloseReason::NotFillable,
            CloseReason::DayEnded,
        ]),
    };
    let bar = Bar {
        open_time: Timestamp(r.number()),
        open: Price(r.number()),
        high: Price(r.number()),
        low: Price(r.number()),
        close: Price(r.number()),
        volume: r.maybe().map(Quantity),
    };
    match kind {
        Kind::RunStarted => Fact::RunStarted(Box::new(RunStarted {
            world: r.pick(&[WorldKind::Simulated, WorldKind::Live, WorldKind::Market]),
            logic_version: r.next() as u32,
            seed: r.next(),
            settings: r.text(),
            settings_hash: r.hash(),
            features: (0..r.below(4)).map(|_| r.text()).collect(),
            model: (r.below(2) == 0).then(|| r.hash()),
        })),
        Kind::InstrumentDefined => Fact::InstrumentDefined(Box::new(Instrument {
            symbol: r.text(),
            tick: Price(r.number()),
            lot: Quantity(r.number()),
            multiplier: Quantity(r.number()),
            margin_initial: Ratio(r.number()),
            margin_maintenance: Ratio(r.number()),
            commission: Commission {
                taker: Ratio(r.number()),
                maker: Ratio(r.number()),
                per_unit: r.money(),
                minimum: r.money(),
            },
            currency: None,
        })),
        Kind::CorporateActionApplied => Fact::CorporateActionApplied(match r.below(2) {
            0 => CorporateAction::Split { new: r.next() as u32, old: r.next() as u32 },
            _ => CorporateAction::Dividend { amount: Price(r.number()) },
        }),
        Kind::SessionChanged => {
            Fact::SessionChanged(SessionChanged { open: r.below(2) == 0, until: Timestamp(r.number()) })
        }
        Kind::ReplaceRejected => {
            Fact::ReplaceRejected(OrderRejected { order: r.order(), reason: r.pick(&REASONS) })
        }
        Kind::OrderTriggered => Fact::OrderTriggered(OrderTriggered {
            order: r.order(),
            trigger: Price(r.number()),
            price: Price(r.number()),
        }),
        Kind::OrderReplaced => Fact::OrderReplaced(OrderReplaced {
            order: r.order(),
            kind: any_kind(r),
            quantity: Quantity(r.number()),
            reason: r.pick(&[
                ReplaceReason::Requested,
                ReplaceReason::SiblingFilled,
                ReplaceReason::ParentEnded,
                ReplaceReason::PositionShrank,
                ReplaceReason::Split,
            ]),
        }),
        Kind::ReplaceRequested => Fact::ReplaceRequested(Replacement {
            order: r.order(),
            kind: any_kind(r),
            quantity: Quantity(r.number()),
        }),
        Kind::QuoteChanged => Fact::QuoteChanged(Quote {
            bid: Price(r.number()),
            ask: Price(r.number()),
            bid_size: r.maybe().map(Quantity),
            ask_size: r.maybe().map(Quantity),
        }),
        Kind::TradePrinted => Fact::TradePrinted(Trade {
            price: Price(r.number()),
            size: r.maybe().map(Quantity),
            aggressor: r.pick(&[None, Some(Side::Buy), Some(Side::Sell)]),
        }),
        Kind::BarReceived => Fact::BarReceived(bar),
        Kind::BookChanged => Fact::BookChanged(BookChange {
            price: Price(r.number()),
            size: Quantity(r.number()),
            order: if r.below(2) == 0 { 0 } else { r.next() },
            side: r.pick(&SIDES),
            action: r.pick(&BookAction::ALL),
            last: r.below(2) == 0,
        }),
        Kind::BookReset => {
            Fact::BookReset(BookReset { reason: r.pick(&[ResetReason::Snapshot, ResetReason::Cleared]) })
        }
        Kind::BarClosed => Fact::BarClosed(bar),
        Kind::TimerFired => Fact::TimerFired(TimerFired { timer: TimerId(r.next() as u32) }),
        Kind::MacroReleased => Fact::MacroReleased(Box::new(MacroReleased {
            series: r.text(),
            period: Timestamp(r.number()),
            value: Figure(r.money().0),
            expected: (r.below(2) == 0).then(|| Figure(r.money().0)),
        })),
        Kind::NewsPublished => Fact::NewsPublished(Box::new(NewsPublished {
            source: r.text(),
            headline: r.text(),
            sentiment: r.maybe().map(Ratio),
            weight: Ratio(r.number()),
        })),
        Kind::EventScheduled => Fact::EventScheduled(Box::new(EventScheduled {
            id: r.text(),
            name: r.text(),
            at: Timestamp(r.number()),
            importance: r.pick(&[Importance::Low, Importance::Medium, Importance::High]),
        })),
        Kind::FeaturesReselected => Fact::FeaturesReselected(Box::new(FeaturesReselected {
            columns: (0..r.below(4)).map(|_| r.text()).collect(),
            hash: r.hash(),
        })),
        Kind::SignalReceived => Fact::SignalReceived(Signal {
            target: match r.below(2) {
                0 => SignalTarget::Position { quantity: Quantity(r.number()) },
                _ => SignalTarget::Weight { share: Ratio(r.number()) },
            },
        }),
        Kind::ChapterClosed => Fact::ChapterClosed(ChapterClosed {
            chapter: r.next() as u32,
            reason: r.pick(&[ChapterReason::DayEnded, ChapterReason::SizeReached, ChapterReason::Asked]),
        }),
        Kind::OrderAccepted => Fact::OrderAccepted(notice),
        Kind::OrderRejected => Fact::OrderRejected(OrderRejected {
            order: r.order(),
            reason: r.pick(&[
                RejectReason::QuantityOffLot,
                RejectReason::PriceOffTick,
                RejectReason::NoMarket,
                RejectReason::UnknownInstrument,
            ]),
        }),
        Kind::OrderFilled => Fact::OrderFilled(Box::new(Fill {
            order: r.order(),
            side: r.pick(&SIDES),
            price: Price(r.number()),
            quantity: Quantity(r.number()),
            remaining: Quantity(r.number()),
            liquidity: r.pick(&[Liquidity::Maker, Liquidity::Taker]),
            commission: r.money(),
            bid: r.maybe().map(Price),
            ask: r.maybe().map(Price),
            rate: None,
        })),
        Kind::OrderCancelled => Fact::OrderCancelled(closed),
        Kind::CancelRejected => Fact::CancelRejected(notice),
        Kind::OrderExpired => Fact::OrderExpired(closed),
        Kind::OrderUnknown => Fact::OrderUnknown(notice),
        Kind::TradeCorrected => Fact::TradeCorrected(Box::new(TradeCorrected {
            order: r.order(),
            side: r.pick(&SIDES),
            quantity: Quantity(r.number()),
            price: Price(r.number()),
            corrected: r.maybe().map(Price),
            commission: r.money(),
        })),
        Kind::AccountReported => Fact::AccountReported(Box::new(AccountReported { balance: r.money() })),
        Kind::PositionReported => Fact::PositionReported(PositionReported { quantity: Quantity(r.number()) }),
        Kind::ConnectionChanged => Fact::ConnectionChanged(Box::new(ConnectionChanged {
            // The block of version 1 was drawn from these two; links that came later have a test of their own.
            link: r.pick(&[Link::Market, Link::Broker]),
            state: r.pick(&Connection::ALL),
            reason: r.text(),
        })),
        Kind::OperatorCommanded => Fact::OperatorCommanded(OperatorCommanded {
            command: r.pick(&[
                OperatorCommand::Pause,
                OperatorCommand::GoOn,
                OperatorCommand::Flatten,
                OperatorCommand::Kill,
                OperatorCommand::KillAndFlatten,
                OperatorCommand::Stop,
            ]),
        }),
        Kind::LimitsRequested => Fact::LimitsRequested(Box::new(LimitsRequested {
            session: r.hash(),
            nonce: r.hash(),
            key: r.text(),
            old: r.text(),
            new: r.text(),
            by: r.text(),
            why: r.text(),
            signed: (r.below(2) == 0).then(|| any_signed(r)),
        })),
        Kind::ApprovalGiven => Fact::ApprovalGiven(Box::new(ApprovalGiven {
            session: r.hash(),
            request: r.next(),
            content: r.hash(),
            expires: Timestamp(r.number()),
            by: r.text(),
            signed: any_signed(r),
        })),
        Kind::LimitsChanged => Fact::LimitsChanged(Box::new(LimitsChanged {
            request: r.next(),
            key: r.text(),
            old: r.text(),
            new: r.text(),
            by: r.text(),
            why: r.text(),
            signed: (r.below(2) == 0).then(|| PublicKey(r.hash().0)),
            approved: (r.below(2) == 0).then(|| PublicKey(r.hash().0)),
        })),
        Kind::FeedGap => Fact::FeedGap(Box::new(FeedGap {
            count: (r.below(2) == 0).then(|| r.next()),
            from: Timestamp(r.number()),
            to: Timestamp(r.number()),
        })),
        Kind::ClockChecked => Fact::ClockChecked(ClockChecked { step: Nanoseconds(r.number()) }),
        Kind::RegimeChanged => Fact::RegimeChanged(Box::new(RegimeChanged {
            before: r.pick(&[Regime::Unknown, Regime::Calm]),
            now: r.pick(&[Regime::Calm, Regime::Stressed]),
            volatility: f64::from_bits(r.next()),
            usual: f64::from_bits(r.next()),
            stress_at: Ratio(r.number()),
        })),
        Kind::FinancingCharged => Fact::FinancingCharged(Box::new(FinancingCharged {
            rollover: Timestamp(r.number()),
            days: r.next() as u32,
            days_in_year: r.pick(&[360, 365]),
            quantity: Quantity(r.number()),
            price: Price(r.number()),
            rate: r.maybe().map(Price),
            value: r.money(),
            yearly: Ratio(r.number()),
            borrow_yearly: Ratio(r.number()),
            financing: r.money(),
            borrow: r.money(),
            position: OrderId::NONE,
        })),
        Kind::AlertRaised => Fact::AlertRaised(Box::new(match r.below(4) {
            0 => AlertRaised::PositionDiffers { ours: Quantity(r.number()), theirs: Quantity(r.number()) },
            1 => AlertRaised::PositionAgrees,
            2 => AlertRaised::BalanceDiffers { ours: r.money(), theirs: r.money() },
            _ => AlertRaised::ImpossibleAnswer {
                order: r.order(),
                status: r.pick(&[None, Some(Status::Submitted), Some(Status::Filled)]),
            },
        })),
        Kind::DataFlagged => Fact::DataFlagged(DataFlagged {
            flaw: r.pick(&Flaw::ALL),
            action: r.pick(&[FlawAction::Keep, FlawAction::Drop, FlawAction::Halt]),
            size: r.number(),
        }),
        Kind::FeaturesComputed => Fact::FeaturesComputed(Box::new(Features {
            values: (0..r.below(40)).map(|_| f32::from_bits(r.next() as u32)).collect(),
            valid: (0..r.below(3)).map(|_| r.next()).collect(),
        })),
        Kind::DecisionMade => Fact::DecisionMade(Box::new(Decision {
            strategy: r.text(),
            actions: vec![
                Action::Hold,
                Action::Target { instrument: InstrumentId(r.next() as u32), quantity: Quantity(r.number()) },
                Action::Submit {
                    instrument: InstrumentId(1),
                    side: r.pick(&SIDES),
                    kind: order_kind(r),
                    time_in_force: r.pick(&TIMES),
                    quantity: Quantity(r.number()),
                },
                Action::Cancel { order: r.order() },
            ],
            because: r.text(),
            evidence: (0..r.below(3))
                .map(|_| Evidence { name: r.text(), value: f64::from_bits(r.next()) })
                .collect(),
            equity: r.money(),
            position: Quantity(r.number()),
        })),
        Kind::RiskAssessed => Fact::RiskAssessed(Box::new(Verdict {
            outcome: r.pick(&[Outcome::Allowed, Outcome::Reduced, Outcome::Denied]),
            rule: (r.below(2) == 0).then(|| r.pick(&RULES)),
            side: r.pick(&SIDES),
            closing: Quantity(r.number()),
            asked: Quantity(r.number()),
            granted: Quantity(r.number()),
            price: r.maybe().map(Price),
            distance: Price(r.number()),
            distance_source: r.pick(&[
                DistanceSource::AverageTrueRange,
                DistanceSource::ShareOfPrice,
                DistanceSource::Stop,
                DistanceSource::Unknown,
            ]),
            equity: r.money(),
            rate: None,
            forecast: None,
            rules: (0..r.below(6))
                .map(|_| RuleResult {
                    rule: r.pick(&RULES),
                    outcome: Outcome::Allowed,
                    limit: r.money(),
                    asked: r.money(),
                    granted: r.money(),
                    quantity: Quantity(r.number()),
                })
                .collect(),
        })),
        Kind::OrderDenied => Fact::OrderDenied(OrderDenied { order: r.order(), rule: r.pick(&RULES) }),
        Kind::OrderSubmitted => Fact::OrderSubmitted(Box::new(Order {
            order: r.order(),
            side: r.pick(&SIDES),
            kind: order_kind(r),
            time_in_force: r.pick(&TIMES),
            quantity: Quantity(r.number()),
            bid: r.maybe().map(Price),
            ask: r.maybe().map(Price),
            position: Quantity(r.number()),
            terms: Terms::default(),
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        })),
        Kind::CancelRequested => Fact::CancelRequested(notice),
        Kind::TradingHalted => Fact::TradingHalted(match r.below(3) {
            0 => TradingHalted::Data { flaw: r.pick(&Flaw::ALL) },
            1 => TradingHalted::NotANumber { column: r.next() as u32 },
            _ => TradingHalted::EquityGone,
        }),
        Kind::RunEnded => Fact::RunEnded(Box::new(RunEnded {
            inputs: r.next(),
            derived: r.next(),
            decisions: r.next(),
            orders: r.next(),
            fills: r.next(),
            equity: r.money(),
            state_hash: r.hash(),
        })),
        reserved => panic!("{reserved:?} is not built"),
    }
}

fn order_kind(r: &mut Random) -> OrderKind {
    match r.below(3) {
        0 => OrderKind::Market,
        1 => OrderKind::Limit { price: Price(r.number()) },
        _ => OrderKind::Stop { trigger: Price(r.number()) },
    }
}

const CONTINGENCIES: [Contingency; 3] =
    [Contingency::OneTriggersOthers, Contingency::OneCancelsOthers, Contingency::Bracket];
const REASONS: [RejectReason; 10] = [
    RejectReason::QuantityOffLot,
    RejectReason::PriceOffTick,
    RejectReason::NoMarket,
    RejectReason::UnknownInstrument,
    RejectReason::WouldTake,
    RejectReason::MarketClosed,
    RejectReason::ParentEnded,
    RejectReason::NothingToReduce,
    RejectReason::NotWorking,
    RejectReason::NotAboveFilled,
];

fn any_signed(r: &mut Random) -> Signed {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r.hash().0);
    signature[32..].copy_from_slice(&r.hash().0);
    Signed { key: PublicKey(r.hash().0), signature: Signature(signature) }
}

fn any_kind(r: &mut Random) -> OrderKind {
    match r.below(4) {
        0 => order_kind(r),
        1 => OrderKind::StopLimit { trigger: Price(r.number()), price: Price(r.number()) },
        2 => OrderKind::TrailingStop { trail: Trail::Amount(Price(r.number())) },
        _ => OrderKind::TrailingStop { trail: Trail::Share(Ratio(r.number())) },
    }
}

fn new_order(r: &mut Random) -> NewOrder {
    NewOrder {
        side: r.pick(&SIDES),
        kind: any_kind(r),
        time_in_force: r.pick(&[TimeInForce::Gtc, TimeInForce::Gtd]),
        quantity: Quantity(r.number()),
        post_only: r.below(2) == 0,
        reduce_only: r.below(2) == 0,
        expires: r.maybe().map(Timestamp),
    }
}

/// A fact that says what came to its kind later: terms, rates, other orders, other reasons.
pub fn richer(mut fact: Fact, r: &mut Random) -> Fact {
    match &mut fact {
        Fact::InstrumentDefined(instrument) => instrument.currency = Some(r.text()),
        Fact::OrderFilled(fill) => fill.rate = Some(Price(r.number())),
        Fact::OrderRejected(rejected) => rejected.reason = r.pick(&REASONS),
        Fact::OrderReplaced(replaced) => replaced.reason = ReplaceReason::BooksCompared,
        Fact::OrderDenied(denied) => {
            denied.rule = r.pick(&Rule::ALL);
        }
        Fact::AlertRaised(alert) => {
            let (level, equity, maintenance) = (Ratio(r.number()), r.money(), r.money());
            **alert = match r.below(3) {
                0 => AlertRaised::MarginCalled { level, equity, maintenance },
                1 => AlertRaised::MarginRestored { level, equity, maintenance },
                _ => AlertRaised::StoppedOut { level, equity, maintenance },
            };
        }
        Fact::TradingHalted(halted) => *halted = TradingHalted::Limit { rule: r.pick(&Rule::ALL) },
        Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
            closed.reason = r.pick(&[
                CloseReason::DateReached,
                CloseReason::SiblingFilled,
                CloseReason::ParentEnded,
                CloseReason::PositionClosed,
                CloseReason::WouldTake,
                CloseReason::Split,
            ]);
        }
        Fact::DecisionMade(decision) => {
            decision.actions.push(Action::Place(Box::new(OrderList {
                instrument: InstrumentId(r.next() as u32),
                link: (r.below(2) == 0).then(|| r.pick(&CONTINGENCIES)),
                orders: (0..r.below(4)).map(|_| new_order(r)).collect(),
            })));
            let (order, kind, quantity) = (r.order(), any_kind(r), Quantity(r.number()));
            decision.actions.push(Action::Replace { order, kind, quantity });
            let list = |r: &mut Random| {
                let instrument = InstrumentId(r.next() as u32);
                Box::new(OrderList { instrument, link: None, orders: vec![new_order(r)] })
            };
            decision.actions.push(Action::Open(list(r)));
            decision.actions.push(Action::Close { position: r.order(), list: list(r) });
        }
        Fact::RiskAssessed(verdict) => {
            verdict.rate = r.maybe().map(Price);
            verdict.forecast = (r.below(2) == 0).then(|| Forecast {
                low: f64::from_bits(r.next()),
                median: f64::from_bits(r.next()),
                high: f64::from_bits(r.next()),
                probability: f64::from_bits(r.next()),
                volatility: f64::from_bits(r.next()),
                disagreement: f64::from_bits(r.next()),
            });
        }
        Fact::OrderSubmitted(order) => {
            order.kind = any_kind(r);
            order.time_in_force = TimeInForce::Gtd;
            order.terms = Terms {
                post_only: r.below(2) == 0,
                reduce_only: r.below(2) == 0,
                expires: Some(Timestamp(r.number())),
                list: (r.below(2) == 0).then(|| Membership {
                    first: r.order(),
                    count: r.next() as u8,
                    link: r.pick(&CONTINGENCIES),
                    after: Quantity(r.number()),
                }),
            };
            (order.strategy, order.closes) = (StrategyId(r.below(3) as u32), r.order());
        }
        Fact::FinancingCharged(charged) => charged.position = r.order(),
        _ => {}
    }
    fact
}

/// Every kind that is built.
pub fn built_kinds() -> Vec<Kind> {
    Kind::ALL.iter().copied().filter(|kind| kind.is_built()).collect()
}

/// An arbitrary event with this sequence.
pub fn event(sequence: u64, kind: Kind, r: &mut Random) -> Event {
    let time = Timestamp(r.number());
    let header = Header {
        sequence: Sequence(sequence),
        time_event: time,
        time_received: if r.below(2) == 0 { time } else { Timestamp(r.number()) },
        instrument: InstrumentId(if r.below(9) == 0 { u32::MAX } else { r.below(3) as u32 }),
        cause: Sequence(match r.below(4) {
            0 => sequence,
            1 => sequence.wrapping_sub(r.below(5)),
            2 => r.next(),
            _ => 0,
        }),
    };
    Event { header, fact: fact(kind, r) }
}

/// Something like a run: mostly quotes that move a little, all other kinds between them, wild numbers here
/// and there.
pub fn events(seed: u64, count: usize) -> Vec<Event> {
    let mut r = Random::new(seed);
    let ends = [Kind::RunEnded, Kind::ChapterClosed];
    let kinds: Vec<Kind> = built_kinds().into_iter().filter(|kind| !ends.contains(kind)).collect();
    let (mut time, mut bid) = (1_398_902_400_043_142_000_i64, 1_291_677_000_000_i64);
    let mut sequence = 1 << 16;
    let mut events = vec![event(sequence, Kind::RunStarted, &mut r)];
    while events.len() + 1 < count {
        sequence = if r.below(10) == 0 { sequence + 1 } else { ((sequence >> 16) + 1) << 16 };
        if r.below(12) == 0 {
            let kind = r.pick(&kinds);
            events.push(event(sequence, kind, &mut r));
            continue;
        }
        time += r.below(3_000_000_000) as i64 / 200 * 200;
        bid += (r.below(200) as i64 - 100) * 1_000_000;
        let quote = Quote {
            bid: Price(bid),
            ask: Price(bid + (300 + r.below(100) as i64) * 1_000_000),
            bid_size: None,
            ask_size: (r.below(3) == 0).then(|| Quantity(r.below(1000) as i64 * SCALE)),
        };
        let mut event =
            Event::unnumbered(Timestamp(time), Timestamp(time), InstrumentId(1), Fact::QuoteChanged(quote));
        event.header.sequence = Sequence(sequence);
        events.push(event);
    }
    events.push(event(((sequence >> 16) + 1) << 16, Kind::RunEnded, &mut r));
    events
}

/// Writes and seals.
pub fn write(path: &Path, events: &[Event]) -> Sealed {
    let mut writer = Writer::create(path, &Identity::default()).unwrap();
    for event in events {
        writer.append(event).unwrap();
    }
    writer.finish().unwrap()
}

/// Compares to the bit: NaN equals itself.
pub fn assert_same(left: &[Event], right: &[Event]) {
    assert_eq!(left.len(), right.len());
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (left, right) in left.iter().zip(right) {
        a.clear();
        b.clear();
        canonical::encode(left, &mut a);
        canonical::encode(right, &mut b);
        assert_eq!(a, b, "{left:?}\n{right:?}");
    }
}

/// Whether a fact names an order.
pub fn names(fact: &Fact, wanted: OrderId) -> bool {
    match fact {
        Fact::OrderAccepted(fact) | Fact::CancelRejected(fact) | Fact::CancelRequested(fact) => {
            fact.order == wanted
        }
        Fact::OrderUnknown(fact) => fact.order == wanted,
        Fact::TradeCorrected(fact) => fact.order == wanted,
        Fact::AlertRaised(fact) => {
            matches!(**fact, AlertRaised::ImpossibleAnswer { order, .. } if order == wanted)
        }
        Fact::OrderRejected(fact) | Fact::ReplaceRejected(fact) => fact.order == wanted,
        Fact::OrderTriggered(fact) => fact.order == wanted,
        Fact::OrderReplaced(fact) => fact.order == wanted,
        Fact::ReplaceRequested(fact) => fact.order == wanted,
        Fact::OrderFilled(fact) => fact.order == wanted,
        Fact::OrderCancelled(fact) | Fact::OrderExpired(fact) => fact.order == wanted,
        Fact::OrderDenied(fact) => fact.order == wanted,
        Fact::OrderSubmitted(fact) => fact.order == wanted,
        Fact::DecisionMade(fact) => fact.actions.contains(&Action::Cancel { order: wanted }),
        _ => false,
    }
}

/// Every file below a directory with its contents.
pub fn bytes_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(bytes_of(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// A run of several chapters: after each of `lengths` events one that closes the chapter, but not after the last.
pub fn chapters(seed: u64, lengths: &[usize]) -> Vec<Event> {
    let mut all = events(seed, lengths.iter().sum::<usize>());
    let mut at = 0;
    for (chapter, length) in (1..).zip(&lengths[..lengths.len() - 1]) {
        at += length;
        let mut event = all[at - 1].clone();
        event.header.cause = Sequence::NONE;
        event.header.instrument = InstrumentId::NONE;
        event.fact = Fact::ChapterClosed(ChapterClosed { chapter, reason: ChapterReason::Asked });
        all[at - 1] = event;
    }
    all
}

/// Small files, so that a test goes through many; no reserve.
pub fn live_options() -> LiveOptions {
    LiveOptions { file_bytes: 16 * 1024, reserve_bytes: 0, ..LiveOptions::default() }
}

/// What a live journal holds now, sealed or not.
pub fn read_live(path: &Path) -> Vec<Event> {
    LiveJournal::open(path).unwrap().events().collect::<Result<_, _>>().unwrap()
}

/// An order that events name.
pub fn some_order(events: &[Event]) -> OrderId {
    let order = events.iter().find_map(|event| match &event.fact {
        Fact::OrderFilled(fill) => Some(fill.order),
        _ => None,
    });
    order.expect("there are fills")
}

/// Changes one byte of a file where it is.
pub fn change(file: &Path, at: usize, byte: u8) {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = fs::File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}
