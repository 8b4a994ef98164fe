//! Quotes for who brings none: a random walk of the price, the same on every machine.
//!
//! A cross of moving averages changes its mind some three hundred times in ten thousand such quotes: often enough for
//! percentiles of orders to mean something.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Exit, Failure};

/// For people.
pub const NAME: &str = "quotes of a random walk";
/// How many there are. They are played forwards and backwards.
const QUOTES: u32 = 60_000;

/// Writes them; where.
pub fn write(folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join("quotes.csv");
    std::fs::write(&path, text()).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, message, "Nothing was measured.")
    })?;
    Ok(path)
}

fn text() -> String {
    let mut text = String::from("ts_ns,bid,ask,bid_size,ask_size\n");
    let (mut state, mut bid) = (1_u64, 600_000_i64);
    for row in 0..i64::from(QUOTES) {
        // The bid, in tenths, goes up or down by one with every fourth quote each.
        bid += match next(&mut state) % 4 {
            0 => 1,
            1 => -1,
            _ => 0,
        };
        let (bid, ask) = (bid, bid + 1);
        let time = 1_700_000_000_000_000_000 + row * 100_000;
        let sizes = (next(&mut state) % 9 + 1, next(&mut state) % 9 + 1);
        let _ = writeln!(
            text,
            "{time},{}.{},{}.{},{},{}",
            bid / 10,
            bid % 10,
            ask / 10,
            ask % 10,
            sizes.0,
            sizes.1
        );
    }
    text
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_walk_every_time() {
        let text = text();
        assert_eq!(text, super::text());
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(rows.len(), QUOTES as usize);
        let bids: Vec<i64> =
            rows.iter().map(|row| row.split(',').nth(1).unwrap().replace('.', "").parse().unwrap()).collect();
        assert!(bids.windows(2).all(|two| (two[1] - two[0]).abs() <= 1));
        assert!(bids.iter().all(|bid| (500_000..700_000).contains(bid)));
    }
}
