//! The paper broker: the engine's simulated venue behind a broker's trait.
//!
//! It lives in a thread of its own (the [`desk`](super::desk)'s), sees the market as the session hands it out, and
//! keeps a book ([`book`]) of what it was asked and what it answered. Killed with the session and opened again, it
//! still knows every order by its id. The state of its venue is not stored: the market is shown to it again from
//! the first event, the requests of the book are put in where they were, and what comes out must be the answers of
//! the book.

pub mod book;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crossbeam::channel::Sender;
use genovo_engine::account::Account;
use genovo_engine::engine::HEARTBEAT;
use genovo_engine::event::{Event, Fact, OrderNotice, PositionEffect, ReplaceReason, TimerFired};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::quality::{Quality, what_drops};
use genovo_engine::settings::{Instrument, Settings};
use genovo_engine::units::{Quantity, Timestamp};
use genovo_engine::venue::{Resting, Venue};

use self::book::{Book, BookError, Durability, Record, Tag};
use super::{
    AskError, Cancel, Capabilities, ClientId, ClientIds, ConnectError, Executed, Execution, Instruments,
    NewOrder, OrderNow, OrderReport, Replace, Report, Said, Sent, Snapshot, Standing, What,
};

/// The paper broker.
pub struct Paper {
    settings: Settings,
    ids: ClientIds,
    book: Book,
    ledger: Ledger,
    venue: Venue,
    /// One watch an instrument, for what is dropped; none when nothing ever is.
    quality: Vec<Quality>,
    /// How far the venue has lived.
    time: Timestamp,
    /// Market events shown.
    market: u64,
    /// Requests under way to the venue, with when they get there.
    requests: VecDeque<(Timestamp, Event)>,
    /// What the book says of the time that is lived through again.
    past: Past,
    reports: Option<Sender<Said>>,
    scratch: Vec<Event>,
    /// Why it answers no more.
    broken: Option<String>,
}

/// The part of the book that lies ahead while the market is shown again.
#[derive(Default)]
struct Past {
    /// Requests and ticks of the clock, each after so many market events.
    asked: VecDeque<Record>,
    /// What was answered, in order.
    answered: VecDeque<Record>,
    /// How many market events the book was written on.
    until: u64,
    /// Requests of now, which come after the past.
    later: VecDeque<(Timestamp, Event)>,
}

impl Paper {
    /// A broker with this book, new or not.
    pub fn open(
        path: &Path,
        settings: &Settings,
        ids: ClientIds,
        durability: Durability,
    ) -> Result<Paper, BookError> {
        let (book, records) = Book::open(path, durability)?;
        let mut ledger = Ledger::new(settings);
        let mut past = Past::default();
        for record in records {
            past.until = past.until.max(record.market);
            match record.tag {
                Tag::Asked => {
                    ledger.asked(&record.event);
                    past.asked.push_back(record);
                }
                Tag::Clock => past.asked.push_back(record),
                Tag::Answered => {
                    ledger.answered(&record.event);
                    past.answered.push_back(record);
                }
            }
        }
        let quality = what_drops(&settings.quality);
        let count = settings.instruments.len();
        Ok(Paper {
            ids,
            book,
            ledger,
            venue: Venue::new(settings),
            quality: quality.map_or(Vec::new(), |quality| vec![Quality::new(&quality); count]),
            time: Timestamp::MIN,
            market: 0,
            requests: VecDeque::new(),
            past,
            reports: None,
            scratch: Vec::new(),
            settings: settings.clone(),
            broken: None,
        })
    }

    /// How many market events it has seen in its life. Until they were all shown again, what it is asked waits.
    pub fn market_seen(&self) -> u64 {
        self.past.until.max(self.market)
    }

    fn is_in_the_past(&self) -> bool {
        self.market < self.past.until || !self.past.asked.is_empty()
    }

    /// Lets what the book has at this point of the market happen again.
    fn repeat(&mut self) {
        while let Some(record) = self.past.asked.front()
            && record.market <= self.market
        {
            let Some(record) = self.past.asked.pop_front() else { return };
            match record.tag {
                Tag::Clock => self.take_requests(record.time),
                Tag::Asked | Tag::Answered => self.requests.push_back((record.time, record.event)),
            }
        }
        if !self.is_in_the_past() {
            self.requests.append(&mut self.past.later);
        }
    }

    /// Requests that reach the venue up to `until` do.
    fn take_requests(&mut self, until: Timestamp) {
        while let Some((time, _)) = self.requests.front()
            && *time <= until
        {
            let Some((time, event)) = self.requests.pop_front() else { return };
            self.time = self.time.max(time);
            let header = event.header;
            match event.fact {
                Fact::OrderSubmitted(order) => {
                    let resting = Resting::new(header.cause, header.time_event, header.instrument, *order);
                    self.venue.on_order(resting, time, &mut self.scratch);
                }
                Fact::CancelRequested(OrderNotice { order }) => {
                    self.venue.on_cancel(header.instrument, order, header.cause, time, &mut self.scratch);
                }
                Fact::ReplaceRequested(replacement) => {
                    let (instrument, cause, sent) = (header.instrument, header.cause, header.time_event);
                    let answers = &mut self.scratch;
                    self.venue.on_replace(instrument, replacement, cause, sent, time, answers);
                }
                _ => {}
            }
            self.answer();
        }
    }

    /// Puts what the venue said into the book, and then tells it.
    fn answer(&mut self) {
        let mut fresh = Vec::new();
        for event in std::mem::take(&mut self.scratch) {
            let record = Record { market: self.market, tag: Tag::Answered, time: self.time, event };
            match self.past.answered.pop_front() {
                Some(said) if said.event == record.event => {}
                Some(said) => {
                    let problem = format!("it answered {:?}, and now {:?}", said.event, record.event);
                    let path = self.book.path().to_owned();
                    return self.break_down(&BookError::OtherMarket { path, problem });
                }
                None => fresh.push(record),
            }
        }
        if fresh.is_empty() {
            return;
        }
        if let Err(error) = self.book.write(&fresh) {
            return self.break_down(&error);
        }
        for record in fresh {
            self.ledger.answered(&record.event);
            if let Some(report) = report(&self.ids, &record.event, self.ledger.fills.len()) {
                self.say(Said::Report(report));
            }
        }
    }

    fn say(&mut self, said: Said) {
        if let Some(reports) = &self.reports {
            let _ = reports.send(said);
        }
    }

    #[cold]
    fn break_down(&mut self, error: &BookError) {
        self.broken = Some(error.to_string());
        self.say(Said::Lost(error.to_string()));
    }

    /// Writes a request down and lets it set out.
    fn ask(&mut self, sent: Timestamp, instrument: InstrumentId, cause: Sequence, fact: Fact) -> Sent {
        if let Some(why) = &self.broken {
            return Sent::Unknown { why: why.clone() };
        }
        let mut event = Event::unnumbered(sent, sent, instrument, fact);
        event.header.cause = cause;
        let arrives = sent + self.settings.venue.latency;
        let market = self.market_seen();
        let record = Record { market, tag: Tag::Asked, time: arrives, event };
        if let Err(error) = self.book.write(std::slice::from_ref(&record)) {
            self.break_down(&error);
            return Sent::Unknown { why: error.to_string() };
        }
        self.ledger.asked(&record.event);
        if self.is_in_the_past() {
            self.past.later.push_back((arrives, record.event));
        } else {
            self.requests.push_back((arrives, record.event));
        }
        Sent::Accepted
    }
}

impl Execution for Paper {
    fn name(&self) -> &str {
        "paper"
    }

    fn capabilities(&self) -> &Capabilities {
        const PAPER: Capabilities = Capabilities { hedging: true, ..Capabilities::ALL };
        &PAPER
    }

    fn connect(&mut self, reports: Sender<Said>) -> Result<(), ConnectError> {
        if let Some(why) = &self.broken {
            return Err(ConnectError::Terminal(why.clone()));
        }
        self.reports = Some(reports);
        Ok(())
    }

    /// An order that is there already was sent by a session that did not live to know it: it is there once.
    fn submit(&mut self, order: &NewOrder) -> Sent {
        if self.ledger.orders.contains_key(&order.order.order) {
            return Sent::Accepted;
        }
        let fact = Fact::OrderSubmitted(Box::new(order.order.clone()));
        self.ask(order.time, order.instrument, order.cause, fact)
    }

    fn cancel(&mut self, cancel: &Cancel) -> Sent {
        let time = cancel.time.max(self.time);
        let fact = Fact::CancelRequested(OrderNotice { order: cancel.order });
        self.ask(time, cancel.instrument, cancel.cause, fact)
    }

    fn replace(&mut self, replace: &Replace) -> Sent {
        let fact = Fact::ReplaceRequested(replace.replacement);
        self.ask(replace.time.max(self.time), replace.instrument, replace.cause, fact)
    }

    fn find(&mut self, client: &ClientId) -> Result<Option<OrderReport>, AskError> {
        let order = self.ids.order(client).and_then(|order| self.ledger.orders.get(&order));
        Ok(order.map(|held| held.report(client.clone())))
    }

    fn snapshot(&mut self, since: Timestamp) -> Result<Snapshot, AskError> {
        if let Some(why) = &self.broken {
            return Err(AskError(why.clone()));
        }
        let ledger = &self.ledger;
        let orders = ledger.orders.iter().map(|(&order, held)| held.report(self.ids.of(order)));
        let fills = ledger.fills.iter().zip(1..).filter(|(event, _)| event.header.time_event >= since);
        let positions = ledger.account.positions.iter().enumerate();
        Ok(Snapshot {
            orders: orders.collect(),
            executions: fills.filter_map(|(event, number)| report(&self.ids, event, number)).collect(),
            positions: positions
                .map(|(index, position)| (InstrumentId(index as u32 + 1), position.quantity))
                .collect(),
            balance: Some(ledger.account.balance),
        })
    }

    fn simulates(&self) -> bool {
        true
    }

    fn market_seen(&self) -> u64 {
        Paper::market_seen(self)
    }

    fn market(&mut self, event: &Event, number: u64) {
        if number <= self.market || self.broken.is_some() {
            return;
        }
        self.repeat();
        let header = &event.header;
        let time = header.time_event.max(self.time).min(header.time_received);
        self.take_requests(time);
        self.market = number;
        self.time = self.time.max(time);
        if !self.quality.is_empty() {
            let watch = header.instrument.index().and_then(|index| self.quality.get_mut(index));
            if watch.is_some_and(|watch| watch.check(event).dropped()) {
                return;
            }
        }
        self.venue.on_market(event, time, &mut self.scratch);
        if !self.scratch.is_empty() {
            self.answer();
        }
    }

    fn time(&mut self, now: Timestamp) {
        if self.broken.is_some() {
            return;
        }
        self.repeat();
        if self.is_in_the_past() || self.requests.front().is_none_or(|(time, _)| *time > now) {
            return;
        }
        let fact = Fact::TimerFired(TimerFired { timer: HEARTBEAT });
        let event = Event::unnumbered(now, now, InstrumentId::NONE, fact);
        let record = Record { market: self.market, tag: Tag::Clock, time: now, event };
        match self.book.write(&[record]) {
            Ok(()) => self.take_requests(now),
            Err(error) => self.break_down(&error),
        }
    }
}

impl Instruments for Paper {
    fn instrument(&mut self, symbol: &str) -> Result<Option<Instrument>, AskError> {
        Ok(self.settings.instruments.iter().find(|known| known.symbol == symbol).cloned())
    }
}

/// An order in the ledger.
#[derive(Clone, Copy, Debug)]
struct Held {
    standing: Standing,
    time: Timestamp,
    filled: Quantity,
    now: OrderNow,
    effect: PositionEffect,
}

impl Held {
    fn report(&self, client: ClientId) -> OrderReport {
        let Held { standing, time, filled, now, effect: _ } = *self;
        OrderReport { client, standing, time, filled, now: Some(now) }
    }
}

/// What the book adds up to.
struct Ledger {
    orders: BTreeMap<OrderId, Held>,
    /// Every fill, in the order of the book.
    fills: Vec<Event>,
    account: Account,
}

impl Ledger {
    fn new(settings: &Settings) -> Ledger {
        Ledger { orders: BTreeMap::new(), fills: Vec::new(), account: Account::new(settings) }
    }

    fn asked(&mut self, event: &Event) {
        match &event.fact {
            Fact::OrderSubmitted(order) => {
                let held = Held {
                    standing: Standing::Working,
                    time: event.header.time_event,
                    filled: Quantity::ZERO,
                    now: OrderNow { kind: order.kind, quantity: order.quantity, replacing: false },
                    effect: order.effect(),
                };
                self.orders.insert(order.order, held);
            }
            Fact::ReplaceRequested(replacement) => self.is_replacing(replacement.order, true),
            _ => {}
        }
    }

    fn is_replacing(&mut self, order: OrderId, replacing: bool) {
        if let Some(held) = self.orders.get_mut(&order) {
            held.now.replacing = replacing;
        }
    }

    fn answered(&mut self, event: &Event) {
        let time = event.header.time_event;
        let (order, standing) = match &event.fact {
            Fact::OrderFilled(fill) => {
                self.fills.push(event.clone());
                if let Some(index) = event.header.instrument.index() {
                    // The engine books the same fill and would stop on an overflow; here it only shows.
                    let rate = self.account.rate_of(index, fill).unwrap_or_default();
                    let effect =
                        self.orders.get(&fill.order).map_or_else(Default::default, |held| held.effect);
                    let _ = self.account.fill(index, fill, effect, rate);
                }
                if let Some(held) = self.orders.get_mut(&fill.order) {
                    held.filled += fill.quantity;
                }
                let whole = self.orders.get(&fill.order).is_some_and(|held| held.filled >= held.now.quantity);
                (fill.order, if whole { Standing::Filled } else { Standing::Working })
            }
            Fact::OrderReplaced(replaced) => {
                if let Some(held) = self.orders.get_mut(&replaced.order) {
                    (held.now.kind, held.now.quantity) = (replaced.kind, replaced.quantity);
                }
                if replaced.reason == ReplaceReason::Requested {
                    self.is_replacing(replaced.order, false);
                }
                return;
            }
            Fact::ReplaceRejected(rejected) => return self.is_replacing(rejected.order, false),
            Fact::OrderRejected(rejected) => (rejected.order, Standing::Rejected(rejected.reason)),
            Fact::OrderCancelled(closed) => (closed.order, Standing::Cancelled(closed.reason)),
            Fact::OrderExpired(closed) => (closed.order, Standing::Expired(closed.reason)),
            _ => return,
        };
        if let Some(held) = self.orders.get_mut(&order) {
            (held.standing, held.time) = (standing, time);
        }
    }
}

/// An answer of the venue as a broker reports it. The number of a fill in the book names it, in this life and the
/// next.
fn report(ids: &ClientIds, event: &Event, fill_number: usize) -> Option<Report> {
    let (order, what) = match &event.fact {
        Fact::OrderAccepted(notice) => (notice.order, What::Accepted),
        Fact::OrderRejected(rejected) => (rejected.order, What::Rejected(rejected.reason)),
        Fact::OrderCancelled(closed) => (closed.order, What::Cancelled(closed.reason)),
        Fact::OrderExpired(closed) => (closed.order, What::Expired(closed.reason)),
        Fact::CancelRejected(notice) => (notice.order, What::CancelRejected),
        Fact::OrderTriggered(triggered) => (triggered.order, What::Triggered(*triggered)),
        Fact::OrderReplaced(replaced) => (replaced.order, What::Replaced(*replaced)),
        Fact::ReplaceRejected(rejected) => (rejected.order, What::ReplaceRejected(rejected.reason)),
        Fact::OrderFilled(fill) => (
            fill.order,
            What::Filled(Executed {
                id: format!("paper-{fill_number}"),
                side: fill.side,
                price: fill.price,
                quantity: fill.quantity,
                liquidity: fill.liquidity,
                commission: fill.commission,
                bid: fill.bid,
                rate: fill.rate,
                ask: fill.ask,
            }),
        ),
        _ => return None,
    };
    Some(Report {
        time: event.header.time_event,
        arrives: Some(event.header.time_received),
        client: ids.of(order),
        what,
    })
}
