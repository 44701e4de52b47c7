//! Committed outputs are the words of their links, behind those of all instances.

use super::{SUM_HOLDS, WORDS_ARE_BYTES, apart};
use crate::circuit::tests::{
    assert_breaks, broken, forged,
    models::{Builder, port},
    summed,
};
use crate::circuit::{CommittedOutputs, Forge, ModelCircuit, Shape, Witness, links, pack};
use crate::model::Visibility::{self, Committed, Hashed, Private, Public};
use crate::model::{ElementType, Model, TensorId};
use halo2_proofs::halo2curves::bn256::Fr;

/// Inputs of two words and of one, outputs of one and of two.
pub fn model() -> Model {
    let mut builder = Builder::new(3, &[1, 33]);
    let (x, y) = (TensorId(0), builder.input(&[1, 5], ElementType::Uint8));
    let table = builder.table(x);
    let wide = builder.gemm(y, 7, vec![0.002_1]);
    let narrow = builder.gemm(table, 7, vec![0.001_7]);
    let sum = builder.add(narrow, wide, [0.5, 0.25]);
    let mut model = builder.model();
    let ports = |tensors: [TensorId; 2], name: &str| {
        let named = |(number, tensor)| port(&format!("{name}{number}"), tensor);
        tensors.into_iter().enumerate().map(named).collect()
    };
    model.inputs = ports([x, y], "in");
    model.outputs = ports([sum, table], "out");
    model
}

pub fn inputs() -> [Vec<i32>; 2] {
    [(0..33).map(|i| i * 7 % 256 - 128).collect(), vec![0, 255, 3, 77, 128]]
}

fn circuit(inputs: [Visibility; 2]) -> ModelCircuit {
    summed::told_of_all(&model(), &inputs, Committed, true)
}

fn honest(circuit: &ModelCircuit) -> Witness {
    let blindings = vec![Fr::from(3); circuit.layout().hashes().len()];
    let inputs = inputs().concat();
    circuit.witness_with(&model(), &inputs, &blindings, Fr::from(5)).expect("a witness")
}

fn rows(circuit: &ModelCircuit, link: usize) -> Vec<usize> {
    links::rows(circuit.shape().links[link], circuit.k()).expect("there is room").collect()
}

#[test]
fn honest_rows_hold_and_links_have_the_words_of_the_outputs() {
    let evaluation = model().evaluate(&inputs()).expect("inputs of the model");
    // Packed instances: words of public inputs, and hashes.
    let told = [
        ([Public, Public], 3),
        ([Private, Private], 0),
        ([Committed, Committed], 0),
        ([Committed, Private], 0),
        ([Committed, Public], 1),
        ([Hashed, Public], 2),
        ([Hashed, Committed], 1),
    ];
    for (told, words) in told {
        let circuit = circuit(told);
        let (shape, witness) = (circuit.shape(), honest(&circuit));
        let committed = told.iter().filter(|told| **told == Committed).count();
        assert_eq!(shape.outputs, Some(CommittedOutputs { links: 2, words }), "{told:?}");
        assert_eq!(shape.links[committed..], [1, 2]);
        assert_eq!(circuit.instances(), 1 + committed + 2 + words);
        assert_eq!(shape.word_sum().is_some(), words > 0);
        // Where rows take words, none would be behind them.
        let taken = Shape { sums_words: false, ..shape.clone() };
        assert!(shape.is_possible(circuit.k()) && !taken.is_possible(circuit.k()), "{told:?}");
        assert_eq!(broken(&circuit, witness.clone()), [""; 0], "{told:?}");
        for (number, port) in model().outputs.iter().enumerate() {
            let codes = evaluation.tensor(port.tensor).iter();
            let codes: Vec<u8> = codes.map(|code| u8::try_from(code + 128).unwrap()).collect();
            let link = committed + number;
            let linked = rows(&circuit, link).into_iter().map(|row| witness.linked[link].at(row));
            assert!(linked.eq(pack(&codes)), "{told:?} {number}");
        }
        for (why, other) in [
            ("more links than there are", CommittedOutputs { links: 5, words }),
            ("none", CommittedOutputs { links: 0, words }),
            ("more words than rows", CommittedOutputs { links: 2, words: usize::MAX }),
        ] {
            let other = Shape { outputs: Some(other), ..shape.clone() };
            assert!(!other.is_possible(circuit.k()), "{why}");
        }
    }
}

/// Of each output, in whichever company: another word, words that change places, and a word of an instance or of an input's
/// link in the place of one.
#[test]
fn other_words_than_the_outputs_are_refused() {
    for told in [[Public, Public], [Private, Private], [Committed, Public], [Hashed, Committed]] {
        let circuit = circuit(told);
        let links = circuit.shape().links.len();
        for link in links - 2..links {
            for row in rows(&circuit, link) {
                let mut witness = honest(&circuit);
                witness.linked[link].add(row, Fr::one());
                assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
            }
        }
        let mut witness = honest(&circuit);
        let places = [rows(&circuit, links - 2)[0], rows(&circuit, links - 1)[1]];
        let [one, other] = [0, 1].map(|at| witness.linked[links - 2 + at].at(places[at]));
        witness.linked[links - 2].set_element(places[0], other);
        witness.linked[links - 1].set_element(places[1], one);
        assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
    }
    let circuit = circuit([Committed, Public]);
    // The first of an input's link, the instance, and the first of an output's: no two make up for each other.
    for signs in [[1, -1, 0], [0, 1, -1], [1, 0, -1]] {
        let mut witness = honest(&circuit);
        let by = signs.map(|sign: i64| if sign < 0 { -Fr::one() } else { Fr::from(sign as u64) });
        witness.linked[0].add(rows(&circuit, 0)[0], by[0]);
        *witness.instances.last_mut().expect("there are some") += by[1];
        witness.linked[1].add(rows(&circuit, 1)[0], by[2]);
        assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
    }
}

/// Wherever what is left of an output's words begins it is bound: by its own sum, or by what is packed.
#[test]
fn another_word_is_refused_wherever_what_is_left_begins() {
    let circuit = circuit([Private, Private]);
    let row = rows(&circuit, 0)[0];
    let other = || {
        let mut witness = honest(&circuit);
        witness.linked[0].add(row, Fr::one());
        witness
    };
    let attacks: [(Forge, &str); 4] = [
        (|_, _, _, _| {}, WORDS_ARE_BYTES),
        (|sums, _, _, _| sums.linked[0][0] -= Fr::one(), SUM_HOLDS),
        (|sums, _, _, _| sums.packed[0] += Fr::one(), "the packed instances hold the public bytes"),
        (
            |sums, _, _, _| sums.balance.iter_mut().for_each(|at| *at -= Fr::one()),
            "everything made is what was taken",
        ),
    ];
    for (attack, refusal) in attacks {
        assert_breaks(&forged(&circuit, other(), attack), &[refusal]);
    }
    // The second output's words stand behind the first's: its own sum is scaled by them.
    let scaled: Forge = |sums, challenges, _, _| {
        sums.linked[1][0] -= apart(challenges).invert().expect("it is not 0");
    };
    assert_breaks(&forged(&circuit, other(), scaled), &[SUM_HOLDS]);
}
