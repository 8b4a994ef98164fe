//! Columns of one's own: an expression over other columns and the bar, such as `rsi_14@5m - mean(rsi_14@5m, 20)`.
//!
//! [`parse`] reads the text, [`Program::new`] makes a program of it that is run once a closed bar. Everything is f64;
//! a value that is unknown makes what follows from it unknown.

mod own;
mod parse;
mod program;

pub use own::OwnColumns;
pub use parse::{Operator, Tree, parse};
pub use program::Program;

use std::ops::Range;

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// The bytes at fault.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl ExpressionError {
    fn new(at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> ExpressionError {
        ExpressionError { at, message: message.into(), help: help.into() }
    }

    /// The expression with a mark under what is wrong.
    pub fn shown(&self, text: &str) -> String {
        let width = |range: Range<usize>| text.get(range).map_or(0, |part| part.chars().count());
        let marks = width(self.at.clone()).max(1);
        format!("{text}\n{}{}", " ".repeat(width(0..self.at.start)), "^".repeat(marks))
    }
}

/// Something of the bar that closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Its first price.
    Open,
    /// Its highest price.
    High,
    /// Its lowest price.
    Low,
    /// Its last price.
    Close,
    /// What was traded in it; unknown where the data has no sizes.
    Volume,
}

impl Field {
    /// All of them with their names.
    pub const ALL: [(&str, Field); 5] = [
        ("open", Field::Open),
        ("high", Field::High),
        ("low", Field::Low),
        ("close", Field::Close),
        ("volume", Field::Volume),
    ];
}

/// What a function does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The value so many bars ago.
    Lag,
    /// The mean of the last known values.
    Mean,
    /// The sum of the last known values.
    Sum,
    /// Their standard deviation, by n.
    Std,
    /// How many standard deviations the value is from their mean.
    Z,
    /// Their exponential average, seeded by the mean of the first n.
    Ema,
    /// The highest of the last known values.
    Highest,
    /// The lowest of the last known values.
    Lowest,
    /// The greater of two.
    Max,
    /// The smaller of two.
    Min,
    /// Without its sign.
    Abs,
    /// 1, 0 or −1.
    Sign,
    /// The natural logarithm; unknown up to 0.
    Log,
    /// e to the power of it.
    Exp,
    /// The square root; unknown below 0.
    Sqrt,
    /// No less than the second and no more than the third.
    Clip,
    /// The second where the first is not 0, else the third.
    If,
}

impl Function {
    /// Name, arguments, whether the last is a number of bars, one line.
    pub const ALL: [(&'static str, Function, &'static str, &'static str); 17] = [
        ("lag", Function::Lag, "x, n", "x of n bars ago"),
        ("mean", Function::Mean, "x, n", "mean of the last n"),
        ("sum", Function::Sum, "x, n", "sum of the last n"),
        ("std", Function::Std, "x, n", "standard deviation of the last n, by n"),
        ("z", Function::Z, "x, n", "standard deviations from the mean of the last n"),
        ("ema", Function::Ema, "x, n", "exponential average, weight 2 / (n + 1), seeded by the mean of n"),
        ("highest", Function::Highest, "x, n", "highest of the last n"),
        ("lowest", Function::Lowest, "x, n", "lowest of the last n"),
        ("max", Function::Max, "a, b", "the greater"),
        ("min", Function::Min, "a, b", "the smaller"),
        ("abs", Function::Abs, "x", "without its sign"),
        ("sign", Function::Sign, "x", "1, 0 or -1"),
        ("log", Function::Log, "x", "natural logarithm, unknown up to 0"),
        ("exp", Function::Exp, "x", "e to the power of x"),
        ("sqrt", Function::Sqrt, "x", "square root, unknown below 0"),
        ("clip", Function::Clip, "x, low, high", "x within low and high"),
        ("if", Function::If, "c, a, b", "a where c is not 0, else b"),
    ];

    /// How many arguments it takes.
    fn arguments(self) -> usize {
        let (_, _, arguments, _) = Function::ALL[self as usize];
        arguments.split(',').count()
    }

    /// Whether its last argument is a number of bars.
    fn takes_bars(self) -> bool {
        let (_, _, arguments, _) = Function::ALL[self as usize];
        arguments.ends_with(", n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_functions() {
        for (place, (name, function, _, _)) in Function::ALL.iter().enumerate() {
            assert_eq!(*function as usize, place, "{name}");
        }
    }

    #[test]
    fn the_mark_stands_under_what_is_wrong() {
        let error = parse("é + lga(close, 3)").unwrap_err();
        assert_eq!(error.shown("é + lga(close, 3)"), "é + lga(close, 3)\n^");
        let error = parse("close + lga(close, 3)").unwrap_err();
        assert_eq!(error.shown("close + lga(close, 3)"), "close + lga(close, 3)\n        ^^^");
    }
}
