//! What is known of each instrument's market: the last quote, the last price.

use crate::event::{CorporateAction, Fact, Quote, Side};
use crate::units::{Price, div_half_even, mul_div_half_even};

/// The market of one instrument as last seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// The last quote, if the data has quotes.
    pub quote: Option<Quote>,
    /// The last trade or bar close, if the data has them.
    pub last: Option<Price>,
}

crate::state! { Market { quote, last } }

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

    /// The middle of the quote, half to even, else the last price: what a rate of exchange is taken from.
    pub fn middle(&self) -> Option<Price> {
        let middle = |quote: &Quote| {
            let sum = i128::from(quote.bid.0) + i128::from(quote.ask.0);
            // Lies between two prices.
            Price(div_half_even(sum, 2) as i64)
        };
        self.quote.as_ref().map(middle).or(self.last)
    }

    /// Prices as they would have been had the action been in force when they were seen.
    pub fn adjust(&mut self, action: &CorporateAction) {
        let adjust = |price: &mut Price| *price = adjusted(*price, action);
        if let Some(quote) = &mut self.quote {
            adjust(&mut quote.bid);
            adjust(&mut quote.ask);
        }
        self.last.iter_mut().for_each(adjust);
    }

    /// The price that a position of this sign could be closed at: what it is worth.
    #[inline]
    pub fn mark(&self, sign: i64) -> Option<Price> {
        self.price_to_trade(if sign >= 0 { Side::Sell } else { Side::Buy })
    }
}

/// A price from before an action as it would have been after it: divided by a split, half to even, or less a dividend.
pub fn adjusted(price: Price, action: &CorporateAction) -> Price {
    match *action {
        CorporateAction::Split { new, old } => {
            let price = mul_div_half_even(i128::from(price.0), i128::from(old), i128::from(new.max(1)));
            Price(
                price.clamp(-i128::from(crate::units::FIXED_MAX), i128::from(crate::units::FIXED_MAX)) as i64
            )
        }
        CorporateAction::Dividend { amount } => {
            let price = price.0.saturating_sub(amount.0);
            Price(price.clamp(-crate::units::FIXED_MAX, crate::units::FIXED_MAX))
        }
    }
}
