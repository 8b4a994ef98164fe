//! The desk: one thread between a broker and the engine's world.
//!
//! Orders come in by one queue and leave by the broker; what the broker says becomes inputs of the world, each once.
//! The desk keeps the connection up, compares books before it says that the link is live, and asks for every order
//! whose fate is unknown until it knows.
//!
//! Waking a thread takes the system some fifty microseconds, many times what everything else on the way of an order
//! takes. So a desk that has nothing to do goes on looking for a while ([`Conduct::look`]) before it sleeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, TryRecvError, bounded, never, unbounded};
use crossbeam::select;
use genovo_engine::event::{
    AccountReported, Connection, ConnectionChanged, Event, Fact, Link, OrderNotice, PositionReported,
    RejectReason,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::PositionMode;
use genovo_engine::units::Timestamp;

use super::connection::{self, Change};
use super::reconcile::{Mirror, Reconciled};
use crate::live::{Message, Telemetry};

use super::{
    Cancel, ConnectError, Execution, NewOrder, OrderReport, Replace, Report, Said, Sent, Standing, What,
};

/// Tasks under way to the desk. Market events for a broker that simulates are most of them.
const TASKS: usize = 65_536;
/// How long a thread of a session looks for work before it sleeps, unless it is said otherwise.
pub const LOOK: Duration = Duration::from_micros(200);
/// How often it looks before the clock is asked whether that is long enough.
const LOOKS: u32 = 32;

/// How a desk behaves.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// How often an order of unknown fate is asked for.
    pub ask_every: Duration,
    /// How long the first try to connect again waits; the next ones twice as long each.
    pub backoff: Duration,
    /// How long it looks for work before it sleeps; [`Duration::MAX`]: it never sleeps, and has a core for itself.
    pub look: Duration,
    /// How the account keeps positions.
    pub positions: PositionMode,
    /// Where it says how long what it sends was under way.
    pub telemetry: Arc<Mutex<Telemetry>>,
}

impl Default for Conduct {
    fn default() -> Conduct {
        Conduct {
            ask_every: Duration::from_millis(250),
            backoff: Duration::from_secs(1),
            look: LOOK,
            positions: PositionMode::default(),
            telemetry: Arc::default(),
        }
    }
}

/// How often in a row the broker must say that it does not have an order before we believe that it never arrived: one
/// no may be a moment too early.
const ASK_TIMES: u32 = 2;

/// What the desk is told.
#[derive(Clone, Debug)]
pub enum Task {
    /// Make the connection.
    Connect,
    /// A market event, for brokers that simulate; its number in the session.
    Market(Event, u64),
    /// The session's time.
    Time(Timestamp),
    /// Send an order.
    Submit(Box<NewOrder>, Due),
    /// Cancel an order.
    Cancel(Box<Cancel>, Due),
    /// Replace an order.
    Replace(Box<Replace>, Due),
}

/// When what caused a message was due: what is measured counts from there. `None`: nobody measures.
pub type Due = Option<Instant>;

/// A running desk. Dropping it ends the thread after the tasks that it was given.
pub struct Desk {
    tasks: Option<Sender<Task>>,
    given: u64,
    done: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Starts the desk of a broker. Inputs for the world go to `answers`; one without a time of arrival
    /// ([`Timestamp::MIN`]) arrives when it is taken.
    pub fn open(
        broker: Box<dyn Execution>,
        mirror: Mirror,
        instruments: u32,
        since: Timestamp,
        answers: Sender<Event>,
    ) -> Desk {
        Desk::open_with(broker, mirror, instruments, since, answers, Conduct::default())
    }

    /// The same with another conduct.
    pub fn open_with(
        broker: Box<dyn Execution>,
        mirror: Mirror,
        instruments: u32,
        since: Timestamp,
        answers: Sender<Event>,
        conduct: Conduct,
    ) -> Desk {
        let (tasks, queue) = bounded(TASKS);
        let done = Arc::new(AtomicU64::new(0));
        let (reports_in, reports) = unbounded();
        let worker = Worker {
            broker,
            mirror,
            instruments,
            since,
            answers,
            reports,
            reports_in,
            state: Connection::Disconnected,
            attempt: 0,
            retry: None,
            unknown: Vec::new(),
            next_ask: None,
            waiting_cancels: Vec::new(),
            conduct,
        };
        let counter = Arc::clone(&done);
        let thread = std::thread::Builder::new()
            .name("genovo-desk".to_string())
            .spawn(move || worker.work(&queue, &counter))
            .expect("the system gives us a thread");
        Desk { tasks: Some(tasks), given: 0, done, thread: Some(thread) }
    }

    /// Gives it a task; whether the desk still works.
    #[inline]
    pub fn give(&mut self, task: Task) -> bool {
        self.given += 1;
        self.tasks.as_ref().is_some_and(|tasks| tasks.send(task).is_ok())
    }

    /// Whether everything that it was given is done.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.done.load(Ordering::Acquire) == self.given
    }

    /// How many tasks wait.
    pub fn waiting(&self) -> u64 {
        self.given - self.done.load(Ordering::Acquire)
    }

    /// Waits until it is idle, or for good if it died: then its panic comes out here.
    pub fn wait(&mut self) {
        let mut spins = 0_u32;
        while !self.is_idle() {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                self.close();
                return;
            }
            spins += 1;
            if spins < 200 { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }

    /// Ends the thread and waits for it.
    pub fn close(&mut self) {
        self.tasks = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An order of which nobody knows whether the broker has it.
struct Lost {
    order: OrderId,
    /// How often in a row the broker said that it does not have it.
    denials: u32,
}

/// What looking found.
enum Looked {
    Task(Task),
    Said(Said),
    OnTime,
    InVain,
}

struct Worker {
    broker: Box<dyn Execution>,
    mirror: Mirror,
    instruments: u32,
    /// Executions from here on are of interest.
    since: Timestamp,
    answers: Sender<Event>,
    reports: Receiver<Said>,
    reports_in: Sender<Said>,
    state: Connection,
    attempt: u32,
    /// When the connection is tried again.
    retry: Option<Instant>,
    unknown: Vec<Lost>,
    next_ask: Option<Instant>,
    /// Cancels that came while there was no connection.
    waiting_cancels: Vec<Cancel>,
    conduct: Conduct,
}

impl Worker {
    fn work(mut self, tasks: &Receiver<Task>, done: &AtomicU64) {
        let nothing = never::<Instant>();
        loop {
            match self.look(tasks) {
                Looked::Task(task) => {
                    self.take(task, done);
                    continue;
                }
                Looked::Said(said) => {
                    self.said(said);
                    continue;
                }
                Looked::OnTime => {
                    self.on_time();
                    continue;
                }
                Looked::InVain => {}
            }
            let due = [self.retry, self.next_ask].into_iter().flatten().min();
            let timer = due.map_or(nothing.clone(), crossbeam::channel::at);
            select! {
                recv(tasks) -> task => {
                    let Ok(task) = task else { return };
                    self.take(task, done);
                }
                recv(self.reports) -> said => {
                    if let Ok(said) = said { self.said(said) }
                }
                recv(timer) -> _ => self.on_time(),
            }
        }
    }

    /// Looks for work, as long as its conduct says.
    fn look(&self, tasks: &Receiver<Task>) -> Looked {
        let due = [self.retry, self.next_ask].into_iter().flatten().min();
        let began = Instant::now();
        loop {
            for _ in 0..LOOKS {
                match tasks.try_recv() {
                    Ok(task) => return Looked::Task(task),
                    // Whoever sleeps for good is told by the channel that nobody is left.
                    Err(TryRecvError::Disconnected) => return Looked::InVain,
                    Err(TryRecvError::Empty) => {}
                }
                if let Ok(said) = self.reports.try_recv() {
                    return Looked::Said(said);
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            if due.is_some_and(|due| due <= now) {
                return Looked::OnTime;
            }
            if now - began >= self.conduct.look {
                return Looked::InVain;
            }
        }
    }

    fn take(&mut self, task: Task, done: &AtomicU64) {
        self.task(task);
        // What a task makes the broker say at once belongs before the next task.
        self.hear();
        done.fetch_add(1, Ordering::Release);
    }

    /// Says how long a message was under way that is handed to the broker now.
    fn leaves(&self, message: Message, due: Due) {
        if let (Some(due), Ok(mut telemetry)) = (due, self.conduct.telemetry.lock()) {
            telemetry.left(message, due.elapsed());
        }
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Market(event, number) => self.broker.market(&event, number),
            Task::Time(now) => self.broker.time(now),
            Task::Connect => self.connect(Change::Open),
            Task::Submit(order, due) => self.submit(&order, due),
            Task::Cancel(cancel, due) => {
                self.leaves(Message::Cancel, due);
                self.cancel(*cancel);
            }
            Task::Replace(replace, due) => {
                self.leaves(Message::Replace, due);
                self.replace(&replace);
            }
        }
    }

    fn hear(&mut self) {
        while let Ok(said) = self.reports.try_recv() {
            self.said(said);
        }
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Report(report) => self.report(&report),
            Said::Late(reason) => self.change(Change::Late, reason),
            Said::OnTime => self.change(Change::OnTime, "its heartbeat is back".to_string()),
            Said::Lost(reason) => self.lost(reason),
        }
    }

    fn report(&mut self, report: &Report) {
        if let Some(event) = self.mirror.take(report) {
            if let Some(order) = self.mirror.ids().order(&report.client) {
                // It is there: whatever was unknown about it is known now.
                self.unknown.retain(|lost| lost.order != order);
            }
            self.answer(event);
        }
    }

    fn answer(&self, event: Event) {
        // A world that is gone needs no answers.
        let _ = self.answers.send(event);
    }

    fn say(&self, instrument: InstrumentId, cause: Sequence, fact: Fact) {
        let mut event = Event::unnumbered(Timestamp::MIN, Timestamp::MIN, instrument, fact);
        event.header.cause = cause;
        self.answer(event);
    }

    fn change(&mut self, change: Change, reason: String) {
        let Some(state) = connection::after(self.state, change) else { return };
        self.state = state;
        let fact = ConnectionChanged { link: Link::Broker, state, reason };
        self.say(InstrumentId::NONE, Sequence::NONE, Fact::ConnectionChanged(Box::new(fact)));
    }

    fn connect(&mut self, change: Change) {
        self.retry = None;
        let name = self.broker.name().to_string();
        self.change(change, format!("connecting to {name}"));
        if self.state != Connection::Connecting {
            return;
        }
        match self.broker.connect(self.reports_in.clone()) {
            Ok(()) => {
                self.change(Change::Reached, format!("{name} answers"));
                self.change(Change::Known, format!("{name} knows us; comparing books"));
                self.sync();
            }
            Err(ConnectError::Terminal(reason)) => self.change(Change::Refused, reason),
            Err(ConnectError::Failed(reason)) => self.lost(reason),
        }
    }

    fn lost(&mut self, reason: String) {
        self.change(Change::Lost, reason);
        if self.state == Connection::Backoff {
            self.attempt += 1;
            // Any spread will do; the time of day is one that clients do not share.
            let share = Instant::now().elapsed().as_nanos() as u8 ^ std::process::id() as u8;
            self.retry =
                Some(Instant::now() + connection::backoff(self.attempt, self.conduct.backoff, share));
        }
    }

    /// Compares books: what was missed is answered now, and only then is the link live.
    fn sync(&mut self) {
        let snapshot = match self.broker.snapshot(self.since) {
            Ok(snapshot) => snapshot,
            // A question without an answer is not an empty account.
            Err(error) => return self.lost(format!("the account cannot be read: {error}")),
        };
        let mut found = self.mirror.reconcile(&snapshot);
        for event in std::mem::take(&mut found.answers) {
            self.answer(event);
        }
        // What the stream said meanwhile is newer than the snapshot, or in it; the mirror knows which.
        self.hear();
        if self.state != Connection::Syncing {
            return;
        }
        for order in std::mem::take(&mut found.ask) {
            if let Err(error) = self.settle(order, &mut found) {
                return self.lost(format!("order {order} cannot be looked up: {error}"));
            }
        }
        for order in std::mem::take(&mut found.cancel) {
            self.cancel_again(order);
        }
        for cancel in std::mem::take(&mut self.waiting_cancels) {
            self.cancel(cancel);
        }
        self.hear();
        for number in 1..=self.instruments {
            let instrument = InstrumentId(number);
            let held = snapshot.positions.iter().find(|(held, _)| *held == instrument);
            let quantity = held.map_or(Default::default(), |(_, quantity)| *quantity);
            let fact = Fact::PositionReported(PositionReported { quantity });
            self.say(instrument, Sequence::NONE, fact);
        }
        if let Some(balance) = snapshot.balance {
            let fact = Fact::AccountReported(Box::new(AccountReported { balance }));
            self.say(InstrumentId::NONE, Sequence::NONE, fact);
        }
        self.attempt = 0;
        self.change(Change::Synced, in_words(&found));
    }

    /// Looks one order up; what the broker says of it becomes an answer.
    fn settle(&mut self, order: OrderId, found: &mut Reconciled) -> Result<(), super::AskError> {
        let client = self.mirror.ids().of(order);
        let mut report = self.broker.find(&client)?;
        for _ in 1..ASK_TIMES {
            if report.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            report = self.broker.find(&client)?;
        }
        self.unknown.retain(|lost| lost.order != order);
        match report {
            Some(report) => self.mirror.compare(order, &report, found),
            None => {
                let report = never_arrived(client);
                found.answers.extend(self.mirror.take(&report));
                found.gaps.push(format!("order {order} never arrived"));
            }
        }
        for event in std::mem::take(&mut found.answers) {
            self.answer(event);
        }
        Ok(())
    }

    fn submit(&mut self, order: &NewOrder, due: Due) {
        self.mirror.insert(order.instrument, &order.order, order.cause);
        if self.broker.capabilities().check(&order.order, self.conduct.positions).is_err() {
            return self.refuse(order, RejectReason::Unsupported);
        }
        if !matches!(self.state, Connection::Live | Connection::Degraded | Connection::Syncing) {
            // It was not sent, so nothing is unknown about it.
            return self.refuse(order, RejectReason::NeverArrived);
        }
        self.leaves(Message::Order, due);
        match self.broker.submit(order) {
            Sent::Accepted => {}
            Sent::Refused { reason, .. } => self.refuse(order, reason),
            Sent::Unknown { .. } => {
                let notice = OrderNotice { order: order.order.order };
                self.say(order.instrument, order.cause, Fact::OrderUnknown(notice));
                self.unknown.push(Lost { order: order.order.order, denials: 0 });
                self.next_ask = self.next_ask.or_else(|| Some(Instant::now() + self.conduct.ask_every));
            }
        }
    }

    fn refuse(&mut self, order: &NewOrder, reason: RejectReason) {
        let report = Report {
            time: order.time,
            arrives: None,
            client: order.client.clone(),
            what: What::Rejected(reason),
        };
        self.report(&report);
    }

    fn cancel(&mut self, cancel: Cancel) {
        self.mirror.ask_cancel(cancel.order);
        if !matches!(self.state, Connection::Live | Connection::Degraded | Connection::Syncing) {
            return self.waiting_cancels.push(cancel);
        }
        match self.broker.cancel(&cancel) {
            Sent::Accepted => {}
            Sent::Refused { .. } => {
                let what = What::CancelRejected;
                let report = Report { time: cancel.time, arrives: None, client: cancel.client, what };
                self.report(&report);
            }
            // Asking for the order says whether it still works; the cancel is then sent again.
            Sent::Unknown { .. } => {
                self.unknown.push(Lost { order: cancel.order, denials: 0 });
                self.next_ask = self.next_ask.or_else(|| Some(Instant::now() + self.conduct.ask_every));
            }
        }
    }

    /// A replacement that cannot be sent is refused: the order works on as it was. If its answer is lost, the broker is
    /// asked what the order is.
    fn replace(&mut self, replace: &Replace) {
        self.mirror.ask_replace(replace.replacement.order);
        let connected = matches!(self.state, Connection::Live | Connection::Degraded | Connection::Syncing);
        let reason = match connected.then(|| self.broker.replace(replace)) {
            Some(Sent::Accepted) => return,
            Some(Sent::Unknown { .. }) => {
                self.unknown.push(Lost { order: replace.replacement.order, denials: 0 });
                self.next_ask = self.next_ask.or_else(|| Some(Instant::now() + self.conduct.ask_every));
                return;
            }
            Some(Sent::Refused { reason, .. }) => reason,
            None => RejectReason::NeverArrived,
        };
        let what = What::ReplaceRejected(reason);
        let report = Report { time: replace.time, arrives: None, client: replace.client.clone(), what };
        self.report(&report);
    }

    fn cancel_again(&mut self, order: OrderId) {
        let Some(known) = self.mirror.get(order).copied() else { return };
        let client = self.mirror.ids().of(order);
        let (cause, instrument, time) = (known.cause, known.record.instrument, self.since);
        let _ = self.broker.cancel(&Cancel { client, order, cause, time, instrument });
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if self.retry.is_some_and(|due| due <= now) {
            self.connect(Change::Retry);
        }
        if self.next_ask.is_some_and(|due| due <= now) {
            self.next_ask = None;
            self.ask();
        }
    }

    /// Asks for every order of unknown fate. Only an answer settles it: no wait, however long, does.
    fn ask(&mut self) {
        let mut found = Reconciled::default();
        for mut lost in std::mem::take(&mut self.unknown) {
            if self.mirror.get(lost.order).is_none_or(|known| known.record.status.is_terminal()) {
                continue;
            }
            let client = self.mirror.ids().of(lost.order);
            match self.broker.find(&client) {
                Ok(Some(report)) => self.adopt(lost.order, &report, &mut found),
                Ok(None) if lost.denials + 1 >= ASK_TIMES => {
                    found.answers.extend(self.mirror.take(&never_arrived(client)));
                }
                Ok(None) => {
                    lost.denials += 1;
                    self.unknown.push(lost);
                }
                Err(_) => {
                    lost.denials = 0;
                    self.unknown.push(lost);
                }
            }
        }
        for event in found.answers {
            self.answer(event);
        }
        for order in found.cancel {
            self.cancel_again(order);
        }
        if !self.unknown.is_empty() {
            self.next_ask = Some(Instant::now() + self.conduct.ask_every);
        }
    }

    /// The broker has it. What it filled meanwhile may have been reported before we asked, or not: the executions say.
    fn adopt(&mut self, order: OrderId, report: &OrderReport, found: &mut Reconciled) {
        let filled = self.mirror.get(order).map(|known| known.record.filled);
        if filled != Some(report.filled) || report.standing == Standing::Filled {
            match self.broker.snapshot(self.since) {
                Ok(snapshot) => found.answers.extend(self.mirror.reconcile(&snapshot).answers),
                Err(_) => {
                    self.unknown.push(Lost { order, denials: 0 });
                    return;
                }
            }
        }
        self.mirror.compare(order, report, found);
    }
}

fn never_arrived(client: super::ClientId) -> Report {
    let what = What::Rejected(RejectReason::NeverArrived);
    Report { time: Timestamp::MIN, arrives: None, client, what }
}

/// What a comparison came to, for the journal's reader.
fn in_words(found: &Reconciled) -> String {
    let mut parts = Vec::new();
    if found.fills > 0 {
        parts.push(format!("{} {} fetched", found.fills, if found.fills == 1 { "fill" } else { "fills" }));
    }
    if !found.external.is_empty() {
        let names: Vec<&str> = found.external.iter().map(|client| client.0.as_str()).collect();
        parts.push(format!("orders of others: {}", names.join(", ")));
    }
    parts.extend(found.gaps.iter().cloned());
    if parts.is_empty() { "books agree".to_string() } else { parts.join("; ") }
}
