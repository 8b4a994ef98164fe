//! Closed bars as features see them, and how they are sampled from ticks: by time, ticks, volume or money.
//!
//! A bar by time covers `[k · interval, (k + 1) · interval)` of arrival time since 1970 and is known at the first event
//! at or after its end; spans without a price give no bar. A bar by ticks, volume or money is known at the tick that
//! fills it, and holds that tick whole.

use crate::bars::span_start;
use crate::canonical::fields;
use crate::event::{Bar, Quote, Trade};
use crate::settings::BarPrice;
use crate::units::{Money, Nanoseconds, Price, Quantity, Timestamp};

/// A closed bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candle {
    /// When it began.
    pub open_time: Timestamp,
    /// When it ended.
    pub close_time: Timestamp,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Quantity traded, where the data says so.
    pub volume: Option<f64>,
}

fields! { Candle { open_time, close_time, open, high, low, close, volume } }

/// What a bar is a bar of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeframe {
    /// So much time.
    Time(Nanoseconds),
    /// So many prices: quotes or trades, by the price that bars show.
    Ticks(u32),
    /// So much traded.
    Volume(Quantity),
    /// So much traded times its price, in units of the price.
    Value(Money),
}

impl Timeframe {
    /// As it stands in a column's name: `1m`, `500t`, `1000v`, `1000000d`.
    pub fn label(&self) -> String {
        const UNITS: [(i64, &str); 5] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
        ];
        match self {
            Timeframe::Time(span) => {
                let unit = UNITS.iter().find(|(unit, _)| span.0 % unit == 0);
                unit.map_or_else(
                    || format!("{}ns", span.0),
                    |(unit, name)| format!("{}{name}", span.0 / unit),
                )
            }
            Timeframe::Ticks(count) => format!("{count}t"),
            Timeframe::Volume(volume) => format!("{volume}v"),
            Timeframe::Value(value) => format!("{value}d"),
        }
    }

    /// Whether a bar can ever fill.
    pub fn is_positive(&self) -> bool {
        match self {
            Timeframe::Time(span) => span.0 > 0,
            Timeframe::Ticks(count) => *count > 0,
            Timeframe::Volume(volume) => volume.0 > 0,
            Timeframe::Value(value) => value.0 > 0,
        }
    }
}

/// The bar under way.
#[derive(Clone, Copy, Debug)]
struct Current {
    open_time: Timestamp,
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: Option<i128>,
    ticks: u32,
    /// Price times quantity at 1e-18.
    value: i128,
}

fields! { Current { open_time, open, high, low, close, volume, ticks, value } }

/// Samples the bars of one timeframe and instrument.
#[derive(Clone, Debug)]
pub struct Sampler {
    timeframe: Timeframe,
    current: Option<Current>,
    /// When the time bar under way ends.
    end: Timestamp,
    /// Whether finished bars come in: then the last of a span ends the longer bar, not the clock.
    of_bars: bool,
}

crate::state! { Sampler { current, end, of_bars } }

impl Sampler {
    /// Bars of this timeframe.
    pub fn new(timeframe: Timeframe) -> Sampler {
        Sampler { timeframe, current: None, end: Timestamp::MIN, of_bars: false }
    }

    /// When a bar by time is due; [`Timestamp::MAX`] where only ticks close one.
    pub fn due(&self) -> Timestamp {
        match (self.timeframe, &self.current) {
            (Timeframe::Time(_), Some(_)) if !self.of_bars => self.end,
            _ => Timestamp::MAX,
        }
    }

    /// Closes the bar by time that ended at or before `now`.
    pub fn advance(&mut self, now: Timestamp) -> Option<Candle> {
        if now < self.due() {
            return None;
        }
        let current = self.current.take()?;
        Some(current.close(self.end))
    }

    /// Takes a price, with the quantity traded at it; to be called after [`Sampler::advance`].
    pub fn price(&mut self, now: Timestamp, price: Price) {
        match &mut self.current {
            Some(current) => {
                if price > current.high {
                    current.high = price;
                }
                if price < current.low {
                    current.low = price;
                }
                current.close = price;
                current.ticks = current.ticks.saturating_add(1);
            }
            None => {
                let mut open_time = now;
                if let Timeframe::Time(span) = self.timeframe {
                    open_time = span_start(now, span);
                    self.end = Timestamp(open_time.0.saturating_add(span.0));
                }
                self.current = Some(Current {
                    open_time,
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume: None,
                    ticks: 1,
                    value: 0,
                });
            }
        }
    }

    /// Takes a quantity traded. Before the first price of a bar there is nothing that it could belong to.
    pub fn volume(&mut self, price: Price, quantity: Quantity) {
        if let Some(current) = &mut self.current {
            current.volume = Some(current.volume.unwrap_or(0) + i128::from(quantity.0));
            current.value += i128::from(price.0) * i128::from(quantity.0);
        }
    }

    /// Closes the bar by ticks, volume or money that the last tick filled.
    pub fn fill(&mut self, now: Timestamp) -> Option<Candle> {
        let current = self.current.as_ref()?;
        let full = match self.timeframe {
            Timeframe::Time(_) => false,
            Timeframe::Ticks(count) => current.ticks >= count,
            Timeframe::Volume(volume) => current.volume.unwrap_or(0) >= i128::from(volume.0),
            // Both at 1e-18: money is at 1e-9.
            Timeframe::Value(value) => current.value >= value.0.saturating_mul(1_000_000_000),
        };
        if full { self.current.take().map(|current| current.close(now)) } else { None }
    }

    /// Closes the longer bar that should have ended before a finished bar that began at `open_time`: its own last one
    /// never came.
    pub fn overtaken(&mut self, open_time: Timestamp) -> Option<Candle> {
        if !matches!(self.timeframe, Timeframe::Time(_)) || open_time < self.end {
            return None;
        }
        let current = self.current.take()?;
        Some(current.close(self.end))
    }

    /// Takes a finished bar that ended at `end`, known now; a longer bar closes with the shorter one that ends it. To
    /// be called after [`Sampler::overtaken`].
    pub fn bar(&mut self, bar: &Bar, end: Timestamp) -> Option<Candle> {
        self.of_bars = true;
        let first = self.current.is_none();
        self.price(bar.open_time, bar.open);
        let last = self.end;
        if let Some(current) = &mut self.current {
            for price in [bar.high, bar.low, bar.close] {
                if price > current.high {
                    current.high = price;
                }
                if price < current.low {
                    current.low = price;
                }
                current.close = price;
            }
            if let Some(volume) = bar.volume {
                current.volume = Some(current.volume.unwrap_or(0) + i128::from(volume.0));
                // What each unit cost is unknown; the close stands for it.
                current.value += i128::from(bar.close.0) * i128::from(volume.0);
            }
            if first {
                current.open_time = bar.open_time;
            }
        }
        match self.timeframe {
            // A bar as long as the timeframe, or the last one in its span.
            Timeframe::Time(_) if end >= last => self.current.take().map(|current| current.close(end)),
            Timeframe::Time(_) => None,
            Timeframe::Ticks(_) | Timeframe::Volume(_) | Timeframe::Value(_) => self.fill(end),
        }
    }

    /// The price of a quote that a bar shows.
    pub fn quote_price(quote: &Quote, price: BarPrice) -> Option<Price> {
        match price {
            BarPrice::Mid => Some(Price((quote.bid.0 + quote.ask.0) >> 1)),
            BarPrice::Bid => Some(quote.bid),
            BarPrice::Ask => Some(quote.ask),
            BarPrice::Trade => None,
        }
    }

    /// The price of a trade that a bar shows.
    pub fn trade_price(trade: &Trade, price: BarPrice) -> Option<Price> {
        (price == BarPrice::Trade).then_some(trade.price)
    }
}

impl Current {
    fn close(self, close_time: Timestamp) -> Candle {
        Candle {
            open_time: self.open_time,
            close_time,
            open: self.open.as_f64(),
            high: self.high.as_f64(),
            low: self.low.as_f64(),
            close: self.close.as_f64(),
            volume: self.volume.map(|volume| volume as f64 / crate::units::SCALE as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i64 = 1_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * ONE)
    }

    #[test]
    fn a_bar_by_time_is_known_at_its_end_and_not_before() {
        let mut sampler = Sampler::new(Timeframe::Time(Nanoseconds(60 * ONE)));
        sampler.price(at(61), Price(5 * ONE));
        sampler.price(at(119), Price(4 * ONE));
        assert_eq!(sampler.advance(Timestamp(120 * ONE - 1)), None);
        let bar = sampler.advance(at(120)).unwrap();
        assert_eq!((bar.open_time, bar.close_time), (at(60), at(120)));
        assert_eq!((bar.open, bar.high, bar.low, bar.close, bar.volume), (5.0, 5.0, 4.0, 4.0, None));
        assert_eq!(sampler.advance(at(300)), None);
    }

    #[test]
    fn bars_by_ticks_volume_and_money_hold_the_tick_that_fills_them() {
        for (timeframe, ticks) in [
            (Timeframe::Ticks(3), 3),
            (Timeframe::Volume(Quantity(7 * ONE)), 4),
            (Timeframe::Value(Money(30 * i128::from(ONE))), 2),
        ] {
            let mut sampler = Sampler::new(timeframe);
            let mut seen = 0;
            let bar = loop {
                seen += 1;
                let price = Price(seen * 10 * ONE);
                sampler.price(at(seen), price);
                sampler.volume(price, Quantity(2 * ONE));
                if let Some(bar) = sampler.fill(at(seen)) {
                    break bar;
                }
            };
            assert_eq!(seen, ticks, "{timeframe:?}");
            assert_eq!(bar.close, 10.0 * ticks as f64);
            assert_eq!(bar.volume, Some(2.0 * ticks as f64));
        }
    }

    #[test]
    fn received_bars_make_longer_ones() {
        let day = 86_400;
        let bar = |index: i64, close: i64| Bar {
            open_time: at(index * day),
            open: Price(ONE),
            high: Price(20 * ONE),
            low: Price(ONE),
            close: Price(close * ONE),
            volume: Some(Quantity(ONE)),
        };
        let mut daily = Sampler::new(Timeframe::Time(Nanoseconds(day * ONE)));
        let mut five = Sampler::new(Timeframe::Time(Nanoseconds(5 * day * ONE)));
        for index in 10..14 {
            let end = at((index + 1) * day);
            assert_eq!(daily.bar(&bar(index, index), end).unwrap().close, index as f64);
            assert_eq!(five.bar(&bar(index, index), end), None);
        }
        let week = five.bar(&bar(14, 2), at(15 * day)).unwrap();
        assert_eq!((week.open_time, week.close_time), (at(10 * day), at(15 * day)));
        // The week's last two days are missing: the next week's first closes it.
        for index in 15..18 {
            assert_eq!(five.overtaken(at(index * day)), None);
            assert_eq!(five.bar(&bar(index, index), at((index + 1) * day)), None);
            assert_eq!(five.advance(at(99 * day)), None);
        }
        assert_eq!(
            five.overtaken(at(20 * day)).map(|bar| (bar.close, bar.close_time)),
            Some((17.0, at(20 * day)))
        );
        assert_eq!((week.open, week.high, week.close, week.volume), (1.0, 20.0, 2.0, Some(5.0)));
    }

    #[test]
    fn labels_read_as_people_write_them() {
        let cases = [
            (Timeframe::Time(Nanoseconds(60 * ONE)), "1m"),
            (Timeframe::Time(Nanoseconds(90 * ONE)), "90s"),
            (Timeframe::Time(Nanoseconds(86_400 * ONE)), "1d"),
            (Timeframe::Time(Nanoseconds(7)), "7ns"),
            (Timeframe::Ticks(500), "500t"),
            (Timeframe::Volume(Quantity(ONE / 2)), "0.5v"),
            (Timeframe::Value(Money(1_000_000 * i128::from(ONE))), "1000000d"),
        ];
        for (timeframe, label) in cases {
            assert_eq!(timeframe.label(), label);
        }
    }
}
