//! `audit explain`: why an order is there, back to the tick that caused it, and what became of it.
//!
//! [`story`] gathers what the journal has of an order, [`title`] says it in two lines, [`rows`] writes the
//! chain newest first, [`afterwards`] follows the position, and [`proof`] recomputes the run. What a model's decision
//! depended on comes from [`attribution`](super::attribution).

mod afterwards;
mod event;
mod fills;
mod model;
mod proof;
mod risk;
mod rows;
mod story;
mod title;

use genovo_engine::event::{AlertRaised, Fact};
use genovo_engine::ids::{InstrumentId, OrderId};
use serde_json::{Value, json};

pub use event::ExplainedEvent;
pub use proof::Proof;

use super::attribution::{Asked, Attribution};
use super::json as events;
use super::recording::{Numbered, Recording};
use crate::commands::Context;
use crate::error::Failure;
use crate::provenance::{self, Row as SourceRow};
use crate::report::format;
use afterwards::Afterwards;
use rows::Row;
use story::Story;

/// An order, explained.
pub struct ExplainedOrder<'a> {
    recording: &'a Recording,
    story: Story,
    rows: Vec<Row>,
    afterwards: Afterwards,
    attribution: Option<Attribution>,
    proof: Proof,
}

impl<'a> ExplainedOrder<'a> {
    /// Gathers everything about an order; `all_rules` shows every rule's numbers, and `asked` says what of a model's
    /// decision.
    ///
    /// The proof comes last: an order that is not there needs none.
    pub fn new(
        recording: &'a Recording,
        order: OrderId,
        all_rules: bool,
        asked: (&Asked, &Context),
        proof: impl FnOnce() -> Result<Proof, Failure>,
    ) -> Result<ExplainedOrder<'a>, Failure> {
        let story = Story::of(recording, order)?;
        let rows = rows::of_order(recording, &story, all_rules)?;
        let afterwards = Afterwards::of(recording, &story)?;
        let attribution = attribution(recording, story.chain.iter(), asked)?;
        Ok(ExplainedOrder { recording, story, rows, afterwards, attribution, proof: proof()? })
    }

    /// Whose order it is.
    pub fn instrument(&self) -> InstrumentId {
        self.story.instrument
    }

    /// For a reader.
    pub fn text(&self) -> String {
        let mut text = title::lines(self.recording, &self.story, self.afterwards.opened());
        text.push('\n');
        text.push_str(&rows::table(&self.rows));
        text.push('\n');
        if let Some(attribution) = &self.attribution {
            text.push_str(&attribution.text());
            text.push('\n');
        }
        text.push_str(&format!("  Afterwards  {}\n", self.afterwards.text(self.recording, &self.story)));
        text.push_str(&proof_lines(&self.proof, self.recording));
        text
    }

    /// For a program.
    pub fn to_json(&self) -> Value {
        let story = &self.story;
        let cause = story.chain.last().map(|one| &one.event);
        let row = cause.and_then(|event| self.recording.row_of_data(event).ok()).flatten();
        let source = cause.and_then(|event| self.recording.line_of_data(event).ok()).flatten();
        json!({
            "order": story.order,
            "status": story.status,
            "instrument": self.recording.symbol(story.instrument),
            "side": story.side,
            "order_kind": story.kind,
            "asked": story.asked(),
            "quantity": story.sent.as_ref().map(|sent| sent.quantity),
            "filled": story.filled(),
            "average_price": story.average_price(),
            "position_before": story.position,
            "row_of_data": row,
            "source": source.map(|source| json!({ "file": source.path, "line": source.line, "row": source.row })),
            "chain": self.rows.iter().map(|row| events::event(self.recording, &row.one)).collect::<Vec<_>>(),
            "verdict": story.verdict,
            "features": self.recording.features(),
            "attribution": self.attribution.as_ref().map(Attribution::to_json),
            "afterwards": self.afterwards.to_json(),
            "proof": self.proof.to_json(self.recording),
        })
    }

    /// The error that a difference found by recomputing is.
    pub fn failure(&self) -> Option<Failure> {
        self.proof.failure(self.recording)
    }
}

/// What the decision among these events depended on, where a model made it.
fn attribution<'a>(
    recording: &Recording,
    mut events: impl Iterator<Item = &'a Numbered>,
    (asked, context): (&Asked, &Context),
) -> Result<Option<Attribution>, Failure> {
    let decided = events.find(|one| matches!(one.event.fact, Fact::DecisionMade(_)));
    decided.map_or(Ok(None), |decided| Attribution::of(recording, decided, asked, context))
}

/// The order that an event is about.
pub fn order_of(fact: &Fact) -> Option<OrderId> {
    match fact {
        Fact::OrderSubmitted(order) => Some(order.order),
        Fact::OrderDenied(denied) => Some(denied.order),
        Fact::OrderFilled(fill) => Some(fill.order),
        Fact::OrderRejected(rejected) | Fact::ReplaceRejected(rejected) => Some(rejected.order),
        Fact::OrderTriggered(triggered) => Some(triggered.order),
        Fact::OrderReplaced(replaced) => Some(replaced.order),
        Fact::ReplaceRequested(replacement) => Some(replacement.order),
        Fact::OrderCancelled(closed) | Fact::OrderExpired(closed) => Some(closed.order),
        Fact::OrderAccepted(notice) | Fact::CancelRejected(notice) | Fact::CancelRequested(notice) => {
            Some(notice.order)
        }
        Fact::OrderUnknown(notice) => Some(notice.order),
        Fact::TradeCorrected(trade) => Some(trade.order),
        Fact::AlertRaised(alert) => match **alert {
            AlertRaised::ImpossibleAnswer { order, .. } => Some(order),
            AlertRaised::PositionDiffers { .. }
            | AlertRaised::PositionAgrees
            | AlertRaised::BalanceDiffers { .. }
            | AlertRaised::NoStop { .. }
            | AlertRaised::Limits { .. }
            | AlertRaised::MarginCalled { .. }
            | AlertRaised::MarginRestored { .. }
            | AlertRaised::StoppedOut { .. } => None,
        },
        Fact::RunStarted(_)
        | Fact::InstrumentDefined(_)
        | Fact::QuoteChanged(_)
        | Fact::TradePrinted(_)
        | Fact::BarReceived(_)
        | Fact::BookChanged(_)
        | Fact::BookReset(_)
        | Fact::CorporateActionApplied(_)
        | Fact::SessionChanged(_)
        | Fact::MacroReleased(_)
        | Fact::NewsPublished(_)
        | Fact::EventScheduled(_)
        | Fact::SignalReceived(_)
        | Fact::FeaturesReselected(_)
        | Fact::TimerFired(_)
        | Fact::ChapterClosed(_)
        | Fact::DataFlagged(_)
        | Fact::BarClosed(_)
        | Fact::FeaturesComputed(_)
        | Fact::DecisionMade(_)
        | Fact::RiskAssessed(_)
        | Fact::FinancingCharged(_)
        | Fact::RegimeChanged(_)
        | Fact::TradingHalted(_)
        | Fact::AccountReported(_)
        | Fact::PositionReported(_)
        | Fact::ConnectionChanged(_)
        | Fact::OperatorCommanded(_)
        | Fact::LimitsRequested(_)
        | Fact::ApprovalGiven(_)
        | Fact::LimitsChanged(_)
        | Fact::FeedGap(_)
        | Fact::ClockChecked(_)
        | Fact::RunEnded(_) => None,
    }
}

fn proof_lines(proof: &Proof, recording: &Recording) -> String {
    let lines = proof.lines(recording);
    let shown = lines.iter().enumerate().map(|(index, line)| match index {
        0 => format!("  Proof       {line}\n"),
        _ => format!("              {line}\n"),
    });
    shown.collect()
}

/// `xauusd….csv.zst line 285,240`, or `row 285,239 of the data` where the file is not at hand and the row certain.
fn row_of_data(
    recording: &Recording,
    event: &genovo_engine::event::Event,
) -> Result<Option<String>, Failure> {
    if let Some(SourceRow { path, row, line }) = recording.line_of_data(event)? {
        let (what, number) = line.map_or(("event", row), |line| ("line", line));
        return Ok(Some(format!("{} {what} {}", provenance::short_name(&path), format::count(number))));
    }
    let row = recording.row_of_data(event)?;
    Ok(row.map(|row| format!("row {} of the data", format::count(row))))
}
