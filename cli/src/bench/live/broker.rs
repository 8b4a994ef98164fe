//! The broker of the bench: it notes when an order is handed to it, and fills it at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam::channel::Sender;
use genovo_adapters::broker::{
    AskError, Cancel, Capabilities, ClientId, ConnectError, Executed, Execution, NewOrder, OrderReport,
    Report, Said, Sent, Snapshot, Standing, What,
};
use genovo_engine::event::{Liquidity, Side};
use genovo_engine::ids::OrderId;
use genovo_engine::units::{Money, Timestamp};

use super::cores;
use super::generator::LastQuote;
use crate::bench::Latency;
use crate::bench::bare::Bare;

/// When each order was handed to the broker.
pub type Handed = Arc<Mutex<Vec<(OrderId, Instant)>>>;

/// A broker that measures.
pub struct Stamping {
    /// When it got which order.
    pub handed: Handed,
    /// The market.
    pub last: Arc<LastQuote>,
    /// The core of the thread that it is called from.
    pub core: Option<usize>,
    /// After each order: the same bytes written and brought to the disk by hand, and how long that took.
    pub bare: Option<(Bare, Arc<Mutex<Latency>>)>,
    reports: Option<Sender<Said>>,
    /// The newest orders: whoever asks, asks for one of these.
    orders: VecDeque<OrderReport>,
}

/// Orders that are remembered.
const REMEMBERED: usize = 1_024;

impl Stamping {
    /// A broker without orders.
    pub fn new(handed: Handed, last: Arc<LastQuote>, core: Option<usize>) -> Stamping {
        Stamping { handed, last, core, bare: None, reports: None, orders: VecDeque::new() }
    }

    fn say(&self, time: Timestamp, client: &ClientId, what: What) {
        if let Some(reports) = &self.reports {
            let report = Report { time, arrives: None, client: client.clone(), what };
            // A session that is gone needs no answers.
            let _ = reports.send(Said::Report(report));
        }
    }
}

impl Execution for Stamping {
    fn name(&self) -> &str {
        "bench"
    }

    fn capabilities(&self) -> &Capabilities {
        &Capabilities::ALL
    }

    fn connect(&mut self, reports: Sender<Said>) -> Result<(), ConnectError> {
        self.reports = Some(reports);
        if let Some(core) = self.core {
            cores::keep_to(core);
        }
        Ok(())
    }

    fn submit(&mut self, order: &NewOrder) -> Sent {
        let now = Instant::now();
        if let Ok(mut handed) = self.handed.lock() {
            handed.push((order.order.order, now));
        }
        let (bid, ask) = self.last.get();
        let price = if order.order.side == Side::Buy { ask } else { bid };
        let quantity = order.order.quantity;
        if self.orders.len() == REMEMBERED {
            self.orders.pop_front();
        }
        self.orders.push_back(OrderReport {
            client: order.client.clone(),
            standing: Standing::Filled,
            time: order.time,
            filled: quantity,
            now: None,
        });
        self.say(order.time, &order.client, What::Accepted);
        let executed = Executed {
            id: order.client.0.clone(),
            side: order.order.side,
            price,
            quantity,
            liquidity: Liquidity::Taker,
            commission: Money::ZERO,
            bid: None,
            ask: None,
            rate: None,
        };
        self.say(order.time, &order.client, What::Filled(executed));
        if let Some((bare, took)) = &mut self.bare
            && let (Ok(time), Ok(mut took)) = (bare.once(), took.lock())
        {
            took.record(time);
        }
        Sent::Accepted
    }

    fn cancel(&mut self, cancel: &Cancel) -> Sent {
        // Everything is filled before a cancel can come.
        self.say(cancel.time, &cancel.client, What::CancelRejected);
        Sent::Accepted
    }

    fn find(&mut self, client: &ClientId) -> Result<Option<OrderReport>, AskError> {
        Ok(self.orders.iter().find(|order| order.client == *client).cloned())
    }

    fn snapshot(&mut self, _: Timestamp) -> Result<Snapshot, AskError> {
        // It is asked once, before the first order.
        Ok(Snapshot::default())
    }
}
