//! What is known of each instrument's market: the last quote, the last price.

use crate::event::{Fact, Quote, Side};
use crate::units::Price;

/// The market of one instrument as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// The last quote, if the data has quotes.
    pub quote: Option<Quote>,
    /// The last trade or bar close, if the data has them.
    pub last: Option<Price>,
}

impl Market {
    /// Takes a market event in; others change nothing.
    #[inline]
    pub fn update(&mut self, fact: &Fact) {
        match fact {
            Fact::QuoteChanged(quote) => self.quote = Some(*quote),
            Fact::TradePrinted(trade) => self.last = Some(trade.price),
            Fact::BarReceived(bar) => self.last = Some(bar.close),
            _ => {}
        }
    }

    /// The price at which an order of this side would trade: buys at the ask, sells at the bid.
    #[inline]
    pub fn price_to_trade(&self, side: Side) -> Option<Price> {
        match (&self.quote, side) {
            (Some(quote), Side::Buy) => Some(quote.ask),
            (Some(quote), Side::Sell) => Some(quote.bid),
            (None, _) => self.last,
        }
    }

    /// The price that a position of this sign could be closed at: what it is worth.
    #[inline]
    pub fn mark(&self, sign: i64) -> Option<Price> {
        self.price_to_trade(if sign >= 0 { Side::Sell } else { Side::Buy })
    }
}
