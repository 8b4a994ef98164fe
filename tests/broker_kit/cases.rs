//! What every broker is tried at.

use super::*;

/// Tries every case, each on a broker of its own.
pub fn examine(mut fresh: impl FnMut() -> Box<dyn UnderTest>) {
    for (name, case) in CASES {
        println!("{name}");
        case(&mut *fresh());
    }
}

type Case = (&'static str, fn(&mut dyn UnderTest));

const CASES: [Case; 14] = [
    ("an order is taken and filled, each said once", plain),
    ("a lost answer is asked for, and the order is there once", lost_answer),
    ("a lost order is known to be lost only once the broker says so", lost_order),
    ("every report twice is everything once", twice),
    ("a fill may overtake the acceptance", fill_before_acceptance),
    ("what was filled before a cancel stays filled", part_then_cancel),
    ("a cancel that comes too late is refused", late_cancel),
    ("orders of others are named and left alone", external),
    ("a restart in every state finds the truth", restart_in_every_state),
    ("a replacement without an answer is asked for", replacement_unanswered),
    ("a replacement whose answer nobody heard is known", replaced_unheard),
    ("a replacement that was lost leaves the order as it was", replacement_lost),
    ("a storm of reconnections loses nothing", storm),
    ("a clock that jumps back and forth changes nothing", clock_jumps),
];

/// A market order that is filled, whatever goes wrong meanwhile.
fn filled(under: &mut dyn UnderTest, rig: &mut Rig) -> OrderId {
    under.trade(&mut rig.desk, None);
    let order = rig.buy(OrderKind::Market, 10);
    rig.settle();
    under.trade(&mut rig.desk, None);
    rig.until("it fills", |rig| rig.status(order) == Status::Filled);
    rig.settle();
    assert_eq!(rig.filled(order), whole(10));
    order
}

fn plain(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    assert_eq!(rig.link(), Some(Connection::Live));
    filled(under, &mut rig);
    assert!(rig.count(|fact| matches!(fact, Fact::OrderAccepted(_))) <= 1);
}

fn lost_answer(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    rig.faults().lose_answers = 1;
    filled(under, &mut rig);
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderUnknown(_))), 1);
}

fn lost_order(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    rig.faults().lose_orders = 1;
    rig.faults().mute = true;
    let order = rig.buy(OrderKind::Market, 10);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(100) {
        rig.settle();
    }
    assert_eq!(rig.status(order), Status::Submitted, "no wait resolves it");
    rig.faults().mute = false;
    rig.until("the broker denies it", |rig| rig.status(order) == Status::Rejected);
    let never =
        |fact: &Fact| matches!(fact, Fact::OrderRejected(no) if no.reason == RejectReason::NeverArrived);
    assert_eq!(rig.count(never), 1);
}

fn twice(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    rig.faults().twice = true;
    filled(under, &mut rig);
}

fn fill_before_acceptance(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    rig.faults().fills_first = true;
    filled(under, &mut rig);
}

fn part_then_cancel(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.settle();
    under.trade(&mut rig.desk, Some(whole(4)));
    rig.until("a part fills", |rig| rig.status(order) == Status::PartiallyFilled);
    assert_eq!(rig.filled(order), whole(4));
    rig.cancel(order);
    rig.until("the cancel comes back", |rig| rig.status(order) == Status::Cancelled);
    assert_eq!(rig.filled(order), whole(4));
    let unfilled = |fact: &Fact| matches!(fact, Fact::OrderCancelled(closed) if closed.unfilled == whole(6));
    assert_eq!(rig.count(unfilled), 1);
}

fn late_cancel(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let order = filled(under, &mut rig);
    rig.cancel(order);
    rig.settle();
    assert_eq!(rig.status(order), Status::Filled);
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderCancelled(_))), 0);
}

fn external(under: &mut dyn UnderTest) {
    let rig = Rig::new(under);
    let client = ClientId("somebody-elses-1".to_string());
    let rig = rig.restart_with(under, Faults { external: Some(client), ..Faults::default() });
    let named = |fact: &Fact| {
        matches!(fact, Fact::ConnectionChanged(change)
            if change.state == Connection::Live && change.reason.contains("somebody-elses-1"))
    };
    assert_eq!(rig.count(named), 1, "{:#?}", rig.facts);
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderFilled(_) | Fact::OrderCancelled(_))), 0);
}

/// Drives an order into each state, lets nothing of what follows reach us, restarts, and compares.
fn restart_in_every_state(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    // Sent, and no answer heard.
    rig.faults().silent = true;
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.settle();
    let mut rig = rig.restart(under);
    rig.until("it is taken", |rig| rig.status(order) == Status::Accepted);
    // Working, and in part filled while nobody listened.
    rig.faults().silent = true;
    under.trade(&mut rig.desk, Some(whole(4)));
    rig.settle();
    assert_eq!(rig.filled(order), Quantity::ZERO);
    let mut rig = rig.restart(under);
    rig.until("the part is fetched", |rig| rig.status(order) == Status::PartiallyFilled);
    // In part filled, and a cancel under way whose answer is lost.
    rig.faults().silent = true;
    rig.cancel(order);
    rig.settle();
    let mut rig = rig.restart(under);
    rig.until("the cancel is known", |rig| rig.status(order) == Status::Cancelled);
    assert_eq!(rig.filled(order), whole(4));
    // Filled whole while nobody listened.
    rig.faults().silent = true;
    let filled = rig.buy(OrderKind::Market, 5);
    rig.settle();
    under.trade(&mut rig.desk, None);
    rig.settle();
    let mut rig = rig.restart(under);
    rig.until("the fill is fetched", |rig| rig.status(filled) == Status::Filled);
    // Lost on its way while nobody listened.
    rig.faults().lose_orders = 1;
    rig.faults().mute = true;
    let lost = rig.buy(OrderKind::Market, 5);
    rig.settle();
    let mut rig = rig.restart(under);
    rig.until("it is known to be lost", |rig| rig.status(lost) == Status::Rejected);
    // Once more with nothing new: nothing is said again.
    let mut rig = rig.restart(under);
    rig.settle();
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderFilled(_) | Fact::OrderCancelled(_))), 0);
    assert_eq!(rig.reported(), Some(rig.position()), "the broker holds what our fills add up to");
}

fn replacement_unanswered(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.until("it is taken", |rig| rig.status(order) == Status::Accepted);
    rig.faults().lose_orders = 1;
    rig.replace(order, 6, true);
    rig.until("it is known to be lost", |rig| rig.status(order) == Status::Accepted);
    assert_eq!(rig.quantity(order), whole(10));
    rig.faults().lose_answers = 1;
    rig.replace(order, 6, true);
    rig.until("what it became is known", |rig| rig.status(order) == Status::Accepted);
    under.trade(&mut rig.desk, None);
    rig.until("it fills", |rig| rig.status(order) == Status::Filled);
    assert_eq!(rig.filled(order), rig.quantity(order));
    let rig = rig.restart(under);
    assert_eq!(rig.reported(), Some(rig.position()), "the broker holds what our fills add up to");
}

/// A broker that replaces nothing says so; then the order is the one it was.
fn replaced_unheard(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.until("it is taken", |rig| rig.status(order) == Status::Accepted);
    rig.faults().silent = true;
    rig.replace(order, 6, true);
    rig.settle();
    // Filled as it is by now, while nobody listens either.
    under.trade(&mut rig.desk, Some(whole(6)));
    rig.settle();
    let mut rig = rig.restart(under);
    rig.until("the answer is known", |rig| rig.status(order) != Status::ReplacePending);
    under.trade(&mut rig.desk, None);
    rig.until("the rest fills", |rig| rig.status(order) == Status::Filled);
    let refused = rig.quantity(order) == whole(10);
    assert!(refused || rig.quantity(order) == whole(6), "{:?}", rig.quantity(order));
    assert_eq!(rig.filled(order), rig.quantity(order));
    let rig = rig.restart(under);
    assert_eq!(rig.reported(), Some(rig.position()), "the broker holds what our fills add up to");
}

fn replacement_lost(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.until("it is taken", |rig| rig.status(order) == Status::Accepted);
    rig.replace(order, 6, false);
    let mut rig = rig.restart(under);
    rig.until("it is known to be lost", |rig| rig.status(order) == Status::Accepted);
    assert_eq!(rig.quantity(order), whole(10));
    let never =
        |fact: &Fact| matches!(fact, Fact::ReplaceRejected(no) if no.reason == RejectReason::NeverArrived);
    assert_eq!(rig.count(never), 1);
    under.trade(&mut rig.desk, None);
    rig.until("it fills whole", |rig| rig.filled(order) == whole(10));
}

fn storm(under: &mut dyn UnderTest) {
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 40);
    rig.settle();
    for round in 1..=8_u32 {
        rig.faults().fail_connects = round % 3;
        rig.cut();
        rig.settle();
        // It trades while the line is down.
        under.trade(&mut rig.desk, Some(whole(4)));
        rig.until("it is live again", |rig| rig.link() == Some(Connection::Live));
    }
    rig.until("every part is known", |rig| rig.filled(order) == whole(32));
    let rig = rig.restart(under);
    assert_eq!(rig.reported(), Some(rig.position()));
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderFilled(_))), 0, "nothing was missed");
}

/// What the broker is told of the time jumps an hour back, then a day ahead, with an order at work.
fn clock_jumps(under: &mut dyn UnderTest) {
    const HOUR: i64 = 3_600_000_000_000;
    let mut rig = Rig::new(under);
    let price = under.price();
    let order = rig.buy(OrderKind::Limit { price }, 10);
    rig.until("it is taken", |rig| rig.status(order) == Status::Accepted);
    rig.time -= HOUR;
    rig.settle();
    under.trade(&mut rig.desk, Some(whole(4)));
    rig.until("a part fills", |rig| rig.filled(order) == whole(4));
    // An order that leaves while the clock is behind is as good as any.
    let behind = rig.buy(OrderKind::Limit { price }, 3);
    rig.until("the second is taken", |rig| rig.status(behind) == Status::Accepted);
    rig.time += 25 * HOUR;
    rig.settle();
    assert_eq!(rig.status(order), Status::PartiallyFilled, "it is good till cancelled");
    under.trade(&mut rig.desk, Some(whole(6)));
    rig.until("the rest fills", |rig| rig.status(order) == Status::Filled);
    under.trade(&mut rig.desk, Some(whole(3)));
    rig.until("the second fills", |rig| rig.status(behind) == Status::Filled);
    let rig = rig.restart(under);
    assert_eq!(rig.reported(), Some(whole(13)), "the broker holds what our fills add up to");
    assert_eq!(rig.count(|fact| matches!(fact, Fact::OrderFilled(_))), 0, "nothing was missed");
}
