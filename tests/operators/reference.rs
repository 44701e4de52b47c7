//! What is computed here equals onnxruntime's integers.

use std::collections::BTreeMap;

use crate::cases::cases;
use zkverdict::model::{Exactness, Model};

/// Per kind of case: how many there are, how many differ, by how many steps at most.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    cases: usize,
    different: usize,
    /// How many have a node that is marked approximate, and how many differ without one.
    approximate: usize,
    unmarked: usize,
    elements: usize,
    steps: i32,
}

/// Whether onnxruntime computes a kind of case in floats that round otherwise than here: the integers may
/// differ by a step.
fn may_differ(name: &str) -> bool {
    const FUNCTIONS: [&str; 8] = [
        "Tanh qdq",
        "Erf qdq",
        "Exp qdq",
        "Softplus qdq",
        "Elu qdq",
        "Selu qdq",
        "Mish qdq",
        "Gelu qdq",
    ];
    name.starts_with("float ") || FUNCTIONS.contains(&name)
}

#[test]
fn operators_equal_onnxruntime() {
    let cases = cases();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let tally = tallies.entry(case.name.clone()).or_default();
        tally.cases += 1;
        let model = Model::from_onnx(&case.name, &case.model)
            .unwrap_or_else(|error| panic!("{} ({index}): {error}", case.name));
        let evaluation = model.evaluate(&case.inputs).unwrap();
        let answer = model.outputs(&evaluation).remove(0).quantized;
        assert_eq!(answer.len(), case.expected.len(), "{} ({index})", case.name);
        let is_approximate =
            (model.graph.nodes.iter()).any(|node| node.origin.exactness == Exactness::Approximate);
        tally.approximate += usize::from(is_approximate);
        let steps: Vec<i32> =
            answer.iter().zip(&case.expected).map(|(a, b)| (a - b).abs()).collect();
        let different = steps.iter().filter(|&&step| step != 0).count();
        tally.different += usize::from(different > 0);
        tally.unmarked += usize::from(different > 0 && !is_approximate);
        tally.elements += different;
        tally.steps = tally.steps.max(steps.into_iter().max().unwrap_or(0));
    }
    for (name, tally) in &tallies {
        println!("{name}: {tally:?}");
    }
    let off: Vec<_> =
        tallies.iter().filter(|(name, tally)| tally.steps > i32::from(may_differ(name))).collect();
    assert!(off.is_empty(), "{off:#?}");
    let unmarked: Vec<_> = tallies.iter().filter(|(_, tally)| tally.unmarked > 0).collect();
    assert!(unmarked.is_empty(), "differences of models that are marked exact: {unmarked:#?}");
    // Nor is anything marked approximate that need not be.
    let needless: Vec<_> =
        tallies.iter().filter(|(name, tally)| tally.approximate > 0 && !may_differ(name)).collect();
    assert!(needless.is_empty(), "{needless:#?}");
}
