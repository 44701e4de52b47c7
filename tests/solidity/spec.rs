//! Shapes of circuits drawn from a seed: gates, rotations, phases, challenges, look-ups, copies, instance columns.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
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

    pub fn evaluate<T>(
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
    pub output: usize,
    pub tree: Tree,
    pub selector: SelectorKind,
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

/// Rows of the tables of small integers.
pub const TABLE_ROWS: u64 = 8;

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
