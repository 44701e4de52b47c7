//! Keys of a model: what its proofs are made with and checked against, and what they say.

use super::{
    Format, Judge, Keys, PackedVerifier, Powers, ProvingError, Refusal, Srs, SrsOrigin, Statement,
    Verifier, WORD_BYTES, Widths, links, packed_instances, statement::statements,
};
#[cfg(feature = "prove")]
use crate::circuit::Role;
use crate::circuit::{CircuitError, InstanceError, InstanceLayout, ModelCircuit, Shape, Word};
use crate::model::Model;
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};
use std::sync::Arc;

#[cfg(feature = "prove")]
mod committed;

#[cfg(feature = "prove")]
pub use committed::{Blindings, CommittedWeights, Secrets};

#[cfg(feature = "prove")]
use super::{
    Options, PackedProver, Prover, ProverKind, Times, check_environment, link, prover::own_key,
    word_of,
};
#[cfg(feature = "prove")]
use crate::circuit::{Contexts, Wishes};

/// A proof with what it says: all that a verifier looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How its bytes are to be read, where that is said: else as the key has it.
    pub format: Option<Format>,
    /// The digest of the verifying key that it was made under.
    pub vk_digest: [u8; WORD_BYTES],
    /// The proof's bytes, as the contract takes them.
    pub bytes: Vec<u8>,
    /// The public values, as they came: perhaps not below the field's modulus.
    pub instances: Vec<Word>,
}

impl Proof {
    /// The format that it says it has and the one that it ought to have, if they differ.
    pub fn other_format(&self, expected: Format) -> Option<(Format, Format)> {
        self.format.filter(|&got| got != expected).map(|got| (got, expected))
    }

    /// The instances as field elements; the position of the first that is not below the modulus.
    pub fn scalars(&self) -> Result<Vec<Fr>, u64> {
        let scalar = |(index, word): (usize, &Word)| scalar_of(*word).ok_or(index as u64);
        self.instances.iter().enumerate().map(scalar).collect()
    }
}

/// The field element with these big-endian bytes, if they are below the modulus.
pub fn scalar_of(mut word: Word) -> Option<Fr> {
    word.reverse();
    Fr::from_repr(word).into()
}

/// What proofs of one model are checked against.
#[derive(Clone, Debug)]
pub struct ModelVerifier {
    model: Arc<Model>,
    shape: Shape,
    layout: InstanceLayout,
    keys: Keys,
}

impl ModelVerifier {
    /// Makes the verifying key of a model's circuit.
    pub fn generate(
        model: Arc<Model>,
        circuit: &ModelCircuit,
        srs: &Srs,
    ) -> Result<Self, ProvingError> {
        check_format(&circuit.shape())?;
        #[cfg(feature = "prove")]
        let keys = {
            check_environment()?;
            let system = circuit.constraint_system();
            let key = own_key(srs, &system, circuit)?.verifying_key();
            Verifier::from_bytes(&key, srs, system, circuit.instances())?
        };
        #[cfg(not(feature = "prove"))]
        let keys = Verifier::generate(srs, circuit, circuit.instances())?;
        let (shape, layout) = (circuit.shape(), circuit.layout().clone());
        let keys = Keys::Halo2(keys.with_links(links(&shape)));
        Ok(Self::new(model, layout, shape, keys))
    }

    /// Makes the key of packed proofs of a model's circuit, whose columns share commitments as `widths` says.
    pub fn generate_packed(
        model: Arc<Model>,
        circuit: &ModelCircuit,
        powers: &Powers,
        widths: &Widths,
    ) -> Result<Self, ProvingError> {
        let (system, k) = (circuit.constraint_system(), circuit.k());
        let public = &packed_instances(&circuit.shape(), circuit.instances());
        #[cfg(feature = "prove")]
        let keys = {
            let kind = ProverKind::default();
            let prover = PackedProver::generate(kind, powers, k, &system, circuit, public, widths)?;
            prover.verifier().clone()
        };
        #[cfg(not(feature = "prove"))]
        let keys = {
            let rows = 1_usize << k;
            let mut fixed = vec![vec![Fr::zero(); rows]; system.num_fixed_columns()];
            for (column, values) in circuit.fixed_columns() {
                let cells = fixed[column].iter_mut().take(values.len());
                cells.enumerate().for_each(|(row, cell)| *cell = values.at(row));
            }
            PackedVerifier::generate(powers, &system, k, public, &fixed, widths)?
        };
        Ok(Self::new(model, circuit.layout().clone(), circuit.shape(), Keys::Packed(keys)))
    }

    /// Reads the key of packed proofs of a circuit with these instances and of this shape.
    pub fn from_packed_bytes(
        model: Arc<Model>,
        layout: InstanceLayout,
        shape: Shape,
        k: u32,
        origin: SrsOrigin,
        bytes: &[u8],
    ) -> Result<Self, ProvingError> {
        check_plan(&model, &layout, &shape)?;
        let system = shape.constraint_system();
        let public = packed_instances(&shape, layout.len());
        let keys = PackedVerifier::from_bytes(bytes, &system, k, &public, origin)?;
        Ok(Self::new(model, layout, shape, Keys::Packed(keys)))
    }

    /// The same with the string of a packed key, which proofs and other keys are made with.
    pub fn with_powers(self, powers: Powers) -> Result<Self, ProvingError> {
        let keys = match self.keys {
            Keys::Packed(keys) => Keys::Packed(keys.with_powers(powers)?),
            Keys::Halo2(_) => return Err(ProvingError::SrsInvalid("it is one of packed proofs")),
        };
        Ok(Self { keys, ..self })
    }

    /// Reads the verifying key of a circuit with these instances and of this shape.
    pub fn from_bytes(
        model: Arc<Model>,
        layout: InstanceLayout,
        shape: Shape,
        srs: &Srs,
        bytes: &[u8],
    ) -> Result<Self, ProvingError> {
        check_plan(&model, &layout, &shape)?;
        check_format(&shape)?;
        let keys = Verifier::from_bytes(bytes, srs, shape.constraint_system(), layout.len())?;
        let keys = Keys::Halo2(keys.with_links(links(&shape)));
        Ok(Self::new(model, layout, shape, keys))
    }

    fn new(model: Arc<Model>, layout: InstanceLayout, shape: Shape, keys: Keys) -> Self {
        let keys = keys.about(layout.digest(&model));
        Self { model, shape, layout, keys }
    }

    /// Whether a proof proves its instances, and if not, why not.
    pub fn verify(&self, proof: &Proof) -> Result<(), Refusal> {
        if let Some((got, expected)) = proof.other_format(self.format()) {
            return Err(Refusal::WrongFormat { got, expected });
        }
        let expected = self.digest();
        if proof.vk_digest != expected {
            return Err(Refusal::WrongKey { got: proof.vk_digest, expected });
        }
        self.keys.check_lengths(proof.bytes.len(), proof.instances.len())?;
        let scalars = proof.scalars().map_err(|index| Refusal::ScalarOutOfRange { index });
        self.keys.verify(&proof.bytes, &scalars?)
    }

    /// What instances say, inference by inference. A proof that does not verify says nothing, whatever its
    /// instances are.
    pub fn statements(&self, instances: &[Word]) -> Result<Vec<Statement>, InstanceError> {
        statements(&self.model, &self.layout, instances)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model's digest, which the verifying key's covers.
    pub fn model_digest(&self) -> [u8; WORD_BYTES] {
        self.keys.model_digest().expect("a model's key is about it")
    }

    /// The verifying key's digest.
    pub fn digest(&self) -> [u8; WORD_BYTES] {
        self.keys.digest()
    }

    /// What the instances are.
    pub fn layout(&self) -> &InstanceLayout {
        &self.layout
    }

    /// The shape of the circuit.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The format of the proofs.
    pub fn format(&self) -> Format {
        self.keys.format()
    }

    /// The verifying key.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl Judge for ModelVerifier {
    fn model(&self) -> &Model {
        Self::model(self)
    }

    fn layout(&self) -> &InstanceLayout {
        Self::layout(self)
    }

    fn format(&self) -> Format {
        Self::format(self)
    }

    fn digest(&self) -> Word {
        Self::digest(self)
    }

    fn model_digest(&self) -> Word {
        Self::model_digest(self)
    }

    fn verify(&self, proof: &Proof) -> Result<(), Refusal> {
        Self::verify(self, proof)
    }
}

/// That a model has a layout's instances, and a circuit of a shape gives them.
fn check_plan(model: &Model, layout: &InstanceLayout, shape: &Shape) -> Result<(), ProvingError> {
    layout.check_model(model)?;
    layout.check_format(shape.sums_words)?;
    if layout.fits(shape) { Ok(()) } else { Err(CircuitError::OtherPlan.into()) }
}

/// That halo2's verifiers see all instances of a circuit of a shape.
fn check_format(shape: &Shape) -> Result<(), ProvingError> {
    if shape.sums_words { Err(ProvingError::SummedInstances) } else { Ok(()) }
}

/// What proofs of one model are made with.
#[cfg(feature = "prove")]
#[derive(Clone, Debug)]
pub struct ModelProver {
    circuit: ModelCircuit,
    prover: ProvingKeys,
    verifier: ModelVerifier,
}

#[cfg(feature = "prove")]
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few of them")]
enum ProvingKeys {
    Halo2(Prover),
    Packed(PackedProver),
}

#[cfg(feature = "prove")]
impl ModelProver {
    /// Plans a model's circuit and makes its keys.
    pub fn generate(model: Model, srs: &Srs, wishes: Wishes) -> Result<Self, ProvingError> {
        let circuit = ModelCircuit::new(&model, wishes)?;
        Self::of_circuit(model, circuit, srs)
    }

    /// Makes the keys of a circuit that was planned for this model; the string may be longer.
    pub fn of_circuit(
        model: Model,
        circuit: ModelCircuit,
        srs: &Srs,
    ) -> Result<Self, ProvingError> {
        let shorter = srs.cut_down(circuit.k())?;
        let srs = shorter.as_ref().unwrap_or(srs);
        check_format(&circuit.shape())?;
        check_environment()?;
        let key = own_key(srs, &circuit.constraint_system(), &circuit)?;
        let (model, shape, layout) = (Arc::new(model), circuit.shape(), circuit.layout().clone());
        let key_bytes = key.verifying_key();
        let verifier = ModelVerifier::from_bytes(model, layout, shape, srs, &key_bytes)?;
        let keys = verifier.keys.halo2().expect("it was made of one").clone();
        let prover = ProvingKeys::Halo2(Prover::of_key(key, keys));
        Ok(Self { circuit, prover, verifier })
    }

    /// Makes the keys of packed proofs of a circuit that was planned for this model; the string may be longer.
    pub fn packed(
        model: Model,
        circuit: ModelCircuit,
        powers: &Powers,
        widths: &Widths,
    ) -> Result<Self, ProvingError> {
        let (system, k) = (circuit.constraint_system(), circuit.k());
        let public = packed_instances(&circuit.shape(), circuit.instances());
        let kind = ProverKind::default();
        let prover = PackedProver::generate(kind, powers, k, &system, &circuit, &public, widths)?;
        let keys = Keys::Packed(prover.verifier().clone());
        let (layout, shape) = (circuit.layout().clone(), circuit.shape());
        let verifier = ModelVerifier::new(Arc::new(model), layout, shape, keys);
        Ok(Self { circuit, prover: ProvingKeys::Packed(prover), verifier })
    }

    /// Makes the proving key that belongs to a verifying key, of the circuit that it was made of.
    pub fn of_verifier(
        verifier: ModelVerifier,
        circuit: ModelCircuit,
    ) -> Result<Self, ProvingError> {
        Self::of_verifier_for(ProverKind::default(), verifier, circuit)
    }

    /// The same with a prover of choice.
    pub fn of_verifier_for(
        kind: ProverKind,
        verifier: ModelVerifier,
        circuit: ModelCircuit,
    ) -> Result<Self, ProvingError> {
        let (prover, keys) = match verifier.keys {
            Keys::Halo2(keys) => {
                let prover = Prover::of_source(kind, keys.clone(), &circuit, &circuit)?;
                (ProvingKeys::Halo2(prover), Keys::Halo2(keys))
            }
            Keys::Packed(keys) => {
                let system = circuit.constraint_system();
                let prover = PackedProver::of_verifier(kind, keys, &system, &circuit)?;
                let keys = Keys::Packed(prover.verifier().clone());
                (ProvingKeys::Packed(prover), keys)
            }
        };
        Ok(Self { circuit, prover, verifier: ModelVerifier { keys, ..verifier } })
    }

    /// Proves the bundle's inferences, one or several, given by the integers of each input, then of what the verifier chose for
    /// each claim, and a context for each inference; the circuit's answer is compared with the reference's before anything else.
    pub fn prove(
        &self,
        inputs: &[Vec<i32>],
        contexts: impl Into<Contexts>,
    ) -> Result<Proof, ProvingError> {
        self.prove_with(inputs, contexts, &Options::default()).map(|(proof, _)| proof)
    }

    /// As [`Self::prove`], followed, stopped or seeded; says also what the prover's stages took.
    pub fn prove_with(
        &self,
        inputs: &[Vec<i32>],
        contexts: impl Into<Contexts>,
        options: &Options<'_>,
    ) -> Result<(Proof, Times), ProvingError> {
        self.prove_linked(inputs, contexts, Secrets::default(), options)
    }

    /// The same with commitments to the committed inputs and outputs, in the order of their names, to the weights where these are
    /// committed, and with what blinds the hashes of hashed inputs. A commitment that is not to the input that is given is refused.
    pub fn prove_linked<'a>(
        &self,
        inputs: &[Vec<i32>],
        contexts: impl Into<Contexts>,
        secrets: impl Into<Secrets<'a>>,
        options: &Options<'_>,
    ) -> Result<(Proof, Times), ProvingError> {
        let Secrets { inputs: commitments, weights, blindings } = secrets.into();
        let expected = self.layout().names_weights;
        if weights.is_some() != expected {
            return Err(ProvingError::Weights { expected });
        }
        let (got, expected) = (commitments.len(), self.layout().linked().count());
        if got != expected {
            return Err(ProvingError::Commitments { got, expected });
        }
        let drawn;
        let blindings = match blindings {
            Some(given) => given,
            None => {
                drawn = Blindings::draw(self.layout().hashes().len());
                &drawn
            }
        };
        let (model, contexts) = (&self.verifier.model, contexts.into());
        let model = weights.map_or(model, |weights| &weights.model);
        let own = inputs.len().min(model.inputs.len());
        let (evaluation, witness) = rayon::join(
            || model.evaluate(&inputs[..own]),
            || self.circuit.witness_with(model, &inputs.concat(), blindings.all(), contexts),
        );
        let (evaluation, mut witness) = (evaluation?, witness?);
        let reference = self.verifier.layout.answers(model, &evaluation, &inputs[own..])?;
        witness.agrees_with(reference.into_iter())?;
        let (inputs, outputs) =
            (self.layout().range(Role::InputName), self.layout().range(Role::OutputName));
        let names = &mut witness.instances[inputs.start..outputs.end];
        for (name, commitment) in names.iter_mut().zip(commitments) {
            let class = commitment.class().ok_or(ProvingError::Commitments { got, expected })?;
            let own = scalar_of(link::name(class, &commitment.point));
            *name = own.expect("a name has 248 bits");
        }
        if let Some(weights) = weights {
            let name = scalar_of(weights.name).expect("a name has 248 bits");
            witness.instances[self.layout().range(Role::WeightsName)].fill(name);
        }
        let instances = witness.instances.clone();
        let circuit = self.circuit.with_witness(witness);
        let (bytes, times) = match &self.prover {
            ProvingKeys::Halo2(prover) => {
                prover.prove_source((&circuit, &circuit), &instances, commitments, options)?
            }
            ProvingKeys::Packed(prover) => {
                let columns = weights.map(|weights| &weights.columns);
                prover.prove_source(&circuit, &instances, commitments, columns, options)?
            }
        };
        let instances = instances.iter().map(word_of).collect();
        let (format, vk_digest) = (self.verifier.format(), self.verifier.digest());
        Ok((Proof { format: Some(format), vk_digest, bytes, instances }, times))
    }

    fn layout(&self) -> &InstanceLayout {
        &self.verifier.layout
    }

    /// What the proofs are checked against.
    pub fn verifier(&self) -> &ModelVerifier {
        &self.verifier
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.verifier.model
    }

    /// The model's circuit.
    pub fn circuit(&self) -> &ModelCircuit {
        &self.circuit
    }

    /// The proving key of halo2's proofs, if it is one.
    pub fn halo2(&self) -> Option<&Prover> {
        match &self.prover {
            ProvingKeys::Halo2(prover) => Some(prover),
            ProvingKeys::Packed(_) => None,
        }
    }

    /// Bytes that the proving key takes, in memory or in a file.
    pub fn key_bytes(&self) -> usize {
        match &self.prover {
            ProvingKeys::Halo2(prover) => prover.key_bytes(),
            ProvingKeys::Packed(prover) => prover.key_bytes(),
        }
    }
}

#[cfg(all(test, feature = "prove"))]
mod links;

#[cfg(all(test, feature = "prove"))]
mod weights;

#[cfg(all(test, feature = "prove"))]
mod tests {
    use super::*;
    use crate::circuit::tests::models;
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicBool, Ordering};
    use zkverdict_prover::{Error, Stage};

    /// Halo2's verifiers draw every challenge, the one that is to be what the instances add up to as well: none would be bound.
    #[test]
    fn circuits_whose_instances_are_summed_have_no_keys_of_halo2() {
        let (_, model) = models::all().swap_remove(0);
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let circuit = ModelCircuit::new(&model, wishes).unwrap();
        let srs = Srs::unsafe_dev(circuit.k());
        let bytes = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap().to_bytes();
        let (layout, shape, shared) =
            (circuit.layout().clone(), circuit.shape(), Arc::new(model.clone()));
        let refused = [
            ModelVerifier::generate(Arc::clone(&shared), &circuit, &srs).map(drop),
            ModelVerifier::from_bytes(shared, layout, shape, &srs, &bytes).map(drop),
            ModelProver::of_circuit(model, circuit, &srs).map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(ProvingError::SummedInstances)), "{refused:?}");
        }
    }

    #[test]
    fn a_proof_is_followed_and_stopped() {
        let (_, model) = models::all().swap_remove(0);
        let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
        let srs = Srs::unsafe_dev(circuit.k());
        let inputs: Vec<Vec<i32>> = (model.inputs.iter())
            .map(|port| {
                let tensor = &model.graph.tensors[port.tensor.0];
                vec![tensor.quantization.element.range().0; tensor.len()]
            })
            .collect();
        let prover = ModelProver::of_circuit(model, circuit, &srs).unwrap();
        let seen = RefCell::new(Vec::new());
        let prove = |stop_at: Option<Stage>| {
            let cancel = AtomicBool::new(false);
            let progress = |stage| {
                seen.borrow_mut().push(stage);
                cancel.store(Some(stage) == stop_at, Ordering::Relaxed);
            };
            let options =
                Options { progress: Some(&progress), cancel: Some(&cancel), ..Options::default() };
            prover.prove_with(&inputs, Fr::zero(), &options)
        };
        let (proof, times) = prove(None).unwrap();
        assert_eq!(prover.verifier().verify(&proof), Ok(()));
        let stages = seen.take();
        assert_eq!((stages.first(), stages.last()), (Some(&Stage::Witness), Some(&Stage::Opening)));
        assert!(times.iter().all(|(stage, _)| stages.contains(stage)));
        let stopped = prove(Some(Stage::Quotient)).map(|(proof, _)| proof);
        assert!(matches!(stopped, Err(ProvingError::Prover(Error::Cancelled))), "{stopped:?}");
        assert_eq!(seen.take().last(), Some(&Stage::Quotient));
    }
}
