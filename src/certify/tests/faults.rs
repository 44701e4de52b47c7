//! Faults in fixed columns, planted one at a time, are all seen.

use super::{Case, alike::Computed, number};
use crate::certify::{
    rows::Rows,
    shape::{Flag, Place, Places, Shape},
    source::{Columns, integer},
};
use crate::circuit::tests::{
    abreast, average, claims, committed, limbs, models, ports, random::Random, vectors,
};
use crate::circuit::{Goal, ModelCircuit, Plans, Wishes};
use crate::model::{Model, TensorId, Visibility};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::Circuit};
use std::collections::BTreeMap;

const KINDS: [&str; 14] = [
    "weight",
    "offset",
    "scale",
    "constant of a copy",
    "byte of the table",
    "interval of the table",
    "coefficient that goes on",
    "value that is not taken",
    "flag that is off",
    "flag that is on",
    "packing factor",
    "end of a word",
    "move",
    "index",
];

/// What there is for hashes and committed weights alone.
const HIDDEN_KINDS: [&str; 4] =
    ["constant of an S-box", "flag of a hash", "scale of weights", "table of weights"];

/// What may leave every row's function as it is, as the line through its steps has room beside it.
const MAY_HAVE_ROOM: [&str; 2] = ["weight", "offset"];

/// A cell of the fixed columns, and what it becomes.
type Fault = (usize, usize, Fr);

/// Plants faults in a circuit.
struct Planter<'a> {
    case: &'a Case,
    shape: &'a Shape,
    places: &'a Places,
    /// Rows of the table that some input reads.
    read: Vec<usize>,
    random: Random,
}

impl Planter<'_> {
    fn cell(&self, place: Place, row: usize) -> (usize, usize) {
        (place.column, self.shape.fold * row + place.offset)
    }

    fn value(&self, place: Place, row: usize) -> Fr {
        let (column, row) = self.cell(place, row);
        self.case.fixed[column][row]
    }

    fn weighs(&self, row: usize) -> bool {
        self.value(self.places.weighs, row) == Fr::one()
    }

    fn is(&self, row: usize, flag: Flag) -> bool {
        let place = self.places.flag(flag);
        !self.weighs(row) && place.is_some_and(|place| self.value(place, row) == Fr::one())
    }

    /// A row of which something holds.
    fn row(&mut self, holds: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let rows: Vec<usize> =
            (1..=self.shape.table_rows).filter(|&row| holds(self, row)).collect();
        (!rows.is_empty()).then(|| rows[self.random.below(rows.len())])
    }

    fn makes(&self, row: usize) -> bool {
        [Flag::Divides, Flag::Intervals, Flag::Multiplies, Flag::MultipliesIn]
            .into_iter()
            .any(|flag| self.is(row, flag))
    }

    fn set(&self, place: Place, row: usize, value: Fr) -> Fault {
        let (column, row) = self.cell(place, row);
        (column, row, value)
    }

    fn raise(&self, place: Place, row: usize, by: u64) -> Fault {
        self.set(place, row, self.value(place, row) + Fr::from(by))
    }

    fn plant(&mut self, kind: &str) -> Option<Fault> {
        let places = self.places;
        Some(match kind {
            "weight" => {
                let row = self.row(|this, row| this.weighs(row))?;
                let lanes = places.lanes.iter().copied();
                let used: Vec<Place> =
                    lanes.filter(|&lane| self.value(lane, row) != Fr::zero()).collect();
                // Those that are committed are no cells of the key.
                let lane = *used.get(self.random.below(used.len().max(1)))?;
                self.raise(lane, row, 1)
            }
            "offset" => {
                let row = self.row(|this, row| this.makes(row))?;
                self.raise(places.lanes[0], row, 1)
            }
            "scale" => {
                let divides = |this: &Self, row: usize| this.is(row, Flag::Divides);
                let row = self.row(divides)?;
                self.set(places.lanes[1], row, self.value(places.lanes[1], row).double())
            }
            "constant of a copy" => {
                // Copies at the border that nobody asked for do nothing else.
                let is_used = |this: &Self, row: usize| {
                    this.is(row, Flag::Reads)
                        && places
                            .flags
                            .iter()
                            .any(|&(flag, _)| flag != Flag::Reads && this.is(row, flag))
                };
                let row = self.row(is_used)?;
                self.raise(places.lanes[1], row, 1)
            }
            "byte of the table" => {
                let read = *self.read.get(self.random.below(self.read.len().max(1)))?;
                let by = 1 + self.random.below(3) as u64;
                self.raise(places.table, read + 1, by)
            }
            "interval of the table" => {
                let starts = places.starts_table?;
                let makes = |this: &Self, read: usize| this.value(starts, read + 1) != Fr::zero();
                let used: Vec<usize> =
                    self.read.iter().copied().filter(|&read| makes(self, read)).collect();
                let read = *used.get(self.random.below(used.len().max(1)))?;
                self.raise(starts, read + 1, 1)
            }
            "coefficient that goes on" => {
                let row = self.row(|this, row| this.value(places.starts, row) == Fr::one())?;
                self.set(places.starts, row, Fr::zero())
            }
            "value that is not taken" => {
                let takes = |this: &Self, row: usize| {
                    this.is(row, Flag::Takes) || this.is(row, Flag::TakesWide)
                };
                let row = self.row(takes)?;
                let flag = if self.is(row, Flag::Takes) { Flag::Takes } else { Flag::TakesWide };
                self.set(places.flag(flag)?, row, Fr::zero())
            }
            "flag that is off" => {
                let row =
                    self.row(|this, row| places.flags.iter().any(|&(flag, _)| this.is(row, flag)))?;
                let on: Vec<Place> = (places.flags.iter())
                    .filter(|&&(flag, _)| self.is(row, flag))
                    .map(|&(_, place)| place)
                    .collect();
                let on = on[self.random.below(on.len())];
                self.set(on, row, Fr::zero())
            }
            "flag that is on" => {
                let row = self.row(|this, row| !this.weighs(row))?;
                let off: Vec<Place> = (places.flags.iter())
                    .filter(|&&(flag, _)| !self.is(row, flag))
                    .map(|&(_, place)| place)
                    .collect();
                let off = off[self.random.below(off.len())];
                self.set(off, row, Fr::one())
            }
            "packing factor" => {
                let rows: Vec<usize> =
                    (1..=self.shape.table_rows).filter(|&row| self.is(row, Flag::Packs)).collect();
                // Nothing is packed after the last one.
                let row = rows[self.random.below(rows.len().checked_sub(1).filter(|&n| n > 0)?)];
                self.set(places.lanes[2], row, self.value(places.lanes[2], row) * Fr::from(256))
            }
            "end of a word" => {
                let rows: Vec<usize> =
                    (1..=self.shape.table_rows).filter(|&row| self.is(row, Flag::Packs)).collect();
                let row = rows[self.random.below(rows.len().checked_sub(1).filter(|&n| n > 0)?)];
                let ends = places.flag(Flag::EndsWord)?;
                self.set(ends, row, Fr::one() - self.value(ends, row))
            }
            "move" => {
                let cursor = self.random.below(3);
                let columns = &places.moves[cursor];
                let column = *columns.get(self.random.below(columns.len().max(1)))?;
                let row = self.row(|this, row| {
                    (cursor == 0 || !this.weighs(row)) && this.value(column, row) != Fr::zero()
                })?;
                let choice = self.random.below(3) as u64;
                let choice = Fr::from(choice);
                let other = if choice == self.value(column, row) { Fr::from(3) } else { choice };
                self.set(column, row, other)
            }
            "constant of an S-box" => {
                let constant = places.hashes.as_ref()?.constant;
                let row = self.row(|this, row| this.value(constant, row) != Fr::zero())?;
                self.raise(constant, row, 1)
            }
            "flag of a hash" => {
                let flags: Vec<Place> = places.hashes.as_ref()?.flags().collect();
                let flag = flags[self.random.below(flags.len())];
                let row = self.row(|_, _| true)?;
                self.set(flag, row, Fr::one() - self.value(flag, row))
            }
            "scale of weights" => {
                let scale = places.weights.as_ref()?.scale;
                let row = self.row(|this, row| this.value(scale, row) != Fr::zero())?;
                self.raise(scale, row, 1)
            }
            "table of weights" => {
                let table = places.weights.as_ref()?.table;
                let row = self.row(|this, row| this.value(table, row) != Fr::zero())?;
                self.raise(table, row, 1)
            }
            _ => {
                let row = self.row(|_, _| true)?;
                self.raise(places.index, row, 1)
            }
        })
    }
}

/// What a fault must change to be one: where nothing refers to, any cell may hold anything.
fn shares(case: &Case, shape: &Shape, places: &Places) -> Option<(usize, usize, Vec<Option<u32>>)> {
    let usable = case.fixed[0].len() - case.system.blinding_factors() - 1;
    let rows = Rows::read(shape, places, &case.fixed, &case.lanes, usable).ok()?;
    Some((rows.contributions, rows.at.len(), rows.made.clone()))
}

/// Whether every row computes the same with a fault as without.
fn is_alike(case: &mut Case, shape: &Shape, places: &Places, (column, row, to): Fault) -> bool {
    let honest = case.fixed.clone();
    case.fixed[column][row] = to;
    let faulty = Computed::read(case, &case.fixed, shape, places);
    let own = Computed::read(case, &honest, shape, places);
    let is_alike = own.zip(faulty).is_some_and(|(own, faulty)| {
        own.ranges(case, shape).is_some_and(|ranges| own.is_alike(&faulty, &ranges))
    });
    case.fixed = honest;
    is_alike
}

/// What is alike is what the certificate accepts: in each way that a weight or an offset of claims is one more or less, and where it is
/// so much more that a comparison is another one.
#[test]
fn faults_that_change_no_function_are_told_from_others() {
    let model = claims::model();
    let claims = ["y[2]=threshold", "y=bucket:2", "class=equal"];
    let layout = claims::layout(&model, &claims, false);
    let plans = Plans::for_instances(&model, layout, Wishes::default()).expect("plans");
    let mut case = Case::of(&model, plans.circuit(Goal::Speed));
    let shape = Shape::read(&case.circuit.shape()).expect("a shape");
    let places = Places::new(&shape).expect("a shape of the planner");
    let planter =
        Planter { case: &case, shape: &shape, places: &places, read: vec![], random: Random(0) };
    let lane = places.lanes[0];
    // The last rows are those of claims.
    let has_lane = |&row: &usize| {
        (planter.weighs(row) || planter.makes(row)) && planter.value(lane, row) != Fr::zero()
    };
    let rows = (1..=shape.table_rows).rev().filter(has_lane);
    let tried: Vec<(usize, usize)> = rows.take(60).map(|row| planter.cell(lane, row)).collect();
    let (mut alike, mut others) = (0, 0);
    for (column, row) in tried {
        for by in [Fr::one(), -Fr::one(), Fr::from(1 << 40)] {
            let to = case.fixed[column][row] + by;
            let honest = std::mem::replace(&mut case.fixed[column][row], to);
            let seen = case.check(&model).is_err();
            case.fixed[column][row] = honest;
            let is_alike = is_alike(&mut case, &shape, &places, (column, row, to));
            assert_eq!(seen, !is_alike, "column {column}, row {row}: {by:?}");
            alike += usize::from(is_alike);
            others += usize::from(!is_alike);
        }
    }
    assert!(alike > 0 && others > 0, "{alike} and {others}");
}

/// Rows of the table that witnesses of a few inputs read to make a byte.
fn read(model: &Model, circuit: &ModelCircuit, case: &Case, places: &Places) -> Vec<usize> {
    let shape = Shape::read(&circuit.shape()).expect("a shape");
    let (model, _) = case.layout.proved(model).expect("a planned layout");
    let tensors = || model.inputs.iter().map(|port| &model.graph.tensors[port.tensor.0]);
    let mut read = Vec::new();
    for seed in 0..4_i32 {
        let input: Vec<i32> = tensors()
            .flat_map(|tensor| {
                let (low, _) = tensor.quantization.element.range();
                (0..i32::try_from(tensor.len()).expect("small"))
                    .map(move |i| low + (i * 37 + seed * (91 + 3 * i)) % 256)
            })
            .collect();
        let blindings = vec![Fr::one(); shape.hashes.len()];
        let contexts = vec![Fr::zero(); circuit.layout().inferences];
        let witness = circuit.witness_with(&model, &input, &blindings, contexts);
        let circuit = circuit.with_witness(witness.expect("an input of the model"));
        let columns = Columns::synthesize(&circuit, circuit.k(), circuit.params());
        let advice = columns.expect("it has a witness").0.advice;
        let planter = Planter { case, shape: &shape, places, read: Vec::new(), random: Random(0) };
        for row in (1..=shape.table_rows).filter(|&row| planter.makes(row)) {
            let (column, at) = planter.cell(places.table_row, row);
            let value = advice[column].get(at).and_then(|&value| integer(value));
            read.extend(value.and_then(|value| usize::try_from(value).ok()));
        }
    }
    read.sort_unstable();
    read.dedup();
    read
}

fn products() -> Model {
    let mut builder = models::Builder::new(7, &[5]);
    let table = builder.table(TensorId(0));
    builder.mul(&[TensorId(0), table], 0.013);
    builder.model()
}

#[test]
fn planted_faults_are_seen() {
    let (count, seed) = (number("CERTIFY_FAULTS", 200), number("CERTIFY_SEED", 77));
    let named = |wanted: &str| {
        models::all()
            .into_iter()
            .find(|(name, _)| *name == wanted)
            .unwrap_or_else(|| panic!("{wanted}"))
    };
    let mut subjects = vec![
        named("conv"),
        named("views"),
        named("conv, pool, flatten, dense"),
        // None of its products is dead, as one with 0 would be.
        ("products of elements", products()),
        named("two matrix products at once"),
        ("softmax", vectors::softmax_of((2, 5, 0.05), 255)),
        ("normalization", vectors::normalization(2, 6, 40)),
        ("argmax", vectors::arg_max([2, 6, 1], false)),
    ];
    subjects.push(("rounded pool", average::cases()[0].model()));
    subjects.push(("claims", claims::model()));
    let abreast = abreast::circuits();
    let first_abreast = subjects.len();
    subjects.extend(abreast.iter().map(|(model, _)| ("abreast", model.clone())));
    subjects.push(("hashed", ports::model()));
    subjects.push(("architecture", committed::several()));
    subjects.push(("two integers of a sum", limbs::model(64)));
    let each = count.div_ceil(subjects.len() as u64);
    let (mut planted, mut missed) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for (subject, (name, model)) in subjects.iter().enumerate() {
        let (goal, private_input) =
            (if subject % 2 == 0 { Goal::Speed } else { Goal::Gas }, subject % 3 == 1);
        let wishes = Wishes { goal, private_input, ..Wishes::default() };
        let mut case = match *name {
            "claims" => {
                let claims = ["y[2]=threshold", "y=bucket:2", "class=equal"];
                let layout = claims::layout(model, &claims, private_input);
                let plans = Plans::for_instances(model, layout, wishes).expect("plans");
                Case::of(model, plans.circuit(goal))
            }
            "hashed" => Case::told(model, &[Visibility::Hashed, Visibility::Public]),
            "architecture" => Case::of(model, committed::circuit(model)),
            "abreast" => Case::of(model, abreast[subject - first_abreast].1.clone()),
            _ => Case::new(model, wishes).expect("it has a circuit"),
        };
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let places = Places::new(&shape).expect("a shape of the planner");
        case.check(model).unwrap_or_else(|why| panic!("{name}: {why}"));
        let honest = shares(&case, &shape, &places);
        let read = read(model, &case.circuit, &case, &places);
        let mut random = Random(seed + subject as u64);
        let kinds = match *name {
            "hashed" | "architecture" => &HIDDEN_KINDS[..],
            _ => &KINDS,
        };
        let (mut number, mut tried) = (0, 0);
        while number < each && tried < 100 * each {
            tried += 1;
            let kind = kinds[random.below(kinds.len())];
            let mut planter =
                Planter { case: &case, shape: &shape, places: &places, read: read.clone(), random };
            let fault = planter.plant(kind);
            random = planter.random;
            let Some((column, row, value)) = fault else { continue };
            let honest_cell = std::mem::replace(&mut case.fixed[column][row], value);
            let seen = case.check(model).is_err();
            // Flags and moves that change nothing of what is made and contributed are no faults, nor is what changes no
            // row's function.
            let idle = [
                "coefficient that goes on",
                "value that is not taken",
                "flag that is on",
                "flag that is off",
            ];
            let may_be = !idle.contains(&kind) || shares(&case, &shape, &places) != honest;
            let fault = std::mem::replace(&mut case.fixed[column][row], honest_cell);
            let is_fault = seen
                || may_be
                    && !(MAY_HAVE_ROOM.contains(&kind)
                        && is_alike(&mut case, &shape, &places, (column, row, fault)));
            if is_fault {
                number += 1;
                *planted.entry(kind).or_default() += 1;
            }
            if is_fault && !seen {
                missed.push(format!("{name}: {kind}, column {column}, row {row}"));
            }
        }
    }
    assert!(missed.is_empty(), "{} of {planted:?}: {missed:#?}", missed.len());
    let total: usize = planted.values().sum();
    assert!(total as u64 >= count, "{planted:?}");
    eprintln!("{total} faults were planted and seen: {planted:?}");
}

/// The flags of values abreast have columns of their own: a row of several that has one, one that has several, places at another
/// distance, on rows of other content, and behind the table.
#[test]
fn faults_in_values_abreast_are_seen() {
    for (model, circuit) in abreast::circuits() {
        let mut case = Case::of(&model, circuit);
        case.check(&model).expect("it is a model's");
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let places = Places::new(&shape).expect("a shape of the planner");
        let [holds, border] = [Flag::Holds, Flag::Border].map(|flag| places.flag(flag));
        let border = border.filter(|_| shape.members > 1);
        let mut random = Random(9);
        for column in places.several.iter().flatten().map(|place| place.column) {
            let rows = case.fixed[column].len();
            let mut tried: Vec<usize> =
                (1..rows).filter(|&row| case.fixed[column][row] == Fr::one()).step_by(3).collect();
            assert!(!tried.is_empty());
            tried.extend([0, shape.table_rows + 1, rows - 1]);
            tried.extend((0..20).map(|_| random.below(shape.table_rows)));
            for row in tried {
                for value in [Fr::zero(), Fr::one(), Fr::from(2)] {
                    let honest = std::mem::replace(&mut case.fixed[column][row], value);
                    let seen = case.check(&model).is_err();
                    case.fixed[column][row] = honest;
                    // Nothing refers to what is held beside a value that stands alone, and nothing is contributed to places
                    // beside border cells that no other row makes.
                    let is_on = |place: Place| case.fixed[place.column][row] == Fr::one();
                    let is_idle =
                        honest == Fr::zero() && [holds, border].into_iter().flatten().any(is_on);
                    assert!(seen || value == honest || is_idle, "{value:?} on row {row}");
                    assert!(!seen || value != honest, "{value:?} on row {row}");
                }
            }
        }
        // More values than there are columns for, or fewer.
        for abreast in [1, shape.abreast - 1, shape.abreast + 1, 64] {
            let subject = case.subject(Shape { abreast, ..shape.clone() });
            assert!(subject.check(&model).is_err(), "{abreast} for {}", shape.abreast);
        }
        // Another number of members beside each other, where anything says how far apart they are.
        for members in [0, 1, 2, shape.members + 1, 9] {
            let other = Shape { members, ..shape.clone() };
            let is_same = (1..=8).contains(&members)
                && (!shape.apart || other.apart_by() == shape.apart_by())
                && (!shape.border_cells || (members > 1) == (shape.members > 1));
            assert_eq!(case.subject(other).check(&model).is_ok(), is_same, "{members}");
        }
    }
}

/// Rows of links have a column of their own: a word more, a word less, one elsewhere, and on rows of other content.
#[test]
fn faults_in_the_rows_of_links_are_seen() {
    use Visibility::{Committed, Public};
    let model = ports::model();
    for told in [[Public, Committed], [Committed, Committed]] {
        let mut case = Case::told(&model, &told);
        case.check(&model).expect("it is a model's");
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let places = Places::new(&shape).expect("a shape of the planner");
        let mut random = Random(5);
        for &[_, _, rows] in &places.links {
            let column = rows.column;
            let own = |row: &usize| case.fixed[column][*row] == Fr::one();
            let mut tried: Vec<usize> = (1..=shape.table_rows).filter(own).collect();
            assert!(!tried.is_empty());
            // Not the row before the table: no gate looks there.
            tried.extend([1, 1 + random.below(shape.table_rows), shape.table_rows]);
            for row in tried {
                for value in [Fr::zero(), Fr::one(), Fr::from(2)] {
                    let honest = std::mem::replace(&mut case.fixed[column][row], value);
                    let seen = case.check(&model).is_err();
                    case.fixed[column][row] = honest;
                    assert_eq!(seen, value != honest, "{told:?}: {value:?} on row {row}");
                }
            }
        }
        // Links of other lengths, or none.
        let honest = case.circuit.shape().links.clone();
        for links in [vec![], vec![honest[0] + 1], [honest.clone(), vec![1]].concat()] {
            let subject = case.subject(Shape { links: links.clone(), ..shape.clone() });
            assert!(subject.check(&model).is_err(), "{links:?} for {honest:?}");
        }
    }
}
