//! Time and memory of a proof with as many columns as models have, for a k: `cargo bench --bench synthetic -- 20`.
//!
//! The string is no string (its points are only different), so the proof proves nothing; it takes as long.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::{
        bn256::{Bn256, Fr, G1, G1Affine},
        ff::Field,
        group::Curve,
    },
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
        SecondPhase, keygen_vk,
    },
    poly::{Rotation, kzg::commitment::ParamsKZG},
    transcript::{Blake2bWrite, Challenge255, TranscriptWriterBuffer},
};
use rand::{SeedableRng, rngs::StdRng};
use std::time::Instant;
use zkverdict_prover::{Arithmetic, Key, Options, Synthesized};

const BYTES: usize = 12;
const SUMS: usize = 8;
const FIXED: usize = 20;

#[derive(Clone, Default)]
struct Wide {
    rows: usize,
}

#[derive(Clone)]
struct Columns {
    bytes: Vec<Column<Advice>>,
    sums: Vec<Column<Advice>>,
    fixed: Vec<Column<Fixed>>,
    gamma: Challenge,
}

impl Circuit<Fr> for Wide {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> Columns {
        let columns = Columns {
            bytes: (0..BYTES).map(|_| meta.advice_column()).collect(),
            sums: (0..SUMS).map(|_| meta.advice_column_in(SecondPhase)).collect(),
            fixed: (0..FIXED).map(|_| meta.fixed_column()).collect(),
            gamma: meta.challenge_usable_after(FirstPhase),
        };
        meta.create_gate("running sums of fractions", |meta| {
            let fixed: Vec<_> = (columns.fixed.iter())
                .map(|&column| meta.query_fixed(column, Rotation::cur()))
                .collect();
            let bytes: Vec<_> = (columns.bytes.iter())
                .map(|&column| meta.query_advice(column, Rotation::cur()))
                .collect();
            let gamma = columns.gamma.expr();
            (0..SUMS)
                .map(|i| {
                    let [before, sum] = [Rotation::prev(), Rotation::cur()]
                        .map(|at| meta.query_advice(columns.sums[i], at));
                    let denominator = |j: usize| bytes[j % BYTES].clone() + gamma.clone();
                    let all = denominator(i) * denominator(i + 1) * denominator(i + 2);
                    let moves = (fixed.iter().enumerate())
                        .map(|(j, fixed)| fixed.clone() * Fr::from((i * FIXED + j) as u64 + 2))
                        .reduce(|sum, next| sum + next)
                        .unwrap_or(Expression::Constant(Fr::ZERO));
                    fixed[i].clone() * ((sum - before) * all - moves)
                })
                .collect::<Vec<_>>()
        });
        columns
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let mut gamma = Fr::ZERO;
        layouter.get_challenge(columns.gamma).map(|value| gamma = value);
        layouter.assign_region(
            || "all",
            |mut region| {
                for (index, &column) in columns.fixed.iter().enumerate() {
                    for row in 0..self.rows {
                        region.assign_fixed(column, row, Fr::from((row % (index + 2)) as u64));
                    }
                }
                for (index, &column) in columns.bytes.iter().enumerate() {
                    for row in 0..self.rows {
                        let byte = Fr::from(((row * (index + 7)) >> 3) as u64 & 255);
                        region.assign_advice(column, row, Value::known(byte));
                    }
                }
                for &column in &columns.sums {
                    let mut sum = gamma;
                    for row in 0..self.rows {
                        sum *= gamma;
                        region.assign_advice(column, row, Value::known(sum));
                    }
                }
                Ok(())
            },
        )
    }
}

fn main() {
    let k: u32 = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(16);
    let portable = std::env::args().any(|arg| arg == "portable");
    let n = 1_usize << k;
    let circuit = Wide { rows: n - 10 };
    let params = points(k);
    let vk = keygen_vk(&params, &circuit).expect("it fits");
    let arithmetic = if portable { Arithmetic::without_avx512() } else { Arithmetic::best() };
    let (start, base) = (Instant::now(), cpu_seconds());
    let key = Key::new(&params, vk.cs(), &Synthesized(&circuit), None, arithmetic)
        .expect("it is supported");
    drop(params);
    println!("k {k}: key {:.2} s, {} MB", start.elapsed().as_secs_f64(), key.bytes() >> 20);
    // Of making what a bundle holds.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let mut transcript = Blake2bWrite::<Vec<u8>, G1Affine, Challenge255<_>>::init(vec![]);
    let start = Instant::now();
    let times = key.prove(&vk, &Synthesized(&circuit), &[], &Options::default(), &mut transcript);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "proof {seconds:.2} s, cpu with key {:.2} s, peak {} MB",
        cpu_seconds() - base,
        status("VmHWM:") >> 10
    );
    for (stage, time) in times.expect("it is supported") {
        println!("  {stage}: {:.1}%", 100. * time.as_secs_f64() / seconds);
    }
}

/// Different points in place of a string.
fn points(k: u32) -> ParamsKZG<Bn256> {
    let any = ParamsKZG::<Bn256>::setup(1, StdRng::seed_from_u64(1));
    let step = G1::generator() * Fr::from(12_345);
    let mut point = G1::generator() * Fr::from(777);
    let mut affine = vec![G1Affine::default(); 1 << k];
    for chunk in affine.chunks_mut(1 << 12) {
        let points: Vec<G1> = (0..chunk.len())
            .map(|_| {
                point = point + point + step;
                point
            })
            .collect();
        G1::batch_normalize(&points, chunk);
    }
    any.from_parts(k, affine.clone(), Some(affine), any.g2(), any.s_g2())
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.
}

fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
