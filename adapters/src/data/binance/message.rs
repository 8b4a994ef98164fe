//! What a line of a capture is.

use super::json::{Json, text, whole};

/// One message. Its parts are as they stand in the line.
pub(super) enum Message<'a> {
    /// Levels that changed.
    Depth(Depth<'a>),
    /// The book as a REST call gave it.
    Snapshot(Snapshot<'a>),
    /// Best bid and ask.
    Ticker(Ticker<'a>),
    /// A trade.
    Trade(Trade<'a>),
    /// Anything else.
    Other,
}

#[derive(Clone, Copy)]
pub(super) struct Depth<'a> {
    pub symbol: &'a [u8],
    /// When it happened, in milliseconds.
    pub time: Option<u64>,
    /// The first and the last change of the venue in it.
    pub first: u64,
    pub last: u64,
    /// The last change in the update before, which only futures say.
    pub before: Option<u64>,
    pub bids: &'a [u8],
    pub asks: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub time: Option<u64>,
    pub last: u64,
    pub bids: &'a [u8],
    pub asks: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct Ticker<'a> {
    pub symbol: &'a [u8],
    pub time: Option<u64>,
    pub bid: &'a [u8],
    pub bid_size: &'a [u8],
    pub ask: &'a [u8],
    pub ask_size: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct Trade<'a> {
    pub symbol: &'a [u8],
    pub time: Option<u64>,
    pub price: &'a [u8],
    pub size: &'a [u8],
    /// Whether the buyer's order rested: then a seller crossed.
    pub buyer_rested: bool,
    /// Whether trades at one price by one order are one of these.
    pub aggregated: bool,
}

/// What a message lacks.
pub(super) struct Lacks(pub &'static str);

/// The fields that are looked for, empty where they are not there.
#[derive(Default)]
struct Fields<'a> {
    stream: &'a [u8],
    data: &'a [u8],
    e: &'a [u8],
    event_time: &'a [u8],
    trade_time: &'a [u8],
    symbol: &'a [u8],
    first: &'a [u8],
    last: &'a [u8],
    before: &'a [u8],
    b: &'a [u8],
    a: &'a [u8],
    bid_size: &'a [u8],
    ask_size: &'a [u8],
    price: &'a [u8],
    size: &'a [u8],
    m: &'a [u8],
    snapshot: &'a [u8],
    bids: &'a [u8],
    asks: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(body: &'a [u8]) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        let mut json = Json::new(body);
        json.object(|name, value| {
            let place = match name {
                b"stream" => &mut fields.stream,
                b"data" => &mut fields.data,
                b"e" => &mut fields.e,
                b"E" => &mut fields.event_time,
                b"T" => &mut fields.trade_time,
                b"s" => &mut fields.symbol,
                b"U" => &mut fields.first,
                b"u" => &mut fields.last,
                b"pu" => &mut fields.before,
                b"b" => &mut fields.b,
                b"a" => &mut fields.a,
                b"B" => &mut fields.bid_size,
                b"A" => &mut fields.ask_size,
                b"p" => &mut fields.price,
                b"q" => &mut fields.size,
                b"m" => &mut fields.m,
                b"lastUpdateId" => &mut fields.snapshot,
                b"bids" => &mut fields.bids,
                b"asks" => &mut fields.asks,
                _ => return,
            };
            *place = value;
        })?;
        json.is_done().then_some(fields)
    }

    /// When it happened; the time of the trade or change before the time of the message.
    fn time(&self) -> Option<u64> {
        whole(self.trade_time).or_else(|| whole(self.event_time))
    }
}

impl<'a> Message<'a> {
    /// Reads a message: with or without the envelope of a combined stream.
    pub(super) fn read(body: &'a [u8]) -> Result<Message<'a>, Lacks> {
        let lacks = |what| move || Lacks(what);
        let mut fields = Fields::of(body).ok_or(Lacks("one JSON object"))?;
        let mut stream: &[u8] = b"";
        if !fields.data.is_empty() {
            stream = fields.stream;
            fields = Fields::of(fields.data).ok_or(Lacks("an object as `data`"))?;
        }
        let time = fields.time();
        if !fields.snapshot.is_empty() {
            return Ok(Message::Snapshot(Snapshot {
                time,
                last: whole(fields.snapshot).ok_or_else(lacks("a whole number as `lastUpdateId`"))?,
                bids: fields.bids,
                asks: fields.asks,
            }));
        }
        let symbol = text(fields.symbol).unwrap_or(b"");
        let string = |value: &'a [u8], name| text(value).ok_or(Lacks(name));
        match text(fields.e).unwrap_or(b"") {
            b"depthUpdate" => Ok(Message::Depth(Depth {
                symbol,
                time,
                first: whole(fields.first).ok_or_else(lacks("a whole number as `U`"))?,
                last: whole(fields.last).ok_or_else(lacks("a whole number as `u`"))?,
                before: whole(fields.before),
                bids: fields.b,
                asks: fields.a,
            })),
            kind @ (b"trade" | b"aggTrade") => Ok(Message::Trade(Trade {
                symbol,
                time,
                price: string(fields.price, "a price as `p`")?,
                size: string(fields.size, "a size as `q`")?,
                buyer_rested: match fields.m {
                    b"true" => true,
                    b"false" => false,
                    _ => return Err(Lacks("true or false as `m`")),
                },
                aggregated: kind == b"aggTrade",
            })),
            // On spot the best prices come without the name of their kind.
            kind if kind == b"bookTicker" || (kind.is_empty() && stream.ends_with(b"@bookTicker\"")) => {
                Ok(Message::Ticker(Ticker {
                    symbol,
                    time,
                    bid: string(fields.b, "a price as `b`")?,
                    bid_size: string(fields.bid_size, "a size as `B`")?,
                    ask: string(fields.a, "a price as `a`")?,
                    ask_size: string(fields.ask_size, "a size as `A`")?,
                }))
            }
            _ => Ok(Message::Other),
        }
    }

    /// Whose it is, where it says so.
    pub(super) fn symbol(&self) -> Option<&'a [u8]> {
        let symbol = match self {
            Message::Depth(depth) => depth.symbol,
            Message::Ticker(ticker) => ticker.symbol,
            Message::Trade(trade) => trade.symbol,
            Message::Snapshot(_) | Message::Other => return None,
        };
        (!symbol.is_empty()).then_some(symbol)
    }
}
