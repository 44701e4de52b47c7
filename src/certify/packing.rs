//! Which bytes the instances, and the words of commitments and hashes, are of.

use super::rows::Rows;
use super::shape::{Flag, Hash};
use super::values::{Kind, Value, Values};
use super::{CertifyError, Subject};
use crate::circuit::{BYTES_PER_WORD, InstanceLayout, InstanceTensor, Role};
use crate::model::Visibility;
use halo2_proofs::halo2curves::bn256::Fr;
use std::ops::Range;

/// What begins a word of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// Elements of inputs, by their numbers among all.
    Elements(Range<usize>),
    /// A byte of 0: in the place of a hash, or of a word that a hash takes beside the last.
    Zero,
}

impl Packed {
    fn len(&self) -> usize {
        match self {
            Self::Elements(elements) => elements.len(),
            Self::Zero => 1,
        }
    }
}

/// The numbers of their elements.
pub fn elements(packed: &[Packed]) -> Vec<u32> {
    let elements = packed.iter().filter_map(|packed| match packed {
        Packed::Elements(elements) => Some(elements.clone()),
        Packed::Zero => None,
    });
    let number = |number| u32::try_from(number).expect("there are as many rows");
    elements.flatten().map(number).collect()
}

fn wrong<T>(what: impl Into<String>) -> Result<T, CertifyError> {
    Err(CertifyError::Packing { what: what.into() })
}

impl Subject<'_> {
    /// What is packed of inputs, in order: committed ones; hashed ones, each with a word of 0 behind it if its hash takes one;
    /// then, inference by inference, public ones and words of 0 in the places of hashes; and so what claims take.
    pub(super) fn packed(&self) -> Vec<Packed> {
        let &InstanceLayout { inferences, ref inputs, ref claims, .. } = self.layout;
        let mut next = 0;
        // Where its elements begin among all, and how many an inference has.
        let mut place = |tensor: &InstanceTensor| {
            let place = (next, tensor.len());
            next += inferences * tensor.len();
            place
        };
        let part = |inference: usize, (first, len): (usize, usize)| {
            Packed::Elements(first + inference * len..first + (inference + 1) * len)
        };
        let (mut committed, mut hashed, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for input in inputs {
            let place = place(&input.tensor);
            match input.visibility {
                Visibility::Committed => {
                    committed.extend((0..inferences).map(|inference| part(inference, place)));
                }
                Visibility::Hashed => {
                    for inference in 0..inferences {
                        hashed.push(part(inference, place));
                        if input.tensor.words() % 2 == 0 {
                            hashed.push(Packed::Zero);
                        }
                    }
                    told.push(None);
                }
                Visibility::Public => told.push(Some(place)),
                Visibility::Private => {}
            }
        }
        let chosen = claims.iter().flat_map(|claim| &claim.parameters);
        let chosen = chosen.map(|tensor| Some(place(tensor))).collect();
        let mut packed = [committed, hashed].concat();
        for tensors in [told, chosen] {
            for inference in 0..inferences {
                let own = tensors.iter().map(|place| match place {
                    Some(place) => part(inference, *place),
                    None => Packed::Zero,
                });
                packed.extend(own);
            }
        }
        packed
    }

    /// The hashes that the instances have: input by input, and of each inference by inference.
    fn hashes(&self) -> Vec<Hash> {
        let (parts, free) = (self.layout.parts(), self.layout.free());
        let of_input = |tensor: &InstanceTensor| {
            let own = parts.iter().filter(|part| part.role == Role::Input && part.tensor.is_none());
            let own = own.filter(|part| part.name == tensor.name);
            let (length, words) = (tensor.bytes(), tensor.words());
            own.map(|part| Hash { length, words, at: part.at.start - free }).collect::<Vec<_>>()
        };
        let hashed = self.layout.inputs.iter().filter(|input| input.is_hashed());
        hashed.flat_map(|input| of_input(&input.tensor)).collect()
    }

    /// Each packed byte lies at its own power of 256 in its own word: first those of commitments, whose links are as long, then
    /// those of hashes, then those of instances, all of which the first rows take unless the verifier adds them up, then those of commitments to outputs.
    pub(super) fn check_packing(
        &self,
        rows: &Rows<'_>,
        public: &[(usize, Value)],
        packed: &[Packed],
    ) -> Result<(), CertifyError> {
        let words_of = |len: &usize| len.div_ceil(BYTES_PER_WORD);
        // A commitment is to the inputs of all inferences.
        let links = self.layout.linked_words();
        if !links.eq(self.shape.links.iter().copied()) {
            return wrong("the links are not of the committed inputs and outputs");
        }
        let committed = self.layout.outputs.iter().filter(|output| output.is_committed()).count();
        let outputs = self.shape.outputs.map(|outputs| (outputs.links, outputs.words));
        let expected = (committed, self.layout.len() - self.layout.free());
        if outputs != Some(expected).filter(|_| committed > 0) {
            return wrong("the last links are not those of the committed outputs behind all words");
        }
        if self.hashes() != self.shape.hashes {
            return wrong("the hashes are not of the hashed inputs");
        }
        if self.layout.names_weights != (self.shape.weight_lanes > 0) {
            return wrong("the weights are named and not committed, or committed and not named");
        }
        let parts = self.layout.parts();
        let answers = parts.iter().filter(|part| part.role > Role::ClaimParameter);
        let answers = answers.filter_map(|part| part.tensor);
        let committed = self.layout.outputs.iter().filter(|output| output.is_committed());
        let answers =
            answers.chain(committed.map(|output| &output.tensor)).map(InstanceTensor::len);
        let lengths: Vec<usize> = packed.iter().map(Packed::len).chain(answers).collect();
        let free = self.layout.free();
        let words = self.layout.len() - free;
        if self.shape.free_instances != free || self.instances != free + words {
            return wrong(format!("{} instances, expected {}", self.instances, free + words));
        }
        // Those of links and hashes are no instances.
        let hidden = self.shape.hashes.iter().map(|hash| hash.taken());
        let hidden: usize = self.shape.links.iter().copied().chain(hidden).sum();
        if lengths.iter().map(words_of).sum::<usize>() != hidden + words {
            return wrong(format!("the packed bytes are not of {} words", hidden + words));
        }
        let is_word = |row: usize| {
            !rows.weighs(row) && rows.is(row, Flag::EndsWord) && !rows.is(row, Flag::Packs)
        };
        let taken = (1..=rows.len()).filter(|&row| is_word(row)).count();
        let expected = if self.shape.sums_words { 0 } else { words };
        if !(1..=taken).all(is_word) || taken * self.shape.fold < expected {
            return wrong(format!("the first rows do not take {words} words"));
        }
        let total: usize = lengths.iter().sum();
        if public.len() != total {
            return wrong(format!("{} bytes are packed, expected {total}", public.len()));
        }
        let power =
            |exponent: usize| (0..exponent).fold(Fr::one(), |power, _| power * Fr::from(256));
        let (mut at, mut word) = (0, 0);
        let mut next = public.iter();
        let mut first_word = 0;
        for len in &lengths {
            for byte in 0..*len {
                let Some(&(slot, _)) = next.next() else { break };
                let (row, slots) = (rows.row_of(slot), rows.slots(rows.row_of(slot)));
                let expected = first_word + byte / BYTES_PER_WORD;
                let own = at + slot - slots.start;
                if (own, word) != (BYTES_PER_WORD * expected + byte % BYTES_PER_WORD, expected) {
                    return wrong(format!("row {row} packs byte {own} of word {word}"));
                }
                if slot + 1 < slots.end {
                    // The row's factor is for what comes behind all of its bytes.
                    continue;
                }
                let factor = rows.lane(row, 2);
                match (0..2 * BYTES_PER_WORD).find(|&shift| power(shift) == factor) {
                    Some(shift) => at += shift,
                    // What follows the last byte does not matter.
                    None if next.len() == 0 => {}
                    None => return wrong(format!("row {row} packs by no power of 256")),
                }
                word += usize::from(rows.is(row, Flag::EndsWord));
            }
            first_word += words_of(len);
        }
        Ok(())
    }

    /// Every element of the input lies on a row, and on one only.
    pub(super) fn check_inputs(
        &self,
        rows: &Rows<'_>,
        public: &[(usize, Value)],
        packed: &[Packed],
        inputs: usize,
    ) -> Result<(), CertifyError> {
        if self.shape.private_input {
            let mut found: Vec<u32> = (1..=rows.len())
                .filter(|&row| rows.is(row, Flag::Inputs))
                .flat_map(|row| rows.slots(row))
                .filter_map(|slot| self.elements.get(&slot).copied())
                .collect();
            found.sort_unstable();
            let expected = 0..u32::try_from(inputs).unwrap_or(u32::MAX);
            return if found.into_iter().eq(expected) {
                Ok(())
            } else {
                wrong("not every element of the input lies on one row")
            };
        }
        let is_input = |row: usize| !rows.reads_table(row) && !rows.is(row, Flag::Reads);
        let found = public.iter().map(|&(slot, _)| is_input(rows.row_of(slot)));
        let kinds = packed.iter().flat_map(|packed| {
            std::iter::repeat_n(matches!(packed, Packed::Elements(_)), packed.len())
        });
        let expected = kinds.chain(std::iter::repeat(false)).take(public.len());
        if elements(packed).len() == inputs && found.eq(expected) {
            Ok(())
        } else {
            wrong("the input's bytes are not packed first")
        }
    }

    /// The bytes of inputs are packed in their places, and 0 where no byte is.
    pub(super) fn compare_packed(
        values: &mut Values,
        public: &mut dyn Iterator<Item = &(usize, Value)>,
        packed: &[Packed],
    ) -> Result<(), CertifyError> {
        for packed in packed {
            let Packed::Elements(elements) = packed else {
                if public.next().is_none_or(|&(_, value)| value != Value::constant(0)) {
                    return wrong(
                        "what is packed in the place of a hash, or beside its words, is not 0",
                    );
                }
                continue;
            };
            for number in elements.clone() {
                let input = Kind::Input(u32::try_from(number).expect("there are as many rows"));
                let atom = values.atom(input, (0, 255));
                if public.next().is_none_or(|&(_, value)| value != Value::of(atom)) {
                    return wrong(format!("byte {number} of the input is not packed in its place"));
                }
            }
        }
        Ok(())
    }
}
