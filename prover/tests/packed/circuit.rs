//! A small circuit with everything that models' circuits have: two phases, challenges, gates of degree 5, rotations both
//! ways, rotated fixed columns, signed values, instances in two columns, a sum of instances.

use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Constraints, Error, Expression,
        FirstPhase, Fixed, Instance, SecondPhase,
    },
    poly::Rotation,
};
use zkverdict_prover::packed::{InstanceSum, Instances, Link};

/// What a circuit may have besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extra {
    #[default]
    Nothing,
    /// A column that is looked at on three rows.
    ThreeRows,
    /// One that is looked at on fifteen, for which the backend has as many random rows and more.
    FifteenRows,
    Selector,
    /// Two columns that keys may name, on the rows where gates are on: the weights, and twice these.
    Named,
}

#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// Rows that are in use.
    pub rows: usize,
    pub extra: Extra,
    /// The fourth power on this row is wrong.
    pub wrong: Option<usize>,
    pub without_witness: bool,
    /// Of commitments that columns hold the words of: public behind the first value.
    pub names: Vec<Fr>,
}

#[derive(Clone)]
pub struct Columns {
    /// A byte; running sums, in the second phase; the byte's fourth power; a large number.
    advice: [Column<Advice>; 4],
    fixed: [Column<Fixed>; 3],
    instances: [Column<Instance>; 2],
    gamma: Challenge,
    /// What the second instance column adds up to behind its first value, times powers of 3·γ.
    sum: Challenge,
}

impl Walk {
    pub fn new(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    fn byte(row: usize) -> Fr {
        Fr::from((row * row + 3) as u64 % 256)
    }

    fn large(row: usize) -> Fr {
        (Self::byte(row) + Fr::ONE).pow([row as u64 + 70])
    }

    fn weight(row: usize) -> i32 {
        let size = i32::try_from(row % 100).expect("it is small");
        if row.is_multiple_of(3) { -size } else { size }
    }

    fn weight_of(row: usize) -> Fr {
        let size = Fr::from(u64::from(Self::weight(row).unsigned_abs()));
        if Self::weight(row) < 0 { -size } else { size }
    }

    /// What is in the columns that keys may name; the fourth fixed column and the fifth.
    pub fn named(&self) -> Vec<Vec<i32>> {
        [1, 2].map(|times| (0..self.rows).map(|row| times * Self::weight(row)).collect()).into()
    }

    /// Whether the gates are switched on.
    fn is_inside(&self, row: usize) -> bool {
        row > 0 && row + 1 < self.rows
    }

    /// By column.
    pub fn instances(&self) -> [Vec<Fr>; 2] {
        let first = [vec![Self::large(0)], self.names.clone()].concat();
        [first, vec![Self::large(0), Fr::from(9), Fr::from(77)]]
    }

    /// What is public, in columns of so many values.
    pub fn public(counts: &[usize]) -> Instances {
        let factor = Fr::from(3);
        let sum = InstanceSum { challenge: 1, column: 1, first: 1, factor, point: 0 };
        Instances { counts: counts.to_vec(), sums: vec![sum], links: vec![], named: None }
    }

    /// The same with links of these classes: of the bytes, and of the large numbers.
    pub fn public_with_links(classes: &[u32]) -> Instances {
        let links = classes.iter().zip([0, 3]).enumerate().map(|(index, (&class, column))| Link {
            column,
            class,
            instance_column: 0,
            number: 1 + index,
        });
        Instances { links: links.collect(), ..Self::public(&[1 + classes.len(), 3]) }
    }

    /// What a column holds on every so many rows, without the first.
    pub fn words(&self, column: usize, every: usize) -> Vec<Fr> {
        let rows = self.advice(None)[column].clone().into_iter();
        rows.step_by(every).skip(1).collect()
    }

    /// By column; those of the first phase alone without a challenge.
    pub fn advice(&self, gamma: Option<Fr>) -> [Vec<Fr>; 4] {
        let rows = 0..self.rows;
        let wrong = |row| Fr::from(u64::from(self.wrong == Some(row)));
        let mut sum = Fr::ZERO;
        let mut step = |row: usize, gamma: Fr| {
            if self.is_inside(row) {
                let weight = Self::weight_of(row) + Self::weight_of(row - 1);
                sum += Self::byte(row) * weight * gamma.square() - Self::large(row + 1) * gamma;
            }
            sum
        };
        let sums = gamma.map(|gamma| rows.clone().map(|row| step(row, gamma)).collect());
        [
            rows.clone().map(Self::byte).collect(),
            sums.unwrap_or_default(),
            rows.clone().map(|row| Self::byte(row).pow([4]) + wrong(row)).collect(),
            rows.map(Self::large).collect(),
        ]
    }

    /// By column.
    pub fn fixed(&self) -> [Vec<Fr>; 3] {
        let flag = |on: bool| Fr::from(u64::from(on));
        [
            (0..self.rows).map(|row| flag(self.is_inside(row))).collect(),
            (0..self.rows).map(Self::weight_of).collect(),
            (0..self.rows).map(|row| flag(row == 0)).collect(),
        ]
    }
}

impl Circuit<Fr> for Walk {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = u8;

    fn params(&self) -> u8 {
        self.extra as u8
    }

    fn without_witnesses(&self) -> Self {
        Self { without_witness: true, ..self.clone() }
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, extra: u8) -> Columns {
        let columns = Columns {
            advice: [
                meta.advice_column(),
                meta.advice_column_in(SecondPhase),
                meta.advice_column(),
                meta.advice_column(),
            ],
            fixed: [0; 3].map(|_| meta.fixed_column()),
            instances: [0; 2].map(|_| meta.instance_column()),
            gamma: meta.challenge_usable_after(FirstPhase),
            sum: meta.challenge_usable_after(FirstPhase),
        };
        let [byte, sum, power, large] = columns.advice;
        let [on, weight, first] = columns.fixed;
        if extra == Extra::Selector as u8 {
            meta.selector();
        }
        meta.create_gate("powers and sums", |meta| {
            let on = meta.query_fixed(on, Rotation::cur());
            let weights = meta.query_fixed(weight, Rotation::cur())
                + meta.query_fixed(weight, Rotation::prev());
            let byte = meta.query_advice(byte, Rotation::cur());
            let power = meta.query_advice(power, Rotation::cur());
            let next = meta.query_advice(large, Rotation::next());
            let [before, sum] =
                [Rotation::prev(), Rotation::cur()].map(|at| meta.query_advice(sum, at));
            let square = byte.clone() * byte.clone();
            let fourth = square.clone() * square;
            let gamma = columns.gamma.expr();
            let step = byte * weights * gamma.clone() * gamma.clone() - next * gamma;
            Constraints::with_selector(on, [power - fourth, sum - before - step])
        });
        meta.create_gate("the first is public", |meta| {
            let first = meta.query_fixed(first, Rotation::cur());
            let large = meta.query_advice(large, Rotation::cur());
            let [one, other] =
                columns.instances.map(|column| meta.query_instance(column, Rotation::cur()));
            vec![first.clone() * (one - large), first * (other.clone() - other)]
        });
        meta.create_gate("the second instance column", |meta| {
            let first = meta.query_fixed(first, Rotation::cur());
            let [one, other] =
                columns.instances.map(|column| meta.query_instance(column, Rotation::cur()));
            let shifted = meta.query_instance(columns.instances[1], Rotation(2));
            vec![first * (one - other) * shifted]
        });
        meta.create_gate("the sum of instances", |meta| {
            let first = meta.query_fixed(first, Rotation::cur());
            let [one, other] =
                [1, 2].map(|at| meta.query_instance(columns.instances[1], Rotation(at)));
            let point = columns.gamma.expr() * Expression::Constant(Fr::from(3));
            vec![first * (columns.sum.expr() - one - other * point)]
        });
        if extra == Extra::Named as u8 {
            let named = [0; 2].map(|_| meta.fixed_column());
            meta.create_gate("the weights, and twice these", |meta| {
                let on = meta.query_fixed(on, Rotation::cur());
                let weight = meta.query_fixed(weight, Rotation::cur());
                let [one, two] = named.map(|column| meta.query_fixed(column, Rotation::cur()));
                let twice = weight.clone() + weight.clone();
                Constraints::with_selector(on, [one - weight, two - twice])
            });
        }
        let reach = match extra {
            extra if extra == Extra::ThreeRows as u8 => 1,
            extra if extra == Extra::FifteenRows as u8 => 7,
            _ => 0,
        };
        if reach > 0 {
            meta.create_gate("several rows", |meta| {
                let on = meta.query_fixed(on, Rotation::cur());
                let rows = (-reach..=reach).map(|at| meta.query_advice(byte, Rotation(at)));
                let nothing = rows.map(|row| row.clone() - row);
                vec![on * nothing.reduce(|sum, row| sum + row).expect("there are rows")]
            });
        }
        columns
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("it has parameters")
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let mut gamma = None;
        layouter.get_challenge(columns.gamma).map(|value| gamma = Some(value));
        layouter.assign_region(
            || "all",
            |mut region| {
                for (column, values) in columns.fixed.iter().zip(self.fixed()) {
                    for (row, value) in values.into_iter().enumerate() {
                        region.assign_fixed(*column, row, value);
                    }
                }
                if self.without_witness {
                    return Ok(());
                }
                for (column, values) in columns.advice.iter().zip(self.advice(gamma)) {
                    for (row, value) in values.into_iter().enumerate() {
                        region.assign_advice(*column, row, Value::known(value));
                    }
                }
                Ok(())
            },
        )
    }
}
