//! Brokers: who takes orders and says what became of them.
//!
//! A broker is three traits: [`Execution`] takes orders, [`Instruments`] says what can be traded, and
//! [`crate::feed::Feed`] gives market data. They know nothing of strategies or risk. The [`desk`] stands between a
//! broker and the engine's world: it keeps the connection, finds out what became of orders whose answer was lost, and
//! compares what the broker holds with what we know before anything is traded. `docs/custom-broker.md` builds one.
//!
//! Sending has three outcomes, and only three: the broker has the order, the broker refused it, or nobody knows. The
//! third is never resolved by waiting, only by asking for the order by the id that we gave it.

pub mod client_id;
pub mod connection;
pub mod desk;
pub mod factory;
pub mod paper;
pub mod reconcile;

use std::fmt;

use crossbeam::channel::Sender;
use genovo_engine::event::{
    CloseReason, Event, Liquidity, Order, OrderKind, OrderReplaced, OrderTriggered, RejectReason,
    Replacement, Side, TimeInForce, TradeCorrected,
};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::settings::{Instrument, PositionMode};
use genovo_engine::units::{Money, Price, Quantity, Timestamp};

pub use client_id::{ClientId, ClientIds};
pub use desk::Desk;
pub use paper::Paper;

/// Takes orders, and says what became of them.
///
/// All calls come from one thread, the desk's. A call may block; nothing but orders waits for it.
pub trait Execution: Send {
    /// Its name for people.
    fn name(&self) -> &str;

    /// What it can do. An order that is not among it is refused before it is sent.
    fn capabilities(&self) -> &Capabilities;

    /// Makes the connection and keeps sending to `reports` until it is lost. What it reports from here on must be
    /// complete: the desk asks for a [`Snapshot`] only afterwards, so that nothing falls between the two.
    fn connect(&mut self, reports: Sender<Said>) -> Result<(), ConnectError>;

    /// Sends an order.
    fn submit(&mut self, order: &NewOrder) -> Sent;

    /// Asks to take an order off the market. What becomes of it is reported.
    fn cancel(&mut self, cancel: &Cancel) -> Sent;

    /// Asks to let an order work on as another one. What becomes of it is reported.
    fn replace(&mut self, replace: &Replace) -> Sent {
        let _ = replace;
        Sent::Refused {
            reason: RejectReason::Unsupported,
            text: "orders cannot be replaced here".to_string(),
        }
    }

    /// Looks an order up by the id that we gave it. `Ok(None)` means that the broker says it does not have it.
    fn find(&mut self, client: &ClientId) -> Result<Option<OrderReport>, AskError>;

    /// Everything it holds for us: open orders, executions since `since`, positions, cash.
    fn snapshot(&mut self, since: Timestamp) -> Result<Snapshot, AskError>;

    /// Whether it simulates a market, and so wants to be shown one.
    fn simulates(&self) -> bool {
        false
    }

    /// For one that simulates: how many market events of the session it has seen in an earlier life. Until it has seen
    /// them again, nothing is traded.
    fn market_seen(&self) -> u64 {
        0
    }

    /// Shows it a market event, the `number`-th of the session. For one that simulates.
    fn market(&mut self, event: &Event, number: u64) {
        let _ = (event, number);
    }

    /// Says that the session's time is `now`, for brokers that keep no clock of their own.
    fn time(&mut self, now: Timestamp) {
        let _ = now;
    }
}

/// Says what can be traded, and by which rules.
pub trait Instruments {
    /// The instrument of this symbol, as the broker knows it.
    fn instrument(&mut self, symbol: &str) -> Result<Option<Instrument>, AskError>;
}

/// What a broker can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Limit orders.
    pub limit: bool,
    /// Stop orders.
    pub stop: bool,
    /// Stops that become limit orders, and stops that follow the market.
    pub stop_limit_and_trailing: bool,
    /// Post-only, reduce-only, and orders that depend on each other.
    pub terms: bool,
    /// Orders that end with the day, or at a time.
    pub day: bool,
    /// Immediate-or-cancel.
    pub ioc: bool,
    /// Fill-or-kill.
    pub fok: bool,
    /// Selling what is not held.
    pub short: bool,
    /// Quantities below one unit.
    pub fractional: bool,
    /// Long and short positions in one instrument, side by side.
    pub hedging: bool,
    /// Whether fills that were missed can be fetched. Without it a position can differ and nobody knows why.
    pub fills_replayable: bool,
}

impl Capabilities {
    /// Everything that a broker of a netting account can do.
    pub const ALL: Capabilities = Capabilities {
        limit: true,
        stop: true,
        stop_limit_and_trailing: true,
        terms: true,
        day: true,
        ioc: true,
        fok: true,
        short: true,
        fractional: true,
        hedging: false,
        fills_replayable: true,
    };

    /// Whether it can do this order in an account that keeps positions so; what it cannot do otherwise.
    pub fn check(&self, order: &Order, positions: PositionMode) -> Result<(), &'static str> {
        let kind = match order.kind {
            OrderKind::Market => true,
            OrderKind::Limit { .. } => self.limit,
            OrderKind::Stop { .. } => self.stop,
            OrderKind::StopLimit { .. } | OrderKind::TrailingStop { .. } => self.stop_limit_and_trailing,
        };
        if !kind {
            return Err(order.kind.name());
        }
        if !self.terms && !order.terms.is_plain() {
            return Err("orders with such terms");
        }
        match order.time_in_force {
            TimeInForce::Day | TimeInForce::Gtd if !self.day => return Err("orders that end by themselves"),
            TimeInForce::Ioc if !self.ioc => return Err("immediate-or-cancel"),
            TimeInForce::Fok if !self.fok => return Err("fill-or-kill"),
            _ => {}
        }
        let after = Quantity(order.position.0.saturating_add(order.quantity.0 * order.side.sign()));
        // Side by side, what is long takes nothing off what is sold to open.
        let opens_short = order.side == Side::Sell
            && !order.only_closes()
            && (positions == PositionMode::Hedging || after < Quantity::ZERO);
        if !self.hedging && !order.closes.is_none() {
            return Err("positions side by side");
        }
        if !self.short && opens_short {
            return Err("short sales");
        }
        if !self.fractional && order.quantity.0 % genovo_engine::units::SCALE != 0 {
            return Err("fractions of a unit");
        }
        Ok(())
    }
}

/// An order on its way to the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrder {
    /// The id that we give it: the same for the same order of the same session, so that sending it twice is once.
    pub client: ClientId,
    /// The `OrderSubmitted` that is on disk by now.
    pub cause: Sequence,
    /// When it left.
    pub time: Timestamp,
    /// Whose order.
    pub instrument: InstrumentId,
    /// The instrument's symbol.
    pub symbol: String,
    /// The order.
    pub order: Order,
}

/// A wish to take an order off the market.
#[derive(Clone, Debug, PartialEq)]
pub struct Cancel {
    /// Which order.
    pub client: ClientId,
    /// The same as the engine knows it.
    pub order: OrderId,
    /// The `CancelRequested` that is on disk by now.
    pub cause: Sequence,
    /// When it left.
    pub time: Timestamp,
    /// Whose order.
    pub instrument: InstrumentId,
}

/// A wish to let an order work on as another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Replace {
    /// Which order.
    pub client: ClientId,
    /// What it is to become.
    pub replacement: Replacement,
    /// The `ReplaceRequested` that is on disk by now.
    pub cause: Sequence,
    /// When it left.
    pub time: Timestamp,
    /// Whose order.
    pub instrument: InstrumentId,
}

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The broker has it. Whether it works, and what becomes of it, is reported.
    Accepted,
    /// The broker's definite no: it has no such order, and never will.
    Refused {
        /// Why, in our words.
        reason: RejectReason,
        /// Why, in the broker's.
        text: String,
    },
    /// Nobody knows: a timeout, a lost connection, an answer that cannot be read.
    Unknown {
        /// What happened.
        why: String,
    },
}

/// What a broker sends by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Something became of an order.
    Report(Report),
    /// The connection is there, but late.
    Late(String),
    /// The connection is in order again.
    OnTime,
    /// The connection is lost.
    Lost(String),
}

/// Something became of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// When, by the broker's clock.
    pub time: Timestamp,
    /// When it arrives here, where the broker's time is the session's; `None`: when the desk gets it.
    pub arrives: Option<Timestamp>,
    /// Which order. One that is not of this session is somebody else's.
    pub client: ClientId,
    /// What.
    pub what: What,
}

/// What can become of an order.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It works.
    Accepted,
    /// It was refused.
    Rejected(RejectReason),
    /// It was executed, or a part of it.
    Filled(Executed),
    /// It was taken off the market.
    Cancelled(CloseReason),
    /// Its time ended.
    Expired(CloseReason),
    /// The cancel came too late.
    CancelRejected,
    /// The market reached its trigger.
    Triggered(OrderTriggered),
    /// It works on as another one.
    Replaced(OrderReplaced),
    /// It was not replaced.
    ReplaceRejected(RejectReason),
    /// An execution was taken back or changed.
    Corrected(TradeCorrected),
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The broker's id of it; each execution has one of its own, however often it is reported.
    pub id: String,
    /// Buy or sell.
    pub side: Side,
    /// At what price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Whether it gave or took liquidity.
    pub liquidity: Liquidity,
    /// What it cost.
    pub commission: Money,
    /// The bid that it met, where the broker says it.
    pub bid: Option<Price>,
    /// The ask that it met, where the broker says it.
    pub ask: Option<Price>,
    /// The rate that converts it, where the instrument is quoted in another currency than the account.
    pub rate: Option<Price>,
}

/// Where an order stands at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It works, in part filled or not.
    Working,
    /// It was filled whole.
    Filled,
    /// It was taken off the market.
    Cancelled(CloseReason),
    /// It was refused.
    Rejected(RejectReason),
    /// Its time ended.
    Expired(CloseReason),
}

/// An order as the broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    /// Which; one that is not of this session is somebody else's.
    pub client: ClientId,
    /// Where it stands.
    pub standing: Standing,
    /// When it came to stand there, by the broker's clock.
    pub time: Timestamp,
    /// How much of it was executed.
    pub filled: Quantity,
    /// What it is by now, where the broker says it: lists, replacements and splits change orders.
    pub now: Option<OrderNow>,
}

/// What an order is at the broker, as sent or as it became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderNow {
    /// Its kind with its prices, as it was sent or replaced: neither a trigger that was reached nor one that follows
    /// the market changes it.
    pub kind: OrderKind,
    /// How much in all, what is filled included.
    pub quantity: Quantity,
    /// Whether a replacement is under way there, so that an answer will come.
    pub replacing: bool,
}

/// Everything that a broker holds for us.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Orders that work, and those that ended since.
    pub orders: Vec<OrderReport>,
    /// Executions since then, oldest first: reports whose `what` is [`What::Filled`].
    pub executions: Vec<Report>,
    /// Positions, signed. An instrument that is not named is not held.
    pub positions: Vec<(InstrumentId, Quantity)>,
    /// Cash with the P&L of what was closed, where the broker says it.
    pub balance: Option<Money>,
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Trying again would not help: wrong credentials, a closed account.
    Terminal(String),
    /// Worth another try.
    Failed(String),
}

/// A question without an answer. It is not a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskError(pub String);

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AskError {}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::Terms;
    use genovo_engine::ids::StrategyId;

    /// A sale of 10, of so much held net.
    fn sale(position: i64, closes: u64, reduce_only: bool) -> Order {
        Order {
            order: OrderId(7),
            side: Side::Sell,
            kind: OrderKind::Market,
            time_in_force: TimeInForce::Gtc,
            quantity: "10".parse().unwrap(),
            bid: None,
            ask: None,
            position: position.to_string().parse().unwrap(),
            terms: Terms { reduce_only, ..Terms::default() },
            strategy: StrategyId::NONE,
            closes: OrderId(closes),
        }
    }

    #[test]
    fn a_broker_that_lets_nobody_sell_short_lets_what_is_held_be_sold() {
        use PositionMode::{Hedging, Netting};
        let broker = Capabilities { short: false, hedging: true, ..Capabilities::ALL };
        let rows = [
            (Netting, sale(10, 0, false), true),
            (Netting, sale(9, 0, false), false),
            // It shrinks with what is held.
            (Netting, sale(9, 0, true), true),
            // A position of its own is short, however much is long beside it.
            (Hedging, sale(10, 0, false), false),
            (Hedging, sale(30, 0, false), false),
            (Hedging, sale(30, 0, true), true),
            // What closes a long position sells nothing short, although others are short by more.
            (Hedging, sale(-5, 3, false), true),
            (Hedging, sale(-5, 3, true), true),
        ];
        for (positions, order, can) in rows {
            let said = broker.check(&order, positions);
            assert_eq!(said, if can { Ok(()) } else { Err("short sales") }, "{positions:?} {order:?}");
            let buys = Order { side: Side::Buy, ..order };
            assert_eq!(broker.check(&buys, positions), Ok(()));
        }
    }
}
