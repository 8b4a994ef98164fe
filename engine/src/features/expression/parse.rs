//! From text to a tree: words, numbers and signs first, then by how tightly operators bind (Pratt).

use std::ops::Range;

use super::{ExpressionError, Field, Function};

/// An expression as read.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// A number.
    Number(f64),
    /// Something of the bar.
    Field(Field),
    /// Another column, with where it is named.
    Column(String, Range<usize>),
    /// The value with the other sign.
    Negative(Box<Tree>),
    /// 1 where the value is 0, else 0.
    Not(Box<Tree>),
    /// Two values and what is done with them.
    Pair(Operator, Box<Tree>, Box<Tree>),
    /// A function of values; `bars` is its window where it has one.
    Call {
        /// Which function.
        function: Function,
        /// Its arguments without the window.
        arguments: Vec<Tree>,
        /// Its window.
        bars: u32,
    },
}

/// What is done with two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Either is not 0.
    Or,
    /// Both are not 0.
    And,
    /// 1 or 0.
    Less,
    /// 1 or 0.
    LessOrEqual,
    /// 1 or 0.
    Greater,
    /// 1 or 0.
    GreaterOrEqual,
    /// 1 or 0.
    Equal,
    /// 1 or 0.
    NotEqual,
    /// Their sum.
    Plus,
    /// Their difference.
    Minus,
    /// Their product.
    Times,
    /// Their quotient; unknown where the second is 0.
    Over,
}

impl Operator {
    /// What binds more tightly has the higher number.
    const fn strength(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Equal
            | Operator::NotEqual => 3,
            Operator::Plus | Operator::Minus => 4,
            Operator::Times | Operator::Over => 5,
        }
    }
}

/// The longest expression.
const BYTES_MAX: usize = 4_096;
/// The most parts: numbers, names, operators and functions. A chain of operators is as deep a tree as it is long.
const PARTS_MAX: usize = 500;
/// How deeply one may lie in another.
const DEPTH_MAX: usize = 64;
/// The longest window.
pub(super) const BARS_MAX: u32 = 1_000;

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Number(f64),
    Word(&'a str),
    Operator(Operator),
    Open,
    Close,
    Comma,
    End,
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    next: Token<'a>,
    /// The bytes of `next`.
    span: Range<usize>,
    depth: usize,
    /// Parts so far.
    parts: usize,
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Tree, ExpressionError> {
    if text.len() > BYTES_MAX {
        let message = format!("the expression is longer than {BYTES_MAX} bytes");
        return Err(ExpressionError::new(0..text.len(), message, "make two columns of it"));
    }
    let mut tokens = Tokens { text, at: 0, next: Token::End, span: 0..0, depth: 0, parts: 0 };
    tokens.advance()?;
    if tokens.next == Token::End {
        return Err(ExpressionError::new(
            0..text.len(),
            "the expression is empty",
            "write such as `z(close, 50)`",
        ));
    }
    let tree = tokens.expression(0)?;
    match tokens.next {
        Token::End => Ok(tree),
        _ => Err(tokens.unexpected("an operator or the end")),
    }
}

impl<'a> Tokens<'a> {
    fn advance(&mut self) -> Result<(), ExpressionError> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let (token, length) = match rest.as_bytes() {
            [] => (Token::End, 0),
            [b'(', ..] => (Token::Open, 1),
            [b')', ..] => (Token::Close, 1),
            [b',', ..] => (Token::Comma, 1),
            [b'<', b'=', ..] => (Token::Operator(Operator::LessOrEqual), 2),
            [b'>', b'=', ..] => (Token::Operator(Operator::GreaterOrEqual), 2),
            [b'=', b'=', ..] => (Token::Operator(Operator::Equal), 2),
            [b'!', b'=', ..] => (Token::Operator(Operator::NotEqual), 2),
            [b'<', ..] => (Token::Operator(Operator::Less), 1),
            [b'>', ..] => (Token::Operator(Operator::Greater), 1),
            [b'+', ..] => (Token::Operator(Operator::Plus), 1),
            [b'-', ..] => (Token::Operator(Operator::Minus), 1),
            [b'*', ..] => (Token::Operator(Operator::Times), 1),
            [b'/', ..] => (Token::Operator(Operator::Over), 1),
            [b'0'..=b'9' | b'.', ..] => number(rest, start)?,
            [b'a'..=b'z' | b'A'..=b'Z' | b'_', ..] => {
                let length = word_length(rest);
                match &rest[..length] {
                    "or" => (Token::Operator(Operator::Or), length),
                    "and" => (Token::Operator(Operator::And), length),
                    word => (Token::Word(word), length),
                }
            }
            _ => {
                let character = rest.chars().next().map_or(1, char::len_utf8);
                let message = format!("`{}` is no part of an expression", &rest[..character]);
                let help = "there are numbers, names, ( ) , + - * / < <= > >= == != and or not";
                return Err(ExpressionError::new(start..start + character, message, help));
            }
        };
        self.next = token;
        self.span = start..start + length;
        self.at = start + length;
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> ExpressionError {
        let found = match self.next {
            Token::End => "the expression ends here".to_string(),
            _ => format!("`{}` cannot stand here", &self.text[self.span.clone()]),
        };
        ExpressionError::new(self.span.clone(), found, format!("expected {expected}"))
    }

    fn take(&mut self, wanted: &Token<'_>, expected: &str) -> Result<(), ExpressionError> {
        if self.next != *wanted {
            return Err(self.unexpected(expected));
        }
        self.advance()
    }

    /// What binds more tightly than `least`.
    fn expression(&mut self, least: u8) -> Result<Tree, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("parts lie more than {DEPTH_MAX} deep in each other");
            return Err(ExpressionError::new(self.span.clone(), message, "make two columns of it"));
        }
        let mut left = self.first()?;
        while let Token::Operator(operator) = self.next {
            if operator.strength() <= least {
                break;
            }
            self.count()?;
            self.advance()?;
            let right = self.expression(operator.strength())?;
            left = Tree::Pair(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    /// One more part, which is the next.
    fn count(&mut self) -> Result<(), ExpressionError> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            let message = format!("the expression has more than {PARTS_MAX} parts");
            return Err(ExpressionError::new(self.span.clone(), message, "make two columns of it"));
        }
        Ok(())
    }

    fn first(&mut self) -> Result<Tree, ExpressionError> {
        let span = self.span.clone();
        if self.next != Token::Open {
            self.count()?;
        }
        match self.next.clone() {
            Token::Number(value) => {
                self.advance()?;
                Ok(Tree::Number(value))
            }
            Token::Open => {
                self.advance()?;
                let inner = self.expression(0)?;
                self.take(&Token::Close, "`)`")?;
                Ok(inner)
            }
            Token::Operator(Operator::Minus) => {
                self.advance()?;
                // Tighter than any operator of two values.
                Ok(Tree::Negative(Box::new(self.expression(5)?)))
            }
            Token::Word("not") => {
                self.advance()?;
                Ok(Tree::Not(Box::new(self.expression(2)?)))
            }
            Token::Word(word) => {
                self.advance()?;
                if self.next == Token::Open {
                    return self.call(word, span);
                }
                let field = Field::ALL.iter().find(|(name, _)| *name == word);
                Ok(field
                    .map_or_else(|| Tree::Column(word.to_string(), span), |(_, field)| Tree::Field(*field)))
            }
            Token::Operator(_) | Token::Close | Token::Comma | Token::End => {
                Err(self.unexpected("a number, a column, a field of the bar or a function"))
            }
        }
    }

    fn call(&mut self, name: &str, span: Range<usize>) -> Result<Tree, ExpressionError> {
        let Some((_, function, shape, _)) = Function::ALL.iter().find(|(known, ..)| *known == name) else {
            let names: Vec<&str> = Function::ALL.iter().map(|(name, ..)| *name).collect();
            let message = format!("no function is called `{name}`");
            return Err(ExpressionError::new(span, message, format!("there are {}", names.join(", "))));
        };
        self.take(&Token::Open, "`(`")?;
        let mut arguments = Vec::new();
        let mut bars = 0;
        while self.next != Token::Close || arguments.is_empty() {
            if function.takes_bars() && arguments.len() + 1 == function.arguments() {
                bars = self.bars(name)?;
                break;
            }
            arguments.push(self.expression(0)?);
            match self.next {
                Token::Comma => self.advance()?,
                Token::Close => break,
                _ => return Err(self.unexpected("`,` or `)`")),
            }
        }
        let given = arguments.len() + usize::from(bars > 0);
        let end = self.span.end;
        self.take(&Token::Close, "`)`")?;
        if given != function.arguments() {
            let message = format!("`{name}` takes {}, found {given}", count(function.arguments()));
            return Err(ExpressionError::new(span.start..end, message, format!("write {name}({shape})")));
        }
        Ok(Tree::Call { function: *function, arguments, bars })
    }

    fn bars(&mut self, name: &str) -> Result<u32, ExpressionError> {
        let span = self.span.clone();
        let wrong = |message: String| {
            let help = format!("a whole number from 1 to {BARS_MAX}: windows do not change");
            ExpressionError::new(span.clone(), message, help)
        };
        let Token::Number(value) = self.next else {
            let found = &self.text[span.clone()];
            return Err(wrong(format!("the window of `{name}` is `{found}`, not a number of bars")));
        };
        if value < 1.0 || value > f64::from(BARS_MAX) || value.fract() != 0.0 {
            return Err(wrong(format!("a window of `{name}` cannot be {value} bars long")));
        }
        self.advance()?;
        Ok(value as u32)
    }
}

fn count(arguments: usize) -> String {
    if arguments == 1 { "1 argument".to_string() } else { format!("{arguments} arguments") }
}

/// A column's name may hold an @ and the length of its bars: `rsi_14@5m`, `rsi_14@0.5s`.
fn word_length(text: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'.');
    text.bytes().take_while(part).count()
}

fn number<'a>(text: &'a str, start: usize) -> Result<(Token<'a>, usize), ExpressionError> {
    let bytes = text.as_bytes();
    let mut length = bytes.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    // 1e-3: the sign belongs to the exponent only where digits follow.
    if let Some(b'e' | b'E') = bytes.get(length) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let digits = bytes[length + 1 + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    match text[..length].parse::<f64>() {
        Ok(value) if value.is_finite() => Ok((Token::Number(value), length)),
        _ => {
            let message = format!("`{}` is no number", &text[..length]);
            Err(ExpressionError::new(start..start + length, message, "write such as 12, 0.5 or 1e-3"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(tree: &Tree) -> String {
        match tree {
            Tree::Number(value) => value.to_string(),
            Tree::Field(field) => format!("{field:?}").to_lowercase(),
            Tree::Column(name, _) => name.clone(),
            Tree::Negative(inner) => format!("(- {})", shown(inner)),
            Tree::Not(inner) => format!("(not {})", shown(inner)),
            Tree::Pair(operator, left, right) => format!("({operator:?} {} {})", shown(left), shown(right)),
            Tree::Call { function, arguments, bars } => {
                let arguments: Vec<String> = arguments.iter().map(shown).collect();
                format!("{function:?}[{}; {bars}]", arguments.join(", "))
            }
        }
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, expected) in [
            ("1 + 2 * 3", "(Plus 1 (Times 2 3))"),
            ("1 - 2 - 3", "(Minus (Minus 1 2) 3)"),
            ("-close * 2", "(Times (- close) 2)"),
            ("- -1", "(- (- 1))"),
            ("(1 + 2) * 3", "(Times (Plus 1 2) 3)"),
            ("a > 1 and not b < 2 or c", "(Or (And (Greater a 1) (not (Less b 2))) c)"),
            ("1e-3e", "no"),
            ("mean(rsi_14@5m, 20)", "Mean[rsi_14@5m; 20]"),
            (
                "if(volume >= 2, abs(low), min(1, .5))",
                "If[(GreaterOrEqual volume 2), Abs[low; 0], Min[1, 0.5; 0]; 0]",
            ),
        ] {
            match parse(text) {
                Ok(tree) => assert_eq!(shown(&tree), expected),
                Err(error) => assert_eq!(expected, "no", "{text}: {error}"),
            }
        }
    }

    #[test]
    fn errors_say_where_and_what_would_be_right() {
        for (text, at, message, help) in [
            ("", 0..0, "the expression is empty", "write such as `z(close, 50)`"),
            (
                "1 +",
                3..3,
                "the expression ends here",
                "expected a number, a column, a field of the bar or a function",
            ),
            ("1 2", 2..3, "`2` cannot stand here", "expected an operator or the end"),
            ("(close", 6..6, "the expression ends here", "expected `)`"),
            ("mean(close)", 0..11, "`mean` takes 2 arguments, found 1", "write mean(x, n)"),
            ("abs(1, 2)", 0..9, "`abs` takes 1 argument, found 2", "write abs(x)"),
            (
                "lag(close, n)",
                11..12,
                "the window of `lag` is `n`, not a number of bars",
                "a whole number from 1 to 1000: windows do not change",
            ),
            (
                "lag(close, 0)",
                11..12,
                "a window of `lag` cannot be 0 bars long",
                "a whole number from 1 to 1000: windows do not change",
            ),
            (
                "close $ 2",
                6..7,
                "`$` is no part of an expression",
                "there are numbers, names, ( ) , + - * / < <= > >= == != and or not",
            ),
            ("1..2", 0..4, "`1..2` is no number", "write such as 12, 0.5 or 1e-3"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(
                (error.at, error.message.as_str(), error.help.as_str()),
                (at, message, help),
                "{text}"
            );
        }
        let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
        assert!(parse(&deep).unwrap_err().message.contains("64 deep"));
        assert!(parse(&"1".repeat(5_000)).unwrap_err().message.contains("longer than"));
        // Parentheses are no parts.
        let chain = |count: usize| format!("(1){}", "+(1)".repeat(count));
        assert!(parse(&chain(249)).is_ok());
        let error = parse(&chain(250)).unwrap_err();
        assert_eq!(
            (error.at.start, error.message.as_str()),
            (1_001, "the expression has more than 500 parts")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_text_gives_a_tree_or_an_error_within_it(
            text in "([a-z_@0-9.]{1,4}|[-+*/<>=!,() ]|mean|if|not|é|\\$){0,24}",
        ) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len());
                prop_assert!(text.is_char_boundary(error.at.start) && text.is_char_boundary(error.at.end));
                error.shown(&text);
            }
        }
    }
}
