//! Models in parts: proofs of the parts together say what one of the whole would.
//!
//! A proof of a model in parts is a name for each tensor that crosses a cut, in the order in which they are made, and then
//! each part's proof. Names are of commitments as an input's are, and every part that makes or takes a tensor has its
//! name among its instances, from the one list: so all of them are about the same values. Contexts are those of the whole,
//! as are the inputs that the first part is told and what the last part says.

use super::{Format, Judge, Keys, ModelVerifier, Proof, ProvingError, Refusal, WORD_BYTES};
use crate::circuit::{InstanceLayout, Role, Word};
use crate::model::{Model, Part};
use sha3::{Digest, Keccak256};
use std::ops::Range;

/// What its own digest begins with.
const TAG: &[u8] = b"zkverdict verifying keys of parts 1";

/// What proofs of a model in parts are checked against.
#[derive(Clone, Debug)]
pub struct PartsVerifier {
    model: Model,
    layout: InstanceLayout,
    model_digest: Word,
    parts: Vec<PartVerifier>,
    crossing: usize,
}

/// One part's.
#[derive(Clone, Debug)]
pub struct PartVerifier {
    /// What its own proofs are checked against.
    pub verifier: ModelVerifier,
    /// Which of the instances of the whole are its own before the names of what crosses cuts, and which behind.
    pub own: [Range<usize>; 2],
    /// Which of the names of what crosses cuts are between them.
    pub names: Vec<usize>,
}

impl PartVerifier {
    /// The instances of the part's own proof, out of those of the whole and the names of what crosses cuts. None where there are
    /// not as many.
    pub fn instances(&self, names: &[Word], whole: &[Word]) -> Option<Vec<Word>> {
        let [before, behind] = self.own.each_ref().map(|range| whole.get(range.clone()));
        let named = self.names.iter().map(|&number| names.get(number).copied());
        let named = named.collect::<Option<Vec<Word>>>()?;
        Some([before?, &named, behind?].concat())
    }
}

impl PartsVerifier {
    /// Of keys, each of which has to be of one of the model's parts, in their order and under one string.
    pub fn new(
        model: Model,
        layout: InstanceLayout,
        cuts: &[usize],
        keys: Vec<ModelVerifier>,
    ) -> Result<Self, ProvingError> {
        let wrong = |what: String| Err(ProvingError::Parts(what));
        layout.check_model(&model)?;
        if layout.inferences != 1 || layout.names_weights {
            return wrong("they are of one inference, and weights are part of their keys".into());
        }
        let parts = model.cut(cuts)?;
        if parts.len() != keys.len() {
            return wrong(format!("there are {} keys, and {} parts", keys.len(), parts.len()));
        }
        let count = parts.len();
        let crossing = parts.iter().map(|part| part.gives.len()).sum();
        let mut verifiers: Vec<PartVerifier> = Vec::new();
        for (number, (part, key)) in parts.iter().zip(keys).enumerate() {
            let own = layout.of_part(part, count, number);
            if *key.layout() != own || key.model_digest() != own.digest(&part.model) {
                return wrong(format!("key {number} is not of part {number} of the model"));
            }
            let first = verifiers.first().map_or(&key, |first| &first.verifier);
            let is_packed = matches!(key.keys(), Keys::Packed(_));
            if !is_packed || key.keys().fingerprint() != first.keys().fingerprint() {
                return wrong(format!(
                    "key {number} is not of packed proofs under the first's string"
                ));
            }
            verifiers.push(Self::part(&layout, part, (number, count), key));
        }
        let model_digest = layout.digest(&model);
        Ok(Self { model, layout, model_digest, parts: verifiers, crossing })
    }

    /// Which instances a part has: contexts, names of inputs, names of what crosses cuts, then all others.
    fn part(
        layout: &InstanceLayout,
        part: &Part,
        (number, count): (usize, usize),
        verifier: ModelVerifier,
    ) -> PartVerifier {
        let [context, names, inputs] =
            [Role::Context, Role::InputName, Role::Input].map(|role| layout.range(role));
        let before = if number == 0 { context.start..names.end } else { context };
        let start = if number == 0 { inputs.start } else { inputs.end };
        let end = if number + 1 == count { layout.len() } else { inputs.end };
        let names = part.takes.iter().chain(&part.gives).copied().collect();
        PartVerifier { verifier, own: [before, start..end], names }
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[PartVerifier] {
        &self.parts
    }

    /// How many tensors cross cuts.
    pub fn crossing(&self) -> usize {
        self.crossing
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        let parts = self.parts.iter().map(|part| part.verifier.keys().proof_length());
        WORD_BYTES * self.crossing + parts.sum::<usize>()
    }

    /// The parts' proofs in one.
    pub fn join(&self, names: &[Word], proofs: &[Proof], instances: Vec<Word>) -> Proof {
        let proofs = proofs.iter().flat_map(|proof| &proof.bytes).copied();
        let bytes = names.iter().flatten().copied().chain(proofs).collect();
        Proof { format: Some(self.format()), vk_digest: self.digest(), bytes, instances }
    }

    /// The proof that the parts' own proofs make together, as far as their instances tell; whether it is valid is another
    /// question. None if they are not those of the parts.
    pub fn gather(&self, proofs: &[Proof]) -> Option<Proof> {
        let mut instances = vec![None; self.layout.len()];
        let mut names = vec![None; self.crossing];
        if proofs.len() != self.parts.len() {
            return None;
        }
        for (PartVerifier { own: [before, behind], names: own, .. }, proof) in
            self.parts.iter().zip(proofs)
        {
            let (first, rest) = proof.instances.split_at_checked(before.len())?;
            let (named, last) = rest.split_at_checked(own.len())?;
            if last.len() != behind.len() {
                return None;
            }
            // Who has another context or name is refused with the rest.
            for (place, &word) in before.clone().zip(first).chain(behind.clone().zip(last)) {
                instances[place].get_or_insert(word);
            }
            for (&place, &word) in own.iter().zip(named) {
                names[place].get_or_insert(word);
            }
        }
        let names = names.into_iter().collect::<Option<Vec<_>>>()?;
        Some(self.join(&names, proofs, instances.into_iter().collect::<Option<_>>()?))
    }

    /// The proof of each part, with its instances. None if one is longer or shorter than it should be.
    fn split(&self, proof: &Proof) -> Option<Vec<Proof>> {
        let (names, mut rest) = proof.bytes.split_at_checked(WORD_BYTES * self.crossing)?;
        let (names, _) = names.as_chunks::<WORD_BYTES>();
        let mut proofs = Vec::new();
        for part in &self.parts {
            let (bytes, others) = rest.split_at_checked(part.verifier.keys().proof_length())?;
            rest = others;
            let instances = part.instances(names, &proof.instances)?;
            let (format, vk_digest) = (proof.format, part.verifier.digest());
            proofs.push(Proof { format, vk_digest, bytes: bytes.to_vec(), instances });
        }
        rest.is_empty().then_some(proofs)
    }
}

impl Judge for PartsVerifier {
    fn model(&self) -> &Model {
        &self.model
    }

    fn layout(&self) -> &InstanceLayout {
        &self.layout
    }

    fn format(&self) -> Format {
        Format::Packed
    }

    /// Covers the parts' digests, which part has which names, and the digest of the whole.
    fn digest(&self) -> Word {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        let mut hash = Keccak256::new_with_prefix(TAG);
        hash.update(number(self.parts.len()));
        for PartVerifier { verifier, names, .. } in &self.parts {
            hash.update(verifier.digest());
            hash.update(number(names.len()));
            names.iter().for_each(|&name| hash.update(number(name)));
        }
        hash.update(self.model_digest);
        hash.finalize().into()
    }

    fn model_digest(&self) -> Word {
        self.model_digest
    }

    fn verify(&self, proof: &Proof) -> Result<(), Refusal> {
        if let Some((got, expected)) = proof.other_format(self.format()) {
            return Err(Refusal::WrongFormat { got, expected });
        }
        let expected = self.digest();
        if proof.vk_digest != expected {
            return Err(Refusal::WrongKey { got: proof.vk_digest, expected });
        }
        let lengths = (proof.bytes.len(), self.proof_length());
        Refusal::of_lengths(lengths.0, lengths.1, proof.instances.len(), self.layout.len())?;
        let proofs = self.split(proof).ok_or(Refusal::InvalidProof)?;
        for (part, (own, proof)) in (0..).zip(self.parts.iter().zip(proofs)) {
            let wrong = |refusal| Refusal::WrongPart { part, refusal: Box::new(refusal) };
            own.verifier.verify(&proof).map_err(wrong)?;
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "prove"))]
mod tests;
