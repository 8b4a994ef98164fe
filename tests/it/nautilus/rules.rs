//! Both venues written down plainly: one program, and a switch for each rule that is not the same here and there.
//!
//! Slow and obvious on purpose: every order is looked at at every quote. It shares no code with the engine's venue.

mod linked;

use std::collections::VecDeque;

use genovo_engine::event::{Event, Fact, Liquidity, OrderKind, Quote, Side, TimeInForce, Trail};
use genovo_engine::order::Status;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Price, Quantity};

/// A rule that is not the same here and there. `docs/peers-rules.md` says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A command is due between two quotes. Theirs waits for the next quote and meets that one; ours meets the quote
    /// that stands when it arrives.
    StandingQuote,
    /// After a command, theirs lets everything that rests meet the same quote once more. Ours waits for the next.
    SecondPass,
    /// What our own orders took of a displayed size: theirs forgets it, or keeps it by price level until the size at
    /// that price changes, and counts a FOK that it refused; ours keeps what was filled until the next quote.
    Memory,
    /// A touch that our own orders used up: theirs rejects a market order; ours fills it one step worse.
    UsedUpTouch,
    /// A market order larger than what is displayed: theirs cancels the rest of an IOC and all of a FOK; ours fills
    /// the rest one step worse whatever its time in force, as there is always a price for it.
    MarketRest,
    /// A stop whose trigger is reached when it arrives: theirs rejects it; ours executes it.
    TriggeredStop,
    /// An IOC or FOK stop-limit order whose limit is not met when it is triggered: theirs rests; ours is cancelled.
    TriggeredAtOnce,
    /// A stop-limit order that rests once it was triggered, with a limit at or beyond its trigger: theirs takes, at
    /// the touch's price, whenever it is met; ours is a limit order like any other, and gives at its limit.
    TriggeredTaker,
    /// A trailing stop's trigger between two ticks: theirs is the nearer tick, by doubles; ours the one farther away.
    TrailTick,
    /// An order whose time ended: theirs ends at the next quote, once that has met everything; ours at the moment that
    /// it named, and meets no quote from then on.
    ExpiryStamp,
    /// A cancel of one of several alternatives: theirs cancels all of them; ours that one.
    CancelOfOne,
    /// An exit that has nothing to reduce when its entry is filled, or no more once the other has arrived: theirs
    /// rejects it; ours cancels it.
    NothingToReduce,
    /// What a reduce-only order may do: theirs looks at the position, of whatever side, when it is to be filled; ours
    /// shrinks it with the position, and ends it with that.
    ReduceBound,
    /// A cancel of an exit whose entry is not filled: theirs knows no such order; ours cancels it.
    CancelOfHeld,
    /// An exit that arrives after its entry has ended: theirs cancels it; ours rejects it.
    EntryGone,
    /// A part of an entry is filled: theirs arms the exits whole; ours arms their share.
    ArmedByShare,
    /// An entry that was filled in part ends: theirs cancels its exits; ours what of them waited for the rest.
    EntryTakenBack,
    /// A part of one of several alternatives is filled: theirs cancels the others, and with them its own rest where it
    /// is a limit order; ours takes that part from the others.
    PartOfOne,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 18] = [
        Rule::StandingQuote,
        Rule::SecondPass,
        Rule::Memory,
        Rule::UsedUpTouch,
        Rule::MarketRest,
        Rule::TriggeredStop,
        Rule::TriggeredAtOnce,
        Rule::TriggeredTaker,
        Rule::TrailTick,
        Rule::ExpiryStamp,
        Rule::CancelOfOne,
        Rule::NothingToReduce,
        Rule::ReduceBound,
        Rule::CancelOfHeld,
        Rule::EntryGone,
        Rule::ArmedByShare,
        Rule::EntryTakenBack,
        Rule::PartOfOne,
    ];
}

/// What an order is to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Alone,
    /// Its fills arm the exits.
    Entry,
    /// What one exit fills the other loses.
    Exit,
    /// One of several without an entry.
    Alternative,
}

/// An order to send, and when.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// The quote, counted from 1, at which it is sent.
    pub quote: usize,
    /// The quote at which its cancel is sent.
    pub cancel: Option<usize>,
    pub side: Side,
    pub kind: OrderKind,
    pub time_in_force: TimeInForce,
    pub expires: Option<i64>,
    pub quantity: Quantity,
    /// Its list, by the place of that one's first order.
    pub list: Option<usize>,
    pub link: Link,
    /// It only reduces the position.
    pub reduce: bool,
}

/// A fill.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    pub time: i64,
    pub price: Price,
    pub quantity: Quantity,
    pub liquidity: Liquidity,
    pub commission: Money,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub status: Status,
    pub fills: Vec<Execution>,
    /// Of a stop-limit order or trailing stop: when, and where its trigger stood.
    pub triggered: Option<(i64, Price)>,
    /// When it was cancelled, rejected or expired.
    pub ended: Option<i64>,
}

impl Outcome {
    pub const NEW: Outcome =
        Outcome { status: Status::Submitted, fills: Vec::new(), triggered: None, ended: None };

    /// The same as far as a recording tells that is silent about ends.
    pub fn known(&self, tells: bool) -> Outcome {
        Outcome { ended: self.ended.filter(|_| tells), ..self.clone() }
    }

    /// The same without times.
    pub fn timeless(&self) -> Outcome {
        let fills = self.fills.iter().map(|fill| Execution { time: 0, ..fill.clone() });
        let triggered = self.triggered.map(|(_, trigger)| (0, trigger));
        Outcome { status: self.status, fills: fills.collect(), triggered, ended: None }
    }
}

#[derive(Clone, Copy)]
enum Command {
    Submit(usize),
    Cancel(usize),
}

/// What was taken of the size displayed at a price.
struct Taken {
    side: Side,
    price: Price,
    displayed: i64,
    quantity: i64,
}

struct Venue<'a> {
    plan: &'a [Planned],
    settings: &'a Settings,
    consumed: bool,
    ours: &'a [Rule],
    quote: Option<Quote>,
    time: i64,
    outcomes: Vec<Outcome>,
    left: Vec<i64>,
    /// What of that waits for an entry.
    held: Vec<i64>,
    /// Exits that are about to arrive.
    arriving: Vec<usize>,
    /// What all fills add up to.
    position: i64,
    /// Where the triggers of trailing stops stand.
    trails: Vec<Price>,
    /// Working orders, in the order in which they came.
    resting: Vec<usize>,
    taken: Vec<Taken>,
}

/// Sends the plan's orders at its quotes; `ours` are the rules played our way, all others are theirs.
pub fn replay(
    quotes: &[Event],
    plan: &[Planned],
    settings: &Settings,
    consumed: bool,
    ours: &[Rule],
) -> Vec<Outcome> {
    let mut venue = Venue {
        plan,
        settings,
        consumed,
        ours,
        quote: None,
        time: 0,
        outcomes: vec![Outcome::NEW; plan.len()],
        left: plan.iter().map(|order| order.quantity.0).collect(),
        held: vec![0; plan.len()],
        arriving: Vec::new(),
        position: 0,
        trails: vec![Price::ZERO; plan.len()],
        resting: Vec::new(),
        taken: Vec::new(),
    };
    let latency = settings.venue.latency.0;
    let between_quotes = venue.plays(Rule::StandingQuote) && latency > 0;
    let mut queue: VecDeque<(i64, Command)> = VecDeque::new();
    for (event, number) in quotes.iter().zip(1..) {
        let Fact::QuoteChanged(quote) = event.fact else { panic!("quotes only") };
        let now = event.header.time_event.0;
        if between_quotes {
            while let Some((due, command)) = queue.pop_front_if(|(due, _)| *due <= now) {
                venue.time = due;
                venue.carry_out(command);
            }
        }
        venue.time = now;
        venue.quote = Some(quote);
        if venue.plays(Rule::Memory) {
            venue.taken.clear();
        }
        venue.pass();
        for (order, index) in plan.iter().zip(0..) {
            if order.cancel == Some(number) && !venue.outcomes[index].status.is_terminal() {
                queue.push_back((now + latency, Command::Cancel(index)));
            }
        }
        for (order, index) in plan.iter().zip(0..) {
            if order.quote == number {
                queue.push_back((now + latency, Command::Submit(index)));
            }
        }
        let mut any = false;
        while !between_quotes && let Some((_, command)) = queue.pop_front_if(|(due, _)| *due <= now) {
            venue.carry_out(command);
            any = true;
        }
        if any && !venue.plays(Rule::SecondPass) {
            venue.pass();
        }
    }
    assert!(queue.is_empty(), "every command arrives before the last quote");
    venue.outcomes
}

impl Venue<'_> {
    fn plays(&self, rule: Rule) -> bool {
        self.ours.contains(&rule)
    }

    /// The price and size that an order of this side meets.
    fn opposite(&self, side: Side) -> (Price, i64) {
        let quote = self.quote.expect("orders come after the first quote");
        let (price, size) = match side {
            Side::Buy => (quote.ask, quote.ask_size),
            Side::Sell => (quote.bid, quote.bid_size),
        };
        (price, size.or(self.settings.venue.size_when_absent).expect("a size").0)
    }

    /// The price that an order that is a limit order now accepts.
    fn limit(&self, index: usize) -> Option<Price> {
        match self.plan[index].kind {
            OrderKind::Limit { price } => Some(price),
            OrderKind::StopLimit { price, .. } => self.outcomes[index].triggered.map(|_| price),
            OrderKind::Market | OrderKind::Stop { .. } | OrderKind::TrailingStop { .. } => None,
        }
    }

    /// Where the trigger of an order that waits for one stands.
    fn trigger(&self, index: usize) -> Option<Price> {
        match self.plan[index].kind {
            OrderKind::Stop { trigger } => Some(trigger),
            OrderKind::StopLimit { trigger, .. } => {
                self.outcomes[index].triggered.is_none().then_some(trigger)
            }
            OrderKind::TrailingStop { .. } => Some(self.trails[index]),
            OrderKind::Market | OrderKind::Limit { .. } => None,
        }
    }

    /// Whether the market has come to a limit, or gone to a stop.
    fn met(&self, index: usize) -> bool {
        let side = self.plan[index].side;
        let touch = self.opposite(side).0.0 * side.sign();
        match (self.limit(index), self.trigger(index)) {
            (Some(limit), _) => touch <= limit.0 * side.sign(),
            (None, Some(trigger)) => touch >= trigger.0 * side.sign(),
            (None, None) => true,
        }
    }

    /// Where a trailing stop's trigger would stand behind this quote.
    fn behind(&self, side: Side, trail: Trail) -> Price {
        let (touch, tick) = (self.opposite(side).0.0, self.settings.instruments[0].tick.0);
        if let (Trail::Share(share), false) = (trail, self.plays(Rule::TrailTick)) {
            // Theirs: basis points of the price, in doubles.
            let (price, points) = (touch as f64 / 1e9, share.0 as f64 / 1e5);
            let behind = (price * (points / 10_000.0)).mul_add(side.sign() as f64, price);
            return Price((behind * (1e9 / tick as f64)).round() as i64 * tick);
        }
        let distance = match trail {
            Trail::Amount(amount) => i128::from(amount.0) * 1_000_000_000,
            Trail::Share(share) => i128::from(touch) * i128::from(share.0),
        };
        let unit = i128::from(tick) * 1_000_000_000;
        let ticks = (distance + unit - 1) / unit;
        Price(touch + ticks as i64 * tick * side.sign())
    }

    /// Trailing stops that were not met follow the quote.
    fn follow(&mut self) {
        for place in 0..self.resting.len() {
            let index = self.resting[place];
            let Planned { side, kind: OrderKind::TrailingStop { trail }, .. } = self.plan[index] else {
                continue;
            };
            let (before, now) = (self.trails[index], self.behind(side, trail));
            self.trails[index] = if side == Side::Buy { before.min(now) } else { before.max(now) };
        }
    }

    /// Orders whose time has ended.
    fn expire(&mut self) {
        for index in self.resting.clone() {
            let Some(expires) = self.plan[index].expires.filter(|&expires| expires <= self.time) else {
                continue;
            };
            self.end(index, Status::Expired);
            self.taken_back(index);
            if self.plays(Rule::ExpiryStamp) {
                self.outcomes[index].ended = Some(expires);
            }
        }
    }

    /// Everything that rests meets the quote.
    fn pass(&mut self) {
        if self.plays(Rule::ExpiryStamp) {
            self.expire();
        }
        let mut orders: Vec<usize> = self.resting.iter().copied().filter(|&index| self.met(index)).collect();
        orders.sort_by_key(|&index| {
            let sign = self.plan[index].side.sign();
            match (self.limit(index), self.trigger(index), self.plays(Rule::Memory)) {
                // Ours: stops first, then the better limit first.
                (Some(limit), _, true) => (2, 0, -limit.0 * sign),
                (None, _, true) => (1, 0, 0),
                // Theirs: buys before sells; limits, the better first, then stops, the nearer first.
                (Some(limit), _, false) => (-sign, 0, -limit.0 * sign),
                (None, Some(trigger), false) => (-sign, 1, trigger.0 * sign),
                (None, None, false) => unreachable!("market orders never rest"),
            }
        });
        for index in orders {
            if !self.resting.contains(&index) || self.open(index) == 0 {
                continue;
            }
            match self.limit(index) {
                Some(limit) => self.fill_limit(index, self.resting_as(index, limit)),
                None => self.act(index),
            }
        }
        self.expire();
        self.follow();
    }

    /// As what an order that rests with this limit is filled.
    fn resting_as(&self, index: usize, limit: Price) -> Liquidity {
        let Planned { side, kind, .. } = self.plan[index];
        match kind {
            OrderKind::StopLimit { trigger, .. }
                if limit.0 * side.sign() >= trigger.0 * side.sign() && !self.plays(Rule::TriggeredTaker) =>
            {
                Liquidity::Taker
            }
            _ => Liquidity::Maker,
        }
    }

    /// A trigger is reached.
    fn act(&mut self, index: usize) {
        let Some(trigger) = self.trigger(index) else { return self.fill_market(index) };
        if matches!(self.plan[index].kind, OrderKind::Stop { .. }) {
            return self.fill_market(index);
        }
        self.outcomes[index].triggered = Some((self.time, trigger));
        if self.limit(index).is_none() {
            return self.fill_market(index);
        }
        let at_once = matches!(self.plan[index].time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
        if self.met(index) {
            self.fill_limit(index, Liquidity::Taker);
        } else if at_once && self.plays(Rule::TriggeredAtOnce) {
            self.end(index, Status::Cancelled);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Cancel(index) if self.outcomes[index].status.is_terminal() => {}
            Command::Cancel(index) if !self.resting.contains(&index) && !self.plays(Rule::CancelOfHeld) => {}
            Command::Cancel(index) => {
                self.end(index, Status::Cancelled);
                self.taken_back(index);
            }
            // An exit that ended with its entry before it was sent.
            Command::Submit(index) if self.outcomes[index].status.is_terminal() => {}
            Command::Submit(index) => {
                self.outcomes[index].status = Status::Accepted;
                if self.joins(index) {
                    self.arrives(index);
                }
            }
        }
    }

    /// An order begins to work.
    fn arrives(&mut self, index: usize) {
        if !self.resting.contains(&index) {
            self.resting.push(index);
        }
        let Planned { side, kind, time_in_force, .. } = self.plan[index];
        if self.plays(Rule::ReduceBound) {
            self.bound(index);
        }
        if let OrderKind::TrailingStop { trail } = kind {
            let (before, now) = (self.trails[index], self.behind(side, trail));
            self.trails[index] = match side {
                _ if before == Price::ZERO => now,
                Side::Buy => before.min(now),
                Side::Sell => before.max(now),
            };
        }
        match (self.trigger(index), self.met(index)) {
            (Some(_), false) => {}
            (Some(_), true) if self.plays(Rule::TriggeredStop) => self.act(index),
            (Some(_), true) => self.end(index, Status::Rejected),
            (None, true) if kind == OrderKind::Market => self.fill_market(index),
            (None, true) => self.fill_limit(index, Liquidity::Taker),
            (None, false) if matches!(time_in_force, TimeInForce::Ioc | TimeInForce::Fok) => {
                self.end(index, Status::Cancelled);
                self.taken_back(index);
            }
            (None, false) => {}
        }
    }

    fn end(&mut self, index: usize, status: Status) {
        self.outcomes[index].status = status;
        self.outcomes[index].ended = (status != Status::Filled).then_some(self.time);
        self.resting.retain(|&other| other != index);
    }

    /// What an order can have at the touch; it is taken.
    fn take(&mut self, index: usize) -> (Price, i64) {
        let Planned { side, time_in_force, .. } = self.plan[index];
        let (price, displayed) = self.opposite(side);
        let by_level = !self.plays(Rule::Memory);
        if by_level && !self.consumed {
            return (price, displayed.min(self.open(index)));
        }
        let here = |taken: &Taken| taken.side == side && taken.price == price;
        // Theirs: another size at a price renews it.
        let counts = |taken: &Taken| here(taken) && (!by_level || taken.displayed == displayed);
        let used: i64 = self.taken.iter().filter(|taken| counts(taken)).map(|taken| taken.quantity).sum();
        let quantity = (displayed - used).max(0).min(self.open(index));
        // Theirs: a FOK that could not be filled whole, and was not, has taken all the same.
        let slips = self.limit(index).is_none() && self.plays(Rule::MarketRest);
        let refused = time_in_force == TimeInForce::Fok && quantity < self.open(index) && !slips;
        if quantity > 0 && (by_level || !refused) {
            self.taken.retain(|taken| !here(taken) || counts(taken));
            self.taken.push(Taken { side, price, displayed, quantity });
        }
        (price, quantity)
    }

    fn fill_market(&mut self, index: usize) {
        if !self.may_fill(index) {
            return;
        }
        let before = self.left[index];
        let Planned { side, time_in_force, kind, .. } = self.plan[index];
        let (price, quantity) = self.take(index);
        let fills_rest = self.plays(Rule::MarketRest);
        if time_in_force == TimeInForce::Fok && quantity < self.open(index) && !fills_rest {
            return self.end(index, Status::Cancelled);
        }
        if quantity > 0 {
            self.fill(index, price, quantity, Liquidity::Taker);
        } else if !self.plays(Rule::UsedUpTouch) {
            // A triggered stop is tried again at the next pass.
            return if kind == OrderKind::Market {
                self.end(index, Status::Rejected)
            };
        }
        if self.open(index) > 0 {
            if time_in_force == TimeInForce::Ioc && !fills_rest {
                return self.end(index, Status::Cancelled);
            }
            let worse = Price(price.0 + self.settings.instruments[0].tick.0 * side.sign());
            self.fill(index, worse, self.open(index), Liquidity::Taker);
        }
        self.passed_on(index, before);
    }

    fn fill_limit(&mut self, index: usize, liquidity: Liquidity) {
        if !self.may_fill(index) {
            return;
        }
        let time_in_force = self.plan[index].time_in_force;
        let (touch, quantity) = self.take(index);
        let price = match (self.limit(index), liquidity) {
            (Some(limit), Liquidity::Maker) => limit,
            _ => touch,
        };
        if time_in_force == TimeInForce::Fok && quantity < self.open(index) {
            return self.end(index, Status::Cancelled);
        }
        if quantity > 0 {
            let before = self.left[index];
            self.fill(index, price, quantity, liquidity);
            self.passed_on(index, before);
        }
        if self.left[index] > 0 && time_in_force == TimeInForce::Ioc {
            self.end(index, Status::Cancelled);
            self.taken_back(index);
        }
    }

    fn fill(&mut self, index: usize, price: Price, quantity: i64, liquidity: Liquidity) {
        let costs = &self.settings.instruments[0].commission;
        let rate = if liquidity == Liquidity::Maker { costs.maker } else { costs.taker };
        // Price, quantity and rate have nine decimals each, money as many as its digits; the nearest, no ties here.
        let exact = i128::from(price.0) * i128::from(quantity) * i128::from(rate.0);
        let unit = 10_i128.pow(27 - u32::from(self.settings.account.digits));
        assert_ne!(exact % unit * 2, unit, "a commission half-way");
        let units = (exact + unit / 2) / unit;
        let commission = Money(units * 10_i128.pow(9 - u32::from(self.settings.account.digits)));
        let (time, quantity) = (self.time, Quantity(quantity));
        self.left[index] -= quantity.0;
        self.outcomes[index].fills.push(Execution { time, price, quantity, liquidity, commission });
        self.outcomes[index].status = Status::PartiallyFilled;
        if self.left[index] == 0 {
            self.end(index, Status::Filled);
        }
    }
}
