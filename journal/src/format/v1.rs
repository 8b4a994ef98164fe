//! The body of a block of schema 1: the sections in the order in which they lie.
//!
//! ```text
//! kinds · sequences · times · delays · instruments · causes ·
//! [quotes] · [trades] · [bars] · [features] · [books] · [rare facts]
//! ```
//!
//! A section is there when the kinds say so; none carries its length. `docs/journal-format.md` draws them
//! all.

use genovo_engine::event::Kind;

use crate::columns::{CodecError, Input, Packer, Unpacker, put_varint};
use crate::group::{
    Bars, Books, EVENT_BYTES_MAX, FeatureVectors, GROUP_BYTES_MAX, Group, Optional, Quotes, Trades,
    word_parts,
};
use crate::rows::{self, RowPacker};

/// The number of this schema in a block's header.
pub const SCHEMA: u8 = 1;

const KINDS_ONE: u8 = 0;
const KINDS_RUNS: u8 = 1;
const KINDS_PACKED: u8 = 2;

/// A sequence's low bits are the position behind an input, the high bits the input's number.
const POSITION_BITS: u32 = 16;
const POSITION: i64 = 0xffff;

const CAUSES_BACK: u8 = 0;
const CAUSES_PLAIN: u8 = 1;

const PRESENT_NONE: u8 = 0;
const PRESENT_ALL: u8 = 1;
const PRESENT_SOME: u8 = 2;

/// Writes bodies; keeps its buffers.
#[derive(Default)]
pub struct BodyWriter {
    packer: Packer,
    rows: RowPacker,
    order: Order,
    scratch: Vec<i64>,
}

impl BodyWriter {
    /// Appends the body of `group` to `out`. The rare facts move out of the group.
    pub fn write(&mut self, group: &mut Group, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let packer = &mut self.packer;
        write_kinds(&group.kinds, packer, out);
        write_sequences(&group.sequences, &mut self.scratch, packer, out);
        packer.deltas(&group.times, out);
        let scratch = &mut self.scratch;
        let delays = group.received.iter().zip(&group.times);
        packer.plain(filled(scratch, delays.map(|(received, time)| received.wrapping_sub(*time))), out);
        packer.plain(&group.instruments, out);
        write_causes(group, scratch, packer, out);
        let (quotes, trades, bars) = (&group.quotes, &group.trades, &group.bars);
        if !quotes.bids.is_empty() {
            let order = self.order.find(group, |kind| kind == Kind::QuoteChanged as u8);
            write_quotes(quotes, &mut Sorted { order, scratch, packer, out });
        }
        if !trades.prices.is_empty() {
            let order = self.order.find(group, |kind| kind == Kind::TradePrinted as u8);
            write_trades(trades, &mut Sorted { order, scratch, packer, out });
        }
        if !bars.opens.is_empty() {
            let order = self.order.find(group, is_bar);
            write_bars(group, &mut Sorted { order, scratch, packer, out });
        }
        if !group.features.lengths.is_empty() {
            write_features(&group.features, packer, out);
        }
        if !group.books.words.is_empty() {
            let order = self.order.find(group, |kind| kind == Kind::BookChanged as u8);
            write_books(&group.books, &mut Sorted { order, scratch, packer, out });
        }
        if !group.rare.is_empty() {
            self.rows.write(&mut group.rare, out)?;
        }
        Ok(())
    }
}

/// Reads bodies; keeps its buffers.
#[derive(Default)]
pub struct BodyReader {
    unpacker: Unpacker,
    order: Order,
    scratch: Vec<i64>,
    starts: Vec<usize>,
}

impl BodyReader {
    /// Fills `group` with the `count` events of `body`. `count` is at most a group's.
    pub fn read(&mut self, body: &[u8], count: usize, group: &mut Group) -> Result<(), CodecError> {
        group.clear();
        let mut input = Input::new(body);
        let input = &mut input;
        self.read_kinds(input, count, &mut group.kinds)?;
        let unpacker = &mut self.unpacker;
        read_sequences(input, unpacker, count, &mut self.scratch, &mut group.sequences)?;
        unpacker.column(input, count, &mut group.times)?;
        unpacker.column(input, count, &mut group.received)?;
        for (received, time) in group.received.iter_mut().zip(&group.times) {
            *received = received.wrapping_add(*time);
        }
        unpacker.column(input, count, &mut group.instruments)?;
        if let Some(&wild) = group.instruments.iter().find(|&&id| id < 0 || id > i64::from(u32::MAX)) {
            return Err(CodecError::Invalid { what: "an instrument", value: wild as u64 });
        }
        read_causes(input, unpacker, group)?;
        let [quotes, trades, bars, vectors, books, rare] = count_sections(&group.kinds);
        if quotes > 0 {
            let order = self.order.find(group, |kind| kind == Kind::QuoteChanged as u8);
            let mut columns = Columns { input, unpacker, scratch: &mut self.scratch, order, count: quotes };
            read_quotes(&mut columns, &mut group.quotes)?;
        }
        if trades > 0 {
            let order = self.order.find(group, |kind| kind == Kind::TradePrinted as u8);
            let mut columns = Columns { input, unpacker, scratch: &mut self.scratch, order, count: trades };
            read_trades(&mut columns, &mut group.trades)?;
        }
        if bars > 0 {
            let order = self.order.find(group, is_bar);
            let mut columns = Columns { input, unpacker, scratch: &mut self.scratch, order, count: bars };
            read_bars(&mut columns, &mut group.bars)?;
            let times = times_of_bars(&group.kinds, &group.times);
            for (open_time, time) in group.bars.open_times.iter_mut().zip(times) {
                *open_time = time.wrapping_sub(*open_time);
            }
        }
        if vectors > 0 {
            // The grouping rule bounds what a vector may claim: a column of zeros takes next to no bytes.
            let limit = if count > 1 { GROUP_BYTES_MAX } else { EVENT_BYTES_MAX };
            self.read_features(input, vectors, limit, &mut group.features)?;
        }
        if books > 0 {
            let order = self.order.find(group, |kind| kind == Kind::BookChanged as u8);
            let mut columns = Columns {
                input,
                unpacker: &mut self.unpacker,
                scratch: &mut self.scratch,
                order,
                count: books,
            };
            read_books(&mut columns, &mut group.books)?;
        }
        let rest = input.rest();
        if rare > 0 {
            rows::read(rest, &mut group.rare)?;
            let kinds = group.kinds.iter().filter(|&&kind| is_rare(kind));
            if group.rare.len() != rare
                || !kinds.zip(&group.rare).all(|(&kind, fact)| fact.kind() as u8 == kind)
            {
                return Err(CodecError::Rows);
            }
        } else if !rest.is_empty() {
            return Err(CodecError::Long(rest.len()));
        }
        Ok(())
    }

    fn read_kinds(
        &mut self,
        input: &mut Input<'_>,
        count: usize,
        kinds: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        match input.byte()? {
            KINDS_ONE => kinds.resize(count, built(input.byte()?)?),
            KINDS_RUNS => {
                while kinds.len() < count {
                    let kind = built(input.byte()?)?;
                    let length = input.varint()?;
                    if length == 0 || length > (count - kinds.len()) as u64 {
                        return Err(CodecError::Invalid { what: "a run of kinds", value: length });
                    }
                    kinds.resize(kinds.len() + length as usize, kind);
                }
            }
            KINDS_PACKED => {
                let length = usize::from(input.byte()?);
                let table = input.take(length)?;
                for &kind in table {
                    built(kind)?;
                }
                self.unpacker.column(input, count, &mut self.scratch)?;
                for &place in &self.scratch {
                    let kind = usize::try_from(place).ok().and_then(|place| table.get(place));
                    let wrong = CodecError::Invalid { what: "a kind's place", value: place as u64 };
                    kinds.push(*kind.ok_or(wrong)?);
                }
            }
            mode => return Err(CodecError::Invalid { what: "the kinds' mode", value: u64::from(mode) }),
        }
        Ok(())
    }

    fn read_features(
        &mut self,
        input: &mut Input<'_>,
        count: usize,
        limit: usize,
        features: &mut FeatureVectors,
    ) -> Result<(), CodecError> {
        let unpacker = &mut self.unpacker;
        unpacker.column(input, count, &mut features.lengths)?;
        let total = total_of(&features.lengths, limit / 4)?;
        unpacker.column(input, count, &mut features.valid_lengths)?;
        let total_valid = total_of(&features.valid_lengths, limit / 8)?;
        starts_of(&features.lengths, &mut self.starts);
        features.values.resize(total, 0);
        let longest = features.lengths.iter().copied().max().unwrap_or(0);
        for column in 0..longest {
            let with = features.lengths.iter().filter(|&&length| length > column).count();
            unpacker.column(input, with, &mut self.scratch)?;
            let mut bits = 0;
            let vectors = features.lengths.iter().zip(&self.starts).filter(|(length, _)| **length > column);
            for ((_, start), &changed) in vectors.zip(&self.scratch) {
                bits ^= changed as u32;
                features.values[start + column as usize] = bits;
            }
        }
        unpacker.column(input, total_valid, &mut features.valid)?;
        Ok(())
    }
}

/// The sum of lengths that came from outside, if it is sensible.
fn total_of(lengths: &[i64], limit: usize) -> Result<usize, CodecError> {
    let mut total = 0_usize;
    for &length in lengths {
        let sensible = usize::try_from(length).ok().filter(|&length| length <= limit);
        total += sensible.ok_or(CodecError::Invalid { what: "a vector's length", value: length as u64 })?;
        if total > limit {
            return Err(CodecError::Invalid { what: "the length of all vectors", value: total as u64 });
        }
    }
    Ok(total)
}

/// Where each vector begins.
fn starts_of(lengths: &[i64], starts: &mut Vec<usize>) {
    starts.clear();
    let mut start = 0;
    for &length in lengths {
        starts.push(start);
        start += length as usize;
    }
}

fn is_bar(kind: u8) -> bool {
    kind == Kind::BarReceived as u8 || kind == Kind::BarClosed as u8
}

fn is_rare(kind: u8) -> bool {
    kind != Kind::QuoteChanged as u8
        && kind != Kind::TradePrinted as u8
        && kind != Kind::FeaturesComputed as u8
        && kind != Kind::BookChanged as u8
        && !is_bar(kind)
}

/// `kind`, if this build knows its contents.
fn built(kind: u8) -> Result<u8, CodecError> {
    match Kind::from_number(kind) {
        Some(known) if known.is_built() => Ok(kind),
        _ => Err(CodecError::Invalid { what: "a kind", value: u64::from(kind) }),
    }
}

/// How many quotes, trades, bars, feature vectors, changes of books and rare facts there are.
fn count_sections(kinds: &[u8]) -> [usize; 6] {
    let mut of_kind = [0_usize; 256];
    for run in kinds.chunk_by(|a, b| a == b) {
        of_kind[usize::from(run[0])] += run.len();
    }
    let of = |kind: Kind| of_kind[kind as usize];
    let (quotes, trades) = (of(Kind::QuoteChanged), of(Kind::TradePrinted));
    let (bars, vectors) = (of(Kind::BarReceived) + of(Kind::BarClosed), of(Kind::FeaturesComputed));
    let books = of(Kind::BookChanged);
    [quotes, trades, bars, vectors, books, kinds.len() - quotes - trades - bars - vectors - books]
}

fn write_kinds(kinds: &[u8], packer: &mut Packer, out: &mut Vec<u8>) {
    let mut places = [u8::MAX; 256];
    let (mut table, mut runs) = (Vec::new(), 0);
    for run in kinds.chunk_by(|a, b| a == b) {
        runs += 1;
        let place = &mut places[usize::from(run[0])];
        if *place == u8::MAX {
            *place = table.len() as u8;
            table.push(run[0]);
        }
    }
    if table.len() == 1 {
        out.extend_from_slice(&[KINDS_ONE, table[0]]);
        return;
    }
    let place_bits = crate::bits::width_of(table.len() as u64 - 1);
    if 2 * runs <= table.len() + kinds.len() * place_bits / 8 {
        out.push(KINDS_RUNS);
        for run in kinds.chunk_by(|a, b| a == b) {
            out.push(run[0]);
            put_varint(run.len() as u64, out);
        }
    } else {
        out.extend_from_slice(&[KINDS_PACKED, table.len() as u8]);
        out.extend_from_slice(&table);
        let places: Vec<i64> = kinds.iter().map(|&kind| i64::from(places[usize::from(kind)])).collect();
        packer.plain(&places, out);
    }
}

/// Causes lie a few events back, so their distance is written; an event that names itself as its cause needs
/// the plain way, because the distance 0 means "no cause".
/// Positions, then how far the input numbers are from what the positions say: an event at position 0 is the next
/// input, any other belongs to the last one. Both columns are zeros but for what is rare.
fn write_sequences(sequences: &[i64], scratch: &mut Vec<i64>, packer: &mut Packer, out: &mut Vec<u8>) {
    packer.plain(filled(scratch, sequences.iter().map(|sequence| sequence & POSITION)), out);
    let surprise = |last: i64, sequence: i64| {
        let step = (sequence >> POSITION_BITS).wrapping_sub(last >> POSITION_BITS);
        step.wrapping_sub(i64::from(sequence & POSITION == 0))
    };
    let first = sequences.first().map(|&first| surprise(0, first));
    let rest = sequences.windows(2).map(|pair| surprise(pair[0], pair[1]));
    packer.plain(filled(scratch, first.into_iter().chain(rest)), out);
}

/// The values in a buffer.
fn filled(scratch: &mut Vec<i64>, values: impl Iterator<Item = i64>) -> &[i64] {
    scratch.clear();
    scratch.extend(values);
    scratch
}

fn read_sequences(
    input: &mut Input<'_>,
    unpacker: &mut Unpacker,
    count: usize,
    surprises: &mut Vec<i64>,
    sequences: &mut Vec<i64>,
) -> Result<(), CodecError> {
    unpacker.column(input, count, sequences)?;
    unpacker.column(input, count, surprises)?;
    let mut last = 0_i64;
    for (sequence, surprise) in sequences.iter_mut().zip(surprises.iter()) {
        last = last.wrapping_add(*surprise).wrapping_add(i64::from(*sequence == 0));
        *sequence |= last << POSITION_BITS;
    }
    Ok(())
}

fn write_causes(group: &Group, scratch: &mut Vec<i64>, packer: &mut Packer, out: &mut Vec<u8>) {
    let pairs = || group.sequences.iter().zip(&group.causes);
    if pairs().any(|(sequence, cause)| sequence == cause && *cause != 0) {
        out.push(CAUSES_PLAIN);
        packer.plain(&group.causes, out);
    } else {
        out.push(CAUSES_BACK);
        let back =
            |(sequence, cause): (&i64, &i64)| if *cause == 0 { 0 } else { sequence.wrapping_sub(*cause) };
        packer.plain(filled(scratch, pairs().map(back)), out);
    }
}

fn read_causes(input: &mut Input<'_>, unpacker: &mut Unpacker, group: &mut Group) -> Result<(), CodecError> {
    let mode = input.byte()?;
    if mode > CAUSES_PLAIN {
        return Err(CodecError::Invalid { what: "the causes' mode", value: u64::from(mode) });
    }
    unpacker.column(input, group.sequences.len(), &mut group.causes)?;
    if mode == CAUSES_BACK {
        for (cause, sequence) in group.causes.iter_mut().zip(&group.sequences) {
            *cause = if *cause == 0 { 0 } else { sequence.wrapping_sub(*cause) };
        }
    }
    Ok(())
}

/// The rows of a section, instrument by instrument, so that a price has its own neighbours.
#[derive(Default)]
struct Order {
    keys: Vec<u64>,
    rows: Vec<u16>,
}

impl Order {
    /// The rows in the order in which they are stored; `None` when that is the order of events.
    fn find(&mut self, group: &Group, belongs: impl Fn(u8) -> bool) -> Option<&[u16]> {
        let all = &group.instruments;
        if all.iter().all(|id| *id == all[0]) {
            return None;
        }
        self.keys.clear();
        let instruments = group.kinds.iter().zip(all).filter(|(kind, _)| belongs(**kind)).map(|(_, id)| *id);
        for (row, id) in instruments.enumerate() {
            self.keys.push((id as u64) << 16 | row as u64);
        }
        self.keys.sort_unstable();
        self.rows.clear();
        self.rows.extend(self.keys.iter().map(|&key| key as u16));
        Some(&self.rows)
    }
}

/// How the packer is given a section's values: in the order in which they are stored.
struct Sorted<'a> {
    order: Option<&'a [u16]>,
    scratch: &'a mut Vec<i64>,
    packer: &'a mut Packer,
    out: &'a mut Vec<u8>,
}

impl Sorted<'_> {
    fn deltas(&mut self, values: &[i64]) {
        self.packer.deltas(stored(self.order, values, self.scratch), self.out);
    }

    /// The differences of what two columns hold, packed as differences of neighbours.
    fn deltas_between(&mut self, values: &[i64], from: &[i64]) {
        let between = |row: usize| values[row].wrapping_sub(from[row]);
        let values = match self.order {
            None => {
                filled(self.scratch, values.iter().zip(from).map(|(value, from)| value.wrapping_sub(*from)))
            }
            Some(order) => filled(self.scratch, order.iter().map(|&row| between(usize::from(row)))),
        };
        self.packer.deltas(values, self.out);
    }

    fn either(&mut self, values: &[i64]) {
        self.packer.either(stored(self.order, values, self.scratch), self.out);
    }

    fn plain(&mut self, values: &[i64]) {
        self.packer.plain(stored(self.order, values, self.scratch), self.out);
    }

    fn optional(&mut self, column: &Optional) {
        let Optional { present, values } = column;
        if values.is_empty() {
            self.out.push(PRESENT_NONE);
            return;
        }
        if present.is_empty() {
            self.out.push(PRESENT_ALL);
        } else {
            self.out.push(PRESENT_SOME);
            self.plain(present);
        }
        self.packer.either(stored(self.order, values, self.scratch), self.out);
    }
}

/// The values in the order in which they are stored.
fn stored<'a>(order: Option<&[u16]>, values: &'a [i64], scratch: &'a mut Vec<i64>) -> &'a [i64] {
    match order {
        None => values,
        Some(order) => filled(scratch, order.iter().map(|&row| values[usize::from(row)])),
    }
}

fn write_quotes(quotes: &Quotes, sorted: &mut Sorted<'_>) {
    let Quotes { bids, asks, bid_sizes, ask_sizes } = quotes;
    sorted.deltas(bids);
    sorted.deltas_between(asks, bids);
    sorted.optional(bid_sizes);
    sorted.optional(ask_sizes);
}

fn write_trades(trades: &Trades, sorted: &mut Sorted<'_>) {
    let Trades { prices, sizes, aggressors } = trades;
    sorted.deltas(prices);
    sorted.optional(sizes);
    sorted.plain(aggressors);
}

fn write_bars(group: &Group, sorted: &mut Sorted<'_>) {
    let Bars { open_times, opens, highs, lows, closes, volumes } = &group.bars;
    let mut differences: Vec<i64> = times_of_bars(&group.kinds, &group.times)
        .zip(open_times)
        .map(|(time, open_time)| time.wrapping_sub(*open_time))
        .collect();
    sorted.plain(&differences);
    sorted.deltas(opens);
    for prices in [highs, lows, closes] {
        differences.clear();
        differences.extend(prices.iter().zip(opens).map(|(price, open)| price.wrapping_sub(*open)));
        sorted.plain(&differences);
    }
    sorted.optional(volumes);
}

/// Words, prices, sizes; whether orders are named, and then which.
fn write_books(books: &Books, sorted: &mut Sorted<'_>) {
    let Books { words, prices, sizes, orders } = books;
    sorted.plain(words);
    sorted.deltas(prices);
    sorted.either(sizes);
    if orders.is_empty() {
        sorted.out.push(PRESENT_NONE);
    } else {
        sorted.out.push(PRESENT_ALL);
        sorted.deltas(orders);
    }
}

/// The `time_event` of every bar.
fn times_of_bars(kinds: &[u8], times: &[i64]) -> impl Iterator<Item = i64> {
    kinds.iter().zip(times).filter(|(kind, _)| is_bar(**kind)).map(|(_, time)| *time)
}

fn write_features(features: &FeatureVectors, packer: &mut Packer, out: &mut Vec<u8>) {
    let FeatureVectors { lengths, values, valid_lengths, valid } = features;
    packer.plain(lengths, out);
    packer.plain(valid_lengths, out);
    let mut starts = Vec::new();
    starts_of(lengths, &mut starts);
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut changes = Vec::with_capacity(lengths.len());
    for column in 0..longest {
        changes.clear();
        let mut last = 0;
        for (_, start) in lengths.iter().zip(&starts).filter(|(length, _)| **length > column) {
            let bits = values[start + column as usize];
            changes.push(i64::from(bits ^ last));
            last = bits;
        }
        packer.plain(&changes, out);
    }
    packer.plain(valid, out);
}

/// The columns of one section as they are read.
struct Columns<'a, 'b> {
    input: &'a mut Input<'b>,
    unpacker: &'a mut Unpacker,
    scratch: &'a mut Vec<i64>,
    order: Option<&'a [u16]>,
    count: usize,
}

impl Columns<'_, '_> {
    /// The next column in the order of events.
    fn read(&mut self, out: &mut Vec<i64>) -> Result<(), CodecError> {
        let Some(order) = self.order else { return self.unpacker.column(self.input, self.count, out) };
        self.unpacker.column(self.input, self.count, self.scratch)?;
        out.clear();
        out.resize(self.count, 0);
        for (&row, &value) in order.iter().zip(self.scratch.iter()) {
            out[usize::from(row)] = value;
        }
        Ok(())
    }

    fn read_optional(&mut self, out: &mut Optional) -> Result<(), CodecError> {
        match self.input.byte()? {
            PRESENT_NONE => return Ok(()),
            PRESENT_ALL => {}
            PRESENT_SOME => self.read(&mut out.present)?,
            mode => return Err(CodecError::Invalid { what: "a presence", value: u64::from(mode) }),
        }
        self.read(&mut out.values)
    }
}

fn read_quotes(columns: &mut Columns<'_, '_>, quotes: &mut Quotes) -> Result<(), CodecError> {
    columns.read(&mut quotes.bids)?;
    columns.read(&mut quotes.asks)?;
    for (ask, bid) in quotes.asks.iter_mut().zip(&quotes.bids) {
        *ask = ask.wrapping_add(*bid);
    }
    columns.read_optional(&mut quotes.bid_sizes)?;
    columns.read_optional(&mut quotes.ask_sizes)
}

fn read_trades(columns: &mut Columns<'_, '_>, trades: &mut Trades) -> Result<(), CodecError> {
    columns.read(&mut trades.prices)?;
    columns.read_optional(&mut trades.sizes)?;
    columns.read(&mut trades.aggressors)?;
    match trades.aggressors.iter().find(|side| !(0..=2).contains(*side)) {
        Some(&wild) => Err(CodecError::Invalid { what: "a side", value: wild as u64 }),
        None => Ok(()),
    }
}

fn read_books(columns: &mut Columns<'_, '_>, books: &mut Books) -> Result<(), CodecError> {
    columns.read(&mut books.words)?;
    if let Some(&wild) = books.words.iter().find(|&&word| word_parts(word).is_none()) {
        return Err(CodecError::Invalid { what: "a change of a book", value: wild as u64 });
    }
    columns.read(&mut books.prices)?;
    columns.read(&mut books.sizes)?;
    match columns.input.byte()? {
        PRESENT_NONE => Ok(()),
        PRESENT_ALL => columns.read(&mut books.orders),
        mode => Err(CodecError::Invalid { what: "a presence", value: u64::from(mode) }),
    }
}

/// Leaves the spans in place of the open times; the caller knows the times.
fn read_bars(columns: &mut Columns<'_, '_>, bars: &mut Bars) -> Result<(), CodecError> {
    columns.read(&mut bars.open_times)?;
    columns.read(&mut bars.opens)?;
    for prices in [&mut bars.highs, &mut bars.lows, &mut bars.closes] {
        columns.read(prices)?;
        for (price, open) in prices.iter_mut().zip(&bars.opens) {
            *price = price.wrapping_add(*open);
        }
    }
    columns.read_optional(&mut bars.volumes)
}
