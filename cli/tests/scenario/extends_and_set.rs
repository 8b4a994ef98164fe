//! `extends` and `--set`: what holds in the end, and where it came from.

use genovo_engine::units::{Nanoseconds, Ratio};

use crate::support::{FULL, Folder, SMALL};

#[test]
fn a_scenario_overrides_what_it_extends() {
    let folder = Folder::new();
    folder.write("shared/base.toml", SMALL.replace("quotes.csv", "../quotes.csv"));
    folder.write("middle.toml", "extends = \"shared/base.toml\"\nseed = 4\n[venue]\nlatency = \"9 ms\"\n");
    let text = "extends = \"middle.toml\"\nname = \"child\"\n[venue]\nresponse_latency = \"1 ms\"\n";
    let scenario = folder.load(text).unwrap();
    assert_eq!((scenario.settings.name.as_str(), scenario.settings.seed), ("child", 4));
    assert_eq!(scenario.settings.venue.latency, Nanoseconds(9_000_000));
    assert_eq!(scenario.settings.venue.response_latency, Nanoseconds(1_000_000));
    assert!(scenario.files[0].path.is_file());
}

#[test]
fn another_strategy_does_not_inherit_parameters() {
    let folder = Folder::new();
    folder.write("base.toml", SMALL);
    let scenario = folder.load("extends = \"base.toml\"\n[strategy]\nkind = \"buy-and-hold\"\n").unwrap();
    assert_eq!(scenario.settings.strategy.parameters["invest"], "95 %");
    assert_eq!(scenario.notes, ["left out, as buy-and-hold has no such parameters: fast, slow, quantity"]);

    let scenario = folder.load_with(SMALL, &["strategy.kind=flat"]).unwrap();
    assert_eq!(scenario.settings.strategy.kind, "flat");
    assert!(scenario.settings.strategy.parameters.is_empty());
    assert_eq!(scenario.notes, ["left out, as flat has no such parameters: fast, slow, quantity"]);
}

/// What a hedging account says of its margin means nothing where the account is made to net; in one text it is wrong.
#[test]
fn an_account_that_is_made_to_net_does_not_inherit_the_margin_of_both_sides() {
    let folder = Folder::new();
    let both = "positions = \"hedging\"\nhedged_margin = \"both\"\n";
    let hedging = SMALL.replace("[account]\n", &format!("[account]\n{both}"));
    folder.write("base.toml", &hedging);
    let nets = "extends = \"base.toml\"\n[account]\npositions = \"netting\"\n";
    let expected = folder.load(&SMALL.replace("[account]", "name = \"s\"\n[account]")).unwrap().settings;
    let said = ["left out, as a netting account never holds both sides: hedged_margin"];
    for scenario in [folder.load(nets), folder.load_with(&hedging, &["account.positions=netting"])] {
        let scenario = scenario.unwrap();
        assert_eq!(scenario.settings.account, expected.account);
        assert_eq!(scenario.notes, said);
    }
    // Who says it of the account that nets is told.
    for more in ["hedged_margin = \"both\"\n", "hedged_margin = \"larger\"\n"] {
        let failure = folder.load(&format!("{nets}{more}")).expect_err("an error");
        assert!(failure.render(false).contains("a netting account never holds both sides"));
    }
    // And what is inherited of an account that hedges stays.
    let scenario = folder.load("extends = \"base.toml\"\nseed = 3\n").unwrap();
    assert_eq!(scenario.settings.account.hedged_margin, genovo_engine::settings::HedgedMargin::Both);
}

#[test]
fn set_reaches_every_kind_of_key() {
    let folder = Folder::new();
    let other = folder.write("other/sized.csv", "ts_ns,bid,ask,bid_size,ask_size\n1,1,2,3,4\n");
    let sets = [
        "seed=9",
        "risk.max_per_trade=\"1 %\"",
        "venue.latency = 0",
        &format!("data.path={}", other.display()),
        "instruments.tick=0.01",
        "instruments.XAUUSD.lot=10",
        "instruments.1.commission.minimum=1 USD",
        "strategy.fast=3",
        "execution.mode='inline'",
    ];
    let scenario = folder.load_with(SMALL, &sets).unwrap();
    let settings = &scenario.settings;
    assert_eq!(settings.seed, 9);
    assert_eq!(settings.risk.max_per_trade, Ratio(10_000_000));
    assert_eq!(settings.venue.latency, Nanoseconds::ZERO);
    assert_eq!(scenario.files[0].path, other);
    assert_eq!(settings.instruments[0].tick.to_string(), "0.01");
    assert_eq!(settings.instruments[0].lot.to_string(), "10");
    assert_eq!(settings.instruments[0].commission.minimum.to_string(), "1");
    assert_eq!(settings.strategy.parameters["fast"], "3");
    assert_eq!(scenario.execution.mode.word(), "inline");
}

#[test]
fn set_picks_one_of_several_by_number() {
    let folder = Folder::new();
    let bars = folder.path().join("bars.csv");
    let set = format!("data.2.path={}", bars.display());
    let scenario = folder.load_with(FULL, &[&set, "data.1.tiles=2"]).unwrap();
    assert_eq!(scenario.files[1].path, bars);
    assert_eq!(scenario.settings.sources[0].tiles, 2);
}

#[test]
fn a_later_set_wins() {
    let scenario = Folder::new().load_with(SMALL, &["seed=2", "seed=3"]).unwrap();
    assert_eq!(scenario.settings.seed, 3);
}
