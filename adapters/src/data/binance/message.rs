//! What a line of a capture is. Values stay as they stand in the line: none is copied, a number becomes no float, and
//! an error can say which bytes are wrong.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A value as it stands in the line, where there is one.
pub(super) type Raw<'a> = Option<&'a RawValue>;

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
    pub symbol: &'a str,
    /// When it happened, in milliseconds.
    pub time: Option<u64>,
    /// The first and the last change of the venue in it.
    pub first: u64,
    pub last: u64,
    /// The last change in the update before, which only futures say.
    pub before: Option<u64>,
    pub bids: Raw<'a>,
    pub asks: Raw<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub time: Option<u64>,
    pub last: u64,
    pub bids: Raw<'a>,
    pub asks: Raw<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct Ticker<'a> {
    pub symbol: &'a str,
    pub time: Option<u64>,
    pub bid: &'a str,
    pub bid_size: &'a str,
    pub ask: &'a str,
    pub ask_size: &'a str,
}

#[derive(Clone, Copy)]
pub(super) struct Trade<'a> {
    pub symbol: &'a str,
    pub time: Option<u64>,
    pub price: &'a str,
    pub size: &'a str,
    /// Whether the buyer's order rested: then a seller crossed.
    pub buyer_rested: bool,
    /// Whether trades at one price by one order are one of these.
    pub aggregated: bool,
}

/// What a message lacks.
pub(super) struct Lacks(pub &'static str);

/// The fields that are looked for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    stream: Raw<'a>,
    #[serde(borrow)]
    data: Raw<'a>,
    #[serde(borrow)]
    e: Raw<'a>,
    #[serde(borrow, rename = "E")]
    event_time: Raw<'a>,
    #[serde(borrow, rename = "T")]
    trade_time: Raw<'a>,
    #[serde(borrow, rename = "s")]
    symbol: Raw<'a>,
    #[serde(borrow, rename = "U")]
    first: Raw<'a>,
    #[serde(borrow, rename = "u")]
    last: Raw<'a>,
    #[serde(borrow, rename = "pu")]
    before: Raw<'a>,
    #[serde(borrow)]
    b: Raw<'a>,
    #[serde(borrow)]
    a: Raw<'a>,
    #[serde(borrow, rename = "B")]
    bid_size: Raw<'a>,
    #[serde(borrow, rename = "A")]
    ask_size: Raw<'a>,
    #[serde(borrow, rename = "p")]
    price: Raw<'a>,
    #[serde(borrow, rename = "q")]
    size: Raw<'a>,
    #[serde(borrow)]
    m: Raw<'a>,
    #[serde(borrow, rename = "lastUpdateId")]
    snapshot: Raw<'a>,
    #[serde(borrow)]
    bids: Raw<'a>,
    #[serde(borrow)]
    asks: Raw<'a>,
}

impl<'a> Fields<'a> {
    fn of(object: &'a str) -> Option<Fields<'a>> {
        // An array would be taken for the fields in their order.
        if !object.trim_ascii_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(object).ok()
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
        let body = std::str::from_utf8(body).map_err(|_| Lacks("UTF-8 text"))?;
        let mut fields = Fields::of(body).ok_or(Lacks("one JSON object"))?;
        let mut stream = "";
        if let Some(data) = fields.data {
            stream = text(fields.stream).unwrap_or("");
            fields = Fields::of(data.get()).ok_or(Lacks("an object as `data`"))?;
        }
        let time = fields.time();
        if fields.snapshot.is_some() {
            return Ok(Message::Snapshot(Snapshot {
                time,
                last: whole(fields.snapshot).ok_or_else(lacks("a whole number as `lastUpdateId`"))?,
                bids: fields.bids,
                asks: fields.asks,
            }));
        }
        let symbol = text(fields.symbol).unwrap_or("");
        let string = |value: Raw<'a>, name| text(value).ok_or(Lacks(name));
        match text(fields.e).unwrap_or("") {
            "depthUpdate" => Ok(Message::Depth(Depth {
                symbol,
                time,
                first: whole(fields.first).ok_or_else(lacks("a whole number as `U`"))?,
                last: whole(fields.last).ok_or_else(lacks("a whole number as `u`"))?,
                before: whole(fields.before),
                bids: fields.b,
                asks: fields.a,
            })),
            kind @ ("trade" | "aggTrade") => Ok(Message::Trade(Trade {
                symbol,
                time,
                price: string(fields.price, "a price as `p`")?,
                size: string(fields.size, "a size as `q`")?,
                buyer_rested: match fields.m.map(RawValue::get) {
                    Some("true") => true,
                    Some("false") => false,
                    _ => return Err(Lacks("true or false as `m`")),
                },
                aggregated: kind == "aggTrade",
            })),
            // On spot the best prices come without the name of their kind.
            kind if kind == "bookTicker" || (kind.is_empty() && stream.ends_with("@bookTicker")) => {
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
    pub(super) fn symbol(&self) -> Option<&'a str> {
        let symbol = match self {
            Message::Depth(depth) => depth.symbol,
            Message::Ticker(ticker) => ticker.symbol,
            Message::Trade(trade) => trade.symbol,
            Message::Snapshot(_) | Message::Other => return None,
        };
        (!symbol.is_empty()).then_some(symbol)
    }
}

/// A value that is a whole number.
fn whole(value: Raw<'_>) -> Option<u64> {
    value?.get().parse().ok()
}

/// The inside of a value that is a string, as it stands there.
fn text(value: Raw<'_>) -> Option<&str> {
    value?.get().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(body: &str) -> Option<&'static str> {
        Message::read(body.as_bytes()).err().map(|Lacks(what)| what)
    }

    #[test]
    fn what_is_no_message_says_what_it_lacks() {
        for body in ["", "{", "{\"a\":1", "{\"a\":1,}", "{a:1}", "[1]", "{} {}", "{\"e\":1,\"e\":2}"] {
            assert_eq!(lacks(body), Some("one JSON object"), "{body}");
        }
        assert_eq!(Message::read(b"{\"\xff\":1}").err().map(|Lacks(what)| what), Some("UTF-8 text"));
        assert_eq!(lacks("{\"data\":[1]}"), Some("an object as `data`"));
        for number in ["1.0", "-1", "1e3", "\"1\"", "18446744073709551616"] {
            let body = format!("{{\"lastUpdateId\":{number}}}");
            assert_eq!(lacks(&body), Some("a whole number as `lastUpdateId`"), "{body}");
        }
        let trade = |rest: &str| lacks(&format!("{{\"e\":\"trade\",{rest}}}"));
        assert_eq!(trade("\"p\":1.5,\"q\":\"1\",\"m\":true"), Some("a price as `p`"));
        assert_eq!(trade("\"p\":\"1.5\",\"q\":\"1\",\"m\":\"true\""), Some("true or false as `m`"));
        // Whatever else is in it, however deep, is passed over.
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(lacks(&format!("{{\"e\":\"x\",\"z\":{deep}}}")), None);
    }
}
