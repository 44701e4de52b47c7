//! Commitments and points are those that `script/commitments.py` calculates by itself, as they are in JavaScript.

use super::*;
use crate::bundle::unhex;
use halo2_proofs::halo2curves::{
    bn256::{G1, G2Affine},
    group::Curve,
};
use serde_json::{Value, json};

fn document(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn vectors() -> Value {
    document(include_str!("../../../test/fixtures/commitments/vectors.json"))
}

/// The string whose secret the vectors tell.
fn powers() -> Powers {
    let secret = unhex(vectors()["secret"].as_str().expect("text")).expect("hexadecimal");
    let secret = scalar_of(secret.try_into().expect("a word")).expect("below the modulus");
    let powers = std::iter::successors(Some(Fr::ONE), |power| Some(power * secret));
    let g1: Vec<G1> = powers.take(128).map(|power| G1Affine::generator() * power).collect();
    let mut affine = vec![G1Affine::default(); g1.len()];
    G1::batch_normalize(&g1, &mut affine);
    let g2 = G2Affine::generator();
    Powers { g1: affine.into(), g2: [g2, (g2 * secret).to_affine()], ..Powers::unsafe_dev(1) }
}

#[test]
fn commitments_are_those_of_the_vectors() {
    let (vectors, powers) = (vectors(), powers());
    let vectors = vectors["commitments"].as_array().expect("a list");
    assert_eq!(vectors.len(), 10);
    for vector in vectors {
        // As the package in JavaScript writes it.
        let mut file = json!({
            "format": FORMAT, "version": VERSION, "kind": KIND, "input": "x",
            "string": hex(&powers.fingerprint()),
        });
        for field in ["class", "point", "name", "code", "shape", "words", "blinding"] {
            file[field] = vector[field].clone();
        }
        let read = InputCommitment::parse(file.to_string().as_bytes()).expect("a commitment");
        assert!(read.is_under(&powers), "{vector}");
        assert_eq!(json!(hex(&read.name())), vector["name"]);
        let tensor = read.tensor();
        let element = |value: &Value| match tensor.code {
            #[allow(clippy::cast_possible_truncation, reason = "they are floats of 32 bits")]
            Code::Float32 => Element::Float(value.as_f64().expect("a number") as f32),
            _ => Element::Integer(value.as_i64().expect("an integer")),
        };
        let values = vector["values"].as_array().expect("a list").iter();
        let codes: Option<Vec<u32>> =
            values.map(|value| tensor.code.encode(element(value))).collect();
        let words = tensor.code.pack(&codes.expect("of the type"));
        let words: Vec<String> = words.iter().map(|word| hex(word)).collect();
        assert_eq!(json!(words), vector["words"], "{vector}");
    }
}

#[test]
fn points_are_those_of_the_vectors() {
    let powers = powers();
    let expected = [
        include_str!("../../../test/fixtures/commitments/points6.json"),
        include_str!("../../../test/fixtures/commitments/points7.json"),
    ];
    for (text, words) in expected.into_iter().zip([47, 48]) {
        let points = CommitmentPoints::new(words, &powers).expect("the string is long enough");
        let mut expected = document(text);
        expected["string"] = json!(hex(&powers.fingerprint()));
        assert_eq!(serde_json::to_value(points).expect("JSON"), expected);
    }
}
