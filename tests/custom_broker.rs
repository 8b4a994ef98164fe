//! A broker of one's own, as small as it gets: `docs/custom-broker.md` builds it step by step, and the conformance kit
//! examines it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crossbeam::channel::Sender;
use genovo_adapters::broker::*;
use genovo_engine::event::{CloseReason, Liquidity, OrderKind};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::{Money, Price, Quantity, Timestamp};

/// The other side: an exchange that outlives our process.
#[derive(Default)]
pub struct Exchange {
    orders: BTreeMap<ClientId, (NewOrder, Quantity, Standing)>,
    executions: Vec<Report>,
    clock: i64,
    stream: Option<Sender<Said>>,
}

/// Our client of it.
pub struct Custom {
    exchange: Arc<Mutex<Exchange>>,
}

impl Custom {
    /// A client of this exchange.
    pub fn new(exchange: Arc<Mutex<Exchange>>) -> Custom {
        Custom { exchange }
    }
}

/// Market and limit orders, good till cancelled.
const CAPABILITIES: Capabilities = Capabilities {
    limit: true,
    stop: false,
    stop_limit_and_trailing: false,
    terms: false,
    day: false,
    ioc: false,
    fok: false,
    short: true,
    fractional: false,
    hedging: false,
    fills_replayable: true,
};

impl Execution for Custom {
    fn name(&self) -> &str {
        "custom"
    }

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    fn connect(&mut self, reports: Sender<Said>) -> Result<(), ConnectError> {
        self.exchange.lock().expect("the exchange is up").stream = Some(reports);
        Ok(())
    }

    fn submit(&mut self, order: &NewOrder) -> Sent {
        let mut exchange = self.exchange.lock().expect("the exchange is up");
        // The id is ours: an order that is there is not put there again.
        if !exchange.orders.contains_key(&order.client) {
            let entry = (order.clone(), Quantity::ZERO, Standing::Working);
            exchange.orders.insert(order.client.clone(), entry);
            exchange.say(&order.client, What::Accepted);
        }
        Sent::Accepted
    }

    fn cancel(&mut self, cancel: &Cancel) -> Sent {
        let mut exchange = self.exchange.lock().expect("the exchange is up");
        let reason = CloseReason::Requested;
        let what = match exchange.orders.get_mut(&cancel.client) {
            Some((_, _, standing @ Standing::Working)) => {
                *standing = Standing::Cancelled(reason);
                What::Cancelled(reason)
            }
            _ => What::CancelRejected,
        };
        exchange.say(&cancel.client, what);
        Sent::Accepted
    }

    fn find(&mut self, client: &ClientId) -> Result<Option<OrderReport>, AskError> {
        let exchange = self.exchange.lock().map_err(|_| AskError("the exchange is down".to_string()))?;
        Ok(exchange.report(client))
    }

    fn snapshot(&mut self, since: Timestamp) -> Result<Snapshot, AskError> {
        let exchange = self.exchange.lock().map_err(|_| AskError("the exchange is down".to_string()))?;
        let executions = exchange.executions.iter().filter(|report| report.time >= since);
        let held = exchange.orders.values().map(|(order, filled, _)| filled.0 * order.order.side.sign());
        Ok(Snapshot {
            orders: exchange.orders.keys().filter_map(|client| exchange.report(client)).collect(),
            executions: executions.cloned().collect(),
            positions: vec![(InstrumentId(1), Quantity(held.sum()))],
            balance: None,
        })
    }
}

impl Exchange {
    fn say(&mut self, client: &ClientId, what: What) {
        self.clock += 1;
        let report = Report { time: Timestamp(self.clock), arrives: None, client: client.clone(), what };
        if matches!(report.what, What::Filled(_)) {
            self.executions.push(report.clone());
        }
        // Nobody may be listening: what is said then is in the next snapshot.
        if let Some(stream) = &self.stream {
            let _ = stream.send(Said::Report(report));
        }
    }

    fn report(&self, client: &ClientId) -> Option<OrderReport> {
        let (NewOrder { order, .. }, filled, standing) = self.orders.get(client)?;
        let (client, time) = (client.clone(), Timestamp(self.clock));
        let now = OrderNow { kind: order.kind, quantity: order.quantity, replacing: false };
        Some(OrderReport { client, standing: *standing, time, filled: *filled, now: Some(now) })
    }

    /// Somebody sells `size` at `price`, or without limit: what works here is filled in the order of its arrival.
    pub fn trade(&mut self, price: Price, size: Option<Quantity>) {
        let mut left = size.unwrap_or(Quantity(i64::MAX / 2));
        let working: Vec<ClientId> = self.orders.keys().cloned().collect();
        for client in working {
            let Some((order, filled, standing)) = self.orders.get_mut(&client) else { continue };
            let reached = match order.order.kind {
                OrderKind::Limit { price: limit } => limit >= price,
                _ => true,
            };
            let quantity = (order.order.quantity - *filled).min(left);
            if *standing != Standing::Working || !reached || quantity <= Quantity::ZERO {
                continue;
            }
            *filled += quantity;
            left -= quantity;
            if *filled == order.order.quantity {
                *standing = Standing::Filled;
            }
            let executed = Executed {
                id: format!("x{}", self.executions.len() + 1),
                side: order.order.side,
                price,
                quantity,
                liquidity: Liquidity::Maker,
                commission: Money::ZERO,
                bid: None,
                ask: None,
                rate: None,
            };
            self.say(&client, What::Filled(executed));
        }
    }
}
