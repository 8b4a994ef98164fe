//! Sections of the simulated venue, of flawed data and of the machine.

use super::Bound::{Any, NotNegative};
use super::Fallback::Is;
use super::{Section, Unit, key};

const FLAW: Unit = Unit::Word(&["keep", "drop", "halt"]);

pub const VENUE: Section = Section {
    name: "venue",
    many: false,
    about: "The simulated venue.",
    keys: &[
        key(
            "latency",
            Unit::Length,
            NotNegative,
            Is("5 ms"),
            "from our sending an order to its arrival at the venue",
        ),
        key(
            "response_latency",
            Unit::Length,
            NotNegative,
            Is("0 ms"),
            "from the venue's answer to its arrival here",
        ),
        key("size_when_absent", Unit::Size, Any, Is("unlimited"), "displayed size where the data has none"),
        key(
            "touch",
            Unit::Touch,
            Any,
            Is("never"),
            "whether a mere touch fills a resting limit order: `never`, `always`, or a probability",
        ),
        key(
            "queue",
            Unit::Word(&["risk_averse", "log", "power_1", "power_2", "power_3"]),
            Any,
            Is("risk_averse"),
            "in a book by price: what of a level's decrease was ahead of a resting order",
        ),
        key(
            "slippage",
            Unit::Slippage,
            Any,
            Is("1 tick"),
            "beyond the displayed size, and on bars and trades: `1 tick`, or `0.1 % square root`",
        ),
        key(
            "day_end",
            Unit::TimeOfDay,
            Any,
            Is("21:00"),
            "when the trading day ends without a calendar, in UTC",
        ),
        key(
            "when_closed",
            Unit::Word(&["deny", "queue"]),
            Any,
            Is("deny"),
            "an order for a closed market is denied, or waits for it to open",
        ),
    ],
};

pub const QUALITY: Section = Section {
    name: "quality",
    many: false,
    about: "What is done about flawed data: `keep` and flag it, `drop` it, or `halt` trading.",
    keys: &[
        key("crossed", FLAW, Any, Is("drop"), "bid above ask"),
        key("locked", FLAW, Any, Is("keep"), "bid equal to ask"),
        key("out_of_order", FLAW, Any, Is("drop"), "a stamp before the last one"),
        key("duplicate", FLAW, Any, Is("keep"), "the same row again"),
        key("gap", FLAW, Any, Is("keep"), "silence longer than `gap_after`"),
        key("gap_after", Unit::Length, NotNegative, Is("15 min"), "how long silence may last; 0 never flags"),
        key("outlier", FLAW, Any, Is("keep"), "a move more than `outlier_times` the usual"),
        key(
            "outlier_times",
            Unit::Whole,
            Any,
            Is("100"),
            "how many times the usual move is too far; 0 never flags",
        ),
    ],
};

pub const EXECUTION: Section = Section {
    name: "execution",
    many: false,
    about: "How the machine runs it. Changes no result, and is no part of a run's identity.",
    keys: &[
        key(
            "mode",
            Unit::Word(&["auto", "inline", "pipelined"]),
            Any,
            Is("auto"),
            "one thread, or stages joined by queues",
        ),
        key(
            "cpu",
            Unit::Word(&["auto", "scalar", "avx2", "avx512"]),
            Any,
            Is("auto"),
            "instruction set of the kernels",
        ),
        key("backend", Unit::Word(&["auto", "cpu", "cuda"]), Any, Is("auto"), "where a model's kernels run"),
        key(
            "checkpoint_every",
            Unit::Whole,
            Any,
            Is("1000000"),
            "events between two checkpoints of a live session; 0 takes none",
        ),
    ],
};
