//! Any bytes at all give events or an error.

use genovo_adapters::data::{Column, DataSpec, Field, open};
use genovo_engine::settings::DataKind;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{drain, file, spec};

fn any_kind() -> impl Strategy<Value = DataSpec> {
    let kind = prop_oneof![Just(DataKind::Quotes), Just(DataKind::Trades), Just(DataKind::Bars)];
    (kind, any::<bool>(), any::<bool>(), 1..3_u32).prop_map(|(kind, header, skip_bad_rows, tiles)| {
        let mut spec = spec(kind);
        (spec.header, spec.skip_bad_rows, spec.tiles) = (header, skip_bad_rows, tiles);
        if !header {
            let places = Field::of(kind).iter().enumerate();
            spec.columns = places.map(|(i, field)| (*field, Column::Number(i + 1))).collect();
        }
        spec
    })
}

/// Reads what can be read; all that matters is that it comes back, and that arrivals never run backwards.
fn survive(bytes: &[u8], spec: &DataSpec) -> Result<(), TestCaseError> {
    let file = file(bytes);
    let _ = genovo_adapters::data::inspect::guess(file.path());
    if let Ok(mut open) = open(file.path(), spec) {
        let (events, _) = drain(&mut open, 3);
        for pair in events.windows(2) {
            prop_assert!(pair[0].header.time_received <= pair[1].header.time_received);
        }
    }
    Ok(())
}

const HEADERS: [&str; 3] =
    ["ts_ns,bid,ask,bid_size,ask_size\n", "ts_ns,price,size,side\n", "ts_ns,open,high,low,close,volume\n"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), spec in any_kind()) {
        survive(&bytes, &spec)?;
    }

    #[test]
    fn any_bytes_that_claim_to_be_packed(
        head in select(vec![&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        spec in any_kind(),
    ) {
        survive(&[head, &bytes].concat(), &spec)?;
    }

    #[test]
    fn nearly_rows(
        rows in "([0-9]{1,19}[,;\"]|[-+.eE0-9]{0,12}[,;]|\"|\r?\n|[a-z,]){0,60}",
        header in 0..3_usize,
        spec in any_kind(),
    ) {
        survive((HEADERS[header].to_string() + &rows).as_bytes(), &spec)?;
    }
}
