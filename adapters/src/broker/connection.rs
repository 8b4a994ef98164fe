//! The life of a connection as one table.

use std::time::Duration;

use genovo_engine::event::Connection;

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody wants it.
    Open,
    /// The other side answered.
    Reached,
    /// It knows who we are.
    Known,
    /// What was missed is fetched and compared.
    Synced,
    /// A heartbeat is late.
    Late,
    /// Heartbeats come again.
    OnTime,
    /// It broke.
    Lost,
    /// The other side will never take us.
    Refused,
    /// The next try is due.
    Retry,
    /// Nobody wants it any more.
    Close,
}

impl Change {
    /// Every change.
    pub const ALL: [Change; 10] = [
        Change::Open,
        Change::Reached,
        Change::Known,
        Change::Synced,
        Change::Late,
        Change::OnTime,
        Change::Lost,
        Change::Refused,
        Change::Retry,
        Change::Close,
    ];
}

/// The table: where a connection stands after a change; `None` where it cannot happen and nothing changes.
pub const fn after(state: Connection, change: Change) -> Option<Connection> {
    use Change::*;
    use Connection::*;
    Some(match (state, change) {
        (Disconnected, Open) | (Backoff, Retry) => Connecting,
        (Connecting, Reached) => Authenticating,
        (Authenticating, Known) => Syncing,
        (Syncing, Synced) => Live,
        // What was late may have lost something: only a sync says that it has not.
        (Live, Late) => Degraded,
        (Degraded, OnTime) => Live,
        (Connecting | Authenticating | Syncing | Live | Degraded, Lost) => Backoff,
        (Connecting | Authenticating, Refused) => Terminal,
        (
            Disconnected | Connecting | Authenticating | Syncing | Live | Degraded | Backoff | Terminal,
            Close,
        ) => Disconnected,

        (Connecting | Authenticating | Syncing | Live | Degraded | Backoff | Terminal, Open) => return None,
        (Disconnected | Authenticating | Syncing | Live | Degraded | Backoff | Terminal, Reached) => {
            return None;
        }
        (Disconnected | Connecting | Syncing | Live | Degraded | Backoff | Terminal, Known) => return None,
        (Disconnected | Connecting | Authenticating | Live | Degraded | Backoff | Terminal, Synced) => {
            return None;
        }
        (Disconnected | Connecting | Authenticating | Syncing | Degraded | Backoff | Terminal, Late) => {
            return None;
        }
        (Disconnected | Connecting | Authenticating | Syncing | Live | Backoff | Terminal, OnTime) => {
            return None;
        }
        (Disconnected | Backoff | Terminal, Lost) => return None,
        (Disconnected | Syncing | Live | Degraded | Backoff | Terminal, Refused) => return None,
        (Disconnected | Connecting | Authenticating | Syncing | Live | Degraded | Terminal, Retry) => {
            return None;
        }
    })
}

/// How long the `attempt`-th try (from 1) waits: doubling from `first` to 64 times as long, and up to a fifth more or
/// less by `share`, a number from 0 to 255, so that many clients do not come back at once.
pub fn backoff(attempt: u32, first: Duration, share: u8) -> Duration {
    let whole = first * (1 << attempt.saturating_sub(1).min(6));
    whole.mul_f64(0.8 + 0.4 * f64::from(share) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair, row by row; a blank means that nothing changes.
    #[test]
    fn the_whole_table() {
        use Connection::*;
        const NO: Option<Connection> = None;
        let some = Some;
        // Open, Reached, Known, Synced, Late, OnTime, Lost, Refused, Retry.
        let rows = [
            (Disconnected, [some(Connecting), NO, NO, NO, NO, NO, NO, NO, NO]),
            (Connecting, [NO, some(Authenticating), NO, NO, NO, NO, some(Backoff), some(Terminal), NO]),
            (Authenticating, [NO, NO, some(Syncing), NO, NO, NO, some(Backoff), some(Terminal), NO]),
            (Syncing, [NO, NO, NO, some(Live), NO, NO, some(Backoff), NO, NO]),
            (Live, [NO, NO, NO, NO, some(Degraded), NO, some(Backoff), NO, NO]),
            (Degraded, [NO, NO, NO, NO, NO, some(Live), some(Backoff), NO, NO]),
            (Backoff, [NO, NO, NO, NO, NO, NO, NO, NO, some(Connecting)]),
            (Terminal, [NO, NO, NO, NO, NO, NO, NO, NO, NO]),
        ];
        assert_eq!(rows.len(), Connection::ALL.len());
        for (state, row) in rows {
            for (change, expected) in Change::ALL.into_iter().zip(row) {
                assert_eq!(after(state, change), expected, "{state:?} after {change:?}");
            }
            assert_eq!(after(state, Change::Close), Some(Disconnected));
        }
    }

    #[test]
    fn waiting_doubles_to_a_minute_and_never_in_step() {
        let backoff = |attempt, share| backoff(attempt, Duration::from_secs(1), share);
        assert!(
            backoff(1, 0) >= Duration::from_millis(799) && backoff(1, 255) <= Duration::from_millis(1_201)
        );
        assert!(backoff(4, 128) > Duration::from_secs(6) && backoff(4, 128) < Duration::from_secs(10));
        assert_eq!(backoff(7, 7), backoff(70_000, 7));
        assert_ne!(backoff(3, 1), backoff(3, 200));
    }
}
