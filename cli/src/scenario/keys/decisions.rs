//! Sections of who decides and what a decision sees.

use super::Bound::{Any, NotNegative, Positive};
use super::Fallback::{Is, Otherwise, Required};
use super::{Key, Section, Unit, key};

const KIND: Key = key("kind", Unit::Text, Any, Required, "name of the strategy");

const DECIDE: Key = key(
    "decide",
    Unit::Trigger,
    Any,
    Otherwise("as the strategy likes it"),
    "when it decides: `on_signal`, `every_tick`, `every 100 ticks`, `bar_close`, `1 s`",
);

pub const STRATEGY: Section = Section {
    name: "strategy",
    many: false,
    about: "Who decides. Its other keys are the strategy's own; genovo check --strategies lists them.",
    keys: &[KIND, DECIDE],
};

pub const STRATEGIES: Section = Section {
    name: "strategies",
    many: true,
    about: "Strategies that share the account, in the place of [strategy]; the other keys of each are its own.",
    keys: &[
        KIND,
        key(
            "name",
            Unit::Text,
            Any,
            Otherwise("its kind"),
            "what decisions and reports call it; each another",
        ),
        DECIDE,
        key(
            "instruments",
            Unit::Text,
            Any,
            Otherwise("all"),
            "symbols that it trades, with commas; it sees the others",
        ),
        key(
            "budget",
            Unit::Ratio,
            Positive,
            Required,
            "what its positions together may be worth, as a share of equity; it sees this share as its own",
        ),
    ],
};

pub const FEATURES: Section = Section {
    name: "features",
    many: false,
    about: "Columns of the catalogue that every decision sees and journals. Without this section there are none.",
    keys: &[
        key(
            "columns",
            Unit::Text,
            Any,
            Is("all"),
            "families, columns and `.txt` files of their names, with commas, or `none`; see `genovo features list`",
        ),
        key(
            "timeframes",
            Unit::Text,
            Any,
            Otherwise("the bars of the scenario, else 1 min, and 5, 15 and 60 times that"),
            "four lengths of bars, shortest first: `1 min`, `500 ticks`, `1000 volume`, `1000000 money`",
        ),
        key(
            "price",
            Unit::Word(&["mid", "bid", "ask", "trade"]),
            Any,
            Otherwise("that of [bars], else `mid` with quotes, else `trade`"),
            "price that these bars show",
        ),
        key(
            "scale",
            Unit::Word(&["robust", "normal", "none"]),
            Any,
            Is("robust"),
            "by median and quartiles of the last 512 values, by their ranks, or not at all",
        ),
        key(
            "benchmark",
            Unit::Text,
            Any,
            Otherwise("none"),
            "symbol of the instrument that others are compared with",
        ),
        key(
            "slots",
            Unit::Whole,
            Positive,
            Otherwise("all columns are given, none is selected"),
            "how many of the columns a model is given; `selection` or `reselect` says which",
        ),
        key(
            "selection",
            Unit::Path,
            Any,
            Otherwise("none"),
            "file of selected columns: names, or `known_at,column` for several selections",
        ),
        key(
            "reselect",
            Unit::Text,
            Any,
            Otherwise("never"),
            "select columns anew every so many of the shortest bars: `500 bars`",
        ),
        key("reselect_window", Unit::Whole, Positive, Is("2000"), "bars that such a selection looks back at"),
        key(
            "reselect_horizon",
            Unit::Whole,
            Positive,
            Is("10"),
            "bars ahead of the return that columns are to say something about",
        ),
        key(
            "reselect_by",
            Unit::Text,
            Any,
            Otherwise("the first instrument"),
            "symbol of the instrument whose bars and returns count",
        ),
        key(
            "reselect_after",
            Unit::Length,
            NotNegative,
            Is("30 s"),
            "from the bar to the selection taking effect: the time that there is to compute it",
        ),
    ],
};

pub const FEATURE: Section = Section {
    name: "feature",
    many: true,
    about: "A column of one's own, over those of the catalogue and the bar; it stands behind those of [features].",
    keys: &[
        key("id", Unit::Text, Any, Required, "its name"),
        key(
            "expr",
            Unit::Text,
            Any,
            Required,
            "expression such as `rsi_14@5m - mean(rsi_14@5m, 20)`; see the guide to features",
        ),
        key(
            "on",
            Unit::Text,
            Any,
            Otherwise("the shortest timeframe"),
            "timeframe of [features] at whose closed bars it is computed",
        ),
    ],
};
