use super::*;
use crate::engine;
use crate::packed::{Instances, Powers, ProvingKey, Widths};
use crate::prove;
use crate::{Arithmetic, Key, Options, Seeded, Synthesized, lagrange_points};
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::{
        bn256::{Bn256, G1Affine},
        ff::Field,
        group::{Curve, prime::PrimeCurveAffine},
    },
    plonk::{
        Advice, Circuit, Column as Of, ConstraintSystem, Error as PlonkError, Fixed, VerifyingKey,
        keygen_vk,
    },
    poly::{
        Rotation,
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
    transcript::{Blake2bWrite, Challenge255, TranscriptWriterBuffer},
};
use rand::{SeedableRng, rngs::StdRng};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Does a device's work on the processor, and fails at the call that it is told.
struct Twin {
    processor: Box<dyn Engine>,
    fails: usize,
    wrong: bool,
    /// Warnings of all tests go to one listener.
    why: &'static str,
    calls: Arc<AtomicUsize>,
}

impl Twin {
    fn call<T>(&self, made: impl FnOnce() -> Vec<T>) -> Result<Vec<T>, String> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut made = made();
        match (call == self.fails, self.wrong) {
            (true, false) => return Err(self.why.into()),
            (true, true) => made.truncate(made.len() - 1),
            _ => {}
        }
        Ok(made)
    }
}

impl Device for Twin {
    fn sums(&self, columns: &[&Cells]) -> Result<Vec<G1>, String> {
        let columns: Vec<Column> =
            columns.iter().map(|&cells| Column::new(cells.clone())).collect();
        self.call(|| self.processor.sums(&columns.iter().collect::<Vec<_>>()))
    }

    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
    ) -> Result<Vec<Vec<Fr>>, String> {
        let pieces = self.processor.pieces(table, program, uniform, count, &mut || Ok(()));
        let pieces = pieces.map_err(|error| error.to_string())?;
        self.call(|| pieces)
    }
}

/// Powers of bytes and a chain of large numbers, with rotations both ways and a gate of degree 5.
#[derive(Clone)]
struct Chain {
    rows: usize,
}

impl Circuit<Fr> for Chain {
    type Config = (Of<Advice>, Of<Advice>, Of<Fixed>);
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Self::Config {
        let (byte, large, on) = (meta.advice_column(), meta.advice_column(), meta.fixed_column());
        meta.create_gate("chain", |meta| {
            let on = meta.query_fixed(on, Rotation::cur());
            let [before, this] =
                [Rotation::prev(), Rotation::cur()].map(|at| meta.query_advice(byte, at));
            let [now, next] =
                [Rotation::cur(), Rotation::next()].map(|at| meta.query_advice(large, at));
            let square = this.clone() * this;
            vec![on * (next - now * before - square.clone() * square)]
        });
        (byte, large, on)
    }

    fn synthesize(
        &self,
        (byte, large, on): Self::Config,
        mut layouter: impl Layouter<Fr>,
    ) -> Result<(), PlonkError> {
        let of = |row: usize| Fr::from((row * row % 251) as u64);
        layouter.assign_region(
            || "all",
            |mut region| {
                let mut now = Fr::from(7);
                for row in 0..self.rows {
                    region.assign_advice(byte, row, Value::known(of(row)));
                    region.assign_advice(large, row, Value::known(now));
                    if row > 0 && row + 1 < self.rows {
                        region.assign_fixed(on, row, Fr::ONE);
                        now = now * of(row - 1) + of(row).square().square();
                    }
                }
                Ok(())
            },
        )
    }
}

pub struct Setup {
    params: ParamsKZG<Bn256>,
    vk: VerifyingKey<G1Affine>,
    circuit: Chain,
    pub points: Vec<G1Affine>,
}

impl Setup {
    pub fn new(k: u32) -> Self {
        let circuit = Chain { rows: (1 << k) - 20 };
        let params = ParamsKZG::setup(k, StdRng::seed_from_u64(5));
        let vk = keygen_vk(&params, &circuit).expect("the circuit fits");
        let points = lagrange_points(&params).expect("it is in memory");
        Self { params, vk, circuit, points }
    }

    pub fn processor(&self) -> Box<dyn Engine> {
        engine::new(&self.points, Arithmetic::best())
    }

    /// A proof with a seed, its quotient blinded as if the string's next power were the first.
    pub fn prove(&self, engine: Box<dyn Engine>) -> Vec<u8> {
        let source = Synthesized(&self.circuit);
        let g = self.params.get_g();
        let vanishing = Some((g[1].to_curve() - g[0]).to_affine());
        let key = prove::Key::new(&self.points, vanishing, self.vk.cs(), &source, engine);
        let key = Key(key.expect("it fits"));
        let randomness = Seeded::new([3; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let mut transcript = Blake2bWrite::<_, _, Challenge255<G1Affine>>::init(Vec::new());
        key.prove(&self.vk, &source, &[], &options, &mut transcript).expect("there is a witness");
        assert_eq!(self.params.k(), self.points.len().trailing_zeros());
        transcript.finalize()
    }

    /// For the string's powers.
    fn processor_of_powers(&self) -> Box<dyn Engine> {
        engine::new(self.params.get_g(), Arithmetic::best())
    }

    /// The packed one, with the engine that is made of the processor's.
    pub fn prove_packed(&self, engine: impl FnOnce(Box<dyn Engine>) -> Box<dyn Engine>) -> Vec<u8> {
        let mut system = ConstraintSystem::default();
        Chain::configure(&mut system);
        let string = Powers { g1: self.params.get_g(), g2: [self.params.g2(), self.params.s_g2()] };
        let public = Instances::of_columns(&[]);
        // The quotient takes more powers than there are rows.
        let (k, widths) = (self.params.k() - 2, Widths::all(&system, 1));
        let circuit = Chain { rows: (1 << k) - 20 };
        let source = Synthesized(&circuit);
        let key =
            ProvingKey::new(string, k, &system, &source, &public, &widths, Arithmetic::best());
        let randomness = Seeded::new([3; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let proof = key.expect("it fits").on(engine).prove(&source, &[], &[], &options);
        proof.expect("there is a witness").0
    }
}

#[test]
fn a_device_s_packed_proof_is_the_processor_s_also_if_it_fails_in_the_middle() {
    let setup = Setup::new(10);
    let proof = setup.prove_packed(|processor| processor);
    let calls = Arc::new(AtomicUsize::new(0));
    let with = |fails: usize, wrong: bool| {
        calls.store(0, Ordering::Relaxed);
        let made = setup.prove_packed(|processor| {
            let (why, calls) = ("it is gone", Arc::clone(&calls));
            let twin = Twin { processor, fails, wrong, why, calls };
            Box::new(Accelerated::new(Box::new(twin), setup.processor_of_powers()))
        });
        assert_eq!(made, proof, "the device fails at call {fails}");
        calls.load(Ordering::Relaxed)
    };
    // Two columns, the quotient's pieces, the quotient, and twice for the opening.
    let all = with(usize::MAX, false);
    assert_eq!(all, 6);
    for (fails, wrong) in (0..all).flat_map(|fails| [(fails, false), (fails, true)]) {
        assert_eq!(with(fails, wrong), fails + 1);
    }
}

#[test]
fn a_device_s_proof_is_the_processor_s_also_if_it_fails_in_the_middle() {
    let setup = Setup::new(8);
    let proof = setup.prove(setup.processor());
    let with = |fails: usize, wrong: bool| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (processor, why) = (setup.processor(), "it fell off");
        let twin = Twin { processor, fails, wrong, why, calls: Arc::clone(&calls) };
        let made = setup.prove(Box::new(Accelerated::new(Box::new(twin), setup.processor())));
        assert_eq!(made, proof, "the device fails at call {fails}");
        calls.load(Ordering::Relaxed)
    };
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let heard = || HEARD.lock().expect("nobody panics meanwhile");
    let listens =
        crate::on_warning(|message| HEARD.lock().expect("nobody panics").push(message.into()));
    assert!(listens && !crate::on_warning(|_| ()), "the first listener stays");
    // Columns, the random polynomial, the quotient, its pieces, and twice for the opening.
    let all = with(usize::MAX, false);
    assert_eq!(all, 6);
    let of_this = |what: &str| heard().iter().filter(|message| message.ends_with(what)).count();
    assert_eq!(of_this(": it fell off"), 0);
    for fails in 0..all {
        for wrong in [false, true] {
            // It is not asked again.
            assert_eq!(with(fails, wrong), fails + 1);
        }
        // Said once, to who listens.
        assert_eq!(of_this(": it fell off"), fails + 1);
    }
}
