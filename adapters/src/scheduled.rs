//! What is known beforehand, put among the market data of an instrument: sessions, splits and dividends.
//!
//! It is put there as far as the data goes: nothing happens before the first row or after the last. A market opens
//! before what has the same time and closes after it; an action takes effect before.

use genovo_engine::event::{CorporateAction, Event, Fact, SessionChanged};
use genovo_engine::ids::InstrumentId;
use genovo_engine::units::Timestamp;
use genovo_engine::world::{Source, WorldError};

use crate::calendar::Calendar;

/// Rows read from the data at once.
const BATCH: usize = 1_024;

/// The data of an instrument with what was known beforehand.
pub struct Scheduled {
    data: Box<dyn Source>,
    instrument: InstrumentId,
    calendar: Option<Calendar>,
    /// The session under way, or the next one; `None` when the calendar has ended.
    session: Option<(Timestamp, Timestamp)>,
    open: bool,
    /// Last first.
    actions: Vec<(Timestamp, CorporateAction)>,
    begun: bool,
    /// Rows that were read and not yet handed on, last first.
    rows: Vec<Event>,
}

impl Scheduled {
    /// Puts a calendar's sessions and these actions, in the order of their times, among the data.
    pub fn new(
        data: Box<dyn Source>,
        instrument: InstrumentId,
        calendar: Option<Calendar>,
        mut actions: Vec<(Timestamp, CorporateAction)>,
    ) -> Scheduled {
        actions.reverse();
        Scheduled {
            data,
            instrument,
            calendar,
            session: None,
            open: true,
            actions,
            begun: false,
            rows: Vec::with_capacity(BATCH),
        }
    }

    /// The first row came: what went before it is past, and the market is open or closed.
    fn begin(&mut self, time: Timestamp) -> Option<Event> {
        self.begun = true;
        while self.actions.last().is_some_and(|(at, _)| *at <= time) {
            self.actions.pop();
        }
        self.session = self.calendar.as_ref()?.session_from(time);
        self.open = self.session.is_some_and(|(open, _)| open <= time);
        Some(self.changed(time))
    }

    /// That the market is open or closed from `time` on.
    fn changed(&self, time: Timestamp) -> Event {
        let until = self.session.map_or(Timestamp::MAX, |(open, close)| if self.open { close } else { open });
        let fact = Fact::SessionChanged(SessionChanged { open: self.open, until });
        Event::unnumbered(time, time, self.instrument, fact)
    }

    /// The first thing that is due before a row of `time`.
    fn due(&mut self, time: Timestamp) -> Option<Event> {
        let boundary = self.session.map(|(open, close)| if self.open { close } else { open });
        let boundary = boundary.filter(|at| if self.open { *at < time } else { *at <= time });
        let action = self.actions.last().map(|(at, _)| *at).filter(|at| *at <= time);
        match (boundary, action) {
            (boundary, Some(at)) if boundary.is_none_or(|boundary| at <= boundary) => {
                let (at, action) = self.actions.pop()?;
                Some(Event::unnumbered(at, at, self.instrument, Fact::CorporateActionApplied(action)))
            }
            (Some(at), _) => {
                self.open = !self.open;
                if !self.open {
                    let calendar = self.calendar.as_ref()?;
                    // The one that has just closed counts until the moment after.
                    self.session = calendar.session_from(Timestamp(at.0.saturating_add(1)));
                }
                Some(self.changed(at))
            }
            (None, _) => None,
        }
    }
}

impl Source for Scheduled {
    fn read(&mut self, batch: &mut Vec<Event>, limit: usize) -> Result<(), WorldError> {
        let wanted = batch.len() + limit;
        while batch.len() < wanted {
            if self.rows.is_empty() {
                self.data.read(&mut self.rows, BATCH)?;
                self.rows.reverse();
            }
            let Some(row) = self.rows.last() else { break };
            let time = row.header.time_received;
            let before = if self.begun { self.due(time) } else { self.begin(time) };
            match before {
                Some(event) => batch.push(event),
                None => batch.extend(self.rows.pop()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use genovo_engine::event::Trade;
    use genovo_engine::units::Price;
    use genovo_engine::world::MemorySource;

    const HOUR: i64 = 3_600_000_000_000;

    fn seen(times: &[i64], actions: &[i64]) -> Vec<String> {
        // 3 July 2014, an early close: 13:30 to 17:00 UTC; the next session is on the 7th.
        let midnight = 16_254 * 24 * HOUR;
        let row = |hours: &i64| {
            let time = Timestamp(midnight + hours * HOUR / 2);
            let trade = Trade { price: Price(1), size: None, aggressor: None };
            Event::unnumbered(time, time, InstrumentId(1), Fact::TradePrinted(trade))
        };
        let data = Box::new(MemorySource::new(times.iter().map(row).collect()));
        let split = CorporateAction::Split { new: 2, old: 1 };
        let actions = actions.iter().map(|hours| (Timestamp(midnight + hours * HOUR / 2), split)).collect();
        let calendar = Calendar::named("XNYS").unwrap();
        let mut source = Scheduled::new(data, InstrumentId(1), calendar, actions);
        let mut seen = Vec::new();
        loop {
            let mut batch = Vec::new();
            // One at a time: no more than asked for.
            source.read(&mut batch, 1).unwrap();
            let Some(event) = batch.pop() else { return seen };
            assert!(batch.is_empty());
            let at = (event.header.time_event.0 - midnight) as f64 / (HOUR / 2) as f64;
            seen.push(match event.fact {
                Fact::SessionChanged(SessionChanged { open: true, .. }) => format!("open {at}"),
                Fact::SessionChanged(_) => format!("closed {at}"),
                Fact::CorporateActionApplied(_) => format!("split {at}"),
                _ => format!("{at}"),
            });
        }
    }

    #[test]
    fn a_market_opens_before_and_closes_after_what_has_the_same_time() {
        assert_eq!(
            seen(&[26, 27, 34, 35], &[]),
            ["closed 26", "26", "open 27", "27", "34", "closed 34", "35"]
        );
        assert_eq!(seen(&[30, 31], &[]), ["open 30", "30", "31"]);
        // Four days on: the closing of the 3rd, the whole of the 7th.
        assert_eq!(seen(&[30, 240], &[]), ["open 30", "30", "closed 34", "open 219", "closed 232", "240"]);
        assert_eq!(seen(&[], &[28]), [""; 0]);
    }

    #[test]
    fn an_action_comes_before_what_has_the_same_time_and_not_before_the_data() {
        assert_eq!(seen(&[28, 30, 31], &[20, 30, 40]), ["open 28", "28", "split 30", "30", "31"]);
    }
}
