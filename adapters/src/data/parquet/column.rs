//! One column of a Parquet file as integers: what its physical and logical types mean, value by value.

use std::collections::BTreeMap;

use genovo_engine::units::{FIXED_MAX, Nanoseconds, Price};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use parquet::column::reader::ColumnReader;
use parquet::data_type::Int96;
use parquet::schema::types::ColumnDescriptor;

use crate::data::TimeFormat;
use crate::data::error::printable;
use crate::data::time::Clock;

/// What a value of a column becomes.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// Nanoseconds since 1970 UTC. A number without a unit of its own has that of the clock.
    Time(Clock),
    /// Units of 1e-9.
    Decimal,
    /// 1 for buy, −1 for sell, nothing for unknown.
    Side,
    /// The place of a text in this list; another one is a flaw.
    OneOf(Vec<String>),
    /// 1 for this text, 0 for any other.
    Is(String),
}

/// What is wrong with a value.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    pub(crate) column: String,
    pub(crate) value: String,
    pub(crate) problem: &'static str,
    pub(crate) expected: String,
}

/// A column being read.
pub(crate) struct Column {
    /// Which column of the file.
    pub(crate) place: usize,
    pub(crate) name: String,
    form: Form,
    /// The highest level of definition: a value with less is not there.
    defined: i16,
    pub(super) reader: Option<ColumnReader>,
}

/// How values are written.
#[derive(Clone, Debug)]
struct Form {
    physical: PhysicalType,
    /// Values are integers of this many decimals.
    scale: Option<i32>,
    /// Nanoseconds in one unit of a time.
    unit: Option<i64>,
    /// Binary numbers, lowest byte first, of this many decimals, as nautilus_trader writes them.
    little_endian: Option<i32>,
    /// Integers are counted from zero up only: a set top bit is no sign.
    unsigned: bool,
    want: Want,
}

impl Column {
    /// A column of the file as what is wanted of it, or why it cannot be that. `scale` is what the file's metadata
    /// says of the decimals of its integers; `little_endian` that of its binary numbers.
    pub(crate) fn new(
        place: usize,
        descriptor: &ColumnDescriptor,
        want: Want,
        scale: Option<i32>,
        little_endian: Option<i32>,
    ) -> Result<Column, String> {
        let (physical, name) = (descriptor.physical_type(), descriptor.name().to_string());
        let (logical, converted) = (descriptor.logical_type_ref(), descriptor.converted_type());
        let unit = match (logical, converted) {
            (Some(LogicalType::Timestamp(stamp)), _) => Some(match stamp.unit {
                TimeUnit::MILLIS => 1_000_000,
                TimeUnit::MICROS => 1_000,
                TimeUnit::NANOS => 1,
            }),
            (_, ConvertedType::TIMESTAMP_MILLIS) => Some(1_000_000),
            (_, ConvertedType::TIMESTAMP_MICROS) => Some(1_000),
            (Some(LogicalType::Date), _) | (_, ConvertedType::DATE) => Some(Nanoseconds::DAY.0),
            _ => None,
        };
        let decimal = matches!(logical, Some(LogicalType::Decimal(_))) || converted == ConvertedType::DECIMAL;
        let scale = if decimal { Some(descriptor.type_scale()) } else { scale };
        let unsigned = matches!(logical, Some(LogicalType::Integer(integer)) if !integer.is_signed)
            || matches!(
                converted,
                ConvertedType::UINT_8
                    | ConvertedType::UINT_16
                    | ConvertedType::UINT_32
                    | ConvertedType::UINT_64
            );
        let fixed = physical == PhysicalType::FIXED_LEN_BYTE_ARRAY;
        let little_endian = little_endian.filter(|_| fixed && !decimal);
        use PhysicalType::{BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64, INT96};
        let fits = match &want {
            Want::Time(_) => matches!(physical, INT64 | INT96 | BYTE_ARRAY) || unit.is_some(),
            Want::Decimal => match physical {
                INT32 | INT64 | FLOAT | DOUBLE => unit.is_none(),
                BYTE_ARRAY => true,
                FIXED_LEN_BYTE_ARRAY => decimal || little_endian.is_some(),
                _ => false,
            },
            Want::Side => matches!(physical, INT32 | INT64 | BYTE_ARRAY),
            Want::OneOf(_) | Want::Is(_) => physical == BYTE_ARRAY,
        };
        if !fits {
            let what = match want {
                Want::Time(_) => "times",
                Want::Decimal => "numbers",
                Want::Side => "sides",
                Want::OneOf(_) | Want::Is(_) => "texts",
            };
            return Err(format!("the column `{name}` is of type {physical}, which holds no {what} here"));
        }
        let form = Form { physical, scale, unit, little_endian, unsigned, want };
        Ok(Column { place, name, form, defined: descriptor.max_def_level(), reader: None })
    }

    /// Whether its times are texts.
    pub(super) fn is_of_text(&self) -> bool {
        self.form.physical == PhysicalType::BYTE_ARRAY
    }

    /// Whether its times are numbers without a unit.
    pub(super) fn needs_a_unit(&self) -> bool {
        self.form.unit.is_none() && matches!(self.form.physical, PhysicalType::INT32 | PhysicalType::INT64)
    }

    /// Reads the next `count` rows into `values`, and the first flaw of a row into `flaws`. Returns how many came.
    pub(super) fn read(
        &mut self,
        count: usize,
        values: &mut Vec<Option<i64>>,
        flaws: &mut BTreeMap<usize, Flaw>,
    ) -> Result<usize, String> {
        values.clear();
        let Some(reader) = &mut self.reader else { return Ok(0) };
        let (form, name, defined) = (&self.form, &self.name, self.defined);
        macro_rules! rows {
            ($reader:expr, $convert:expr) => {{
                let (mut levels, mut found) = (Vec::new(), Vec::new());
                let mut records = 0;
                while records < count {
                    let (more, ..) = $reader
                        .read_records(count - records, Some(&mut levels), None, &mut found)
                        .map_err(|error| error.to_string())?;
                    if more == 0 {
                        break;
                    }
                    records += more;
                }
                let mut there = found.iter();
                for row in 0..records {
                    let is_there = defined == 0 || levels.get(row) == Some(&defined);
                    let value = if is_there { there.next() } else { None };
                    values.push(match value.map($convert) {
                        None => None,
                        Some(Ok(value)) => value,
                        Some(Err((value, problem, expected))) => {
                            let column = name.clone();
                            flaws.entry(row).or_insert(Flaw { column, value, problem, expected });
                            None
                        }
                    });
                }
                Ok(records)
            }};
        }
        match reader {
            ColumnReader::Int32ColumnReader(reader) => rows!(reader, |value: &i32| match form.unsigned {
                true => form.integer(i64::from(*value as u32)),
                false => form.integer(i64::from(*value)),
            }),
            ColumnReader::Int64ColumnReader(reader) => rows!(reader, |value: &i64| match form.unsigned {
                true if *value < 0 => Err((
                    (*value as u64).to_string(),
                    "is out of range",
                    "at most 9223372036854775807".to_string(),
                )),
                _ => form.integer(*value),
            }),
            ColumnReader::Int96ColumnReader(reader) => rows!(reader, |value: &Int96| form.int96(value)),
            ColumnReader::FloatColumnReader(reader) => rows!(reader, |value: &f32| form.text_number(value)),
            ColumnReader::DoubleColumnReader(reader) => rows!(reader, |value: &f64| form.text_number(value)),
            ColumnReader::ByteArrayColumnReader(reader) => {
                rows!(reader, |value: &parquet::data_type::ByteArray| form.bytes(value.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                rows!(reader, |value: &parquet::data_type::FixedLenByteArray| form.bytes(value.data()))
            }
            ColumnReader::BoolColumnReader(_) => Err(format!("the column `{name}` holds true and false")),
        }
    }
}

type Value = Result<Option<i64>, (String, &'static str, String)>;

fn wrong(value: impl ToString, problem: &'static str, expected: &str) -> Value {
    Err((value.to_string(), problem, expected.to_string()))
}

const OUT_OF_RANGE: &str = "a number from about -4.6 to 4.6 billion with at most 9 decimals";

impl Form {
    fn integer(&self, value: i64) -> Value {
        match &self.want {
            Want::Time(clock) => match self.unit {
                Some(unit) => match value.checked_mul(unit) {
                    Some(time) => Ok(Some(time)),
                    None => wrong(value, "is not a time", "a time from 1677 to 2262"),
                },
                None => self.clocked(value.to_string().as_bytes(), clock),
            },
            Want::Decimal => self.decimal(i128::from(value), self.scale.unwrap_or(0)),
            Want::Side => match value {
                0 => Ok(None),
                1 => Ok(Some(1)),
                // nautilus_trader counts its sides.
                2 if self.unsigned => Ok(Some(-1)),
                -1 => Ok(Some(-1)),
                _ => wrong(value, "is not a side", "1 for buy, -1 for sell"),
            },
            Want::OneOf(_) | Want::Is(_) => wrong(value, "is no text", "a text"),
        }
    }

    fn clocked(&self, text: &[u8], clock: &Clock) -> Value {
        match clock.read(text) {
            Ok(time) => Ok(Some(time.0)),
            Err(expected) => wrong(printable(text), "is not a time", expected),
        }
    }

    /// An integer of `scale` decimals in units of 1e-9, exactly or not at all.
    fn decimal(&self, value: i128, scale: i32) -> Value {
        let shift = 9 - scale;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        let exact = match power {
            Some(power) if shift >= 0 => value.checked_mul(power),
            Some(power) if value % power == 0 => Some(value / power),
            _ => None,
        };
        match exact.and_then(|exact| i64::try_from(exact).ok()) {
            Some(exact) if (-FIXED_MAX..=FIXED_MAX).contains(&exact) => Ok(Some(exact)),
            _ => wrong(format!("{value}e-{scale}"), "is out of range", OUT_OF_RANGE),
        }
    }

    /// A float by its shortest decimal text: what was written is read, and not what the float is near to.
    fn text_number(&self, value: &(impl std::fmt::Display + Copy)) -> Value {
        let text = value.to_string();
        match Price::parse(text.as_bytes()) {
            Ok(price) => Ok(Some(price.0)),
            // A missing value is written so too.
            Err(_) if text == "NaN" => Ok(None),
            Err(_) => wrong(text, "is out of range", OUT_OF_RANGE),
        }
    }

    fn int96(&self, value: &Int96) -> Value {
        let [low, high, day] = value.data() else { return wrong("", "is not a time", "a time") };
        let nanoseconds = i128::from(u64::from(*high) << 32 | u64::from(*low));
        let days = i128::from(*day) - 2_440_588;
        match i64::try_from(days * i128::from(Nanoseconds::DAY.0) + nanoseconds) {
            Ok(time) => Ok(Some(time)),
            Err(_) => wrong(day, "is not a day", "a day from 1677 to 2262"),
        }
    }

    fn bytes(&self, bytes: &[u8]) -> Value {
        match &self.want {
            Want::Time(clock) => self.clocked(bytes, &Clock { format: TimeFormat::Text, ..*clock }),
            Want::OneOf(list) => match list.iter().position(|text| text.as_bytes() == bytes) {
                Some(place) => Ok(Some(place as i64)),
                None => {
                    wrong(printable(bytes), "is another instrument", &format!("one of {}", list.join(", ")))
                }
            },
            Want::Is(text) => Ok(Some(i64::from(text.as_bytes() == bytes))),
            Want::Side => {
                let is =
                    |words: &[&str]| words.iter().any(|word| bytes.eq_ignore_ascii_case(word.as_bytes()));
                if bytes.is_empty() || is(&["n", "none", "unknown"]) {
                    Ok(None)
                } else if is(&["b", "buy", "buyer"]) {
                    Ok(Some(1))
                } else if is(&["s", "sell", "seller"]) {
                    Ok(Some(-1))
                } else {
                    wrong(printable(bytes), "is not a side", "buy or sell")
                }
            }
            Want::Decimal => {
                if let Some(scale) = self.little_endian {
                    return match little_endian(bytes) {
                        Some(value) => self.decimal(value, scale),
                        None => wrong(bytes.len(), "is not the length of a number", "8 or 16 bytes"),
                    };
                }
                match self.scale {
                    Some(scale) => match big_endian(bytes) {
                        Some(value) => self.decimal(value, scale),
                        None => wrong(bytes.len(), "is not the length of a number", "1 to 16 bytes"),
                    },
                    None if self.physical == PhysicalType::BYTE_ARRAY => match Price::parse(bytes) {
                        Ok(price) => Ok(Some(price.0)),
                        Err(_) => wrong(printable(bytes), "is not a number", OUT_OF_RANGE),
                    },
                    None => wrong(bytes.len(), "is no number", "a decimal"),
                }
            }
        }
    }
}

fn little_endian(bytes: &[u8]) -> Option<i128> {
    match bytes.len() {
        8 => Some(i128::from(i64::from_le_bytes(bytes.try_into().ok()?))),
        16 => Some(i128::from_le_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

/// Two's complement, highest byte first, of any length up to 16.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let start = if bytes[0] & 0x80 != 0 { -1_i128 } else { 0 };
    Some(bytes.iter().fold(start, |value, byte| value << 8 | i128::from(*byte)))
}
