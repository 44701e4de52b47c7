//! Whether a verifying key says what a model says, without trust in whoever laid the circuit out.
//!
//! Nothing here comes from the planner, the lowering or the witness: from the fixed columns that a key commits to,
//! and from a statement of the constraints of its own, it reads what the circuit computes from *any* input, reads
//! the same from the model's graph, and compares.
//!
//! | module | says |
//! |---|---|
//! | `source` | which fixed columns a synthesis assigns, and whether the key commits to them |
//! | `shape` | where each cell lies |
//! | `gates` | what the constraints are, and whether the key's system has these and no others |
//! | `rows` | what each row is: places made once, no coefficient used before it begins |
//! | `hashes`, `poseidon` | that rows of hashes compute those of hashed inputs |
//! | `weights` | where committed weights are, and that they have the range that is said of them |
//! | `table` | what the table says: intervals that do not overlap, sums rounded as float32 rounds them |
//! | `circuit` | what each row holds: no dividend leaves its table, nothing wraps |
//! | `packing` | which bytes instances, commitments and hashes are of |
//! | `model` | what each tensor holds |
//! | `values`, `sums`, `floats` | the language that both are written in |
//! | `lemmas`, `systems` | what intervals cannot see, and what inequalities determine |
//!
//! `docs/soundness.md` has the theorem that this is one hypothesis of, and the lemmas.

mod circuit;
mod floats;
mod gates;
mod hashes;
mod lemmas;
mod maps;
mod model;
mod packing;
mod poseidon;
mod rows;
mod shape;
mod source;
mod sums;
mod systems;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod weights;

use crate::circuit::{CircuitError, InstanceLayout, ModelCircuit};
use crate::model::Model;
use crate::proving::Keys;
use circuit::Walk;
use halo2_proofs::{halo2curves::bn256::Fr, plonk::Circuit};
use packing::Packed;
use rows::Rows;
use serde::Serialize;
use shape::{Exponents, Flag, Places, Shape};
use source::{Columns, integer};
use std::collections::HashMap;
use table::Table;
use values::{Obstacle, Value, Values};
use weights::Lanes;

/// Why a key is not certified.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertifyError {
    /// The circuit's shape is none that is known here.
    #[error("the circuit has a shape that cannot be checked")]
    Shape,
    /// The circuit cannot be laid out, or uses what no model's circuit does.
    #[error("the circuit's synthesis does not give fixed columns alone")]
    Synthesis,
    /// Another number of fixed columns.
    #[error("the circuit has {got} fixed columns, the key {expected}")]
    Columns {
        /// The circuit's.
        got: usize,
        /// The key's.
        expected: usize,
    },
    /// The key commits to something else.
    #[error("fixed column {column} is not what the key commits to")]
    Key {
        /// Which.
        column: usize,
    },
    /// A packed key commits to something else.
    #[error("pack {pack} of fixed columns is not what the key commits to")]
    Pack {
        /// Which.
        pack: usize,
    },
    /// A packed key is checked with its string.
    #[error("the key's structured reference string is not at hand, or too short")]
    String,
    /// The constraints are others.
    #[error("the constraint system is not a model's: {what}")]
    System {
        /// In what it differs.
        what: String,
    },
    /// A row is not what it should be.
    #[error("row {row}{}: {what}", place.as_deref().map(|place| format!(" (place {place})")).unwrap_or_default())]
    Row {
        /// Which.
        row: usize,
        /// The place that it makes something at.
        place: Option<String>,
        /// What is wrong.
        what: String,
    },
    /// A node of the model cannot be read.
    #[error("node `{node}`: {what}")]
    Node {
        /// Its name.
        node: String,
        /// What is wrong.
        what: String,
    },
    /// Instances hold other things than they should.
    #[error("the public values: {what}")]
    Packing {
        /// What is wrong.
        what: String,
    },
    /// The circuit computes something else.
    #[error("output `{output}`, element {element}, on row {row}: the circuit computes another function than the model{}", from.as_deref().map(|node| format!("; the first value that no row has is of node `{node}`")).unwrap_or_default())]
    Output {
        /// The output's name.
        output: String,
        /// Which element.
        element: usize,
        /// The row that holds it.
        row: usize,
        /// The first node of which the circuit lacks a value that the output depends on.
        from: Option<String>,
    },
}

impl CertifyError {
    fn row(row: usize, what: impl Into<String>) -> Self {
        Self::Row { row, place: None, what: what.into() }
    }

    fn place(row: usize, place: Exponents, what: impl Into<String>) -> Self {
        let [omega, along, down] = place;
        Self::Row {
            row, place: Some(format!("ρ^{omega}·s₁^{along}·s₂^{down}")), what: what.into()
        }
    }

    fn at(row: usize, place: Option<Exponents>, why: Obstacle) -> Self {
        match place {
            Some(place) => Self::place(row, place, why.to_string()),
            None => Self::row(row, why.to_string()),
        }
    }
}

/// What was counted on the way.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Rows of the table.
    pub rows: usize,
    /// Constraints compared with their statement.
    pub constraints: usize,
    /// Keccak-256 of the constraints as the backend prints them.
    pub constraints_digest: String,
    /// Keccak-256 of all fixed cells.
    pub fixed_columns_digest: String,
    /// Places, each made by one row, or by the digits of one integer.
    pub places: usize,
    /// Products of a value and a weight that rows contribute.
    pub contributions: usize,
    /// Bytes made by division.
    pub divisions: usize,
    /// Bytes made by interval.
    pub intervals: usize,
    /// Float32 additions.
    pub float_sums: usize,
    /// Inequalities between integers.
    pub inequalities: usize,
    /// Integers that these determine.
    pub defined: usize,
    /// Bits of the largest integer; the field has more than 253.
    pub widest_bits: u32,
    /// Bytes of the input.
    pub inputs: usize,
    /// Elements of the output that were compared.
    pub outputs: usize,
    /// Different functions of the input that were compared along the way.
    pub functions: usize,
    /// Hashes of inputs.
    pub hashes: usize,
    /// Weights and digits of biases that are committed, which may be any.
    pub weights: usize,
}

/// Checks that a key's circuit computes what a model does, on every input; of a key whose weights are committed, that it
/// computes what the model's architecture does, with every weight and bias.
///
/// `circuit` says what the instances are, as the certificate is about proofs with such; which fixed columns to compare
/// with the key's commitments; and, where an input is private, which of its rows is which element: a wrong answer to
/// the latter two leads to an error.
pub fn certify(model: &Model, circuit: &ModelCircuit, keys: &Keys) -> Result<Report, CertifyError> {
    let architecture = circuit.layout().names_weights.then(|| model.without_weights());
    let model = architecture.as_ref().unwrap_or(model);
    let (columns, system) = Columns::synthesize(circuit, circuit.k(), circuit.params())?;
    let shape = Shape::read(&circuit.shape())?;
    columns.check_commitments(keys, &system, &shape)?;
    let (elements, lanes) = (elements(model, circuit)?, Lanes::of(&circuit.weight_numbers()));
    let subject = Subject {
        shape,
        fixed: &columns.fixed,
        // Packed keys were compared with it.
        system: keys.halo2().map_or(&system, |keys| keys.vk().cs()),
        layout: circuit.layout(),
        instances: keys.instances(),
        elements: &elements,
        lanes: &lanes,
    };
    subject.check(model)
}

/// Which element of the input lies in which slot, where it is private: told by witnesses of inputs that spell each
/// element's number.
fn elements(model: &Model, circuit: &ModelCircuit) -> Result<HashMap<usize, u32>, CertifyError> {
    let shape = Shape::read(&circuit.shape())?;
    let mut elements = HashMap::new();
    if !shape.private_input {
        return Ok(elements);
    }
    let (model, _) = circuit.layout().proved(model).map_err(no_instances)?;
    let places = Places::new(&shape)?;
    let tensors = || model.inputs.iter().map(|port| &model.graph.tensors[port.tensor.0]);
    let bases: Vec<i32> = tensors()
        .flat_map(|tensor| std::iter::repeat_n(tensor.quantization.element.range().0, tensor.len()))
        .collect();
    for place in 0..4_u32 {
        let digit = 256_usize.pow(place);
        let byte = |(element, base): (usize, &i32)| {
            base + i32::from(u8::try_from(element / digit % 256).unwrap_or_default())
        };
        let input: Vec<i32> = bases.iter().enumerate().map(byte).collect();
        let contexts = vec![Fr::zero(); circuit.layout().inferences];
        let blindings = vec![Fr::one(); shape.hashes.len()];
        let witness = circuit.witness_with(&model, &input, &blindings, contexts);
        let witness = witness.map_err(|_| CertifyError::Synthesis)?;
        let circuit = circuit.with_witness(witness);
        let (columns, _) = Columns::synthesize(&circuit, circuit.k(), circuit.params())?;
        let inputs = places.flag(Flag::Inputs).ok_or(CertifyError::Shape)?;
        for row in 1..=shape.table_rows {
            let cell = |column: &[Fr], place: shape::Place| {
                column.get(shape.fold * row + place.offset).copied().unwrap_or(Fr::zero())
            };
            let weighs = cell(&columns.fixed[places.weighs.column], places.weighs);
            if weighs != Fr::zero() || cell(&columns.fixed[inputs.column], inputs) != Fr::one() {
                continue;
            }
            let mut several = places.several.iter().flatten();
            let has_several =
                several.any(|&several| cell(&columns.fixed[several.column], several) == Fr::one());
            for number in 0..if has_several { shape.abreast } else { 1 } {
                let limb = places.value(number).limbs[0];
                let value = integer(cell(&columns.advice[limb.column], limb));
                let value = value.and_then(|value| u32::try_from(value).ok());
                let value = value.ok_or_else(|| CertifyError::row(row, "it holds no input"))?;
                *elements.entry(shape.abreast * row + number).or_default() += value << (8 * place);
            }
        }
        if 256 * digit >= bases.len() {
            break;
        }
    }
    Ok(elements)
}

fn no_instances(why: CircuitError) -> CertifyError {
    CertifyError::Packing { what: why.to_string() }
}

/// What is checked against a model.
struct Subject<'a> {
    shape: Shape,
    fixed: &'a [Vec<Fr>],
    system: &'a halo2_proofs::plonk::ConstraintSystem<Fr>,
    instances: usize,
    layout: &'a InstanceLayout,
    elements: &'a HashMap<usize, u32>,
    lanes: &'a Lanes,
}

impl Subject<'_> {
    fn check(&self, model: &Model) -> Result<Report, CertifyError> {
        self.layout.check_model(model).map_err(no_instances)?;
        // What is claimed is an output of the model with the nodes that compute it.
        let (model, _) = self.layout.proved(model).map_err(no_instances)?;
        self.compare_all(&model)
    }

    /// The same with the model that has what claims take among its inputs and what they say among its outputs.
    fn compare_all(&self, model: &Model) -> Result<Report, CertifyError> {
        let places = Places::new(&self.shape)?;
        let constraints = gates::check(self.system, &self.shape, &places)?;
        if self.fixed.len() != places.columns[2] {
            return Err(CertifyError::Shape);
        }
        let usable = self.fixed[0].len().checked_sub(self.system.blinding_factors() + 1);
        let rows = Rows::read(
            &self.shape,
            &places,
            self.fixed,
            self.lanes,
            usable.ok_or(CertifyError::Shape)?,
        )?;
        let [contents, starts, lengths] = rows.table()?;
        let table = Table::new(contents.unwrap_or_default(), starts.as_deref(), lengths.as_deref())
            .map_err(|why| CertifyError::Row { row: 0, place: None, what: why.to_string() })?;
        let mut values = Values::default();
        let packed = self.packed();
        let packed_inputs = packing::elements(&packed);
        let mut walk = Walk::new(&rows, &table, &mut values, self.elements, &packed_inputs);
        walk.all()?;
        let (public, mut report) =
            (std::mem::take(&mut walk.public), std::mem::take(&mut walk.report));
        let functions = values.len();
        self.check_packing(&rows, &public, &packed)?;
        let inputs: usize = tensor_lengths(model, &model.inputs).sum();
        self.check_inputs(&rows, &public, &packed, inputs)?;
        self.compare(model, &mut values, &public, &packed)?;
        report.rows = rows.len();
        report.constraints = constraints;
        report.constraints_digest = hex(&gates::digest(self.system));
        report.fixed_columns_digest = self.fixed_digest();
        report.places = rows.at.len();
        report.contributions = rows.contributions;
        report.inputs = inputs;
        report.outputs = tensor_lengths(model, &model.outputs).sum();
        report.functions = functions;
        report.hashes = self.shape.hashes.len();
        report.weights = places.weights.map_or(0, |_| weights::numbers(model).1);
        Ok(report)
    }

    fn fixed_digest(&self) -> String {
        use sha3::{Digest, Keccak256};
        let mut hash = Keccak256::new();
        for column in self.fixed {
            for cell in column {
                hash.update(cell.to_bytes());
            }
        }
        hex(&hash.finalize())
    }

    fn compare(
        &self,
        model: &Model,
        values: &mut Values,
        public: &[(usize, Value)],
        packed: &[Packed],
    ) -> Result<(), CertifyError> {
        let known = values.len();
        let outputs = model::outputs(model, self.layout.names_weights, values, known)
            .map_err(|(node, why)| CertifyError::Node { node, what: why.to_string() })?;
        let mut computed = public.iter();
        Self::compare_packed(values, &mut computed, packed)?;
        // What claims say, then the outputs that are told, each inference by inference.
        let inferences = self.layout.inferences;
        let all: Vec<_> = model.outputs.iter().zip(&outputs.by_port).collect();
        let (said, told) = all.split_at(self.layout.claims.len());
        for ports in [said, told] {
            for inference in 0..inferences {
                for (port, output) in ports {
                    let length = output.len() / inferences;
                    let own = output.iter().enumerate().skip(inference * length).take(length);
                    for (element, expected) in own {
                        let Some(&(slot, value)) = computed.next() else {
                            let what = "outputs are missing".into();
                            return Err(CertifyError::Packing { what });
                        };
                        if value != *expected {
                            return Err(CertifyError::Output {
                                output: port.name.clone(),
                                element,
                                row: slot / self.shape.abreast,
                                from: outputs.first_new,
                            });
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn tensor_lengths<'a>(
    model: &'a Model,
    ports: &'a [crate::model::Port],
) -> impl Iterator<Item = usize> + 'a {
    ports.iter().map(|port| model.graph.tensors[port.tensor.0].len())
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}
