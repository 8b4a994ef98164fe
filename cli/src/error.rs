//! The one error of the command line: where, what is wrong, what would be right, and what was not done.
//!
//! Every command returns a [`Failure`]; it carries the exit code, and [`Failure::render`] draws it.

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal;
use std::ops::Range;

use crate::signing::SECRET;

/// The widest source line that is shown whole; a longer one is cut around its mark.
const LINE_MAX: usize = 100;

/// Why a command did not succeed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What is wrong: lower case, no final stop.
    pub message: String,
    /// Where, if it has a place in some text.
    pub place: Option<Box<Place>>,
    /// What would be right, or what to do next.
    pub help: Option<String>,
    /// What was not done, such as `Nothing was run.`
    pub consequence: String,
    /// The exit code.
    pub exit: Exit,
    /// More errors found in the same pass; shown in a line each.
    pub others: Vec<Failure>,
}

/// How a command that did not succeed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The run failed.
    Failed = 1,
    /// Wrong usage, or a wrong scenario.
    Usage = 2,
    /// Verification found a difference.
    Difference = 3,
}

/// A place in a text, with the lines that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How a reader finds it: `scenarios/gold.toml:31:1`, or `quotes.csv, line 285,240, column ‹ask›`.
    pub title: String,
    /// The lines, the marked one last.
    pub lines: Vec<SourceLine>,
    /// What is marked in the last line.
    pub mark: Option<Mark>,
}

/// One line of the text that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// Its number, counted from 1, if the margin shall show it.
    pub number: Option<u64>,
    /// Its text.
    pub text: String,
}

/// A marked part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Characters before it.
    pub start: usize,
    /// Characters in it.
    pub width: usize,
    /// What is said about it; may be empty.
    pub label: String,
}

impl Place {
    /// The bytes `span` of a file's text, with the line they begin in.
    pub fn in_file(name: &str, text: &str, span: Range<usize>, label: impl Into<String>) -> Place {
        let (number, line_start, line) = line_at(text, span.start);
        let mark = mark(line, line_start, &span, label.into());
        let title = format!("{name}:{number}:{}", mark.start + 1);
        let line = SourceLine { number: Some(number), text: line.to_string() };
        Place { title, lines: vec![line], mark: Some(mark) }
    }

    /// The bytes `span` of a short text that is no file, such as a command-line argument.
    pub fn in_argument(title: &str, text: &str, span: Range<usize>, label: impl Into<String>) -> Place {
        let (_, line_start, line) = line_at(text, span.start);
        let mark = mark(line, line_start, &span, label.into());
        let line = SourceLine { number: None, text: line.to_string() };
        Place { title: title.to_string(), lines: vec![line], mark: Some(mark) }
    }
}

/// The line that holds byte `at`: its number, where it starts, and its text without the line end.
fn line_at(text: &str, at: usize) -> (u64, usize, &str) {
    let at = floor_boundary(text, at);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let number = text[..start].bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
    (number, start, text[start..end].trim_end_matches('\r'))
}

fn mark(line: &str, line_start: usize, span: &Range<usize>, label: String) -> Mark {
    let from = floor_boundary(line, span.start.saturating_sub(line_start));
    let to = floor_boundary(line, span.end.saturating_sub(line_start)).max(from);
    Mark { start: line[..from].chars().count(), width: line[from..to].chars().count().max(1), label }
}

/// The last character boundary at or before `at`.
fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl Failure {
    /// A failure without a place.
    pub fn new(exit: Exit, message: impl Into<String>, consequence: impl Into<String>) -> Failure {
        let (message, consequence) = (message.into(), consequence.into());
        Failure { message, place: None, help: None, consequence, exit, others: Vec::new() }
    }

    /// The same with its place.
    pub fn at(mut self, place: Place) -> Failure {
        self.place = Some(Box::new(place));
        self
    }

    /// The same with help.
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }

    /// The first failure with all the others behind it; `None` when there is none.
    pub fn gather(failures: impl IntoIterator<Item = Failure>) -> Option<Failure> {
        let mut failures = failures.into_iter();
        let mut first = failures.next()?;
        first.others.extend(failures);
        Some(first)
    }

    /// As standard error shows it: in colour on a terminal, unless `NO_COLOR` is set.
    pub fn render_for_stderr(&self) -> String {
        let asked_not_to = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        self.render(std::io::stderr().is_terminal() && !asked_not_to && !dumb)
    }

    /// The whole text, with a final newline.
    pub fn render(&self, colour: bool) -> String {
        let paint = Paint(colour);
        let mut text = format!("{} {}\n", paint.red("error:"), printable(&self.message));
        match &self.place {
            Some(place) => text.push_str(&render_place(place, self.help.as_deref(), paint)),
            None => {
                for line in self.help.iter().flat_map(|help| help.lines()) {
                    text.push_str(&format!("  {}\n", printable(line)));
                }
            }
        }
        if !self.others.is_empty() {
            let noun = if self.others.len() == 1 { "error" } else { "errors" };
            text.push_str(&format!("and {} more {noun}:\n", self.others.len()));
        }
        for other in &self.others {
            text.push_str(&format!("   {}\n", printable(&other.one_line())));
        }
        text.push_str(&format!("{}\n", printable(&self.consequence)));
        text
    }

    /// Place, message and label in one line.
    pub fn one_line(&self) -> String {
        let mut text = self.message.clone();
        if let Some(place) = &self.place {
            text = format!("{}  {text}", place.title);
        }
        match self.place.as_ref().and_then(|place| place.mark.as_ref()) {
            Some(mark) if !mark.label.is_empty() => text + "; " + &mark.label,
            _ => text,
        }
    }

    /// The same for a program.
    pub fn to_json(&self) -> serde_json::Value {
        let place = self.place.as_ref();
        serde_json::json!({
            "message": hidden(&self.message),
            "place": place.map(|place| hidden(&place.title)),
            "label": place.and_then(|place| place.mark.as_ref()).map(|mark| hidden(&mark.label)),
            "help": self.help.as_deref().map(hidden),
            "consequence": hidden(&self.consequence),
            "exit": self.exit as u8,
            "others": self.others.iter().map(Failure::to_json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// So that a program of one's own may show a failure with the miette handler it likes.
impl miette::Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.others.iter().map(|other| other as &dyn miette::Diagnostic)))
    }
}

fn render_place(place: &Place, help: Option<&str>, paint: Paint) -> String {
    let numbers = place.lines.iter().filter_map(|line| line.number);
    let width = numbers.max().map_or(0, |number| number.to_string().len()).max(2);
    let margin = " ".repeat(width);
    let mut text = format!("{margin} {} {}\n", paint.dim("╭─"), printable(&place.title));
    let last = place.lines.len().saturating_sub(1);
    for (index, line) in place.lines.iter().enumerate() {
        let mark = place.mark.as_ref().filter(|_| index == last);
        let (shown, start, marked) = shorten(&line.text, mark);
        let number = line.number.map_or(String::new(), |number| number.to_string());
        text.push_str(&format!("{number:>width$} {} {shown}\n", paint.dim("│")));
        if let Some(mark) = mark {
            let arrows = paint.red(&"^".repeat(marked));
            let label = printable(&mark.label);
            let line = format!("{}{arrows} {label}", " ".repeat(start));
            text.push_str(&format!("{margin} {} {}\n", paint.dim("│"), line.trim_end()));
        }
    }
    let mut help = help.unwrap_or_default().lines();
    let first = format!("{margin} {} {}", paint.dim("╰─"), printable(help.next().unwrap_or_default()));
    text.push_str(first.trim_end());
    text.push('\n');
    for line in help {
        text.push_str(&format!("{margin}    {}\n", printable(line)));
    }
    text
}

/// A line as it is shown, and where its mark then stands: tabs become spaces, a long line is cut around it.
fn shorten(line: &str, mark: Option<&Mark>) -> (String, usize, usize) {
    const TAB: &str = "    ";
    // Before it is cut: a part of a secret key is not known as one.
    let characters: Vec<char> = hidden(line).chars().collect();
    let (start, width) = mark.map_or((0, 0), |mark| (mark.start.min(characters.len()), mark.width));
    let from = if characters.len() <= LINE_MAX { 0 } else { start.saturating_sub(LINE_MAX / 2) };
    let to = characters.len().min(from + LINE_MAX);
    let show = |part: &[char]| printable(&part.iter().collect::<String>().replace('\t', TAB));
    let before = if from > 0 { "…" } else { "" }.to_string() + &show(&characters[from..start.max(from)]);
    let marked = show(&characters[start..(start + width).min(to).max(start)]);
    let whole = if from > 0 { "…" } else { "" }.to_string() + &show(&characters[from..to]);
    let end = if to < characters.len() { "…" } else { "" };
    (whole + end, before.chars().count(), marked.chars().count().max(usize::from(width > 0)))
}

/// Without control characters: a file must not steer the terminal.
fn printable(text: &str) -> String {
    hidden(text).chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Without secret keys, a point for each of their digits: whoever names the wrong file must not see one on the screen.
fn hidden(text: &str) -> Cow<'_, str> {
    let mut parts = text.split(SECRET);
    let mut shown = Cow::Borrowed(parts.next().unwrap_or_default());
    for part in parts {
        let secret = part.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(part.len());
        let shown = shown.to_mut();
        shown.push_str(SECRET);
        shown.extend(std::iter::repeat_n('•', secret));
        shown.push_str(&part[secret..]);
    }
    shown
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_looks_as_promised() {
        let text = format!("{}max_per_trad = \"2 %\"\n", "\n".repeat(30));
        let place = Place::in_file("scenarios/gold.toml", &text, 30..42, "did you mean `max_per_trade`?");
        let failure = Failure::new(Exit::Usage, "unknown key `max_per_trad` in [risk]", "Nothing was run.")
            .at(place)
            .help("share of equity one trade may lose (default 2 %)");
        let expected = "\
error: unknown key `max_per_trad` in [risk]
   ╭─ scenarios/gold.toml:31:1
31 │ max_per_trad = \"2 %\"
   │ ^^^^^^^^^^^^ did you mean `max_per_trade`?
   ╰─ share of equity one trade may lose (default 2 %)
Nothing was run.
";
        assert_eq!(failure.render(false), expected);
        assert!(failure.render(true).contains("\x1b[1;31merror:\x1b[0m"));
    }

    #[test]
    fn lines_without_numbers_and_marks_are_shown_too() {
        let lines = ["sealed      b3:77d0…41ce", "recomputed  b3:c81f…09aa"];
        let lines = lines.map(|text| SourceLine { number: None, text: text.to_string() }).to_vec();
        let place = Place { title: "store, block 140 of 644".to_string(), lines, mark: None };
        let failure = Failure::new(Exit::Difference, "the journal was changed", "Do not append.").at(place);
        let expected = "\
error: the journal was changed
   ╭─ store, block 140 of 644
   │ sealed      b3:77d0…41ce
   │ recomputed  b3:c81f…09aa
   ╰─
Do not append.
";
        assert_eq!(failure.render(false), expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark_and_control_characters_are_not_sent() {
        let line = format!("{}\x1b[2J\tBAD{}", "a".repeat(300), "z".repeat(300));
        let place = Place::in_argument("here", &line, 305..308, "");
        let text = Failure::new(Exit::Failed, "x", "y").at(place).render(false);
        let rows: Vec<&str> = text.lines().collect();
        assert!(!text.contains('\x1b'));
        assert!(rows[2].chars().count() < 120, "{}", rows[2]);
        let at = rows[3].chars().position(|c| c == '^').unwrap();
        assert_eq!(rows[2].chars().skip(at).take(3).collect::<String>(), "BAD");
    }

    #[test]
    fn a_secret_key_is_never_shown() {
        let secret = "0123456789abcdef".repeat(4);
        let line = format!("{} {SECRET}{secret}, and more {}", "a".repeat(40), "z".repeat(100));
        for mark in [0..3, 41..60, 90..95, 120..150] {
            let place = Place::in_file("anna.key", &line, mark, format!("{SECRET}{secret}"));
            let failure = Failure::new(Exit::Usage, format!("`{SECRET}{secret}`"), "Nothing.").at(place);
            let failure = failure.help(format!("{SECRET}{secret} {SECRET}{secret}"));
            let failure = Failure { others: vec![failure.clone()], ..failure };
            for text in [failure.render(false), failure.to_json().to_string()] {
                assert!(!text.contains("0123456789abcdef") && text.contains(SECRET), "{text}");
            }
        }
    }

    #[test]
    fn a_span_outside_the_text_is_harmless() {
        let place = Place::in_file("a", "ü", 1..90, "");
        assert_eq!(place.title, "a:1:1");
        assert_eq!(Place::in_file("a", "", 7..9, "").title, "a:1:1");
    }
}
