//! What every error looks like: one snapshot with all of them, to be read from top to bottom.

use crate::support::{FULL, Folder, SMALL, snapshot};

/// Replaces a part that must be there.
fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "nothing to replace: {from}");
    text.replacen(from, to, 1)
}

/// One of several strategies.
fn shared(name: &str, budget: &str) -> String {
    let own = "kind = \"ema-cross\"\nfast = 12\nslow = 48\nquantity = 500\n";
    format!("[[strategies]]\nname = \"{name}\"\nbudget = \"{budget}\"\n{own}")
}

/// A model among several strategies.
fn model(name: &str) -> String {
    let shape = "size = \"tiny\"\nquantity = 5\ndecide = \"5 min\"\n";
    format!("[[strategies]]\nname = \"{name}\"\nbudget = \"50 %\"\nkind = \"model\"\n{shape}")
}

/// The small scenario with these strategies.
fn strategies(each: &str) -> String {
    let (before, _) = SMALL.split_once("[strategy]").expect("it has a strategy");
    format!("{before}{each}")
}

/// The same in a hedging account.
fn hedging(text: &str) -> String {
    with(text, "[account]\n", "[account]\npositions = \"hedging\"\n")
}

#[test]
fn errors_look_as_promised() {
    let small = |from, to| with(SMALL, from, to);
    let full = |from, to| with(FULL, from, to);
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("unknown key", full("max_per_trade", "max_per_trad"), &[]),
        ("unknown key, nothing like it", full("max_per_trade", "colour"), &[]),
        ("unknown key at the top", full("seed = 7", "sede = 7"), &[]),
        ("unknown section", full("[risk]", "[riks]"), &[]),
        ("unknown key in a table", full("taker =", "takr ="), &[]),
        ("a value where a section belongs", full("[risk]\n", "risk = 5\n[quality.x]\n"), &[]),
        ("a list where a value belongs", full("tick = 0.001", "tick = [0.001]"), &[]),
        ("a length without unit", full("\"5 ms\"", "5"), &[]),
        ("a misspelt unit", full("\"5 ms\"", "\"5 mss\""), &[]),
        ("a share in words", full("max_total = \"5 %\"", "max_total = \"5 percent\""), &[]),
        ("a share beyond all", full("max_total = \"5 %\"", "max_total = \"500 %\""), &[]),
        ("a decimal comma", full("max_total = \"5 %\"", "max_total = \"5,5 %\""), &[]),
        ("another currency", full("\"100 USD\"", "\"100 EUR\""), &[]),
        ("no currency", small("100,000 USD", "100,000"), &[]),
        ("more cash than there is", small("100,000 USD", "99,999,999,999,999,999,999,999,999 USD"), &[]),
        ("a quantity with a unit", full("size_when_absent = 500", "size_when_absent = \"500 oz\""), &[]),
        ("a tick of nothing", small("tick = 0.001", "tick = 0"), &[]),
        ("a lot below nothing", full("lot = 1", "lot = -1"), &[]),
        ("too fine a tick", small("tick = 0.001", "tick = 0.0000000001"), &[]),
        ("a misspelt word", full("\"pipelined\"", "\"pipelind\""), &[]),
        ("no such word", full("crossed = \"drop\"", "crossed = \"ignore\""), &[]),
        ("a text for a flag", full("header = true", "header = \"yes\""), &[]),
        ("no such time of day", full("\"21:00\"", "\"9 pm\""), &[]),
        ("no section", small("[account]\ncash = \"100,000 USD\"\n", ""), &[]),
        ("no key", small("tick = 0.001\n", ""), &[]),
        ("an empty file", String::new(), &[]),
        ("unknown instrument", full("instrument = \"XAUUSD\"", "instrument = \"XAUSD\""), &[]),
        ("no instrument among several", full("instrument = \"XAUUSD\"\n", ""), &[]),
        ("two of one name", full("symbol = \"XAGUSD\"", "symbol = \"XAUUSD\""), &[]),
        ("hedging in cash", hedging(&small("[account]\n", "[account]\nkind = \"cash\"\n")), &[]),
        ("margin of no second side", small("[account]\n", "[account]\nhedged_margin = \"both\"\n"), &[]),
        ("strategies that hedge", hedging(&strategies(&shared("one", "50 %"))), &[]),
        ("a hedge that nets", small("kind = \"ema-cross\"", "kind = \"ema-hedge\""), &[]),
        ("maintenance above margin", full("maintenance = \"1 %\"", "maintenance = \"3 %\""), &[]),
        ("no such calendar", full("calendar = \"london\"", "calendar = \"londn\""), &[]),
        ("hours that cannot be", full("open = \"08:00\"", "open = \"8:00\""), &[]),
        ("no rate", full("currency = \"EUR\"\ninstrument", "currency = \"GBP\"\ninstrument"), &[]),
        ("a rate upside down", full("inverse = false", "inverse = true"), &[]),
        ("no factor file", full("\"factors.csv\"", "\"bars.csv\""), &[]),
        ("no data file", small("quotes.csv", "quote.csv"), &[]),
        ("no data folder", small("quotes.csv", "elsewhere/quotes.csv"), &[]),
        ("no such column", small("quotes.csv\"", "quotes.csv\"\ncolumns = { bid = \"bud\" }"), &[]),
        ("no column of such a number", full("ask = 3", "ask = 30"), &[]),
        ("a column of other data", full("ask = 3", "close = 3"), &[]),
        ("bars of no length", full("interval = \"1 day\"\n", ""), &[]),
        ("an interval for quotes", small("quotes.csv\"", "quotes.csv\"\ninterval = \"1 min\""), &[]),
        ("unknown strategy", small("ema-cross", "ema-cros"), &[]),
        ("unknown parameter", small("fast = 12", "fats = 12"), &[]),
        ("no parameter", small("slow = 48\n", ""), &[]),
        ("a parameter that cannot be", small("slow = 48", "slow = 4"), &[]),
        ("strategies beside a strategy", format!("{SMALL}{}", shared("one", "50 %")), &[]),
        ("no budget", strategies(&shared("one", "50 %").replace("budget = \"50 %\"\n", "")), &[]),
        ("a budget of nothing", strategies(&shared("one", "0 %")), &[]),
        (
            "two of one name among strategies",
            strategies(&(shared("one", "50 %") + &shared("one", "20 %"))),
            &[],
        ),
        ("a name that is reserved", strategies(&shared("operator", "50 %")), &[]),
        (
            "strategies that are a number",
            strategies("").replacen("[account]", "strategies = 3\n[account]", 1),
            &[],
        ),
        (
            "no strategy in the list",
            strategies("").replacen("[account]", "strategies = []\n[account]", 1),
            &[],
        ),
        ("two models", strategies(&(model("one") + &model("other"))), &[]),
        (
            "a parameter that is a key of the list",
            strategies(&shared("one", "50 %").replace("ema-cross", "rationed")),
            &[],
        ),
        ("a parameter that is a key", small("ema-cross", "delayed"), &[]),
        (
            "a strategy of what is not there",
            strategies(&(shared("one", "50 %") + "instruments = \"XAUUSD, XAUEUR\"\n")),
            &[],
        ),
        (
            "no such parameter among strategies",
            strategies(&shared("one", "50 %").replace("fast", "fats")),
            &[],
        ),
        ("a forecast that nobody makes", full("fixed_fraction = 2", "kelly = \"25 %\""), &[]),
        (
            "sizes that are not there",
            small("\"ema-cross\"\nfast = 12\nslow = 48", "\"ofi-sign\"\nthreshold = 5"),
            &[],
        ),
        (
            "quotes that are not there",
            small("\"ema-cross\"\nfast = 12\nslow = 48", "\"ofi-sign\"\nthreshold = 5")
                .replace("quotes.csv\"", "trades.csv\"\nkind = \"trades\""),
            &[],
        ),
        (
            "bars of bars",
            small(
                "quotes.csv\"",
                "bars.csv\"\nkind = \"bars\"\ninterval = \"1 day\"\n[bars]\ninterval = \"5 days\"",
            ),
            &[],
        ),
        ("an unknown time format", small("quotes.csv\"", "quotes.csv\"\ntime_format = \"nanos\""), &[]),
        ("a delimiter of two", small("quotes.csv\"", "quotes.csv\"\ndelimiter = \"::\""), &[]),
        ("a file without header", small("quotes.csv\"", "quotes.csv\"\nheader = false"), &[]),
        ("a bar's end without bars", small("fast = 12", "decide = \"bar_close\"\nfast = 12"), &[]),
        ("a misspelt time to decide", small("fast = 12", "decide = \"on_signals\"\nfast = 12"), &[]),
        (
            "an average true range without bars",
            small("[strategy]", "[risk]\ndistance = \"2 atr\"\n[strategy]"),
            &[],
        ),
        ("bars of trades without trades", full("price = \"mid\"", "price = \"trade\""), &[]),
        ("no TOML", small("[data]", "[data"), &[]),
        ("a text without quotes", small("\"quotes.csv\"", "quotes.csv"), &[]),
        ("a key twice", small("fast = 12", "fast = 12\nfast = 13"), &[]),
        ("extends itself", format!("extends = \"scenario.toml\"\n{SMALL}"), &[]),
        ("extends nothing", format!("extends = \"bass.toml\"\n{SMALL}"), &[]),
        ("extends a number", format!("extends = 5\n{SMALL}"), &[]),
        ("--set with an unknown key", SMALL.to_string(), &["risk.max_per_trad=1 %"]),
        ("--set with a wrong value", SMALL.to_string(), &["seed=2", "venue.latency=\"fast\""]),
        ("--set without a value", SMALL.to_string(), &["venue.latency"]),
        ("--set without a key", SMALL.to_string(), &["venue..latency=1 ms"]),
        ("--set with one of several", FULL.to_string(), &["data.path=other.csv"]),
        (
            "many at once",
            full("seed = 7", "sede = 7").replace("\"5 ms\"", "\"5 mss\"").replace("fast = 12", "fast = 99"),
            &["risk.max_totle=5"],
        ),
    ];
    let mut text = String::new();
    for (name, scenario, sets) in cases {
        text.push_str(&format!("## {name}\n{}\n", Folder::new().error(&scenario, sets)));
    }
    snapshot("errors.txt", &text);
}

#[test]
fn an_error_in_an_extended_file_is_shown_there() {
    let folder = Folder::new();
    folder.write("base.toml", with(SMALL, "tick = 0.001", "tick = \"fine\""));
    let text = folder.error("extends = \"base.toml\"\nseed = 3\n", &[]);
    assert!(text.contains("base.toml:5:9\n 5 │ tick = \"fine\""), "{text}");
}

#[test]
fn a_failure_for_a_program_holds_every_error() {
    let folder = Folder::new();
    let failure = folder.load_with(SMALL, &["seed=-1", "risk.max_totl=1"]).expect_err("two errors");
    let json = failure.to_json();
    assert_eq!(json["exit"], 2);
    assert_eq!(json["others"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["consequence"], "Nothing was run.");
}
