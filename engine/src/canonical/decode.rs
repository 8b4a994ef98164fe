//! Canonical bytes back to events: any bytes give an event or an error, and an event only if it is written as these
//! bytes again.

use super::{Canonical, FLAG_CAUSE, FLAG_FIRST, FLAG_RECEIVED, FLAG_SECOND, FLAG_THIRD, Flagged};
use crate::event::*;
use crate::ids::{InstrumentId, Sequence};
use crate::units::{Price, Quantity, Timestamp};

/// Why bytes are not those of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end within an event.
    #[error("the bytes end within an event")]
    Short,
    /// A value that no event has.
    #[error("{what} is {value}, which no event has")]
    Invalid {
        /// Of what.
        what: &'static str,
        /// The value.
        value: u64,
    },
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
}

/// Bytes taken from the front, never past the end.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { bytes }
    }

    /// What was not taken yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (now, later) = self.bytes.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.bytes = later;
        Ok(now)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (now, later) = self.bytes.split_first_chunk().ok_or(DecodeError::Short)?;
        self.bytes = later;
        Ok(*now)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    #[inline]
    fn long(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// A count of things of a byte at least, so no more than there are bytes.
    pub(crate) fn count(&mut self) -> Result<usize, DecodeError> {
        let count = u64::from_le_bytes(self.array()?);
        match usize::try_from(count) {
            Ok(count) if count <= self.bytes.len() => Ok(count),
            _ => Err(DecodeError::Short),
        }
    }
}

/// Takes the event at the front of `input`. After an error what is left of `input` means nothing.
#[inline]
pub fn decode(input: &mut Input<'_>) -> Result<Event, DecodeError> {
    let head: [u8; 22] = input.array()?;
    let (kind, flags) = (head[0], head[1]);
    let order = kind == Kind::OrderSubmitted as u8;
    let known = FLAG_RECEIVED | FLAG_CAUSE | FLAG_FIRST | FLAG_SECOND | if order { FLAG_THIRD } else { 0 };
    if flags & !known != 0 {
        return Err(DecodeError::Invalid { what: "an event's flags", value: u64::from(flags) });
    }
    let time_event = Timestamp(i64::from_le_bytes(part(&head, 14)));
    let mut header = Header {
        sequence: Sequence(u64::from_le_bytes(part(&head, 6))),
        time_event,
        time_received: time_event,
        instrument: InstrumentId(u32::from_le_bytes(part(&head, 2))),
        cause: Sequence::NONE,
    };
    if flags & FLAG_RECEIVED != 0 {
        header.time_received = Timestamp(input.long()?);
        if header.time_received == time_event {
            return Err(DecodeError::Invalid { what: "the flag of time_received", value: 1 });
        }
    }
    if flags & FLAG_CAUSE != 0 {
        header.cause = Sequence(u64::from_le_bytes(input.array()?));
        if header.cause == Sequence::NONE {
            return Err(DecodeError::Invalid { what: "the flag of cause", value: 1 });
        }
    }
    let (first, second) = (flags & FLAG_FIRST != 0, flags & FLAG_SECOND != 0);
    let fact = match Kind::from_number(kind) {
        Some(Kind::QuoteChanged) => {
            let (bid, ask) = (Price(input.long()?), Price(input.long()?));
            let bid_size = optional(input, first)?;
            Fact::QuoteChanged(Quote { bid, ask, bid_size, ask_size: optional(input, second)? })
        }
        Some(Kind::TradePrinted) => {
            let price = Price(input.long()?);
            let size = optional(input, first)?;
            let aggressor = if second { Some(Side::read(input)?) } else { None };
            Fact::TradePrinted(Trade { price, size, aggressor })
        }
        Some(Kind::BookChanged) => {
            let (side, action) = (Side::read(input)?, BookAction::read(input)?);
            let (price, size) = (Price(input.long()?), Quantity(input.long()?));
            let order = if first { u64::from_le_bytes(input.array()?) } else { 0 };
            if first && order == 0 {
                return Err(DecodeError::Invalid { what: "the flag of an order", value: 1 });
            }
            Fact::BookChanged(BookChange { price, size, order, side, action, last: second })
        }
        Some(Kind::BarReceived) if !second => Fact::BarReceived(bar(input, first)?),
        Some(Kind::BarClosed) if !second => Fact::BarClosed(bar(input, first)?),
        Some(Kind::RiskAssessed) => {
            Fact::RiskAssessed(Verdict::read_flagged(input, [first, second]).map(Box::new)?)
        }
        Some(Kind::OrderSubmitted) => Fact::OrderSubmitted(
            Order::read_flagged(input, [first, second, flags & FLAG_THIRD != 0]).map(Box::new)?,
        ),
        Some(kind) if !second => decode_rare(kind, first, input)?,
        Some(_) => return Err(DecodeError::Invalid { what: "an event's flags", value: u64::from(flags) }),
        None => return Err(DecodeError::Invalid { what: "an event's kind", value: u64::from(kind) }),
    };
    Ok(Event { header, fact })
}

fn part<const N: usize>(head: &[u8; 22], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&head[at..at + N]);
    part
}

#[inline]
fn optional(input: &mut Input<'_>, there: bool) -> Result<Option<Quantity>, DecodeError> {
    if there { Ok(Some(Quantity(input.long()?))) } else { Ok(None) }
}

fn bar(input: &mut Input<'_>, volume: bool) -> Result<Bar, DecodeError> {
    Ok(Bar {
        open_time: Timestamp(input.long()?),
        open: Price(input.long()?),
        high: Price(input.long()?),
        low: Price(input.long()?),
        close: Price(input.long()?),
        volume: optional(input, volume)?,
    })
}

#[cold]
fn decode_rare(kind: Kind, flag: bool, input: &mut Input<'_>) -> Result<Fact, DecodeError> {
    fn boxed<T: Canonical>(input: &mut Input<'_>) -> Result<Box<T>, DecodeError> {
        T::read(input).map(Box::new)
    }
    let flagged = matches!(kind, Kind::InstrumentDefined | Kind::OrderFilled | Kind::FinancingCharged);
    if flag && !flagged {
        return Err(DecodeError::Invalid { what: "an event's flags", value: u64::from(FLAG_FIRST) });
    }
    // A kind that is not listed is reserved; a test reads every one that is built.
    Ok(match kind {
        Kind::RunStarted => Fact::RunStarted(boxed(input)?),
        Kind::InstrumentDefined => Fact::InstrumentDefined(Flagged::read_flagged(input, flag).map(Box::new)?),
        Kind::BookReset => Fact::BookReset(Canonical::read(input)?),
        Kind::CorporateActionApplied => Fact::CorporateActionApplied(Canonical::read(input)?),
        Kind::SessionChanged => Fact::SessionChanged(Canonical::read(input)?),
        Kind::MacroReleased => Fact::MacroReleased(boxed(input)?),
        Kind::NewsPublished => Fact::NewsPublished(boxed(input)?),
        Kind::EventScheduled => Fact::EventScheduled(boxed(input)?),
        Kind::FeaturesReselected => Fact::FeaturesReselected(boxed(input)?),
        Kind::SignalReceived => Fact::SignalReceived(Canonical::read(input)?),
        Kind::TimerFired => Fact::TimerFired(Canonical::read(input)?),
        Kind::ChapterClosed => Fact::ChapterClosed(Canonical::read(input)?),
        Kind::OrderAccepted => Fact::OrderAccepted(Canonical::read(input)?),
        Kind::CancelRejected => Fact::CancelRejected(Canonical::read(input)?),
        Kind::CancelRequested => Fact::CancelRequested(Canonical::read(input)?),
        Kind::OrderRejected => Fact::OrderRejected(Canonical::read(input)?),
        Kind::OrderFilled => Fact::OrderFilled(Flagged::read_flagged(input, flag).map(Box::new)?),
        Kind::OrderTriggered => Fact::OrderTriggered(Canonical::read(input)?),
        Kind::OrderReplaced => Fact::OrderReplaced(Canonical::read(input)?),
        Kind::ReplaceRejected => Fact::ReplaceRejected(Canonical::read(input)?),
        Kind::ReplaceRequested => Fact::ReplaceRequested(Canonical::read(input)?),
        Kind::OrderCancelled => Fact::OrderCancelled(Canonical::read(input)?),
        Kind::OrderExpired => Fact::OrderExpired(Canonical::read(input)?),
        Kind::DataFlagged => Fact::DataFlagged(Canonical::read(input)?),
        Kind::RegimeChanged => Fact::RegimeChanged(boxed(input)?),
        Kind::FeaturesComputed => Fact::FeaturesComputed(boxed(input)?),
        Kind::DecisionMade => Fact::DecisionMade(boxed(input)?),
        Kind::OrderDenied => Fact::OrderDenied(Canonical::read(input)?),
        Kind::FinancingCharged => Fact::FinancingCharged(Flagged::read_flagged(input, flag).map(Box::new)?),
        Kind::TradingHalted => Fact::TradingHalted(Canonical::read(input)?),
        Kind::RunEnded => Fact::RunEnded(boxed(input)?),
        Kind::OrderUnknown => Fact::OrderUnknown(Canonical::read(input)?),
        Kind::TradeCorrected => Fact::TradeCorrected(boxed(input)?),
        Kind::AccountReported => Fact::AccountReported(boxed(input)?),
        Kind::PositionReported => Fact::PositionReported(Canonical::read(input)?),
        Kind::ConnectionChanged => Fact::ConnectionChanged(boxed(input)?),
        Kind::OperatorCommanded => Fact::OperatorCommanded(Canonical::read(input)?),
        Kind::LimitsRequested => Fact::LimitsRequested(boxed(input)?),
        Kind::ApprovalGiven => Fact::ApprovalGiven(boxed(input)?),
        Kind::LimitsChanged => Fact::LimitsChanged(boxed(input)?),
        Kind::FeedGap => Fact::FeedGap(boxed(input)?),
        Kind::ClockChecked => Fact::ClockChecked(Canonical::read(input)?),
        Kind::AlertRaised => Fact::AlertRaised(boxed(input)?),
        reserved => return Err(DecodeError::Invalid { what: "an event's kind", value: reserved as u64 }),
    })
}
