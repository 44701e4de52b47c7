//! Float inputs that are standardized, or brought to another unit, before they are quantized.

use crate::model::import::{Importer, RealId, RealKind, expression::Real, ports::InputKind};
use crate::model::{
    Arithmetic, ModelError, Operator, Origin, Preparation, PreparationStep, Quantization, Tensor,
    TensorId, View,
};

impl Importer<'_> {
    /// Whether an expression is an input of the model after nothing but sums and products with constants.
    pub(in crate::model::import) fn is_prepared_input(&self, id: RealId) -> bool {
        self.prepared_input(id).is_some()
    }

    /// The input's position, and the steps.
    pub(in crate::model::import) fn prepared_input(
        &self,
        id: RealId,
    ) -> Option<(usize, Vec<PreparationStep>)> {
        let real = self.real(id);
        match &real.kind {
            RealKind::Input(position) => Some((*position, Vec::new())),
            RealKind::View(elements, inputs) if matches!(elements.view, View::Reshape) => {
                self.prepared_input(*inputs.first()?)
            }
            RealKind::Filled(x, values) => {
                let (position, mut steps) = self.prepared_input(*x)?;
                let (arithmetic, constants) = (Arithmetic::Fill, values.to_vec());
                steps.push(PreparationStep { arithmetic, constants });
                Some((position, steps))
            }
            &RealKind::Pair { pair, operands: [a, b], .. } => {
                let (x, constants, arithmetic) = self.with_constants(pair, a, b)?;
                let (position, mut steps) = self.prepared_input(x)?;
                let first = *constants.first()?;
                let is_uniform = constants.iter().all(|c| c.to_bits() == first.to_bits());
                let constants = if is_uniform { vec![first] } else { constants };
                steps.push(PreparationStep { arithmetic, constants });
                Some((position, steps))
            }
            _ => None,
        }
    }

    /// The integers of an input.
    pub(in crate::model::import) fn lower_input(
        &mut self,
        real: &Real,
        id: RealId,
        quantization: Quantization,
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let (position, steps) =
            self.prepared_input(id).ok_or_else(|| real.unsupported("this input"))?;
        if self.inputs[position].kind != InputKind::Number {
            return Err(real.unsupported("a text or whole number that is no category"));
        }
        let preparation = (!steps.is_empty()).then(|| Preparation::new(steps));
        let shape = self.inputs[position].shape.clone();
        let tensor = self.encoded_input(real, position, preparation, (shape, quantization))?;
        if self.tensor(tensor).shape == real.shape {
            return Ok(tensor);
        }
        let origin = Origin { operator: real.operator.clone(), ..Origin::default() };
        let view = Operator::View(View::Reshape);
        self.add_node(&real.node, view, vec![tensor], output, origin)
    }

    /// An input of the model in integers: all that take it must take it alike.
    pub(in crate::model::import) fn encoded_input(
        &mut self,
        real: &Real,
        position: usize,
        preparation: Option<Preparation>,
        (shape, quantization): (Vec<usize>, Quantization),
    ) -> Result<TensorId, ModelError> {
        let input = &self.inputs[position];
        match input.tensor {
            None => {
                let name = input.name.clone();
                let tensor = self.add_tensor(&name, shape, quantization)?;
                self.inputs[position].tensor = Some(tensor);
                self.inputs[position].preparation = preparation;
                Ok(tensor)
            }
            Some(tensor)
                if self.tensor(tensor).quantization == quantization
                    && input.preparation == preparation =>
            {
                Ok(tensor)
            }
            Some(_) => Err(real.unsupported("an input that is quantized in two ways")),
        }
    }
}
