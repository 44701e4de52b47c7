//! Circuits drawn from a seed: gates, rotations, phases, challenges, look-ups, copies, instance columns.

use halo2_proofs::{
    circuit::{Layouter, Region, SimpleFloorPlanner, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Constraints, Error, Expression,
        FirstPhase, Fixed, Instance, SecondPhase, Selector, TableColumn, ThirdPhase,
    },
    poly::Rotation,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Advice(usize, i32),
    Fixed(usize, i32),
    Instance(usize, i32),
}

#[derive(Debug, Clone)]
pub enum Tree {
    Constant(u64),
    Cell(Cell),
    Challenge(usize),
    Negated(Box<Tree>),
    Scaled(Box<Tree>, u64),
    Sum(Box<Tree>, Box<Tree>),
    Product(Box<Tree>, Box<Tree>),
}

impl Tree {
    fn product(left: Self, right: Self) -> Self {
        Self::Product(Box::new(left), Box::new(right))
    }

    fn degree(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Challenge(_) => 0,
            Self::Cell(_) => 1,
            Self::Negated(a) | Self::Scaled(a, _) => a.degree(),
            Self::Sum(a, b) => a.degree().max(b.degree()),
            Self::Product(a, b) => a.degree() + b.degree(),
        }
    }

    fn evaluate<T>(
        &self,
        cell: &mut impl FnMut(Cell) -> T,
        challenge: &mut impl FnMut(usize) -> T,
        constant: &impl Fn(u64) -> T,
    ) -> T
    where
        T: std::ops::Add<Output = T> + std::ops::Mul<Output = T> + std::ops::Neg<Output = T>,
    {
        match self {
            Self::Constant(value) => constant(*value),
            Self::Cell(at) => cell(*at),
            Self::Challenge(index) => challenge(*index),
            Self::Negated(a) => -a.evaluate(cell, challenge, constant),
            Self::Scaled(a, factor) => a.evaluate(cell, challenge, constant) * constant(*factor),
            Self::Sum(a, b) => {
                a.evaluate(cell, challenge, constant) + b.evaluate(cell, challenge, constant)
            }
            Self::Product(a, b) => {
                a.evaluate(cell, challenge, constant) * b.evaluate(cell, challenge, constant)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectorKind {
    Simple,
    Complex,
    Fixed,
}

#[derive(Debug, Clone)]
pub struct Gate {
    output: usize,
    tree: Tree,
    selector: SelectorKind,
}

#[derive(Debug, Clone)]
pub enum LookupSpec {
    /// An advice column against a table of small integers.
    Table { input: usize, selected: bool },
    /// Advice columns against other advice columns.
    Any { inputs: Vec<usize>, tables: Vec<usize> },
}

/// The shape of a circuit.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    pub k: u32,
    pub seed: u64,
    pub instance_counts: Vec<usize>,
    pub compress_selectors: bool,
    /// The phase of each advice column.
    pub advice: Vec<u8>,
    pub challenges: Vec<u8>,
    pub num_fixed: usize,
    pub gates: Vec<Gate>,
    pub lookups: Vec<LookupSpec>,
    pub equality: Vec<Cell>,
    pub minimum_degree: Option<usize>,
}

const TABLE_ROWS: u64 = 8;

impl Spec {
    pub fn random(seed: u64) -> Self {
        let rng = &mut StdRng::seed_from_u64(seed);
        let mut spec = Self {
            k: rng.gen_range(5..=6),
            seed,
            compress_selectors: rng.r#gen(),
            num_fixed: rng.gen_range(1..=3),
            ..Self::default()
        };
        for _ in 0..[0, 1, 1, 2, 3].choose(rng).copied().unwrap_or(0) {
            spec.instance_counts.push(*[0, 1, 2, 3, 5, 9].choose(rng).unwrap());
        }
        let degree = *[3, 4, 5, 5, 5, 6, 7].choose(rng).unwrap();
        if degree > 5 {
            spec.minimum_degree = Some(degree);
        }

        // Columns that others look up, or that look up, come first and are not written by gates.
        if degree >= 4 {
            for _ in 0..rng.gen_range(0..=2) {
                if rng.r#gen() {
                    let input = spec.column(0);
                    let selected = degree >= 5 && rng.r#gen();
                    spec.lookups.push(LookupSpec::Table { input, selected });
                } else {
                    let width = rng.gen_range(1..=2);
                    let inputs = (0..width).map(|_| spec.column(0)).collect();
                    let tables = (0..width).map(|_| spec.column(0)).collect();
                    spec.lookups.push(LookupSpec::Any { inputs, tables });
                }
            }
        }

        // halo2-axiom 0.5.3 configures three phases, but its prover panics at the end of the third.
        let phases = rng.gen_range(1..=2);
        for phase in 0..phases {
            for _ in 0..rng.gen_range(1..=2) {
                spec.column(phase);
            }
            for _ in 0..rng.gen_range(u32::from(phase == 0)..=2) {
                let tree = if spec.gates.is_empty() {
                    // Of full degree, or the quotient's last piece would be zero and have no encoding.
                    spec.full(degree - 1, rng)
                } else {
                    let depth = rng.gen_range(1..=4);
                    spec.tree(depth, degree - 1, phase, rng)
                };
                let output = spec.column(phase);
                let selector = *[SelectorKind::Simple, SelectorKind::Complex, SelectorKind::Fixed]
                    .choose(rng)
                    .unwrap();
                spec.gates.push(Gate { output, tree, selector });
            }
            for _ in 0..rng.gen_range(0..=2) {
                spec.challenges.push(phase);
            }
        }

        if rng.gen_bool(0.7) {
            let advice: Vec<usize> = spec.free_columns();
            spec.equality.extend(
                advice.into_iter().take(rng.gen_range(1..=3)).map(|column| Cell::Advice(column, 0)),
            );
            if rng.r#gen() {
                spec.equality.push(Cell::Fixed(0, 0));
            }
            if !spec.instance_counts.is_empty() {
                spec.equality.push(Cell::Instance(0, 0));
            }
            spec.equality.shuffle(rng);
        }
        spec
    }

    fn column(&mut self, phase: u8) -> usize {
        self.advice.push(phase);
        self.advice.len() - 1
    }

    fn full(&self, degree: usize, rng: &mut StdRng) -> Tree {
        let factor = |rng: &mut StdRng| {
            let column = rng.gen_range(0..self.advice.len());
            Box::new(Tree::Cell(Cell::Advice(column, rng.gen_range(-1..=1))))
        };
        (1..degree).fold(*factor(rng), |tree, _| Tree::Product(Box::new(tree), factor(rng)))
    }

    fn tree(&self, depth: usize, degree: usize, phase: u8, rng: &mut StdRng) -> Tree {
        let leaf = |rng: &mut StdRng| {
            let usable: Vec<usize> =
                (0..self.challenges.len()).filter(|&i| self.challenges[i] < phase).collect();
            match rng.gen_range(0..8) {
                0 => Tree::Constant(*[0, 1, 2, 7, u64::MAX].choose(rng).unwrap()),
                1 | 2 if !usable.is_empty() => Tree::Challenge(*usable.choose(rng).unwrap()),
                _ if degree == 0 => Tree::Constant(rng.gen_range(0..100)),
                3 => {
                    Tree::Cell(Cell::Fixed(rng.gen_range(0..self.num_fixed), rng.gen_range(-1..=1)))
                }
                4 if !self.instance_counts.is_empty() => Tree::Cell(Cell::Instance(
                    rng.gen_range(0..self.instance_counts.len()),
                    rng.gen_range(-2..=2),
                )),
                _ => {
                    let rotation = *[-3, -1, -1, 0, 0, 0, 0, 1, 1, 2].choose(rng).unwrap();
                    Tree::Cell(Cell::Advice(rng.gen_range(0..self.advice.len()), rotation))
                }
            }
        };
        if depth == 0 {
            return leaf(rng);
        }
        match rng.gen_range(0..9) {
            0 => Tree::Negated(Box::new(self.tree(depth - 1, degree, phase, rng))),
            1 => Tree::Scaled(
                Box::new(self.tree(depth - 1, degree, phase, rng)),
                *[0, 1, 2, 256, u64::MAX].choose(rng).unwrap(),
            ),
            2..=4 => {
                let left = self.tree(depth - 1, degree, phase, rng);
                let right = self.tree(depth - 1, degree - left.degree().min(degree), phase, rng);
                Tree::Product(Box::new(left), Box::new(right))
            }
            5..=7 => {
                // Sometimes the same on both sides: shared subexpressions.
                let left = self.tree(depth - 1, degree, phase, rng);
                let right = if rng.gen_bool(0.2) {
                    left.clone()
                } else {
                    self.tree(depth - 1, degree, phase, rng)
                };
                let right = if rng.r#gen() { Tree::Negated(Box::new(right)) } else { right };
                Tree::Sum(Box::new(left), Box::new(right))
            }
            _ => leaf(rng),
        }
    }

    /// Columns of the first phase whose cells may hold anything.
    fn free_columns(&self) -> Vec<usize> {
        let taken = |column: usize| {
            self.gates.iter().any(|gate| gate.output == column)
                || self.lookups.iter().any(|lookup| match lookup {
                    LookupSpec::Table { input, .. } => *input == column,
                    LookupSpec::Any { inputs, tables } => {
                        inputs.contains(&column) || tables.contains(&column)
                    }
                })
        };
        (0..self.advice.len()).filter(|&i| self.advice[i] == 0 && !taken(i)).collect()
    }

    /// As circuits of models are: two phases, no copies, no look-ups of the backend, one instance column.
    pub fn model_like() -> Self {
        let rng = &mut StdRng::seed_from_u64(5);
        let mut spec =
            Self { k: 8, seed: 5, num_fixed: 6, instance_counts: vec![6], ..Self::default() };
        for (phase, columns) in [(0, 6), (1, 2)] {
            for _ in 0..columns {
                spec.column(phase);
            }
            for _ in 0..2 {
                let tree = if spec.gates.is_empty() {
                    spec.full(4, rng)
                } else {
                    spec.tree(6, 4, phase, rng)
                };
                // Every fixed column is used.
                let tree = (0..spec.num_fixed).fold(tree, |tree, i| {
                    let factors =
                        [Cell::Fixed(i, 0), Cell::Advice(i, 0)].map(|c| Box::new(Tree::Cell(c)));
                    let [fixed, advice] = factors;
                    Tree::Sum(Box::new(tree), Box::new(Tree::Product(fixed, advice)))
                });
                let output = spec.column(phase);
                spec.gates.push(Gate { output, tree, selector: SelectorKind::Fixed });
            }
            for _ in 0..if phase == 0 { 4 } else { 0 } {
                spec.challenges.push(phase);
            }
        }
        spec
    }

    /// As circuits of convolutions are: 30 advice and 29 fixed columns, 25 gates of full degree, powers of
    /// challenges.
    pub fn large() -> Self {
        let rng = &mut StdRng::seed_from_u64(6);
        let mut spec =
            Self { k: 8, seed: 6, num_fixed: 4, instance_counts: vec![30], ..Self::default() };
        for (phase, gates) in [(0, 10), (1, 15)] {
            for _ in 0..if phase == 0 { 4 } else { 1 } {
                spec.column(phase);
            }
            for i in 0..gates {
                let tree = if i == 0 { spec.full(4, rng) } else { spec.tree(6, 4, phase, rng) };
                // A few fixed columns, and sums of cells times powers of a challenge.
                let mut tree = (0..4).fold(tree, |tree, j| {
                    let fixed = Cell::Fixed((4 * i + j) % spec.num_fixed, 0);
                    let advice = Cell::Advice((i + j) % spec.advice.len(), 0);
                    let product = Tree::product(Tree::Cell(fixed), Tree::Cell(advice));
                    Tree::Sum(Box::new(tree), Box::new(product))
                });
                if phase == 1 {
                    for exponent in [1, 2, 3, 7, 8, 16, 31, 32, 63, 64].into_iter().skip(i % 4) {
                        let cell = Tree::Cell(Cell::Advice(exponent % spec.advice.len(), 0));
                        let power = (0..exponent)
                            .fold(cell, |tree, _| Tree::product(tree, Tree::Challenge(i % 2)));
                        tree = Tree::Sum(Box::new(tree), Box::new(power));
                    }
                }
                let output = spec.column(phase);
                spec.gates.push(Gate { output, tree, selector: SelectorKind::Fixed });
            }
            for _ in 0..if phase == 0 { 4 } else { 0 } {
                spec.challenges.push(phase);
            }
        }
        spec.equality = vec![Cell::Advice(0, 0), Cell::Advice(1, 0), Cell::Instance(0, 0)];
        spec
    }

    /// More fixed columns than a contract's own code can hold.
    pub fn wide(num_fixed: usize) -> Self {
        let rng = &mut StdRng::seed_from_u64(7);
        let mut spec =
            Self { k: 5, seed: 7, num_fixed, instance_counts: vec![2], ..Self::default() };
        spec.column(0);
        let tree = (0..num_fixed).fold(spec.full(3, rng), |tree, i| {
            Tree::Sum(Box::new(tree), Box::new(Tree::Cell(Cell::Fixed(i, 0))))
        });
        let output = spec.column(0);
        spec.gates.push(Gate { output, tree, selector: SelectorKind::Fixed });
        spec
    }

    /// A small gate that takes so many instances.
    pub fn with_inputs(k: u32, count: usize) -> Self {
        let mut spec = Self { k, instance_counts: vec![count], ..Self::wide(2) };
        for gate in &mut spec.gates {
            let instance = Box::new(Tree::Cell(Cell::Instance(0, 0)));
            gate.tree = Tree::Sum(Box::new(gate.tree.clone()), instance);
        }
        spec
    }

    /// The first shape from `seed` on that has everything: instances, phases, challenges, look-ups, copies.
    pub fn rich(seed: u64) -> Self {
        let has_everything = |spec: &Self| {
            let any = |lookup: &LookupSpec| matches!(lookup, LookupSpec::Any { .. });
            spec.instance_counts.iter().filter(|&&count| count > 1).count() > 1
                && spec.challenges.contains(&0)
                && spec.advice.contains(&1)
                && spec.lookups.iter().any(any)
                && !spec.lookups.iter().all(any)
                && spec.equality.len() > 3
        };
        (seed..).map(Self::random).find(has_everything).unwrap()
    }

    pub fn instances(&self, seed: u64) -> Vec<Vec<Fr>> {
        let rng = &mut StdRng::seed_from_u64(seed ^ 0x1257);
        let column = |&count: &usize| (0..count).map(|_| Fr::random(&mut *rng)).collect();
        self.instance_counts.iter().map(column).collect()
    }
}

#[derive(Debug, Clone)]
enum Enable {
    Selector(Selector),
    Fixed(Column<Fixed>),
}

#[derive(Debug, Clone)]
pub struct Config {
    advice: Vec<Column<Advice>>,
    fixed: Vec<Column<Fixed>>,
    instance: Vec<Column<Instance>>,
    challenges: Vec<Challenge>,
    enables: Vec<Enable>,
    tables: Vec<Option<(TableColumn, Selector)>>,
    usable_rows: usize,
}

/// A circuit of a random shape with a witness.
#[derive(Debug, Clone)]
pub struct RandomCircuit {
    pub spec: Spec,
    pub instances: Vec<Vec<Fr>>,
    pub witness_seed: u64,
}

impl RandomCircuit {
    pub fn new(spec: &Spec, witness_seed: u64) -> Self {
        Self { spec: spec.clone(), instances: spec.instances(witness_seed), witness_seed }
    }
}

impl Circuit<Fr> for RandomCircuit {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Spec;

    fn params(&self) -> Spec {
        self.spec.clone()
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Config {
        unreachable!("the shape is a parameter")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, spec: Spec) -> Config {
        let mut advice = vec![];
        let mut challenges = vec![];
        for phase in 0..3 {
            for _ in spec.advice.iter().filter(|&&p| p == phase) {
                advice.push(match phase {
                    0 => meta.advice_column_in(FirstPhase),
                    1 => meta.advice_column_in(SecondPhase),
                    _ => meta.advice_column_in(ThirdPhase),
                });
            }
            for _ in spec.challenges.iter().filter(|&&p| p == phase) {
                challenges.push(match phase {
                    0 => meta.challenge_usable_after(FirstPhase),
                    1 => meta.challenge_usable_after(SecondPhase),
                    _ => meta.challenge_usable_after(ThirdPhase),
                });
            }
        }
        let fixed: Vec<_> = (0..spec.num_fixed).map(|_| meta.fixed_column()).collect();
        let instance: Vec<_> =
            spec.instance_counts.iter().map(|_| meta.instance_column()).collect();
        if let Some(degree) = spec.minimum_degree {
            meta.set_minimum_degree(degree);
        }
        for cell in &spec.equality {
            match *cell {
                Cell::Advice(column, _) => meta.enable_equality(advice[column]),
                Cell::Fixed(column, _) => meta.enable_equality(fixed[column]),
                Cell::Instance(column, _) => meta.enable_equality(instance[column]),
            }
        }

        let mut enables = vec![];
        for (i, gate) in spec.gates.iter().enumerate() {
            let enable = match gate.selector {
                SelectorKind::Simple => Enable::Selector(meta.selector()),
                SelectorKind::Complex => Enable::Selector(meta.complex_selector()),
                SelectorKind::Fixed => Enable::Fixed(meta.fixed_column()),
            };
            enables.push(enable.clone());
            meta.create_gate(format!("gate {i}"), |meta| {
                let q = match enable {
                    Enable::Selector(selector) => meta.query_selector(selector),
                    Enable::Fixed(column) => meta.query_fixed(column, Rotation::cur()),
                };
                let output = meta.query_advice(advice[gate.output], Rotation::cur());
                let tree = gate.tree.evaluate(
                    &mut |cell| match cell {
                        Cell::Advice(column, at) => meta.query_advice(advice[column], Rotation(at)),
                        Cell::Fixed(column, at) => meta.query_fixed(fixed[column], Rotation(at)),
                        Cell::Instance(column, at) => {
                            meta.query_instance(instance[column], Rotation(at))
                        }
                    },
                    &mut |index| challenges[index].expr(),
                    &|value| Expression::Constant(Fr::from(value)),
                );
                Constraints::with_selector(q, [("the output is the tree's value", output - tree)])
            });
        }

        let mut tables = vec![];
        for (i, lookup) in spec.lookups.iter().enumerate() {
            let name = format!("look-up {i}");
            tables.push(match lookup {
                LookupSpec::Table { input, selected } => {
                    let (table, selector) = (meta.lookup_table_column(), meta.complex_selector());
                    meta.lookup(name, |meta| {
                        let input = meta.query_advice(advice[*input], Rotation::cur());
                        let q = meta.query_selector(selector);
                        vec![(if *selected { q * input } else { input }, table)]
                    });
                    Some((table, selector))
                }
                LookupSpec::Any { inputs, tables } => {
                    meta.lookup_any(name, |meta| {
                        let columns = inputs.iter().zip(tables);
                        columns
                            .map(|(&input, &table)| {
                                (
                                    meta.query_advice(advice[input], Rotation::cur()),
                                    meta.query_advice(advice[table], Rotation::cur()),
                                )
                            })
                            .collect()
                    });
                    None
                }
            });
        }
        let usable_rows = (1 << spec.k) - (meta.blinding_factors() + 1);
        Config { advice, fixed, instance, challenges, enables, tables, usable_rows }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        for (table, _) in config.tables.iter().flatten() {
            layouter.assign_table(
                || "small integers",
                |mut cells| {
                    (0..TABLE_ROWS).try_for_each(|i| {
                        let value = || Value::known(Fr::from(i));
                        cells.assign_cell(|| "integer", *table, i as usize, value)
                    })
                },
            )?;
        }
        let copies = layouter.assign_region(|| "all", |region| self.assign(&config, region))?;
        for (cell, column, row) in copies {
            layouter.constrain_instance(cell, config.instance[column], row);
        }
        Ok(())
    }
}

type InstanceCopy = (halo2_proofs::circuit::Cell, usize, usize);

impl RandomCircuit {
    fn assign(
        &self,
        config: &Config,
        mut region: Region<'_, Fr>,
    ) -> Result<Vec<InstanceCopy>, Error> {
        let spec = &self.spec;
        let rows = config.usable_rows;
        // The shape's fixed values come from the shape, the witness from its own seed.
        let shape_rng = &mut StdRng::seed_from_u64(spec.seed ^ 0xf1);
        let fixed: Vec<Vec<Fr>> = (0..spec.num_fixed)
            .map(|_| (0..rows).map(|_| Fr::random(&mut *shape_rng)).collect())
            .collect();
        let mut fixed_cells = vec![];
        for (column, values) in config.fixed.iter().zip(&fixed) {
            let cells: Vec<_> = values
                .iter()
                .enumerate()
                .map(|(row, &v)| region.assign_fixed(*column, row, v))
                .collect();
            fixed_cells.push(cells);
        }

        let rng = &mut StdRng::seed_from_u64(self.witness_seed);
        let mut advice: Vec<Vec<Value<Fr>>> = spec
            .advice
            .iter()
            .map(|_| (0..rows).map(|_| Value::known(Fr::random(&mut *rng))).collect())
            .collect();
        for (lookup, table) in spec.lookups.iter().zip(&config.tables) {
            match lookup {
                LookupSpec::Table { input, .. } => {
                    for (row, cell) in advice[*input].iter_mut().enumerate() {
                        *cell = Value::known(Fr::from(rng.gen_range(0..TABLE_ROWS)));
                        if let Some((_, selector)) = table.filter(|_| row % 3 != 2) {
                            selector.enable(&mut region, row)?;
                        }
                    }
                }
                LookupSpec::Any { inputs, tables } =>
                {
                    #[allow(clippy::needless_range_loop, reason = "several columns are indexed")]
                    for row in 0..rows {
                        let from = rng.gen_range(0..rows);
                        for (&input, &table) in inputs.iter().zip(tables) {
                            advice[input][row] = advice[table][from];
                        }
                    }
                }
            }
        }

        // Copies, each cell in at most one: from a fixed, instance or advice cell to a free advice cell.
        let free: Vec<usize> = spec
            .equality
            .iter()
            .filter_map(
                |cell| if let Cell::Advice(column, _) = cell { Some(*column) } else { None },
            )
            .collect();
        let mut copies = vec![];
        for (i, &source) in spec.equality.iter().enumerate() {
            let Some(&target) = free.get(i % free.len().max(1)) else { break };
            let (from, to) = (2 * i, 2 * i + 1 + rows / 2);
            if to >= rows {
                break;
            }
            advice[target][to] = match source {
                Cell::Advice(column, _) => advice[column][from],
                Cell::Fixed(column, _) => Value::known(fixed[column][from]),
                Cell::Instance(column, _) => match self.instances[column].get(from) {
                    Some(&value) => Value::known(value),
                    None => continue,
                },
            };
            copies.push((source, from, target, to));
        }

        // Every fourth gate is enabled in the same rows: those selectors have one commitment.
        for (i, enable) in config.enables.iter().enumerate() {
            for row in 3 + i % 4..rows - 3 {
                match enable {
                    Enable::Selector(selector) => selector.enable(&mut region, row)?,
                    Enable::Fixed(column) => {
                        region.assign_fixed(*column, row, Fr::ONE);
                    }
                }
            }
        }

        let mut cells = vec![vec![]; spec.advice.len()];
        let mut phase = 0;
        for column in 0..spec.advice.len() {
            while phase < spec.advice[column] {
                region.next_phase();
                phase += 1;
            }
            if let Some(gate) = spec.gates.iter().find(|gate| gate.output == column) {
                for row in 3..rows - 3 {
                    let at = |rotation: i32| (row as i32 + rotation) as usize;
                    advice[column][row] = gate.tree.evaluate(
                        &mut |cell| match cell {
                            Cell::Advice(column, rotation) => advice[column][at(rotation)],
                            Cell::Fixed(column, rotation) => {
                                Value::known(fixed[column][at(rotation)])
                            }
                            Cell::Instance(column, rotation) => {
                                let value = self.instances[column].get(at(rotation));
                                Value::known(value.copied().unwrap_or(Fr::ZERO))
                            }
                        },
                        &mut |index| region.get_challenge(config.challenges[index]),
                        &|value| Value::known(Fr::from(value)),
                    );
                }
            }
            for (row, &value) in advice[column].iter().enumerate() {
                let cell = region.assign_advice(config.advice[column], row, value);
                cells[column].push(cell.cell());
            }
        }

        let mut instance_copies = vec![];
        for (source, from, target, to) in copies {
            let target = cells[target][to];
            match source {
                Cell::Advice(column, _) => region.constrain_equal(cells[column][from], target),
                Cell::Fixed(column, _) => region.constrain_equal(fixed_cells[column][from], target),
                Cell::Instance(column, _) => instance_copies.push((target, column, from)),
            }
        }
        Ok(instance_copies)
    }
}
