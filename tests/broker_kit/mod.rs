//! The conformance kit: what every broker must do, tried on whichever is given.
//!
//! A broker joins by [`UnderTest`]: how it is opened, and how its market is made to move. The kit stands between it and
//! the desk with [`Faults`]: it loses answers and orders, repeats and reorders reports, breaks the connection, and
//! restarts our side in every state of an order. What comes out at the desk must be the truth, each part of it once.

mod cases;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, unbounded};
use genovo_adapters::broker::NewOrder;
use genovo_adapters::broker::desk::{Conduct, Task};
use genovo_adapters::broker::reconcile::{ExecutionKey, Known, Mirror};
use genovo_adapters::broker::*;
use genovo_engine::event::*;
use genovo_engine::ids::{InstrumentId, OrderId, Sequence, StrategyId};
use genovo_engine::order::{Happening, OrderRecord, Status};
use genovo_engine::units::{Price, Quantity, SCALE, Timestamp};

pub use cases::examine;

/// A broker that takes the kit's examination.
pub trait UnderTest {
    /// Opens it as a new process would: the account is the one it had.
    fn open(&mut self, ids: ClientIds) -> Box<dyn Execution>;

    /// Makes the market of instrument 1 move so that what can trade at [`UnderTest::price`] does, up to `size` of it. A
    /// broker that simulates gets it by the desk.
    fn trade(&mut self, desk: &mut Desk, size: Option<Quantity>);

    /// A price at which a buy trades when the market moves, and not before.
    fn price(&self) -> Price;
}

/// What goes wrong between the desk and the broker.
#[derive(Debug, Default)]
pub struct Faults {
    /// The next orders arrive, and their answers are lost.
    pub lose_answers: u32,
    /// The next orders are lost on their way.
    pub lose_orders: u32,
    /// Every report comes twice.
    pub twice: bool,
    /// An acceptance comes after the fill that follows it.
    pub fills_first: bool,
    /// No report comes at all.
    pub silent: bool,
    /// Questions get no answer.
    pub mute: bool,
    /// The next connections fail.
    pub fail_connects: u32,
    /// The broker holds this order of somebody else.
    pub external: Option<ClientId>,
}

/// Any broker, with faults.
struct Faulty {
    inner: Box<dyn Execution>,
    faults: Arc<Mutex<Faults>>,
    held: Vec<Said>,
    from: Option<Receiver<Said>>,
    to: Option<Sender<Said>>,
}

impl Faulty {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("nobody panics with it")
    }

    /// Passes on what the broker has said, as the faults want it.
    fn pump(&mut self) {
        let (Some(from), Some(to)) = (&self.from, &self.to) else { return };
        let faults = self.faults.lock().expect("nobody panics with it");
        for said in from.try_iter() {
            if faults.silent {
                continue;
            }
            if faults.fills_first && matches!(&said, Said::Report(Report { what: What::Accepted, .. })) {
                self.held.push(said);
                continue;
            }
            for _ in 0..if faults.twice { 2 } else { 1 } {
                let _ = to.send(said.clone());
            }
            if matches!(&said, Said::Report(Report { what: What::Filled(_), .. })) {
                self.held.drain(..).for_each(|late| drop(to.send(late)));
            }
        }
    }
}

/// The time at which the line breaks: a word between the kit and its own decorator.
const BREAK: Timestamp = Timestamp(i64::MIN + 1);

impl Execution for Faulty {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn connect(&mut self, reports: Sender<Said>) -> Result<(), ConnectError> {
        if self.faults().fail_connects > 0 {
            self.faults().fail_connects -= 1;
            return Err(ConnectError::Failed("the line is dead".to_string()));
        }
        let (inner, from) = unbounded();
        (self.from, self.to) = (Some(from), Some(reports));
        self.inner.connect(inner)
    }

    fn submit(&mut self, order: &NewOrder) -> Sent {
        let unknown = || Sent::Unknown { why: "no answer came".to_string() };
        if self.faults().lose_orders > 0 {
            self.faults().lose_orders -= 1;
            return unknown();
        }
        let sent = self.inner.submit(order);
        self.pump();
        if self.faults().lose_answers > 0 {
            self.faults().lose_answers -= 1;
            return unknown();
        }
        sent
    }

    fn replace(&mut self, replace: &Replace) -> Sent {
        let mut faults = self.faults();
        if faults.lose_orders > 0 {
            faults.lose_orders -= 1;
            return Sent::Unknown { why: "the kit lost the replacement".to_string() };
        }
        let lost = faults.lose_answers > 0;
        faults.lose_answers -= u32::from(lost);
        drop(faults);
        let sent = self.inner.replace(replace);
        self.pump();
        if lost { Sent::Unknown { why: "the kit lost the answer".to_string() } } else { sent }
    }

    fn cancel(&mut self, cancel: &Cancel) -> Sent {
        let sent = self.inner.cancel(cancel);
        self.pump();
        sent
    }

    fn find(&mut self, client: &ClientId) -> Result<Option<OrderReport>, AskError> {
        let mute = self.faults().mute;
        if mute { Err(AskError("no answer came".to_string())) } else { self.inner.find(client) }
    }

    fn snapshot(&mut self, since: Timestamp) -> Result<Snapshot, AskError> {
        if self.faults().mute {
            return Err(AskError("no answer came".to_string()));
        }
        let mut snapshot = self.inner.snapshot(since)?;
        if let Some(client) = self.faults().external.clone() {
            let (standing, time, filled) = (Standing::Working, Timestamp(0), Quantity::ZERO);
            snapshot.orders.push(OrderReport { client, standing, time, filled, now: None });
        }
        Ok(snapshot)
    }

    fn simulates(&self) -> bool {
        self.inner.simulates()
    }

    fn market_seen(&self) -> u64 {
        self.inner.market_seen()
    }

    fn market(&mut self, event: &Event, number: u64) {
        self.inner.market(event, number);
        self.pump();
    }

    fn time(&mut self, now: Timestamp) {
        if now == BREAK {
            if let Some(to) = &self.to {
                let _ = to.send(Said::Lost("the line broke".to_string()));
            }
            return;
        }
        self.inner.time(now);
        self.pump();
    }
}

/// Our side: a desk, and everything that it has told us so far, as a journal would have it.
pub struct Rig {
    /// The desk.
    pub desk: Desk,
    /// What goes wrong.
    pub faults: Arc<Mutex<Faults>>,
    /// What the desk told us since the last restart.
    pub facts: Vec<Fact>,
    answers: Receiver<Event>,
    ids: ClientIds,
    orders: BTreeMap<OrderId, Known>,
    fills: Vec<ExecutionKey>,
    time: i64,
}

/// A quantity of whole units.
pub fn whole(quantity: i64) -> Quantity {
    Quantity(quantity * SCALE)
}

/// The ids of the kit's session.
pub fn ids() -> ClientIds {
    let started = RunStarted {
        world: WorldKind::Live,
        logic_version: 1,
        seed: 1,
        settings: String::new(),
        settings_hash: Default::default(),
        features: Vec::new(),
        model: None,
    };
    ClientIds::new(&started, Timestamp(1))
}

impl Rig {
    /// A first session.
    pub fn new(under: &mut dyn UnderTest) -> Rig {
        Rig::with(under, Faults::default(), BTreeMap::new(), Vec::new(), 0)
    }

    fn with(
        under: &mut dyn UnderTest,
        faults: Faults,
        orders: BTreeMap<OrderId, Known>,
        fills: Vec<ExecutionKey>,
        time: i64,
    ) -> Rig {
        let faults = Arc::new(Mutex::new(faults));
        let inner = under.open(ids());
        let broker = Faulty { inner, faults: Arc::clone(&faults), held: Vec::new(), from: None, to: None };
        let (answers_in, answers) = unbounded();
        let mirror = Mirror::new(ids(), orders.clone(), fills.clone());
        let conduct = Conduct {
            ask_every: Duration::from_millis(5),
            backoff: Duration::from_millis(4),
            ..Conduct::default()
        };
        let mut desk = Desk::open_with(Box::new(broker), mirror, 1, Timestamp::MIN, answers_in, conduct);
        desk.give(Task::Connect);
        desk.wait();
        let mut rig = Rig { desk, faults, answers, ids: ids(), orders, fills, facts: Vec::new(), time };
        rig.hear();
        rig
    }

    /// Our process dies and comes back with what it was told so far.
    pub fn restart(mut self, under: &mut dyn UnderTest) -> Rig {
        self.settle();
        self.restart_with(under, Faults::default())
    }

    fn restart_with(mut self, under: &mut dyn UnderTest, faults: Faults) -> Rig {
        self.desk.close();
        let Rig { orders, fills, time, .. } = self;
        Rig::with(under, faults, orders, fills, time)
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().expect("nobody panics with it")
    }

    /// Sends a buy.
    pub fn buy(&mut self, kind: OrderKind, quantity: i64) -> OrderId {
        self.send(Side::Buy, kind, quantity, Terms::default())
    }

    /// Sends an order.
    pub fn send(&mut self, side: Side, kind: OrderKind, quantity: i64, terms: Terms) -> OrderId {
        let id = OrderId(self.orders.len() as u64 + 1);
        self.time += 1_000_000;
        let (instrument, quantity) = (InstrumentId(1), whole(quantity));
        let order = Order {
            order: id,
            side,
            kind,
            time_in_force: TimeInForce::Gtc,
            quantity,
            bid: None,
            ask: None,
            position: Quantity::ZERO,
            terms,
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        };
        let cause = Sequence::input(id.0);
        let (filled, status) = (Quantity::ZERO, Status::Submitted);
        let record = OrderRecord {
            instrument,
            side,
            kind,
            status,
            quantity,
            filled,
            asked: None,
            terms,
            changed: false,
            strategy: StrategyId::NONE,
            closes: OrderId::NONE,
        };
        self.orders.insert(id, Known { record, cause });
        let (client, time, symbol) = (self.ids.of(id), Timestamp(self.time), "X".to_string());
        let order = NewOrder { client, cause, time, instrument, symbol, order };
        self.desk.give(Task::Submit(Box::new(order), None));
        id
    }

    /// Asks for the same order of another quantity; `arrives` says whether the wish gets as far as the desk.
    pub fn replace(&mut self, order: OrderId, quantity: i64, arrives: bool) {
        self.time += 1_000_000;
        let known = self.orders.get_mut(&order).expect("an order of ours");
        known.record.status = known.record.status.after(Happening::AskReplace).expect("it works");
        let replacement = Replacement { order, kind: known.record.kind, quantity: whole(quantity) };
        let replace = Replace {
            client: self.ids.of(order),
            replacement,
            cause: Sequence::input(2_000 + order.0),
            time: Timestamp(self.time),
            instrument: InstrumentId(1),
        };
        if arrives {
            self.desk.give(Task::Replace(Box::new(replace), None));
        }
    }

    /// Asks to cancel.
    pub fn cancel(&mut self, order: OrderId) {
        self.time += 1_000_000;
        let known = self.orders.get_mut(&order).expect("an order of ours");
        if let Some(status) = known.record.status.after(Happening::AskCancel) {
            known.record.status = status;
        }
        let cancel = Cancel {
            client: self.ids.of(order),
            order,
            cause: Sequence::input(1_000 + order.0),
            time: Timestamp(self.time),
            instrument: InstrumentId(1),
        };
        self.desk.give(Task::Cancel(Box::new(cancel), None));
    }

    /// Lets the desk do what it has to do, and takes in what it says.
    pub fn settle(&mut self) {
        self.time += 1_000_000_000;
        self.desk.give(Task::Time(Timestamp(self.time)));
        self.desk.wait();
        self.hear();
    }

    /// Settles until `done`, or fails after some seconds.
    pub fn until(&mut self, what: &str, done: impl Fn(&Rig) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {:#?}", self.facts);
            std::thread::sleep(Duration::from_millis(2));
            self.settle();
        }
    }

    /// The line breaks.
    pub fn cut(&mut self) {
        self.desk.give(Task::Time(BREAK));
    }

    fn hear(&mut self) {
        while let Ok(event) = self.answers.try_recv() {
            let happening = match &event.fact {
                Fact::OrderAccepted(notice) => Some((notice.order, Happening::Accept)),
                Fact::OrderRejected(rejected) => Some((rejected.order, Happening::Reject)),
                Fact::OrderCancelled(closed) => Some((closed.order, Happening::Cancel)),
                Fact::OrderExpired(closed) => Some((closed.order, Happening::Expire)),
                Fact::CancelRejected(notice) => {
                    let part_filled = self.filled(notice.order) > Quantity::ZERO;
                    Some((notice.order, Happening::RefuseCancel { part_filled }))
                }
                Fact::OrderFilled(fill) => {
                    let key = (fill.order, event.header.time_event, fill.price, fill.quantity);
                    self.fills.push(key);
                    let known = self.orders.get_mut(&fill.order).expect("a fill of ours");
                    known.record.filled += fill.quantity;
                    assert!(known.record.filled <= known.record.quantity, "filled beyond its quantity");
                    let rest = known.record.filled < known.record.quantity;
                    Some((fill.order, if rest { Happening::FillPart } else { Happening::FillRest }))
                }
                Fact::ReplaceRejected(rejected) => {
                    let part_filled = self.filled(rejected.order) > Quantity::ZERO;
                    Some((rejected.order, Happening::RefuseReplace { part_filled }))
                }
                Fact::OrderReplaced(replaced) => {
                    let part_filled = self.filled(replaced.order) > Quantity::ZERO;
                    let known = self.orders.get_mut(&replaced.order).expect("an order of ours");
                    let before = (known.record.kind, known.record.quantity);
                    assert_ne!(before, (replaced.kind, replaced.quantity), "nothing is said twice");
                    (known.record.kind, known.record.quantity) = (replaced.kind, replaced.quantity);
                    Some(match replaced.reason {
                        ReplaceReason::Requested => (replaced.order, Happening::Replace { part_filled }),
                        _ => (replaced.order, Happening::Adjust),
                    })
                }
                _ => None,
            };
            if let Some((order, happening)) = happening {
                let known = self.orders.get_mut(&order).expect("an answer to an order of ours");
                let status = known.record.status.after(happening);
                known.record.status = status.unwrap_or_else(|| {
                    panic!("order {order} is {:?}: {happening:?} cannot be", known.record.status)
                });
            }
            self.facts.push(event.fact);
        }
    }

    /// Where an order stands by what we were told.
    pub fn status(&self, order: OrderId) -> Status {
        self.orders[&order].record.status
    }

    /// How much of it is filled by what we were told.
    pub fn filled(&self, order: OrderId) -> Quantity {
        self.orders[&order].record.filled
    }

    /// How much is ordered by what we were told.
    pub fn quantity(&self, order: OrderId) -> Quantity {
        self.orders[&order].record.quantity
    }

    /// Where the link stands by what we were told.
    pub fn link(&self) -> Option<Connection> {
        self.facts.iter().rev().find_map(|fact| match fact {
            Fact::ConnectionChanged(change) => Some(change.state),
            _ => None,
        })
    }

    fn count(&self, wanted: impl Fn(&Fact) -> bool) -> usize {
        self.facts.iter().filter(|fact| wanted(fact)).count()
    }

    /// The position that the broker reported last.
    fn reported(&self) -> Option<Quantity> {
        self.facts.iter().rev().find_map(|fact| match fact {
            Fact::PositionReported(report) => Some(report.quantity),
            _ => None,
        })
    }

    fn position(&self) -> Quantity {
        let signed = |known: &Known| Quantity(known.record.filled.0 * known.record.side.sign());
        self.orders.values().map(signed).sum()
    }
}
