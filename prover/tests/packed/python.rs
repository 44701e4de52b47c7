//! The third verifier, in Python, from the document alone: it has to say what the crate's says, of proofs that are right
//! and of changed ones.

use super::links::{CASES, Linked};
use super::named::Columns;
use super::{Walk, key_of, prove, usual, widths};
use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine},
    ff::PrimeField,
    group::Curve,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{fs, ops::Range, path::Path, process::Command};
use zkverdict_prover::{
    Arithmetic, Options, Seeded,
    packed::{Pack, Refusal, VerifyingKey, Widths},
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What a verifier is given.
#[derive(Clone)]
struct Case {
    key: Vec<u8>,
    proof: Vec<u8>,
    instances: Vec<[u8; 32]>,
}

fn word(value: &impl PrimeField<Repr = [u8; 32]>) -> [u8; 32] {
    let mut word = value.to_repr();
    word.reverse();
    word
}

fn scalar(word: &[u8; 32]) -> Option<Fr> {
    let mut word = *word;
    word.reverse();
    Fr::from_repr(word).into()
}

impl Case {
    fn new(rows: usize, seed: u8, phases: &[usize], key: usize) -> Self {
        let circuit = Walk::new(rows);
        let key = key_of(&circuit, 7, &widths(phases, key), Arithmetic::best());
        let randomness = Seeded::new([seed; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let proof = prove(&key, &circuit, &options).expect("there is a witness");
        let instances = circuit.instances().concat().iter().map(word).collect();
        Self { key: key.verifying().to_bytes(), proof, instances }
    }

    /// With links.
    fn linked((rows, k, classes): (usize, u32, &[u32]), seed: u8, widths: &Widths) -> Self {
        let linked = Linked::new(rows, k, classes, seed.into());
        let key = linked.key(widths);
        let proof = linked.prove(&key, seed).expect("there is a witness");
        let instances = linked.circuit.instances().concat().iter().map(word).collect();
        Self { key: key.verifying().to_bytes(), proof, instances }
    }

    /// With named columns, and changes that are for these alone.
    fn named(classes: &[u32], widths: &Widths, seed: u8) -> Vec<Self> {
        let named = Columns::new(classes, widths);
        let key = named.key().verifying();
        let case = |seed| {
            let (proof, instances) = named.prove(seed);
            Self { key: key.to_bytes(), proof, instances: instances.iter().map(word).collect() }
        };
        let (good, other) = (case(seed), case(seed + 1));
        let packs = key.layout().named.len();
        let (start, name) = (good.proof.len() - 128 * packs, 1 + classes.len());
        let (commitments, masks) =
            (start..start + 64 * packs, start + 64 * packs..good.proof.len());
        let changed = |change: &dyn Fn(&mut Self)| {
            let mut case = good.clone();
            change(&mut case);
            case
        };
        let with = |case: &mut Self, range: Range<usize>, from: &[u8]| {
            case.proof[range.clone()].copy_from_slice(&from[range]);
        };
        let zeros = vec![0; good.proof.len()];
        // Bytes of the key that stand behind some others.
        let behind = |key: &mut Vec<u8>, before: &[u8]| {
            key.windows(before.len()).position(|bytes| bytes == before).expect("it is there")
                + before.len()
        };
        let slots = |pack: &Pack| -> Vec<u8> {
            let count = u32::try_from(pack.slots.len()).expect("few").to_be_bytes();
            let slots = pack.slots.iter().flat_map(|slot| {
                let column = u32::try_from(slot.column).expect("few").to_be_bytes();
                [column, slot.rotation.to_be_bytes()].concat()
            });
            count.into_iter().chain(slots).collect()
        };
        let (of_key, of_named) = (slots(&key.layout().key[0]), slots(&key.layout().named[0]));
        let mut all = vec![
            good.clone(),
            // Another commitment under the name of this, and under its own.
            changed(&|case| with(case, commitments.clone(), &other.proof)),
            changed(&|case| {
                with(case, commitments.clone(), &other.proof);
                case.instances[name] = other.instances[name];
            }),
            changed(&|case| case.instances[name] = other.instances[name]),
            // What hides the columns in this proof.
            changed(&|case| with(case, masks.clone(), &other.proof)),
            changed(&|case| with(case, masks.start..masks.start + 64, &zeros)),
            changed(&|case| with(case, commitments.start..commitments.start + 64, &zeros)),
            changed(&|case| case.proof.truncate(start)),
            // A key that says nothing of named columns, one of a column that is in it too, one of a rotated one, one of a name
            // that is not there.
            changed(&|case| case.key[21] = b'3'),
            changed(&|case| {
                let end = behind(&mut case.key, &of_key);
                let slot = [&of_named[4..8], &1_i32.to_be_bytes()].concat();
                case.key.splice(end..end, slot);
                case.key[end - of_key.len() + 3] += 1;
            }),
            changed(&|case| {
                let end = behind(&mut case.key, &of_named);
                case.key[end - 1] = 1;
            }),
            changed(&|case| {
                let start = behind(&mut case.key, &of_named) - of_named.len();
                // The width and the number of packs stand before it, the name before them.
                case.key[start - 9] += 100;
            }),
        ];
        if packs > 1 {
            all.push(changed(&|case| {
                let (first, second) = (commitments.start, commitments.start + 64);
                let [one, two] = [first, second].map(|at| good.proof[at..at + 64].to_vec());
                case.proof[first..second].copy_from_slice(&two);
                case.proof[second..second + 64].copy_from_slice(&one);
            }));
        }
        all
    }

    fn verdict(&self) -> String {
        let Ok(key) = VerifyingKey::from_bytes(&self.key) else { return "damaged".to_owned() };
        let mut large = None;
        let scalars = self.instances.iter().enumerate().map(|(index, word)| {
            scalar(word).unwrap_or_else(|| {
                large.get_or_insert(index);
                Fr::default()
            })
        });
        let scalars: Vec<Fr> = scalars.collect();
        match (key.verify(&self.proof, &scalars), large) {
            (Err(Refusal::InstanceCount { .. }), _) => "InstanceCount".to_owned(),
            (Err(Refusal::ProofLength { .. }), _) => "ProofLength".to_owned(),
            (_, Some(index)) | (Err(Refusal::ScalarOutOfRange { index }), _) => {
                format!("ScalarOutOfRange({index})")
            }
            (Err(Refusal::PointNotOnCurve { index }), _) => format!("PointNotOnCurve({index})"),
            (Err(Refusal::WrongName { link }), _) => format!("WrongName({link})"),
            (Err(refusal), _) => format!("{refusal:?}"),
            (Ok(()), _) => "accepted".to_owned(),
        }
    }

    fn line(&self) -> String {
        let hex = |bytes: &[u8]| -> String {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            if digits.is_empty() { "-".to_owned() } else { digits }
        };
        let words: Vec<String> = self.instances.iter().map(|word| hex(word)).collect();
        format!("{} {} {} {}\n", self.verdict(), hex(&self.key), hex(&self.proof), words.join(" "))
    }

    fn changed(&self, rng: &mut StdRng) -> Self {
        let mut case = self.clone();
        let at = 32 * rng.gen_range(0..case.proof.len() / 32);
        match rng.gen_range(0..12) {
            // A bit.
            0..=3 => case.proof[at + rng.gen_range(0..32)] ^= 1 << rng.gen_range(0..8),
            // Another word of the proof.
            4 => {
                let from = 32 * rng.gen_range(0..case.proof.len() / 32);
                case.proof.copy_within(from..from + 32, at);
            }
            // A point of the curve in place of two words, which may be a point.
            5..=6 => {
                let at = at.min(case.proof.len() - 64) / 64 * 64;
                let point = (G1Affine::generator() * Fr::from(rng.gen_range(1..5))).to_affine();
                case.proof[at..at + 64].copy_from_slice(&[word(&point.x), word(&point.y)].concat());
            }
            // Zeros and ones.
            7 => case.proof[at..at + 32].fill(if rng.r#gen() { 0 } else { 0xff }),
            8 => {
                let index = rng.gen_range(0..case.instances.len());
                case.instances[index][rng.gen_range(0..32)] ^= 1 << rng.gen_range(0..8);
            }
            // The key.
            9 | 10 => {
                let at = rng.gen_range(0..case.key.len());
                case.key[at] ^= 1 << rng.gen_range(0..8);
            }
            _ => match rng.gen_range(0..4) {
                0 => case.proof.truncate(at),
                1 => case.proof.extend([0; 32]),
                2 => drop(case.instances.pop()),
                _ => case.key.truncate(at),
            },
        }
        case
    }
}

/// Lets the Python verifier judge a file of cases.
fn agrees(file: &Path) {
    let verifier = format!("{REPOSITORY}/tests/packed/verifier.py");
    let output = Command::new("python3").arg(verifier).arg(file).output();
    let output = output.expect("the tests need python3");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn fixtures_are_what_the_document_says() {
    let mut lines = String::new();
    let of_walks =
        [(40, [3, 2], 7), (122, [2, 1], 3)].map(|(rows, of, key)| Case::new(rows, 1, &of, key));
    // As many rows as the commitment's domain, four times as many, and two links of different classes.
    let of_links = [(CASES[0], [3, 2], 7), (CASES[2], [2, 1], 3), (CASES[3], [1, 1], 4)]
        .map(|(case, phases, key)| Case::linked(case, 1, &widths(&phases, key)));
    for case in of_walks.into_iter().chain(of_links) {
        lines += &case.line();
        let mut rng = StdRng::seed_from_u64(2);
        (0..6).for_each(|_| lines += &case.changed(&mut rng).line());
    }
    // One pack of named columns, and two beside a link.
    let one = Case::named(&[], &widths(&[3, 2], 7), 1);
    let two = Case::named(&[6], &widths(&[2, 1], 1), 1);
    for case in one.iter().chain(&two) {
        lines += &case.line();
    }
    let named = |refusal: &str| lines.lines().filter(|line| line.starts_with(refusal)).count();
    for (refusal, least) in
        [("WrongName(0) ", 2), ("WrongName(1) ", 3), ("InvalidProof ", 4), ("damaged ", 8)]
    {
        assert!(named(refusal) >= least, "{refusal}");
    }
    let file = Path::new(REPOSITORY).join("test/fixtures/packed/walk.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder");
        fs::write(&file, &lines).expect("the fixture is written");
    }
    let kept = fs::read_to_string(&file).expect("UPDATE_SNAPSHOTS=1 writes the fixture");
    assert!(kept == lines, "keys or proofs differ from {}", file.display());
    assert_eq!(lines.matches("accepted").count(), 7);
    agrees(&file);
}

#[test]
fn the_verifier_in_python_agrees_on_changed_proofs_and_keys() {
    let mut all = String::new();
    for case in [
        Case::new(40, 3, &usual().phases, usual().key),
        Case::linked(CASES[4], 3, &usual()),
        Case::linked(CASES[3], 3, &widths(&[2, 1], 3)),
        Case::named(&[6], &widths(&[3, 2], 1), 3).swap_remove(0),
    ] {
        let mut rng = StdRng::seed_from_u64(4);
        let mut lines = case.line();
        (0..52).for_each(|_| lines += &case.changed(&mut rng).line());
        // A change may be none, as when a word is put in its own place.
        let accepted: Vec<&str> =
            lines.lines().filter(|line| line.starts_with("accepted")).collect();
        assert!(accepted.len() < 5 && accepted.iter().all(|line| *line == accepted[0]));
        all += &lines;
    }
    let lines = all;
    let starts = |verdict: &str| lines.lines().filter(|line| line.starts_with(verdict)).count();
    for verdict in [
        "InvalidProof",
        "PointNotOnCurve",
        "ScalarOutOfRange",
        "ProofLength",
        "WrongName",
        "damaged",
    ] {
        assert!(starts(verdict) > 0, "{verdict}");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packed_changes.txt");
    fs::write(&file, lines).expect("the folder for temporary files takes it");
    agrees(&file);
}
