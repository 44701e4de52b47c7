//! Links: columns that hold the words of commitments, honest ones and attacks.

use super::circuit::{Extra, Walk};
use super::slow::{Lies, Slow, interpolate};
use super::{PARAMS, new_key_of, widths};
use halo2_proofs::{
    halo2curves::{
        CurveAffine,
        bn256::{Fq, Fr, G1Affine},
        ff::{Field, PrimeField},
        group::Curve,
    },
    plonk::{Circuit, ConstraintSystem},
    poly::commitment::ParamsProver,
};
use zkverdict_prover::{
    Arithmetic, Options, Randomness, Seeded, Synthesized,
    packed::{
        Commitment, Error, Layout, Link, Mismatch, ProvingKey, Refusal, VerifyingKey, Widths, link,
    },
};

/// Rows of the circuit, k, and the classes of its links: as many rows as the domain, twice as many, four times as many,
/// and links of different classes.
pub const CASES: [(usize, u32, &[u32]); 5] =
    [(100, 7, &[7]), (40, 7, &[6]), (180, 8, &[6]), (94, 7, &[6, 7]), (40, 7, &[6, 6])];

/// The same number whatever the seed.
pub fn blinding(link: usize, seed: u64) -> Fr {
    Fr::from(1_000 * seed + link as u64 + 1).square().square()
}

/// A circuit with links, and what they are to.
#[derive(Clone)]
pub struct Linked {
    pub circuit: Walk,
    pub commitments: Vec<Commitment>,
    pub classes: Vec<u32>,
    pub k: u32,
}

impl Linked {
    pub fn new(rows: usize, k: u32, classes: &[u32], seed: u64) -> Self {
        let circuit = Walk::new(rows);
        let commit = |(index, (&class, column)): (usize, (&u32, usize))| {
            let words = circuit.words(column, 1 << (k - class));
            assert_eq!(link::class_of(words.len()), Some(class));
            Commitment::new(PARAMS.get_g(), words, blinding(index, seed)).expect("a class")
        };
        let commitments: Vec<_> = classes.iter().zip([0, 3]).enumerate().map(commit).collect();
        let mut linked = Self { circuit, commitments, classes: classes.to_vec(), k };
        linked.name();
        linked
    }

    /// Names the commitments as they are.
    fn name(&mut self) {
        let points = self.commitments.iter().map(|commitment| commitment.point);
        let points: Vec<G1Affine> = points.collect();
        self.circuit.names = self.names(&points);
    }

    fn names(&self, points: &[G1Affine]) -> Vec<Fr> {
        let names = self.classes.iter().zip(points);
        names.map(|(&class, point)| scalar(link::name(class, point))).collect()
    }

    pub fn key(&self, widths: &Widths) -> ProvingKey {
        let public = Walk::public_with_links(&self.classes);
        new_key_of(&self.circuit, self.k, &public, widths, Arithmetic::best()).expect("supported")
    }

    pub fn prove(&self, key: &ProvingKey, seed: u8) -> Result<Vec<u8>, Error> {
        let randomness = Seeded::new([seed; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let [a, b] = self.circuit.instances();
        let source = Synthesized(&self.circuit);
        key.prove(&source, &[&a, &b], &self.commitments, &options).map(|(proof, _)| proof)
    }

    /// What is committed to, by row of its domain.
    fn values(&self, link: usize) -> Vec<Fr> {
        let mut values = vec![Fr::ZERO; 1 << self.classes[link]];
        let Commitment { words, blinding, .. } = &self.commitments[link];
        values[1..=words.len()].copy_from_slice(words);
        *values.last_mut().expect("there are rows") = *blinding;
        values
    }

    fn polynomials(&self) -> Vec<Vec<Fr>> {
        let links = 0..self.classes.len();
        links.map(|link| interpolate(&self.values(link), Fr::ONE)).collect()
    }

    /// What the verifier says of a proof about these polynomials, which are named as they are.
    fn verdict(&self, polynomials: &[Vec<Fr>], lies: &Lies<'_>) -> Result<(), Refusal> {
        let points: Vec<G1Affine> = polynomials.iter().map(|of| commit(of)).collect();
        self.verdict_of(polynomials, self.names(&points), lies)
    }

    /// The same where the instances are these names.
    fn verdict_of(
        &self,
        polynomials: &[Vec<Fr>],
        names: Vec<Fr>,
        lies: &Lies<'_>,
    ) -> Result<(), Refusal> {
        let mut linked = self.clone();
        linked.circuit.names = names;
        let key = linked.key(&widths(&[3, 2], 7));
        let tail = |column| Seeded::new([3; 32]).blinding(column, 6);
        let (key, circuit) = (key.verifying(), &linked.circuit);
        let slow = Slow { key, params: &PARAMS, circuit, tail: &tail, linked: polynomials };
        key.verify(&slow.prove(lies), &circuit.instances().concat())
    }
}

fn commit(polynomial: &[Fr]) -> G1Affine {
    let powers = &PARAMS.get_g()[..polynomial.len()];
    halo2_proofs::arithmetic::best_multiexp(polynomial, powers).to_affine()
}

pub fn scalar(mut word: [u8; 32]) -> Fr {
    word.reverse();
    Fr::from_repr(word).expect("it is below the modulus")
}

pub fn words(point: &G1Affine) -> [u8; 64] {
    let mut words = [0; 64];
    for (to, coordinate) in words.chunks_mut(32).zip([point.x, point.y]) {
        to.copy_from_slice(&coordinate.to_repr());
        to.reverse();
    }
    words
}

pub fn point(bytes: &[u8]) -> G1Affine {
    let coordinate = |bytes: &[u8]| {
        let mut bytes: [u8; 32] = bytes.try_into().expect("a word");
        bytes.reverse();
        Fq::from_repr(bytes).expect("it is below the modulus")
    };
    G1Affine::from_xy(coordinate(&bytes[..32]), coordinate(&bytes[32..])).expect("on the curve")
}

#[test]
fn columns_hold_what_is_committed_to() {
    for (rows, k, classes) in CASES {
        let linked = Linked::new(rows, k, classes, 1);
        for widths in [widths(&[3, 2], 7), widths(&[1, 1], 2)] {
            let key = linked.key(&widths);
            let proof = linked.prove(&key, 3).expect("there is a witness");
            let layout = key.verifying().layout();
            assert_eq!(proof.len(), layout.proof_length());
            assert_eq!(layout.link_points(), classes.len() + 1);
            let instances = linked.circuit.instances().concat();
            assert_eq!(key.verifying().verify(&proof, &instances), Ok(()), "{k} {classes:?}");
            // The same bytes come from schoolbook arithmetic.
            let tail = |column| Seeded::new([3; 32]).blinding(column, 6);
            let slow = Slow {
                key: key.verifying(),
                params: &PARAMS,
                circuit: &linked.circuit,
                tail: &tail,
                linked: &linked.polynomials(),
            };
            assert_eq!(slow.prove(&Lies::default()), proof, "{k} {classes:?}");
        }
    }
}

#[test]
fn one_other_word_on_any_row_is_refused() {
    for (rows, k, classes) in [CASES[0], CASES[1], CASES[3]] {
        let linked = Linked::new(rows, k, classes, 1);
        assert_eq!(linked.verdict(&linked.polynomials(), &Lies::default()), Ok(()));
        for (forged, class) in classes.iter().enumerate() {
            let last = link::capacity(*class);
            // The first, one of the words, the last of them, the first row behind them, the last row that may hold a word.
            let words = linked.commitments[forged].words.len();
            for row in [1, 7, words, (words + 1).min(last), last] {
                let mut values = linked.values(forged);
                values[row] += Fr::ONE;
                let mut polynomials = linked.polynomials();
                polynomials[forged] = interpolate(&values, Fr::ONE);
                let lies = Lies { late: row == 7, ..Lies::default() };
                let verdict = linked.verdict(&polynomials, &lies);
                assert_eq!(verdict, Err(Refusal::InvalidProof), "{forged} {row}");
            }
        }
    }
}

#[test]
fn a_link_says_nothing_of_other_rows_and_takes_any_polynomial() {
    for (rows, k, classes) in [CASES[0], CASES[1]] {
        let linked = Linked::new(rows, k, classes, 1);
        let count = 1 << classes[0];
        let mut values = linked.values(0);
        for row in std::iter::once(0).chain(count - link::TAIL..count) {
            values[row] += Fr::from(row as u64 + 9);
        }
        let other = [interpolate(&values, Fr::ONE)];
        assert_eq!(linked.verdict(&other, &Lies::default()), Ok(()));
        // With X·(X^M − 1) besides, longer than the circuit where that has as many rows.
        let mut longer = linked.polynomials().remove(0);
        longer.resize(count + 2, Fr::ZERO);
        longer[1] -= Fr::ONE;
        longer[count + 1] += Fr::ONE;
        assert_eq!(linked.verdict(&[longer], &Lies::default()), Ok(()));
    }
}

#[test]
fn the_links_quotient_is_no_other() {
    for (rows, k, classes) in [CASES[1], CASES[4]] {
        let linked = Linked::new(rows, k, classes, 1);
        for at in [0, 5, 80] {
            let change = |difference: &mut Vec<Fr>| difference[at] += Fr::ONE;
            let lies = Lies { difference: Some(&change), ..Lies::default() };
            let verdict = linked.verdict(&linked.polynomials(), &lies);
            assert_eq!(verdict, Err(Refusal::InvalidProof), "{at}");
        }
    }
    // Two lies that cancel each other with one power of y alone.
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let mut polynomials = linked.polynomials();
    polynomials[0][3] += Fr::ONE;
    polynomials[1][3] -= Fr::ONE;
    let verdict = linked.verdict(&polynomials, &Lies::default());
    assert_eq!(verdict, Err(Refusal::InvalidProof));
}

/// Nothing else is wrong with such a proof: who makes it chooses the instances.
#[test]
fn a_proof_that_names_other_commitments_is_refused() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let (polynomials, honest) = (linked.polynomials(), Lies::default());
    for link in 0..2 {
        let named = &linked.circuit.names;
        for other in [Fr::ZERO, named[1 - link], named[link] + Fr::ONE] {
            let mut names = named.clone();
            names[link] = other;
            let verdict = linked.verdict_of(&polynomials, names, &honest);
            assert_eq!(verdict, Err(Refusal::WrongName { link }));
        }
    }
    assert_eq!(linked.verdict_of(&polynomials, linked.circuit.names.clone(), &honest), Ok(()));
}

#[test]
fn a_proof_is_of_the_commitments_that_it_was_made_with() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let key = linked.key(&widths(&[3, 2], 7));
    let proof = linked.prove(&key, 3).expect("there is a witness");
    let (verifying, instances) = (key.verifying(), linked.circuit.instances().concat());
    assert_eq!(verifying.verify(&proof, &instances), Ok(()));
    let start = proof.len() - 64 * 3;
    let with = |at: usize, bytes: &[u8], names: Option<&[Fr]>| {
        let (mut proof, mut instances) = (proof.clone(), instances.clone());
        proof[at..at + bytes.len()].copy_from_slice(bytes);
        if let Some(names) = names {
            instances[1..3].copy_from_slice(names);
        }
        verifying.verify(&proof, &instances)
    };
    let points: Vec<G1Affine> =
        linked.commitments.iter().map(|commitment| commitment.point).collect();
    // Of other words, of the same words with another blinding, negated, the other link's.
    let again = Linked::new(40, 7, &[6, 6], 2);
    let generator = G1Affine::generator();
    let others = [generator, again.commitments[0].point, -points[0], points[1]];
    for other in others {
        let names = linked.names(&[other, points[1]]);
        assert_eq!(with(start, &words(&other), None), Err(Refusal::WrongName { link: 0 }));
        assert_eq!(with(start, &words(&other), Some(&names)), Err(Refusal::InvalidProof));
        let names = linked.names(&[points[0], other]);
        let at = start + 64;
        if other != points[1] {
            assert_eq!(with(at, &words(&other), None), Err(Refusal::WrongName { link: 1 }));
            assert_eq!(with(at, &words(&other), Some(&names)), Err(Refusal::InvalidProof));
        }
    }
    // Both exchanged, with their names and without.
    let swapped = [words(&points[1]), words(&points[0])].concat();
    assert_eq!(with(start, &swapped, None), Err(Refusal::WrongName { link: 0 }));
    let names = linked.names(&[points[1], points[0]]);
    assert_eq!(with(start, &swapped, Some(&names)), Err(Refusal::InvalidProof));
    // The names alone.
    assert_eq!(with(start, &[], Some(&names)), Err(Refusal::WrongName { link: 0 }));
    for link in 0..2 {
        let mut names = linked.names(&points);
        names[link] += Fr::ONE;
        assert_eq!(with(start, &[], Some(&names)), Err(Refusal::WrongName { link }));
    }
    // A name is of a class.
    let of_other_class = [6, 7].map(|class| scalar(link::name(class, &points[0])));
    let names = [of_other_class[1], instances[2]];
    assert_eq!(with(start, &[], Some(&names)), Err(Refusal::WrongName { link: 0 }));
    // Another quotient of the links: another point, negated, that of another proof.
    let theirs = again.prove(&again.key(&widths(&[3, 2], 7)), 3).expect("there is a witness");
    let at = start + 128;
    let quotient = point(&proof[at..]);
    for other in [generator, -quotient, point(&theirs[at..])] {
        assert_eq!(with(at, &words(&other), None), Err(Refusal::InvalidProof));
    }
    // All of another proof's commitments, with their names.
    let names = linked.names(&again.commitments.iter().map(|c| c.point).collect::<Vec<_>>());
    let all = &theirs[start..];
    assert_eq!(with(start, all, Some(&names)), Err(Refusal::InvalidProof));
    assert_eq!(with(start, &all[..128], Some(&names)), Err(Refusal::InvalidProof));
    assert_eq!(with(start, all, None), Err(Refusal::WrongName { link: 0 }));
}

#[test]
fn points_of_links_are_canonical_on_the_curve_and_finite() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let key = linked.key(&widths(&[3, 2], 7));
    let proof = linked.prove(&key, 3).expect("there is a witness");
    let instances = linked.circuit.instances().concat();
    let start = proof.len() - 64 * 3;
    // Two packs, the quotient and the openings' two points are before them.
    for (index, at) in (5..8).zip((start..).step_by(64)) {
        let changed = |change: &dyn Fn(&mut [u8])| {
            let mut proof = proof.clone();
            change(&mut proof[at..at + 64]);
            key.verifying().verify(&proof, &instances)
        };
        let refused = Err(Refusal::PointNotOnCurve { index });
        // x + q and y + q, which have room in their words.
        for coordinate in [0, 32] {
            assert_eq!(changed(&|point| add_modulus(&mut point[coordinate..][..32])), refused);
            assert_eq!(changed(&|point| point[coordinate + 31] ^= 1), refused);
            assert_eq!(changed(&|point| point[coordinate..][..32].fill(0xff)), refused);
            assert_eq!(changed(&|point| point[coordinate..][..32].fill(0)), refused);
        }
        assert_eq!(changed(&|point| point.fill(0)), refused);
    }
    for length in [start, proof.len() - 64] {
        let (got, expected) = (length, proof.len());
        let refused = Err(Refusal::ProofLength { got, expected });
        assert_eq!(key.verifying().verify(&proof[..length], &instances), refused);
    }
}

/// Adds q to a word.
fn add_modulus(word: &mut [u8]) {
    let mut minus_one = (-Fq::ONE).to_repr();
    minus_one.reverse();
    let mut carry = 1;
    for (byte, more) in word.iter_mut().zip(minus_one).rev() {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
}

#[test]
fn the_prover_takes_the_commitments_that_the_links_are_to() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let key = linked.key(&widths(&[3, 2], 7));
    let refused = |change: &dyn Fn(&mut Linked)| {
        let mut linked = linked.clone();
        change(&mut linked);
        linked.prove(&key, 3).expect_err("something does not fit")
    };
    for count in [0, 1, 3] {
        let error = refused(&|linked| {
            let one = linked.commitments[0].clone();
            linked.commitments.resize(count, one);
        });
        assert!(
            matches!(error, Error::Commitments { got, expected: 2 } if got == count),
            "{error}"
        );
    }
    let mismatch = |changed: usize, change: &dyn Fn(&mut Linked)| match refused(change) {
        Error::Commitment { link, mismatch } if link == changed => mismatch,
        other => panic!("{other}"),
    };
    let powers = PARAMS.get_g();
    for link in 0..2 {
        let commit = |linked: &mut Linked, words: Vec<Fr>, blinding| {
            linked.commitments[link] = Commitment::new(powers, words, blinding).expect("a class");
        };
        // 48 words are of the next class.
        let longer = mismatch(link, &|linked| commit(linked, vec![Fr::ONE; 48], Fr::ONE));
        assert_eq!(longer, Mismatch::Class { words: 48, class: 6 });
        let words = || linked.commitments[link].words.clone();
        let unblinded = mismatch(link, &|linked| {
            commit(linked, words(), Fr::ZERO);
            linked.name();
        });
        assert_eq!(unblinded, Mismatch::Blinding);
        let point = mismatch(link, &|linked| linked.commitments[link].blinding += Fr::ONE);
        assert_eq!(point, Mismatch::Point);
        let point = mismatch(link, &|linked| linked.commitments[link].words[2] += Fr::ONE);
        assert_eq!(point, Mismatch::Point);
        let named = mismatch(link, &|linked| commit(linked, words(), Fr::from(5)));
        assert_eq!(named, Mismatch::Name);
        let other = mismatch(link, &|linked| {
            let mut words = words();
            words[4] += Fr::ONE;
            commit(linked, words, Fr::from(5));
            linked.name();
        });
        assert_eq!(other, Mismatch::Words { word: 4 });
        let longer = mismatch(link, &|linked| {
            commit(linked, [words(), vec![Fr::ZERO, Fr::ONE]].concat(), Fr::from(5));
            linked.name();
        });
        assert_eq!(longer, Mismatch::Words { word: 20 });
    }
    // None is taken where there are no links.
    let without = super::key_of(&Walk::new(40), 7, &widths(&[3, 2], 7), Arithmetic::best());
    let [a, b] = Walk::new(40).instances();
    let source = Synthesized(&linked.circuit);
    let given = without.prove(&source, &[&a, &b], &linked.commitments[..1], &Options::default());
    assert!(matches!(given, Err(Error::Commitments { got: 1, expected: 0 })), "{given:?}");
}

#[test]
fn links_are_of_what_is_there_in_circuits_and_keys() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let widths = widths(&[3, 2], 7);
    let mut system = ConstraintSystem::default();
    Walk::configure_with_params(&mut system, linked.circuit.params());
    let public = Walk::public_with_links(&[6, 6]);
    assert!(Layout::new(&system, 7, &public, &widths).is_ok());
    let key = linked.key(&widths).verifying().to_bytes();
    let read = VerifyingKey::from_bytes(&key).expect("it is whole");
    assert_eq!(read.to_bytes(), key);
    assert_eq!(read.layout().instances, public);
    let bytes = |link: &Link| -> Vec<u8> {
        let numbers = [link.column, link.class as usize, link.instance_column, link.number];
        numbers.into_iter().flat_map(|number| (number as u32).to_be_bytes()).collect()
    };
    let known: Vec<u8> = public.links.iter().flat_map(bytes).collect();
    let at = key.windows(known.len()).position(|window| window == known).expect("its links");
    assert_eq!(key[at - 4..at], 2_u32.to_be_bytes());
    // No column, one of the second phase, a class too small, one too large for the rows, no instance column, no name in it.
    let changes: [fn(&mut Link); 7] = [
        |link| link.column = 4,
        |link| link.column = 1,
        |link| link.class = 5,
        |link| link.class = 8,
        |link| link.class = u32::MAX,
        |link| link.instance_column = 2,
        |link| link.number = 3,
    ];
    for (changed, change) in (0..2).flat_map(|link| changes.map(|change| (link, change))) {
        let mut public = public.clone();
        change(&mut public.links[changed]);
        let refused = Layout::new(&system, 7, &public, &widths).map(drop);
        let is_named = matches!(refused, Err(Error::Link { link, .. }) if link == changed);
        assert!(is_named, "{public:?}");
        let mut key = key.clone();
        let links: Vec<u8> = public.links.iter().flat_map(bytes).collect();
        key[at..at + links.len()].copy_from_slice(&links);
        assert!(VerifyingKey::from_bytes(&key).is_err(), "{public:?}");
    }
    // More of them than there are bytes.
    let mut longer = key.clone();
    longer[at - 4..at].fill(0xff);
    assert!(VerifyingKey::from_bytes(&longer).is_err());
    // The version before has no links.
    let mut older = key;
    assert_eq!(older[..22], *b"zkverdict packed key 3");
    older[21] = b'2';
    assert!(VerifyingKey::from_bytes(&older).is_err());
}

#[test]
fn proofs_of_one_secret_share_nothing_but_its_commitment() {
    let linked = Linked::new(40, 7, &[6, 6], 1);
    let key = linked.key(&widths(&[3, 2], 7));
    let first = linked.prove(&key, 3).expect("there is a witness");
    let second = linked.prove(&key, 4).expect("there is a witness");
    let again = Linked::new(40, 7, &[6, 6], 2).prove(&key, 4).expect("there is a witness");
    let shared = |a: &[u8], b: &[u8]| -> Vec<usize> {
        let words = a.chunks(32).zip(b.chunks(32)).enumerate();
        words.filter(|(_, (a, b))| a == b).map(|(at, _)| at).collect()
    };
    let start = first.len() / 32 - 6;
    assert_eq!(shared(&first, &second), (start..start + 4).collect::<Vec<_>>());
    assert!(shared(&first, &again).is_empty());
    // With another blinding even the same random rows give other points, but for the first phase's packs.
    assert_eq!(shared(&second, &again), [0, 1]);
}

#[test]
fn no_word_is_on_a_random_row() {
    // Eighteen random rows: a domain of as many rows has words on the first of them.
    let circuit = Walk { extra: Extra::FifteenRows, ..Walk::new(40) };
    let make = |class| {
        let public = Walk::public_with_links(&[class]);
        let key = new_key_of(&circuit, 7, &public, &widths(&[3, 2], 7), Arithmetic::best());
        key.map(drop).expect_err("something does not fit")
    };
    assert!(matches!(make(7), Error::Link { link: 0, .. }));
    assert!(matches!(make(6), Error::RandomRows { points: 15, needed: 31, rows: 18 }));
}
