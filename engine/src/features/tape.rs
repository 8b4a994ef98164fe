//! What the families over ticks share: the last quote and trade, and who crossed the spread.

use crate::event::{Quote, Side, Trade};
use crate::units::{Price, Quantity, Timestamp};

/// The last quote and trade of one instrument.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// The last quote, and when it arrived.
    pub quote: Option<(Quote, Timestamp)>,
    /// The last trade's price, and when it arrived.
    pub trade: Option<(Price, Timestamp)>,
    /// The side of the last change of the trade price: 1, −1, or 0 before there is one.
    direction: i8,
}

crate::state! { Tape { quote, trade, direction } }

/// A trade with what was known just before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Print {
    /// When it arrived.
    pub now: Timestamp,
    /// Its price.
    pub price: Price,
    /// Its size, where the data says so.
    pub size: Option<Quantity>,
    /// 1 where a buyer crossed the spread, −1 where a seller did, 0 where nobody can tell.
    pub sign: i8,
    /// The middle of the quote before it.
    pub mid: Option<f64>,
    /// The price of the trade before it.
    pub before: Option<Price>,
}

impl Tape {
    /// Takes a quote; the one before is handed out.
    pub fn quote(&mut self, now: Timestamp, quote: &Quote) -> Option<Quote> {
        self.quote.replace((*quote, now)).map(|(quote, _)| quote)
    }

    /// Takes a trade. Its side is what the venue says, else that of its price against the middle of the quote before
    /// it, else that of the last change of price (Lee and Ready, Journal of Finance 46, 1991, without their lag: the
    /// order of events is known).
    pub fn trade(&mut self, now: Timestamp, trade: &Trade) -> Print {
        let before = self.trade.map(|(price, _)| price);
        match before {
            Some(before) if trade.price > before => self.direction = 1,
            Some(before) if trade.price < before => self.direction = -1,
            _ => {}
        }
        let mid = self.mid();
        let doubled = self.quote.as_ref().map(|(quote, _)| i128::from(quote.bid.0) + i128::from(quote.ask.0));
        let sign = match (trade.aggressor, doubled) {
            (Some(Side::Buy), _) => 1,
            (Some(Side::Sell), _) => -1,
            (None, Some(doubled)) if 2 * i128::from(trade.price.0) > doubled => 1,
            (None, Some(doubled)) if 2 * i128::from(trade.price.0) < doubled => -1,
            (None, _) => self.direction,
        };
        self.trade = Some((trade.price, now));
        Print { now, price: trade.price, size: trade.size, sign, mid, before }
    }

    /// The middle of the last quote.
    pub fn mid(&self) -> Option<f64> {
        self.quote.as_ref().map(|(quote, _)| Price::mid_f64(quote.bid, quote.ask))
    }

    /// The middle of the last quote, else the last trade.
    pub fn price(&self) -> Option<f64> {
        self.mid().or_else(|| self.trade.map(|(price, _)| price.as_f64()))
    }
}

/// (bid size − ask size) / (bid size + ask size), where both are known and not both 0.
pub fn imbalance(quote: &Quote) -> Option<f64> {
    let (bid, ask) = (quote.bid_size?.as_f64(), quote.ask_size?.as_f64());
    super::kit::ratio(bid - ask, bid + ask)
}

/// What a quote adds to demand less what it adds to supply, in quantity (Cont, Kukanov and Stoikov, Journal of
/// Financial Econometrics 12, 2014, equation 4); `None` where a size is unknown.
pub fn order_flow(before: &Quote, now: &Quote) -> Option<i128> {
    let (bid_before, bid) = (i128::from(before.bid_size?.0), i128::from(now.bid_size?.0));
    let (ask_before, ask) = (i128::from(before.ask_size?.0), i128::from(now.ask_size?.0));
    let mut flow = 0;
    if now.bid >= before.bid {
        flow += bid;
    }
    if now.bid <= before.bid {
        flow -= bid_before;
    }
    if now.ask <= before.ask {
        flow -= ask;
    }
    if now.ask >= before.ask {
        flow += ask_before;
    }
    Some(flow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(bid: i64, ask: i64, bid_size: i64, ask_size: i64) -> Quote {
        Quote {
            bid: Price(bid),
            ask: Price(ask),
            bid_size: Some(Quantity(bid_size)),
            ask_size: Some(Quantity(ask_size)),
        }
    }

    #[test]
    fn the_side_is_the_venues_then_the_quotes_then_the_last_move() {
        let mut tape = Tape::default();
        let trade = |price, aggressor| Trade { price: Price(price), size: None, aggressor };
        let sign =
            |tape: &mut Tape, price, aggressor| tape.trade(Timestamp(0), &trade(price, aggressor)).sign;
        assert_eq!(sign(&mut tape, 10, None), 0);
        assert_eq!(sign(&mut tape, 11, None), 1);
        assert_eq!(sign(&mut tape, 11, None), 1);
        assert_eq!(sign(&mut tape, 9, None), -1);
        tape.quote(Timestamp(1), &quote(10, 12, 1, 1));
        assert_eq!(sign(&mut tape, 12, None), 1);
        assert_eq!(sign(&mut tape, 10, None), -1);
        assert_eq!(sign(&mut tape, 11, None), 1, "at the middle: up from 10");
        assert_eq!(sign(&mut tape, 12, Some(Side::Sell)), -1);
    }

    #[test]
    fn order_flow_by_hand() {
        let before = quote(10, 12, 5, 7);
        assert_eq!(order_flow(&before, &quote(10, 12, 9, 7)), Some(4), "more is bid for");
        assert_eq!(order_flow(&before, &quote(11, 12, 2, 7)), Some(2), "a better bid is all new");
        assert_eq!(order_flow(&before, &quote(9, 12, 8, 7)), Some(-5), "the old bid is gone");
        assert_eq!(order_flow(&before, &quote(10, 13, 5, 3)), Some(7), "the old offer is gone");
        assert_eq!(order_flow(&before, &quote(10, 11, 5, 3)), Some(-3), "a better offer is all new");
        let unknown = Quote { ask_size: None, ..before };
        assert_eq!(order_flow(&before, &unknown), None);
    }
}
