//! Where a resting order stands in the queue of its level.
//!
//! A book by order tells it exactly: orders with an earlier place are ahead. A book by price shows only how much there
//! is in all, so what of a decrease was ahead of us is estimated; trades at the price always come off the front.
//!
//! The estimates are those of Rigtorp ("Estimating order queue position", 2013) with the functions that hftbacktest
//! uses, so that runs can be compared: of a decrease, a share `f(behind) / (f(behind) + f(ahead))` was behind us.

use genovo_kernels::scalar::f64::ln;

use crate::settings::QueueRule;
use crate::units::Quantity;

/// A resting order's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Queue {
    /// What is ahead of it, in quantity; negative once trades have reached it.
    ahead: f64,
    /// Traded at its price since the level's size was told last: that much of a decrease is known already.
    traded: f64,
    /// In a book by order: orders with a smaller place are ahead.
    pub place: u64,
}

impl Queue {
    /// At the end of a level that shows `size`.
    pub fn behind(size: Quantity, place: u64) -> Queue {
        Queue { ahead: size.as_f64(), traded: 0.0, place }
    }

    /// The level showed `before` and shows `now`.
    pub fn level_changed(&mut self, rule: QueueRule, before: Quantity, now: Quantity) {
        let (before, now) = (before.as_f64(), now.as_f64());
        if rule != QueueRule::RiskAverse {
            let decrease = before - now - self.traded;
            self.traded = 0.0;
            if decrease > 0.0 {
                let ahead = if self.ahead > 0.0 { self.ahead } else { 0.0 };
                let behind = before - ahead;
                let share = share_behind(rule, ahead, behind);
                // What cannot have been behind, because there was not so much, was ahead.
                let excess = share * decrease - behind;
                self.ahead -= (1.0 - share) * decrease + if excess > 0.0 { excess } else { 0.0 };
            }
        }
        if self.ahead > now {
            self.ahead = now;
        }
    }

    /// So much was traded at its price, from the front.
    pub fn traded(&mut self, size: Quantity) {
        self.ahead -= size.as_f64();
        self.traded += size.as_f64();
    }

    /// An order that was ahead became smaller.
    pub fn reduced_ahead(&mut self, by: Quantity) {
        self.ahead -= by.as_f64();
        if self.ahead < 0.0 {
            self.ahead = 0.0;
        }
    }

    /// How much of what was traded came as far as this order, which then has it.
    pub fn take_reached(&mut self) -> Quantity {
        if self.ahead >= 0.0 {
            return Quantity::ZERO;
        }
        let reached = Quantity(((-self.ahead) * 1e9).round_ties_even() as i64);
        self.ahead = 0.0;
        reached
    }
}

/// Which share of a decrease was behind an order.
fn share_behind(rule: QueueRule, ahead: f64, behind: f64) -> f64 {
    let behind = if behind > 0.0 { behind } else { 0.0 };
    let weight = |size: f64| match rule {
        QueueRule::RiskAverse => size,
        QueueRule::Log => ln(1.0 + size),
        QueueRule::Power(power) => (0..power).fold(1.0, |product, _| product * size),
    };
    let (front, back) = (weight(ahead), weight(behind));
    let share = back / (back + front);
    // Nothing on either side: whatever went was behind.
    if share.is_finite() { share } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(size: f64) -> Quantity {
        Quantity((size * 1e9) as i64)
    }

    #[test]
    fn a_cancel_is_behind_for_the_risk_averse_and_shared_for_others() {
        // 10 ahead; 6 joined behind, then 8 of the 16 went.
        for (rule, ahead) in [
            (QueueRule::RiskAverse, 8.0),
            (QueueRule::Power(1), 10.0 - 8.0 * 10.0 / 16.0),
            (QueueRule::Power(2), 10.0 - 8.0 * 100.0 / 136.0),
        ] {
            let mut queue = Queue::behind(units(10.0), 0);
            queue.level_changed(rule, units(10.0), units(16.0));
            assert_eq!(queue.ahead, 10.0, "{rule:?}: what joins is behind");
            queue.level_changed(rule, units(16.0), units(8.0));
            assert!((queue.ahead - ahead).abs() < 1e-12, "{rule:?}: {}", queue.ahead);
        }
        let mut queue = Queue::behind(units(10.0), 0);
        queue.level_changed(QueueRule::Log, units(16.0), units(8.0));
        let share = ln(7.0) / (ln(7.0) + ln(11.0));
        // 8 × 0.448 was behind, where only 6 were: no excess.
        assert!((queue.ahead - (10.0 - 8.0 * (1.0 - share))).abs() < 1e-9, "{}", queue.ahead);
    }

    #[test]
    fn trades_come_off_the_front_and_count_once() {
        for rule in [QueueRule::RiskAverse, QueueRule::Power(3), QueueRule::Log] {
            let mut queue = Queue::behind(units(5.0), 0);
            queue.traded(units(3.0));
            assert_eq!((queue.ahead, queue.take_reached()), (2.0, Quantity::ZERO));
            // The level tells the same trade again.
            queue.level_changed(rule, units(5.0), units(2.0));
            assert_eq!(queue.ahead, 2.0, "{rule:?}");
            queue.traded(units(2.5));
            assert_eq!(queue.take_reached(), units(0.5), "{rule:?}");
            assert_eq!(queue.ahead, 0.0);
        }
    }

    #[test]
    fn nothing_is_ahead_of_an_order_at_an_empty_level() {
        for rule in [QueueRule::RiskAverse, QueueRule::Power(2), QueueRule::Log] {
            let mut queue = Queue::behind(Quantity::ZERO, 0);
            queue.level_changed(rule, Quantity::ZERO, Quantity::ZERO);
            queue.level_changed(rule, units(4.0), Quantity::ZERO);
            assert_eq!(queue.ahead, 0.0);
            queue.traded(units(0.25));
            assert_eq!(queue.take_reached(), units(0.25));
        }
    }
}
