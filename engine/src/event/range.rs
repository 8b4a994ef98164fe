//! Which numbers an input may have, so that sums of them stay within their widths.

use super::{CorporateAction, Fact, SignalTarget};
use crate::units::{FIXED_MAX, Money, Price, Quantity, Ratio};

fn fits(number: i64) -> bool {
    (-FIXED_MAX..=FIXED_MAX).contains(&number)
}

fn price(price: Option<Price>) -> bool {
    price.is_none_or(|price| fits(price.0))
}

/// What data shows, and so no file has less than nothing of.
fn size(size: Option<Quantity>) -> bool {
    size.is_none_or(|size| (0..=FIXED_MAX).contains(&size.0))
}

fn amount(amount: Money) -> bool {
    !amount.is_beyond()
}

impl Fact {
    /// Whether all numbers of an input are such as a file or a broker could have said. Another program may have sealed
    /// others. What the engine derives is compared and never computed with.
    #[inline]
    pub fn is_in_range(&self) -> bool {
        match self {
            Fact::QuoteChanged(quote) => {
                fits(quote.bid.0) && fits(quote.ask.0) && size(quote.bid_size) && size(quote.ask_size)
            }
            Fact::TradePrinted(trade) => fits(trade.price.0) && size(trade.size),
            Fact::BarReceived(bar) => {
                [bar.open, bar.high, bar.low, bar.close].iter().all(|price| fits(price.0)) && size(bar.volume)
            }
            Fact::BookChanged(change) => fits(change.price.0) && size(Some(change.size)),
            rare => rare.is_rare_in_range(),
        }
    }

    fn is_rare_in_range(&self) -> bool {
        match self {
            Fact::CorporateActionApplied(CorporateAction::Dividend { amount }) => fits(amount.0),
            Fact::SignalReceived(signal) => match signal.target {
                SignalTarget::Position { quantity: Quantity(number) }
                | SignalTarget::Weight { share: Ratio(number) } => fits(number),
            },
            Fact::OrderFilled(fill) => {
                fits(fill.price.0)
                    && fill.quantity >= Quantity::ZERO
                    && amount(fill.commission)
                    && price(fill.rate)
            }
            Fact::TradeCorrected(trade) => {
                fits(trade.price.0)
                    && price(trade.corrected)
                    && size(Some(trade.quantity))
                    && amount(trade.commission)
            }
            Fact::AccountReported(report) => amount(report.balance),
            Fact::OrderReplaced(replaced) => {
                price(replaced.kind.limit())
                    && price(replaced.kind.trigger())
                    && size(Some(replaced.quantity))
            }
            Fact::QuoteChanged(_)
            | Fact::TradePrinted(_)
            | Fact::BarReceived(_)
            | Fact::BookChanged(_)
            | Fact::CorporateActionApplied(CorporateAction::Split { .. })
            | Fact::BookReset(_)
            | Fact::RunStarted(_)
            | Fact::InstrumentDefined(_)
            | Fact::SessionChanged(_)
            | Fact::MacroReleased(_)
            | Fact::NewsPublished(_)
            | Fact::EventScheduled(_)
            | Fact::TimerFired(_)
            | Fact::FeaturesReselected(_)
            | Fact::ChapterClosed(_)
            | Fact::OrderAccepted(_)
            | Fact::OrderRejected(_)
            | Fact::OrderCancelled(_)
            | Fact::CancelRejected(_)
            | Fact::OrderExpired(_)
            | Fact::OrderUnknown(_)
            | Fact::PositionReported(_)
            | Fact::ConnectionChanged(_)
            | Fact::OperatorCommanded(_)
            | Fact::LimitsRequested(_)
            | Fact::ApprovalGiven(_)
            | Fact::LimitsChanged(_)
            | Fact::FeedGap(_)
            | Fact::ClockChecked(_)
            | Fact::OrderTriggered(_)
            | Fact::ReplaceRejected(_)
            | Fact::DataFlagged(_)
            | Fact::BarClosed(_)
            | Fact::RegimeChanged(_)
            | Fact::FeaturesComputed(_)
            | Fact::DecisionMade(_)
            | Fact::RiskAssessed(_)
            | Fact::OrderDenied(_)
            | Fact::OrderSubmitted(_)
            | Fact::CancelRequested(_)
            | Fact::ReplaceRequested(_)
            | Fact::FinancingCharged(_)
            | Fact::TradingHalted(_)
            | Fact::AlertRaised(_)
            | Fact::RunEnded(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AccountReported, BookAction, BookChange, Quote, Side};

    #[test]
    fn numbers_that_no_file_can_have_are_seen() {
        let quote = |bid, size: Option<i64>| {
            let (bid_size, ask_size) = (size.map(Quantity), None);
            Fact::QuoteChanged(Quote { bid: Price(bid), ask: Price(0), bid_size, ask_size }).is_in_range()
        };
        assert!(quote(FIXED_MAX, None) && quote(-FIXED_MAX, Some(FIXED_MAX)) && quote(0, Some(0)));
        assert!(!quote(FIXED_MAX + 1, None) && !quote(i64::MIN, None) && !quote(0, Some(-1)));
        let change = |size| {
            let (price, size, side, action) = (Price(0), Quantity(size), Side::Buy, BookAction::ChangeOrder);
            Fact::BookChanged(BookChange { price, size, order: 1, side, action, last: true }).is_in_range()
        };
        assert!(change(0) && change(FIXED_MAX) && !change(i64::MIN));
        let balance = |balance| Fact::AccountReported(Box::new(AccountReported { balance })).is_in_range();
        assert!(balance(Money(-1)) && !balance(Money(i128::MIN)) && !balance(Money::MAX));
    }
}
