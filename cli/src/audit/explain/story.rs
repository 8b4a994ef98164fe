//! An order from the tick that caused it to its end, as the journal has it.

use genovo_engine::event::{Action, Decision, Event, Fact, Fill, Order, OrderKind, Quote, Side, Verdict};
use genovo_engine::ids::{InstrumentId, OrderId, Sequence};
use genovo_engine::order::Status;
use genovo_engine::settings::Settings;
use genovo_engine::units::{Price, Quantity, SCALE};

use crate::audit::recording::{NOTHING, Numbered, Recording, failed};
use crate::error::{Exit, Failure};
use crate::report::format;

/// Events before a fill that are looked at first for the quote it met; each further look sees 16 times more.
const LOOK_BACK: u64 = 2_048;
/// Events after a fill among which the quote that it met may have arrived late.
const LOOK_AHEAD: usize = 2_048;

/// An order and everything that belongs to it.
pub struct Story {
    /// Its number.
    pub order: OrderId,
    /// Whose.
    pub instrument: InstrumentId,
    /// As it left; `None` when it was denied.
    pub sent: Option<Order>,
    /// Buy or sell.
    pub side: Side,
    /// Market, limit or stop.
    pub kind: OrderKind,
    /// The position when it was decided; in a hedging account what all of them added up to.
    pub position: Quantity,
    /// Whether every order that opens makes a position of its own.
    pub hedges: bool,
    /// Risk's answer.
    pub verdict: Verdict,
    /// Where the order stood at the end of the journal.
    pub status: Status,
    /// The causing input and all that followed from it at once.
    pub origin: Vec<Numbered>,
    /// The chain of this order within `origin`, newest first: from its submission or denial to the input.
    pub chain: Vec<Numbered>,
    /// What happened to it later, oldest first.
    pub later: Vec<Numbered>,
    /// For each fill in `later`, by its number: the quote that it met, where it is certain.
    pub met: Vec<(u64, Numbered)>,
}

impl Story {
    /// Gathers it.
    pub fn of(recording: &Recording, order: OrderId) -> Result<Story, Failure> {
        let events = recording.order_events(order)?;
        let born = events
            .iter()
            .position(|one| matches!(one.event.fact, Fact::OrderSubmitted(_) | Fact::OrderDenied(_)));
        let Some(born) = born else { return Err(unknown(recording, order)?) };
        let later: Vec<Numbered> = events[born + 1..].to_vec();
        let birth = &events[born];
        let origin = recording.input_with_effects(birth.sequence())?;
        let chain = chain(&origin, birth.clone());
        let find = |wanted: fn(&Fact) -> bool| chain.iter().find(|one| wanted(&one.event.fact));
        let assessed = find(|fact| matches!(fact, Fact::RiskAssessed(_)));
        let Some(Fact::RiskAssessed(verdict)) = assessed.map(|one| &one.event.fact) else {
            let message = format!("order {order} has no RiskAssessed among its causes");
            return Err(Failure::new(Exit::Failed, message, NOTHING));
        };
        let decided = find(|fact| matches!(fact, Fact::DecisionMade(_)));
        let decision = match decided.map(|one| &one.event.fact) {
            Some(Fact::DecisionMade(decision)) => Some(&**decision),
            _ => None,
        };
        let instrument = birth.event.header.instrument;
        let sent = match &birth.event.fact {
            Fact::OrderSubmitted(order) => Some((**order).clone()),
            _ => None,
        };
        let mut story = Story {
            order,
            instrument,
            side: verdict.side,
            kind: sent.as_ref().map_or_else(|| asked_kind(decision, instrument, verdict), |sent| sent.kind),
            position: match &sent {
                Some(sent) => sent.position,
                None => decision.map_or(Quantity::ZERO, |decision| decision.position),
            },
            hedges: recording.settings.as_ref().is_some_and(Settings::hedges),
            status: status(sent.as_ref(), &later),
            verdict: (**verdict).clone(),
            met: Vec::new(),
            sent,
            origin,
            chain,
            later,
        };
        let mut met = Vec::new();
        for (one, fill) in story.fills() {
            if let Some(quote) = quote_met(recording, one, fill)? {
                met.push((one.number, quote));
            }
        }
        story.met = met;
        Ok(story)
    }

    /// Its executions, oldest first.
    pub fn fills(&self) -> Vec<(&Numbered, &Fill)> {
        let fills = self.later.iter().filter_map(|one| match &one.event.fact {
            Fact::OrderFilled(fill) => Some((one, &**fill)),
            _ => None,
        });
        fills.collect()
    }

    /// The same without those that the broker took back.
    pub fn fills_that_hold(&self) -> Vec<(&Numbered, &Fill)> {
        let mut fills = self.fills();
        let taken_back = self.later.iter().filter_map(|one| match &one.event.fact {
            Fact::TradeCorrected(trade) if trade.corrected.is_none() => Some(trade),
            _ => None,
        });
        for trade in taken_back {
            let same = |(_, fill): &(&Numbered, &Fill)| fill.quantity == trade.quantity;
            let exactly = |one: &(&Numbered, &Fill)| same(one) && one.1.price == trade.price;
            // One that was given another price before is found by its quantity.
            let place = fills.iter().rposition(exactly).or_else(|| fills.iter().rposition(same));
            if let Some(place) = place {
                fills.remove(place);
            }
        }
        fills
    }

    /// How much was asked for: what closes and what opens together.
    pub fn asked(&self) -> Quantity {
        self.verdict.closing + self.verdict.asked
    }

    /// How much was filled.
    pub fn filled(&self) -> Quantity {
        self.fills().iter().map(|(_, fill)| fill.quantity).sum()
    }

    /// The price of all fills together, rounded to 1e-9.
    pub fn average_price(&self) -> Option<Price> {
        let filled = i128::from(self.filled().0);
        let paid: i128 = self.fills().iter().map(|(_, fill)| (fill.price * fill.quantity).0).sum();
        let price = paid.checked_mul(i128::from(SCALE))?.checked_div(filled)?;
        i64::try_from(price).ok().map(Price)
    }

    /// The quote that a fill met.
    pub fn met_by(&self, fill: &Numbered) -> Option<&Numbered> {
        self.met.iter().find(|(number, _)| *number == fill.number).map(|(_, quote)| quote)
    }

    /// The input that caused it.
    pub fn cause(&self) -> Option<&Numbered> {
        self.origin.first()
    }
}

/// That there is no such order, and how many there are.
fn unknown(recording: &Recording, order: OrderId) -> Result<Failure, Failure> {
    let path = recording.journal.path().display();
    let message = format!("{path} has no order {order}");
    let help = match recording.orders()? {
        0 => "it has no orders at all".to_string(),
        1 => "it has one order: 1".to_string(),
        orders => format!("its orders are 1 to {}", format::count(orders)),
    };
    Ok(Failure::new(Exit::Usage, message, NOTHING).help(help))
}

/// The way back from an event through the events of its input, itself first.
pub fn chain(origin: &[Numbered], from: Numbered) -> Vec<Numbered> {
    let mut chain = vec![from];
    while let Some(last) = chain.last() {
        let cause = last.event.header.cause;
        // A cause comes before its effect, so the way ends.
        let found = origin.iter().find(|one| one.sequence() == cause && cause < last.sequence());
        match found {
            Some(found) => chain.push(found.clone()),
            None => break,
        }
    }
    chain
}

/// Which kind of order a denied one would have been: that of the action that risk was asked about.
fn asked_kind(decision: Option<&Decision>, instrument: InstrumentId, verdict: &Verdict) -> OrderKind {
    let actions = decision.map_or(&[][..], |decision| &decision.actions);
    let quantity = verdict.closing + verdict.asked;
    let kind = actions.iter().find_map(|action| match action {
        Action::Submit { instrument: of, side, kind, quantity: wanted, .. }
            if *of == instrument && *side == verdict.side && *wanted >= quantity =>
        {
            Some(*kind)
        }
        Action::Place(list) | Action::Open(list) | Action::Close { list, .. }
            if list.instrument == instrument =>
        {
            let asked =
                list.orders.iter().find(|order| order.side == verdict.side && order.quantity >= quantity);
            asked.map(|order| order.kind)
        }
        _ => None,
    });
    kind.unwrap_or(OrderKind::Market)
}

fn status(sent: Option<&Order>, later: &[Numbered]) -> Status {
    let Some(sent) = sent else { return Status::Denied };
    let (mut status, mut filled, mut quantity) = (Status::Submitted, Quantity::ZERO, sent.quantity);
    for one in later {
        status = match &one.event.fact {
            Fact::OrderAccepted(_) if status == Status::Submitted => Status::Accepted,
            Fact::OrderFilled(fill) => {
                filled += fill.quantity;
                if filled >= quantity { Status::Filled } else { Status::PartiallyFilled }
            }
            Fact::OrderReplaced(replaced) => {
                quantity = replaced.quantity;
                status
            }
            Fact::OrderCancelled(_) => Status::Cancelled,
            Fact::OrderExpired(_) => Status::Expired,
            Fact::OrderRejected(_) => Status::Rejected,
            _ => status,
        };
    }
    status
}

/// The last quote that the venue had seen when it filled: by its own time, with the fill's prices.
fn quote_met(recording: &Recording, one: &Numbered, fill: &Fill) -> Result<Option<Numbered>, Failure> {
    let (Some(bid), Some(ask)) = (fill.bid, fill.ask) else { return Ok(None) };
    let header = &one.event.header;
    let is_it = |event: &Event| {
        let quote = match &event.fact {
            Fact::QuoteChanged(Quote { bid, ask, .. }) => (*bid, *ask),
            _ => return false,
        };
        event.header.instrument == header.instrument
            && event.header.time_event <= header.time_event
            && quote == (bid, ask)
    };
    let mut back = LOOK_BACK;
    loop {
        let first = one.number.saturating_sub(back).max(1);
        let Some(start) = recording.by_number(first)? else { return Ok(None) };
        let (mut number, mut found) = (first, None);
        let wanted = (one.number - first) as usize + LOOK_AHEAD;
        for event in recording.journal.events_from(start.sequence()).take(wanted) {
            let event = event.map_err(failed)?;
            if is_it(&event) {
                found = Some(Numbered { number, event });
            }
            number += 1;
        }
        if found.is_some() || first == 1 {
            return Ok(found);
        }
        back = back.saturating_mul(16);
    }
}

/// What follows from an event at once and later: within its input, and through the orders that it sent.
pub fn effects(recording: &Recording, of: &Numbered) -> Result<Vec<Numbered>, Failure> {
    let origin = recording.input_with_effects(of.sequence())?;
    let mut causes: Vec<Sequence> = vec![of.sequence()];
    let mut found: Vec<Numbered> = Vec::new();
    for one in origin {
        if causes.contains(&one.event.header.cause) {
            causes.push(one.sequence());
            found.push(one);
        }
    }
    let named: Vec<OrderId> =
        found.iter().chain([of]).filter_map(|one| order_sent(&one.event.fact)).collect();
    for order in named {
        for one in recording.order_events(order)? {
            if causes.contains(&one.event.header.cause) && !causes.contains(&one.sequence()) {
                causes.push(one.sequence());
                found.push(one);
            }
        }
    }
    found.sort_by_key(|one| one.number);
    Ok(found)
}

/// The order about which a command left.
fn order_sent(fact: &Fact) -> Option<OrderId> {
    match fact {
        Fact::OrderSubmitted(order) => Some(order.order),
        Fact::CancelRequested(notice) => Some(notice.order),
        Fact::ReplaceRequested(replacement) => Some(replacement.order),
        _ => None,
    }
}
