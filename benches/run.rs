//! How long the integer reference takes: `cargo bench --bench run --profile dev`.
//!
//! Inferences go through the same steps as in `zkverdict run`: floats from a `.npy` file are quantized,
//! evaluated on all cores, and the outputs dequantized.

use rayon::prelude::*;
use std::{path::Path, time::Instant};
use zkverdict::model::{InputFormat, Model};

const INFERENCES: usize = 1_000;

/// Model, and at most how many seconds its inferences should take on two cores.
const MODELS: [(&str, f64); 4] =
    [("digits_mlp", 2.0), ("digits_cnn", 2.0), ("tiny_transformer_gelu", 60.0), ("resnet8", 60.0)];

fn main() {
    let cores = rayon::current_num_threads();
    println!("{INFERENCES} inferences on {cores} cores");
    for (name, most) in MODELS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/models").join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).expect("fixtures are in place");
        let model = Model::from_onnx(name, &read("int8_qdq.onnx")).expect("fixtures are models");
        let samples = read("samples.npy");
        let start = Instant::now();
        let samples = model.read_inferences(&samples, InputFormat::Npy).expect("samples fit");
        let inputs: Vec<_> = samples.iter().cycle().take(INFERENCES).collect();
        let outputs: Vec<_> = inputs
            .into_par_iter()
            .map(|input| model.outputs(&model.evaluate(input).expect("inputs were read")))
            .collect();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(outputs.len(), INFERENCES);
        println!("{name:22} {seconds:7.3} s, at most {most} s expected");
    }
}
