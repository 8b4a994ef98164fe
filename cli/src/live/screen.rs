//! What a session shows while it runs: a line for everything that becomes of an order, and what it measures below.
//!
//! Lines go to a thread of their own, which looks for them now and then: no order waits for a terminal, nor for a
//! thread to be woken.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, TryRecvError, unbounded};
use genovo_engine::account::Account;
use genovo_engine::event::{AlertRaised, Connection, Event, Fact, OrderKind, PositionEffect};
use genovo_engine::ids::{InstrumentId, OrderId};
use genovo_engine::market::Market;
use genovo_engine::order::Orders;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Money, Quantity, Timestamp};

use super::Measured;
use crate::report::format;

/// How often the thread looks for lines.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How often what is measured is shown anew.
const FOOTER_EVERY: Duration = Duration::from_millis(500);

/// Whether and how a session shows what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A line for everything that becomes of an order.
    Lines,
    /// The same for a program.
    Json,
    /// Not at all.
    Nothing,
}

/// Follows a session's events and prints what a person wants to see of them.
pub struct Screen {
    show: Show,
    settings: Settings,
    account: Account,
    /// What the orders do to positions that do not open one, where the account hedges.
    effects: BTreeMap<OrderId, PositionEffect>,
    markets: Vec<Market>,
    lines: Option<Sender<String>>,
    printer: Option<JoinHandle<()>>,
}

impl Screen {
    /// A screen of a session whose account is this one, that shows what is measured below the lines where there is a
    /// terminal.
    pub fn open(
        settings: &Settings,
        account: Account,
        orders: &Orders,
        show: Show,
        measured: Measured,
    ) -> Screen {
        let (lines, queue) = unbounded();
        let printer = std::thread::Builder::new()
            .name("genovo-screen".to_string())
            .spawn(move || print(&queue, show, &measured))
            .expect("the system gives us a thread");
        let orders = orders.records().iter().zip(1..).filter(|_| settings.hedges());
        let effects = orders.map(|(record, number)| (OrderId(number), record.effect())).collect();
        Screen {
            show,
            settings: settings.clone(),
            account,
            markets: vec![Market::default(); settings.instruments.len()],
            effects,
            lines: Some(lines),
            printer: Some(printer),
        }
    }

    /// Takes the next event.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        if event.fact.kind().is_market() {
            let market = event.header.instrument.index().and_then(|index| self.markets.get_mut(index));
            if let Some(market) = market {
                market.update(&event.fact);
            }
        } else {
            self.observe_other(event);
        }
    }

    fn observe_other(&mut self, event: &Event) {
        let before = self.account.balance;
        if let Fact::OrderSubmitted(order) = &event.fact
            && self.settings.hedges()
            && order.only_closes()
        {
            self.effects.insert(order.order, order.effect());
        }
        if let (Fact::OrderFilled(fill), Some(index)) = (&event.fact, event.header.instrument.index())
            && index < self.markets.len()
        {
            // The engine stops on a position that is too large; this account only shows.
            let rate = self.account.rate_of(index, fill).unwrap_or_default();
            let effect = self.effects.get(&fill.order).copied().unwrap_or_default();
            let _ = self.account.fill(index, fill, effect, rate);
        }
        if let (Fact::TradeCorrected(trade), Some(index)) = (&event.fact, event.header.instrument.index())
            && index < self.markets.len()
        {
            let effect = self.effects.get(&trade.order).copied().unwrap_or_default();
            let _ = self.account.correct(index, trade, effect, None);
        }
        let text = match self.show {
            Show::Json => self.json_line(event),
            Show::Lines | Show::Nothing => self.line(event, before),
        };
        if let Some(text) = text {
            self.say(text);
        }
    }

    /// Prints a line of its own.
    pub fn say(&self, line: String) {
        if let Some(lines) = &self.lines {
            let _ = lines.send(line);
        }
    }

    fn symbol(&self, instrument: InstrumentId) -> &str {
        self.settings.instrument(instrument).map_or("", |rules| rules.symbol.as_str())
    }

    /// The instrument's name, where there is more than one.
    fn of(&self, instrument: InstrumentId) -> String {
        match self.settings.instruments.len() {
            1 => String::new(),
            _ => format!(" {}", self.symbol(instrument)),
        }
    }

    fn line(&self, event: &Event, balance: Money) -> Option<String> {
        let digits = self.settings.account.digits;
        let instrument = event.header.instrument;
        let text = match &event.fact {
            Fact::OrderSubmitted(order) if order.kind == OrderKind::Market => return None,
            Fact::OrderSubmitted(order) => {
                let kind = crate::audit::words::order_kind(&order.kind);
                let what = format!(
                    "{} {}{} {kind}",
                    order.side.name(),
                    format::quantity(order.quantity),
                    self.of(instrument)
                );
                format!("order {:<4} {what}", order.order)
            }
            Fact::OrderFilled(fill) => {
                let what = format!(
                    "{} {}{}",
                    fill.side.name(),
                    format::quantity(fill.quantity),
                    self.of(instrument)
                );
                let closed = self.account.balance - balance + fill.commission;
                let closed = match closed {
                    Money::ZERO => String::new(),
                    closed => format!("closed {}", format::money(closed, digits)),
                };
                let index = instrument.index().unwrap_or(usize::MAX);
                let position = match self.account.tickets().map(|tickets| tickets.legs(index)) {
                    // Of a hedging account both sides, where there are two.
                    Some([long, short]) if long.quantity.0 != 0 && short.quantity.0 != 0 => {
                        format!("{} {}", signed(long.quantity), signed(short.quantity))
                    }
                    _ => {
                        signed(self.account.positions.get(index).map_or(Quantity::ZERO, |held| held.quantity))
                    }
                };
                format!(
                    "order {:<4} {what:<12} filled {:<11} {closed:<18} position {:<8} equity {}",
                    fill.order,
                    format::price(fill.price),
                    position,
                    format::money(self.account.equity(&self.markets), digits),
                )
            }
            Fact::OrderDenied(denied) => {
                format!("order {:<4} denied by {}", denied.order, denied.rule.name())
            }
            Fact::OrderRejected(rejected) => {
                format!("order {:<4} refused: {}", rejected.order, rejected.reason.name())
            }
            Fact::OrderUnknown(notice) => format!("order {:<4} no answer; asking", notice.order),
            Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => {
                format!("order {:<4} ended, {}", closed.order, crate::audit::words::closed(closed))
            }
            Fact::ConnectionChanged(change)
                if matches!(
                    change.state,
                    Connection::Live | Connection::Backoff | Connection::Terminal | Connection::Degraded
                ) =>
            {
                format!("{} {}: {}", change.link.name(), change.state.name(), change.reason)
            }
            Fact::OperatorCommanded(operator) => format!("operator: {}", operator.command.name()),
            Fact::LimitsChanged(changed) => crate::audit::words::limits_changed(changed),
            Fact::FeedGap(gap) => match gap.count {
                Some(count) => format!("! {} market events are missing", format::count(count)),
                None => "! market events are missing".to_string(),
            },
            Fact::ClockChecked(clock) => {
                format!("! the wall clock stepped by {} ms", clock.step.0 / 1_000_000)
            }
            Fact::AlertRaised(alert) => format!("! {}", alert_words(alert, digits)),
            Fact::TradingHalted(_) => "! no more decisions are taken".to_string(),
            _ => return None,
        };
        Some(format!("  {}  {text}", clock(event.header.time_event)))
    }

    fn json_line(&self, event: &Event) -> Option<String> {
        let shown = matches!(
            &event.fact,
            Fact::OrderSubmitted(_)
                | Fact::OrderDenied(_)
                | Fact::OrderAccepted(_)
                | Fact::OrderRejected(_)
                | Fact::OrderUnknown(_)
                | Fact::OrderFilled(_)
                | Fact::TradeCorrected(_)
                | Fact::OrderCancelled(_)
                | Fact::OrderExpired(_)
                | Fact::CancelRequested(_)
                | Fact::CancelRejected(_)
                | Fact::ConnectionChanged(_)
                | Fact::OperatorCommanded(_)
                | Fact::LimitsRequested(_)
                | Fact::ApprovalGiven(_)
                | Fact::LimitsChanged(_)
                | Fact::FeedGap(_)
                | Fact::ClockChecked(_)
                | Fact::PositionReported(_)
                | Fact::AlertRaised(_)
                | Fact::TradingHalted(_)
                | Fact::RunEnded(_)
        );
        shown.then(|| serde_json::to_string(event).ok()).flatten()
    }

    /// Waits until everything is printed.
    pub fn close(&mut self) {
        self.lines = None;
        if let Some(printer) = self.printer.take() {
            let _ = printer.join();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

fn alert_words(alert: &AlertRaised, digits: u8) -> String {
    match alert {
        AlertRaised::PositionDiffers { ours, theirs } => format!(
            "the broker holds {}, we hold {}: no order leaves until they agree",
            signed(*theirs),
            signed(*ours)
        ),
        AlertRaised::PositionAgrees => "the broker's position agrees again".to_string(),
        AlertRaised::BalanceDiffers { ours, theirs } => format!(
            "the broker counts {}, we count {}",
            format::money(*theirs, digits),
            format::money(*ours, digits)
        ),
        AlertRaised::ImpossibleAnswer { order, .. } => format!("an answer that cannot be, to order {order}"),
        AlertRaised::NoStop { quantity } => {
            format!("UNPROTECTED: no stop could be placed for {}", format::quantity(*quantity))
        }
        AlertRaised::Limits { request, answer } => crate::audit::words::limits_answer(*request, *answer),
        AlertRaised::MarginCalled { equity, maintenance, .. } => {
            format!("margin call: nothing is opened; {}", margin(*equity, *maintenance, digits))
        }
        AlertRaised::MarginRestored { equity, maintenance, .. } => {
            format!("above the margin call again: {}", margin(*equity, *maintenance, digits))
        }
        AlertRaised::StoppedOut { equity, maintenance, .. } => {
            format!("stop-out: the largest losses are closed; {}", margin(*equity, *maintenance, digits))
        }
    }
}

fn margin(equity: Money, maintenance: Money, digits: u8) -> String {
    let maintenance = format::money(maintenance.round_to(digits), digits);
    format!("equity {}, maintenance margin {maintenance}", format::money(equity, digits))
}

/// `+500`, `−500`, `0`.
pub fn signed(quantity: Quantity) -> String {
    let sign = if quantity > Quantity::ZERO { "+" } else { "" };
    format!("{sign}{}", format::quantity(quantity))
}

/// `04:00:00.359`.
fn clock(time: Timestamp) -> String {
    let of_day = time.0.rem_euclid(86_400_000_000_000) / 1_000_000;
    let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Prints lines as they come, and what is measured below them where there is a terminal.
fn print(lines: &Receiver<String>, show: Show, measured: &Measured) {
    let mut out = std::io::stdout();
    let terminal = out.is_terminal() && show == Show::Lines;
    let (mut below, mut shown) = (0, Instant::now());
    loop {
        let mut new = Vec::new();
        let gone = loop {
            match lines.try_recv() {
                Ok(line) => new.push(line),
                Err(error) => break error == TryRecvError::Disconnected,
            }
        };
        if show == Show::Nothing || (new.is_empty() && !(terminal && shown.elapsed() >= FOOTER_EVERY)) {
            if gone {
                break;
            }
            std::thread::sleep(LOOK_EVERY);
            continue;
        }
        shown = Instant::now();
        let _ = write!(out, "{}", clear(below));
        for line in new {
            let _ = writeln!(out, "{line}");
        }
        below = 0;
        if terminal {
            let footer = measured.lines();
            below = footer.len();
            let _ = write!(out, "{}", footer.join("\n"));
        }
        let _ = out.flush();
    }
    if show != Show::Nothing {
        let _ = write!(out, "{}", clear(below));
        let _ = out.flush();
    }
}

/// Takes so many lines off a terminal again, the last of which has no end yet.
fn clear(lines: usize) -> String {
    match lines {
        0 => String::new(),
        1 => "\r\x1b[J".to_string(),
        more => format!("\r\x1b[{}A\x1b[J", more - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_quantities_are_short() {
        assert_eq!(clock(Timestamp(1_398_916_800_359_000_000)), "04:00:00.359");
        assert_eq!(clock(Timestamp(-1)), "23:59:59.999");
        assert_eq!(signed(Quantity(-500_000_000_000)), "−500");
        assert_eq!(signed(Quantity(500_000_000_000)), "+500");
    }
}
