//! How orders meet an order book: takers walk its levels, resting orders wait in the queue of theirs.

use super::fill::{self, Execution, Touch};
use super::queue::Queue;
use super::{Depth, Resting, Venue};
use crate::book::Book;
use crate::event::{
    BookAction, BookChange, CloseReason, Event, Fact, FlawAction, Liquidity, Side, TimeInForce, Trade,
};
use crate::units::{Price, Quantity, Timestamp};

impl Venue {
    /// A level or an order of an instrument's book changed, or all of it is told anew.
    #[inline]
    pub(super) fn on_book(&mut self, event: &Event, index: usize, time: Timestamp, answers: &mut Vec<Event>) {
        let tick = self.settings.instruments[index].tick;
        let rule = self.settings.venue.queue;
        let book = &mut self.books[index];
        book.depth = Depth::Book;
        let levels = book.levels.get_or_insert_with(|| Box::new(Book::new(tick)));
        let mut behind = None;
        if !book.resting.is_empty()
            && let Fact::BookChanged(change) = &event.fact
        {
            behind = follow_queues(&mut book.resting, levels, change, rule);
        }
        let ended = levels.apply(&event.fact);
        if let Some((price, side, size, place)) = behind {
            let met = Met::Behind { price, side, place };
            self.meet_all(index, met, size, time, answers);
        }
        if ended {
            self.on_update(index, time, answers);
        }
    }

    /// An update is whole: the book is one that was there.
    fn on_update(&mut self, index: usize, time: Timestamp, answers: &mut Vec<Event>) {
        let book = &mut self.books[index];
        book.taken = [Quantity::ZERO; 2];
        let Some(quote) = book.levels.as_ref().and_then(|levels| levels.quote()) else { return };
        let dropped = match quote.bid.cmp(&quote.ask) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => self.settings.quality.locked == FlawAction::Drop,
            std::cmp::Ordering::Greater => self.settings.quality.crossed == FlawAction::Drop,
        };
        if dropped {
            return;
        }
        book.market.quote = Some(quote);
        if self.resting > 0 {
            self.expire(time, answers);
            self.meet_all(index, Met::Book, Quantity::ZERO, time, answers);
        }
    }

    /// A trade of an instrument that has a book.
    pub(super) fn trade_in_book(
        &mut self,
        index: usize,
        trade: &Trade,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let Some(size) = trade.size.or(self.settings.venue.size_when_absent) else { return };
        let met = Met::Trade { price: trade.price, aggressor: trade.aggressor };
        self.meet_all(index, met, size, time, answers);
    }

    /// Lets every resting order meet something, of which `size` is there for all of them together.
    fn meet_all(
        &mut self,
        index: usize,
        met: Met,
        size: Quantity,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        if !self.trades(index) || self.books[index].resting.is_empty() {
            return;
        }
        let mut left = size;
        let mut resting = std::mem::take(&mut self.books[index].resting);
        self.each(index, &mut resting, time, answers, |venue, order, answers| {
            // One that was armed or triggered a moment ago stands at the end.
            if order.queue.is_none() {
                venue.queue_up(index, order);
            }
            match met {
                Met::Book => venue.meet_book(index, order, time, answers),
                Met::Trade { price, aggressor } => {
                    venue.meet_trade(index, order, price, aggressor, &mut left, time, answers)
                }
                Met::Behind { price, side, place } => {
                    let is_ahead = order.queue.is_some_and(|queue| queue.place <= place);
                    if order.limit() != Some(price) || order.order.side != side || !is_ahead {
                        return true;
                    }
                    venue.give(index, order, price, &mut left, time, answers)
                }
            }
        });
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// A new order meets the book as it stands; whether it works on.
    pub(super) fn arrive_at_book(
        &mut self,
        index: usize,
        resting: &mut Resting,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let side = resting.order.side;
        let levels = self.books[index].levels.as_ref();
        let Some(touch) = levels.and_then(|levels| levels.best(side.opposite())) else {
            return self.rest_or_cancel(resting, time, answers);
        };
        if !self.is_triggered(index, resting, touch.price, time, answers) {
            return self.rest_or_cancel(resting, time, answers);
        }
        if let Some(limit) = resting.limit() {
            if fill::touch(side, limit, touch.price) == Touch::Away {
                return self.rest_or_cancel(resting, time, answers);
            }
            if resting.order.terms.post_only {
                self.cancel_rest(resting, CloseReason::WouldTake, time, answers);
                return false;
            }
        }
        let mut executions = std::mem::take(&mut self.executions);
        let open = self.walk(index, resting, &mut executions);
        let is_whole = open == Quantity::ZERO || resting.limit().is_none();
        let works = if resting.order.time_in_force == TimeInForce::Fok && !is_whole {
            self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
            false
        } else {
            self.book(index, resting, &executions, Liquidity::Taker, time, answers)
                && self.rest_or_cancel(resting, time, answers)
        };
        self.executions = executions;
        works
    }

    /// Takes level by level what an order may have, less what our fills took since the last update; what a market order
    /// wants beyond the last level pays the slippage. Returns what stays open.
    fn walk(&self, index: usize, resting: &Resting, executions: &mut Vec<Execution>) -> Quantity {
        executions.clear();
        let (side, limit) = (resting.order.side, resting.limit());
        let rules = &self.settings.instruments[index];
        let mut taken = self.books[index].taken[side as usize - 1];
        let mut open = resting.open();
        let mut last = None;
        let Some(levels) = self.books[index].levels.as_ref() else { return open };
        for level in levels.levels(side.opposite()) {
            let away = limit.is_some_and(|limit| fill::touch(side, limit, level.price) == Touch::Away);
            if open == Quantity::ZERO || away {
                return open;
            }
            let gone = taken.min(level.size);
            taken -= gone;
            let there = Quantity(level.size.0 - gone.0).round_down_to(rules.lot);
            let quantity = there.min(open);
            if quantity > Quantity::ZERO {
                executions.push(Execution { price: level.price, quantity });
                open -= quantity;
            }
            last = Some(level);
        }
        if let (None, Some(level)) = (limit, last)
            && open > Quantity::ZERO
        {
            let slippage = self.settings.venue.slippage;
            let price = fill::worse(side, level.price, slippage, rules.tick, open, Some(level.size));
            executions.push(Execution { price, quantity: open });
            open = Quantity::ZERO;
        }
        open
    }

    /// A resting order meets the book after an update; whether it works on.
    fn meet_book(
        &mut self,
        index: usize,
        resting: &mut Resting,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        if std::mem::take(&mut resting.waits_for_open) {
            return self.arrive_at_book(index, resting, time, answers);
        }
        let side = resting.order.side;
        let levels = self.books[index].levels.as_ref();
        let Some(touch) = levels.and_then(|levels| levels.best(side.opposite())) else { return true };
        let Some(limit) = resting.limit() else {
            if !self.is_triggered(index, resting, touch.price, time, answers) {
                return true;
            }
            return self.arrive_at_book(index, resting, time, answers);
        };
        if fill::touch(side, limit, touch.price) == Touch::Away {
            return true;
        }
        // Whoever shows at our price or beyond it would have met us: what is there is ours, at our price.
        let mut executions = std::mem::take(&mut self.executions);
        let open = self.walk(index, resting, &mut executions);
        let execution = Execution { price: limit, quantity: resting.open() - open };
        self.executions = executions;
        self.book(index, resting, fill::real(&[execution]), Liquidity::Maker, time, answers)
    }

    /// A resting order meets a trade, of whose size `left` is left; whether it works on.
    #[allow(clippy::too_many_arguments)] // One more than its neighbours.
    fn meet_trade(
        &mut self,
        index: usize,
        resting: &mut Resting,
        price: Price,
        aggressor: Option<Side>,
        left: &mut Quantity,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let Some(limit) = resting.limit() else { return true };
        let side = resting.order.side;
        if aggressor == Some(side) {
            return true;
        }
        match fill::touch(side, limit, price) {
            Touch::Away => true,
            // Beyond our price: the aggressor had to pass us.
            Touch::Through => self.give(index, resting, limit, left, time, answers),
            Touch::At => {
                // A book by order says itself who was executed.
                let by_order =
                    self.books[index].levels.as_ref().is_some_and(|book| !book.orders().is_empty());
                if by_order {
                    return true;
                }
                let Some(queue) = &mut resting.queue else { return true };
                queue.traded(*left);
                let mut reached = queue.take_reached().min(*left);
                let reached_before = reached;
                let works = self.give(index, resting, limit, &mut reached, time, answers);
                *left -= Quantity(reached_before.0 - reached.0);
                works
            }
        }
    }

    /// Executes a resting order for what is left, in whole lots; whether it works on.
    fn give(
        &mut self,
        index: usize,
        resting: &mut Resting,
        limit: Price,
        left: &mut Quantity,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        let quantity = resting.open().min(*left).round_down_to(self.settings.instruments[index].lot);
        *left -= quantity;
        let execution = Execution { price: limit, quantity };
        self.book(index, resting, fill::real(&[execution]), Liquidity::Maker, time, answers)
    }

    /// Gives an order that now rests its place at the end of its level.
    pub(super) fn queue_up(&self, index: usize, resting: &mut Resting) {
        let Some(levels) = self.books[index].levels.as_ref() else { return };
        resting.queue = resting.limit().map(|limit| {
            Queue::behind(levels.size_at(resting.order.side, limit), levels.orders().next_place())
        });
    }
}

/// What orders meet.
#[derive(Clone, Copy)]
enum Met {
    /// The book after an update.
    Book,
    /// A trade.
    Trade { price: Price, aggressor: Option<Side> },
    /// An execution of an order of others with this place at this price: whoever of us is ahead of it was passed.
    Behind { price: Price, side: Side, place: u64 },
}

/// Moves the queues of our orders at the level that is about to change. An execution of an order of others is handed
/// back: price, side, size and the place of the order.
#[cold]
fn follow_queues(
    resting: &mut [Resting],
    levels: &Book,
    change: &BookChange,
    rule: crate::settings::QueueRule,
) -> Option<(Price, Side, Quantity, u64)> {
    let known = levels.orders().get(change.order);
    match change.action {
        BookAction::SetLevel => {
            let before = levels.size_at(change.side, change.price);
            let here =
                |order: &&mut Resting| order.order.side == change.side && order.limit() == Some(change.price);
            for order in resting.iter_mut().filter(here) {
                if let Some(queue) = &mut order.queue {
                    queue.level_changed(rule, before, change.size);
                }
            }
            None
        }
        BookAction::AddOrder => None,
        BookAction::FillOrder => known.map(|known| (known.price, known.side, change.size, known.place)),
        BookAction::ChangeOrder | BookAction::ReduceOrder => {
            let known = known?;
            let keeps = change.action == BookAction::ReduceOrder
                || (known.side == change.side && known.price == change.price && change.size <= known.size);
            let by = match (change.action, keeps) {
                (BookAction::ReduceOrder, _) => change.size.min(known.size),
                (_, true) => Quantity(known.size.0 - change.size.0),
                (_, false) => known.size,
            };
            for order in resting.iter_mut() {
                if order.order.side == known.side
                    && order.limit() == Some(known.price)
                    && let Some(queue) = &mut order.queue
                    && known.place < queue.place
                {
                    queue.reduced_ahead(by);
                }
            }
            None
        }
    }
}
