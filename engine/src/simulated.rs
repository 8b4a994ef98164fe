//! The Simulated world: recorded market data, and a venue that answers orders.
//!
//! Two clocks run over one stream. The venue sees a market event when it happened, the engine when it arrived; an order
//! takes its latency to get there and its answer to come back. So the stream is read ahead as far as the venue needs,
//! and handed on in the order of arrival:
//!
//! ```text
//!             venue's place ▼              (happened by now, or by the arrival of an order)
//! market:  … ● ● ● ● ● ● ● ● ● ○ ○ ○ …    ● seen by the venue
//!                  ▲ engine's place        (arrived by now)
//! ```
//!
//! Things of one time go by number: market event `k` has number `2k`, what the venue said after it `2k + 1`,
//! timers come last. An order of no latency therefore meets the very quote that caused it, and its fill is
//! known before the next.

use std::collections::VecDeque;

use crate::command::Command;
use crate::event::{Event, Fact, Header, Kind, Replacement, RunStarted, TimerFired};
use crate::ids::{InstrumentId, OrderId, Sequence, TimerId};
use crate::merge::Merge;
use crate::quality::{Quality, what_drops};
use crate::settings::{Settings, VenueSettings};
use crate::tickets::Quantities;
use crate::units::{Nanoseconds, Timestamp};
use crate::venue::{Resting, Venue};
use crate::world::{Source, World, WorldError};

/// Time, then number: what comes first.
type Key = (Timestamp, u64);

enum Request {
    Submit(Box<Resting>),
    Cancel { instrument: InstrumentId, order: OrderId, cause: Sequence },
    Replace { instrument: InstrumentId, replacement: Box<Replacement>, cause: Sequence, sent: Timestamp },
}

/// Recorded market data with a simulated venue.
pub struct Simulated {
    market: Merge,
    floor: Floor,
    latency: Nanoseconds,
    /// Events to give before the market: who the run is, what it trades. Last first.
    opening: Vec<Event>,
    /// Read, but not yet handed to the engine.
    ahead: VecDeque<Event>,
    /// How many of `ahead` the venue has seen.
    seen_ahead: usize,
    /// The number of the first event in `ahead`, counted from 1.
    first_ahead: u64,
    ended: bool,
    requests: VecDeque<(Key, Request)>,
    timers: Vec<(Timestamp, TimerId)>,
    /// What is lent to the loop, unless it lies in the market's own buffer.
    current: Option<Event>,
    /// Arrival time of what was handed out last.
    now: Timestamp,
    /// The venue's settings that take over, and how many inputs before the first that meets them.
    upcoming: Option<Box<(u64, VenueSettings)>>,
}

/// An order that was under way or working when another world broke off.
#[derive(Clone, Debug)]
pub(crate) struct Working {
    /// The order and what is left of it.
    pub resting: Resting,
    /// Whether the venue had taken it.
    pub accepted: bool,
    /// Whether a cancel was under way.
    pub cancelling: bool,
}

/// The venue's side of the world.
struct Floor {
    venue: Venue,
    /// One watch an instrument, for what is dropped; none when nothing ever is.
    quality: Vec<Quality>,
    /// How far the venue has lived.
    time: Timestamp,
    answers: VecDeque<(Key, Event)>,
    scratch: Vec<Event>,
}

impl Floor {
    fn new(settings: &Settings) -> Floor {
        let quality = what_drops(&settings.quality);
        let watches =
            quality.map_or(Vec::new(), |quality| vec![Quality::new(&quality); settings.instruments.len()]);
        Floor {
            venue: Venue::new(settings),
            quality: watches,
            time: Timestamp::MIN,
            answers: VecDeque::new(),
            scratch: Vec::new(),
        }
    }

    /// When a market event reaches the venue: when it happened, but never after it arrived and never before the one in
    /// front of it.
    #[inline]
    fn time_of(&self, header: &Header) -> Timestamp {
        header.time_event.max(self.time).min(header.time_received)
    }

    /// Shows the venue a market event; `number` is that of what it says to it.
    #[inline]
    fn show(&mut self, event: &Event, time: Timestamp, number: u64) {
        self.time = time;
        // A venue knows nothing of what we are told, nor of an operator.
        let kind = event.fact.kind();
        let ours = matches!(kind, Kind::SignalReceived | Kind::FeaturesReselected) || kind.is_outside();
        if ours || !kind.is_sourced() {
            return;
        }
        if !self.quality.is_empty() {
            let index = event.header.instrument.index();
            let quality = index.and_then(|index| self.quality.get_mut(index));
            if quality.is_some_and(|quality| quality.check(event).dropped()) {
                return;
            }
        }
        self.venue.on_market(event, time, &mut self.scratch);
        if !self.scratch.is_empty() {
            // What a bar did to an order happened before the bar was known.
            let before = u64::from(matches!(event.fact, Fact::BarReceived(_))) * 2;
            self.queue_answers(number - before);
        }
    }

    fn queue_answers(&mut self, number: u64) {
        for answer in self.scratch.drain(..) {
            self.answers.push_back(((answer.header.time_received, number), answer));
        }
    }
}

impl Simulated {
    /// A world over these sources. `started` is the run's first event.
    pub fn new(
        settings: &Settings,
        started: RunStarted,
        sources: Vec<Box<dyn Source>>,
    ) -> Result<Simulated, WorldError> {
        let mut world = Simulated::empty(settings, sources);
        // The run begins with its data: its first events carry the time of the first tick.
        world.read_ahead(0)?;
        let time = world.ahead.front().map_or(Timestamp(0), |event| event.header.time_received);
        for (index, instrument) in settings.instruments.iter().enumerate().rev() {
            let fact = Fact::InstrumentDefined(Box::new(instrument.clone()));
            world.opening.push(Event::unnumbered(time, time, InstrumentId(index as u32 + 1), fact));
        }
        let started = Fact::RunStarted(Box::new(started));
        world.opening.push(Event::unnumbered(time, time, InstrumentId::NONE, started));
        Ok(world)
    }

    fn empty(settings: &Settings, sources: Vec<Box<dyn Source>>) -> Simulated {
        Simulated {
            market: Merge::new(sources),
            floor: Floor::new(settings),
            latency: settings.venue.latency,
            opening: Vec::new(),
            ahead: VecDeque::new(),
            seen_ahead: 0,
            first_ahead: 1,
            ended: false,
            requests: VecDeque::new(),
            timers: Vec::new(),
            current: None,
            now: Timestamp::MIN,
            upcoming: settings
                .later
                .as_ref()
                .map(|later| Box::new((inputs_before(later.from), later.venue.clone()))),
        }
    }

    /// A world that goes on where another broke off: no opening events, a venue that saw `last`, knows what is `held`
    /// and has the orders `working`.
    ///
    /// `inputs` is how many the run has had; `sources` is what comes from then on.
    pub(crate) fn going_on(
        settings: &Settings,
        sources: Vec<Box<dyn Source>>,
        last: &[Event],
        held: Vec<(InstrumentId, Quantities)>,
        working: Vec<Working>,
        inputs: u64,
    ) -> Result<Simulated, WorldError> {
        let mut world = Simulated::empty(settings, sources);
        let mut nothing = Vec::new();
        for event in last {
            world.floor.venue.on_market(event, event.header.time_event, &mut nothing);
            world.now = world.now.max(event.header.time_received);
        }
        world.floor.time = world.now;
        for (instrument, quantities) in held {
            world.floor.venue.hold(instrument, quantities);
        }
        if let Some(upcoming) = &mut world.upcoming {
            upcoming.0 = upcoming.0.saturating_sub(inputs);
        }
        for one in working {
            if one.accepted {
                let cancel = Request::Cancel {
                    instrument: one.resting.instrument,
                    order: one.resting.order.order,
                    cause: one.resting.cause,
                };
                if one.cancelling {
                    world.requests.push_back(((world.now + world.latency, 1), cancel));
                }
                let Floor { venue, scratch, .. } = &mut world.floor;
                venue.take_over(one.resting, world.now, scratch);
                world.floor.queue_answers(1);
            } else {
                let request = Request::Submit(Box::new(one.resting));
                world.requests.push_back(((world.now + world.latency, 1), request));
            }
        }
        Ok(world)
    }

    /// Makes sure that `ahead` has an event at `index`, unless the market ended.
    #[inline]
    fn read_ahead(&mut self, index: usize) -> Result<(), WorldError> {
        while self.ahead.len() <= index && !self.ended {
            match self.market.next_event()? {
                Some(event) => self.ahead.push_back(event.clone()),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// The time and number of a market event on its way to the venue.
    #[inline]
    fn venue_key(&self, index: usize) -> Option<Key> {
        let time = self.floor.time_of(&self.ahead.get(index)?.header);
        Some((time, 2 * (self.first_ahead + index as u64)))
    }

    /// The number of what the venue says, or is told, after the last market event that it has seen.
    #[inline]
    fn venue_number(&self) -> u64 {
        2 * (self.first_ahead + self.seen_ahead as u64 - 1) + 1
    }

    /// Lets the venue live through everything up to `until`, or until it has said something that is heard before what
    /// comes next: what is decided then must find the venue as it was at that time.
    fn advance_venue(&mut self, until: Key) -> Result<(), WorldError> {
        loop {
            self.read_ahead(self.seen_ahead)?;
            let market = self.venue_key(self.seen_ahead).filter(|&key| key <= until);
            let request = self.requests.front().map(|(key, _)| *key).filter(|&key| key <= until);
            let Some(next) = [market, request].into_iter().flatten().min() else { return Ok(()) };
            if self.floor.answers.front().is_some_and(|(heard, _)| *heard < next) {
                return Ok(());
            }
            match (market, request) {
                (Some(market), request) if request.is_none_or(|request| market < request) => {
                    self.show_market(market.0)
                }
                _ => self.take_request(),
            }
        }
    }

    #[inline]
    fn show_market(&mut self, time: Timestamp) {
        let event = &self.ahead[self.seen_ahead];
        self.seen_ahead += 1;
        let number = 2 * (self.first_ahead + self.seen_ahead as u64 - 1) + 1;
        self.floor.show(event, time, number);
    }

    fn take_request(&mut self) {
        let Some(((time, _), request)) = self.requests.pop_front() else { return };
        let number = self.venue_number();
        let Floor { venue, time: venue_time, scratch, .. } = &mut self.floor;
        *venue_time = (*venue_time).max(time);
        match request {
            Request::Submit(resting) => venue.on_order(*resting, time, scratch),
            Request::Cancel { instrument, order, cause } => {
                venue.on_cancel(instrument, order, cause, time, scratch);
            }
            Request::Replace { instrument, replacement, cause, sent } => {
                venue.on_replace(instrument, *replacement, cause, sent, time, scratch);
            }
        }
        self.floor.queue_answers(number);
    }

    /// Counts the inputs before other settings of the venue hold.
    #[cold]
    fn come_closer(&mut self) {
        match self.upcoming.as_deref_mut() {
            Some((left, _)) if *left > 0 => *left -= 1,
            _ => {
                if let Some(upcoming) = self.upcoming.take() {
                    self.latency = upcoming.1.latency;
                    self.floor.venue.change(upcoming.1);
                }
            }
        }
    }

    fn next_timer(&self) -> Option<usize> {
        (0..self.timers.len()).min_by_key(|&index| self.timers[index])
    }

    /// Hands out an event that lies in no buffer.
    fn hand_out(&mut self, event: Event) -> Option<&mut Event> {
        let event = self.current.insert(event);
        on_time(&mut self.now, event);
        Some(event)
    }
}

/// How many inputs come before the first at or after a sequence. Inputs are numbered from 1.
fn inputs_before(from: Sequence) -> u64 {
    let number = from.input_number();
    if from.is_input() { number.saturating_sub(1) } else { number }
}

/// Arrival time never runs backwards.
#[inline]
fn on_time(now: &mut Timestamp, event: &mut Event) {
    *now = (*now).max(event.header.time_received);
    event.header.time_received = *now;
}

impl World for Simulated {
    #[inline]
    fn next(&mut self) -> Result<Option<&mut Event>, WorldError> {
        if self.upcoming.is_some() {
            self.come_closer();
        }
        if self.is_quiet() { self.next_quiet() } else { self.next_of_all() }
    }

    fn send(&mut self, command: Command) -> Result<(), WorldError> {
        // The venue may lag behind while it has no orders; numbers count from where it should be.
        self.advance_venue((self.now, 2 * (self.first_ahead - 1)))?;
        let number = self.venue_number();
        match command {
            Command::SubmitOrder { cause, time, instrument, order } => {
                let request = Request::Submit(Box::new(Resting::new(cause, time, instrument, order)));
                self.requests.push_back(((time + self.latency, number), request));
            }
            Command::CancelOrder { cause, time, instrument, order } => {
                let request = Request::Cancel { instrument, order, cause };
                self.requests.push_back(((time + self.latency, number), request));
            }
            Command::ReplaceOrder { cause, time, instrument, replacement } => {
                let replacement = Box::new(replacement);
                let request = Request::Replace { instrument, replacement, cause, sent: time };
                self.requests.push_back(((time + self.latency, number), request));
            }
            Command::Wake { timer, time } => self.timers.push((time, timer)),
        }
        Ok(())
    }
}

impl Simulated {
    /// Nothing is under way and nothing rests: the market alone decides what comes next. The usual case by far.
    #[inline]
    fn is_quiet(&self) -> bool {
        self.floor.venue.is_idle()
            && self.requests.is_empty()
            && self.floor.answers.is_empty()
            && self.timers.is_empty()
            && self.opening.is_empty()
    }

    /// The next market event. The venue only has to know it by the time an order arrives.
    #[inline]
    fn next_quiet(&mut self) -> Result<Option<&mut Event>, WorldError> {
        let event = match self.ahead.pop_front() {
            Some(event) => self.current.insert(event),
            None if self.ended => return Ok(None),
            None => match self.market.next_event()? {
                Some(event) => event,
                None => {
                    self.ended = true;
                    return Ok(None);
                }
            },
        };
        if self.seen_ahead > 0 {
            self.seen_ahead -= 1;
        } else {
            let time = self.floor.time_of(&event.header);
            self.floor.show(event, time, 2 * self.first_ahead + 1);
        }
        self.first_ahead += 1;
        on_time(&mut self.now, event);
        Ok(Some(event))
    }

    /// The next of market, venue and timers, in the order of their keys.
    fn next_of_all(&mut self) -> Result<Option<&mut Event>, WorldError> {
        if let Some(event) = self.opening.pop() {
            return Ok(Some(self.current.insert(event)));
        }
        loop {
            self.read_ahead(0)?;
            let market = self.ahead.front().map(|event| (event.header.time_received, 2 * self.first_ahead));
            let timer = self.next_timer();
            let timer_key = timer.map(|index| (self.timers[index].0, u64::MAX));
            let answer = self.floor.answers.front().map(|(key, _)| *key);
            // Timers alone would run for ever: they end with the market and the venue's last word.
            let Some(first) = [market, answer].into_iter().flatten().min() else {
                if self.requests.is_empty() {
                    return Ok(None);
                }
                self.advance_venue((Timestamp::MAX, u64::MAX))?;
                if self.floor.answers.is_empty() {
                    return Ok(None);
                }
                continue;
            };
            let first = timer_key.map_or(first, |timer| timer.min(first));
            self.advance_venue(first)?;
            // The venue may have said something that comes before.
            if let Some((key, _)) = self.floor.answers.front()
                && *key <= first
            {
                let Some((_, event)) = self.floor.answers.pop_front() else { continue };
                return Ok(self.hand_out(event));
            }
            if let (Some(index), true) = (timer, timer_key == Some(first)) {
                let (time, timer) = self.timers.swap_remove(index);
                let fact = Fact::TimerFired(TimerFired { timer });
                return Ok(self.hand_out(Event::unnumbered(time, time, InstrumentId::NONE, fact)));
            }
            let Some(event) = self.ahead.pop_front() else { continue };
            self.first_ahead += 1;
            self.seen_ahead -= 1;
            return Ok(self.hand_out(event));
        }
    }
}
