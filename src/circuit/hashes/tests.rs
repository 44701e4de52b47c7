//! Hashes are what others compute of the same words.

use super::*;
use crate::circuit::{Code, Element};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use light_poseidon::{Poseidon, PoseidonBytesHasher};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;

fn bytes(element: Fr) -> [u8; 32] {
    let mut bytes: [u8; 32] = element.to_repr();
    bytes.reverse();
    bytes
}

fn element(mut bytes: [u8; 32]) -> Fr {
    bytes.reverse();
    Fr::from_repr(bytes).expect("below the modulus")
}

/// The chain as the page describes it, of the permutations of somebody else's library.
fn by_light_poseidon(length: u64, words: &[Fr], blinding: Fr) -> Fr {
    let mut hasher = Poseidon::<ark_bn254::Fr>::new_circom(3).expect("it has three inputs");
    let mut hash = [0; 32];
    hash[15..24].copy_from_slice(b"zkverdict");
    hash[24..].copy_from_slice(&length.to_be_bytes());
    let mut taken = [&[blinding], words].concat();
    taken.resize(taken.len().next_multiple_of(2), Fr::zero());
    for pair in taken.chunks(2) {
        let [first, second] = [bytes(pair[0]), bytes(pair[1])];
        hash = hasher.hash_bytes_be(&[&hash, &first, &second]).expect("below the modulus");
    }
    element(hash)
}

fn hashed(words: usize) -> Hashed {
    Hashed { length: BYTES_PER_WORD * words, words, at: 0 }
}

#[test]
fn hashes_are_those_of_light_poseidon() {
    let mut rng = StdRng::seed_from_u64(3);
    for count in 1..=7 {
        let words: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        let (blinding, length) = (Fr::random(&mut rng), rng.r#gen::<u32>());
        let own = hash(length as usize, &words, blinding);
        assert_eq!(own, by_light_poseidon(length.into(), &words, blinding));
    }
}

/// `script/hashes.py` makes constants, matrix and hashes by itself.
#[test]
fn hashes_are_those_of_the_vectors() {
    let vectors = include_str!("../../../test/fixtures/commitments/hashes.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).expect("JSON");
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let code: Code = serde_json::from_value(vector["code"].clone()).expect("a code");
        let values = vector["values"].as_array().expect("a list").iter();
        let code_of = |value: &Value| {
            let integer = value.as_i64().expect("an integer");
            code.encode(Element::Integer(integer)).expect("of the type")
        };
        let codes: Vec<u32> = values.map(code_of).collect();
        let words: Vec<Fr> = code.pack(&codes).into_iter().map(element).collect();
        let scalar = |field: &str| {
            let text = vector[field].as_str().expect("text");
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("a byte");
            element(std::array::from_fn(|at| byte(2 + 2 * at)))
        };
        let length = codes.len() * code.bits() / 8;
        assert_eq!(hash(length, &words, scalar("blinding")), scalar("hash"), "{vector}");
    }
}

#[test]
fn the_last_state_holds_the_hash() {
    let mut rng = StdRng::seed_from_u64(4);
    for count in 1..=4 {
        let words: Vec<Fr> = (0..count).map(|_| Fr::random(&mut rng)).collect();
        let (own, blinding) = (hashed(count), Fr::random(&mut rng));
        let states = state_rows(own, &words, blinding);
        let last = states.last().expect("there are rows");
        assert_eq!(last[0], hash(own.length, &words, blinding));
        assert_eq!(states.len(), rows(&[own]).next().expect("a hash").count());
    }
}

/// An image of 784 bytes has 26 words.
#[test]
fn hashes_of_images_have_few_rows() {
    let image = Hashed { length: 784, words: 784_usize.div_ceil(BYTES_PER_WORD), at: 0 };
    assert_eq!(last_row(&[image]), 14 * ROWS + 1);
    assert!(last_row(&[image]) <= 3000);
}

#[test]
fn rows_follow_each_other_and_begin_behind_row_0() {
    let all = [hashed(2), hashed(1), hashed(3)];
    let all: Vec<_> = rows(&all).collect();
    assert_eq!(all, [1..=175, 176..=263, 264..=438]);
    let hashes = [
        Hashed { at: 2, ..hashed(2) },
        Hashed { at: 5, ..hashed(1) },
        Hashed { at: 6, ..hashed(3) },
    ];
    assert_eq!(words_behind(&hashes), [2 + 1 + 3, 5 + 3, 6]);
    assert_eq!(hashes.map(Hashed::taken), [3, 1, 3]);
}
