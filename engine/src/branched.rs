//! The Branched world: a live run's inputs under other settings, for as long as they can be believed.
//!
//! While the engine sends what was sent, the recorded answers are the true ones. From the first command that
//! differs, they answer orders that were never sent: they are left out, and the simulated venue takes over, with
//! the orders that were working. Everything else from outside, the market above all, stays what it was.
//!
//! A run on the simulated venue needs none of this: its market alone gives everything again.

use std::collections::{BTreeMap, VecDeque};

use crate::command::Command;
use crate::engine::TRIGGER_TIMER;
use crate::event::{Event, Fact, Kind, PositionEffect, RunStarted};
use crate::ids::{InstrumentId, OrderId, Sequence, TimerId};
use crate::recorded::{Recording, next_of};
use crate::settings::{Settings, Trigger};
use crate::simulated::{Simulated, Working};
use crate::tickets::Quantities;
use crate::units::{Quantity, Timestamp};
use crate::venue::Resting;
use crate::world::{Source, World, WorldError};

/// A recorded live run that may go another way.
pub struct Branched<I> {
    settings: Settings,
    started: Option<RunStarted>,
    way: Way<I>,
    parted_at: Option<Sequence>,
}

enum Way<I> {
    /// As recorded.
    Following(Box<Following<I>>),
    /// On the simulated venue.
    Simulated(Box<Simulated>),
    /// Between the two, while one becomes the other.
    Nowhere,
}

struct Following<I> {
    events: I,
    current: Event,
    inputs: u64,
    /// The next input, read to see where the effects of the current one end.
    next: Option<Event>,
    /// The recorded commands of the current input that have not been sent yet.
    expected: VecDeque<Event>,
    /// The settings of the recorded run: its timers are those of its triggers.
    recorded: Option<Box<Settings>>,
    /// Timers that were set and have not fired yet.
    timers: Vec<(Timestamp, TimerId)>,
    /// The newest event of each kind of market data of each instrument, sessions among them.
    last: BTreeMap<(InstrumentId, Kind), Event>,
    held: BTreeMap<InstrumentId, Quantities>,
    /// What the orders do to positions that do not open one, where the account hedges.
    effects: BTreeMap<OrderId, PositionEffect>,
    working: BTreeMap<OrderId, Working>,
}

impl<I: Recording + Send + 'static> Branched<I> {
    /// A world over the events of a live run. `started` takes the place of the recorded beginning.
    pub fn new(settings: &Settings, started: RunStarted, events: I) -> Branched<I> {
        let (time, fact) = (Timestamp(0), Fact::RunStarted(Box::new(started.clone())));
        let nothing_yet = Event::unnumbered(time, time, InstrumentId::NONE, fact);
        let following = Following {
            events,
            current: nothing_yet,
            inputs: 0,
            next: None,
            expected: VecDeque::new(),
            recorded: None,
            timers: Vec::new(),
            last: BTreeMap::new(),
            held: BTreeMap::new(),
            effects: BTreeMap::new(),
            working: BTreeMap::new(),
        };
        Branched {
            settings: settings.clone(),
            started: Some(started),
            way: Way::Following(Box::new(following)),
            parted_at: None,
        }
    }

    /// The input at which the first other command was sent, or the first recorded one was not.
    pub fn parted_at(&self) -> Option<Sequence> {
        self.parted_at
    }

    /// Leaves the recorded way: what was working there goes to the simulated venue.
    fn part(&mut self) -> Result<(), WorldError> {
        let following = match std::mem::replace(&mut self.way, Way::Nowhere) {
            Way::Following(following) => *following,
            other => {
                self.way = other;
                return Ok(());
            }
        };
        self.parted_at = Some(Sequence::input(following.inputs));
        let Following { events, inputs, next, last, held, working, timers, .. } = following;
        let rest: Vec<Box<dyn Source>> = vec![Box::new(Outside { next, events })];
        let mut last: Vec<Event> = last.into_values().collect();
        last.sort_by_key(|event| event.header.sequence);
        let held: Vec<_> = held.into_iter().collect();
        let working = working.into_values().collect();
        let mut world = Simulated::going_on(&self.settings, rest, &last, held, working, inputs)?;
        for (time, timer) in timers {
            world.send(Command::Wake { timer, time })?;
        }
        self.way = Way::Simulated(Box::new(world));
        Ok(())
    }
}

impl<I: Recording + Send + 'static> World for Branched<I> {
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        if let Way::Following(following) = &self.way
            && !following.expected.is_empty()
        {
            self.part()?;
        }
        match &mut self.way {
            Way::Following(following) => {
                if !following.advance()? {
                    return Ok(None);
                }
                if let (Fact::RunStarted(recorded), Some(started)) =
                    (&mut following.current.fact, self.started.take())
                {
                    following.recorded = Settings::from_canonical_json(&recorded.settings).ok().map(Box::new);
                    **recorded = started;
                }
                Ok(Some(&mut following.current))
            }
            Way::Simulated(world) => world.next(),
            Way::Nowhere => Ok(None),
        }
    }

    fn send(&mut self, command: Command) -> Result<(), WorldError> {
        if let Way::Following(following) = &mut self.way {
            if following.follow(&command, &self.settings) {
                return Ok(());
            }
            self.part()?;
        }
        match &mut self.way {
            Way::Simulated(world) => world.send(command),
            Way::Following(_) | Way::Nowhere => Ok(()),
        }
    }
}

impl<I: Recording> Following<I> {
    /// Takes the next input and the commands that it caused when it was recorded.
    fn advance(&mut self) -> Result<bool, WorldError> {
        let input = match self.next.take() {
            Some(input) => input,
            None => match next_of(&mut self.events)? {
                Some(first) => first,
                None => return Ok(false),
            },
        };
        self.current = input;
        self.inputs += 1;
        while let Some(event) = next_of(&mut self.events)? {
            if event.header.sequence.is_input() {
                self.next = Some(event);
                break;
            }
            if is_command(event.fact.kind()) {
                self.expected.push_back(event);
            }
        }
        self.note();
        Ok(true)
    }

    /// Keeps what the simulated venue would have to know.
    fn note(&mut self) {
        let header = self.current.header;
        match &self.current.fact {
            Fact::OrderAccepted(notice) => {
                if let Some(one) = self.working.get_mut(&notice.order) {
                    one.accepted = true;
                }
            }
            Fact::OrderFilled(fill) => {
                let effect = self.effects.get(&fill.order).copied().unwrap_or_default();
                let held = self.held.entry(header.instrument).or_default();
                held.fill(fill.order, fill.side, fill.quantity, effect);
                if let Some(one) = self.working.get_mut(&fill.order) {
                    (one.accepted, one.resting.remaining) = (true, fill.remaining);
                }
                if fill.remaining == Quantity::ZERO {
                    self.working.remove(&fill.order);
                }
            }
            Fact::OrderRejected(rejected) => {
                self.working.remove(&rejected.order);
            }
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                self.working.remove(&closed.order);
            }
            Fact::CancelRejected(notice) => {
                if let Some(one) = self.working.get_mut(&notice.order) {
                    one.cancelling = false;
                }
            }
            Fact::OrderReplaced(replaced) => {
                if let Some(one) = self.working.get_mut(&replaced.order) {
                    let filled = one.resting.order.quantity - one.resting.remaining;
                    one.resting.order.kind = replaced.kind;
                    one.resting.order.quantity = replaced.quantity;
                    one.resting.remaining = replaced.quantity - filled;
                }
            }
            Fact::TimerFired(fired) => self.timers.retain(|(_, timer)| *timer != fired.timer),
            fact if fact.kind().is_market() || fact.kind() == Kind::SessionChanged => {
                self.last.insert((header.instrument, fact.kind()), self.current.clone());
            }
            _ => {}
        }
    }

    /// Whether a command is the one that was recorded; then it is done.
    fn follow(&mut self, command: &Command, settings: &Settings) -> bool {
        let recorded = match command {
            Command::Wake { timer, time } => {
                // Recorded timers fire as they did; other ones are set by the simulated world.
                let now = self.current.header.sequence;
                let recorded = self.recorded.as_ref().and_then(|recorded| trigger_of(*timer, recorded, now));
                let same = recorded.is_some() && recorded == trigger_of(*timer, settings, now);
                if same {
                    self.timers.push((*time, *timer));
                }
                return same;
            }
            Command::SubmitOrder { .. } | Command::CancelOrder { .. } | Command::ReplaceOrder { .. } => {
                self.expected.pop_front()
            }
        };
        let Some(recorded) = recorded else { return false };
        match (command, &recorded.fact) {
            (Command::SubmitOrder { cause, time, instrument, order }, Fact::OrderSubmitted(was))
                if **was == *order && recorded.header.instrument == *instrument =>
            {
                if settings.hedges() && order.effect() != PositionEffect::Open {
                    self.effects.insert(order.order, order.effect());
                }
                let resting = Resting::new(*cause, *time, *instrument, order.clone());
                let one = Working { resting, accepted: false, cancelling: false };
                self.working.insert(order.order, one);
                true
            }
            (Command::CancelOrder { order, .. }, Fact::CancelRequested(was)) if was.order == *order => {
                if let Some(one) = self.working.get_mut(order) {
                    one.cancelling = true;
                }
                true
            }
            (Command::ReplaceOrder { replacement, .. }, Fact::ReplaceRequested(was)) => was == replacement,
            _ => false,
        }
    }
}

/// When the strategy decides whose timer this is.
fn trigger_of(timer: TimerId, settings: &Settings, now: Sequence) -> Option<Trigger> {
    let strategy = timer.0.checked_sub(TRIGGER_TIMER.0)?;
    if !settings.strategies.is_empty() {
        return settings.strategies.get(strategy as usize).map(|shared| shared.trigger);
    }
    let later = settings.later.as_ref().filter(|later| later.from <= now);
    (strategy == 0).then(|| later.map_or(settings.trigger, |later| later.trigger))
}

/// Whether a command left with an event of this kind.
fn is_command(kind: Kind) -> bool {
    matches!(kind, Kind::OrderSubmitted | Kind::CancelRequested | Kind::ReplaceRequested)
}

/// What is left of a recording, without what only the recorded orders brought about.
struct Outside<I> {
    next: Option<Event>,
    events: I,
}

impl<I: Recording + Send> Source for Outside<I> {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let wanted = batch.len() + limit;
        while batch.len() < wanted {
            let event = match self.next.take() {
                Some(event) => event,
                None => match next_of(&mut self.events)? {
                    Some(event) => event,
                    None => break,
                },
            };
            let kind = event.fact.kind();
            let outside =
                event.header.sequence.is_input() && !kind.is_from_venue() && kind != Kind::TimerFired;
            if outside {
                let mut event = event;
                event.header.cause = Sequence::NONE;
                batch.push(event);
            }
        }
        Ok(())
    }
}
