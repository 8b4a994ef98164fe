//! `buy-and-hold`: invests equally in every instrument once all have a price, and rebalances on a calendar.

use super::{Needs, ParameterError, Parameters, Proposal, Strategy, StrategyKind, View};
use crate::event::{Action, Event, Kind, Side};
use crate::ids::InstrumentId;
use crate::settings::{Instrument, Settings, Trigger};
use crate::state::State;
use crate::units::{Money, Nanoseconds, Price, Quantity, Ratio, SCALE, Timestamp, mul_div_half_even};

/// As the registry knows it.
pub const KIND: StrategyKind = StrategyKind {
    name: "buy-and-hold",
    about: "invests equally in every instrument and holds, with rebalancing if asked for",
    parameters: &[
        super::ParameterSpec {
            name: "invest",
            default: Some("95 %"),
            about: "share of equity that is invested, over all instruments",
        },
        super::ParameterSpec {
            name: "rebalance",
            default: Some("never"),
            about: "never, weekly (Mondays) or monthly, by UTC",
        },
    ],
    needs: Needs { sizes: false, quotes: false },
    trigger: Trigger::OnSignal,
    make,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rebalance {
    Never,
    Weekly,
    Monthly,
}

struct BuyAndHold {
    invest: Ratio,
    rebalance: Rebalance,
    instruments: Vec<Instrument>,
    last: Vec<Option<Price>>,
    /// Which instruments were seen since the last signal's period began.
    seen: Vec<bool>,
    /// The period of the last rebalancing; `None` before the first investment.
    period: Option<i64>,
}

crate::state! { BuyAndHold { [last], [seen], period } }

fn make(parameters: &Parameters, settings: &Settings) -> Result<Box<dyn Strategy>, ParameterError> {
    let rebalance = match parameters.text("rebalance")? {
        "never" => Rebalance::Never,
        "weekly" => Rebalance::Weekly,
        "monthly" => Rebalance::Monthly,
        other => {
            let message = format_args!("`{other}` is not one of never, weekly, monthly");
            return Err(ParameterError::new("rebalance", message));
        }
    };
    let count = settings.instruments.len();
    Ok(Box::new(BuyAndHold {
        invest: parameters.share("invest")?,
        rebalance,
        instruments: settings.instruments.clone(),
        last: vec![None; count],
        seen: vec![false; count],
        period: None,
    }))
}

impl BuyAndHold {
    /// The number of the week or month that holds `time`; one for ever when nothing is rebalanced.
    fn period_of(&self, time: Timestamp) -> i64 {
        let day = time.0.div_euclid(Nanoseconds::DAY.0);
        match self.rebalance {
            Rebalance::Never => 0,
            // 1970-01-01 was a Thursday; weeks begin on Monday.
            Rebalance::Weekly => (day + 3).div_euclid(7),
            Rebalance::Monthly => month_number(day),
        }
    }
}

impl Strategy for BuyAndHold {
    fn update(&mut self, event: &Event, view: &dyn View) -> bool {
        let kind = event.fact.kind();
        if !kind.is_market() || kind == Kind::BookChanged {
            return false;
        }
        let period = self.period_of(view.now());
        if self.period == Some(period) {
            return false;
        }
        let Some(index) = event.header.instrument.index() else { return false };
        self.last[index] = view.price(event.header.instrument, Side::Buy);
        self.seen[index] = self.last[index].is_some();
        // All of them, so that one period's weights are of one time.
        let all = self.seen.iter().all(|&seen| seen);
        if all {
            self.period = Some(period);
            self.seen.fill(false);
        }
        all
    }

    fn decide(&mut self, view: &dyn View, proposal: &mut Proposal) {
        let equity = view.equity();
        let invested = equity.times(self.invest);
        let share = Money(invested.0 / self.instruments.len() as i128);
        for (index, instrument) in self.instruments.iter().enumerate() {
            let id = InstrumentId(index as u32 + 1);
            let Some(price) = view.price(id, Side::Buy).filter(|price| price.0 > 0) else { continue };
            let unit = mul_div_half_even(
                i128::from(price.0),
                i128::from(instrument.multiplier.0),
                i128::from(SCALE),
            );
            let units = mul_div_half_even(share.0, i128::from(SCALE), unit.max(1));
            let quantity =
                i64::try_from(units).unwrap_or(crate::units::FIXED_MAX).min(crate::units::FIXED_MAX);
            let quantity = Quantity(quantity.max(0)).round_down_to(instrument.lot);
            if quantity != view.position_with_working_orders(id) {
                proposal.actions.push(Action::Target { instrument: id, quantity });
            }
        }
        proposal.because =
            format!("invest {:.2} equally in {} instruments", invested, self.instruments.len());
        proposal.because_of("equity", equity.as_f64());
        proposal.because_of("share_each", share.as_f64());
    }

    fn state(&self) -> Option<&dyn State> {
        Some(self)
    }

    fn state_mut(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }
}

/// Months since January 1970 of a day counted from 1970-01-01 in the Gregorian calendar (the civil-from-days algorithm
/// of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn month_number(day: i64) -> i64 {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 2 } else { march_month - 10 };
    let year = era * 400 + year_of_era + i64::from(month < 2);
    (year - 1970) * 12 + month
}

#[cfg(test)]
mod tests {
    use super::month_number;

    #[test]
    fn months_change_where_the_calendar_says() {
        for (day, month) in
            [(0, 0), (30, 0), (31, 1), (58, 1), (59, 2), (364, 11), (365, 12), (-1, -1), (-31, -1), (-32, -2)]
        {
            assert_eq!(month_number(day), month, "day {day}");
        }
        // 29 February 2000 and 1 March 2000.
        assert_eq!((month_number(11_016), month_number(11_017)), (361, 362));
        // 31 December 2026 and 1 January 2027.
        assert_eq!((month_number(20_818), month_number(20_819)), (683, 684));
    }
}
