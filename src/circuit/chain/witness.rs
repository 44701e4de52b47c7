//! What an honest prover writes into the circuit.

use super::{plan::Plan, program::Program, rows::Row};
use crate::circuit::{
    BYTES_PER_WORD, CircuitError,
    activation::{byte, integer},
    field::{byte_power, field, left_to_pack, pack, unsigned},
    lookups::{Cells, running_sums},
};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

/// First-phase columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Row of the table that a byte is read from.
    pub table_row: Vec<Fr>,
    /// The byte read.
    pub byte: Vec<Fr>,
    /// Limbs, least first.
    pub limbs: Vec<Vec<Fr>>,
    /// With step tables: thresholds, and whether the remainder reaches them.
    pub steps: Option<[Vec<Fr>; 2]>,
    /// Uses of each row's index as a limb.
    pub limb_uses: Vec<Fr>,
    /// Uses of each row's table entry.
    pub table_uses: Vec<Fr>,
    /// The context and the packed words.
    pub instances: Vec<Fr>,
    /// The model's outputs.
    pub outputs: Vec<i32>,
}

/// Second-phase columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Sums {
    /// Running sums of the look-up argument.
    pub lookup_sums: Vec<Vec<Fr>>,
    /// Horner sums of weights.
    pub segment: Vec<Fr>,
    /// Sums of inputs times segments.
    pub products: Vec<Fr>,
    /// What is left to be made.
    pub owed: Vec<Fr>,
    /// What is left to be packed.
    pub packed: Vec<Fr>,
}

/// The challenges after the first phase.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Separates table entries.
    pub beta: Fr,
    /// Folds a table entry into one element.
    pub gamma: Fr,
    /// Point at which outputs of a layer are evaluated.
    pub rho: Fr,
    /// Point at which packed words are evaluated.
    pub tau: Fr,
}

/// Fixed columns, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// N indices.
    pub index: Vec<Fr>,
    /// The activations' bytes.
    pub table: Vec<Fr>,
    /// With step tables, 2·threshold + parity.
    pub steps: Option<Vec<Fr>>,
    /// Weights, offsets and packing multipliers.
    pub weights: Vec<Vec<Fr>>,
    /// The table's rows.
    pub active: Vec<bool>,
    /// The row's value is taken.
    pub takes: Vec<bool>,
    /// The row's value is made.
    pub makes: Vec<bool>,
    /// Ends a word or is an instance.
    pub marks: Vec<bool>,
    /// Ends a block.
    pub ends_block: Vec<bool>,
}

impl Fixed {
    /// The fixed columns of a planned program.
    pub fn new(program: &Program, plan: &Plan) -> Self {
        let length = plan.shape.table_rows + 1;
        let flags = vec![false; length];
        let zeros = vec![Fr::zero(); length];
        let mut fixed = Self {
            index: zeros.clone(),
            table: zeros.clone(),
            steps: plan.fitted.steps.as_ref().map(|_| zeros.clone()),
            weights: vec![zeros; plan.shape.lanes],
            active: flags.clone(),
            takes: flags.clone(),
            makes: flags.clone(),
            marks: flags.clone(),
            ends_block: flags,
        };
        for (index, &byte) in plan.fitted.table.iter().enumerate() {
            fixed.active[index + 1] = true;
            fixed.index[index + 1] = unsigned(index);
            fixed.table[index + 1] = Fr::from(u64::from(byte));
        }
        if let (Some(column), Some(steps)) = (&mut fixed.steps, &plan.fitted.steps) {
            for (cell, &step) in column[1..].iter_mut().zip(steps) {
                *cell = field(step);
            }
        }
        for (at, &row) in plan.layout.rows.iter().enumerate() {
            match row {
                // The first segment begins anew, as after any value.
                Row::Boundary => (fixed.takes[at], fixed.makes[at]) = (true, true),
                Row::Instance => fixed.marks[at] = true,
                Row::Weights { layer, input, output } => {
                    let (made, slopes) =
                        (&program.layers[layer], &plan.fitted.layers[layer].slopes);
                    for (lane, weights) in fixed.weights.iter_mut().enumerate() {
                        let output = output + lane;
                        if output < made.outputs {
                            let weight = i128::from(made.weights[output * made.inputs + input]);
                            weights[at] = field(slopes[output] * weight);
                        }
                    }
                }
                Row::Input { shift, ends_word, ends_block, .. } => {
                    fixed.takes[at] = true;
                    fixed.marks[at] = ends_word;
                    fixed.ends_block[at] = ends_block;
                    fixed.weights[0][at] = byte_power(shift);
                }
                Row::Made { layer, output, is_taken, ends_word, ends_block } => {
                    fixed.makes[at] = true;
                    fixed.takes[at] = is_taken;
                    fixed.marks[at] = ends_word;
                    fixed.ends_block[at] = ends_block;
                    // The bias is inside the accumulator that `offset` was made for.
                    let made = &plan.fitted.layers[layer];
                    fixed.weights[0][at] = field(made.offsets[output]);
                    if let Some(&width) = made.widths.get(output) {
                        fixed.weights[1][at] = field(width);
                    }
                }
            }
        }
        fixed
    }
}

impl Witness {
    /// Computes a program on an input.
    pub fn new(
        program: &Program,
        plan: &Plan,
        input: &[i32],
        context: Fr,
    ) -> Result<Self, CircuitError> {
        if input.len() != program.inputs {
            return Err(CircuitError::InputLength { found: input.len(), expected: program.inputs });
        }
        let element = program.input_element;
        let as_byte = |(index, &value)| {
            byte(value, element).ok_or(CircuitError::InputRange { index, value, element })
        };
        let input: Vec<u8> = input.iter().enumerate().map(as_byte).collect::<Result<_, _>>()?;

        let length = plan.shape.table_rows + 1;
        let raised = plan.shape.table_rows - 256;
        // Idle rows look up index 0 and read row 0.
        let mut table_row = vec![0; length];
        let mut limbs = vec![vec![0; length]; plan.shape.limbs];
        let divisions = divide_all(program, plan, &input);
        for (at, &row) in plan.layout.rows.iter().enumerate() {
            match row {
                Row::Input { index, .. } => {
                    limbs[0][at] = usize::from(input[index]);
                    limbs[1][at] = usize::from(input[index]) + raised;
                }
                Row::Made { layer, output, .. } => {
                    let division = &divisions[layer][output];
                    table_row[at] = division.u;
                    for (column, &limb) in limbs.iter_mut().zip(&division.limbs) {
                        column[at] = limb;
                    }
                }
                _ => {}
            }
        }
        let (mut limb_uses, mut table_uses) = (vec![0_usize; length], vec![0_usize; length]);
        for at in 1..length {
            table_uses[table_row[at] + 1] += 1;
            for column in &limbs {
                limb_uses[column[at] + 1] += 1;
            }
        }
        let output: Vec<u8> =
            divisions.last().into_iter().flatten().map(|division| division.byte).collect();
        let mut instances = vec![context];
        instances.extend(pack(&input));
        instances.extend(pack(&output));
        let steps = plan.fitted.steps.as_ref().map(|_| {
            let steps = table_row.iter().filter_map(|&row| plan.fitted.step(row));
            let cells = steps.map(|step| (field(step.threshold), Fr::from(u64::from(step.above))));
            let (thresholds, above) = cells.unzip();
            [thresholds, above]
        });
        let bytes = table_row.iter().map(|&row| Fr::from(u64::from(plan.fitted.table[row])));
        Ok(Self {
            byte: bytes.collect(),
            steps,
            table_row: table_row.into_iter().map(unsigned).collect(),
            limbs: (limbs.into_iter())
                .map(|limb| limb.into_iter().map(unsigned).collect())
                .collect(),
            limb_uses: limb_uses.into_iter().map(unsigned).collect(),
            table_uses: table_uses.into_iter().map(unsigned).collect(),
            instances,
            outputs: output.iter().map(|&byte| integer(byte, program.output_element)).collect(),
        })
    }

    /// Computes the second phase for the drawn challenges.
    pub fn sums(&self, fixed: &Fixed, plan: &Plan, challenges: &Challenges) -> Sums {
        let (segment, products) = self.products(fixed, challenges);
        Sums {
            lookup_sums: self.lookup_sums(fixed, challenges),
            segment,
            products,
            owed: self.owed(fixed, plan, challenges),
            packed: self.packed(fixed, challenges),
        }
    }

    fn lookup_sums(&self, fixed: &Fixed, challenges: &Challenges) -> Vec<Vec<Fr>> {
        let cells = |at: usize| Cells {
            looks_up: Fr::one(),
            limbs: self.limbs.iter().map(|column| column[at]).collect(),
            table_row: self.table_row[at],
            byte: self.byte[at],
            step: self
                .steps
                .as_ref()
                .map(|[thresholds, above]| thresholds[at].double() + above[at]),
            limb_uses: self.limb_uses[at],
            table_uses: self.table_uses[at],
            index: fixed.index[at],
            table: fixed.table[at],
            table_step: fixed.steps.as_ref().map(|steps| steps[at]),
        };
        running_sums((1..self.byte.len()).map(cells), challenges.beta, challenges.gamma)
    }

    /// The value that a row's taker multiplies.
    fn value(&self, fixed: &Fixed, at: usize) -> Fr {
        if fixed.makes[at] { self.byte[at] } else { self.limbs[0][at] }
    }

    fn products(&self, fixed: &Fixed, challenges: &Challenges) -> (Vec<Fr>, Vec<Fr>) {
        let length = self.byte.len();
        let (mut segment, mut products) = (vec![Fr::zero(); length], vec![Fr::zero(); length]);
        let all_lanes = challenges.rho.pow([fixed.weights.len() as u64]);
        for at in 1..length {
            let weights = (fixed.weights.iter().rev())
                .fold(Fr::zero(), |sum, column| sum * challenges.rho + column[at]);
            let carried = if fixed.takes[at - 1] || fixed.makes[at - 1] {
                Fr::zero()
            } else {
                segment[at - 1] * all_lanes
            };
            segment[at] = carried + weights;
            let before = if fixed.ends_block[at - 1] { Fr::zero() } else { products[at - 1] };
            let product =
                if fixed.takes[at] { self.value(fixed, at) * segment[at - 1] } else { Fr::zero() };
            products[at] = before + product;
        }
        (segment, products)
    }

    // Backwards: nothing is owed at a block's end, and each row adds what it makes.
    fn owed(&self, fixed: &Fixed, plan: &Plan, challenges: &Challenges) -> Vec<Fr> {
        let mut owed = vec![Fr::zero(); self.byte.len()];
        let base = field(plan.fitted.base());
        let word_multiplier = byte_power(BYTES_PER_WORD) * challenges.tau;
        for at in (1..owed.len()).rev() {
            let until_now = if fixed.makes[at] {
                let dividend = match &self.steps {
                    Some([_, above]) => {
                        let bucket = (self.table_row[at] - above[at]) * Fr::TWO_INV;
                        bucket * fixed.weights[1][at] + self.limbs[0][at]
                    }
                    None => (self.limbs.iter().rev())
                        .fold(self.table_row[at], |sum, limb| sum * base + limb[at]),
                };
                challenges.rho * owed[at] + dividend - fixed.weights[0][at]
            } else if fixed.marks[at] && !fixed.takes[at] {
                word_multiplier * owed[at] + self.instances[at]
            } else {
                owed[at]
            };
            owed[at - 1] = if fixed.ends_block[at - 1] { Fr::zero() } else { until_now };
        }
        owed
    }

    fn packed(&self, fixed: &Fixed, challenges: &Challenges) -> Vec<Fr> {
        left_to_pack(self.byte.len(), |at| {
            let tau = if fixed.marks[at] { challenges.tau } else { Fr::one() };
            match (fixed.takes[at], fixed.makes[at]) {
                (true, false) => Some((self.limbs[0][at], fixed.weights[0][at] * tau)),
                (false, true) => Some((self.byte[at], byte_power(1) * tau)),
                _ => None,
            }
        })
    }
}

/// Every layer's divisions, first layer first.
fn divide_all(program: &Program, plan: &Plan, input: &[u8]) -> Vec<Vec<super::fit::Division>> {
    let mut bytes: Vec<u8> = input.to_vec();
    let mut all = Vec::new();
    for (index, layer) in program.layers.iter().enumerate() {
        let divide = |output: usize| {
            let row = &layer.weights[output * layer.inputs..][..layer.inputs];
            let products = row.iter().zip(&bytes).map(|(&w, &b)| i64::from(w) * i64::from(b));
            plan.fitted.divide(index, output, products.sum::<i64>().into())
        };
        let divisions: Vec<_> = (0..layer.outputs).map(divide).collect();
        bytes = divisions.iter().map(|division| division.byte).collect();
        all.push(divisions);
    }
    all
}
