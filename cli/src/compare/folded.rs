//! A run folded for comparing: its report, what it did, what it held, and its equity at every bar or decision.

use std::collections::BTreeMap;

use genovo_engine::event::{Action, Decision, Event, Fact, Kind};
use genovo_engine::ids::{InstrumentId, Sequence};
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Quantity, Timestamp};

use crate::report::{Report, ReportBuilder};

/// Takes events, gives a [`Folded`].
#[derive(Default)]
pub struct Folder {
    report: ReportBuilder,
    events: u64,
    market: u64,
    steps: Vec<Step>,
    decisions: BTreeMap<(Timestamp, InstrumentId), Wanted>,
    held: BTreeMap<InstrumentId, Quantity>,
    positions: Vec<Held>,
    bars: Marks,
    decided: Marks,
}

/// A run, folded.
pub struct Folded {
    /// Its report.
    pub report: Report,
    /// How many events it has.
    pub events: u64,
    /// Market events.
    pub market: u64,
    /// Everything it did, in order.
    pub steps: Vec<Step>,
    /// What each decision with an action wanted, by time and instrument.
    pub decisions: BTreeMap<(Timestamp, InstrumentId), Wanted>,
    /// Every position that it came to hold, in order.
    pub positions: Vec<Held>,
    /// Equity at the end of every bar.
    pub bars: Marks,
    /// Equity at every decision.
    pub decided: Marks,
}

/// Something that a run did or that was done to it: a decision's actions, an order, an answer, a halt.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The event; what only explains a decision is taken out of it.
    pub event: Event,
    /// Its number among the run's events, counted from 1.
    pub number: u64,
}

impl Step {
    /// Whether two runs did the same: at the same time, on the same instrument.
    pub fn is_same(&self, other: &Step) -> bool {
        let (a, b) = (&self.event.header, &other.event.header);
        a.time_received == b.time_received
            && a.instrument == b.instrument
            && self.event.fact == other.event.fact
    }
}

/// What a decision wanted of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The decision.
    pub sequence: Sequence,
    /// Its number among the run's events.
    pub number: u64,
    /// The position wanted, or for a single order its quantity, signed.
    pub quantity: Quantity,
}

/// A position from some market event on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// How many market events came before it.
    pub after: u64,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// How much, signed.
    pub quantity: Quantity,
}

/// Equity at some moments, each later than the one before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    /// When, by arrival.
    pub times: Vec<Timestamp>,
    /// Account currency.
    pub equity: Vec<f64>,
}

impl Marks {
    /// Notes equity; of several at one time the last counts.
    fn push(&mut self, time: Timestamp, equity: Money) {
        if self.times.last() == Some(&time) {
            self.times.pop();
            self.equity.pop();
        }
        self.times.push(time);
        self.equity.push(equity.as_f64());
    }
}

impl Folder {
    /// Nothing seen yet.
    pub fn new() -> Folder {
        Folder { report: ReportBuilder::new(), ..Folder::default() }
    }

    /// Takes the next event.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        self.events += 1;
        self.report.observe(event);
        if event.fact.kind().is_market() {
            self.market += 1;
        }
        if !matches!(event.fact, Fact::QuoteChanged(_) | Fact::TradePrinted(_)) {
            self.observe_other(event);
        }
    }

    fn observe_other(&mut self, event: &Event) {
        let header = &event.header;
        match &event.fact {
            Fact::BarClosed(_) | Fact::BarReceived(_) => {
                self.bars.push(header.time_received, self.report.equity());
            }
            Fact::DecisionMade(decision) => self.decision(event, decision),
            Fact::OrderFilled(fill) => {
                let held = self.held.entry(header.instrument).or_default();
                *held += Quantity(fill.quantity.0 * fill.side.sign());
                let quantity = *held;
                self.positions.push(Held { after: self.market, instrument: header.instrument, quantity });
                self.step(event.clone());
            }
            fact if is_step(fact) => self.step(event.clone()),
            _ => {}
        }
    }

    fn decision(&mut self, event: &Event, decision: &Decision) {
        self.decided.push(event.header.time_received, self.report.equity());
        let header = &event.header;
        let number = self.events;
        for action in &decision.actions {
            let (instrument, quantity) = match action {
                Action::Target { instrument, quantity } => (*instrument, *quantity),
                Action::Submit { instrument, side, quantity, .. } => {
                    (*instrument, Quantity(quantity.0 * side.sign()))
                }
                _ => continue,
            };
            let wanted = Wanted { sequence: header.sequence, number, quantity };
            self.decisions.insert((header.time_received, instrument), wanted);
        }
        if decision.actions.iter().any(|action| *action != Action::Hold) {
            // The reason's words and numbers may differ where the run does the same.
            let kept = Decision {
                strategy: String::new(),
                actions: decision.actions.clone(),
                because: String::new(),
                evidence: Vec::new(),
                equity: Money::ZERO,
                position: Quantity::ZERO,
            };
            self.step(Event { header: *header, fact: Fact::DecisionMade(Box::new(kept)) });
        }
    }

    fn step(&mut self, event: Event) {
        self.steps.push(Step { event, number: self.events });
    }

    /// The run as it is now.
    pub fn finish(mut self) -> Folded {
        let report = self.report.finish();
        // A series begins and ends with the run, so that its return is the run's.
        for marks in [&mut self.bars, &mut self.decided] {
            if marks.times.first().is_some_and(|first| *first > report.span.from.0) {
                marks.times.insert(0, report.span.from.0);
                marks.equity.insert(0, report.equity.start.as_f64());
            }
            if marks.times.last().is_some_and(|last| *last <= report.span.to.0) {
                marks.push(report.span.to.0, report.equity.last);
            }
        }
        Folded {
            report,
            events: self.events,
            market: self.market,
            steps: self.steps,
            decisions: self.decisions,
            positions: self.positions,
            bars: self.bars,
            decided: self.decided,
        }
    }
}

impl Folded {
    /// The run's settings.
    pub fn settings(&self) -> Option<&Settings> {
        self.report.settings.as_ref()
    }
}

/// Whether a fact is a step: what left the house, what came back, or the end of trading.
fn is_step(fact: &Fact) -> bool {
    let kind = fact.kind();
    kind.is_from_venue()
        || matches!(
            kind,
            Kind::OrderSubmitted
                | Kind::OrderDenied
                | Kind::CancelRequested
                | Kind::ReplaceRequested
                | Kind::TradingHalted
        )
}
