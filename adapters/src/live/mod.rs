//! The Live world: market data as it comes, a broker that answers when it likes, an operator who may speak at any
//! time.
//!
//! Everything becomes an input with one arrival time, in one order, and is journaled before anything reacts: what
//! happened live is replayed from those inputs alone. Time comes from one [`Clock`] and never runs backwards.
//!
//! ```text
//! feed ────────────────┐
//! desk ──► answers ────┤
//! operator ──► queue ──┼──► next() ──► the loop ──► send() ──► desk ──► broker
//! timers, heartbeat ───┘
//! ```
//!
//! At one time answers come before market events and timers last. Without a pace ([`Pace::Max`]) event time drives: a
//! session over recorded data then waits for the paper broker while orders work, and comes out the same every time.

mod clock;
mod operator;
mod telemetry;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam::channel::{Receiver, unbounded};
use crossbeam::select;
use genovo_engine::command::Command;
use genovo_engine::engine::HEARTBEAT;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, TimerId};
use genovo_engine::settings::Settings;
use genovo_engine::tickets::Quantities;
use genovo_engine::units::{Nanoseconds, Quantity, Timestamp};
use genovo_engine::world::{World, WorldError};

use crate::broker::desk::{Conduct, Due, Task};
use crate::broker::reconcile::{ExecutionKey, Known, Mirror};
use crate::broker::{Cancel, ClientIds, Desk, Execution, NewOrder, Replace};
use crate::feed::{Bell, Feed, Next};

pub use clock::{Clock, Pace, SystemTimeSource, TimeSource};
use operator::Said;
pub use operator::{Operator, Word};
pub use telemetry::{Latency, Message, Telemetry};

/// How long the session may go without an input.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// The last stretch of a wait is spent looking instead of sleeping: waking up takes the system longer.
const LAST_STRETCH: Duration = Duration::from_micros(120);
/// The longest sleep: whoever speaks then is heard.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// What a session that goes on knows of the time before.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The arrival time of the last input.
    pub now: Timestamp,
    /// How many market events the journal has.
    pub market: u64,
    /// Every order that was sent.
    pub orders: Vec<(OrderId, Known)>,
    /// Every fill.
    pub fills: Vec<ExecutionKey>,
    /// Positions by instrument.
    pub positions: Vec<Quantities>,
    /// The timers that the engine waits for.
    pub wakes: Vec<(TimerId, Timestamp)>,
    /// Until when the market went on without us, by the session's time.
    pub missed_until: Option<Timestamp>,
}

/// What a session is made of.
pub struct Parts {
    /// The settings of its engine.
    pub settings: Settings,
    /// The first event, for a session that begins; `None` for one that goes on.
    pub started: Option<RunStarted>,
    /// The ids of its orders.
    pub ids: ClientIds,
    /// Where market data comes from. It stands at the first event that the journal does not have.
    pub feed: Box<dyn Feed>,
    /// Who takes orders.
    pub broker: Box<dyn Execution>,
    /// The clock. A session that begins starts at its time.
    pub clock: Clock,
    /// What was before.
    pub past: Past,
    /// How long an idle thread, ours or the desk's, looks for work before it sleeps; [`Duration::MAX`]: neither ever
    /// sleeps, and each has a core for itself.
    pub look: Duration,
    /// The session's time at which it stops: what arrives later is left for a session that goes on.
    pub until: Option<Timestamp>,
    /// Says when a chapter of the journal is due to end, by the time of the event that is next.
    pub chapter_due: Option<ChapterDue>,
}

/// Asks the journal whether its chapter is due to end at the time of the next event, or, without one, closes it
/// because the session stops. What it says becomes an input.
pub type ChapterDue = Box<dyn FnMut(Option<Timestamp>) -> Option<ChapterClosed> + Send>;

/// How a session came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It goes on.
    Running,
    /// It was stopped, and can go on later.
    Stopped,
    /// The market data ended.
    DataEnded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum StopWhen {
    Never,
    Flat,
    Quiet,
    Now,
}

/// A live session as the loop sees it.
pub struct Live {
    settings: Settings,
    ids: ClientIds,
    feed: Box<dyn Feed>,
    /// What the feed has said already.
    peeked: Option<Result<Next, WorldError>>,
    desk: Desk,
    simulates: bool,
    clock: Clock,
    look: Duration,
    until: Option<Timestamp>,
    /// Since when, by the steady clock, there is nothing to do.
    idle_since: Option<Duration>,
    chapter_due: Option<ChapterDue>,
    opening: VecDeque<Event>,
    inbox: Receiver<Event>,
    rung: Receiver<()>,
    words: Receiver<Said>,
    operator: Operator,
    /// Answers that have not arrived yet, by arrival and then by the order in which they were said.
    answers: BTreeMap<(Timestamp, u64), Event>,
    said: u64,
    /// When the last of them arrives.
    heard: Timestamp,
    timers: Vec<(Timestamp, TimerId)>,
    /// Market events handed out, those of the past included.
    market: u64,
    /// While behind: the market time and number to catch up with.
    behind: Option<(Timestamp, u64)>,
    backfilled: u64,
    working: BTreeSet<OrderId>,
    /// Those among them that only protect a position: nothing is under way because of them.
    protecting: BTreeSet<OrderId>,
    positions: Vec<Quantities>,
    /// What the orders do to positions, where the account hedges.
    effects: BTreeMap<OrderId, PositionEffect>,
    /// The longest that market data takes to arrive: the venue's time is never ahead of what it can have seen.
    feed_latency: Nanoseconds,
    heartbeat: Duration,
    told: Option<Timestamp>,
    stop: StopWhen,
    ending: Ending,
    feed_ended: bool,
    /// When, by the steady clock, the event that was handed out last was due.
    due: Duration,
    /// The same of a market event that the loop is at.
    measured: Option<Duration>,
    telemetry: Arc<Mutex<Telemetry>>,
    now: Timestamp,
    current: Option<Event>,
}

impl Live {
    /// Opens a session: the desk starts to connect at once.
    pub fn open(parts: Parts) -> Result<Live, WorldError> {
        let Parts { settings, started, ids, mut feed, broker, mut clock, past, look, until, chapter_due } =
            parts;
        let (answers, inbox) = unbounded();
        let (speaker, words) = unbounded();
        let simulates = broker.simulates();
        let seen_by_broker = broker.market_seen();
        let mirror = Mirror::new(ids.clone(), past.orders.iter().copied(), past.fills.iter().copied());
        let working = mirror.working().map(|(order, _)| order).collect();
        let protecting = past.orders.iter().filter(|(_, known)| known.record.protects());
        let protecting = protecting.map(|(order, _)| *order).collect();
        // Every execution of the session is of interest: a fill may have been missed at any time.
        let since = Timestamp::MIN;
        let count = settings.instruments.len() as u32;
        let telemetry: Arc<Mutex<Telemetry>> = Arc::default();
        let positions = settings.account.positions;
        let conduct = Conduct { look, positions, telemetry: Arc::clone(&telemetry), ..Conduct::default() };
        let mut desk = Desk::open_with(broker, mirror, count, since, answers, conduct);
        let (bell, rung) = Bell::new();
        feed.wake_by(bell);
        let mut positions = past.positions.clone();
        positions.resize(count as usize, Quantities::default());
        let effects = past.orders.iter().filter(|_| settings.hedges());
        let effects = effects.map(|(order, known)| (*order, known.record.effect())).collect();
        let mut opening = VecDeque::new();
        let link = |link, state, reason: String| {
            Fact::ConnectionChanged(Box::new(ConnectionChanged { link, state, reason }))
        };
        let mut peeked = None;
        let now = if started.is_some() {
            let next = feed.peek()?;
            // A gap is said once: it is for `next`.
            peeked = Some(Ok(next));
            match next {
                Next::At(time) if clock.now().is_none_or(|now| now <= time) => time,
                _ => clock.now().unwrap_or(past.now),
            }
        } else {
            past.now
        };
        let mut behind = None;
        match started {
            Some(started) => {
                let fact = Fact::RunStarted(Box::new(started));
                opening.push_back(Event::unnumbered(now, now, InstrumentId::NONE, fact));
                for (instrument, number) in settings.instruments.iter().zip(1..) {
                    let fact = Fact::InstrumentDefined(Box::new(instrument.clone()));
                    opening.push_back(Event::unnumbered(now, now, InstrumentId(number), fact));
                }
                let fact = link(Link::Market, Connection::Live, feed.name());
                opening.push_back(Event::unnumbered(now, now, InstrumentId::NONE, fact));
                clock.set(now);
            }
            None => {
                // Whatever the journal says of the links was true of a session that is no more.
                let gone = "the session was away".to_string();
                let until = past.missed_until.unwrap_or(now).max(now);
                for fact in [
                    link(Link::Broker, Connection::Disconnected, gone),
                    link(Link::Market, Connection::Syncing, format!("{}: catching up", feed.name())),
                ] {
                    opening.push_back(Event::unnumbered(now, now, InstrumentId::NONE, fact));
                }
                behind = Some((until, seen_by_broker.max(past.market)));
                clock.set(until);
            }
        }
        desk.give(Task::Connect);
        if simulates {
            // It is in the house: there is nothing to wait for but the thread.
            desk.wait();
        }
        let latencies = settings.sources.iter().map(|source| source.feed_latency);
        let feed_latency = latencies.max().unwrap_or(Nanoseconds::ZERO);
        let heartbeat = clock.steady() + HEARTBEAT_EVERY;
        let due = clock.steady();
        Ok(Live {
            ids,
            feed,
            peeked,
            desk,
            simulates,
            clock,
            look,
            until,
            idle_since: None,
            chapter_due,
            opening,
            inbox,
            rung,
            words,
            operator: Operator::new(speaker),
            answers: BTreeMap::new(),
            said: 0,
            heard: Timestamp::MIN,
            timers: past.wakes.into_iter().map(|(timer, time)| (time, timer)).collect(),
            market: past.market,
            behind,
            backfilled: 0,
            working,
            protecting,
            positions,
            effects,
            feed_latency,
            heartbeat,
            told: None,
            stop: StopWhen::Never,
            ending: Ending::Running,
            feed_ended: false,
            due,
            measured: None,
            telemetry,
            now,
            current: None,
            settings,
        })
    }

    /// Speaks to this session.
    pub fn operator(&self) -> Operator {
        self.operator.clone()
    }

    /// What is measured, to be looked at from any thread.
    pub fn telemetry(&self) -> Arc<Mutex<Telemetry>> {
        Arc::clone(&self.telemetry)
    }

    /// How it ended.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// How many market events were caught up with after the session was away.
    pub fn backfilled(&self) -> u64 {
        self.backfilled
    }

    /// Lends an event to the loop, which is due now.
    fn hand_out(&mut self, event: Event) -> Option<&mut Event> {
        self.due = self.clock.steady();
        self.lend(event)
    }

    /// Lends an event to the loop. Its time of arrival never runs backwards.
    fn lend(&mut self, mut event: Event) -> Option<&mut Event> {
        let header = &mut event.header;
        self.now = self.now.max(header.time_received);
        header.time_received = self.now;
        if header.time_event == Timestamp::MIN {
            header.time_event = self.now;
        }
        self.idle_since = None;
        self.note(&event);
        self.current = Some(event);
        self.current.as_mut()
    }

    /// What a session knows of its orders and positions, from what it hands out.
    fn note(&mut self, event: &Event) {
        match &event.fact {
            Fact::OrderFilled(fill) => {
                if let Some(held) =
                    event.header.instrument.index().and_then(|index| self.positions.get_mut(index))
                {
                    let effect = self.effects.get(&fill.order).copied().unwrap_or_default();
                    held.fill(fill.order, fill.side, fill.quantity, effect);
                }
                if fill.remaining == Quantity::ZERO {
                    self.working.remove(&fill.order);
                }
            }
            Fact::TradeCorrected(trade) if trade.corrected.is_none() => {
                if let Some(held) =
                    event.header.instrument.index().and_then(|index| self.positions.get_mut(index))
                {
                    let position = match self.effects.get(&trade.order) {
                        Some(PositionEffect::Close(position)) => *position,
                        _ => trade.order,
                    };
                    held.add(position, Quantity(trade.quantity.0.saturating_mul(-trade.side.sign())));
                }
            }
            Fact::OrderRejected(rejected) => drop(self.working.remove(&rejected.order)),
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                self.working.remove(&closed.order);
            }
            _ => {}
        }
    }

    /// Takes in what others have said meanwhile.
    fn listen(&mut self) {
        while let Ok(event) = self.inbox.try_recv() {
            self.hear(event);
        }
    }

    fn hear(&mut self, mut event: Event) {
        if event.header.time_received == Timestamp::MIN {
            // While behind, the time that the clock shows is yet to come.
            let now = self.clock.now().filter(|_| self.behind.is_none());
            event.header.time_received = now.unwrap_or(self.now).max(self.now);
        }
        // Who speaks second is heard second.
        self.heard = self.heard.max(event.header.time_received);
        event.header.time_received = self.heard;
        self.said += 1;
        self.answers.insert((event.header.time_received, self.said), event);
    }

    /// What the operator said next, as a fact.
    fn word(&mut self) -> Option<Fact> {
        let word = match self.words.try_recv().ok()? {
            Said::Word(word) => word,
            Said::Fact(fact) => return Some(*fact),
        };
        let (command, stop) = match word {
            Word::Operator(OperatorCommand::Stop) => (Some(OperatorCommand::Stop), StopWhen::Now),
            Word::Operator(command) => (Some(command), StopWhen::Never),
            Word::StopWhenFlat => (None, StopWhen::Flat),
            Word::StopWhenQuiet => (None, StopWhen::Quiet),
        };
        self.stop = self.stop.max(stop);
        match command {
            Some(command) => Some(Fact::OperatorCommanded(OperatorCommanded { command })),
            None => self.word(),
        }
    }

    fn may_stop(&self) -> bool {
        match self.stop {
            StopWhen::Never => false,
            StopWhen::Now => true,
            StopWhen::Quiet => self.working.is_subset(&self.protecting),
            StopWhen::Flat => {
                let flat = self.positions.iter().all(|held| match self.settings.hedges() {
                    true => held.all().is_empty(),
                    false => held.net() == Quantity::ZERO,
                });
                flat && self.working.is_empty() && self.behind.is_none()
            }
        }
    }

    /// When the feed's next event is due; the first `Option` is whether there may be one.
    fn feed_time(&mut self) -> Result<Option<Timestamp>, WorldError> {
        if self.feed_ended {
            return Ok(None);
        }
        match self.peeked.take().unwrap_or_else(|| self.feed.peek())? {
            Next::At(time) => Ok(Some(time)),
            Next::Gap(gap) => {
                if let Ok(mut telemetry) = self.telemetry.lock() {
                    telemetry.lost = telemetry.lost.saturating_add(gap.count.unwrap_or(1));
                }
                let fact = Fact::FeedGap(Box::new(gap));
                self.hear(Event::unnumbered(Timestamp::MIN, Timestamp::MIN, InstrumentId::NONE, fact));
                Ok(None)
            }
            Next::Nothing => Ok(None),
            Next::Ended => {
                self.feed_ended = true;
                if self.simulates {
                    // What is on its way gets there, and is answered, although the market says no more.
                    self.desk.give(Task::Time(Timestamp::MAX));
                    self.desk.wait();
                    self.listen();
                }
                Ok(None)
            }
        }
    }

    /// Hands out the market's next event and shows it to a broker that simulates.
    fn hand_out_market(&mut self) -> Option<&mut Event> {
        let event = self.feed.take()?;
        self.market += 1;
        if self.simulates {
            self.desk.give(Task::Market(event.clone(), self.market));
        }
        // Counted from when it was due, so that a session that is late knows it. One of the past is due when it is
        // its turn.
        self.due = match self.behind.is_some() || self.feed_ended {
            true => self.clock.steady(),
            false => self.clock.steady_at(event.header.time_received),
        };
        if self.behind.is_some() {
            self.backfilled += 1;
        }
        self.measured = Some(self.due);
        self.lend(event)
    }

    fn hand_out_chapter(&mut self, closed: ChapterClosed) -> Option<&mut Event> {
        let fact = Fact::ChapterClosed(closed);
        self.hand_out(Event::unnumbered(self.now, self.now, InstrumentId::NONE, fact))
    }

    /// Whether the market that was missed is behind us; then the link is live again.
    fn caught_up(&mut self, feed: Option<Timestamp>) -> bool {
        let Some((until, number)) = self.behind else { return false };
        if self.market < number && !self.feed_ended {
            return false;
        }
        if feed.is_some_and(|time| time <= until) {
            return false;
        }
        self.behind = None;
        // Catching up took its time too.
        self.clock.set(until.max(self.now));
        if self.simulates {
            self.desk.wait();
            self.listen();
        }
        true
    }

    fn heartbeat(&mut self) -> Option<Event> {
        let now = self.clock.now()?;
        let steady = self.clock.steady();
        if steady < self.heartbeat || self.behind.is_some() {
            return None;
        }
        self.heartbeat = steady + HEARTBEAT_EVERY;
        let fact = match self.clock.step() {
            Some(step) => Fact::ClockChecked(ClockChecked { step }),
            None => Fact::TimerFired(TimerFired { timer: HEARTBEAT }),
        };
        Some(Event::unnumbered(now, now, InstrumentId::NONE, fact))
    }

    /// Tells a simulating broker the time, so that an order under way arrives although no tick does.
    fn tell_time(&mut self) {
        if !self.simulates || self.working.is_empty() || self.behind.is_some() {
            return;
        }
        let Some(now) = self.clock.now() else { return };
        let now = Timestamp(now.0.saturating_sub(self.feed_latency.0));
        let step = Nanoseconds(self.settings.venue.latency.0.max(1_000_000));
        if self.told.is_none_or(|told| now >= told + step) {
            self.told = Some(now);
            self.desk.give(Task::Time(now));
        }
    }

    /// Waits a moment: looking, as long as it may, then asleep until the next event is nearly due or somebody speaks.
    fn wait(&mut self, next: Option<Timestamp>) {
        let steady = self.clock.steady();
        let idle = steady.saturating_sub(*self.idle_since.get_or_insert(steady));
        let wait = next.map_or(SLEEP_MAX, |time| self.clock.until(time)).min(SLEEP_MAX);
        // Who rang before we looked was heard; who rang after that is looked for once more.
        if idle < self.look || wait <= LAST_STRETCH || self.rung.try_recv().is_ok() {
            std::hint::spin_loop();
            return;
        }
        select! {
            recv(self.inbox) -> event => {
                if let Ok(event) = event { self.hear(event) }
            }
            recv(self.rung) -> _ => {}
            default(wait - LAST_STRETCH) => {}
        }
    }

    /// The loop is done with the market event that it was handed out last.
    fn done(&mut self) {
        let Some(due) = self.measured.take() else { return };
        let taken = self.clock.steady().saturating_sub(due);
        if let Ok(mut telemetry) = self.telemetry.lock() {
            telemetry.ticks.record(taken);
        }
    }

    /// For measuring: when what causes the messages of the loop was due, by the system's clock.
    fn due(&self) -> Due {
        self.clock.moment(self.due)
    }

    /// When, by the steady clock, an event of this time is due.
    pub fn due_at(&self, time: Timestamp) -> Duration {
        self.clock.steady_at(time)
    }
}

impl World for Live {
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        self.done();
        if let Some(event) = self.opening.pop_front() {
            return Ok(self.hand_out(event));
        }
        loop {
            self.listen();
            if let Some(fact) = self.word() {
                let time = self.clock.now().unwrap_or(self.now).max(self.now);
                return Ok(self.hand_out(Event::unnumbered(time, time, InstrumentId::NONE, fact)));
            }
            if self.may_stop() {
                let closed = match self.ending {
                    Ending::Running => self.chapter_due.as_mut().and_then(|due| due(None)),
                    Ending::Stopped | Ending::DataEnded => None,
                };
                self.ending = Ending::Stopped;
                return Ok(closed.and_then(|closed| self.hand_out_chapter(closed)));
            }
            let paced = self.clock.now().filter(|_| self.behind.is_none());
            if paced.is_none() && self.simulates && !self.working.is_empty() && !self.desk.is_idle() {
                // Event time drives: what the broker says to this event comes before the next.
                self.desk.wait();
                self.listen();
            }
            let feed = self.feed_time()?;
            if self.caught_up(feed) {
                let reason = match self.backfilled {
                    0 => "nothing was missed".to_string(),
                    1 => "1 event backfilled".to_string(),
                    count => format!("{count} events backfilled"),
                };
                let fact = ConnectionChanged { link: Link::Market, state: Connection::Live, reason };
                let fact = Fact::ConnectionChanged(Box::new(fact));
                return Ok(self.hand_out(Event::unnumbered(self.now, self.now, InstrumentId::NONE, fact)));
            }
            let answer = self.answers.first_key_value().map(|(key, _)| key.0);
            let timer = (0..self.timers.len()).min_by_key(|&index| self.timers[index]);
            let timer_time = timer.map(|index| self.timers[index].0);
            // Timers alone would go on for ever: they end with the market and the broker's last word.
            if self.feed_ended && answer.is_none() {
                self.ending = Ending::DataEnded;
                return Ok(None);
            }
            let next = [answer, feed, timer_time].into_iter().flatten().min();
            if let Some(until) = self.until.filter(|&until| match paced {
                Some(now) => now >= until && next.is_none_or(|time| time > until),
                None => next.is_some_and(|time| time > until),
            }) {
                self.until = None;
                self.stop = StopWhen::Now;
                let fact = Fact::OperatorCommanded(OperatorCommanded { command: OperatorCommand::Stop });
                return Ok(self.hand_out(Event::unnumbered(until, until, InstrumentId::NONE, fact)));
            }
            let Some(time) = next.filter(|time| {
                let arrived = paced.is_none_or(|now| *time <= now);
                arrived || *time <= self.now || self.feed_ended
            }) else {
                if let Some(event) = self.heartbeat() {
                    return Ok(self.hand_out(event));
                }
                self.tell_time();
                self.wait(next);
                continue;
            };
            if answer == Some(time) {
                let Some((_, event)) = self.answers.pop_first() else { continue };
                return Ok(self.hand_out(event));
            }
            if feed == Some(time) {
                if let Some(closed) = self.chapter_due.as_mut().and_then(|due| due(Some(time))) {
                    // It ends before the event of another day.
                    return Ok(self.hand_out_chapter(closed));
                }
                return Ok(self.hand_out_market());
            }
            if let Some(index) = timer {
                let (time, timer) = self.timers.swap_remove(index);
                let fact = Fact::TimerFired(TimerFired { timer });
                return Ok(self.hand_out(Event::unnumbered(time, time, InstrumentId::NONE, fact)));
            }
        }
    }

    fn send(&mut self, command: Command) -> Result<(), WorldError> {
        let due = self.due();
        let task = match command {
            Command::SubmitOrder { cause, time, instrument, order } => {
                self.working.insert(order.order);
                if self.settings.hedges() {
                    self.effects.insert(order.order, order.effect());
                }
                if order.terms.protects(order.kind) {
                    self.protecting.insert(order.order);
                }
                let client = self.ids.of(order.order);
                let symbol = self.settings.instrument(instrument).map(|rules| rules.symbol.clone());
                let symbol = symbol.unwrap_or_default();
                Task::Submit(Box::new(NewOrder { client, cause, time, instrument, symbol, order }), due)
            }
            Command::CancelOrder { cause, time, instrument, order } => {
                let client = self.ids.of(order);
                Task::Cancel(Box::new(Cancel { client, order, cause, time, instrument }), due)
            }
            Command::ReplaceOrder { cause, time, instrument, replacement } => {
                let client = self.ids.of(replacement.order);
                Task::Replace(Box::new(Replace { client, replacement, cause, time, instrument }), due)
            }
            Command::Wake { timer, time } => {
                self.timers.push((time, timer));
                return Ok(());
            }
        };
        let is_order = matches!(task, Task::Submit(..));
        if !self.desk.give(task) {
            return Err(WorldError::new("the broker's thread has stopped"));
        }
        if is_order && let Ok(mut telemetry) = self.telemetry.lock() {
            telemetry.queue_max = telemetry.queue_max.max(self.desk.waiting());
        }
        Ok(())
    }

    fn is_idle(&mut self) -> bool {
        if self.feed_ended || self.behind.is_some() || !self.inbox.is_empty() || !self.answers.is_empty() {
            return false;
        }
        match self.peeked.take().unwrap_or_else(|| self.feed.peek()) {
            Ok(Next::Nothing) => true,
            // What it has to say is for `next`, and a feed says some things once.
            said => {
                let waits =
                    matches!(said, Ok(Next::At(time)) if self.clock.now().is_some_and(|now| time > now));
                self.peeked = Some(said);
                waits
            }
        }
    }
}
