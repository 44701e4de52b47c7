//! Ensembles of decision trees, with splits that are exact.
//!
//! A split compares a float with a threshold. All that the comparisons with a feature tell is how many of its
//! thresholds lie below it: this rank is what the input is encoded as. From there on all is integers:
//!
//! ```text
//! above = clamp( rank − j, 0, 1 )                               whether x > the feature's threshold j, counted from 0
//! leaf  = clamp( Σ ±above + 1 − (how many must be above), 0, 1 ) whether all splits of its path go its way
//! score = Σ value · leaf, rescaled
//! ```
//!
//! So the path is always the file's. Only the values of leaves are rounded, far below a step of the score.

use crate::model::import::{
    Importer, RealId,
    ensemble::{Ensemble, Tree},
    expression::{Real, element},
};
use crate::model::{
    Add, AddOrder, Conv, ElementType, Exactness, Gemm, ModelError, Operand, Operator, Origin,
    Preparation, Quantization, Requantization, Tensor, TensorId, View, ViewElement, Window, limits,
};

/// Ranks are bytes.
const MOST_THRESHOLDS: usize = 255;

/// Integers that are themselves.
const PLAIN: Quantization = Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

impl Importer<'_> {
    /// Makes the integer operators of an ensemble.
    pub(in crate::model::import) fn lower_trees(
        &mut self,
        real: &Real,
        (x, ensemble): (RealId, &Ensemble),
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let features = self.real(x).shape.iter().product();
        let thresholds = ensemble.thresholds(features);
        if thresholds.iter().any(|own| own.len() > MOST_THRESHOLDS) {
            let reason = format!("a feature with more than {MOST_THRESHOLDS} thresholds");
            return Err(real.unsupported(&reason));
        }
        let ranks = self.ranked_input(real, x, &thresholds)?;
        let groups = ensemble.trees.len();
        let widest =
            |len: fn(&Tree) -> usize| ensemble.trees.iter().map(len).max().unwrap_or(0).max(1);
        let (splits, leaves) = (widest(|tree| tree.splits.len()), widest(|tree| tree.leaves.len()));
        limits::elements(&real.node, &[groups, splits, leaves])?;
        let tensor = |what: &str, shape: Vec<usize>| Tensor {
            name: format!("{} ({what})", output.name),
            shape,
            quantization: PLAIN,
        };
        let origin = |operator: &str, exactness, parameters| Origin {
            operator: operator.into(),
            exactness,
            parameters,
        };
        let exact = |operator: &str| origin(operator, Exactness::Exact, 0);

        // Each tree has as many splits and leaves as the largest one; what is missing is never above, never reached.
        let (mut picked, mut places) = (Vec::new(), Vec::new());
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for tree in &ensemble.trees {
            for split in 0..splits {
                match tree.splits.get(split) {
                    Some(&(feature, threshold)) => {
                        let place = thresholds[feature].partition_point(|&other| other < threshold);
                        picked.push(element(0, feature));
                        places.push(i32::try_from(place).expect("places are bytes"));
                    }
                    None => {
                        picked.push(ViewElement::Constant(0));
                        places.push(0);
                    }
                }
            }
            for leaf in 0..leaves {
                let mut row = vec![0; splits];
                let path = tree.leaves.get(leaf).map(|leaf| &leaf.path);
                let mut above = 0;
                for &(split, is_above) in path.into_iter().flatten() {
                    row[split] = if is_above { 1 } else { -1 };
                    above += i32::from(is_above);
                }
                weights.extend(row);
                bias.push(if path.is_some() { 1 - above } else { 0 });
            }
        }
        let picked = self.add_node(
            &real.node,
            Operator::View(View::Elements(picked)),
            vec![ranks],
            tensor("features of splits", vec![1, groups * splits, 1]),
            exact("Gather"),
        )?;
        let add = Add {
            operand: Operand::Constant(places),
            left: 1.0,
            right: -1.0,
            fixed: 0.0,
            order: AddOrder::LeftLast,
            min: 0,
            max: 1,
        };
        let above = self.add_node(
            &real.node,
            Operator::Add(add),
            vec![picked],
            tensor("splits", vec![1, groups * splits, 1]),
            exact("Greater"),
        )?;
        let one = [1, 1];
        let window = Window {
            input: one,
            output: one,
            kernel: one,
            strides: one,
            dilations: one,
            pads: [0, 0],
        };
        let conv = Conv {
            batch: 1,
            inputs: groups * splits,
            outputs: groups * leaves,
            group: groups,
            window,
            weights,
            bias,
            requantization: Requantization {
                multipliers: vec![1.0],
                zero_point: 0,
                min: 0,
                max: 1,
            },
        };
        let reached = self.add_node(
            &real.node,
            Operator::Conv(conv),
            vec![above],
            tensor("leaves", vec![1, groups * leaves, 1]),
            exact("And"),
        )?;
        let flat = self.add_node(
            &real.node,
            Operator::View(View::Reshape),
            vec![reached],
            tensor("leaves in a row", vec![1, groups * leaves]),
            exact("Reshape"),
        )?;

        let inputs = groups * leaves;
        let mut values = vec![0.0_f64; ensemble.targets * inputs];
        for (number, tree) in ensemble.trees.iter().enumerate() {
            for (position, leaf) in tree.leaves.iter().enumerate() {
                for &(target, value) in &leaf.values {
                    values[target * inputs + number * leaves + position] += f64::from(value);
                }
            }
        }
        // As fine as 32 bits allow, whatever the leaves are.
        let reach = values
            .chunks(inputs)
            .zip(&ensemble.base)
            .map(|(own, base)| {
                255.0 * own.iter().map(|value| value.abs()).sum::<f64>() + f64::from(base.abs())
            })
            .fold(f64::MIN_POSITIVE, f64::max);
        let step = reach / 2_f64.powi(30);
        #[allow(clippy::cast_possible_truncation)]
        let integer = |value: f64| (value / step).round_ties_even() as i32;
        #[allow(clippy::cast_possible_truncation)]
        let multiplier = (step / f64::from(output.quantization.scale)) as f32;
        if !multiplier.is_normal() {
            return Err(real.unsupported("leaves this small"));
        }
        let gemm = Gemm {
            inputs,
            outputs: ensemble.targets,
            weights: values.iter().map(|&value| integer(value)).collect(),
            bias: ensemble.base.iter().map(|&base| integer(base.into())).collect(),
            requantization: Requantization {
                multipliers: vec![multiplier],
                zero_point: output.quantization.zero_point,
                min,
                max,
            },
        };
        let origin = origin("TreeEnsembleRegressor", Exactness::Approximate, real.parameters);
        self.add_node(&real.node, Operator::Gemm(gemm), vec![flat], output, origin)
    }

    /// The ranks of an input's features.
    fn ranked_input(
        &mut self,
        real: &Real,
        x: RealId,
        thresholds: &[Vec<f32>],
    ) -> Result<TensorId, ModelError> {
        let Some((position, steps)) = self.prepared_input(x) else {
            return Err(real.unsupported("features that are no input of the model"));
        };
        let preparation = Preparation::new(steps).ranked(thresholds.to_vec());
        self.encoded_input(real, position, Some(preparation), PLAIN)
    }
}
