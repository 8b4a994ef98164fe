//! Any bytes given as an archive of LEAN, and any text packed into one: events or an error, never a panic.
//!
//! `tests/fuzz 10 lean` runs it for ten minutes.
//!
//! A checksum would stop nearly every mutation of what an archive holds at the door, so the target packs the text
//! itself, under a name that its first bytes draw.
#![no_main]

use std::io::Write;

use genovo_adapters::data::Market;
use libfuzzer_sys::fuzz_target;
use zip::write::{SimpleFileOptions, ZipWriter};

mod read_all;
use read_all::{read_all, spec};

const NAMES: [&str; 8] = [
    "20131007_bac_Quote_Tick.csv",
    "20131007_bac_Trade_Tick.csv",
    "20140504_xauusd_tick_quote.csv",
    "20131007_bac_minute_trade.csv",
    "20131007_bac_second_quote.csv",
    "20131006_es_minute_trade_201312.csv",
    "bac.csv",
    "es_trade_201312.csv",
];
const MARKETS: [&str; 5] = ["equity/usa", "forex/oanda", "cfd/oanda", "crypto/coinbase", "future/cme"];

fuzz_target!(|input: &[u8]| {
    let [choice, named, bytes @ ..] = input else { return };
    let mut spec = spec(*choice);
    spec.market = MARKETS.get(usize::from(*named >> 4) % 6).and_then(|market| Market::parse(market).ok());
    let mut file = tempfile::Builder::new().suffix(".zip").tempfile().expect("a temporary file");
    if bytes.starts_with(b"PK") {
        file.write_all(bytes).expect("room for it");
    } else {
        let mut archive = ZipWriter::new(&mut file);
        let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(NAMES[usize::from(*named) % NAMES.len()], plain).expect("a name");
        archive.write_all(bytes).expect("room for it");
        archive.finish().expect("room for it");
    }
    read_all(file.path(), &spec);
});
