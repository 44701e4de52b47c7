//! From functions of one activation's elements to tables.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use crate::model::import::{
    Importer, RealId, RealKind,
    expression::{Pair, Source},
};
use crate::model::{Exactness, ModelError, Operator, Origin, Table, Tables, Tensor, TensorId};

/// How many functions one node may choose from, by the position of the element.
const MAX_TABLES: usize = 4096;

impl Importer<'_> {
    /// An expression of one activation's elements, as tables.
    pub(super) fn lower_table(
        &mut self,
        id: RealId,
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let real = self.real(id).clone();
        let Source::One(x) = real.source else {
            return Err(real.unsupported(
                "a float operator whose inputs are not all dequantized right before it",
            ));
        };
        let input = self.tensor(x).quantization;
        let (low, high) = input.element.range();
        let reals: Rc<[f32]> = (low..=high).map(|q| input.dequantize(q)).collect();
        let mut below = BTreeSet::new();
        self.collect(id, &mut below);
        let parameters = below.iter().map(|&id| self.real(id).parameters).sum();

        // Elements where all constants are the same share a table.
        let constants: Vec<RealId> = below
            .iter()
            .copied()
            .filter(|&id| self.real(id).source == Source::Constant && self.uniform(id).is_none())
            .collect();
        let constant_values: Vec<Vec<f32>> =
            constants.iter().map(|&id| self.constant_reals(id).unwrap_or_default()).collect();
        let mut tables = Vec::new();
        let mut selector = Vec::new();
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let elements = if constants.is_empty() { 1 } else { output.shape.iter().product() };
        for element in 0..elements {
            let key: Vec<u32> =
                constant_values.iter().map(|values| values[element].to_bits()).collect();
            let next = u32::try_from(tables.len()).expect("there are fewer tables than elements");
            let index = *known.entry(key).or_insert(next);
            if index == next {
                if tables.len() == MAX_TABLES {
                    return Err(real.unsupported("a different function of each element"));
                }
                self.count_elements(&real.node, below.len() * reals.len())?;
                let values = self.evaluate(id, element, &reals, &mut HashMap::new());
                let values = values
                    .iter()
                    .map(|&real| output.quantization.quantize(real).clamp(min, max))
                    .collect();
                tables.push(Table { values });
            }
            selector.push(index);
        }
        let name = match real.operator.as_str() {
            "Sigmoid" => "QLinearSigmoid",
            "LeakyRelu" => "QLinearLeakyRelu",
            "DequantizeLinear" => "QuantizeLinear",
            other => other,
        };
        let is_exact = below.iter().all(|&id| self.is_exact_in_floats(id));
        let exactness = if is_exact { Exactness::Exact } else { Exactness::Approximate };
        let origin = Origin { operator: name.to_owned(), exactness, parameters };
        let operator = if tables.len() == 1 {
            tables.remove(0).or_view(input.element, output.quantization.element)
        } else {
            Operator::Tables(Tables { tables, selector })
        };
        self.add_node(&real.node, operator, vec![x], output, origin)
    }

    /// Whether a step of an elementwise expression is bit for bit onnxruntime's.
    fn is_exact_in_floats(&self, id: RealId) -> bool {
        let real = self.real(id);
        match &real.kind {
            RealKind::Elementwise(function, _) => function.is_exact(),
            RealKind::Pair { pair: Pair::Pow, operands: [_, exponent], .. } => {
                self.uniform(*exponent).is_some_and(|exponent| exponent == 2.0 || exponent == 3.0)
            }
            // Its product and sum may be one operation there.
            RealKind::Pair { .. } => real.operator != "BatchNormalization",
            _ => true,
        }
    }

    /// All expressions that an elementwise expression consists of, each once.
    fn collect(&self, id: RealId, found: &mut BTreeSet<RealId>) {
        if !found.insert(id) {
            return;
        }
        match &self.real(id).kind {
            RealKind::Elementwise(_, operand) => self.collect(*operand, found),
            RealKind::Pair { operands, .. } => {
                operands.iter().for_each(|&operand| self.collect(operand, found));
            }
            RealKind::Select(operands) => {
                operands.iter().for_each(|&operand| self.collect(operand, found));
            }
            _ => {}
        }
    }

    /// An expression's values at an element, for each value of the activation that it depends on.
    fn evaluate(
        &self,
        id: RealId,
        element: usize,
        reals: &Rc<[f32]>,
        known: &mut HashMap<RealId, Rc<[f32]>>,
    ) -> Rc<[f32]> {
        if let Some(values) = known.get(&id) {
            return Rc::clone(values);
        }
        let values = match &self.real(id).kind {
            RealKind::Elementwise(function, operand) => {
                let operand = self.evaluate(*operand, element, reals, known);
                operand.iter().map(|&x| function.apply(x)).collect()
            }
            RealKind::Pair { pair, operands: [a, b], .. } => {
                let a = self.evaluate(*a, element, reals, known);
                let b = self.evaluate(*b, element, reals, known);
                a.iter().zip(b.iter()).map(|(&a, &b)| pair.apply(a, b)).collect()
            }
            &RealKind::Select(operands) => {
                let [truth, a, b] =
                    operands.map(|operand| self.evaluate(operand, element, reals, known));
                let values = truth.iter().zip(a.iter().zip(b.iter()));
                values.map(|(&truth, (&a, &b))| if truth != 0.0 { a } else { b }).collect()
            }
            RealKind::Constant(_) | RealKind::Weights(_) => {
                vec![self.constant_at(id, element); reals.len()].into()
            }
            _ => Rc::clone(reals),
        };
        known.insert(id, Rc::clone(&values));
        values
    }

    /// An element of a constant.
    fn constant_at(&self, id: RealId, element: usize) -> f32 {
        match &self.real(id).kind {
            RealKind::Constant(constant) => {
                constant.floats().and_then(|reals| reals.get(element)).copied().unwrap_or(0.0)
            }
            RealKind::Weights(weights) => weights.real(element),
            _ => 0.0,
        }
    }
}
