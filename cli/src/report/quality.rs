//! What was odd about the data: counts of flaws, and silences sorted into daily breaks, weekends and holes.

use genovo_engine::event::{DataFlagged, Flaw, FlawAction, Header};
use genovo_engine::units::{Nanoseconds, Timestamp};

use super::figures::{DataQuality, FlawCounts, Moment, Silence};

const DAY: i64 = Nanoseconds::DAY.0;
const MINUTE: i64 = 60 * Nanoseconds::SECOND.0;
const MINUTES_A_DAY: usize = 1_440;
/// Silences that are sorted one by one; a feed with more of them has holes, and the rest is counted as such.
const SILENCES_MAX: usize = 20_000;
/// Holes that are listed.
const HOLES_LISTED: usize = 20;

/// Counts flaws and collects silences.
#[derive(Debug, Default)]
pub struct Flaws {
    counts: [FlawCounts; Flaw::ALL.len()],
    silences: Vec<(i64, i64)>,
    uncollected: u64,
}

impl Flaws {
    /// Takes a flag.
    pub fn flagged(&mut self, header: &Header, flag: &DataFlagged) {
        let counts = &mut self.counts[flag.flaw as usize - 1];
        counts.found += 1;
        match flag.action {
            FlawAction::Keep => counts.kept += 1,
            FlawAction::Drop => counts.dropped += 1,
            FlawAction::Halt => {}
        }
        if flag.flaw == Flaw::Gap {
            if self.silences.len() < SILENCES_MAX {
                let to = header.time_event.0;
                self.silences.push((to.saturating_sub(flag.size), to));
            } else {
                self.uncollected += 1;
            }
        }
    }

    /// What the data was like, given on how many UTC days there was some.
    pub fn finish(self, days_with_data: u64, sizes_absent: bool) -> DataQuality {
        let (weekends, rest): (Vec<_>, Vec<_>) =
            self.silences.iter().copied().partition(|&silence| spans_saturday(silence));
        let (breaks, mut holes) = split_daily(&rest, days_with_data);
        holes.sort_by_key(|(from, to)| from - to);
        DataQuality {
            flaws: Flaw::ALL
                .iter()
                .map(|&flaw| (flaw.name().to_string(), self.counts[flaw as usize - 1]))
                .collect(),
            daily_breaks: breaks,
            weekends: weekends.len() as u64,
            holes: holes.len() as u64 + self.uncollected,
            holes_longest: holes
                .iter()
                .take(HOLES_LISTED)
                .map(|&(from, to)| Silence { from: Moment(Timestamp(from)), to: Moment(Timestamp(to)) })
                .collect(),
            sizes_absent,
            columns: None,
        }
    }
}

/// Whether any moment of a Saturday (UTC) lies within the silence.
fn spans_saturday((from, to): (i64, i64)) -> bool {
    // 1 January 1970 was a Thursday, so the Saturdays are the days 2, 9, 16, …
    let (first, last) = (from.div_euclid(DAY), to.div_euclid(DAY));
    let saturday = first + (2 - first).rem_euclid(7);
    saturday <= last
}

/// A daily break shares a minute of the day with silences on at least every fifth day with data, and with one
/// other at the least. Returns how many there are, and everything else.
fn split_daily(silences: &[(i64, i64)], days_with_data: u64) -> (u64, Vec<(i64, i64)>) {
    let mut at_minute = [0_u64; MINUTES_A_DAY];
    let short = |&(from, to): &(i64, i64)| to - from < DAY;
    for silence in silences.iter().filter(|silence| short(silence)) {
        minutes(*silence).for_each(|minute| at_minute[minute] += 1);
    }
    let often = (days_with_data / 5).max(2);
    let (daily, holes): (Vec<_>, Vec<_>) = silences
        .iter()
        .copied()
        .partition(|silence| short(silence) && minutes(*silence).any(|minute| at_minute[minute] >= often));
    (daily.len() as u64, holes)
}

/// The minutes of the day that a silence of less than a day touches, each once.
fn minutes((from, to): (i64, i64)) -> impl Iterator<Item = usize> {
    let (first, last) = (from.div_euclid(MINUTE), to.div_euclid(MINUTE));
    (first..=last).take(MINUTES_A_DAY).map(|minute| minute.rem_euclid(MINUTES_A_DAY as i64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Day 0 is Thursday 1 May 2014.
    fn at(day: i64, hour: i64, minute: i64) -> i64 {
        (16_191 + day) * DAY + (hour * 60 + minute) * MINUTE
    }

    #[test]
    fn a_silence_over_saturday_is_a_weekend() {
        assert!(spans_saturday((at(1, 21, 0), at(3, 22, 0))));
        assert!(spans_saturday((at(2, 0, 0), at(2, 0, 1))));
        assert!(!spans_saturday((at(1, 21, 0), at(1, 23, 59))));
        assert!(!spans_saturday((at(3, 0, 0), at(8, 23, 59))));
        assert!(spans_saturday((at(-40, 0, 0), at(0, 0, 0))));
    }

    #[test]
    fn what_recurs_at_its_time_of_day_is_a_daily_break() {
        let breaks =
            [(0, 21), (4, 21), (5, 22), (6, 21)].map(|(day, hour)| (at(day, hour, 0), at(day, hour + 1, 2)));
        let hole = (at(5, 9, 0), at(5, 9, 30));
        let holiday = (at(6, 22, 30), at(7, 23, 0));
        let all = [breaks.as_slice(), &[hole, holiday]].concat();
        let (daily, holes) = split_daily(&all, 7);
        assert_eq!(daily, 4);
        assert_eq!(holes, vec![hole, holiday]);
        assert_eq!(split_daily(&breaks[..1], 2), (0, breaks[..1].to_vec()));
    }

    #[test]
    fn a_break_over_midnight_is_found_on_both_sides_of_it() {
        let silences = [(at(0, 23, 50), at(1, 0, 20)), (at(4, 23, 58), at(5, 0, 5))];
        assert_eq!(split_daily(&silences, 3).0, 2);
    }
}
