//! Models as files: safetensors with one key of metadata, known by their content.
//!
//! The metadata has exactly one key, `genovo`, with canonical JSON ([`Metadata`]): no map order, no times and
//! no host in it. Tensors are named as in [`Spec::tensors`]; matrices are `[inputs, outputs]`, the last index
//! fastest. A reduced model stores its large matrices as BF16, or as I8 with a scale for each output in
//! `NAME.scale`; all other tensors stay F32.
//!
//! A model's id is BLAKE3 over its spec and tensors, whatever their order in the file and whatever else the
//! metadata says.

mod init;
mod metadata;
mod reduce;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, View};

use crate::model::{Role, Spec, TensorSpec};
pub use metadata::{Exactness, FORMAT_VERSION, Lineage, Metadata, Precision};

/// The one key of the file's metadata.
const KEY: &str = "genovo";

/// A model's id: BLAKE3 of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub [u8; 32]);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("b3:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why a file is no model that can be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The bytes are no safetensors file, or damaged.
    #[error("it is no safetensors file, or damaged: {0}")]
    NotSafetensors(String),
    /// A safetensors file of another program.
    #[error("its metadata must have exactly the key `{KEY}`, but has {0}: another program made it")]
    Foreign(String),
    /// The metadata cannot be read, or is not canonical.
    #[error("its metadata: {0}")]
    Metadata(String),
    /// The shape cannot be.
    #[error("its shape: {0}")]
    Spec(#[from] crate::model::SpecError),
    /// A tensor is missing.
    #[error("tensor `{0}` is missing")]
    Missing(String),
    /// A tensor that no part of the model uses.
    #[error("tensor `{0}` belongs to no part of the model")]
    Extra(String),
    /// A tensor of another type or shape.
    #[error("tensor `{name}` is {found}, but must be {expected}")]
    Shape {
        /// Its name.
        name: String,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// A weight that is NaN or infinite.
    #[error("tensor `{name}`: value {at} is {value}")]
    Value {
        /// The tensor.
        name: String,
        /// Which value.
        at: usize,
        /// What it is.
        value: String,
    },
}

/// A tensor as a file stores it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredTensor {
    /// Its name.
    pub name: String,
    /// Its shape, the last index fastest.
    pub shape: Vec<usize>,
    /// `F32`, `BF16` or `I8`.
    pub stored: &'static str,
}

/// Where a tensor lies in the file.
#[derive(Clone, Debug)]
struct Place {
    dtype: Dtype,
    bytes: Range<usize>,
}

/// A model's file, read and checked: every tensor is there, finite, and of the right shape.
#[derive(Clone)]
pub struct Checkpoint {
    file: Vec<u8>,
    metadata: Metadata,
    places: BTreeMap<String, Place>,
    id: ModelId,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.metadata.spec.name(), self.metadata.precision.name(), self.id)
    }
}

/// A tensor as a file stores it: F32, or what its matrix was reduced to.
fn stored(spec: &Spec, precision: Precision) -> Vec<(TensorSpec, Dtype)> {
    let mut all = Vec::new();
    for tensor in spec.tensors() {
        let reduced = tensor.role == Role::Matrix;
        match precision {
            Precision::Bf16 if reduced => all.push((tensor, Dtype::BF16)),
            Precision::Int8 if reduced => {
                let scales = TensorSpec {
                    name: format!("{}.scale", tensor.name),
                    shape: vec![tensor.shape[1]],
                    role: Role::Bias,
                };
                all.extend([(tensor, Dtype::I8), (scales, Dtype::F32)]);
            }
            _ => all.push((tensor, Dtype::F32)),
        }
    }
    all
}

/// A tensor that is yet to be written.
struct Part<'a> {
    tensor: TensorSpec,
    dtype: Dtype,
    make: Box<dyn Fn() -> Cow<'a, [u8]> + 'a>,
}

impl<'a> Part<'a> {
    fn new(tensor: TensorSpec, dtype: Dtype, make: impl Fn() -> Cow<'a, [u8]> + 'a) -> Self {
        Self { tensor, dtype, make: Box::new(make) }
    }
}

impl View for &Part<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.tensor.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (self.make)()
    }

    fn data_len(&self) -> usize {
        self.tensor.len() * self.dtype.bitsize() / 8
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|word| f32::from_le_bytes(*word))
}

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is damaged, foreign, or not a whole model.
    pub fn read(file: Vec<u8>) -> Result<Self, CheckpointError> {
        let damaged =
            |error: safetensors::SafeTensorError| CheckpointError::NotSafetensors(error.to_string());
        let (_, header) = SafeTensors::read_metadata(&file).map_err(damaged)?;
        let tensors = SafeTensors::deserialize(&file).map_err(damaged)?;
        let keys = header.metadata().clone().unwrap_or_default();
        let text = match (keys.len(), keys.get(KEY)) {
            (1, Some(text)) => text,
            (0, _) => return Err(CheckpointError::Foreign("none".to_owned())),
            _ => {
                let mut keys: Vec<&str> = keys.keys().map(String::as_str).collect();
                keys.sort_unstable();
                return Err(CheckpointError::Foreign(format!("`{}`", keys.join("`, `"))));
            }
        };
        let metadata = Metadata::from_canonical_json(text).map_err(CheckpointError::Metadata)?;
        metadata.spec.check()?;
        // Each layer has tensors of its own. A small file may claim a million layers, whose list alone would
        // take a gigabyte: of more layers than there are tensors, the first that lacks one is named at once.
        if metadata.spec.layers > tensors.len() {
            let mut firsts = (0..=tensors.len()).map(|layer| format!("layer.{layer}.norm1.g"));
            let missing = firsts.find(|name| tensors.tensor(name).is_err());
            return Err(CheckpointError::Missing(missing.unwrap_or_default()));
        }
        let (mut places, mut hasher) = (BTreeMap::new(), blake3::Hasher::new());
        hasher.update(b"genovo model 1\n").update(metadata.spec.to_canonical_json().as_bytes());
        for (tensor, dtype) in stored(&metadata.spec, metadata.precision) {
            let view = tensors.tensor(&tensor.name);
            let view = view.map_err(|_| CheckpointError::Missing(tensor.name.clone()))?;
            check(&tensor, dtype, &view)?;
            let line = format!("\n{} {dtype:?} {:?}\n", tensor.name, tensor.shape);
            hasher.update(line.as_bytes()).update(view.data());
            let start = view.data().as_ptr() as usize - file.as_ptr() as usize;
            places.insert(tensor.name, Place { dtype, bytes: start..start + view.data().len() });
        }
        let mut names = tensors.names();
        names.sort_unstable();
        if let Some(extra) = names.into_iter().find(|name| !places.contains_key(*name)) {
            return Err(CheckpointError::Extra(extra.to_owned()));
        }
        let id = ModelId(*hasher.finalize().as_bytes());
        Ok(Self { file, metadata, places, id })
    }

    /// A checkpoint of these f32 tensors. `values` is asked for each of [`Spec::tensors`], in that order.
    ///
    /// # Errors
    /// When the shape cannot be, or the values are not as many as the shape says, or not finite.
    pub fn build(
        spec: &Spec,
        lineage: Lineage,
        mut values: impl FnMut(&TensorSpec) -> Result<Vec<f32>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        spec.check()?;
        let mut parts = Vec::new();
        for tensor in spec.tensors() {
            let values = values(&tensor)?;
            if values.len() != tensor.len() {
                return Err(CheckpointError::Shape {
                    name: tensor.name,
                    found: format!("{} values", values.len()),
                    expected: format!("F32 {:?}", tensor.shape),
                });
            }
            parts.push(Part::new(tensor, Dtype::F32, move || Cow::Owned(bytes(&values))));
        }
        Self::write(Metadata::new(spec.clone(), Precision::F32, lineage), parts)
    }

    /// The same model for a set of features, which becomes part of its metadata; its id stays.
    ///
    /// # Errors
    /// When the metadata cannot be written.
    pub fn with_feature_set(self, hash: &str) -> Result<Self, CheckpointError> {
        let metadata = Metadata { feature_set: Some(hash.to_owned()), ..self.metadata.clone() };
        let parts = stored(&metadata.spec, metadata.precision).into_iter().map(|(tensor, dtype)| {
            let name = tensor.name.clone();
            let file = &self;
            Part::new(tensor, dtype, move || Cow::Borrowed(file.bytes_of(&name)))
        });
        let parts = parts.collect();
        Self::write(metadata, parts)
    }

    /// Writes a file of these tensors, and reads it. They are made one after the other, so that of tensors that are
    /// computed one at a time is in memory.
    fn write(metadata: Metadata, parts: Vec<Part<'_>>) -> Result<Self, CheckpointError> {
        let keys = [(KEY.to_owned(), metadata.to_canonical_json())].into_iter().collect();
        let named: Vec<_> = parts.iter().map(|part| (part.tensor.name.as_str(), part)).collect();
        let file = safetensors::serialize(named, Some(keys));
        drop(parts);
        Self::read(file.map_err(|error| CheckpointError::NotSafetensors(error.to_string()))?)
    }

    /// The file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The model's id.
    pub fn id(&self) -> ModelId {
        self.id
    }

    /// What the metadata says.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The model's shape.
    pub fn spec(&self) -> &Spec {
        &self.metadata.spec
    }

    /// Its tensors, as the file stores them.
    pub fn tensors(&self) -> Vec<StoredTensor> {
        let all = stored(&self.metadata.spec, self.metadata.precision).into_iter();
        let name = |dtype| match dtype {
            Dtype::BF16 => "BF16",
            Dtype::I8 => "I8",
            _ => "F32",
        };
        all.map(|(TensorSpec { name: tensor, shape, .. }, dtype)| StoredTensor {
            name: tensor,
            shape,
            stored: name(dtype),
        })
        .collect()
    }

    fn bytes_of(&self, name: &str) -> &[u8] {
        let place = self.places.get(name).unwrap_or_else(|| panic!("no tensor `{name}`"));
        &self.file[place.bytes.clone()]
    }

    /// The values of a tensor that is stored as f32.
    ///
    /// # Panics
    /// When the model has no such tensor, or it was reduced.
    pub fn values(&self, name: &str) -> Vec<f32> {
        let place = self.places.get(name).unwrap_or_else(|| panic!("no tensor `{name}`"));
        assert_eq!(place.dtype, Dtype::F32, "{name}");
        words(&self.file[place.bytes.clone()]).collect()
    }

    /// The values of a tensor in f32, whatever it is stored as: what was reduced is expanded.
    pub(crate) fn expanded(&self, name: &str) -> Vec<f32> {
        match self.weights(name) {
            OwnedWeights::F32(values) => values,
            OwnedWeights::Bf16(halves) => {
                halves.into_iter().map(|half| f32::from_bits(u32::from(half) << 16)).collect()
            }
            OwnedWeights::Int8 { values, scales } => {
                let of = |(at, value): (usize, i8)| f32::from(value) * scales[at % scales.len()];
                values.into_iter().enumerate().map(of).collect()
            }
        }
    }

    /// The values of a tensor as stored: f32, the bits of bfloat16, or integers with their scales.
    pub(crate) fn weights(&self, name: &str) -> OwnedWeights {
        let bytes = self.bytes_of(name);
        match self.places[name].dtype {
            Dtype::BF16 => {
                let (halves, _) = bytes.as_chunks::<2>();
                OwnedWeights::Bf16(halves.iter().map(|half| u16::from_le_bytes(*half)).collect())
            }
            Dtype::I8 => OwnedWeights::Int8 {
                values: bytes.iter().map(|byte| *byte as i8).collect(),
                scales: self.values(&format!("{name}.scale")),
            },
            _ => OwnedWeights::F32(self.values(name)),
        }
    }
}

/// A tensor's values, taken out of the file.
pub(crate) enum OwnedWeights {
    F32(Vec<f32>),
    Bf16(Vec<u16>),
    Int8 { values: Vec<i8>, scales: Vec<f32> },
}

/// Whether a tensor is what the model needs, and its values can be computed with.
fn check(tensor: &TensorSpec, dtype: Dtype, view: &TensorView<'_>) -> Result<(), CheckpointError> {
    if view.dtype() != dtype || view.shape() != tensor.shape {
        return Err(CheckpointError::Shape {
            name: tensor.name.clone(),
            found: format!("{:?} {:?}", view.dtype(), view.shape()),
            expected: format!("{dtype:?} {:?}", tensor.shape),
        });
    }
    let bad = match dtype {
        Dtype::F32 => words(view.data()).position(|value| !value.is_finite()),
        // The exponent's bits all set: infinite or NaN.
        Dtype::BF16 => {
            let (halves, _) = view.data().as_chunks::<2>();
            halves.iter().position(|half| u16::from_le_bytes(*half) & 0x7f80 == 0x7f80)
        }
        _ => None,
    };
    match bad {
        Some(at) => Err(CheckpointError::Value {
            name: tensor.name.clone(),
            at,
            value: "not a finite number".to_owned(),
        }),
        None => Ok(()),
    }
}
