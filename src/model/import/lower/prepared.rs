//! Float inputs that are standardized, or brought to another unit, before they are quantized.

use crate::model::import::{
    Importer, RealId, RealKind,
    expression::{Real, element},
    ports::InputKind,
};
use crate::model::{
    Arithmetic, Code, Codes, ElementType, ModelError, Node, Operator, Origin, Preparation,
    PreparationStep, Quantization, Tensor, TensorId, View,
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

    /// Whether this is what the integers of an input leave of it.
    pub(in crate::model::import) fn is_rest_of_input(&self, [x, whole]: [RealId; 2]) -> bool {
        let (Some((position, steps)), &RealKind::Activation(whole)) =
            (self.prepared_input(x), &self.real(whole).kind)
        else {
            return false;
        };
        let input = &self.inputs[position];
        let own = input.preparation.as_ref();
        let is_alike = own.map_or(&[][..], Preparation::steps) == steps
            && own.is_none_or(|own| own.codes().is_none());
        input.tensor == Some(whole) && input.kind == InputKind::Number && is_alike
    }

    /// The integers of what an input's integers leave of it. Both are bytes of the input from then on, one beside the
    /// other.
    pub(in crate::model::import) fn lower_rest_of_input(
        &mut self,
        real: &Real,
        [x, _]: [RealId; 2],
        quantization: Quantization,
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let other = || real.unsupported("the rest of an input");
        let (position, steps) = self.prepared_input(x).ok_or_else(other)?;
        let whole = self.inputs[position].tensor.ok_or_else(other)?;
        let Tensor { name, shape, quantization: of_whole } = self.tensor(whole).clone();
        let plain = Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int8 };
        if [of_whole, quantization].iter().any(|own| Quantization { scale: 1.0, ..*own } != plain) {
            return Err(
                real.unsupported("the rest of an input in other integers than int8 around 0")
            );
        }
        let len = self.tensor(whole).len();
        let code = Code::Parts { scale: of_whole.scale, rest: quantization.scale };
        let codes = Codes { shape: shape.clone(), elements: vec![code; len] };
        let both = self.add_tensor(&name, [&shape[..], &[2]].concat(), plain)?;
        self.inputs[position].tensor = Some(both);
        self.inputs[position].preparation = Some(Preparation::coded_after(steps, codes));
        let part = |part: usize| {
            let elements = (0..len).map(|at| element(0, 2 * at + part)).collect();
            Operator::View(View::Elements(elements))
        };
        let origin = || Origin { operator: "Slice".into(), ..Origin::default() };
        // What takes the first bytes may stand anywhere.
        let first = Node {
            name: name.clone(),
            operator: part(0),
            inputs: vec![both],
            output: whole,
            origin: origin(),
        };
        self.graph.nodes.insert(0, first);
        self.add_node(&real.node, part(1), vec![both], output, origin())
    }
}
