//! Models with fewer bits: each is a model of its own, with an id of its own.

use std::borrow::Cow;

use safetensors::Dtype;

use super::{Checkpoint, CheckpointError, Lineage, Metadata, Part, Precision, bytes, stored, words};

/// The nearest bfloat16 of a finite f32, ties to even. What is beyond the largest becomes the largest.
fn bfloat16(value: f32) -> u16 {
    let bits = value.to_bits();
    let rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    let (sign, magnitude) = (rounded & 0x8000, rounded & 0x7fff);
    (sign | if magnitude < 0x7f80 { magnitude } else { 0x7f7f }) as u16
}

/// The scale of each column, and all values as multiples of it: `[inputs, outputs]`.
fn integers(values: &[f32], outputs: usize) -> (Vec<i8>, Vec<f32>) {
    let mut scales = vec![0.0f32; outputs];
    for row in values.chunks_exact(outputs) {
        for (scale, value) in scales.iter_mut().zip(row) {
            if value.abs() > *scale {
                *scale = value.abs();
            }
        }
    }
    for scale in &mut scales {
        *scale /= 127.0;
    }
    let whole = values.iter().enumerate().map(|(at, value)| {
        let scale = scales[at % outputs];
        // A column whose scale is too small to be a float is zero altogether.
        if scale == 0.0 { 0 } else { (value / scale).round_ties_even() as i8 }
    });
    (whole.collect(), scales)
}

impl Checkpoint {
    /// The same model with its large matrices in fewer bits.
    ///
    /// bfloat16 rounds each weight to the nearest; int8 takes, for each output, the largest weight as 127
    /// steps and rounds to whole steps. The result is another model, whose lineage names this one.
    ///
    /// # Errors
    /// When this model is reduced already.
    pub fn reduced(&self, precision: Precision) -> Result<Self, CheckpointError> {
        if self.metadata.precision != Precision::F32 || precision == Precision::F32 {
            let (from, to) = (self.metadata.precision.name(), precision.name());
            return Err(CheckpointError::Metadata(format!(
                "a model in {from} cannot be reduced to {to}; only one in f32 can, to bf16 or int8"
            )));
        }
        let parts = stored(&self.metadata.spec, precision).into_iter().map(|(tensor, dtype)| {
            let (name, columns) = (tensor.name.clone(), tensor.shape[tensor.shape.len() - 1]);
            let wide = |name: &str| -> Vec<f32> { words(self.bytes_of(name)).collect() };
            match (dtype, tensor.name.strip_suffix(".scale").map(str::to_owned)) {
                (_, Some(matrix)) => {
                    Part::new(tensor, dtype, move || Cow::Owned(bytes(&integers(&wide(&matrix), columns).1)))
                }
                (Dtype::BF16, None) => Part::new(tensor, dtype, move || {
                    Cow::Owned(wide(&name).iter().flat_map(|value| bfloat16(*value).to_le_bytes()).collect())
                }),
                (Dtype::I8, None) => Part::new(tensor, dtype, move || {
                    let (whole, _) = integers(&wide(&name), columns);
                    Cow::Owned(whole.iter().map(|value| *value as u8).collect())
                }),
                _ => Part::new(tensor, dtype, move || Cow::Borrowed(self.bytes_of(&name))),
            }
        });
        let parts = parts.collect();
        let lineage = Lineage {
            origin: format!("reduced to {}", precision.name()),
            parent: Some(self.id.to_string()),
            ..self.metadata.lineage.clone()
        };
        Self::write(Metadata { precision, lineage, ..self.metadata.clone() }, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bfloat16_rounds_to_the_nearest_and_ties_to_even() {
        let wide = |half: u16| f32::from_bits(u32::from(half) << 16);
        for (value, expected) in [
            (1.0, 0x3f80),
            (-0.0, 0x8000),
            (f32::from_bits(0x3f80_8000), 0x3f80), // a tie, down to even
            (f32::from_bits(0x3f81_8000), 0x3f82), // a tie, up to even
            (f32::from_bits(0x3f80_8001), 0x3f81),
            (f32::from_bits(0x0000_8001), 0x0001), // subnormal
            (f32::MAX, 0x7f7f),
            (f32::MIN, 0xff7f),
        ] {
            assert_eq!(bfloat16(value), expected, "{value:e}");
            assert!(wide(bfloat16(value)).is_finite());
        }
    }

    #[test]
    fn integers_span_each_column() {
        let (whole, scales) = integers(&[1.0, 0.0, -3.0e-45, -2.0, 0.0, 2.8e-45], 3);
        assert_eq!(whole, [64, 0, 0, -127, 0, 0]);
        assert_eq!(scales, [2.0 / 127.0, 0.0, 0.0]);
    }
}
