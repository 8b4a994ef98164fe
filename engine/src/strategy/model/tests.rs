use std::collections::BTreeMap;

use genovo_kernels::checkpoint::Checkpoint;
use genovo_kernels::model::Spec;

use super::super::{Models, Parameters, Proposal, Strategy, View};
use super::{ModelStrategy, feature_set};
use crate::book::Book;
use crate::event::{Event, Fact, Quote, Side};
use crate::features::candle::Timeframe;
use crate::features::normalise::Normalise;
use crate::ids::{Hash, InstrumentId};
use crate::order::Orders;
use crate::settings::{BarPrice, FeatureSettings, Settings};
use crate::units::{Money, Nanoseconds, Price, Quantity, Timestamp};

/// An account that does not trade, at a moment.
struct Still {
    now: Timestamp,
    instrument: InstrumentId,
    orders: Orders,
    row: Vec<Option<f32>>,
}

impl View for Still {
    fn now(&self) -> Timestamp {
        self.now
    }
    fn instrument(&self) -> InstrumentId {
        self.instrument
    }
    fn quote(&self, _: InstrumentId) -> Option<Quote> {
        None
    }
    fn book(&self, _: InstrumentId) -> Option<&Book> {
        None
    }
    fn price(&self, _: InstrumentId, _: Side) -> Option<Price> {
        Some(Price(100))
    }
    fn position(&self, _: InstrumentId) -> Quantity {
        Quantity::ZERO
    }
    fn position_with_working_orders(&self, _: InstrumentId) -> Quantity {
        Quantity::ZERO
    }
    fn equity(&self) -> Money {
        Money(1_000_000_000)
    }
    fn instruments(&self) -> u32 {
        3
    }
    fn orders(&self) -> &Orders {
        &self.orders
    }
    fn is_open(&self, _: InstrumentId) -> bool {
        true
    }
    fn features_of(&self, _: InstrumentId) -> &[Option<f32>] {
        &self.row
    }
}

/// A scenario's settings.
const GOLD: &str = r#"{"name":"gold","seed":1,
  "account":{"currency":"USD","digits":2,"cash":"100000","kind":"margin"},
  "instruments":[{"symbol":"XAUUSD","tick":"0.001","lot":"1","multiplier":"1","margin_initial":"1",
    "margin_maintenance":"1","commission":{"taker":"0","maker":"0","per_unit":"0","minimum":"0"}}],
  "sources":[],"bars":null,"trigger":"on_signal","strategy":{"kind":"flat","parameters":{}},
  "risk":{"max_per_trade":"0.02","max_total":"0.05","min_position":"100","distance":{"share_of_price":"0.01"}},
  "venue":{"latency":0,"response_latency":0,"size_when_absent":null,"touch":"never","slippage":{"ticks":1},
    "day_end":75600000000000},
  "quality":{"crossed":"drop","locked":"keep","out_of_order":"drop","duplicate":"keep","gap":"keep",
    "gap_after":900000000000,"outlier":"keep","outlier_times":100}}"#;

/// Three instruments, with the catalogue's columns that these words select.
fn settings(columns: &[&str]) -> Settings {
    let mut settings = Settings::from_canonical_json(GOLD).unwrap();
    let one = settings.instruments[0].clone();
    settings.instruments.extend([one.clone(), one]);
    settings.features = Some(FeatureSettings {
        columns: columns.iter().map(|word| word.to_string()).collect(),
        timeframes: [1, 5, 15, 60].map(|minutes| Timeframe::Time(Nanoseconds(minutes * 60_000_000_000))),
        price: BarPrice::Mid,
        scale: Normalise::Robust,
        benchmark: None,
        selection: None,
        own: Vec::new(),
        altered: Vec::new(),
    });
    settings
}

fn parameters(said: &[(&str, &str)], models: &Models) -> Parameters {
    let mut all: BTreeMap<String, String> =
        [("quantity", "10"), ("choose", "best"), ("volatility", "100 %")].map(owned).into();
    all.extend(said.iter().copied().map(owned));
    Parameters::new(all, models)
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_string(), value.to_string())
}

const SEEDED: [(&str, &str); 3] = [("size", "tiny"), ("model_seed", "1"), ("precision", "f32")];

fn quote(strategy: &mut ModelStrategy, view: &Still, instrument: u32) {
    let quote = Quote { bid: Price(90), ask: Price(110), bid_size: None, ask_size: None };
    let event = Event::unnumbered(view.now, view.now, InstrumentId(instrument), Fact::QuoteChanged(quote));
    strategy.update(&event, view);
}

#[test]
fn all_that_are_due_share_one_pass_over_the_weights() {
    let mut strategy =
        ModelStrategy::new(&parameters(&SEEDED, &Models::default()), &settings(&["calendar"])).unwrap();
    let mut view =
        Still { now: Timestamp(1), instrument: InstrumentId(1), orders: Orders::default(), row: vec![] };
    for instrument in 1..=3 {
        quote(&mut strategy, &view, instrument);
    }
    let all = [1, 2, 3].map(InstrumentId);
    for step in 1..=5 {
        view.now = Timestamp(step * 1_000_000_000);
        strategy.prepare(&all, &view);
        for instrument in all {
            view.instrument = instrument;
            let mut proposal = Proposal::default();
            strategy.decide(&view, &mut proposal);
            assert!(proposal.evidence.iter().any(|evidence| evidence.name == "logit_hold"));
        }
        assert_eq!(strategy.network.as_ref().unwrap().passes, step as u64, "one pass for three decisions");
    }
    // Two are due: one pass for both, and none for the third.
    view.now = Timestamp(9_000_000_000);
    strategy.prepare(&all[..2], &view);
    assert_eq!(strategy.network.as_ref().unwrap().passes, 6);
}

/// What a card that is lost leaves behind is enough to go on from, wherever between two copies of its streams it was.
#[test]
fn a_network_is_made_anew_from_what_was_kept() {
    let settings = settings(&["calendar"]);
    let mut strategy = ModelStrategy::new(&parameters(&SEEDED, &Models::default()), &settings).unwrap();
    strategy.make_network().unwrap();
    strategy.network.as_mut().unwrap().keep().unwrap();
    let mut view =
        Still { now: Timestamp(1), instrument: InstrumentId(1), orders: Orders::default(), row: vec![] };
    (1..=3).for_each(|instrument| quote(&mut strategy, &view, instrument));
    let account = [0.25; super::account::ACCOUNT.len()];
    for step in 1..=70 {
        view.now = Timestamp(step * 1_000_000_000);
        // The second comes to its copies with other steps than the others.
        let due = [1, 2, 3].map(InstrumentId);
        let due = if step % 3 == 0 { &due[..1] } else { &due[..] };
        strategy.prepare(due, &view);
        if ![1, 31, 32, 33, 34, 64, 65, 66, 70].contains(&step) {
            continue;
        }
        let network = strategy.network.as_ref().unwrap();
        let mut made = strategy.recovered().unwrap();
        assert_eq!(made.save(), network.save(), "step {step}");
        assert_eq!(made.save().unwrap().0[0], step as u64);
        let said = |network: &mut super::Network| {
            network.heads(due.len() - 1, &account).unwrap();
            let bits = network.said().logits().map(f32::to_bits);
            (bits, network.said().value().to_bits())
        };
        let expected = said(strategy.network.as_mut().unwrap());
        assert_eq!(said(&mut made), expected, "step {step}");
        // What was made anew keeps in its turn.
        made.keep().unwrap();
        strategy.network = Some(made);
    }
}

/// The first 32 columns of the catalogue's families over ticks: as many as `tiny` sees.
fn thirty_two() -> Vec<String> {
    let names = settings(&["microstructure"]).features.unwrap();
    let selected = crate::features::catalogue::select(&names.timeframes, &["all".to_string()]).unwrap();
    selected.into_iter().rev().take(32).map(|(column, _)| column.id).collect()
}

#[test]
fn selected_columns_are_what_the_network_sees() {
    let names = thirty_two();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let settings = settings(&words);
    let said = [&SEEDED[..], &[("features", "selected")]].concat();
    let forecast = |row: Vec<Option<f32>>| {
        let mut strategy = ModelStrategy::new(&parameters(&said, &Models::default()), &settings).unwrap();
        let mut view =
            Still { now: Timestamp(1), instrument: InstrumentId(1), orders: Orders::default(), row };
        quote(&mut strategy, &view, 1);
        view.now = Timestamp(1_000_000_000);
        strategy.prepare(&[InstrumentId(1)], &view);
        let mut proposal = Proposal::default();
        strategy.decide(&view, &mut proposal);
        assert_eq!(proposal.features.len(), strategy.features().len());
        assert!(!strategy.features().contains(&"return_1".to_string()), "not its own features");
        let value = proposal.evidence.iter().find(|evidence| evidence.name == "q50_16").unwrap().value;
        value.to_bits()
    };
    let zeros = forecast(vec![Some(0.0); 32]);
    assert_eq!(forecast(vec![None; 32]), zeros, "what is unknown is +0");
    for column in [0, 31] {
        let mut row = vec![Some(0.0); 32];
        row[column] = Some(1.0);
        assert_ne!(forecast(row), zeros, "column {column}");
    }
}

#[test]
fn features_and_checkpoints_that_do_not_fit_are_refused_by_name() {
    let models = Models::default();
    let made = Checkpoint::init(&Spec::tiny(), 7).unwrap();
    let names = thirty_two();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let fitting = settings(&words);
    let mut with_set = fitting.clone();
    with_set.strategy.kind = "model".into();
    with_set.strategy.parameters = [owned(("features", "selected"))].into();
    let set = feature_set(&with_set).unwrap();
    let trained = made.clone().with_feature_set(&set.to_string()).unwrap();
    assert_eq!(trained.id(), made.id(), "the id is of the weights");
    let id = models.add(trained).to_string();

    let selected = ("features", "selected");
    let checkpoint = ("checkpoint", id.as_str());
    ModelStrategy::new(&parameters(&[checkpoint, selected], &models), &fitting).unwrap();
    let unknown = Hash([9; 32]).to_string();
    let mut raw = fitting.clone();
    raw.features.as_mut().unwrap().scale = Normalise::None;
    let mut none = fitting.clone();
    none.features = None;
    for (said, settings, name, message) in [
        (vec![checkpoint], &fitting, "checkpoint", "it was trained on the feature set"),
        (vec![checkpoint, selected], &raw, "checkpoint", "it was trained on the feature set"),
        (vec![checkpoint, selected], &none, "features", "the scenario has no such section"),
        (
            vec![checkpoint, selected],
            &settings(&words[1..]),
            "features",
            "exactly 32 columns, and [features] selects 31",
        ),
        (vec![checkpoint, ("features", "all")], &fitting, "features", "`all` is none of own, selected"),
        (vec![("checkpoint", &unknown)], &fitting, "checkpoint", "is not at hand"),
        (vec![("checkpoint", "gold")], &fitting, "checkpoint", "`gold` is no id of a model"),
        (vec![checkpoint, ("size", "base")], &fitting, "size", "the checkpoint is tiny, not base"),
        (vec![checkpoint, ("precision", "int8")], &fitting, "precision", "the checkpoint is f32, not int8"),
        (vec![checkpoint, ("model_seed", "1")], &fitting, "model_seed", "leave the seed out"),
    ] {
        let error = ModelStrategy::new(&parameters(&said, &models), settings).err().expect(message);
        assert_eq!(error.name, name);
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn a_seeded_model_has_its_id_after_its_checkpoint_was_let_go() {
    let mut strategy =
        ModelStrategy::new(&parameters(&SEEDED, &Models::default()), &settings(&["calendar"])).unwrap();
    let id = strategy.model().unwrap();
    assert_eq!(id.0, Checkpoint::init(&Spec::tiny(), 1).unwrap().id().0);
    strategy.make_network().unwrap();
    assert_eq!(strategy.model(), Some(id));
}
