//! Tables as Parquet: decimals are `decimal128(38, 9)`, times `timestamp[ns, UTC]`.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{Cell, ColumnKind, TableColumn, TableWriter, misfit};

/// Rows of a group: large enough to pack well, small enough to hold.
const GROUP: usize = 1 << 17;

/// A Parquet file being written, packed by zstd.
pub struct ParquetTable<W: Write + Send> {
    writer: Option<SerializedFileWriter<W>>,
    columns: Vec<TableColumn>,
    values: Vec<Values>,
    rows: usize,
}

/// The cells of a column that wait for their group.
struct Values {
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
    data: Data,
}

enum Data {
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    /// Sixteen bytes each, highest first.
    Decimals(Vec<FixedLenByteArray>),
    Texts(Vec<ByteArray>),
}

impl Values {
    fn new(kind: ColumnKind) -> Values {
        let data = match kind {
            ColumnKind::Whole | ColumnKind::Time => Data::Longs(Vec::new()),
            ColumnKind::Float => Data::Floats(Vec::new()),
            ColumnKind::Decimal => Data::Decimals(Vec::new()),
            ColumnKind::Text => Data::Texts(Vec::new()),
        };
        Values { levels: Vec::new(), data }
    }
}

impl<W: Write + Send> ParquetTable<W> {
    /// Begins a file; `about` is kept in its metadata.
    pub fn new(out: W, columns: &[TableColumn], about: &[(&str, String)]) -> io::Result<ParquetTable<W>> {
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(failed)?;
        let schema = Type::group_type_builder("genovo").with_fields(fields).build().map_err(failed)?;
        let about = about.iter().map(|(key, value)| KeyValue::new(key.to_string(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(about))
            .build();
        let writer =
            SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let values = columns.iter().map(|column| Values::new(column.kind)).collect();
        Ok(ParquetTable { writer: Some(writer), columns: columns.to_vec(), values, rows: 0 })
    }

    /// Writes the rows that wait as a group.
    fn write_group(&mut self) -> Result<(), ParquetError> {
        let Some(writer) = self.writer.as_mut().filter(|_| self.rows > 0) else { return Ok(()) };
        let mut group = writer.next_row_group()?;
        for values in &mut self.values {
            let Some(mut column) = group.next_column()? else { break };
            let levels = Some(values.levels.as_slice());
            match &mut values.data {
                Data::Longs(longs) => {
                    column.typed::<Int64Type>().write_batch(longs, levels, None)?;
                    longs.clear();
                }
                Data::Floats(floats) => {
                    column.typed::<FloatType>().write_batch(floats, levels, None)?;
                    floats.clear();
                }
                Data::Decimals(decimals) => {
                    column.typed::<FixedLenByteArrayType>().write_batch(decimals, levels, None)?;
                    decimals.clear();
                }
                Data::Texts(texts) => {
                    column.typed::<ByteArrayType>().write_batch(texts, levels, None)?;
                    texts.clear();
                }
            }
            values.levels.clear();
            column.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn field(column: &TableColumn) -> Result<Arc<Type>, ParquetError> {
    let builder = |physical| Type::primitive_type_builder(&column.name, physical);
    let builder = match column.kind {
        ColumnKind::Whole => builder(PhysicalType::INT64),
        ColumnKind::Time => builder(PhysicalType::INT64)
            .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        ColumnKind::Decimal => builder(PhysicalType::FIXED_LEN_BYTE_ARRAY)
            .with_length(16)
            .with_precision(38)
            .with_scale(9)
            .with_logical_type(Some(LogicalType::decimal(9, 38))),
        ColumnKind::Float => builder(PhysicalType::FLOAT),
        ColumnKind::Text => builder(PhysicalType::BYTE_ARRAY).with_logical_type(Some(LogicalType::String)),
    };
    builder.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

impl<W: Write + Send> TableWriter for ParquetTable<W> {
    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        for ((values, column), cell) in self.values.iter_mut().zip(&self.columns).zip(cells) {
            values.levels.push(i16::from(*cell != Cell::Absent));
            match (&mut values.data, cell) {
                (_, Cell::Absent) => {}
                (Data::Longs(longs), Cell::Whole(value)) => longs.push(*value),
                (Data::Longs(longs), Cell::Time(time)) => longs.push(time.0),
                (Data::Floats(floats), Cell::Float(value)) => floats.push(*value),
                (Data::Decimals(decimals), Cell::Decimal(value)) => {
                    decimals.push(ByteArray::from(value.to_be_bytes().to_vec()).into());
                }
                (Data::Texts(texts), Cell::Text(text)) => texts.push(text.as_bytes().to_vec().into()),
                _ => return Err(misfit(column, cell)),
            }
        }
        self.rows += 1;
        if self.rows == GROUP { self.write_group().map_err(failed) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write_group().map_err(failed)?;
        match self.writer.take() {
            Some(writer) => writer.close().map(|_| ()).map_err(failed),
            None => Ok(()),
        }
    }
}
