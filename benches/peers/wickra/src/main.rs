//! Indicators that genovo computes itself beside wickra-core 2.1.1's of the same name, by family.
//!
//! `cargo run --release`, in this folder. Both take the same bars or ticks, in turn, and of many times the best
//! counts. A line of one indicator is that indicator alone; a family's line is what all of its columns with such an
//! indicator cost together, through the bank that the engine runs on the one side and one after the other, without a
//! call in between, on the other. What the two compute may differ in scale and seed: it is the same work, but where a
//! line says otherwise. Nothing is left out that is slower here. `cargo run --release -- skew 10000` times the lines
//! with `skew` in their names, 10,000 times each.

mod bars;
mod ticks;

use std::time::Duration;

/// What the two sides took, in nanoseconds a bar or tick.
#[derive(Clone, Copy)]
struct Beside {
    ours: f64,
    theirs: f64,
}

/// Times both sides in turn, over so many bars or ticks each, prints the best of each, and hands it out.
fn beside(
    name: &str,
    count: usize,
    mut ours: impl FnMut() -> Duration,
    mut theirs: impl FnMut() -> Duration,
) -> Option<Beside> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_some_and(|part| !name.contains(&part)) {
        return None;
    }
    let times = arguments.next().map_or(60, |times| times.parse().expect("how often"));
    let mut best = Beside { ours: f64::INFINITY, theirs: f64::INFINITY };
    let each = |taken: Duration| taken.as_secs_f64() * 1e9 / count as f64;
    for _ in 0..times {
        best.ours = best.ours.min(each(ours()));
        best.theirs = best.theirs.min(each(theirs()));
    }
    print(name, best);
    Some(best)
}

fn print(name: &str, times: Beside) {
    println!("{name:<44} {:>8.1} {:>8.1} {:>7.2}", times.ours, times.theirs, times.theirs / times.ours);
}

fn main() {
    println!("{:<44} {:>8} {:>8} {:>7}", "ns a bar", "genovo", "wickra", "times");
    bars::run();
    println!("\n{:<44} {:>8} {:>8} {:>7}", "ns a tick", "genovo", "wickra", "times");
    ticks::run();
}
