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

use std::{collections::HashMap, rc::Rc};

use super::{
    Importer, NodeView, RealId, RealKind, Value, lower::unsupported, real::Real, views::element,
};
use crate::model::{
    Add, AddOrder, Conv, ElementType, Exactness, Gemm, ModelError, Operand, Operator, Origin,
    Preparation, Quantization, Requantization, Tensor, TensorId, View, ViewElement, Window, limits,
};

/// Ranks are bytes.
const MOST_THRESHOLDS: usize = 255;

/// Splits above one another.
const MOST_DEPTH: usize = 64;

/// Integers that are themselves.
const PLAIN: Quantization = Quantization { scale: 1.0, zero_point: 0, element: ElementType::Uint8 };

/// Trees whose leaves' values add up.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    targets: usize,
    trees: Vec<Tree>,
    base: Vec<f32>,
}

#[derive(Clone, Debug, Default)]
struct Tree {
    /// Feature and threshold: whether the feature is above it.
    splits: Vec<(usize, f32)>,
    leaves: Vec<Leaf>,
}

#[derive(Clone, Debug)]
struct Leaf {
    /// Splits, and which way they go.
    path: Vec<(usize, bool)>,
    /// By target.
    values: Vec<(usize, f32)>,
}

/// `TreeEnsembleRegressor(X)`.
pub(super) fn regressor(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let &[1, features] = importer.real(x).shape.as_slice() else {
        return Err(node.unsupported(format!("an input of shape {:?}", importer.real(x).shape)));
    };
    let ensemble = Ensemble::read(node, features)?;
    let splits: usize = ensemble.trees.iter().map(|tree| tree.splits.len()).sum();
    importer.count_elements(node.name(), splits)?;
    let shape = vec![1, ensemble.targets];
    let id = importer.expression(node, shape, RealKind::Trees(x, Rc::new(ensemble)), &[x])?;
    importer.reals[id.0].parameters = 2 * splits;
    Ok(vec![Value::Real(id)])
}

/// A node of a tree, as the file gives it.
struct FileNode {
    feature: i64,
    value: f32,
    mode: Vec<u8>,
    children: [i64; 2],
}

impl Ensemble {
    fn read(node: NodeView<'_>, features: usize) -> Result<Self, ModelError> {
        let ints = |name: &str| node.ints(name).unwrap_or_default();
        let floats =
            |name: &str| node.attribute(name).map(|own| own.floats.as_slice()).unwrap_or_default();
        if node.string("post_transform")?.is_some_and(|transform| transform != "NONE") {
            return Err(node.unsupported("the attribute `post_transform`"));
        }
        let is_mean = match node.string("aggregate_function")?.unwrap_or("SUM") {
            "SUM" => false,
            "AVERAGE" => true,
            other => return Err(node.unsupported(format!("the aggregation `{other}`"))),
        };
        let targets = usize::try_from(node.int("n_targets").unwrap_or(1)).unwrap_or(0);
        if !(1..=limits::MAX_NODES).contains(&targets) {
            return Err(node.error(format!("it has {targets} targets")));
        }
        let (trees, ids) = (ints("nodes_treeids"), ints("nodes_nodeids"));
        let modes = node.attribute("nodes_modes").map(|own| own.strings.as_slice());
        let (modes, values) = (modes.unwrap_or_default(), floats("nodes_values"));
        let lists =
            [ints("nodes_featureids"), ints("nodes_truenodeids"), ints("nodes_falsenodeids")];
        let count = trees.len();
        let lengths = [ids.len(), modes.len(), values.len()];
        if count == 0 || lengths != [count; 3] || lists.iter().any(|list| list.len() != count) {
            return Err(node.unsupported("attributes of nodes that differ in number"));
        }
        let mut nodes: HashMap<(i64, i64), FileNode> = HashMap::new();
        let mut roots: Vec<(i64, i64)> = Vec::new();
        for i in 0..count {
            let key = (trees[i], ids[i]);
            // The first node of a tree is its root.
            if roots.last().is_none_or(|root| root.0 != key.0) {
                roots.push(key);
            }
            let children = [lists[1][i], lists[2][i]];
            let own = FileNode {
                feature: lists[0][i],
                value: values[i],
                mode: modes[i].clone(),
                children,
            };
            if nodes.insert(key, own).is_some() {
                return Err(node.error(format!("node {} of tree {} is there twice", key.1, key.0)));
            }
        }
        if (0..roots.len()).any(|i| roots[..i].iter().any(|root| root.0 == roots[i].0)) {
            return Err(node.error("the nodes of a tree do not follow one another"));
        }
        let mut leaves: HashMap<(i64, i64), Vec<(usize, f32)>> = HashMap::new();
        let (leaf_trees, leaf_ids) = (ints("target_treeids"), ints("target_nodeids"));
        let (leaf_targets, weights) = (ints("target_ids"), floats("target_weights"));
        if [leaf_ids.len(), leaf_targets.len(), weights.len()] != [leaf_trees.len(); 3] {
            return Err(node.error("its targets' attributes differ in number"));
        }
        #[allow(clippy::cast_precision_loss)]
        let divisor = if is_mean { roots.len() as f32 } else { 1.0 };
        for i in 0..leaf_trees.len() {
            let target = usize::try_from(leaf_targets[i]).ok().filter(|&target| target < targets);
            let target = target.ok_or_else(|| node.error(format!("target {}", leaf_targets[i])))?;
            if !weights[i].is_finite() {
                return Err(node.error(format!("a leaf has the value {}", weights[i])));
            }
            let own = leaves.entry((leaf_trees[i], leaf_ids[i])).or_default();
            own.push((target, weights[i] / divisor));
        }
        let base = match floats("base_values") {
            [] => vec![0.0; targets],
            base if base.len() == targets && base.iter().all(|value| value.is_finite()) => {
                base.to_vec()
            }
            base => return Err(node.error(format!("it has {} base values", base.len()))),
        };
        let trees = roots
            .iter()
            .enumerate()
            .map(|(number, &root)| {
                let mut tree = Tree::read(node, root, features, &mut nodes, &mut leaves)?;
                tree.sort(number % 2 == 1);
                Ok(tree)
            })
            .collect::<Result<_, ModelError>>()?;
        Ok(Self { targets, trees, base })
    }

    /// The scores, in float32.
    pub fn evaluate(&self, x: &[f32]) -> Vec<f32> {
        let mut scores = self.base.clone();
        for tree in &self.trees {
            let is_reached = |leaf: &&Leaf| {
                leaf.path.iter().all(|&(split, is_above)| {
                    let (feature, threshold) = tree.splits[split];
                    (x[feature] > threshold) == is_above
                })
            };
            for &(target, value) in
                tree.leaves.iter().find(is_reached).map_or(&[][..], |l| &l.values)
            {
                scores[target] += value;
            }
        }
        scores
    }

    /// The thresholds of each feature, ascending.
    fn thresholds(&self, features: usize) -> Vec<Vec<f32>> {
        let mut thresholds = vec![Vec::new(); features];
        for &(feature, threshold) in self.trees.iter().flat_map(|tree| &tree.splits) {
            thresholds[feature].push(threshold);
        }
        for own in &mut thresholds {
            own.sort_by(f32::total_cmp);
            own.dedup();
        }
        thresholds
    }
}

impl Tree {
    fn read(
        node: NodeView<'_>,
        root: (i64, i64),
        features: usize,
        nodes: &mut HashMap<(i64, i64), FileNode>,
        leaves: &mut HashMap<(i64, i64), Vec<(usize, f32)>>,
    ) -> Result<Self, ModelError> {
        let mut tree = Self::default();
        let mut left = vec![(root, Vec::new())];
        while let Some((key, path)) = left.pop() {
            // A node that is reached twice is gone.
            let own = nodes.remove(&key).ok_or_else(|| {
                node.error(format!("node {} of tree {} is missing, or in a cycle", key.1, key.0))
            })?;
            if path.len() > MOST_DEPTH {
                return Err(node.unsupported(format!("a tree of more than {MOST_DEPTH} levels")));
            }
            if own.mode == b"LEAF" {
                tree.leaves.push(Leaf { path, values: leaves.remove(&key).unwrap_or_default() });
                continue;
            }
            if !own.value.is_finite() {
                return Err(node.error(format!("a threshold is {}", own.value)));
            }
            // Of two zeros one compares like the other.
            let value = own.value + 0.0;
            // The threshold of `x > threshold`, and whether that is where the node's true branch is.
            let (threshold, true_is_above) = match own.mode.as_slice() {
                b"BRANCH_LEQ" => (value, false),
                b"BRANCH_GT" => (value, true),
                b"BRANCH_LT" => (value.next_down(), false),
                b"BRANCH_GTE" => (value.next_down(), true),
                other => {
                    let mode = String::from_utf8_lossy(other).into_owned();
                    return Err(node.unsupported(format!("the mode `{mode}` of a node")));
                }
            };
            let feature = usize::try_from(own.feature).ok().filter(|&feature| feature < features);
            let feature = feature
                .ok_or_else(|| node.error(format!("it compares feature {}", own.feature)))?;
            let split = tree.splits.len();
            tree.splits.push((feature, threshold + 0.0));
            for (child, is_true) in own.children.into_iter().zip([true, false]) {
                let mut path = path.clone();
                path.push((split, is_true == true_is_above));
                left.push(((key.0, child), path));
            }
        }
        Ok(tree)
    }

    /// Orders the splits by feature and threshold, up or down: neighbours are read with short moves then.
    fn sort(&mut self, is_down: bool) {
        let mut order: Vec<usize> = (0..self.splits.len()).collect();
        order.sort_by(|&a, &b| {
            let ((feature, threshold), (other, above)) = (self.splits[a], self.splits[b]);
            feature.cmp(&other).then(threshold.total_cmp(&above))
        });
        if is_down {
            order.reverse();
        }
        let mut places = vec![0; order.len()];
        for (place, &split) in order.iter().enumerate() {
            places[split] = place;
        }
        self.splits = order.iter().map(|&split| self.splits[split]).collect();
        for (split, _) in self.leaves.iter_mut().flat_map(|leaf| &mut leaf.path) {
            *split = places[*split];
        }
    }
}

impl Importer<'_> {
    /// Makes the integer operators of an ensemble.
    pub(super) fn lower_trees(
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
            return Err(unsupported(real, &reason));
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
            return Err(unsupported(real, "leaves this small"));
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
            return Err(unsupported(real, "features that are no input of the model"));
        };
        let preparation = Preparation::new(steps).ranked(thresholds.to_vec());
        self.encoded_input(real, position, Some(preparation), PLAIN)
    }
}
