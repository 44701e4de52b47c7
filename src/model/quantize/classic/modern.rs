//! The one operator for trees of newer files (TreeEnsemble of ai.onnx.ml 5), as the one for scores.

use super::{DOMAIN, float_list};
use crate::model::{
    import::tensor_floats,
    onnx::{AttributeProto, ModelProto, NodeProto},
    quantize::parts::{attribute, int, int_of, ints},
};

/// What the modes' numbers are called, as far as splits are made of them.
const MODES: [&str; 4] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"];

/// The last set of ai.onnx.ml that has the operator for scores without a note that it is old.
const VERSION: i64 = 3;

/// Brings TreeEnsemble to TreeEnsembleRegressor.
pub(in crate::model::quantize) fn trees(file: &mut ModelProto) {
    let mut is_changed = false;
    for node in file.graph.iter_mut().flat_map(|graph| &mut graph.node) {
        if node.domain == DOMAIN
            && node.op_type == "TreeEnsemble"
            && let Some(attributes) = scores(node)
        {
            node.op_type = "TreeEnsembleRegressor".into();
            node.attribute = attributes;
            is_changed = true;
        }
    }
    if is_changed {
        for set in file.opset_import.iter_mut().filter(|set| set.domain == DOMAIN) {
            set.version = set.version.min(VERSION);
        }
    }
}

/// The attributes in the older form; `None` for what it has no form for.
fn scores(node: &NodeProto) -> Option<Vec<AttributeProto>> {
    let list =
        |name: &str| attribute(node, name).map(|own| own.ints.as_slice()).unwrap_or_default();
    let tensor = |name: &str| attribute(node, name)?.t.as_ref().and_then(tensor_floats);
    let (modes, splits, weights) =
        (tensor("nodes_modes")?, tensor("nodes_splits")?, tensor("leaf_weights")?);
    let features = list("nodes_featureids");
    let branches = [
        (list("nodes_truenodeids"), list("nodes_trueleafs")),
        (list("nodes_falsenodeids"), list("nodes_falseleafs")),
    ];
    let (targets, missing) = (list("leaf_targetids"), list("nodes_missing_value_tracks_true"));
    let count = features.len();
    let lengths = branches.iter().flat_map(|(ids, leaves)| [ids.len(), leaves.len()]);
    let fits = lengths.chain([modes.len(), splits.len()]).all(|len| len == count)
        && targets.len() == weights.len()
        && (missing.is_empty() || missing.len() == count);
    let aggregate = match int_of(node, "aggregate_function", 1) {
        0 => "AVERAGE",
        1 => "SUM",
        _ => return None,
    };
    if !fits || int_of(node, "post_transform", 0) != 0 {
        return None;
    }
    // In trees, every node and every leaf is reached once.
    let most = 2 * count + list("tree_roots").len();
    let mut made = Made::default();
    for (tree, &root) in (0..).zip(list("tree_roots")) {
        // A branch, and where its number is asked for.
        let mut left = vec![(usize::try_from(root).ok()?, false, None::<(usize, usize)>)];
        let mut next = 0;
        while let Some((own, is_leaf, asked)) = left.pop() {
            let (number, at) = (next, made.trees.len());
            next += 1;
            if at == most {
                return None;
            }
            if let Some((parent, branch)) = asked {
                made.branches[branch][parent] = number;
            }
            made.trees.push(tree);
            made.numbers.push(number);
            made.branches.iter_mut().for_each(|own| own.push(0));
            if is_leaf {
                made.leaf(tree, number, *targets.get(own)?, *weights.get(own)?);
                continue;
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let mode = *MODES.get(*modes.get(own)? as usize)?;
            made.features.push(features[own]);
            made.splits.push(splits[own]);
            made.modes.push(mode.into());
            made.missing.push(missing.get(own).copied().unwrap_or(0));
            for (branch, (ids, leaves)) in branches.iter().enumerate() {
                let to = usize::try_from(ids[own]).ok()?;
                left.push((to, leaves[own] != 0, Some((at, branch))));
            }
        }
    }
    let [true_ids, false_ids] = made.branches;
    let text = |name: &str, value: &str| AttributeProto {
        name: name.into(),
        s: Some(value.into()),
        // `AttributeProto.AttributeType.STRING`.
        r#type: 3,
        ..AttributeProto::default()
    };
    Some(vec![
        int("n_targets", int_of(node, "n_targets", 1)),
        text("aggregate_function", aggregate),
        ints("nodes_treeids", made.trees),
        ints("nodes_nodeids", made.numbers),
        ints("nodes_featureids", made.features),
        float_list("nodes_values", made.splits),
        AttributeProto {
            name: "nodes_modes".into(),
            strings: made.modes,
            // `AttributeProto.AttributeType.STRINGS`.
            r#type: 8,
            ..AttributeProto::default()
        },
        ints("nodes_truenodeids", true_ids),
        ints("nodes_falsenodeids", false_ids),
        ints("nodes_missing_value_tracks_true", made.missing),
        ints("target_treeids", made.leaf_trees),
        ints("target_nodeids", made.leaf_numbers),
        ints("target_ids", made.targets),
        float_list("target_weights", made.weights),
    ])
}

/// Lists of the older form.
#[derive(Default)]
struct Made {
    trees: Vec<i64>,
    numbers: Vec<i64>,
    features: Vec<i64>,
    splits: Vec<f32>,
    modes: Vec<Vec<u8>>,
    missing: Vec<i64>,
    /// Where a true comparison leads, and a false one.
    branches: [Vec<i64>; 2],
    leaf_trees: Vec<i64>,
    leaf_numbers: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f32>,
}

impl Made {
    fn leaf(&mut self, tree: i64, number: i64, target: i64, weight: f32) {
        self.features.push(0);
        self.splits.push(0.0);
        self.modes.push(b"LEAF".to_vec());
        self.missing.push(0);
        self.leaf_trees.push(tree);
        self.leaf_numbers.push(number);
        self.targets.push(target);
        self.weights.push(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::TensorProto;

    fn tensor(name: &str, data_type: i32, raw: Vec<u8>, len: usize) -> AttributeProto {
        let dims = vec![i64::try_from(len).unwrap()];
        let t = TensorProto { dims, data_type, raw_data: Some(raw), ..TensorProto::default() };
        // `AttributeProto.AttributeType.TENSOR`.
        AttributeProto { name: name.into(), t: Some(t), r#type: 4, ..AttributeProto::default() }
    }

    /// Two splits, of which the second is the first's true branch, and three leaves.
    fn node(true_ids: Vec<i64>, true_leaves: Vec<i64>) -> NodeProto {
        let floats = |name: &str, values: &[f32]| {
            let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensor(name, 1, raw, values.len())
        };
        NodeProto {
            op_type: "TreeEnsemble".into(),
            attribute: vec![
                ints("tree_roots", vec![0]),
                ints("nodes_featureids", vec![3, 1]),
                tensor("nodes_modes", 2, vec![0, 3], 2),
                floats("nodes_splits", &[0.5, -1.0]),
                ints("nodes_truenodeids", true_ids),
                ints("nodes_trueleafs", true_leaves),
                ints("nodes_falsenodeids", vec![2, 1]),
                ints("nodes_falseleafs", vec![1, 1]),
                ints("leaf_targetids", vec![0, 0, 0]),
                floats("leaf_weights", &[1.0, 2.0, 4.0]),
            ],
            ..NodeProto::default()
        }
    }

    #[test]
    fn branches_lead_to_the_same_leaves() {
        let made = scores(&node(vec![1, 0], vec![0, 1])).unwrap();
        let of = |name: &str| made.iter().find(|own| own.name == name).unwrap();
        let number = |name: &str, at: i64| of(name).ints[usize::try_from(at).unwrap()];
        let mode = |at: i64| of("nodes_modes").strings[usize::try_from(at).unwrap()].clone();
        let weight = |leaf: i64| {
            let place = of("target_nodeids").ints.iter().position(|&own| own == leaf).unwrap();
            of("target_weights").floats[place]
        };
        assert_eq!((mode(0), number("nodes_featureids", 0)), (b"BRANCH_LEQ".to_vec(), 3));
        assert!((weight(number("nodes_falsenodeids", 0)) - 4.0).abs() < f32::EPSILON);
        let below = number("nodes_truenodeids", 0);
        assert_eq!((mode(below), number("nodes_featureids", below)), (b"BRANCH_GT".to_vec(), 1));
        assert!((weight(number("nodes_truenodeids", below)) - 1.0).abs() < f32::EPSILON);
        assert!((weight(number("nodes_falsenodeids", below)) - 2.0).abs() < f32::EPSILON);
    }

    #[test]
    fn what_is_no_tree_stays_as_it_is() {
        assert!(scores(&node(vec![0, 0], vec![0, 1])).is_none(), "the root is below itself");
        assert!(scores(&node(vec![1, 9], vec![0, 1])).is_none(), "there is no such leaf");
        assert!(scores(&node(vec![1], vec![0, 1])).is_none(), "a split has no true branch");
    }
}
