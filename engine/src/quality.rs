//! What is odd about market data: crossed or locked quotes, stamps that step back, rows repeated, gaps, outliers.
//!
//! One [`Quality`] watches one instrument. The engine has one to flag, the simulated venue one to leave out what is
//! dropped; both see the same events in the same order and so say the same.

use crate::event::{DataFlagged, Event, Fact, Flaw, FlawAction, Quote};
use crate::settings::QualitySettings;
use crate::units::{Nanoseconds, Timestamp};

/// The most flaws that one event can have.
pub const FLAWS_MAX: usize = 4;

/// Moves seen before an outlier is called one.
const OUTLIER_WARM_UP: u32 = 256;
/// The usual move is a running mean over about so many moves.
const MEAN_OVER: i64 = 64;
/// A larger move counts as this one, so that the mean's sum stays within an i64.
const MOVE_MAX: i64 = i64::MAX / (2 * MEAN_OVER);

/// What was found about one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    flags: [Option<DataFlagged>; FLAWS_MAX],
    count: usize,
}

impl Findings {
    /// The flags in the order of [`Flaw`].
    pub fn flags(&self) -> impl Iterator<Item = DataFlagged> + '_ {
        self.flags[..self.count].iter().flatten().copied()
    }

    /// Whether the event is to be used by nobody.
    #[inline]
    pub fn dropped(&self) -> bool {
        self.count > 0 && self.flags().any(|flag| flag.action == FlawAction::Drop)
    }

    /// The first flaw for which the run halts.
    pub fn halting(&self) -> Option<Flaw> {
        self.flags().find(|flag| flag.action == FlawAction::Halt).map(|flag| flag.flaw)
    }

    /// Nothing to say: the usual case.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The same with nothing dropped: a book without one of its changes would be wrong from then on.
    #[inline]
    fn kept(mut self) -> Findings {
        for flag in self.flags[..self.count].iter_mut().flatten() {
            if flag.action == FlawAction::Drop {
                flag.action = FlawAction::Keep;
            }
        }
        self
    }

    #[cold]
    fn push(&mut self, flaw: Flaw, action: FlawAction, size: i64) {
        self.flags[self.count] = Some(DataFlagged { flaw, action, size });
        self.count += 1;
    }
}

/// The watch over one instrument's data.
#[derive(Clone, Debug)]
pub struct Quality {
    settings: QualitySettings,
    time: Option<Timestamp>,
    /// When the last update of a book happened.
    update: Option<Timestamp>,
    quote: Option<Quote>,
    price: Option<i64>,
    /// Running mean of the moves that are not zero, in price units times [`MEAN_OVER`].
    usual_move: i64,
    moves: u32,
}

crate::state! { Quality { time, update, quote, price, usual_move, moves } }

impl Quality {
    /// A watch under these settings.
    pub fn new(settings: &QualitySettings) -> Quality {
        Quality {
            settings: settings.clone(),
            time: None,
            update: None,
            quote: None,
            price: None,
            usual_move: 0,
            moves: 0,
        }
    }

    /// Looks at a market event. Others have no flaws.
    #[inline]
    pub fn check(&mut self, event: &Event) -> Findings {
        let mut findings = Findings::default();
        let price = match &event.fact {
            Fact::QuoteChanged(quote) => {
                self.check_touch(quote, &mut findings);
                (quote.bid.0 + quote.ask.0) >> 1
            }
            Fact::TradePrinted(trade) => trade.price.0,
            Fact::BarReceived(bar) => bar.close.0,
            // A whole update is looked at once, beside those before it: trades have stamps of their own.
            Fact::BookChanged(change) if change.last => return self.check_update(event.header.time_event),
            _ => return findings,
        };
        self.check_time(event, &mut findings);
        if self.settings.outlier_times > 0 {
            self.check_move(price, &mut findings);
        }
        if let Fact::QuoteChanged(quote) = &event.fact {
            self.quote = Some(*quote);
        }
        findings
    }

    /// Looks at when an update of a book happened.
    fn check_update(&mut self, time: Timestamp) -> Findings {
        let mut findings = Findings::default();
        let Some(before) = self.update else {
            self.update = Some(time);
            return findings;
        };
        let step = (time - before).0;
        if step < 0 {
            findings.push(Flaw::OutOfOrder, self.settings.out_of_order, step.saturating_neg());
            return findings.kept();
        }
        if self.settings.gap_after.0 > 0 && step > self.settings.gap_after.0 {
            findings.push(Flaw::Gap, self.settings.gap, step);
        }
        self.update = Some(time);
        findings.kept()
    }

    /// Looks at the touch of a book whose update is whole; its time has been looked at.
    pub fn check_quote(&mut self, quote: &Quote) -> Findings {
        let mut findings = Findings::default();
        self.check_touch(quote, &mut findings);
        if self.settings.outlier_times > 0 {
            self.check_move((quote.bid.0 + quote.ask.0) >> 1, &mut findings);
        }
        findings
    }

    #[inline]
    fn check_touch(&self, quote: &Quote, findings: &mut Findings) {
        if quote.bid >= quote.ask {
            if quote.bid > quote.ask {
                findings.push(Flaw::Crossed, self.settings.crossed, quote.bid.0 - quote.ask.0);
            } else {
                findings.push(Flaw::Locked, self.settings.locked, 0);
            }
        }
    }

    #[inline]
    fn check_time(&mut self, event: &Event, findings: &mut Findings) {
        let time = event.header.time_event;
        let Some(before) = self.time else {
            self.time = Some(time);
            return;
        };
        let step = (time - before).0;
        if step <= 0 {
            if step < 0 {
                // The watch keeps the latest stamp, so that one row out of place is one flaw.
                findings.push(Flaw::OutOfOrder, self.settings.out_of_order, step.saturating_neg());
                return;
            }
            if let (Fact::QuoteChanged(quote), Some(last)) = (&event.fact, &self.quote)
                && quote == last
            {
                findings.push(Flaw::Duplicate, self.settings.duplicate, 0);
            }
        } else if self.settings.gap_after.0 > 0 && step > self.settings.gap_after.0 {
            findings.push(Flaw::Gap, self.settings.gap, step);
        }
        self.time = Some(time);
    }

    /// A move many times the usual one, which is the running mean of the last moves that were not zero. An outlier
    /// counts only as the limit it broke, so that one wild row does not hide the next.
    fn check_move(&mut self, price: i64, findings: &mut Findings) {
        // Prices end at half the range of an i64, so that their difference fits.
        if let Some(before) = self.price.replace(price)
            && price != before
        {
            let size = (price - before).abs().min(MOVE_MAX);
            if self.moves == 0 {
                self.usual_move = size * MEAN_OVER;
            } else {
                let usual = (self.usual_move / MEAN_OVER).max(1);
                let limit = usual.saturating_mul(i64::from(self.settings.outlier_times));
                if self.moves >= OUTLIER_WARM_UP && size > limit {
                    findings.push(Flaw::Outlier, self.settings.outlier, size / usual);
                }
                self.usual_move += size.min(limit) - self.usual_move / MEAN_OVER;
            }
            self.moves = self.moves.saturating_add(1);
        }
    }
}

/// What a venue has to look for: it only asks what is dropped: a flaw that drops nothing need not be looked for.
/// `None` when nothing drops.
pub fn what_drops(settings: &QualitySettings) -> Option<QualitySettings> {
    let mut quality = settings.clone();
    if quality.outlier != FlawAction::Drop {
        quality.outlier_times = 0;
    }
    if quality.gap != FlawAction::Drop {
        quality.gap_after = Nanoseconds::ZERO;
    }
    let QualitySettings { crossed, locked, out_of_order, duplicate, gap, outlier, .. } = &quality;
    let drops = [crossed, locked, out_of_order, duplicate, gap, outlier].contains(&&FlawAction::Drop);
    drops.then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InstrumentId;
    use crate::units::Price;

    fn settings(outlier_times: u32) -> QualitySettings {
        QualitySettings {
            crossed: FlawAction::Drop,
            locked: FlawAction::Keep,
            out_of_order: FlawAction::Keep,
            duplicate: FlawAction::Keep,
            gap: FlawAction::Halt,
            gap_after: Nanoseconds(100),
            outlier: FlawAction::Keep,
            outlier_times,
        }
    }

    fn quote(time: i64, bid: i64, ask: i64) -> Event {
        let quote = Quote { bid: Price(bid), ask: Price(ask), bid_size: None, ask_size: None };
        Event::unnumbered(Timestamp(time), Timestamp(time), InstrumentId(1), Fact::QuoteChanged(quote))
    }

    #[test]
    fn each_flaw_is_named_with_its_size() {
        type Case = (i64, i64, i64, &'static [(Flaw, i64)]);
        let cases: &[Case] = &[
            (10, 5, 7, &[]),
            (11, 7, 7, &[(Flaw::Locked, 0)]),
            (12, 9, 7, &[(Flaw::Crossed, 2)]),
            (5, 5, 7, &[(Flaw::OutOfOrder, 7)]),
            (13, 5, 7, &[]),
            (13, 5, 7, &[(Flaw::Duplicate, 0)]),
            (13, 5, 8, &[]),
            (113, 5, 8, &[]),
            (214, 9, 8, &[(Flaw::Crossed, 1), (Flaw::Gap, 101)]),
        ];
        let mut quality = Quality::new(&settings(0));
        for &(time, bid, ask, expected) in cases {
            let findings = quality.check(&quote(time, bid, ask));
            let found: Vec<_> = findings.flags().map(|flag| (flag.flaw, flag.size)).collect();
            assert_eq!(found, expected, "at {time}: {bid}/{ask}");
            assert_eq!(findings.dropped(), bid > ask);
            assert_eq!(findings.halting().is_some(), time == 214);
        }
    }

    #[test]
    fn a_far_move_is_an_outlier_and_a_level_shift_only_once() {
        let mut quality = Quality::new(&settings(50));
        let mut flagged = Vec::new();
        for i in 0..2_000_i64 {
            let level = if i < 1_000 { 1_000_000 } else { 2_000_000 };
            if !quality.check(&quote(i, level + i % 7, level + 10 + i % 7)).is_empty() {
                flagged.push(i);
            }
        }
        assert_eq!(flagged, [1_000]);
    }

    #[test]
    fn extreme_prices_do_not_overflow() {
        let mut quality = Quality::new(&settings(u32::MAX));
        for time in [i64::MAX, i64::MIN, 0, i64::MAX] {
            quality.check(&quote(time, 1, 2));
        }
        for i in 0..1_000 {
            let price = if i % 2 == 0 { crate::units::FIXED_MAX } else { -crate::units::FIXED_MAX };
            quality.check(&quote(i, price, price));
        }
    }
}
