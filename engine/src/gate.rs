//! Whether orders may leave. In a simulated world they always may; a live engine trades only while both links to the
//! outside are in order, the operator has not said otherwise, and the broker holds what we think it holds.
//!
//! What a strategy wanted while the gate was shut is not lost: the instruments wait here and are decided, on what is
//! known by then, when it opens.

use crate::event::{Connection, Link};
use crate::ids::InstrumentId;

/// The gate of a run.
#[derive(Clone, Debug)]
pub struct Gate {
    live: bool,
    market: Connection,
    broker: Connection,
    paused: bool,
    flattening: bool,
    /// Whether the broker's position differs from ours, by instrument.
    disputed: Vec<bool>,
    /// Instruments whose decision waits, in the order in which they came due.
    waiting: Vec<InstrumentId>,
}

crate::state! { Gate { live, market, broker, paused, flattening, [disputed], waiting } }

impl Gate {
    /// The gate of a simulated world, open for good, until [`Gate::go_live`].
    pub fn new(instruments: usize) -> Gate {
        Gate {
            live: false,
            market: Connection::Disconnected,
            broker: Connection::Disconnected,
            paused: false,
            flattening: false,
            disputed: vec![false; instruments],
            waiting: Vec::with_capacity(instruments),
        }
    }

    /// The run is live: shut until both links are.
    pub fn go_live(&mut self) {
        self.live = true;
    }

    /// Whether the run is live.
    #[inline]
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Takes in where a link stands.
    pub fn connection(&mut self, link: Link, state: Connection) {
        match link {
            Link::Market => self.market = state,
            Link::Broker => self.broker = state,
            Link::Card => {}
        }
    }

    /// Whether a link is in order.
    pub fn link_is_live(&self, link: Link) -> bool {
        let state = match link {
            Link::Market => self.market,
            Link::Broker => self.broker,
            // Whoever has none computes elsewhere.
            Link::Card => return true,
        };
        state == Connection::Live
    }

    /// Shuts or opens it for the operator.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Whether the operator shut it.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Whether every position is being closed.
    pub fn is_flattening(&self) -> bool {
        self.flattening
    }

    /// Begins or ends closing every position.
    pub fn flatten(&mut self, flattening: bool) {
        self.flattening = flattening;
    }

    /// Takes in whether an instrument's position is disputed; whether that is news.
    pub fn dispute(&mut self, index: usize, disputed: bool) -> bool {
        self.disputed.get_mut(index).is_some_and(|now| std::mem::replace(now, disputed) != disputed)
    }

    /// Whether an instrument's position is disputed.
    pub fn is_disputed(&self, index: usize) -> bool {
        self.disputed.get(index) == Some(&true)
    }

    /// Whether an order for this instrument may leave by a decision of the strategy.
    #[inline]
    pub fn is_open(&self, instrument: InstrumentId) -> bool {
        !self.live || self.is_open_live(instrument)
    }

    fn is_open_live(&self, instrument: InstrumentId) -> bool {
        let disputed = match instrument.index() {
            Some(index) => self.disputed.get(index).copied().unwrap_or(false),
            // A decision at a timer may want anything.
            None => self.disputed.contains(&true),
        };
        self.links_are_live() && !self.paused && !self.flattening && !disputed
    }

    /// Whether both links are in order.
    pub fn links_are_live(&self) -> bool {
        self.market == Connection::Live && self.broker == Connection::Live
    }

    /// Keeps an instrument until the gate opens.
    pub fn wait(&mut self, instrument: InstrumentId) {
        if !self.waiting.contains(&instrument) {
            self.waiting.push(instrument);
        }
    }

    /// The first instrument that waited and may go on now.
    pub fn next_ready(&mut self) -> Option<InstrumentId> {
        let ready = self.waiting.iter().position(|&instrument| self.is_open(instrument))?;
        Some(self.waiting.remove(ready))
    }

    /// Adds what it knows to the state's hash; nothing in a simulated world.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        if !self.live {
            return;
        }
        hasher.update(&[
            self.market as u8,
            self.broker as u8,
            u8::from(self.paused),
            u8::from(self.flattening),
        ]);
        for disputed in &self.disputed {
            hasher.update(&[u8::from(*disputed)]);
        }
        for instrument in &self.waiting {
            hasher.update(&instrument.0.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_run_is_never_held_up() {
        assert!(Gate::new(1).is_open(InstrumentId(1)));
    }

    #[test]
    fn live_it_opens_only_when_everything_is_in_order() {
        let open = |market, broker, paused, flattening, disputed| {
            let mut gate = Gate::new(2);
            gate.go_live();
            gate.connection(Link::Market, market);
            gate.connection(Link::Broker, broker);
            gate.pause(paused);
            gate.flatten(flattening);
            gate.dispute(0, disputed);
            (gate.is_open(InstrumentId(1)), gate.is_open(InstrumentId(2)))
        };
        for market in Connection::ALL {
            for broker in Connection::ALL {
                let both = market == Connection::Live && broker == Connection::Live;
                assert_eq!(open(market, broker, false, false, false), (both, both), "{market:?} {broker:?}");
            }
        }
        let live = Connection::Live;
        assert_eq!(open(live, live, true, false, false), (false, false));
        assert_eq!(open(live, live, false, true, false), (false, false));
        assert_eq!(open(live, live, false, false, true), (false, true));
    }

    #[test]
    fn what_waited_goes_on_in_its_order() {
        let mut gate = Gate::new(3);
        gate.go_live();
        for instrument in [3, 1, 3, 2] {
            gate.wait(InstrumentId(instrument));
        }
        assert_eq!(gate.next_ready(), None);
        gate.connection(Link::Market, Connection::Live);
        gate.connection(Link::Broker, Connection::Live);
        gate.dispute(0, true);
        let ready: Vec<u32> =
            std::iter::from_fn(|| gate.next_ready()).map(|instrument| instrument.0).collect();
        assert_eq!(ready, [3, 2]);
        assert!(gate.dispute(0, false));
        assert!(!gate.dispute(0, false));
        assert_eq!(gate.next_ready(), Some(InstrumentId(1)));
    }
}
