//! The simulated exchange: what becomes of an order on recorded market data.
//!
//! The richest data an instrument has decides how it fills: quotes, else trades, else bars. [`fill`] says at what price
//! and how much, [`cost`] what it costs. The venue lives in its own time: it sees the market and the orders in the
//! order in which they reach it, and never what comes later.

pub mod cost;
pub mod fill;

use crate::event::{
    Bar, CloseReason, Event, Fact, Fill, Liquidity, Order, OrderClosed, OrderKind, OrderNotice,
    OrderRejected, Quote, RejectReason, Side, TimeInForce,
};
use crate::ids::{InstrumentId, OrderId, Sequence};
use crate::market::Market;
use crate::settings::{DataKind, Settings};
use crate::units::{Nanoseconds, Price, Quantity, Timestamp};
use fill::{Execution, Touch};

/// An order at the venue.
#[derive(Clone, Debug)]
pub struct Resting {
    /// The `OrderSubmitted` it came from.
    pub cause: Sequence,
    /// When it was sent: an order takes part in no bar that began before.
    pub sent: Timestamp,
    /// Whose.
    pub instrument: InstrumentId,
    /// The order.
    pub order: Order,
    /// What is still to be filled.
    pub remaining: Quantity,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

impl Resting {
    /// The worst price it accepts, while it is a limit order.
    fn limit(&self) -> Option<Price> {
        match self.order.kind {
            OrderKind::Limit { price } => Some(price),
            OrderKind::Market | OrderKind::Stop { .. } => None,
        }
    }

    /// Smaller comes first: better limit prices, then earlier orders.
    fn priority(&self) -> (i64, u64) {
        let price = self.limit().map_or(i64::MIN, |price| -price.0 * self.order.side.sign());
        (price, self.order.order.0)
    }
}

/// What an instrument's data lets the venue see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    Bars,
    Trades,
    Quotes,
}

/// One instrument at the venue.
struct Book {
    depth: Depth,
    market: Market,
    /// What of the displayed sizes our own fills have taken since the last quote: buys at the ask, sells at the bid.
    taken: [Quantity; 2],
    resting: Vec<Resting>,
}

/// The simulated exchange.
pub struct Venue {
    settings: Settings,
    books: Vec<Book>,
    /// The earliest end of a DAY order; later than everything when there is none.
    next_expiry: Timestamp,
    /// How many orders rest, over all instruments.
    resting: usize,
}

impl Venue {
    /// An exchange without orders.
    pub fn new(settings: &Settings) -> Venue {
        let depth = |id: InstrumentId| {
            let sources = settings.sources.iter().filter(|source| source.instrument == id);
            let depths = sources.map(|source| match source.kind {
                DataKind::Quotes | DataKind::Journal => Depth::Quotes,
                DataKind::Trades => Depth::Trades,
                DataKind::Bars => Depth::Bars,
            });
            depths.max()
        };
        // A journal names its own instruments: then what it shows first decides, see `on_market`.
        let book = |index| Book {
            depth: depth(InstrumentId(index as u32 + 1)).unwrap_or(Depth::Bars),
            market: Market::default(),
            taken: [Quantity::ZERO; 2],
            resting: Vec::new(),
        };
        Venue {
            books: (0..settings.instruments.len()).map(book).collect(),
            settings: settings.clone(),
            next_expiry: Timestamp::MAX,
            resting: 0,
        }
    }

    /// Whether no order could be touched by the market.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.resting == 0
    }

    /// The market moved at `time`. Answers are appended to `answers`.
    #[inline]
    pub fn on_market(&mut self, event: &Event, time: Timestamp, answers: &mut Vec<Event>) {
        let Some(book) = event.header.instrument.index().and_then(|index| self.books.get_mut(index)) else {
            return;
        };
        let kind = match &event.fact {
            Fact::QuoteChanged(_) => Depth::Quotes,
            Fact::TradePrinted(_) => Depth::Trades,
            _ => Depth::Bars,
        };
        book.depth = book.depth.max(kind);
        book.market.update(&event.fact);
        book.taken = [Quantity::ZERO; 2];
        if self.resting > 0 {
            self.settle(event, time, answers);
        }
    }

    /// Resting orders meet the market.
    #[cold]
    fn settle(&mut self, event: &Event, time: Timestamp, answers: &mut Vec<Event>) {
        self.expire(time, answers);
        let index = event.header.instrument.index().expect("checked by the caller");
        let mut resting = std::mem::take(&mut self.books[index].resting);
        match (&event.fact, self.books[index].depth) {
            (Fact::QuoteChanged(quote), _) => {
                let quote = *quote;
                resting.retain_mut(|order| self.meet_quote(index, order, &quote, time, answers));
            }
            (Fact::TradePrinted(trade), Depth::Trades) => {
                let (price, size) = (trade.price, trade.size);
                let mut left = size;
                resting.retain_mut(|order| self.meet_price(index, order, price, &mut left, time, answers));
            }
            (Fact::BarReceived(bar), Depth::Bars) => {
                let bar = *bar;
                // Stops first: where a bar would reach both a stop and a limit, the worse one is taken.
                resting.sort_by_key(|order| {
                    (!matches!(order.order.kind, OrderKind::Stop { .. }), order.priority())
                });
                resting.retain_mut(|order| self.meet_bar(index, order, &bar, time, answers));
            }
            _ => {}
        }
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// An order reaches the venue.
    pub fn on_order(&mut self, mut resting: Resting, time: Timestamp, answers: &mut Vec<Event>) {
        let (order, instrument) = (&resting.order, resting.instrument);
        let index = instrument.index().filter(|&index| index < self.books.len());
        let reason = match index.and_then(|index| self.settings.instruments.get(index)) {
            None => Some(RejectReason::UnknownInstrument),
            Some(rules) => reject_reason(order, rules.lot, rules.tick),
        };
        let (Some(index), None) = (index, reason) else {
            let reason = reason.unwrap_or(RejectReason::UnknownInstrument);
            let fact = Fact::OrderRejected(OrderRejected { order: order.order, reason });
            answers.push(self.answer(&resting, time, fact));
            return;
        };
        let accepted = Fact::OrderAccepted(OrderNotice { order: order.order });
        answers.push(self.answer(&resting, time, accepted));
        if order.time_in_force == TimeInForce::Day {
            let expires = day_end_after(time, self.settings.venue.day_end);
            resting.expires = Some(expires);
            self.next_expiry = self.next_expiry.min(expires);
        }
        let works = match (self.books[index].depth, self.books[index].market) {
            (Depth::Quotes, Market { quote: Some(quote), .. }) => {
                self.arrive_at_quote(index, &mut resting, &quote, time, answers)
            }
            (Depth::Trades, Market { last: Some(price), .. }) => {
                self.arrive_at_price(index, &mut resting, price, time, answers)
            }
            // On bars nothing trades before the next one opens; IOC and FOK mean that next open.
            (Depth::Bars, _) => true,
            (Depth::Quotes | Depth::Trades, _) => {
                let fact = OrderClosed {
                    order: resting.order.order,
                    unfilled: resting.remaining,
                    reason: CloseReason::NotFillable,
                };
                match resting.order.time_in_force {
                    TimeInForce::Gtc | TimeInForce::Day => true,
                    TimeInForce::Ioc | TimeInForce::Fok => {
                        answers.push(self.answer(&resting, time, Fact::OrderCancelled(fact)));
                        false
                    }
                }
            }
        };
        if works {
            let book = &mut self.books[index].resting;
            let place = book.partition_point(|other| other.priority() <= resting.priority());
            book.insert(place, resting);
        }
        self.count_resting();
    }

    /// A cancel reaches the venue.
    pub fn on_cancel(
        &mut self,
        instrument: InstrumentId,
        order: OrderId,
        cause: Sequence,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        self.expire(time, answers);
        let book = instrument.index().and_then(|index| self.books.get_mut(index));
        let found = book.and_then(|book| {
            let place = book.resting.iter().position(|resting| resting.order.order == order)?;
            Some(book.resting.remove(place))
        });
        let received = time + self.settings.venue.response_latency;
        let fact = match &found {
            Some(resting) => Fact::OrderCancelled(OrderClosed {
                order,
                unfilled: resting.remaining,
                reason: CloseReason::Requested,
            }),
            None => Fact::CancelRejected(OrderNotice { order }),
        };
        let mut event = Event::unnumbered(time, received, instrument, fact);
        event.header.cause = cause;
        answers.push(event);
        self.count_resting();
    }

    /// DAY orders whose day has ended by `time`. They are settled at the next thing that happens here.
    fn expire(&mut self, time: Timestamp, answers: &mut Vec<Event>) {
        if time < self.next_expiry {
            return;
        }
        self.next_expiry = Timestamp::MAX;
        for index in 0..self.books.len() {
            let mut resting = std::mem::take(&mut self.books[index].resting);
            resting.retain(|order| match order.expires {
                Some(expires) if expires <= time => {
                    let fact = Fact::OrderExpired(OrderClosed {
                        order: order.order.order,
                        unfilled: order.remaining,
                        reason: CloseReason::DayEnded,
                    });
                    let mut event = self.answer(order, time, fact);
                    event.header.time_event = expires;
                    answers.push(event);
                    false
                }
                Some(expires) => {
                    self.next_expiry = self.next_expiry.min(expires);
                    true
                }
                None => true,
            });
            self.books[index].resting = resting;
        }
    }

    fn count_resting(&mut self) {
        self.resting = self.books.iter().map(|book| book.resting.len()).sum();
    }

    fn answer(&self, resting: &Resting, time: Timestamp, fact: Fact) -> Event {
        let received = time + self.settings.venue.response_latency;
        let mut event = Event::unnumbered(time, received, resting.instrument, fact);
        event.header.cause = resting.cause;
        event
    }

    /// What is displayed on the side that `side` trades against, less what we took of it since the last quote, in whole
    /// lots; `None` is without limit.
    fn displayed(&self, index: usize, side: Side, size: Option<Quantity>) -> Option<Quantity> {
        let size = size.or(self.settings.venue.size_when_absent)?;
        let taken = self.books[index].taken[side as usize - 1];
        Some(Quantity((size.0 - taken.0).max(0)).round_down_to(self.settings.instruments[index].lot))
    }

    /// Books executions of an order and says whether it still works.
    fn book(
        &mut self,
        index: usize,
        resting: &mut Resting,
        executions: &[Execution],
        liquidity: Liquidity,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let rules = &self.settings.instruments[index];
        let quote = self.books[index].market.quote;
        for execution in executions {
            resting.remaining -= execution.quantity;
            self.books[index].taken[resting.order.side as usize - 1] += execution.quantity;
            let fill = Fill {
                order: resting.order.order,
                side: resting.order.side,
                price: execution.price,
                quantity: execution.quantity,
                remaining: resting.remaining,
                liquidity,
                commission: cost::commission(rules, execution, liquidity, self.settings.account.digits),
                bid: quote.map(|quote| quote.bid),
                ask: quote.map(|quote| quote.ask),
            };
            answers.push(self.answer(resting, time, Fact::OrderFilled(Box::new(fill))));
        }
        resting.remaining > Quantity::ZERO
    }

    fn cancel_rest(&self, resting: &Resting, reason: CloseReason, time: Timestamp, answers: &mut Vec<Event>) {
        let fact = OrderClosed { order: resting.order.order, unfilled: resting.remaining, reason };
        answers.push(self.answer(resting, time, Fact::OrderCancelled(fact)));
    }

    /// A new order meets the standing quote; whether it works on.
    fn arrive_at_quote(
        &mut self,
        index: usize,
        resting: &mut Resting,
        quote: &Quote,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if let OrderKind::Stop { trigger } = resting.order.kind
            && !fill::stop_reached(resting.order.side, trigger, quote)
        {
            return self.rest_or_cancel(resting, time, answers);
        }
        let side = resting.order.side;
        let (price, size) = fill::opposite(quote, side);
        if let Some(limit) = resting.limit()
            && fill::touch(side, limit, price) == Touch::Away
        {
            return self.rest_or_cancel(resting, time, answers);
        }
        let displayed = self.displayed(index, side, size);
        let fills_whole = displayed.is_none_or(|displayed| displayed >= resting.remaining);
        let whole = fills_whole || resting.limit().is_none();
        if resting.order.time_in_force == TimeInForce::Fok && !whole {
            self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
            return false;
        }
        let executions = match resting.limit() {
            Some(_) => [Execution::up_to(price, resting.remaining, displayed), Execution::NONE],
            None => {
                let slippage = self.settings.venue.slippage;
                let tick = self.settings.instruments[index].tick;
                fill::market(side, price, resting.remaining, displayed, slippage, tick)
            }
        };
        let executions = fill::real(&executions);
        self.book(index, resting, executions, Liquidity::Taker, time, answers)
            && self.rest_or_cancel(resting, time, answers)
    }

    /// What happens to what could not be filled on arrival.
    fn rest_or_cancel(&self, resting: &Resting, time: Timestamp, answers: &mut Vec<Event>) -> bool {
        match resting.order.time_in_force {
            TimeInForce::Gtc | TimeInForce::Day => true,
            TimeInForce::Ioc => {
                self.cancel_rest(resting, CloseReason::ImmediateRest, time, answers);
                false
            }
            TimeInForce::Fok => {
                self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
                false
            }
        }
    }

    /// A resting order meets a new quote; whether it works on.
    fn meet_quote(
        &mut self,
        index: usize,
        resting: &mut Resting,
        quote: &Quote,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let side = resting.order.side;
        let (price, size) = fill::opposite(quote, side);
        let displayed = self.displayed(index, side, size);
        let Some(limit) = resting.limit() else {
            // A stop that is reached, or a market order that waited for a first quote.
            if let OrderKind::Stop { trigger } = resting.order.kind
                && !fill::stop_reached(side, trigger, quote)
            {
                return true;
            }
            let slippage = self.settings.venue.slippage;
            let tick = self.settings.instruments[index].tick;
            let executions = fill::market(side, price, resting.remaining, displayed, slippage, tick);
            return self.book(index, resting, fill::real(&executions), Liquidity::Taker, time, answers);
        };
        let touched = match fill::touch(side, limit, price) {
            Touch::Away => false,
            Touch::At => {
                fill::touch_fills(self.settings.venue.touch, self.settings.seed, resting.order.order, time)
            }
            Touch::Through => true,
        };
        if !touched {
            return true;
        }
        let execution = Execution::up_to(limit, resting.remaining, displayed);
        self.book(index, resting, fill::real(&[execution]), Liquidity::Maker, time, answers)
    }

    /// A new order meets the last trade, where there are no quotes: it takes that price and pays the slippage.
    fn arrive_at_price(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if resting.limit().is_some() || matches!(resting.order.kind, OrderKind::Stop { .. }) {
            // A trade that is past tells nothing about what can be had now: such orders wait for the next one.
            return self.rest_or_cancel(resting, time, answers);
        }
        let execution = self.slipped(index, resting, price);
        self.book(index, resting, &[execution], Liquidity::Taker, time, answers)
    }

    /// A resting order meets a trade at `price`, of whose size `left` is left.
    fn meet_price(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        left: &mut Option<Quantity>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let side = resting.order.side;
        if let Some(limit) = resting.limit() {
            let touched = match fill::touch(side, limit, price) {
                Touch::Away => false,
                Touch::At => fill::touch_fills(
                    self.settings.venue.touch,
                    self.settings.seed,
                    resting.order.order,
                    time,
                ),
                Touch::Through => true,
            };
            if !touched {
                return true;
            }
            let lot = self.settings.instruments[index].lot;
            let size = left.or(self.settings.venue.size_when_absent).map(|size| size.round_down_to(lot));
            let execution = Execution::up_to(limit, resting.remaining, size);
            if let Some(left) = left {
                *left -= execution.quantity;
            }
            return self.book(index, resting, fill::real(&[execution]), Liquidity::Maker, time, answers);
        }
        if let OrderKind::Stop { trigger } = resting.order.kind
            && !fill::price_reached(side, trigger, price)
        {
            return true;
        }
        let execution = self.slipped(index, resting, price);
        self.book(index, resting, &[execution], Liquidity::Taker, time, answers)
    }

    /// A resting order meets a bar: first its open, then its range. It takes part in no bar that began before it was
    /// sent.
    fn meet_bar(
        &mut self,
        index: usize,
        resting: &mut Resting,
        bar: &Bar,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if bar.open_time < resting.sent {
            return true;
        }
        let side = resting.order.side;
        let first = answers.len();
        let (works, at_open) = match resting.order.kind {
            OrderKind::Market => {
                let execution = self.slipped(index, resting, bar.open);
                (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true)
            }
            OrderKind::Limit { price: limit } => {
                let open = fill::touch(side, limit, bar.open) != Touch::Away;
                let reach = match side {
                    Side::Buy => bar.low,
                    Side::Sell => bar.high,
                };
                let touched = match fill::touch(side, limit, reach) {
                    Touch::Away => false,
                    Touch::At => fill::touch_fills(
                        self.settings.venue.touch,
                        self.settings.seed,
                        resting.order.order,
                        time,
                    ),
                    Touch::Through => true,
                };
                match (open, touched) {
                    (true, _) => {
                        let execution = Execution { price: bar.open, quantity: resting.remaining };
                        (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true)
                    }
                    (false, true) => {
                        let execution = Execution { price: limit, quantity: resting.remaining };
                        (self.book(index, resting, &[execution], Liquidity::Maker, time, answers), false)
                    }
                    (false, false) => (true, false),
                }
            }
            OrderKind::Stop { trigger } => {
                let reach = match side {
                    Side::Buy => bar.high,
                    Side::Sell => bar.low,
                };
                if fill::price_reached(side, trigger, bar.open) {
                    let execution = self.slipped(index, resting, bar.open);
                    (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true)
                } else if fill::price_reached(side, trigger, reach) {
                    let execution = self.slipped(index, resting, trigger);
                    (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), false)
                } else {
                    (true, false)
                }
            }
        };
        if at_open {
            for event in &mut answers[first..] {
                event.header.time_event = bar.open_time;
            }
        }
        works && self.rest_or_cancel(resting, time, answers)
    }

    /// All that remains, at `price` made worse by the slippage.
    fn slipped(&self, index: usize, resting: &Resting, price: Price) -> Execution {
        let tick = self.settings.instruments[index].tick;
        let slippage = self.settings.venue.slippage;
        let price = fill::worse(resting.order.side, price, slippage, tick, resting.remaining, None);
        Execution { price, quantity: resting.remaining }
    }
}

fn reject_reason(order: &Order, lot: Quantity, tick: Price) -> Option<RejectReason> {
    if order.quantity <= Quantity::ZERO || (lot.0 > 0 && order.quantity.0 % lot.0 != 0) {
        return Some(RejectReason::QuantityOffLot);
    }
    match order.kind {
        OrderKind::Limit { price } | OrderKind::Stop { trigger: price }
            if tick.0 > 0 && price.0 % tick.0 != 0 =>
        {
            Some(RejectReason::PriceOffTick)
        }
        OrderKind::Market | OrderKind::Limit { .. } | OrderKind::Stop { .. } => None,
    }
}

/// The first end of a trading day after `time`.
fn day_end_after(time: Timestamp, day_end: Nanoseconds) -> Timestamp {
    let day = Nanoseconds::DAY.0;
    let since = (time.0.wrapping_sub(day_end.0)).rem_euclid(day);
    time + Nanoseconds(day - since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_its_hour() {
        let hour = 3_600_000_000_000;
        let end = Nanoseconds(21 * hour);
        for (time, ends) in [(0, 21), (20, 21), (21, 45), (22, 45), (-4, -3), (-3, 21)] {
            assert_eq!(day_end_after(Timestamp(time * hour), end), Timestamp(ends * hour), "{time} h");
        }
    }
}
