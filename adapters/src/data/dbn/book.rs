//! Records of order books: market by order (`mbo`) and ten levels by price (`mbp-10`).

use std::ffi::c_char;

use dbn::{MboMsg, Mbp10Msg, RecordRef, UNDEF_ORDER_SIZE, UNDEF_PRICE};
use genovo_engine::event::{BookAction, BookChange, BookReset, Fact, ResetReason, Side, Trade};
use genovo_engine::units::{FIXED_MAX, Price, Quantity, SCALE};

use super::record::{Flaw, Read, message};

/// Levels a side in `mbp-10`.
const LEVELS: usize = 10;

/// What one must know of the records before.
#[derive(Default)]
pub(super) struct Books {
    /// Whether an update is under way: changes came and none was the last.
    open: bool,
    /// The ten levels of each side as they were told last.
    bids: [(Price, Quantity); LEVELS],
    asks: [(Price, Quantity); LEVELS],
}

/// When a record of a book happened and when the capture had it; `None` for a record of something else.
pub(super) fn times(record: RecordRef<'_>) -> Read<Option<(u64, u64)>> {
    if let Some(message) = message::<MboMsg>(record)? {
        return Ok(Some((message.hd.ts_event, message.ts_recv)));
    }
    Ok(message::<Mbp10Msg>(record)?.map(|message| (message.hd.ts_event, message.ts_recv)))
}

/// What is wrong in a record, before it can be shown.
struct Wrong {
    field: &'static str,
    value: String,
    problem: &'static str,
    expected: &'static str,
}

fn wrong(field: &'static str, value: impl ToString, problem: &'static str, expected: &'static str) -> Wrong {
    Wrong { field, value: value.to_string(), problem, expected }
}

fn price(field: &'static str, value: i64) -> Result<Price, Wrong> {
    match value {
        value if (-FIXED_MAX..=FIXED_MAX).contains(&value) => Ok(Price(value)),
        UNDEF_PRICE => Err(wrong(field, value, "is no price", "a price, it is undefined")),
        _ => Err(wrong(field, value, "is not a price", "at most 4.6 billion")),
    }
}

fn size(value: u32) -> Result<Quantity, Wrong> {
    match value {
        UNDEF_ORDER_SIZE => Err(wrong("size", value, "is no size", "a size, it is undefined")),
        value => Ok(Quantity(i64::from(value) * SCALE)),
    }
}

fn side(value: c_char) -> Result<Option<Side>, Wrong> {
    match value as u8 {
        b'B' => Ok(Some(Side::Buy)),
        b'A' => Ok(Some(Side::Sell)),
        b'N' => Ok(None),
        other => Err(wrong("side", other.escape_ascii(), "is not a side", "A, B or N")),
    }
}

fn trade(at: i64, traded: u32, aggressor: c_char) -> Result<Option<Fact>, Wrong> {
    let traded = size(traded)?;
    if traded == Quantity::ZERO {
        return Ok(None);
    }
    let aggressor = side(aggressor)?;
    Ok(Some(Fact::TradePrinted(Trade { price: price("price", at)?, size: Some(traded), aggressor })))
}

impl Books {
    /// The facts of a record, in their order.
    pub(super) fn read(&mut self, record: RecordRef<'_>, mut put: impl FnMut(Fact)) -> Read<()> {
        if let Some(message) = message::<MboMsg>(record)? {
            return self.order(message, &mut put).map_err(|wrong| shown(wrong, order_text(message)));
        }
        match message::<Mbp10Msg>(record)? {
            Some(message) => {
                self.levels(message, &mut put).map_err(|wrong| shown(wrong, levels_text(message)))
            }
            None => Ok(()),
        }
    }

    /// One order added, changed, taken off or executed; or a trade, which leaves the book to the records behind it.
    fn order(&mut self, message: &MboMsg, put: &mut impl FnMut(Fact)) -> Result<(), Wrong> {
        let last = message.flags.is_last();
        let action = match message.action as u8 {
            b'A' => BookAction::AddOrder,
            b'M' => BookAction::ChangeOrder,
            b'C' => BookAction::ReduceOrder,
            b'F' => BookAction::FillOrder,
            b'R' => {
                let snapshot = message.flags.is_snapshot();
                let reason = if snapshot { ResetReason::Snapshot } else { ResetReason::Cleared };
                put(Fact::BookReset(BookReset { reason }));
                self.open = false;
                return Ok(());
            }
            b'T' => {
                if let Some(fact) = trade(message.price, message.size, message.side)? {
                    put(fact);
                }
                return self.end(last, put);
            }
            b'N' => return self.end(last, put),
            other => {
                let expected = "A, C, F, M, N, R or T";
                return Err(wrong("action", other.escape_ascii(), "is not an action", expected));
            }
        };
        if message.order_id == 0 {
            return Err(wrong("order_id", 0, "is no order", "a number"));
        }
        let Some(side) = side(message.side)? else {
            return Err(wrong("side", "N", "is no side of a book", "A or B"));
        };
        self.open = !last;
        put(Fact::BookChanged(BookChange {
            price: price("price", message.price)?,
            size: size(message.size)?,
            order: message.order_id,
            side,
            action,
            last,
        }));
        Ok(())
    }

    /// An update whose last record changes nothing ends with a change of nothing.
    fn end(&mut self, last: bool, put: &mut impl FnMut(Fact)) -> Result<(), Wrong> {
        if last && std::mem::take(&mut self.open) {
            put(Fact::BookChanged(BookChange {
                price: Price::ZERO,
                size: Quantity::ZERO,
                order: 0,
                side: Side::Buy,
                action: BookAction::FillOrder,
                last: true,
            }));
        }
        Ok(())
    }

    /// Ten levels a side: what of them changed. A level that is no longer among the ten is not known any more.
    fn levels(&mut self, message: &Mbp10Msg, put: &mut impl FnMut(Fact)) -> Result<(), Wrong> {
        if message.action as u8 == b'T'
            && let Some(fact) = trade(message.price, message.size, message.side)?
        {
            put(fact);
        }
        let (mut bids, mut asks) =
            ([(Price::ZERO, Quantity::ZERO); LEVELS], [(Price::ZERO, Quantity::ZERO); LEVELS]);
        for (place, level) in message.levels.iter().enumerate() {
            if level.bid_px != UNDEF_PRICE {
                bids[place] = (price("bid_px", level.bid_px)?, size(level.bid_sz)?);
            }
            if level.ask_px != UNDEF_PRICE {
                asks[place] = (price("ask_px", level.ask_px)?, size(level.ask_sz)?);
            }
        }
        let mut changes: [Option<BookChange>; 4 * LEVELS] = [None; 4 * LEVELS];
        let mut count = 0;
        let mut note = |side, price, size| {
            let (order, action) = (0, BookAction::SetLevel);
            changes[count] = Some(BookChange { price, size, order, side, action, last: false });
            count += 1;
        };
        for (side, before, now) in [(Side::Buy, &self.bids, &bids), (Side::Sell, &self.asks, &asks)] {
            let has = |levels: &[(Price, Quantity); LEVELS], price| {
                levels.iter().any(|level| level.0 == price && level.1 > Quantity::ZERO)
            };
            for level in before.iter().filter(|level| level.1 > Quantity::ZERO && !has(now, level.0)) {
                note(side, level.0, Quantity::ZERO);
            }
            for level in now.iter().filter(|level| level.1 > Quantity::ZERO && !before.contains(level)) {
                note(side, level.0, level.1);
            }
        }
        (self.bids, self.asks) = (bids, asks);
        for (place, mut change) in changes.into_iter().take(count).flatten().enumerate() {
            change.last = place + 1 == count;
            put(Fact::BookChanged(change));
        }
        Ok(())
    }
}

/// A record for a reader, its numbers as they stand in it. (`dbn`'s own form panics at a price of `i64::MIN`.)
#[cold]
fn order_text(message: &MboMsg) -> String {
    let MboMsg { order_id, price, size, action, side, .. } = *message;
    let (action, side) = ((action as u8).escape_ascii(), (side as u8).escape_ascii());
    format!("mbo order_id={order_id} price={price} size={size} action={action} side={side}")
}

/// The same of ten levels.
#[cold]
fn levels_text(message: &Mbp10Msg) -> String {
    let Mbp10Msg { price, size, action, side, .. } = *message;
    let (action, side) = ((action as u8).escape_ascii(), (side as u8).escape_ascii());
    let mut text = format!("mbp-10 price={price} size={size} action={action} side={side}");
    for (level, place) in message.levels.iter().zip(0..) {
        let (bid, bid_size, ask, ask_size) = (level.bid_px, level.bid_sz, level.ask_px, level.ask_sz);
        text.push_str(&format!(" level {place}: {bid} x {bid_size}, {ask} x {ask_size}"));
    }
    text
}

#[cold]
fn shown(wrong: Wrong, text: String) -> Box<Flaw> {
    let Wrong { field, value, problem, expected } = wrong;
    Box::new(Flaw { field, value, problem, expected, text })
}
