//! A tree as a program: steps in the order in which they are computed, each with the state that it needs.
//!
//! Every step is computed at every closed bar, both sides of an `if` too, so that windows miss nothing. Nothing
//! allocates after the program was made.

use genovo_kernels::scalar::fused::{exp, ln};

use super::parse::{Operator, Tree};
use super::{ExpressionError, Field, Function};
use crate::canonical::Input;
use crate::features::candle::Candle;
use crate::features::kit::{Ema, Ring, larger, ratio, smaller};
use crate::state::{State, StateError};

/// The most bars that all windows within each other may look back.
const LOOKBACK_MAX: u32 = 4_000;

/// What a step does with the values on top of the stack.
#[derive(Clone, Debug)]
enum Step {
    Number(f64),
    Field(Field),
    /// A column by its place in the row.
    Column(usize),
    Negative,
    Not,
    Pair(Operator),
    /// A function of so many values, without memory.
    Call(Function, usize),
    /// The value of some bars ago; what was unknown is NaN in the ring, which nothing else is.
    Lag(Ring),
    /// A function of the last known values.
    Window(Function, Ring),
    Ema(Ema),
}

/// A column's computation.
#[derive(Clone, Debug)]
pub struct Program {
    steps: Vec<Step>,
    stack: Vec<Option<f64>>,
    lookback: u32,
}

impl Program {
    /// Makes the program of a tree. `place` tells where in the row a column lies, or what is wrong with its name.
    pub fn new(
        tree: &Tree,
        place: &mut dyn FnMut(&str) -> Result<usize, String>,
    ) -> Result<Program, ExpressionError> {
        let mut program = Program { steps: Vec::new(), stack: Vec::new(), lookback: 0 };
        program.lookback = program.add(tree, place)?;
        if program.lookback > LOOKBACK_MAX {
            let message = format!("its windows look back {} bars together", program.lookback);
            return Err(ExpressionError::new(0..0, message, format!("at most {LOOKBACK_MAX}")));
        }
        program.stack.reserve(program.steps.len());
        Ok(program)
    }

    /// Bars that its windows wait for, beyond what its columns wait for.
    pub fn lookback(&self) -> u32 {
        self.lookback
    }

    /// Adds a tree's steps; how many bars it looks back.
    fn add(
        &mut self,
        tree: &Tree,
        place: &mut dyn FnMut(&str) -> Result<usize, String>,
    ) -> Result<u32, ExpressionError> {
        let (step, lookback) = match tree {
            Tree::Number(value) => (Step::Number(*value), 0),
            Tree::Field(field) => (Step::Field(*field), 0),
            Tree::Column(name, at) => {
                let found = place(name).map_err(|help| {
                    ExpressionError::new(at.clone(), format!("no column is called `{name}`"), help)
                })?;
                (Step::Column(found), 0)
            }
            Tree::Negative(inner) => (Step::Negative, self.add(inner, place)?),
            Tree::Not(inner) => (Step::Not, self.add(inner, place)?),
            Tree::Pair(operator, left, right) => {
                let (left, right) = (self.add(left, place)?, self.add(right, place)?);
                (Step::Pair(*operator), left.max(right))
            }
            Tree::Call { function, arguments, bars } => {
                let mut deepest = 0;
                for argument in arguments {
                    deepest = deepest.max(self.add(argument, place)?);
                }
                let length = *bars as usize;
                match function {
                    Function::Lag => (Step::Lag(Ring::new(length + 1)), deepest + bars),
                    Function::Ema => (Step::Ema(Ema::new(*bars)), deepest + (bars - 1)),
                    Function::Mean
                    | Function::Sum
                    | Function::Std
                    | Function::Z
                    | Function::Highest
                    | Function::Lowest => (Step::Window(*function, Ring::new(length)), deepest + (bars - 1)),
                    Function::Max
                    | Function::Min
                    | Function::Abs
                    | Function::Sign
                    | Function::Log
                    | Function::Exp
                    | Function::Sqrt
                    | Function::Clip
                    | Function::If => (Step::Call(*function, arguments.len()), deepest),
                }
            }
        };
        self.steps.push(step);
        Ok(lookback)
    }

    /// The value at a closed bar. `row` holds the columns as they are then.
    pub fn update(&mut self, bar: &Candle, row: &[Option<f64>]) -> Option<f64> {
        let Program { steps, stack, .. } = self;
        stack.clear();
        for step in steps {
            let value = step.apply(stack, bar, row).filter(|value| value.is_finite());
            stack.push(value);
        }
        stack.pop().flatten()
    }
}

/// Windows are all that it remembers.
impl State for Program {
    fn save(&self, out: &mut Vec<u8>) {
        for step in &self.steps {
            match step {
                Step::Lag(ring) | Step::Window(_, ring) => ring.save(out),
                Step::Ema(ema) => ema.save(out),
                Step::Number(_)
                | Step::Field(_)
                | Step::Column(_)
                | Step::Negative
                | Step::Not
                | Step::Pair(_)
                | Step::Call(..) => {}
            }
        }
    }

    fn load(&mut self, input: &mut Input<'_>) -> Result<(), StateError> {
        for step in &mut self.steps {
            match step {
                Step::Lag(ring) | Step::Window(_, ring) => ring.load(input)?,
                Step::Ema(ema) => ema.load(input)?,
                Step::Number(_)
                | Step::Field(_)
                | Step::Column(_)
                | Step::Negative
                | Step::Not
                | Step::Pair(_)
                | Step::Call(..) => {}
            }
        }
        Ok(())
    }
}

impl Step {
    fn apply(&mut self, stack: &mut Vec<Option<f64>>, bar: &Candle, row: &[Option<f64>]) -> Option<f64> {
        match self {
            Step::Number(value) => Some(*value),
            Step::Field(field) => match field {
                Field::Open => Some(bar.open),
                Field::High => Some(bar.high),
                Field::Low => Some(bar.low),
                Field::Close => Some(bar.close),
                Field::Volume => bar.volume,
            },
            Step::Column(place) => row.get(*place).copied().flatten(),
            Step::Negative => stack.pop().flatten().map(|value| -value),
            Step::Not => stack.pop().flatten().map(|value| truth(value == 0.0)),
            Step::Pair(operator) => {
                let (right, left) = (stack.pop().flatten(), stack.pop().flatten());
                pair(*operator, left?, right?)
            }
            Step::Call(function, count) => {
                let mut values = [None; 3];
                for value in values[..*count].iter_mut().rev() {
                    *value = stack.pop().flatten();
                }
                call(*function, values)
            }
            Step::Lag(ring) => {
                ring.push(stack.pop().flatten().unwrap_or(f64::NAN));
                if ring.is_full() { ring.oldest().filter(|value| !value.is_nan()) } else { None }
            }
            Step::Window(function, ring) => {
                let value = stack.pop().flatten()?;
                ring.push(value);
                window(*function, value, ring)
            }
            Step::Ema(ema) => ema.push(stack.pop().flatten()?),
        }
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn pair(operator: Operator, left: f64, right: f64) -> Option<f64> {
    Some(match operator {
        Operator::Or => truth(left != 0.0 || right != 0.0),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Plus => left + right,
        Operator::Minus => left - right,
        Operator::Times => left * right,
        Operator::Over => return ratio(left, right),
    })
}

fn call(function: Function, [first, second, third]: [Option<f64>; 3]) -> Option<f64> {
    let x = first?;
    Some(match function {
        Function::Max => larger(x, second?),
        Function::Min => smaller(x, second?),
        Function::Abs => x.abs(),
        Function::Sign => truth(x > 0.0) - truth(x < 0.0),
        Function::Log if x <= 0.0 => return None,
        Function::Log => ln(x),
        Function::Exp => exp(x),
        Function::Sqrt if x < 0.0 => return None,
        Function::Sqrt => x.sqrt(),
        Function::Clip => smaller(third?, larger(second?, x)),
        Function::If => return if x == 0.0 { third } else { second },
        Function::Lag
        | Function::Mean
        | Function::Sum
        | Function::Std
        | Function::Z
        | Function::Ema
        | Function::Highest
        | Function::Lowest => return None,
    })
}

fn window(function: Function, value: f64, ring: &Ring) -> Option<f64> {
    match function {
        Function::Mean => ring.mean(),
        Function::Sum => ring.is_full().then(|| ring.sum()),
        Function::Std => ring.spread().map(|spread| spread.variance().sqrt()),
        Function::Z => ring.spread()?.z(value),
        Function::Highest => ring.highest(),
        Function::Lowest => ring.lowest(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::units::Timestamp;

    fn bar(close: f64, volume: Option<f64>) -> Candle {
        let time = Timestamp(0);
        Candle { open_time: time, close_time: time, open: 1.0, high: close + 1.0, low: 0.5, close, volume }
    }

    /// The values over these closes; the row has the columns `a` = 3 and `b`, which is never known.
    fn run(text: &str, closes: &[f64]) -> Vec<Option<f64>> {
        let mut place = |name: &str| match name {
            "a" => Ok(0),
            "b" => Ok(1),
            _ => Err("there are a and b".to_string()),
        };
        let mut program = Program::new(&parse(text).unwrap(), &mut place).unwrap();
        closes.iter().map(|close| program.update(&bar(*close, None), &[Some(3.0), None])).collect()
    }

    #[test]
    fn functions_by_hand() {
        let closes = [1.0, 2.0, 6.0, 3.0];
        for (text, expected) in [
            ("close * 2 - 1", vec![Some(1.0), Some(3.0), Some(11.0), Some(5.0)]),
            ("lag(close, 2)", vec![None, None, Some(1.0), Some(2.0)]),
            ("mean(close, 3)", vec![None, None, Some(3.0), Some(11.0 / 3.0)]),
            ("sum(close, 2)", vec![None, Some(3.0), Some(8.0), Some(9.0)]),
            ("std(close, 2)", vec![None, Some(0.5), Some(2.0), Some(1.5)]),
            ("z(close, 2)", vec![None, Some(1.0), Some(1.0), Some(-1.0)]),
            ("ema(close, 3)", vec![None, None, Some(3.0), Some(3.0)]),
            ("highest(close, 2) - lowest(close, 2)", vec![None, Some(1.0), Some(4.0), Some(3.0)]),
            ("max(close, a) + min(close, a)", vec![Some(4.0), Some(5.0), Some(9.0), Some(6.0)]),
            ("sign(close - 2)", vec![Some(-1.0), Some(0.0), Some(1.0), Some(1.0)]),
            ("clip(close, 2, 5)", vec![Some(2.0), Some(2.0), Some(5.0), Some(3.0)]),
            ("if(close > 2, a, -a)", vec![Some(-3.0), Some(-3.0), Some(3.0), Some(3.0)]),
            ("if(close > 2, b, 7)", vec![Some(7.0), Some(7.0), None, None]),
            ("1 / (close - 2)", vec![Some(-1.0), None, Some(0.25), Some(1.0)]),
            ("log(close - 1)", vec![None, Some(0.0), Some(ln(5.0)), Some(ln(2.0))]),
            ("sqrt(close - 2)", vec![None, Some(0.0), Some(2.0), Some(1.0)]),
            ("abs(open - high) + exp(0)", vec![Some(2.0), Some(3.0), Some(7.0), Some(4.0)]),
            ("not close == 2 and close >= 2 or close < 0", vec![Some(0.0), Some(0.0), Some(1.0), Some(1.0)]),
            ("volume", vec![None; 4]),
            ("b + 1", vec![None; 4]),
            // What is unknown waits: the window is of the last known values.
            ("mean(1 / (close - 2), 2)", vec![None, None, Some(-0.375), Some(0.625)]),
            ("lag(1 / (close - 2), 1)", vec![None, Some(-1.0), None, Some(0.25)]),
        ] {
            assert_eq!(run(text, &closes), expected, "{text}");
        }
    }

    #[test]
    fn names_windows_and_length_are_checked() {
        let make = |text: &str| {
            Program::new(&parse(text).unwrap(), &mut |name: &str| match name {
                "a" => Ok(0),
                _ => Err("did you mean `a`?".to_string()),
            })
        };
        assert_eq!(make("lag(mean(a, 20), 5) + ema(a, 10)").unwrap().lookback(), 24);
        let error = make("1 + aa").unwrap_err();
        assert_eq!((error.at, error.help.as_str()), (4..6, "did you mean `a`?"));
        let deep = "lag(lag(lag(lag(lag(a, 1000), 1000), 1000), 1000), 1000)";
        assert!(make(deep).unwrap_err().message.contains("5000 bars together"));
    }
}
