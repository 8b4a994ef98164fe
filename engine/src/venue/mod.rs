//! The simulated exchange: what becomes of an order on recorded market data.
//!
//! The richest data an instrument has decides how it fills: its book, else quotes, trades, bars. [`fill`] says at what
//! price and how much, [`cost`] what it costs, `meet` how an order meets the market, `depth` how it meets a book,
//! `queue` where it stands in one, `linked` what becomes of orders that depend on others or on the position. The venue
//! lives in its own time: it sees the market and the orders in the order in which they reach it, and never what comes
//! later.

pub mod cost;
mod depth;
pub mod fill;
mod linked;
mod meet;
mod queue;
mod resting;

pub use resting::Resting;

use crate::account::Rate;
use crate::event::{
    CloseReason, Contingency, CorporateAction, Event, Fact, Order, OrderClosed, OrderNotice, OrderRejected,
    OrderReplaced, RejectReason, ReplaceReason, Replacement, SessionChanged, TimeInForce,
};
use crate::ids::{InstrumentId, OrderId, Sequence};
use crate::market::Market;
use crate::settings::{DataKind, Settings, VenueSettings, WhenClosed};
use crate::tickets::Quantities;
use crate::units::{Nanoseconds, Price, Quantity, Timestamp};
use fill::{Execution, Touch};
use linked::{Effect, List};

/// What an instrument's data lets the venue see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    Bars,
    Trades,
    Quotes,
    Book,
}

/// One instrument at the venue.
struct Book {
    depth: Depth,
    market: Market,
    /// The order book, once the data has shown one.
    levels: Option<Box<crate::book::Book>>,
    /// What of the displayed sizes our own fills have taken since the last quote: buys at the ask, sells at the bid.
    taken: [Quantity; 2],
    resting: Vec<Resting>,
    /// What our fills add up to.
    position: Quantity,
    /// The positions that it is made of, where the account hedges.
    tickets: Option<Quantities>,
    /// Whether the instrument has a calendar: then its DAY orders end with the session.
    has_sessions: bool,
    closed: bool,
    /// On bars: when the session ended whose last bar is still to come.
    closed_at: Option<Timestamp>,
    /// The splits so far: an order may have left before one and arrive after it.
    splits: Vec<(Timestamp, CorporateAction)>,
    /// Whose quotes are the rate from its currency: an index, and whether they are upside down.
    conversion: Option<(Option<usize>, bool)>,
}

/// The simulated exchange.
pub struct Venue {
    settings: Settings,
    books: Vec<Book>,
    /// The earliest end of an order's time; later than everything when there is none.
    next_expiry: Timestamp,
    /// How many orders rest, over all instruments.
    resting: usize,
    lists: Vec<List>,
    /// What happened to orders that others depend on, not yet passed on to those.
    effects: Vec<Effect>,
    /// Whether a position changed since the reduce-only orders last looked.
    moved: bool,
    /// Whether an order became a limit order since its book was last in order.
    turned: bool,
    /// The newest order that arrived.
    newest: OrderId,
    /// What an order takes of a book, level by level.
    executions: Vec<Execution>,
}

impl Venue {
    /// An exchange without orders.
    pub fn new(settings: &Settings) -> Venue {
        let depth = |id: InstrumentId| {
            let sources = settings.sources.iter().filter(|source| source.instrument == id);
            let depths = sources.filter_map(|source| match source.kind {
                DataKind::Quotes | DataKind::Journal => Some(Depth::Quotes),
                DataKind::Books => Some(Depth::Book),
                DataKind::Trades => Some(Depth::Trades),
                DataKind::Bars => Some(Depth::Bars),
                DataKind::Actions | DataKind::Signals | DataKind::Outside => None,
            });
            depths.max()
        };
        let conversion = |currency: &String| {
            let rate = settings.rates.iter().find(|rate| rate.currency == *currency);
            (rate.and_then(|rate| rate.instrument.index()), rate.is_some_and(|rate| rate.inverse))
        };
        // A journal names its own instruments: then what it shows first decides, see `on_market`.
        let book = |index: usize| {
            let id = InstrumentId(index as u32 + 1);
            Book {
                depth: depth(id).unwrap_or(Depth::Bars),
                market: Market::default(),
                levels: None,
                taken: [Quantity::ZERO; 2],
                resting: Vec::new(),
                position: Quantity::ZERO,
                tickets: settings.hedges().then(Quantities::default),
                has_sessions: settings.calendars.iter().any(|calendar| calendar.instrument == id),
                closed: false,
                closed_at: None,
                splits: Vec::new(),
                conversion: settings.instruments[index].currency.as_ref().map(conversion),
            }
        };
        Venue {
            books: (0..settings.instruments.len()).map(book).collect(),
            settings: settings.clone(),
            next_expiry: Timestamp::MAX,
            resting: 0,
            lists: Vec::new(),
            effects: Vec::new(),
            moved: false,
            turned: false,
            newest: OrderId(0),
            executions: Vec::new(),
        }
    }

    /// Positions that came to be elsewhere, by the orders that opened them where the account hedges: orders that only
    /// reduce look at them.
    pub fn hold(&mut self, instrument: InstrumentId, held: Quantities) {
        if let Some(book) = instrument.index().and_then(|index| self.books.get_mut(index)) {
            book.position = held.net();
            if let Some(tickets) = &mut book.tickets {
                *tickets = held;
            }
        }
    }

    /// An order that another venue had taken works here from now on; it meets the market at whatever happens next.
    ///
    /// What that venue knew of a trailing stop's way or of an order's list before is not known here.
    pub fn take_over(&mut self, mut resting: Resting, time: Timestamp, answers: &mut Vec<Event>) {
        let Some(index) = resting.instrument.index().filter(|&index| index < self.books.len()) else {
            return;
        };
        self.newest = self.newest.max(resting.order.order);
        resting.arrived = time;
        resting.expires = match resting.order.time_in_force {
            TimeInForce::Day if !self.books[index].has_sessions => {
                Some(day_end_after(time, self.settings.venue.day_end))
            }
            TimeInForce::Gtd => resting.order.terms.expires,
            _ => None,
        };
        self.next_expiry = self.next_expiry.min(resting.expires.unwrap_or(Timestamp::MAX));
        let works = self.join(index, &mut resting).is_ok();
        if !works {
            let fact = OrderClosed {
                order: resting.order.order,
                unfilled: resting.remaining,
                reason: CloseReason::NotFillable,
            };
            answers.push(self.answer(&resting, time, Fact::OrderCancelled(fact)));
        }
        self.put(index, resting, works, time, answers);
    }

    /// Other rules hold from now on, for what rests here too.
    pub fn change(&mut self, venue: VenueSettings) {
        self.settings.venue = venue;
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
            Fact::BarReceived(_) => Depth::Bars,
            Fact::BookChanged(_) | Fact::BookReset(_) => {
                let index = event.header.instrument.index().expect("checked above");
                return self.on_book(event, index, time, answers);
            }
            _ => return self.on_other(event, time, answers),
        };
        book.depth = book.depth.max(kind);
        if book.depth == Depth::Book {
            return self.beside_a_book(event, time, answers);
        }
        book.market.update(&event.fact);
        book.taken = [Quantity::ZERO; 2];
        if self.resting > 0 {
            self.settle(event, time, answers);
        }
    }

    /// Where there is a book, trades move queues; quotes and bars tell nothing that it does not tell better.
    fn beside_a_book(&mut self, event: &Event, time: Timestamp, answers: &mut Vec<Event>) {
        let Fact::TradePrinted(trade) = &event.fact else { return };
        let index = event.header.instrument.index().expect("checked by the caller");
        self.books[index].market.update(&event.fact);
        if self.resting > 0 {
            self.expire(time, answers);
            self.trade_in_book(index, trade, time, answers);
        }
    }

    /// A split, a dividend, the beginning or end of a session.
    #[cold]
    fn on_other(&mut self, event: &Event, time: Timestamp, answers: &mut Vec<Event>) {
        let index = event.header.instrument.index().expect("checked by the caller");
        match &event.fact {
            Fact::CorporateActionApplied(action) => self.on_action(index, action, time, answers),
            Fact::SessionChanged(session) => self.on_session(index, session, time, answers),
            _ => {}
        }
    }

    /// Resting orders meet the market.
    #[cold]
    fn settle(&mut self, event: &Event, time: Timestamp, answers: &mut Vec<Event>) {
        self.expire(time, answers);
        let index = event.header.instrument.index().expect("checked by the caller");
        let mut resting = std::mem::take(&mut self.books[index].resting);
        match (&event.fact, self.books[index].depth) {
            (Fact::QuoteChanged(quote), _) if self.trades(index) => {
                let quote = *quote;
                self.each(index, &mut resting, time, answers, |venue, order, answers| {
                    venue.meet_quote(index, order, &quote, time, answers)
                });
            }
            (Fact::TradePrinted(trade), Depth::Trades) if self.trades(index) => {
                let (price, mut left) = (trade.price, trade.size);
                self.each(index, &mut resting, time, answers, |venue, order, answers| {
                    venue.meet_price(index, order, price, &mut left, time, answers)
                });
            }
            (Fact::BarReceived(bar), Depth::Bars) if self.rate(index).is_ok() => {
                self.meet_bars(index, &mut resting, bar, time, answers);
            }
            _ => {}
        }
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// Lets every order of a book meet the market, and those that depend on it feel what that did.
    fn each(
        &mut self,
        index: usize,
        resting: &mut Vec<Resting>,
        time: Timestamp,
        answers: &mut Vec<Event>,
        mut meet: impl FnMut(&mut Venue, &mut Resting, &mut Vec<Event>) -> bool,
    ) {
        for place in 0..resting.len() {
            let order = &mut resting[place];
            if order.gone || order.open() == Quantity::ZERO {
                continue;
            }
            if !meet(self, order, answers) {
                order.gone = true;
                self.ended(order);
            }
            self.follow(index, resting, None, time, answers);
        }
        self.tidy(resting);
    }

    /// What ended leaves its book, and what has become a limit order stands behind better ones from now on.
    fn tidy(&mut self, resting: &mut Vec<Resting>) {
        resting.retain(|order| !order.gone);
        if std::mem::take(&mut self.turned) {
            resting.sort_by_key(Resting::priority);
        }
    }

    /// Whether orders are executed: the market is open, and fills can be booked in the account's currency.
    fn trades(&self, index: usize) -> bool {
        !self.books[index].closed && self.rate(index).is_ok()
    }

    /// The rate from an instrument's currency, where that is not the account's.
    fn rate(&self, index: usize) -> Result<Option<Rate>, ()> {
        let Some((from, inverse)) = self.books[index].conversion else { return Ok(None) };
        let market = from.and_then(|from| self.books.get(from)).ok_or(())?.market;
        let price = market.middle().filter(|price| price.0 > 0).ok_or(())?;
        Ok(Some(Rate { price, inverse }))
    }

    /// An order reaches the venue.
    pub fn on_order(&mut self, mut resting: Resting, time: Timestamp, answers: &mut Vec<Event>) {
        self.newest = self.newest.max(resting.order.order);
        resting.arrived = time;
        let index = resting.instrument.index().filter(|&index| index < self.books.len());
        let Some(index) = index else {
            return self.reject(&resting, RejectReason::UnknownInstrument, time, answers);
        };
        let rules = &self.settings.instruments[index];
        if let Some(reason) = reject_reason(&resting.order, rules.lot, rules.tick) {
            return self.reject(&resting, reason, time, answers);
        }
        if self.books[index].closed && self.settings.venue.when_closed == WhenClosed::Deny {
            return self.reject(&resting, RejectReason::MarketClosed, time, answers);
        }
        let adjusted = self.adjust_to_splits(index, &mut resting);
        if resting.remaining == Quantity::ZERO {
            return self.reject(&resting, RejectReason::QuantityOffLot, time, answers);
        }
        let reason = match self.join(index, &mut resting) {
            Ok(reason) => reason,
            Err(reason) => return self.reject(&resting, reason, time, answers),
        };
        if resting.order.terms.post_only
            && resting.open() > Quantity::ZERO
            && let Some(price) = resting.limit()
            && self.would_take(index, &resting, price)
        {
            return self.reject(&resting, RejectReason::WouldTake, time, answers);
        }
        let accepted = Fact::OrderAccepted(OrderNotice { order: resting.order.order });
        answers.push(self.answer(&resting, time, accepted));
        for reason in adjusted.into_iter().chain(reason) {
            self.say_replaced(&resting, reason, None, time, answers);
        }
        let expires = match resting.order.time_in_force {
            TimeInForce::Day if !self.books[index].has_sessions => {
                Some(day_end_after(time, self.settings.venue.day_end))
            }
            TimeInForce::Gtd => resting.order.terms.expires,
            _ => None,
        };
        resting.expires = expires;
        self.next_expiry = self.next_expiry.min(expires.unwrap_or(Timestamp::MAX));
        let is_over = expires.is_some_and(|expires| expires <= time);
        // What is over is settled at the next thing that happens here, and until then does nothing.
        let works = is_over || self.arrive(index, &mut resting, time, answers);
        self.put(index, resting, works, time, answers);
    }

    /// An order that works, or has just ended, takes its place; those that depend on it feel what happened.
    fn put(
        &mut self,
        index: usize,
        mut order: Resting,
        works: bool,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let mut resting = std::mem::take(&mut self.books[index].resting);
        if works {
            if order.queue.is_none() {
                self.queue_up(index, &mut order);
            }
            let place = resting.partition_point(|other| other.priority() <= order.priority());
            resting.insert(place, order);
        } else {
            order.gone = true;
            self.ended(&order);
        }
        self.follow(index, &mut resting, None, time, answers);
        self.tidy(&mut resting);
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// What an order does when it arrives, is armed or replaced, or the market opens; whether it works on.
    fn arrive(
        &mut self,
        index: usize,
        resting: &mut Resting,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) -> bool {
        resting.waits_for_open = false;
        if resting.open() == Quantity::ZERO {
            return true;
        }
        match (self.books[index].depth, self.books[index].market) {
            // On bars nothing trades before the next one opens; IOC and FOK mean that next bar.
            (Depth::Bars, _) => true,
            _ if !self.trades(index) => {
                resting.waits_for_open = true;
                true
            }
            (Depth::Book, _) => self.arrive_at_book(index, resting, time, answers),
            (Depth::Quotes, Market { quote: Some(quote), .. }) => {
                self.arrive_at_quote(index, resting, &quote, time, answers)
            }
            (Depth::Trades, Market { last: Some(price), .. }) => {
                self.arrive_at_price(index, resting, price, time, answers)
            }
            // No trade yet: the first one is its look.
            (Depth::Trades, _) if resting.limit().is_some() => {
                resting.waits_for_open = true;
                true
            }
            (Depth::Quotes | Depth::Trades, _) => match resting.order.time_in_force {
                TimeInForce::Gtc | TimeInForce::Day | TimeInForce::Gtd => true,
                TimeInForce::Ioc | TimeInForce::Fok if resting.waits_for_trigger() => true,
                TimeInForce::Ioc | TimeInForce::Fok => {
                    self.cancel_rest(resting, CloseReason::NotFillable, time, answers);
                    false
                }
            },
        }
    }

    /// Whether a limit order at `price` would be executed at once.
    fn would_take(&self, index: usize, resting: &Resting, price: Price) -> bool {
        let book = &self.books[index];
        match (book.depth, book.market.quote) {
            (Depth::Quotes | Depth::Book, Some(quote)) if self.trades(index) => {
                let side = resting.order.side;
                fill::touch(side, price, fill::opposite(&quote, side).0) != Touch::Away
            }
            _ => false,
        }
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
        let found = self.take(instrument, order);
        let received = time + self.settings.venue.response_latency;
        let fact = match &found {
            Some((_, resting)) => Fact::OrderCancelled(OrderClosed {
                order,
                unfilled: resting.remaining,
                reason: CloseReason::Requested,
            }),
            None => Fact::CancelRejected(OrderNotice { order }),
        };
        let mut event = Event::unnumbered(time, received, instrument, fact);
        event.header.cause = cause;
        answers.push(event);
        if let Some((index, resting)) = found {
            self.put(index, resting, false, time, answers);
        }
        self.count_resting();
    }

    /// A replacement reaches the venue. The order loses its place unless it only becomes smaller.
    pub fn on_replace(
        &mut self,
        instrument: InstrumentId,
        replacement: Replacement,
        cause: Sequence,
        sent: Timestamp,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        self.expire(time, answers);
        let Replacement { order, .. } = replacement;
        let refused = |reason| Fact::ReplaceRejected(OrderRejected { order, reason });
        let found = self.take(instrument, order);
        let (fact, found) = match found {
            None => (refused(RejectReason::NotWorking), None),
            Some((index, resting)) => match self.replaced(index, &resting, &replacement, sent) {
                Err(reason) => {
                    self.books[index].resting.push(resting);
                    self.books[index].resting.sort_by_key(Resting::priority);
                    (refused(reason), None)
                }
                Ok(new) => {
                    let (kind, quantity) = (new.order.kind, new.order.quantity);
                    let reason = ReplaceReason::Requested;
                    (Fact::OrderReplaced(OrderReplaced { order, kind, quantity, reason }), Some((index, new)))
                }
            },
        };
        let received = time + self.settings.venue.response_latency;
        let mut event = Event::unnumbered(time, received, instrument, fact);
        event.header.cause = cause;
        answers.push(event);
        if let Some((index, mut resting)) = found {
            self.bound(index, &mut resting, time, answers);
            let works = !resting.gone && self.arrive(index, &mut resting, time, answers);
            self.put(index, resting, works, time, answers);
        }
        self.count_resting();
    }

    /// The order as it works on, or why it does not.
    fn replaced(
        &mut self,
        index: usize,
        old: &Resting,
        replacement: &Replacement,
        sent: Timestamp,
    ) -> Result<Resting, RejectReason> {
        let mut new = old.clone();
        let filled = old.order.quantity - old.remaining;
        new.order.kind = replacement.kind;
        new.order.quantity = replacement.quantity;
        new.remaining = replacement.quantity - filled;
        if new.remaining <= Quantity::ZERO {
            return Err(RejectReason::NotAboveFilled);
        }
        (new.sent, new.held) = (sent, old.held.min(new.remaining));
        if self.adjust_to_splits(index, &mut new).is_some() && new.remaining == Quantity::ZERO {
            return Err(RejectReason::QuantityOffLot);
        }
        new.sent = old.sent;
        let rules = &self.settings.instruments[index];
        if let Some(reason) = reject_reason(&new.order, rules.lot, rules.tick) {
            return Err(reason);
        }
        if let Some(price) = new.limit()
            && new.order.terms.post_only
            && new.open() > Quantity::ZERO
            && self.would_take(index, &new, price)
        {
            return Err(RejectReason::WouldTake);
        }
        if new.order.kind != old.order.kind {
            new.trigger = None;
        }
        if new.order.kind != old.order.kind || new.remaining > old.remaining {
            new.rank = 2 * self.newest.0 + 1;
            new.queue = None;
        }
        self.parent_changed(&new, new.remaining - old.remaining);
        Ok(new)
    }

    /// Takes an order out of its book.
    fn take(&mut self, instrument: InstrumentId, order: OrderId) -> Option<(usize, Resting)> {
        let index = instrument.index().filter(|&index| index < self.books.len())?;
        let resting = &mut self.books[index].resting;
        let place = resting.iter().position(|resting| resting.order.order == order)?;
        Some((index, resting.remove(place)))
    }

    /// Orders whose time has ended by `time`. They are settled at the next thing that happens here.
    fn expire(&mut self, time: Timestamp, answers: &mut Vec<Event>) {
        if time < self.next_expiry {
            return;
        }
        self.next_expiry = Timestamp::MAX;
        for index in 0..self.books.len() {
            let mut resting = std::mem::take(&mut self.books[index].resting);
            for order in &mut resting {
                match order.expires {
                    Some(expires) if expires <= time => {
                        self.expired(order, expires, time, answers);
                    }
                    Some(expires) => self.next_expiry = self.next_expiry.min(expires),
                    None => {}
                }
            }
            self.follow(index, &mut resting, None, time, answers);
            resting.retain(|order| !order.gone);
            self.books[index].resting = resting;
        }
    }

    /// An order's time ended at `expires`, which is known at `time`.
    fn expired(
        &mut self,
        order: &mut Resting,
        expires: Timestamp,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let reason = match order.order.time_in_force {
            TimeInForce::Gtd => CloseReason::DateReached,
            _ => CloseReason::DayEnded,
        };
        let closed = OrderClosed { order: order.order.order, unfilled: order.remaining, reason };
        let mut event = self.answer(order, time, Fact::OrderExpired(closed));
        event.header.time_event = expires;
        answers.push(event);
        order.gone = true;
        self.ended(order);
    }

    /// The market of an instrument opens or closes. DAY orders end with their session; on bars only once the bar that
    /// holds the session's end has been met.
    fn on_session(
        &mut self,
        index: usize,
        session: &SessionChanged,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        self.expire(time, answers);
        self.books[index].closed = !session.open;
        let mut resting = std::mem::take(&mut self.books[index].resting);
        match (session.open, self.books[index].depth) {
            // The first quote or trade of the session lets them in.
            (true, _) => {}
            (false, Depth::Bars) => self.books[index].closed_at = Some(time),
            (false, _) => self.end_day(index, &mut resting, time, time, answers),
        }
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// Ends the DAY orders that arrived before the session's end.
    fn end_day(
        &mut self,
        index: usize,
        resting: &mut Vec<Resting>,
        ended: Timestamp,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        for order in resting.iter_mut() {
            if order.order.time_in_force == TimeInForce::Day && !order.gone && order.arrived < ended {
                self.expired(order, ended, time, answers);
            }
        }
        self.follow(index, resting, None, time, answers);
        resting.retain(|order| !order.gone);
    }

    /// An instrument is split or pays a dividend: prices seen so far, and for a split the position and the orders,
    /// become what they would have been. Orders are not adjusted for dividends.
    fn on_action(
        &mut self,
        index: usize,
        action: &CorporateAction,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        self.expire(time, answers);
        let book = &mut self.books[index];
        book.market.adjust(action);
        book.taken = [Quantity::ZERO; 2];
        let CorporateAction::Split { new, old } = *action else { return };
        book.splits.push((time, *action));
        let lot = self.settings.instruments[index].lot;
        let after = |held| scaled(held, new, old).round_down_to(lot);
        book.position = match &mut book.tickets {
            None => after(book.position),
            Some(tickets) => {
                tickets.scale(after);
                tickets.net()
            }
        };
        let mut resting = std::mem::take(&mut book.resting);
        self.split_lists(index, &resting, new, old);
        for order in &mut resting {
            let before = order.clone();
            self.split_order(index, order, action);
            if order.remaining == Quantity::ZERO {
                self.cancel_rest(&before, CloseReason::Split, time, answers);
                order.gone = true;
                self.ended(order);
            } else {
                self.say_replaced(order, ReplaceReason::Split, None, time, answers);
            }
        }
        self.moved = true;
        self.follow(index, &mut resting, None, time, answers);
        resting.retain(|order| !order.gone);
        resting.sort_by_key(Resting::priority);
        self.books[index].resting = resting;
        self.count_resting();
    }

    /// Brings an order that left before a split to what it is after it.
    fn adjust_to_splits(&self, index: usize, resting: &mut Resting) -> Option<ReplaceReason> {
        let sent = resting.sent;
        let mut splits = self.books[index].splits.iter().filter(|(time, _)| *time > sent).peekable();
        splits.peek()?;
        splits.for_each(|(_, action)| self.split_order(index, resting, action));
        Some(ReplaceReason::Split)
    }

    /// Quantities in whole lots; limits on the tick that is no worse, triggers on the one that is farther away.
    fn split_order(&self, index: usize, resting: &mut Resting, action: &CorporateAction) {
        let CorporateAction::Split { new, old } = *action else { return };
        let rules = &self.settings.instruments[index];
        let filled = resting.order.quantity - resting.remaining;
        resting.remaining = scaled(resting.remaining, new, old).round_down_to(rules.lot);
        resting.held = scaled(resting.held, new, old).round_down_to(rules.lot).min(resting.remaining);
        resting.order.quantity = filled + resting.remaining;
        resting.split(action, rules.tick);
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

    fn reject(&mut self, resting: &Resting, reason: RejectReason, time: Timestamp, answers: &mut Vec<Event>) {
        let fact = Fact::OrderRejected(OrderRejected { order: resting.order.order, reason });
        answers.push(self.answer(resting, time, fact));
        self.never_worked(resting);
        if let Some(index) = resting.instrument.index().filter(|&index| index < self.books.len()) {
            let mut others = std::mem::take(&mut self.books[index].resting);
            self.follow(index, &mut others, None, time, answers);
            others.retain(|order| !order.gone);
            self.books[index].resting = others;
        }
        self.count_resting();
    }

    fn cancel_rest(&self, resting: &Resting, reason: CloseReason, time: Timestamp, answers: &mut Vec<Event>) {
        let fact = OrderClosed { order: resting.order.order, unfilled: resting.remaining, reason };
        answers.push(self.answer(resting, time, Fact::OrderCancelled(fact)));
    }

    /// Says as what an order works on; `cause` where that is not the order itself.
    fn say_replaced(
        &self,
        resting: &Resting,
        reason: ReplaceReason,
        cause: Option<Sequence>,
        time: Timestamp,
        answers: &mut Vec<Event>,
    ) {
        let Order { order, kind, quantity, .. } = resting.order;
        let fact = Fact::OrderReplaced(OrderReplaced { order, kind, quantity, reason });
        let mut event = self.answer(resting, time, fact);
        event.header.cause = cause.unwrap_or(resting.cause);
        answers.push(event);
    }
}

fn reject_reason(order: &Order, lot: Quantity, tick: Price) -> Option<RejectReason> {
    if order.quantity <= Quantity::ZERO || (lot.0 > 0 && order.quantity.0 % lot.0 != 0) {
        return Some(RejectReason::QuantityOffLot);
    }
    let off = |price: Option<Price>| price.is_some_and(|price| tick.0 > 0 && price.0 % tick.0 != 0);
    (off(order.kind.limit()) || off(order.kind.trigger())).then_some(RejectReason::PriceOffTick)
}

/// `new` for every `old`, rounded towards zero.
fn scaled(quantity: Quantity, new: u32, old: u32) -> Quantity {
    let units = i128::from(quantity.0) * i128::from(new) / i128::from(old.max(1));
    Quantity(units.clamp(-i128::from(i64::MAX), i128::from(i64::MAX)) as i64)
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
