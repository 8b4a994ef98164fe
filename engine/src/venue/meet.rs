//! How an order meets the market: on arrival, at every quote or trade, in every bar.

use super::resting::Acting;
use super::{Resting, Venue, cost, fill};
use crate::event::{
    Bar, CloseReason, Event, Fact, Fill, Liquidity, OrderTriggered, Quote, Side, TimeInForce,
};
use crate::units::{Price, Quantity, Timestamp};
use fill::{Execution, Touch};

use super::linked::Within;

impl Venue {
    /// What is displayed on the side that `side` trades against, less what we took of it since the last quote, in whole
    /// lots; `None` is without limit.
    fn displayed(&self, index: usize, side: Side, size: Option<Quantity>) -> Option<Quantity> {
        let size = size.or(self.settings.venue.size_when_absent)?;
        let taken = self.books[index].taken[side as usize - 1];
        Some(Quantity((size.0 - taken.0).max(0)).round_down_to(self.settings.instruments[index].lot))
    }

    /// Books executions of an order and says whether it still works.
    pub(super) fn book(
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
        // Nobody meets the market where the rate is not known.
        let rate = self.rate(index).unwrap_or(None);
        let side = resting.order.side;
        let mut sum = Quantity::ZERO;
        for execution in executions {
            resting.remaining -= execution.quantity;
            sum += execution.quantity;
            self.books[index].taken[side as usize - 1] += execution.quantity;
            let fill = Fill {
                order: resting.order.order,
                side,
                price: execution.price,
                quantity: execution.quantity,
                remaining: resting.remaining,
                liquidity,
                commission: cost::commission(rules, execution, liquidity, rate, self.settings.account.digits),
                bid: quote.map(|quote| quote.bid),
                ask: quote.map(|quote| quote.ask),
                rate: rate.map(|rate| rate.price),
            };
            answers.push(self.answer(resting, time, Fact::OrderFilled(Box::new(fill))));
        }
        if sum > Quantity::ZERO {
            let position = &mut self.books[index].position.0;
            *position = position.saturating_add(sum.0 * side.sign());
            if let Some(tickets) = &mut self.books[index].tickets {
                tickets.fill(resting.order.order, side, sum, resting.order.effect());
            }
            self.filled(resting, sum);
        }
        resting.remaining > Quantity::ZERO
    }

    /// The market reached an order's trigger. Plain stops say so by their fills.
    fn trigger(
        &mut self,
        resting: &mut Resting,
        trigger: Price,
        price: Price,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        resting.triggered = true;
        self.turned |= resting.limit().is_some();
        if resting.order.kind.trigger().is_none() || resting.order.kind.limit().is_some() {
            let fact = OrderTriggered { order: resting.order.order, trigger, price };
            answers.push(self.answer(resting, time, Fact::OrderTriggered(fact)));
        }
    }

    /// Whether an order that waits for a trigger has reached it at `price`, and now acts. A trailing stop that has not
    /// follows the price.
    pub(super) fn is_triggered(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let Acting::Stop(trigger) = resting.acting() else { return true };
        match trigger {
            Some(trigger) if fill::price_reached(resting.order.side, trigger, price) => {
                self.trigger(resting, trigger, price, time, answers);
                true
            }
            _ => {
                resting.trail(price, self.settings.instruments[index].tick);
                false
            }
        }
    }

    /// A new order meets the standing quote; whether it works on.
    pub(super) fn arrive_at_quote(
        &mut self,
        index: usize,
        resting: &mut Resting,
        quote: &Quote,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let side = resting.order.side;
        let (price, size) = fill::opposite(quote, side);
        if !self.is_triggered(index, resting, price, time, answers) {
            return self.rest_or_cancel(resting, time, answers);
        }
        if let Some(limit) = resting.limit() {
            if fill::touch(side, limit, price) == Touch::Away {
                return self.rest_or_cancel(resting, time, answers);
            }
            if resting.order.terms.post_only {
                self.cancel_rest(resting, CloseReason::WouldTake, time, answers);
                return false;
            }
        }
        let displayed = self.displayed(index, side, size);
        let fills_whole = displayed.is_none_or(|displayed| displayed >= resting.open());
        let whole = fills_whole || resting.limit().is_none();
        if resting.order.time_in_force == TimeInForce::Fok && !whole {
            self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
            return false;
        }
        let executions = match resting.limit() {
            Some(_) => [Execution::up_to(price, resting.open(), displayed), Execution::NONE],
            None => {
                let slippage = self.settings.venue.slippage;
                let tick = self.settings.instruments[index].tick;
                fill::market(side, price, resting.open(), displayed, slippage, tick)
            }
        };
        let executions = fill::real(&executions);
        self.book(index, resting, executions, Liquidity::Taker, time, answers)
            && self.rest_or_cancel(resting, time, answers)
    }

    /// What happens to what could not be filled on arrival.
    pub(super) fn rest_or_cancel(
        &self,
        resting: &Resting,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        match resting.order.time_in_force {
            TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Gtd => true,
            TimeInForce::Ioc | TimeInForce::Fok if resting.waits_for_trigger() => true,
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
    pub(super) fn meet_quote(
        &mut self,
        index: usize,
        resting: &mut Resting,
        quote: &Quote,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if std::mem::take(&mut resting.waits_for_open) {
            return self.arrive_at_quote(index, resting, quote, time, answers);
        }
        let side = resting.order.side;
        let (price, size) = fill::opposite(quote, side);
        let Some(limit) = resting.limit() else {
            // A stop that is reached, or a market order that waited for a first quote.
            if !self.is_triggered(index, resting, price, time, answers) {
                return true;
            }
            if resting.limit().is_some() {
                // A stop-limit order begins its life as a limit order.
                return self.arrive_at_quote(index, resting, quote, time, answers);
            }
            let displayed = self.displayed(index, side, size);
            let slippage = self.settings.venue.slippage;
            let tick = self.settings.instruments[index].tick;
            let executions = fill::market(side, price, resting.open(), displayed, slippage, tick);
            return self.book(index, resting, fill::real(&executions), Liquidity::Taker, time, answers);
        };
        if !self.is_touched(resting, limit, price, time) {
            return true;
        }
        let displayed = self.displayed(index, side, size);
        let execution = Execution::up_to(limit, resting.open(), displayed);
        self.book(index, resting, fill::real(&[execution]), Liquidity::Maker, time, answers)
    }

    /// Whether a resting limit order is met at `price`.
    fn is_touched(&self, resting: &Resting, limit: Price, price: Price, time: Timestamp) -> bool {
        match fill::touch(resting.order.side, limit, price) {
            Touch::Away => false,
            Touch::At => {
                fill::touch_fills(self.settings.venue.touch, self.settings.seed, resting.order.order, time)
            }
            Touch::Through => true,
        }
    }

    /// A new order meets the last trade, where there are no quotes: it takes that price and pays the slippage.
    pub(super) fn arrive_at_price(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if resting.acting() != Acting::Market {
            // A trade that is past tells nothing about what can be had now: such orders wait for the next one. What is
            // to be filled at once is filled by that one, or not at all.
            resting.waits_for_open = true;
            return true;
        }
        let execution = self.slipped(index, resting, price);
        self.book(index, resting, &[execution], Liquidity::Taker, time, answers)
    }

    /// A resting order meets a trade at `price`, of whose size `left` is left.
    pub(super) fn meet_price(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        left: &mut Option<Quantity>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let waited = std::mem::take(&mut resting.waits_for_open);
        let Some(limit) = resting.limit() else {
            if !self.is_triggered(index, resting, price, time, answers) {
                return !waited || self.rest_or_cancel(resting, time, answers);
            }
            if resting.limit().is_some() {
                // A stop-limit order waits for the next trade: this one is past. What is to be filled at once is filled
                // by that one, or not at all.
                resting.waits_for_open = true;
                return true;
            }
            let execution = self.slipped(index, resting, price);
            return self.book(index, resting, &[execution], Liquidity::Taker, time, answers);
        };
        if !self.is_touched(resting, limit, price, time) {
            return !waited || self.rest_or_cancel(resting, time, answers);
        }
        let lot = self.settings.instruments[index].lot;
        let size = left.or(self.settings.venue.size_when_absent).map(|size| size.round_down_to(lot));
        let execution = Execution::up_to(limit, resting.open(), size);
        let is_whole = execution.quantity == resting.open();
        if waited && resting.order.time_in_force == TimeInForce::Fok && !is_whole {
            self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
            return false;
        }
        if let Some(left) = left {
            *left -= execution.quantity;
        }
        let liquidity = resting.liquidity_at_limit();
        self.book(index, resting, fill::real(&[execution]), liquidity, time, answers)
            && (!waited || self.rest_or_cancel(resting, time, answers))
    }

    /// Every order of a book meets a bar.
    pub(super) fn meet_bars(
        &mut self,
        index: usize,
        resting: &mut Vec<Resting>,
        bar: &Bar,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let ended = self.books[index].closed_at;
        // The session ended before this bar began: no bar of it is to come.
        if let Some(ended) = ended.filter(|ended| bar.open_time >= *ended) {
            self.books[index].closed_at = None;
            self.end_day(index, resting, ended, time, answers);
        }
        // Stops first: where a bar would reach both a stop and a limit, the worse one is taken.
        resting.sort_by_key(|order| (!matches!(order.acting(), Acting::Stop(_)), order.priority()));
        for place in 0..resting.len() {
            let order = &mut resting[place];
            if order.gone || order.open() == Quantity::ZERO {
                continue;
            }
            let (works, at_open) = self.meet_bar(index, order, bar, false, time, answers);
            if !works {
                order.gone = true;
                self.ended(order);
            }
            self.follow(index, resting, Some(Within { bar, at_open }), time, answers);
        }
        if let Some(ended) = ended.filter(|ended| bar.open_time < *ended && time >= *ended) {
            self.books[index].closed_at = None;
            self.end_day(index, resting, ended, time, answers);
        }
        resting.retain(|order| !order.gone);
        // Every bar puts them in its own order.
        self.turned = false;
    }

    /// A resting order meets a bar: first its open, then its range. It takes part in no bar that began before it was
    /// sent. `inside`: it was armed within the bar, whose open was before that. Whether it works on, and whether it was
    /// filled at the open.
    pub(super) fn meet_bar(
        &mut self,
        index: usize,
        resting: &mut Resting,
        bar: &Bar,
        inside: bool,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> (bool, bool) {
        if bar.open_time < resting.sent {
            return (true, false);
        }
        let first = answers.len();
        let open = resting.open();
        let (works, at_open) = match resting.acting() {
            Acting::Market => {
                let execution = self.slipped(index, resting, bar.open);
                (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true)
            }
            Acting::Limit(limit) => self.limit_in_bar(index, resting, limit, bar, time, answers),
            Acting::Stop(trigger) => self.stop_in_bar(index, resting, trigger, bar, inside, time, answers),
        };
        if at_open {
            for event in &mut answers[first..] {
                event.header.time_event = bar.open_time;
            }
        }
        // A stop-limit order that rests once it was triggered has not had its chance yet.
        let met =
            resting.open() != open || !matches!(resting.acting(), Acting::Limit(_)) || first == answers.len();
        (works && (!met || self.rest_or_cancel(resting, time, answers)), at_open)
    }

    /// A limit order in a bar: at the open if that is as good, else at its limit if the range reaches it.
    fn limit_in_bar(
        &mut self,
        index: usize,
        resting: &mut Resting,
        limit: Price,
        bar: &Bar,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> (bool, bool) {
        let side = resting.order.side;
        if fill::touch(side, limit, bar.open) != Touch::Away {
            if resting.order.terms.post_only {
                self.cancel_rest(resting, CloseReason::WouldTake, time, answers);
                return (false, true);
            }
            let execution = Execution { price: bar.open, quantity: resting.open() };
            return (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true);
        }
        let reach = match side {
            Side::Buy => bar.low,
            Side::Sell => bar.high,
        };
        if !self.is_touched(resting, limit, reach, time) {
            return (true, false);
        }
        let execution = Execution { price: limit, quantity: resting.open() };
        let liquidity = resting.liquidity_at_limit();
        (self.book(index, resting, &[execution], liquidity, time, answers), false)
    }

    /// A stop in a bar: at the open if that is past the trigger, else at the trigger if the range reaches it. A
    /// trailing stop's trigger is the one before the bar; only then does it follow the bar's best price.
    #[allow(clippy::too_many_arguments)] // One more than its neighbours.
    fn stop_in_bar(
        &mut self,
        index: usize,
        resting: &mut Resting,
        trigger: Option<Price>,
        bar: &Bar,
        inside: bool,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> (bool, bool) {
        let side = resting.order.side;
        let tick = self.settings.instruments[index].tick;
        let (reach, best) = match side {
            Side::Buy => (bar.high, bar.low),
            Side::Sell => (bar.low, bar.high),
        };
        let Some(trigger) = trigger else {
            // Its first bar: the open is the first price that it sees.
            resting.trail(bar.open, tick);
            let trigger = resting.trigger;
            return self.stop_in_bar(index, resting, trigger, bar, true, time, answers);
        };
        if !inside && fill::price_reached(side, trigger, bar.open) {
            self.trigger(resting, trigger, bar.open, time, answers);
            return match resting.limit() {
                Some(limit) => self.limit_in_bar(index, resting, limit, bar, time, answers),
                None => {
                    let execution = self.slipped(index, resting, bar.open);
                    (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), true)
                }
            };
        }
        if !fill::price_reached(side, trigger, reach) {
            resting.trail(best, tick);
            return (true, false);
        }
        self.trigger(resting, trigger, trigger, time, answers);
        let mut execution = self.slipped(index, resting, trigger);
        if let Some(limit) = resting.limit() {
            if fill::touch(side, limit, trigger) == Touch::Away {
                return (true, false);
            }
            if resting.order.terms.post_only {
                self.cancel_rest(resting, CloseReason::WouldTake, time, answers);
                return (false, false);
            }
            if fill::touch(side, limit, execution.price) == Touch::Away {
                execution.price = limit;
            }
        }
        (self.book(index, resting, &[execution], Liquidity::Taker, time, answers), false)
    }

    /// All that is open, at `price` made worse by the slippage.
    fn slipped(&self, index: usize, resting: &Resting, price: Price) -> Execution {
        let tick = self.settings.instruments[index].tick;
        let slippage = self.settings.venue.slippage;
        let price = fill::worse(resting.order.side, price, slippage, tick, resting.open(), None);
        Execution { price, quantity: resting.open() }
    }
}
