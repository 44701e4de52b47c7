//! Ensembles of decision trees, as files give them.

use std::collections::HashMap;

use super::node::NodeView;
use crate::model::{ModelError, limits};
use crate::name::Name;

/// Splits above one another.
const MOST_DEPTH: usize = 64;

/// Trees whose leaves' values add up.
#[derive(Clone, Debug)]
pub(super) struct Ensemble {
    pub targets: usize,
    pub trees: Vec<Tree>,
    pub base: Vec<f32>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub splits: Vec<Split>,
    pub leaves: Vec<Leaf>,
}

/// Whether a feature is above a threshold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub feature: usize,
    pub threshold: f32,
    /// Where a missing value (NaN) goes.
    pub missing_is_above: bool,
}

impl Split {
    pub fn is_above(&self, x: f32) -> bool {
        if x.is_nan() { self.missing_is_above } else { x > self.threshold }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Splits, and which way they go.
    pub path: Vec<(usize, bool)>,
    /// By target.
    pub values: Vec<(usize, f32)>,
}

/// A node of a tree, as the file gives it.
struct FileNode {
    feature: i64,
    value: f32,
    mode: Vec<u8>,
    children: [i64; 2],
    missing_is_true: bool,
}

impl Ensemble {
    pub fn read(node: NodeView<'_>, features: usize) -> Result<Self, ModelError> {
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
        let missing = ints("nodes_missing_value_tracks_true");
        if !missing.is_empty() && missing.len() != count {
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
                missing_is_true: missing.get(i).is_some_and(|&tracks| tracks != 0),
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
            .map(|&root| Tree::read(node, root, features, &mut nodes, &mut leaves))
            .collect::<Result<_, ModelError>>()?;
        Ok(Self { targets, trees, base })
    }

    /// The scores, in float32.
    pub fn evaluate(&self, x: &[f32]) -> Vec<f32> {
        let mut scores = self.base.clone();
        for tree in &self.trees {
            let is_reached = |leaf: &&Leaf| {
                leaf.path.iter().all(|&(split, is_above)| {
                    let split = tree.splits[split];
                    split.is_above(x[split.feature]) == is_above
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
                    let mode = Name::new(&String::from_utf8_lossy(other));
                    return Err(node.unsupported(format!("the mode `{mode}` of a node")));
                }
            };
            let feature = usize::try_from(own.feature).ok().filter(|&feature| feature < features);
            let feature = feature
                .ok_or_else(|| node.error(format!("it compares feature {}", own.feature)))?;
            let split = tree.splits.len();
            tree.splits.push(Split {
                feature,
                threshold: threshold + 0.0,
                missing_is_above: own.missing_is_true == true_is_above,
            });
            for (child, is_true) in own.children.into_iter().zip([true, false]) {
                let mut path = path.clone();
                path.push((split, is_true == true_is_above));
                left.push(((key.0, child), path));
            }
        }
        Ok(tree)
    }
}
