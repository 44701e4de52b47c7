//! Models that hold several inferences along their leading axes.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::{Model, ModelError, Port};

/// Batches of random inputs that are compared; all elements of two more are at an end of their type.
const RANDOM_BATCHES: usize = 3;

impl Model {
    /// Whether each inference of a batch is answered as it is alone, by the same model with a leading axis of 1.
    ///
    /// Each is compared on random inputs: an operator along the leading axis would mix the inferences of strangers, and shows on
    /// nearly all inputs.
    pub fn check_batch(&self, alone: &Self, inferences: usize) -> Result<(), ModelError> {
        for (direction, ports) in [("input", &self.inputs), ("output", &self.outputs)] {
            for port in ports {
                let shape = &self.graph.tensors[port.tensor.0].shape;
                if shape.first() != Some(&inferences) {
                    let reason = format!(
                        "its shape is {shape:?}; in a batch of {inferences} that is its leading dimension"
                    );
                    return Err(ModelError::Port { direction, tensor: port.name.clone(), reason });
                }
            }
        }
        let mut random = ChaCha20Rng::seed_from_u64(0);
        for batch in 0..RANDOM_BATCHES + 2 {
            let inputs = self.inputs.iter().map(|port| {
                let tensor = &self.graph.tensors[port.tensor.0];
                let (low, high) = tensor.quantization.element.range();
                let value = |_| match batch {
                    0 => low,
                    1 => high,
                    _ => random.gen_range(low..=high),
                };
                (0..tensor.len()).map(value).collect()
            });
            let inputs: Vec<Vec<i32>> = inputs.collect();
            let together = self.evaluate(&inputs)?;
            for inference in 0..inferences {
                let own: Vec<Vec<i32>> =
                    inputs.iter().map(|input| part(input, inference, inferences).into()).collect();
                let answers = alone.evaluate(&own)?;
                for (port, same) in self.outputs.iter().zip(&alone.outputs) {
                    let found = part(together.tensor(port.tensor), inference, inferences);
                    check_same(port, inference, found, answers.tensor(same.tensor))?;
                }
            }
        }
        Ok(())
    }
}

/// One of as many equal parts.
fn part(all: &[i32], number: usize, count: usize) -> &[i32] {
    let length = all.len() / count;
    &all[number * length..(number + 1) * length]
}

fn check_same(
    port: &Port,
    inference: usize,
    found: &[i32],
    alone: &[i32],
) -> Result<(), ModelError> {
    let reason = if found.len() == alone.len() {
        let mut pairs = found.iter().zip(alone).enumerate();
        let Some((element, (found, alone))) = pairs.find(|(_, (found, alone))| found != alone)
        else {
            return Ok(());
        };
        format!(
            "inference {inference} of a batch has {found} at element {element}, and {alone} by itself: the model mixes \
             inferences"
        )
    } else {
        let (found, alone) = (found.len(), alone.len());
        format!("an inference has {found} elements in a batch, and {alone} by itself")
    };
    Err(ModelError::Port { direction: "output", tensor: port.name.clone(), reason })
}
