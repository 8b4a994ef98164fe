//! Whether the account can hold its positions: a margin call, and which positions are closed for want of margin.

use crate::account::Account;
use crate::event::{AlertRaised, Rule};
use crate::ids::OrderId;
use crate::market::Market;
use crate::settings::{Instrument, MarginSettings, Settings};
use crate::tickets::{Leg, Ticket, Tickets};
use crate::units::{Money, Quantity, Ratio};

/// The margin of an account that may be called.
#[derive(Clone, Debug)]
pub struct Margin {
    settings: MarginSettings,
    /// Whether the account is called.
    called: bool,
    /// The instruments whose positions are being closed.
    closing: Vec<bool>,
    /// Which of them, in a hedging account, by the orders that opened them.
    chosen: Vec<OrderId>,
    /// By which rule the last order to close each instrument's was denied.
    denied: Vec<Option<Rule>>,
}

crate::state! { Margin { called, [closing], chosen, [denied] } }

/// What there is and what is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level {
    equity: Money,
    maintenance: Money,
}

impl Margin {
    /// As these settings have it; `None` where the account is never called.
    pub fn new(settings: &Settings) -> Option<Margin> {
        let count = settings.instruments.len();
        settings.margin.map(|settings| Margin {
            settings,
            called: false,
            closing: vec![false; count],
            chosen: Vec::new(),
            denied: vec![None; count],
        })
    }

    /// The equity above which it must be for anything to be opened, while it is not.
    pub fn lacking(
        &self,
        account: &Account,
        markets: &[Market],
        instruments: &[Instrument],
    ) -> Option<Money> {
        self.called.then(|| Level::of(account, markets, instruments).maintenance.times(self.settings.call))
    }

    /// Whether the position of an instrument is being closed.
    #[inline]
    pub fn is_closing(&self, index: usize) -> bool {
        self.closing.get(index).copied().unwrap_or(false)
    }

    /// Whether any is.
    #[inline]
    pub fn is_closing_any(&self) -> bool {
        self.closing.contains(&true)
    }

    /// Whether a position of a hedging account is being closed.
    pub fn is_chosen(&self, position: OrderId) -> bool {
        self.chosen.contains(&position)
    }

    /// The position of an instrument is closed, or cannot be; of a hedging account those chosen.
    pub fn closed(&mut self, index: usize) {
        if let Some(closing) = self.closing.get_mut(index) {
            *closing = false;
            self.denied[index] = None;
        }
        if !self.is_closing_any() {
            self.chosen.clear();
        }
    }

    /// What became of the last order to close an instrument's position: the rule that denied it.
    pub fn answered(&mut self, index: usize, denied: Option<Rule>) {
        if let Some(last) = self.denied.get_mut(index) {
            *last = denied;
        }
    }

    /// The rule that denied the last order to close an instrument's position.
    pub fn denied(&self, index: usize) -> Option<Rule> {
        self.denied.get(index).copied().flatten()
    }

    /// Takes in what the account has become; what is to be said about it, at most two things.
    ///
    /// Where positions must be closed they are chosen by their loss, the largest first, until the equity would be above
    /// what the rest needs. Of those whose market is closed none is chosen.
    pub fn look(
        &mut self,
        account: &Account,
        markets: &[Market],
        instruments: &[Instrument],
        is_open: impl Fn(usize) -> bool,
    ) -> [Option<AlertRaised>; 2] {
        let now = Level::of(account, markets, instruments);
        let Level { equity, maintenance } = now;
        let mut said = [None, None];
        let level = self.settings.call;
        match (now.is_at_or_below(level), self.called) {
            (true, false) => {
                self.called = true;
                said[0] = Some(AlertRaised::MarginCalled { level, equity, maintenance });
            }
            (false, true) => {
                self.called = false;
                self.closing.fill(false);
                self.chosen.clear();
                self.denied.fill(None);
                said[0] = Some(AlertRaised::MarginRestored { level, equity, maintenance });
            }
            (true, true) | (false, false) => {}
        }
        if let Some(level) = self.settings.stop_out
            && now.is_at_or_below(level)
            && !self.is_closing_any()
            && self.choose(now, account, markets, instruments, is_open)
        {
            said[1] = Some(AlertRaised::StoppedOut { level, equity, maintenance });
        }
        said
    }

    /// Chooses the positions that are closed; whether there is any.
    fn choose(
        &mut self,
        now: Level,
        account: &Account,
        markets: &[Market],
        instruments: &[Instrument],
        is_open: impl Fn(usize) -> bool,
    ) -> bool {
        if let Some(tickets) = account.tickets() {
            return self.choose_among(now, tickets, account, markets, instruments, is_open);
        }
        let profit = |index: usize| {
            let position = &account.positions[index];
            let mark = markets[index].mark(position.quantity.signum());
            let rate = account.rate(index, markets).ok();
            mark.zip(rate).map_or(Money::ZERO, |(mark, rate)| position.unrealised(mark, rate))
        };
        let closable = |index: &usize| {
            let lots = account.positions[*index].quantity.abs().round_down_to(instruments[*index].lot);
            lots > Quantity::ZERO && is_open(*index)
        };
        let mut all: Vec<usize> = (0..account.positions.len()).filter(closable).collect();
        all.sort_by_key(|&index| (profit(index), index));
        let mut rest = now;
        for index in all {
            self.closing[index] = true;
            rest.maintenance -= account.maintenance(index, markets, instruments);
            if !rest.is_at_or_below(self.settings.stop_out.unwrap_or(self.settings.call)) {
                break;
            }
        }
        self.is_closing_any()
    }

    /// The same in a hedging account: the positions with the largest losses, whichever their instruments.
    fn choose_among(
        &mut self,
        now: Level,
        tickets: &Tickets,
        account: &Account,
        markets: &[Market],
        instruments: &[Instrument],
        is_open: impl Fn(usize) -> bool,
    ) -> bool {
        let mut all = Vec::new();
        for index in (0..instruments.len()).filter(|&index| is_open(index)) {
            let lot = instruments[index].lot;
            let closable = |ticket: &&Ticket| ticket.quantity.abs().round_down_to(lot) > Quantity::ZERO;
            let lost = |ticket: &Ticket| (account.open_profit(index, ticket, markets), ticket.order, index);
            all.extend(tickets.of(index).iter().filter(closable).map(lost));
        }
        all.sort();
        // What is needed depends on what is left of both sides.
        let mut legs: Vec<[Leg; 2]> = (0..instruments.len()).map(|index| tickets.legs(index)).collect();
        let mut rest = now;
        for (_, position, index) in all {
            let Some(ticket) = tickets.get(index, position) else { continue };
            self.closing[index] = true;
            self.chosen.push(position);
            let needed = |legs| account.maintenance_of(index, legs, markets, instruments);
            let before = needed(legs[index]);
            let leg = &mut legs[index][usize::from(ticket.quantity < Quantity::ZERO)];
            (leg.quantity, leg.cost) = (leg.quantity - ticket.quantity, leg.cost - ticket.cost);
            rest.maintenance += needed(legs[index]) - before;
            if !rest.is_at_or_below(self.settings.stop_out.unwrap_or(self.settings.call)) {
                break;
            }
        }
        self.is_closing_any()
    }

    /// Adds what it knows to the state's hash.
    pub fn add_to_hash(&self, hasher: &mut blake3::Hasher) {
        hasher.update(&[u8::from(self.called)]);
        for closing in &self.closing {
            hasher.update(&[u8::from(*closing)]);
        }
        for position in &self.chosen {
            hasher.update(&position.0.to_le_bytes());
        }
        for (index, rule) in self.denied.iter().enumerate() {
            if let Some(rule) = rule {
                hasher.update(&(index as u64).to_le_bytes());
                hasher.update(&[*rule as u8]);
            }
        }
    }
}

impl Level {
    fn of(account: &Account, markets: &[Market], instruments: &[Instrument]) -> Level {
        let maintenance = |index| account.maintenance(index, markets, instruments);
        let is_held = |&index: &usize| {
            account.positions[index].quantity != Quantity::ZERO || !account.tickets_of(index).is_empty()
        };
        let held = (0..instruments.len()).filter(is_held);
        Level { equity: account.equity(markets), maintenance: held.map(maintenance).sum() }
    }

    /// Whether equity is at or below so many times the maintenance margin. Where nothing is needed it never is.
    fn is_at_or_below(self, level: Ratio) -> bool {
        self.maintenance > Money::ZERO && self.equity <= self.maintenance.times(level)
    }
}
