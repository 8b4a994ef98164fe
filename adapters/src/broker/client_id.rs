//! The ids that we give our orders: a function of the session and the order's number, so that a session that died and
//! came back asks for, and never sends again, the very same order.

use std::fmt;

use genovo_engine::canonical;
use genovo_engine::event::RunStarted;
use genovo_engine::ids::OrderId;
use genovo_engine::units::Timestamp;

/// The id of an order at a broker, given by us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub String);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ids of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIds {
    prefix: String,
}

impl ClientIds {
    /// The ids of the session that began with `started` at `time`. Two sessions of one scenario differ by their time.
    pub fn new(started: &RunStarted, time: Timestamp) -> ClientIds {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&canonical::run_id(started).0);
        hasher.update(&time.0.to_le_bytes());
        let session: String =
            hasher.finalize().as_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        ClientIds { prefix: format!("g{session}-") }
    }

    /// The id of an order.
    pub fn of(&self, order: OrderId) -> ClientId {
        ClientId(format!("{}{order}", self.prefix))
    }

    /// The order with this id; `None` when it is not one of this session's.
    pub fn order(&self, client: &ClientId) -> Option<OrderId> {
        let number = client.0.strip_prefix(&self.prefix)?;
        let order = OrderId(number.parse().ok()?);
        (self.of(order) == *client).then_some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::WorldKind;
    use genovo_engine::ids::Hash;

    fn ids(seed: u64, time: i64) -> ClientIds {
        let started = RunStarted {
            world: WorldKind::Live,
            logic_version: 1,
            seed,
            settings: String::new(),
            settings_hash: Hash::default(),
            features: Vec::new(),
            model: None,
        };
        ClientIds::new(&started, Timestamp(time))
    }

    #[test]
    fn an_id_is_a_function_of_session_and_order() {
        let one = ids(1, 5);
        assert_eq!(one.of(OrderId(12)), ids(1, 5).of(OrderId(12)));
        assert_ne!(one.of(OrderId(12)), ids(1, 6).of(OrderId(12)));
        assert_ne!(one.of(OrderId(12)), ids(2, 5).of(OrderId(12)));
        assert_eq!(one.order(&one.of(OrderId(12))), Some(OrderId(12)));
        assert_eq!(one.order(&ids(2, 5).of(OrderId(12))), None);
        assert_eq!(one.order(&ClientId(format!("{}+12", one.prefix))), None);
        assert!(one.of(OrderId(u64::MAX)).0.len() <= 48, "every broker takes as many characters");
    }
}
