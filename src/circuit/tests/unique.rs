//! What the statement fixes leaves a prover no choice: each accumulator in its range has one row of the table that
//! gates allow, with the reference's byte, and all that is contributed is taken once.
//!
//! These are claims about fixed columns, so they are checked by going through them: accumulators at both ends of
//! every range and around every step, against every row of the table and every mixture of its parts.

use super::{
    average, circuit,
    models::{self, Builder},
};
use crate::circuit::columns::Constant;
use crate::circuit::shape::{Flag, SEVERAL};
use crate::circuit::{
    Goal, ModelCircuit, Wishes,
    layout::{
        moves::{OUTPUT, POSITION},
        rows::Content,
    },
    table::binades::{LIFT, MARK, QUOTIENTS},
    table::fits::FittedRule,
    table::intervals::{Interval, LENGTH_FACTOR},
    table::rules::{Levels, Rule},
    wiring::{Cell, Kind, MOST_BORDER_CELLS, Net, Place},
};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;
use std::collections::{HashMap, HashSet};

/// The least accumulator of each level, with the level.
type Rises = [(i128, i128)];

/// A monotone rule by its range and where it rises; none for others, whose tables have all their accumulators.
fn monotone<'a>(net: &'a Net, rule: &'a Rule) -> Option<((i128, i128), &'a Rises)> {
    match &rule.levels {
        Levels::Steps(monotone) => {
            let range = (i128::from(rule.range.0), i128::from(rule.range.1));
            Some((range, monotone.steps.rises()))
        }
        Levels::Rises(_) | Levels::Sum(_) => {
            let function = &net.functions[rule.function()?.0 as usize];
            Some((function.range, &function.rises))
        }
        Levels::Table(_) => None,
    }
}

/// Accumulators where a read could go wrong: the range's ends and middle, and around each rise.
fn probes((low, high): (i128, i128), rises: &Rises) -> Vec<i128> {
    let around = rises.iter().flat_map(|&(acc, _)| [acc - 1, acc]);
    let all = [low, high, (low + high) / 2].into_iter().chain(around);
    all.filter(|acc| (low..=high).contains(acc)).collect()
}

/// What the reference makes of an accumulator.
fn value(rule: &Rule, rises: &Rises, acc: i128) -> u32 {
    let level = rises.iter().rev().find(|&&(from, _)| from <= acc);
    rule.value(level.map_or(rule.activation.min.into(), |&(_, level)| level))
}

/// The table's rows of intervals. Those without one are alike: the first of them stands for all.
fn entries(circuit: &ModelCircuit) -> Vec<(usize, Interval)> {
    let entries = circuit.plan().fitted.intervals.iter().flatten();
    let mut had_none = false;
    let mut is_new = |entry: &Interval| entry.length > 0 || !std::mem::replace(&mut had_none, true);
    entries.copied().enumerate().filter(|(_, entry)| is_new(entry)).collect()
}

/// All rows of the table that an interval's gates allow at a position, with the mixture of parts: start + 2^40·m
/// and length − m. With float32 sums the parts are read apart from each other.
fn readings(
    circuit: &ModelCircuit,
    entries: &[(usize, Interval)],
    position: i128,
) -> Vec<(usize, i128)> {
    let shape = &circuit.plan().shape;
    let factor = i128::from(LENGTH_FACTOR);
    let pairs = 0..shape.base() * shape.base();
    let mut found = Vec::new();
    for &(row, entry) in entries {
        // The least mixture that leaves a start within N² of the position, and some beside it.
        let least = (position - pairs.end + 1 - entry.start).div_euclid(factor) - 1;
        let mixtures = if shape.averages { 0..=0 } else { least..=least + 4 };
        for mixture in mixtures {
            let z = position - (entry.start + factor * mixture);
            let rest = entry.length - mixture - 1 - z;
            if pairs.contains(&z) && pairs.contains(&rest) {
                found.push((row, mixture));
            }
        }
    }
    found
}

fn assert_bytes_have_one_row(circuit: &ModelCircuit, name: &str) {
    let fitted = &circuit.plan().fitted;
    let entries = entries(circuit);
    for (rule, own) in circuit.compiled.net.rules.iter().zip(&fitted.rules) {
        let Some((range, rises)) = monotone(&circuit.compiled.net, rule) else { continue };
        for acc in probes(range, rises) {
            let row = match *own {
                FittedRule::Intervals { constant, .. } => {
                    let found = readings(circuit, &entries, acc + constant);
                    assert!(matches!(found[..], [(_, 0)]), "{name}: {acc} is read at {found:?}");
                    found[0].0
                }
                // All pairs were gone through when it was found.
                FittedRule::Line { .. } if matches!(rule.levels, Levels::Sum(_)) => continue,
                FittedRule::Line { slope, constant, .. } => {
                    let u = (slope * acc + constant).div_euclid(fitted.divisor());
                    usize::try_from(u).expect("regions begin at the least level")
                }
            };
            assert_eq!(fitted.table[row], value(rule, rises, acc), "{name}: {acc} in {range:?}");
        }
    }
}

/// The rows of the table whose progressions have a sum.
fn progressions(entries: &[(usize, Interval)], sum: i128) -> Vec<usize> {
    let has = |entry: &Interval| {
        let rest = MARK + sum - entry.start;
        match entry.length {
            0 => rest == 0,
            stride => {
                rest.rem_euclid(stride) == 0 && (0..QUOTIENTS).contains(&rest.div_euclid(stride))
            }
        }
    };
    entries.iter().filter(|(_, entry)| has(entry)).map(|&(row, _)| row).collect()
}

fn assert_sums_have_one_row(circuit: &ModelCircuit, name: &str) {
    let Some((low, high)) = circuit.compiled.net.float_sums else { return };
    let entries = entries(circuit);
    let near = |bit: i128| (-3..=3).flat_map(move |by| [bit + by, -bit + by]);
    let sums = [low, high].into_iter().chain((0..48).flat_map(|bit| near(1 << bit)));
    for sum in sums.filter(|sum| (low..=high).contains(sum)) {
        let found = progressions(&entries, sum);
        assert_eq!(found.len(), 1, "{name}: {sum} is read at {found:?}");
        let rounded = sum + i128::from(circuit.plan().fitted.table[found[0]]) - LIFT;
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let expected = sum as f32 as i128;
        assert_eq!(rounded, expected, "{name}: {sum}");
    }
}

/// Whatever is taken off in digits stands alone at its place, each digit once; all else that is made, too; and all
/// places that anything is contributed to are made.
fn assert_contributions_are_taken(circuit: &ModelCircuit, name: &str) {
    let net = &circuit.compiled.net;
    let mut digits: HashMap<Place, Vec<(u32, i128)>> = HashMap::new();
    let mut made: HashSet<Place> = HashSet::new();
    for cell in net.blocks.iter().flat_map(|block| &block.cells) {
        match (cell.kind, cell.place) {
            (Kind::Natural { digit, bias, .. }, Some(place)) => {
                let digits = digits.entry(place).or_default();
                assert!(digits.iter().all(|&(other, own)| other != digit && own == bias), "{name}");
                digits.push((digit, bias));
            }
            (kind, Some(_)) => {
                let is_new = cell.places().all(|place| made.insert(place));
                assert!(is_new, "{name}: {kind:?} is made twice");
            }
            (
                Kind::Input | Kind::Free { .. } | Kind::Quotient { .. } | Kind::Product { .. },
                None,
            ) => {}
            (kind, None) => panic!("{name}: {kind:?} makes nothing"),
        }
    }
    assert!(digits.keys().all(|place| !made.contains(place)), "{name}");
    for run in net.blocks.iter().flat_map(|block| &block.runs) {
        for (term, (_, at)) in
            run.terms.iter().flat_map(|t| run.elements.iter().map(move |e| (t, e)))
        {
            let place = term.place.plus(*at);
            assert!(made.contains(&place) || digits.contains_key(&place), "{name}: {place:?}");
        }
    }
}

/// A row's byte contributes whenever it is made, so one that is no element needs a coefficient of 0; and rows whose
/// lanes are weights are nothing else: their lanes hold no flags, and no moves but the weight monomial's.
fn assert_only_elements_contribute(circuit: &ModelCircuit, name: &str) {
    let fixed = &circuit.compiled.fixed;
    let mut coefficient_is_zero = true;
    for (at, row) in fixed.rows.iter().enumerate().skip(1) {
        coefficient_is_zero |= row[Flag::Starts];
        let takes = row[Flag::Takes] || row[Flag::TakesWide];
        let others = [Flag::Reads, Flag::Naturals, Flag::Adds, Flag::Border, Flag::Packs];
        let is_cell = row.makes() || others.iter().any(|&flag| row[flag]);
        let planned = circuit.plan().layout.rows.get(at);
        let moves =
            [OUTPUT, POSITION].map(|cursor| planned.is_some_and(|row| row.moves[cursor] > 0));
        let is_more =
            is_cell || takes || row[Flag::Holds] || row.is_word() || moves.contains(&true);
        assert!(!(row[Flag::Weighs] && is_more), "{name}: row {at}");
        coefficient_is_zero &= !(row[Flag::Weighs] || row[Flag::Loads]);
        let content = circuit.plan().layout.rows.get(at).map(|row| row.content);
        let several = planned.map_or(0, |row| row.several);
        for (number, flag) in (1..).zip(SEVERAL) {
            assert_eq!(row[flag], several == number, "{name}: row {at}");
        }
        let is_several = matches!(content, Some(Content::Abreast { .. }));
        let is_hold = several == 1 && content == Some(Content::Hold);
        assert!((several > 0) == (is_several || is_hold), "{name}: row {at}");
        assert!(several == 0 || !row[Flag::Weighs], "{name}: row {at}");
        let cells = planned.into_iter().flat_map(|row| circuit.plan().layout.cells(row));
        let cells = cells.map(|(block, cell)| circuit.compiled.net.blocks[block].cells[cell]);
        let cells: Vec<Cell> = cells.collect();
        if let Some(&cell) = cells.first() {
            let flag = usize::from(several).checked_sub(1);
            let apart = flag.map_or(0, |flag| circuit.shape().several()[flag].1[0]);
            let members = circuit.shape().members;
            assert_are_abreast(&cells, (apart, members), &format!("{name}: row {at}"));
            let contributes = row.makes() && cell.element.is_none();
            let count = match cell.kind {
                Kind::Border { count } => count,
                _ => 0,
            };
            assert_eq!(row[Flag::Border], count > 0, "{name}: row {at} {:?}", cell.kind);
            let lanes = (0..MOST_BORDER_CELLS - 1)
                .map(|further| fixed.constant(Constant::Border(further), at));
            let others =
                (1..MOST_BORDER_CELLS).map(|border_cell| Fr::from(u64::from(border_cell < count)));
            assert!(count == 0 || lanes.eq(others), "{name}: row {at} {:?}", cell.kind);
            assert!(!contributes || coefficient_is_zero, "{name}: row {at} {:?}", cell.kind);
        } else {
            assert!(!is_cell && !takes, "{name}: row {at}");
        }
    }
}

/// Cells of one row are of one kind, and make what they make where gates say that they do.
fn assert_are_abreast(cells: &[Cell], (apart, members): (u32, usize), name: &str) {
    for (number, cell) in (0..).zip(cells) {
        let expected = cells[0].place.map(|first| match cell.kind {
            Kind::Border { .. } if members == 1 => {
                Place { omega: first.omega + 4 * number as u32, ..first }
            }
            _ => first.plus([apart as i32 * number, 0]),
        });
        let is_alike = cell.kind == cells[0].kind
            && cell.element.is_some() == cells[0].element.is_some()
            && cell.place == expected;
        assert!(is_alike, "{name}: {cell:?} beside {:?}", cells[0]);
    }
}

pub fn assert_no_choice(circuit: &ModelCircuit, name: &str) {
    assert_bytes_have_one_row(circuit, name);
    assert_sums_have_one_row(circuit, name);
    assert_contributions_are_taken(circuit, name);
    assert_only_elements_contribute(circuit, name);
}

#[test]
fn every_operator_leaves_no_choice() {
    for (number, (name, model)) in models::all().into_iter().enumerate() {
        let goal = if number % 3 == 0 { Goal::Gas } else { Goal::Speed };
        let wishes = Wishes { goal, ..Wishes::default() };
        let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
        assert_no_choice(&circuit, name);
    }
}

#[test]
fn float32_sums_leave_no_choice() {
    for case in average::cases().into_iter().step_by(2) {
        assert_no_choice(&case.circuit(), &format!("{case:?}"));
    }
}

#[test]
fn transformers_leave_no_choice() {
    for name in ["tiny_transformer/int8_qdq", "tiny_transformer_gelu/int8_qop"] {
        let path = format!("{}/test/fixtures/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a fixture");
        let model = Model::from_onnx("transformer", &bytes).expect("a model");
        assert_no_choice(&circuit(&model), name);
    }
}

// Each function's accumulators begin where those of the one before end.
#[test]
fn functions_in_intervals_leave_no_choice() {
    let mut builder = Builder::new(5, &[1, 2, 4, 4]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    let multipliers = [1.0, 2.0, 4.0].map(|factor| factor * models::NO_LINE);
    builder.conv(builder.last(), (3, 1), [2, 2], plain, multipliers.to_vec());
    let circuit = circuit(&builder.model());
    let rules = &circuit.plan().fitted.rules;
    assert!(rules.iter().all(|rule| matches!(rule, FittedRule::Intervals { .. })));
    assert_no_choice(&circuit, "three functions");
}
