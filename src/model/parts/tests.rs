use super::*;
use std::path::Path;

fn fixture(name: &str) -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/models");
    let file = path.join(name).join("int8_qdq.onnx");
    Model::from_onnx(name, &std::fs::read(file).expect("a fixture")).expect("a model")
}

/// What parts compute one after the other, each given what those before it have made.
fn chained(model: &Model, parts: &[Part], input: &[Vec<i32>]) -> Vec<Vec<i32>> {
    let mut crossing: Vec<Vec<i32>> = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        let inputs = if number == 0 {
            input.to_vec()
        } else {
            part.takes.iter().map(|&at| crossing[at].clone()).collect()
        };
        let evaluation = part.model.evaluate(&inputs).expect("what is asked for");
        let outputs = part.model.outputs.iter().map(|port| evaluation.tensor(port.tensor).to_vec());
        let outputs: Vec<Vec<i32>> = outputs.collect();
        if number + 1 == parts.len() {
            assert_eq!(part.model.outputs.len(), model.outputs.len());
            return outputs;
        }
        assert_eq!(
            part.gives,
            (crossing.len()..crossing.len() + outputs.len()).collect::<Vec<_>>()
        );
        crossing.extend(outputs);
    }
    unreachable!("the last part has the outputs");
}

#[test]
fn parts_compute_what_the_model_does_wherever_it_is_cut() {
    let mut cuts_tried = 0;
    for name in ["digits_cnn", "lenet5", "resnet8", "tiny_transformer"] {
        let model = fixture(name);
        let tensor = &model.graph.tensors[model.inputs[0].tensor.0];
        let (low, high) = tensor.quantization.element.range();
        let input: Vec<i32> =
            (0..tensor.len()).map(|at| low + at as i32 * 37 % (high - low)).collect();
        let input = vec![input];
        let evaluation = model.evaluate(&input).expect("an input");
        let expected: Vec<Vec<i32>> =
            model.outputs.iter().map(|port| evaluation.tensor(port.tensor).to_vec()).collect();
        let all: Vec<usize> =
            (0..=model.graph.nodes.len()).filter(|&at| model.crossing(at).is_some()).collect();
        for cuts in all.iter().map(|&at| vec![at]).chain([all.clone()]) {
            let parts = model.cut(&cuts).expect("it can be cut there");
            assert_eq!(parts.len(), cuts.len() + 1);
            assert_eq!(chained(&model, &parts, &input), expected, "{name} {cuts:?}");
            cuts_tried += 1;
        }
    }
    assert!(cuts_tried > 20, "{cuts_tried}");
}

#[test]
fn cuts_lie_at_narrow_places_and_parts_cost_about_as_much() {
    let model = fixture("lenet5");
    for parts in 2..4 {
        let cuts = model.cuts_into(parts).expect("as many places");
        assert_eq!(model.cut(&cuts).expect("they are possible").len(), parts);
        let narrow = model.narrow_cuts();
        assert!(cuts.iter().all(|cut| narrow.contains(cut)), "{cuts:?} of {narrow:?}");
    }
    assert_eq!(model.cuts_into(1), Some(vec![]));
    assert_eq!(model.cuts_into(50), None);
}

#[test]
fn the_fewest_parts_that_fit_are_found() {
    let model = fixture("lenet5");
    let all: usize = model.graph.nodes.iter().map(|node| node.origin.parameters).sum();
    let fit = |most: usize| {
        let fits = |part: &Part, number: usize, is_last: bool| {
            assert_eq!((part.nodes.start == 0, part.gives.is_empty()), (number == 0, is_last));
            let own = part.model.graph.nodes.iter().map(|node| node.origin.parameters);
            Ok::<_, ()>(own.sum::<usize>() <= most)
        };
        model.cuts_that_fit(fits).unwrap()
    };
    assert_eq!(fit(all), Some(vec![]));
    assert_eq!(fit(all - 1).expect("the last layer can go").len(), 1);
    assert_eq!(fit(10), None);
}

#[test]
fn cuts_that_are_none_are_refused() {
    let model = fixture("lenet5");
    let end = model.graph.nodes.len();
    for cuts in [vec![0], vec![end], vec![end + 7], vec![2, 2], vec![3, 2]] {
        let refused = model.cut(&cuts).map(drop);
        assert!(matches!(refused, Err(ModelError::Cut { .. })), "{cuts:?}: {refused:?}");
    }
    let mut twice = model.clone();
    let crossing = twice.crossing(2).expect("it can be cut there")[0];
    twice.graph.tensors[crossing.0].name = twice.inputs[0].name.clone();
    assert!(twice.cut(&[2]).is_err(), "two tensors have one name");
}
