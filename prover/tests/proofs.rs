//! Proofs of a small circuit with everything that models' circuits have: two phases, challenges, gates of degree 5,
//! rotations both ways, signed fixed values, instances.

use halo2_proofs::{
    SerdeFormat,
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        ff::Field,
    },
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Constraints, Error as PlonkError,
        FirstPhase, Fixed, Instance, ProvingKey, SecondPhase, create_proof, keygen_pk, keygen_vk,
        verify_proof,
    },
    poly::{
        Rotation,
        commitment::ParamsProver,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::{ProverSHPLONK, VerifierSHPLONK},
            strategy::SingleStrategy,
        },
    },
    transcript::{
        Blake2bRead, Blake2bWrite, Challenge255, EncodedChallenge, Transcript,
        TranscriptReadBuffer, TranscriptWrite, TranscriptWriterBuffer,
    },
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use zkverdict_prover::{Arithmetic, Error, Key, Options, Randomness, Seeded, Stage, Synthesized};

/// What a circuit may have that this prover does not do.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Extra {
    #[default]
    Nothing,
    Copies,
    Selector,
}

#[derive(Clone, Default)]
struct Toy {
    rows: usize,
    /// Bytes; `None` without a witness.
    witness: Option<Vec<u8>>,
    extra: Extra,
    /// The fourth power on this row is wrong.
    wrong: Option<usize>,
}

#[derive(Clone)]
struct Columns {
    byte: Column<Advice>,
    power: Column<Advice>,
    large: Column<Advice>,
    sum: Column<Advice>,
    on: Column<Fixed>,
    weight: Column<Fixed>,
    first: Column<Fixed>,
    instance: Column<Instance>,
    gamma: Challenge,
}

impl Toy {
    fn new(rows: usize) -> Self {
        let witness = (0..rows).map(|row| (row * row + 3) as u8).collect();
        Self { rows, witness: Some(witness), ..Self::default() }
    }

    fn weight(row: usize) -> Fr {
        let size = Fr::from(row as u64 % 100);
        if row.is_multiple_of(3) { -size } else { size }
    }

    fn large(byte: u8, row: usize) -> Fr {
        Fr::from(u64::from(byte) + 1).pow([row as u64 + 70])
    }

    fn instances(&self) -> Vec<Fr> {
        vec![Self::large(self.witness.as_ref().expect("it was made with one")[0], 0), Fr::from(9)]
    }
}

impl Circuit<Fr> for Toy {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = u8;

    fn params(&self) -> u8 {
        self.extra as u8
    }

    fn without_witnesses(&self) -> Self {
        Self { witness: None, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, extra: u8) -> Columns {
        let columns = Columns {
            byte: meta.advice_column(),
            sum: meta.advice_column_in(SecondPhase),
            power: meta.advice_column_in(FirstPhase),
            large: meta.advice_column(),
            on: meta.fixed_column(),
            weight: meta.fixed_column(),
            first: meta.fixed_column(),
            instance: meta.instance_column(),
            gamma: meta.challenge_usable_after(FirstPhase),
        };
        if extra == Extra::Copies as u8 {
            meta.enable_equality(columns.byte);
        }
        if extra == Extra::Selector as u8 {
            meta.selector();
        }
        meta.create_gate("powers and sums", |meta| {
            let on = meta.query_fixed(columns.on, Rotation::cur());
            let weight = meta.query_fixed(columns.weight, Rotation::cur());
            let byte = meta.query_advice(columns.byte, Rotation::cur());
            // Asked at an odd rotation alone.
            let power = meta.query_advice(columns.power, Rotation::next());
            let next = meta.query_advice(columns.large, Rotation::next());
            let [before, sum] =
                [Rotation::prev(), Rotation::cur()].map(|at| meta.query_advice(columns.sum, at));
            let square = byte.clone() * byte.clone();
            let fourth = square.clone() * square;
            let gamma = columns.gamma.expr();
            let step = byte * weight * gamma.clone() * gamma.clone() - next * gamma * Fr::from(5);
            Constraints::with_selector(on, [power - fourth, sum - before - step])
        });
        meta.create_gate("the first is public", |meta| {
            let first = meta.query_fixed(columns.first, Rotation::cur());
            let large = meta.query_advice(columns.large, Rotation::cur());
            let instance = meta.query_instance(columns.instance, Rotation::cur());
            vec![first * (instance - large)]
        });
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("it has parameters")
    }

    fn synthesize(
        &self,
        columns: Columns,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), PlonkError> {
        let mut gamma = None;
        layouter.get_challenge(columns.gamma).map(|value| gamma = Some(value));
        layouter.assign_region(
            || "all",
            |mut region| {
                for row in 0..self.rows {
                    region.assign_fixed(columns.weight, row, Self::weight(row));
                    if row > 0 && row + 1 < self.rows {
                        region.assign_fixed(columns.on, row, Fr::ONE);
                    }
                }
                region.assign_fixed(columns.first, 0, Fr::ONE);
                let Some(witness) = &self.witness else { return Ok(()) };
                let large = |row: usize| Self::large(witness[row], row);
                let mut sum = Fr::ZERO;
                for (row, &byte) in witness.iter().enumerate() {
                    let byte = Fr::from(u64::from(byte));
                    let wrong = Fr::from(u64::from(self.wrong == Some(row)));
                    region.assign_advice(columns.byte, row, Value::known(byte));
                    let power = byte.pow([4]) + wrong;
                    region.assign_advice(columns.power, row + 1, Value::known(power));
                    region.assign_advice(columns.large, row, Value::known(large(row)));
                    if let Some(gamma) = gamma {
                        if row > 0 && row + 1 < self.rows {
                            sum += byte * Self::weight(row) * gamma.square()
                                - large(row + 1) * gamma * Fr::from(5);
                        }
                        region.assign_advice(columns.sum, row, Value::known(sum));
                    }
                }
                Ok(())
            },
        )
    }
}

type Blake = Blake2bWrite<Vec<u8>, G1Affine, Challenge255<G1Affine>>;

struct Keys {
    params: ParamsKZG<Bn256>,
    /// The power after the string's last.
    next: G1Affine,
    pk: ProvingKey<G1Affine>,
}

impl Keys {
    fn new(k: u32, circuit: &Toy) -> Self {
        let params = ParamsKZG::setup(k, StdRng::seed_from_u64(5));
        let longer = ParamsKZG::<Bn256>::setup(k + 1, StdRng::seed_from_u64(5));
        assert_eq!(longer.get_g()[1], params.get_g()[1]);
        let next = longer.get_g()[1 << k];
        let vk = keygen_vk(&params, circuit).expect("the circuit fits");
        let pk = keygen_pk(&params, vk, circuit).expect("the circuit fits");
        Self { params, next, pk }
    }

    fn own(&self, circuit: &Toy, next: Option<G1Affine>, arithmetic: Arithmetic) -> Key {
        Key::new(&self.params, self.pk.get_vk().cs(), &Synthesized(circuit), next, arithmetic)
            .expect("supported")
    }

    fn prove(
        &self,
        circuit: &Toy,
        arithmetic: Arithmetic,
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Error> {
        self.prove_by(&self.own(circuit, Some(self.next), arithmetic), circuit, options)
    }

    fn prove_by(&self, key: &Key, circuit: &Toy, options: &Options<'_>) -> Result<Vec<u8>, Error> {
        let mut transcript = Blake::init(Vec::new());
        let instances = circuit.instances();
        let source = Synthesized(circuit);
        key.prove(self.pk.get_vk(), &source, &[&instances], options, &mut transcript)?;
        Ok(transcript.finalize())
    }

    fn verify(&self, proof: &[u8], instances: &[Fr]) -> bool {
        verify_proof::<
            KZGCommitmentScheme<Bn256>,
            VerifierSHPLONK<'_, Bn256>,
            Challenge255<G1Affine>,
            _,
            _,
        >(
            &self.params,
            self.pk.get_vk(),
            SingleStrategy::new(&self.params),
            &[&[instances]],
            &mut Blake2bRead::init(proof),
        )
        .is_ok()
    }
}

#[test]
fn proofs_are_accepted_and_those_of_something_else_are_not() {
    for (k, rows) in [(7, 10), (7, 100), (8, 200), (10, 900), (12, 4000)] {
        let circuit = Toy::new(rows);
        let keys = Keys::new(k, &circuit);
        for arithmetic in Arithmetic::all() {
            let proof =
                keys.prove(&circuit, arithmetic, &Options::default()).expect("there is a witness");
            let mut instances = circuit.instances();
            assert!(keys.verify(&proof, &instances), "k = {k}, {arithmetic:?}");
            let short = keys.own(&circuit, None, arithmetic);
            let proof = keys.prove_by(&short, &circuit, &Options::default()).expect("a witness");
            assert!(keys.verify(&proof, &instances), "the quotient is not blinded");
            instances[1] += Fr::ONE;
            assert!(!keys.verify(&proof, &instances));
        }
    }
}

#[test]
fn a_wrong_witness_has_no_proof() {
    let circuit = Toy { wrong: Some(40), ..Toy::new(100) };
    let keys = Keys::new(7, &circuit);
    for arithmetic in Arithmetic::all() {
        let proof =
            keys.prove(&circuit, arithmetic, &Options::default()).expect("nothing is checked");
        assert!(!keys.verify(&proof, &circuit.instances()));
    }
}

#[test]
fn the_verifying_key_is_halo2_s() {
    let circuit = Toy::new(100);
    let keys = Keys::new(7, &circuit);
    for arithmetic in Arithmetic::all() {
        let own = keys.own(&circuit, None, arithmetic).verifying_key();
        assert_eq!(own, keys.pk.get_vk().to_bytes(SerdeFormat::Processed));
    }
}

#[test]
fn a_seed_makes_proofs_equal_whatever_the_arithmetic() {
    let circuit = Toy::new(200);
    let keys = Keys::new(8, &circuit);
    let with = |seed: u8, arithmetic| {
        let randomness = Seeded::new([seed; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        keys.prove(&circuit, arithmetic, &options).expect("there is a witness")
    };
    let proof = with(1, Arithmetic::Portable);
    for arithmetic in Arithmetic::all() {
        assert_eq!(with(1, arithmetic), proof);
        assert_ne!(with(2, arithmetic), proof);
    }
    // Nothing else is drawn twice.
    let system =
        || keys.prove(&circuit, Arithmetic::best(), &Options::default()).expect("a witness");
    assert_ne!(system()[..32], system()[..32]);
}

/// Records messages, and draws challenges that do not depend on them.
#[derive(Default)]
struct Recorder {
    points: Vec<G1Affine>,
    scalars: Vec<Fr>,
    absorbed: Vec<Fr>,
    drawn: u64,
}

impl Transcript<G1Affine, Challenge255<G1Affine>> for Recorder {
    fn squeeze_challenge(&mut self) -> Challenge255<G1Affine> {
        let mut bytes = [0; 64];
        self.drawn += 1;
        StdRng::seed_from_u64(self.drawn).fill_bytes(&mut bytes);
        Challenge255::new(&bytes)
    }

    fn common_point(&mut self, _: G1Affine) -> io::Result<()> {
        Err(io::Error::other("no point is absorbed that is not in the proof"))
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.absorbed.push(scalar);
        Ok(())
    }
}

impl TranscriptWrite<G1Affine, Challenge255<G1Affine>> for Recorder {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.points.push(point);
        Ok(())
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.scalars.push(scalar);
        Ok(())
    }
}

/// What halo2's prover draws from its generator, for each column.
struct Drawn(Vec<Vec<Fr>>);

impl Drawn {
    fn new(mut rng: StdRng, phases: &[u8], rows: usize) -> Self {
        let mut columns = vec![Vec::new(); phases.len()];
        for phase in 0..2 {
            let of_phase = || (0..phases.len()).filter(|&column| phases[column] == phase);
            for column in of_phase() {
                columns[column] = (0..rows).map(|_| Fr::random(&mut rng)).collect();
            }
            // Blinding factors that KZG does not use.
            of_phase().for_each(|_| {
                Fr::random(&mut rng);
            });
        }
        Self(columns)
    }
}

impl Randomness for Drawn {
    fn blinding(&self, column: usize, rows: usize) -> Vec<Fr> {
        assert_eq!(self.0[column].len(), rows);
        self.0[column].clone()
    }

    fn quotient(&self, _: usize) -> Vec<Fr> {
        unreachable!("the string is not long enough")
    }

    fn polynomial(&self, rows: usize) -> Vec<Fr> {
        Seeded::new([9; 32]).polynomial(rows)
    }
}

#[test]
fn all_messages_but_the_random_polynomial_s_are_the_stock_prover_s() {
    let circuit = Toy::new(100);
    let keys = Keys::new(7, &circuit);
    let instances = circuit.instances();
    let mut stock = Recorder::default();
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        &keys.params,
        &keys.pk,
        std::slice::from_ref(&circuit),
        &[&[&instances]],
        StdRng::seed_from_u64(6),
        &mut stock,
    )
    .expect("there is a witness");
    let system = keys.pk.get_vk().cs();
    let rows = system.blinding_factors() + 1;
    let drawn = Drawn::new(StdRng::seed_from_u64(6), &system.advice_column_phase(), rows);
    for arithmetic in Arithmetic::all() {
        let mut own = Recorder::default();
        let options = Options { randomness: Some(&drawn), ..Options::default() };
        keys.own(&circuit, None, arithmetic)
            .prove(keys.pk.get_vk(), &Synthesized(&circuit), &[&instances], &options, &mut own)
            .expect("there is a witness");
        assert_eq!((own.drawn, &own.absorbed), (stock.drawn, &stock.absorbed));
        assert_eq!(own.points.len(), stock.points.len());
        // Advice, random, quotient, and two of the opening, which follow the random polynomial.
        let advice = system.num_advice_columns();
        let opening = own.points.len() - 2;
        for index in (0..opening).filter(|&index| index != advice) {
            assert_eq!(own.points[index], stock.points[index], "commitment {index}");
        }
        assert_ne!(own.points[advice], stock.points[advice]);
        let (own_random, own_rest) = own.scalars.split_last().expect("evaluations");
        let (stock_random, stock_rest) = stock.scalars.split_last().expect("evaluations");
        assert_eq!(own_rest, stock_rest);
        assert_ne!(own_random, stock_random);
    }
}

/// Messages to a transcript whose challenges do not depend on them, with everything drawn from a seed but what
/// `quotient` says.
struct Shifted<'a>(&'a [Fr]);

impl Randomness for Shifted<'_> {
    fn blinding(&self, column: usize, rows: usize) -> Vec<Fr> {
        Seeded::new([1; 32]).blinding(column, rows)
    }

    fn quotient(&self, shifts: usize) -> Vec<Fr> {
        assert_eq!(shifts, self.0.len());
        self.0.to_vec()
    }

    fn polynomial(&self, rows: usize) -> Vec<Fr> {
        Seeded::new([1; 32]).polynomial(rows)
    }
}

#[test]
fn each_piece_of_the_quotient_is_blinded_and_nothing_else_changes() {
    let circuit = Toy::new(100);
    let keys = Keys::new(7, &circuit);
    let instances = circuit.instances();
    let messages = |shifts: &[Fr]| {
        let mut recorder = Recorder::default();
        let randomness = Shifted(shifts);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        keys.own(&circuit, Some(keys.next), Arithmetic::best())
            .prove(keys.pk.get_vk(), &Synthesized(&circuit), &[&instances], &options, &mut recorder)
            .expect("there is a witness");
        recorder
    };
    let [none, shifted] = [[Fr::ZERO; 4], [2, 3, 5, 7].map(Fr::from)]
        .map(|shifts| messages(&shifts[..keys.pk.get_vk().cs().degree() - 2]));
    assert_eq!(none.scalars, shifted.scalars);
    let pieces = keys.pk.get_vk().cs().num_advice_columns() + 1;
    let differ: Vec<bool> = none.points.iter().zip(&shifted.points).map(|(a, b)| a != b).collect();
    assert!(!differ[..pieces].contains(&true));
    assert!(!differ[pieces..].contains(&false));
}

#[test]
fn a_proof_is_followed_and_stopped() {
    let circuit = Toy::new(100);
    let keys = Keys::new(7, &circuit);
    let seen = RefCell::new(Vec::new());
    let progress = |stage| seen.borrow_mut().push(stage);
    let options = Options { progress: Some(&progress), ..Options::default() };
    keys.prove(&circuit, Arithmetic::best(), &options).expect("there is a witness");
    let stages = seen.take();
    assert_eq!(stages.first(), Some(&Stage::Witness));
    assert_eq!(stages.last(), Some(&Stage::Opening));

    // Stopped at each stage in turn.
    for stop in 0..stages.len() {
        let cancel = AtomicBool::new(false);
        let progress = |stage| {
            seen.borrow_mut().push(stage);
            cancel.store(seen.borrow().len() > stop, Ordering::Relaxed);
        };
        let options =
            Options { progress: Some(&progress), cancel: Some(&cancel), ..Options::default() };
        let result = keys.prove(&circuit, Arithmetic::best(), &options);
        // Too late in the last.
        assert_eq!(matches!(result, Err(Error::Cancelled)), stop + 1 < stages.len());
        assert_eq!(seen.take(), stages[..=stop]);
    }
}

#[test]
fn what_is_not_supported_is_refused() {
    let key = |circuit: Toy| {
        let keys = Keys::new(7, &circuit);
        let source = Synthesized(&circuit);
        Key::new(&keys.params, keys.pk.get_vk().cs(), &source, None, Arithmetic::best()).err()
    };
    assert!(matches!(
        key(Toy { extra: Extra::Copies, ..Toy::new(9) }),
        Some(Error::Unsupported("copy constraints"))
    ));
    assert!(key(Toy::new(9)).is_none());
    let keys = Keys::new(7, &Toy::new(9));
    let fewer = zkverdict_prover::supports(keys.pk.get_vk().cs(), 6);
    assert!(matches!(fewer, Err(Error::Unsupported("fewer than 128 rows"))));
    let circuit = Toy::new(100);
    let keys = Keys::new(7, &circuit);
    let own = keys.own(&circuit, None, Arithmetic::best());
    let mut transcript = Blake::init(Vec::new());
    let options = Options::default();
    let mut prove = |circuit: &Toy, instances: &[&[Fr]]| {
        own.prove(keys.pk.get_vk(), &Synthesized(circuit), instances, &options, &mut transcript)
    };
    assert!(matches!(prove(&circuit, &[]), Err(Error::Instances)));
    assert!(matches!(prove(&circuit, &[&[Fr::ONE; 128]]), Err(Error::Instances)));
}
