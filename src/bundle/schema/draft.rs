//! Beginnings of schemas: what a model's own scale says of its input.

use super::{DataSchema, Decimal, Document, FORMAT, FieldDocument, Rounding, SchemaError, VERSION};
use crate::circuit::InstanceTensor;
use crate::model::{Model, Port};
use crate::name::Name;

impl DataSchema {
    /// A document to edit, of the input behind a port of a model: a single field, whose step and offset are the model's scale and zero
    /// point. The step is the shortest decimal that reads as that float, so values at whole steps are those that the model's first
    /// node quantizes to the same integers.
    pub fn draft(
        model: &Model,
        port: &Port,
        input: &InstanceTensor,
    ) -> Result<String, SchemaError> {
        let quantization = model.graph.tensors[port.tensor.0].quantization;
        let (low, high) = quantization.element.range();
        let is_prepared = port.preparation.is_some();
        let scale = if is_prepared { 1.0 } else { quantization.scale };
        let zero_point = if is_prepared { 0 } else { quantization.zero_point };
        let beyond = || SchemaError::Scale { input: input.name.clone(), scale };
        let step = Decimal::parse(&scale.to_string()).filter(|step| step.is_positive());
        let step = step.ok_or_else(beyond)?;
        let real = |integer: i32| {
            let value =
                Decimal::after(Decimal::ZERO, step, i64::from(integer) - i64::from(zero_point));
            value.map(|value| value.to_string()).ok_or_else(beyond)
        };
        let unit = if is_prepared {
            "integers that the model's first steps make of its input: `zkverdict inspect` says how"
        } else {
            "what the model takes"
        };
        let field = FieldDocument {
            name: Name::new(if input.name.is_empty() { "x" } else { &input.name }).to_string(),
            unit: unit.into(),
            count: (input.len() > 1).then_some(input.len() as u64),
            step: step.to_string(),
            offset: real(0)?,
            range: [real(low)?, real(high)?],
            rounding: if port.is_float && !is_prepared {
                Rounding::Nearest
            } else {
                Rounding::Exact
            },
            missing: None,
        };
        let document = Document {
            format: FORMAT.into(),
            version: VERSION,
            title: "Say here what the data are".into(),
            code: input.code,
            shape: input.shape.iter().map(|&length| length as u64).collect(),
            fields: vec![field],
        };
        let text = serde_json::to_string_pretty(&document).expect("its keys are texts") + "\n";
        Self::parse(text.as_bytes())?;
        Ok(text)
    }
}
