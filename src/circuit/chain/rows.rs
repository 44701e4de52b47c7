//! What each row of the circuit is.
//!
//! Rows come in blocks: first the instances, then one block per activation tensor. In a tensor's block,
//! the row of each value ends the segment of weights that the next layer multiplies it with, so that
//! values are multiplied where they lie:
//!
//! ```text
//! instance words | w w w input₀ | w w w input₁ | … | w w made₀ | w w made₁ | … | made₀ | made₁ | …
//!                  └ the input's block ──────────┘   └ the first layer's block ┘   └ the last's ┘
//! ```

use super::program::Program;
use crate::circuit::BYTES_PER_WORD;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Before the table's first row.
    Boundary,
    /// Takes one packed instance.
    Instance,
    /// Some weights of `layer` for one of its inputs.
    Weights {
        /// Which layer.
        layer: usize,
        /// Which of its inputs.
        input: usize,
        /// The output of the row's first lane; lanes beyond the layer's outputs are 0.
        output: usize,
    },
    /// A byte of the model's input.
    Input {
        /// Position in the tensor.
        index: usize,
        /// What the packing multiplies the following bytes with, as a power of 256.
        shift: usize,
        /// Last byte of its word.
        ends_word: bool,
        /// Last row of its block.
        ends_block: bool,
    },
    /// An output of a layer.
    Made {
        /// Which layer.
        layer: usize,
        /// Position in its output.
        output: usize,
        /// The next layer takes it; the last layer's outputs are packed instead.
        is_taken: bool,
        /// Last byte of its word.
        ends_word: bool,
        /// Last row of its block.
        ends_block: bool,
    },
}

/// All rows in use.
#[derive(Clone, Debug)]
pub struct Layout {
    /// From row 0 on.
    pub rows: Vec<Row>,
    /// Number of instances: the context and the packed words.
    pub instances: usize,
}

impl Layout {
    /// Lays a program out with `lanes` weights per row.
    pub fn new(program: &Program, lanes: usize) -> Self {
        let words = |bytes: usize| bytes.div_ceil(BYTES_PER_WORD);
        let packed = words(program.inputs) + words(program.outputs());
        let mut rows = vec![Row::Boundary];
        rows.resize(1 + packed, Row::Instance);
        for index in 0..program.inputs {
            segment(&mut rows, program, 0, index, lanes);
            let ends_block = index + 1 == program.inputs;
            let in_word = index % BYTES_PER_WORD;
            // The last word may be short: what follows it still begins at a whole word.
            let shift = if ends_block { BYTES_PER_WORD - in_word } else { 1 };
            let ends_word = ends_block || in_word + 1 == BYTES_PER_WORD;
            rows.push(Row::Input { index, shift, ends_word, ends_block });
        }
        for (layer, made) in program.layers.iter().enumerate() {
            let is_taken = layer + 1 < program.layers.len();
            for output in 0..made.outputs {
                if is_taken {
                    segment(&mut rows, program, layer + 1, output, lanes);
                }
                let ends_block = output + 1 == made.outputs;
                let ends_word = !is_taken && (ends_block || (output + 1) % BYTES_PER_WORD == 0);
                rows.push(Row::Made { layer, output, is_taken, ends_word, ends_block });
            }
        }
        Self { rows, instances: 1 + packed }
    }

    /// Number of rows of a layout, without making it.
    pub fn count(program: &Program, lanes: usize) -> usize {
        let weights: usize =
            (program.layers.iter()).map(|layer| layer.inputs * layer.outputs.div_ceil(lanes)).sum();
        let made: usize = program.layers.iter().map(|layer| layer.outputs).sum();
        let words =
            program.inputs.div_ceil(BYTES_PER_WORD) + program.outputs().div_ceil(BYTES_PER_WORD);
        1 + words + weights + program.inputs + made
    }
}

/// The weights of one input of a layer, highest outputs first: a Horner sum over them ends with the
/// first output's weight at power 0.
fn segment(rows: &mut Vec<Row>, program: &Program, layer: usize, input: usize, lanes: usize) {
    for part in (0..program.layers[layer].outputs.div_ceil(lanes)).rev() {
        rows.push(Row::Weights { layer, input, output: part * lanes });
    }
}
