//! Orders of every fate, by a strategy of one's own that the binary does not know.

use genovo_adapters::data::{self, DataSpec};
use genovo_engine::engine::Engine;
use genovo_engine::event::{
    Action, Event, Fact, NewOrder, OrderKind, OrderList, Side, TimeInForce, TradeCorrected, WorldKind,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::run::run;
use genovo_engine::settings::{DataKind, Settings, Trigger};
use genovo_engine::simulated::Simulated;
use genovo_engine::strategy::{
    Needs, ParameterError, Parameters, Proposal, Registry, Strategy, StrategyKind, View,
};
use genovo_engine::units::{Price, Quantity};
use genovo_journal::{Identity, Journal, Writer};

use crate::support::{Folder, snapshot};

/// Sends an order of every sort, one every twenty quotes, and cancels the fourth; two in one decision.
#[derive(Default)]
struct Scripted {
    quotes: u64,
}

const KIND: StrategyKind = StrategyKind {
    name: "scripted",
    about: "sends what a test wants",
    parameters: &[],
    needs: Needs { sizes: false, quotes: true },
    trigger: Trigger::OnSignal,
    make: |_: &Parameters, _: &Settings| -> Result<Box<dyn Strategy>, ParameterError> {
        Ok(Box::new(Scripted::default()))
    },
};

impl Strategy for Scripted {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        if !matches!(event.fact, Fact::QuoteChanged(_)) {
            return false;
        }
        self.quotes += 1;
        self.quotes.is_multiple_of(20) && self.quotes <= 180
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let instrument = view.instrument();
        let price = |text: &str| text.parse::<Price>().unwrap();
        let submit = |side, kind, time_in_force, quantity: &str| Action::Submit {
            instrument,
            side,
            kind,
            time_in_force,
            quantity: quantity.parse::<Quantity>().unwrap(),
        };
        let limit = |text: &str| OrderKind::Limit { price: price(text) };
        let (step, why, action) = match self.quotes / 20 {
            1 => (1, "above the market: at once", submit(Side::Buy, limit("1290.9"), TimeInForce::Gtc, "3")),
            2 => (
                2,
                "a stop under it",
                submit(Side::Sell, OrderKind::Stop { trigger: price("1291.2") }, TimeInForce::Gtc, "3"),
            ),
            3 => (3, "never reached", submit(Side::Buy, limit("1200"), TimeInForce::Gtc, "1")),
            4 => (4, "no longer wanted", Action::Cancel { order: OrderId(4) }),
            5 => (5, "more than there is", submit(Side::Buy, limit("1295"), TimeInForce::Ioc, "7")),
            6 => (6, "a price off the tick", submit(Side::Buy, limit("1290.0005"), TimeInForce::Gtc, "1")),
            7 => (7, "for today only", submit(Side::Sell, limit("1300"), TimeInForce::Day, "1")),
            8 => (8, "more than is displayed", submit(Side::Sell, OrderKind::Market, TimeInForce::Gtc, "9")),
            _ => (9, "far too much", submit(Side::Buy, OrderKind::Market, TimeInForce::Gtc, "9000")),
        };
        proposal.because = format!("step {step}: {why}");
        proposal.because_of("step", f64::from(step));
        proposal.actions.push(action);
        if step == 2 {
            // A second order of the same decision: it rests until the market comes down to it.
            proposal.actions.push(submit(Side::Buy, limit("1290.8"), TimeInForce::Gtc, "2"));
        }
    }
}

/// Runs the strategy into the journal `scripted`.
fn scripted() -> Folder {
    played(KIND, "")
}

/// Runs a strategy called `scripted` into the journal of that name, with these lines more of the account.
fn played(kind: StrategyKind, account: &str) -> Folder {
    let folder = Folder::new();
    let mut registry = Registry::default();
    registry.add(kind);
    let mut scenario = crate::support::SCENARIO.to_string();
    let (from, to) = (scenario.find("kind = ").unwrap(), scenario.find("[risk]").unwrap());
    scenario.replace_range(from..to, "kind = \"scripted\"\n");
    let scenario = scenario.replace("1.2 %", "9 %").replace("10,000 USD", "20,000 USD");
    folder.write("scripted.toml", scenario.replace("[account]\n", &format!("[account]\n{account}\n")));
    let scenario = genovo::scenario::load(&folder.path("scripted.toml"), &[], &registry).expect("a scenario");
    let mut engine = Engine::new(scenario.settings.clone(), &registry).expect("an engine");
    let spec = DataSpec::new(InstrumentId(1), DataKind::Quotes);
    let data = data::open(&folder.path("quotes.csv"), &spec).expect("the data");
    let identity = engine.identity(WorldKind::Simulated);
    let mut world = Simulated::new(&scenario.settings, identity, vec![data.source]).expect("a world");
    let mut writer = Writer::create(&folder.path("scripted"), &Identity::default()).expect("a journal");
    run(&mut world, &mut writer, &mut engine).expect("a run");
    writer.finish().expect("a seal");
    folder
}

#[test]
fn every_fate_of_an_order_reads_well() {
    let folder = scripted();
    let mut shown = String::new();
    for order in 1..=9 {
        let order = order.to_string();
        shown.push_str(&folder.says(&["audit", "explain", "scripted", "--order", &order, "--no-proof"]));
        shown.push('\n');
    }
    snapshot("explain_fates.txt", &shown);
    for part in [
        "at limit 1290.9, filled",
        "at stop 1291.2, filled",
        "cancelled",
        "immediate or cancel",
        "rejected by the venue",
        "expired",
        "on average in 2 fills",
        "It rested and was met",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn a_run_of_an_unknown_strategy_is_shown_but_not_proven() {
    let folder = scripted();
    let shown = folder.says(&["audit", "explain", "scripted", "--order", "1"]);
    assert!(shown.contains("! not recomputed: strategy `scripted` is unknown"), "{shown}");
    let (answer, exit) = folder.answers(&["audit", "explain", "scripted", "--order", "1", "--json"]);
    assert_eq!((exit, &answer["proof"]["verified"]), (0, &serde_json::Value::Null));
}

/// Acts at every twentieth quote, so many times.
struct InTurn {
    act: fn(u64, InstrumentId) -> Vec<Action>,
    turns: u64,
    quotes: u64,
}

impl Strategy for InTurn {
    fn update(&mut self, event: &Event, _: &dyn View) -> bool {
        let is_quote = matches!(event.fact, Fact::QuoteChanged(_));
        self.quotes += u64::from(is_quote);
        is_quote && self.quotes.is_multiple_of(20) && self.quotes <= 20 * self.turns
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        proposal.actions.extend((self.act)(self.quotes / 20, view.instrument()));
    }
}

/// Buys three and two, sells two beside them, then four that only reduce.
fn both_sides(turn: u64, instrument: InstrumentId) -> Vec<Action> {
    let order = |side, quantity: &str| NewOrder::new(side, OrderKind::Market, quantity.parse().unwrap());
    let list = |order| Box::new(OrderList::single(instrument, order));
    vec![match turn {
        1 => Action::Open(list(order(Side::Buy, "3"))),
        2 => Action::Open(list(order(Side::Buy, "2"))),
        3 => Action::Open(list(order(Side::Sell, "2"))),
        _ => Action::Place(list(order(Side::Sell, "4").reduce_only())),
    }]
}

/// Positions stand side by side: what they add up to is not what an order of one side closes or adds to.
#[test]
fn orders_of_a_hedging_account_are_explained_by_their_side() {
    let kind =
        StrategyKind { make: |_, _| Ok(Box::new(InTurn { act: both_sides, turns: 4, quotes: 0 })), ..KIND };
    let folder = played(kind, "positions = \"hedging\"");
    let of = |order| folder.says(&["audit", "explain", "scripted", "--order", order, "--no-proof"]);
    for (order, parts) in [
        ("1", &["Opens a long 3."][..]),
        // Three are long already: this is no more of them.
        ("2", &["Opens a long 2."]),
        ("3", &["Opens a short 2."]),
        // The first of three, and one of the second, of which one is left.
        (
            "4",
            &[
                "Takes 4 off the long positions, the earliest first.",
                "the long it closed",
                "; the long that order 2 opened and it changed is still open: 1 at ",
            ],
        ),
    ] {
        let shown = of(order);
        assert!(parts.iter().all(|part| shown.contains(part)), "{shown}");
    }
    let (told, _) = folder.answers(&["audit", "explain", "scripted", "--order", "4", "--no-proof", "--json"]);
    let after = &told["afterwards"];
    assert_eq!((&after["trades"][0]["order_in"], &after["trades"][0]["part"]), (&1.into(), &"closed".into()));
    let open = &after["still_open"];
    assert_eq!((&open["position"]["order_in"], &open["part"]), (&2.into(), &"changed".into()), "{after}");
}

/// Buys three and two at one quote, then sells one, and three and two at one quote.
fn at_once(turn: u64, instrument: InstrumentId) -> Vec<Action> {
    let (side, quantities) = match turn {
        1 => (Side::Buy, &["3", "2"][..]),
        2 => (Side::Sell, &["1"][..]),
        _ => (Side::Sell, &["3", "2"][..]),
    };
    let orders = quantities.iter().map(|quantity| {
        let order = NewOrder::new(side, OrderKind::Market, quantity.parse().unwrap());
        Action::Place(Box::new(OrderList::single(instrument, order)))
    });
    orders.collect()
}

/// Times do not tell which of several orders of one moment had a part in a position.
#[test]
fn orders_that_fill_in_one_moment_have_their_part() {
    let folder = played(
        StrategyKind { make: |_, _| Ok(Box::new(InTurn { act: at_once, turns: 3, quotes: 0 })), ..KIND },
        "",
    );
    let told = |order: &str| {
        let command = ["audit", "explain", "scripted", "--order", order, "--no-proof", "--json"];
        let after = &folder.answers(&command).0["afterwards"];
        let trades = after["trades"].as_array().unwrap().iter();
        let parts = trades.map(|trade| (trade["order_in"].as_u64().unwrap(), trade["part"].to_string()));
        (parts.collect::<Vec<_>>(), after["still_open"]["part"].to_string())
    };
    let of = |part: &str| (1, format!("\"{part}\""));
    // Order 4 leaves one, and order 5 turns that round.
    for (order, trades, open) in [
        ("1", vec![of("opened")], "null"),
        ("2", vec![of("changed")], "null"),
        ("3", vec![of("changed")], "null"),
        ("4", vec![of("changed")], "null"),
        ("5", vec![of("closed")], "\"opened\""),
    ] {
        assert_eq!(told(order), (trades, open.to_string()), "order {order}");
        let shown = folder.says(&["audit", "explain", "scripted", "--order", order, "--no-proof"]);
        assert!(!shown.contains("took back"), "{shown}");
    }
}

/// What the broker takes back is no part of what became of an order.
#[test]
fn an_order_whose_fills_were_taken_back_changed_nothing() {
    let folder = Folder::replayed(&[]);
    let journal = Journal::open(&folder.path("run")).expect("a journal");
    let mut writer = Writer::create(&folder.path("corrected"), &Identity::default()).expect("a journal");
    let (mut fills, mut last) = (Vec::new(), None);
    for event in journal.events() {
        let mut event = event.expect("an event");
        match &mut event.fact {
            Fact::RunStarted(started) => started.world = WorldKind::Live,
            Fact::OrderFilled(fill) => fills.push((event.header, (**fill).clone())),
            Fact::RunEnded(_) => continue,
            _ => {}
        }
        writer.append(&event).expect("an event");
        last = Some(event.header);
    }
    // The last order's.
    let mut header = last.expect("events");
    let order = fills.last().expect("fills").1.order;
    for (of, fill) in fills.iter().filter(|(_, fill)| fill.order == order) {
        header.sequence = Sequence::input(header.sequence.input_number() + 1);
        (header.instrument, header.cause) = (of.instrument, of.cause);
        let fact = Fact::TradeCorrected(Box::new(TradeCorrected {
            order,
            side: fill.side,
            quantity: fill.quantity,
            price: fill.price,
            corrected: None,
            commission: -fill.commission,
        }));
        writer.append(&Event { header, fact }).expect("an event");
    }
    writer.finish().expect("a seal");
    let order = order.to_string();
    let of = |journal: &str| folder.says(&["audit", "explain", journal, "--order", &order, "--no-proof"]);
    assert!(of("run").contains("is still open"), "{}", of("run"));
    let shown = of("corrected");
    assert!(shown.contains("the broker took back what was filled"), "{shown}");
}
