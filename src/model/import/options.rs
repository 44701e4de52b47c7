//! What an ONNX file leaves open, and the file without that.

use std::collections::{BTreeMap, BTreeSet};

use super::constant::{self, ExternalData};
use crate::model::{
    ModelError, limits,
    onnx::{self, Dimension, GraphProto},
};
use prost::Message as _;

/// Bytes of external data.
const MAX_EMBEDDED: usize = 8 * limits::MAX_TOTAL_ELEMENTS;

/// What an ONNX file leaves open.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Lengths of symbolic dimensions, by symbol. A leading dimension that is not given is 1: one
    /// inference at a time.
    pub dimensions: BTreeMap<String, usize>,
    /// Inferences along the leading axis of every input, where it is open or 1.
    pub batch: Option<usize>,
    /// Reads `length` bytes from `offset` on of a file beside the model. The location is relative and
    /// has no `..` in it. Without a reader, models with data in other files are refused.
    pub external_data: Option<&'a ExternalData<'a>>,
}

impl ImportOptions<'_> {
    /// The length of an input's leading dimension, if these options say what it is.
    pub(super) fn leading(&self, dimension: Option<&Dimension>) -> Result<Option<usize>, String> {
        let given = match dimension {
            Some(Dimension::Symbol(symbol)) => self.dimensions.get(symbol).copied(),
            _ => None,
        };
        match (self.batch, given, dimension) {
            (None, given, _) => Ok(given),
            (Some(batch), Some(given), _) => {
                Err(format!("its leading dimension is given as {given}, and the batch as {batch}"))
            }
            (Some(_), None, Some(Dimension::Value(found))) if *found != 1 => Err(format!(
                "its leading dimension is {found}; a batch lies along one that is open or 1"
            )),
            (batch, None, _) => Ok(batch),
        }
    }

    /// A symbol that no input has is mistyped.
    pub(super) fn check_dimensions(&self, graph: &GraphProto) -> Result<(), ModelError> {
        let shapes = graph
            .input
            .iter()
            .filter_map(|input| input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
        let symbols: BTreeSet<&str> = shapes
            .flat_map(|shape| &shape.dim)
            .filter_map(|dim| match &dim.value {
                Some(Dimension::Symbol(symbol)) => Some(symbol.as_str()),
                _ => None,
            })
            .collect();
        match self.dimensions.keys().find(|name| !symbols.contains(name.as_str())) {
            None => Ok(()),
            Some(got) => Err(ModelError::UnknownDimension {
                got: got.clone(),
                expected: match symbols.len() {
                    0 => "none, as all are numbers".into(),
                    _ => symbols.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", "),
                },
            }),
        }
    }
}

/// The same ONNX file, complete in itself: data of other files is in it, dimensions that `options` give
/// are numbers. `None` if it is that already.
pub fn embed(bytes: &[u8], options: &ImportOptions<'_>) -> Result<Option<Vec<u8>>, ModelError> {
    let mut file = onnx::decode(bytes)?;
    let Some(graph) = &mut file.graph else { return Err(ModelError::Missing("graph")) };
    let (mut changed, mut bytes) = (false, 0);
    for tensor in &mut graph.initializer {
        let embedded = constant::embed(tensor, options.external_data)?;
        // Many initializers can name the same bytes of a file.
        bytes += embedded.unwrap_or(0);
        if bytes > MAX_EMBEDDED {
            return Err(ModelError::TooLarge {
                what: format!("the bytes of external data up to `{}`", tensor.name),
                got: bytes as u128,
                limit: MAX_EMBEDDED as u128,
            });
        }
        changed |= embedded.is_some();
    }
    options.check_dimensions(graph)?;
    if options.batch.is_some() {
        open_batch(graph, options);
        changed = true;
    }
    let dimensions = graph
        .input
        .iter_mut()
        .filter_map(|input| input.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut())
        .flat_map(|shape| &mut shape.dim);
    for dimension in dimensions {
        if let Some(Dimension::Symbol(symbol)) = &dimension.value
            && let Some(&length) = options.dimensions.get(symbol)
        {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            dimension.value = Some(Dimension::Value(length));
            changed = true;
        }
    }
    Ok(changed.then(|| file.encode_to_vec()))
}

/// Gives every input, and what is known of the outputs, the leading dimension that options ask for.
fn open_batch(graph: &mut GraphProto, options: &ImportOptions<'_>) {
    // Up to IR version 3, initializers are listed as inputs too.
    let constants: BTreeSet<String> =
        graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    let inputs = graph.input.iter_mut().filter(|input| !constants.contains(&input.name));
    for input in inputs.chain(&mut graph.output) {
        let shape = (input.r#type.as_mut())
            .and_then(|r#type| r#type.tensor_type.as_mut()?.shape.as_mut())
            .and_then(|shape| shape.dim.first_mut());
        let Some(leading) = shape else { continue };
        // What cannot be a batch is said where inputs are read; outputs follow from the nodes.
        let length = options.leading(leading.value.as_ref()).ok().flatten();
        let length = length.and_then(|length| i64::try_from(length).ok());
        leading.value = length.map(Dimension::Value).or(leading.value.take());
    }
}
