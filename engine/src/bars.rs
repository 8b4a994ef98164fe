//! Bars built from ticks, and the average true range over bars.
//!
//! A bar covers `[open time, open time + interval)` of arrival time and is known at the first event at or after its
//! end. Spans without a tick give no bar.

use crate::event::{Bar, CorporateAction, Fact};
use crate::market::adjusted;
use crate::settings::{BarPrice, BarSettings};
use crate::units::{Nanoseconds, Price, Quantity, Timestamp};

/// The bar under way of one instrument.
#[derive(Clone, Debug)]
pub struct BarBuilder {
    price: BarPrice,
    current: Option<Bar>,
}

crate::state! { BarBuilder { current } }

impl BarBuilder {
    /// Builds bars of the price that the settings name.
    pub fn new(settings: BarSettings) -> BarBuilder {
        BarBuilder { price: settings.price, current: None }
    }

    /// Takes a tick into the bar that began at `open_time`.
    #[inline]
    pub fn add(&mut self, fact: &Fact, open_time: Timestamp) {
        let (price, volume) = match (fact, self.price) {
            // Rounded down to 1e-9: half a unit is below every tick.
            (Fact::QuoteChanged(quote), BarPrice::Mid) => (Price((quote.bid.0 + quote.ask.0) >> 1), None),
            (Fact::QuoteChanged(quote), BarPrice::Bid) => (quote.bid, None),
            (Fact::QuoteChanged(quote), BarPrice::Ask) => (quote.ask, None),
            (Fact::TradePrinted(trade), BarPrice::Trade) => (trade.price, trade.size),
            _ => return,
        };
        match &mut self.current {
            Some(bar) => {
                if price > bar.high {
                    bar.high = price;
                }
                if price < bar.low {
                    bar.low = price;
                }
                bar.close = price;
                if let Some(volume) = volume {
                    let sum = bar.volume.unwrap_or_default().0.saturating_add(volume.0);
                    bar.volume = Some(Quantity(sum));
                }
            }
            None => {
                self.current =
                    Some(Bar { open_time, open: price, high: price, low: price, close: price, volume });
            }
        }
    }

    /// Ends the bar under way and hands it out, if it had a tick.
    pub fn close(&mut self) -> Option<Bar> {
        self.current.take()
    }

    /// Brings the bar under way to the prices after a split. A dividend is a move like any other.
    pub fn adjust(&mut self, action: &CorporateAction) {
        if let (Some(bar), CorporateAction::Split { .. }) = (&mut self.current, action) {
            for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
                *price = adjusted(*price, action);
            }
        }
    }

    /// The bar under way, for the state hash.
    pub fn current(&self) -> Option<&Bar> {
        self.current.as_ref()
    }
}

/// The beginning of the span of `interval` that holds `time`.
#[inline]
pub fn span_start(time: Timestamp, interval: Nanoseconds) -> Timestamp {
    Timestamp(time.0.saturating_sub(time.0.rem_euclid(interval.0)))
}

/// Average true range: the mean of the first `period` true ranges, then Wilder's smoothing (J. Welles Wilder, "New
/// Concepts in Technical Trading Systems", 1978). Unknown until `period + 1` bars were seen.
#[derive(Clone, Debug)]
pub struct AverageTrueRange {
    period: u32,
    seen: u32,
    close: f64,
    value: f64,
}

crate::state! { AverageTrueRange { seen, close, value } }

impl AverageTrueRange {
    /// Over `period` bars; at least 1.
    pub fn new(period: u32) -> AverageTrueRange {
        AverageTrueRange { period: period.max(1), seen: 0, close: 0.0, value: 0.0 }
    }

    /// Takes a finished bar.
    pub fn update(&mut self, bar: &Bar) {
        let (high, low) = (bar.high.as_f64(), bar.low.as_f64());
        if self.seen > 0 {
            let mut range = high - low;
            for other in [(high - self.close).abs(), (low - self.close).abs()] {
                if other > range {
                    range = other;
                }
            }
            let period = f64::from(self.period);
            if self.seen <= self.period {
                self.value += range;
                if self.seen == self.period {
                    self.value /= period;
                }
            } else {
                self.value = (self.value * (period - 1.0) + range) / period;
            }
        }
        self.close = bar.close.as_f64();
        self.seen = self.seen.saturating_add(1);
    }

    /// Brings the average to the prices after a split. A dividend is a move like any other.
    pub fn adjust(&mut self, action: &CorporateAction) {
        if let CorporateAction::Split { new, old } = *action {
            let factor = f64::from(old) / f64::from(new.max(1));
            self.close *= factor;
            self.value *= factor;
        }
    }

    /// The average in price units.
    pub fn value(&self) -> Option<f64> {
        (self.seen > self.period).then_some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Quote;

    fn quote(bid: i64, ask: i64) -> Fact {
        Fact::QuoteChanged(Quote { bid: Price(bid), ask: Price(ask), bid_size: None, ask_size: None })
    }

    #[test]
    fn a_mid_bar_keeps_first_highest_lowest_last() {
        let interval = Nanoseconds(100);
        let mut builder = BarBuilder::new(BarSettings { interval, price: BarPrice::Mid });
        assert_eq!(builder.close(), None);
        for (bid, ask) in [(10, 20), (30, 41), (-9, 2), (12, 12)] {
            builder.add(&quote(bid, ask), Timestamp(200));
        }
        let bar = builder.close().unwrap();
        assert_eq!((bar.open.0, bar.high.0, bar.low.0, bar.close.0), (15, 35, -4, 12));
        assert_eq!((bar.open_time, bar.volume), (Timestamp(200), None));
        assert_eq!(builder.close(), None);
    }

    #[test]
    fn spans_begin_at_multiples_before_and_after_1970() {
        let five = Nanoseconds(5);
        for (time, start) in [(0, 0), (4, 0), (5, 5), (-1, -5), (-5, -5)] {
            assert_eq!(span_start(Timestamp(time), five), Timestamp(start), "{time}");
        }
        assert_eq!(span_start(Timestamp::MIN, Nanoseconds(7)).0.rem_euclid(1), 0);
    }

    #[test]
    fn average_true_range_by_hand() {
        let bar = |high: i64, low: i64, close: i64| Bar {
            open_time: Timestamp(0),
            open: Price(0),
            high: Price(high * 1_000_000_000),
            low: Price(low * 1_000_000_000),
            close: Price(close * 1_000_000_000),
            volume: None,
        };
        let mut atr = AverageTrueRange::new(2);
        atr.update(&bar(10, 8, 9));
        atr.update(&bar(12, 9, 11)); // true range 3
        assert_eq!(atr.value(), None);
        atr.update(&bar(11, 6, 7)); // 5; mean 4
        assert_eq!(atr.value(), Some(4.0));
        atr.update(&bar(20, 18, 19)); // gap up from 7: 13; (4 + 13) / 2
        assert_eq!(atr.value(), Some(8.5));
    }
}
