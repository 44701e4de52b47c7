//! Which first-phase cells a prover may choose freely: a golden list.
//!
//! One cell at a time is changed, with all look-ups' uses repaired and the second phase computed honestly after it.
//! Where no constraint refuses that, the cell is free, and must be one that nothing refers to.

use super::{
    abreast, broken, honest, integer, limbs, models, ports, relimb_of, reread_of, summed,
    table_row_of,
};
use crate::circuit::{
    Goal, ModelCircuit, Wishes, layout::rows::Content, shape::Flag, table::intervals::LENGTH_FACTOR,
};
use crate::model::Visibility;
use halo2_proofs::halo2curves::bn256::Fr;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows of each kind that are tried, of each goal's circuits.
const ROWS: usize = 2;

/// Limbs that rows of one copy do not use, the parts of intervals, and what is read of the table.
const BUT_ONE_LIMB: &[&str] =
    &["limb 1", "limb 2", "limb 3", "start and length", "table row and byte"];

/// The same of rows that hold two values, or bound one by two limbs.
const BUT_TWO_LIMBS: &[&str] = &["limb 2", "limb 3", "start and length", "table row and byte"];

/// All cells of rows that are weights, instances or nothing.
const ALL: &[&str] =
    &["limb 0", "limb 1", "limb 2", "limb 3", "start and length", "table row and byte"];

/// By kind of row, the columns whose cell is free. Rows that make a byte by interval have none, those that divide
/// what is there for intervals alone. It is the same for each value of a row of several, and all cells of values that a row has
/// no use for are free.
const FREE: [(&str, &[&str]); 12] = [
    ("Hold", BUT_TWO_LIMBS),
    ("Idle", ALL),
    ("Input", BUT_TWO_LIMBS),
    ("Instance", ALL),
    // The table's row is how far the value before is below it.
    ("Larger", &["limb 2", "limb 3", "start and length"]),
    ("Load", BUT_ONE_LIMB),
    ("Made", &["limb of intervals", "start and length"]),
    ("Multiply", BUT_ONE_LIMB),
    ("Pair", BUT_TWO_LIMBS),
    ("Read", BUT_ONE_LIMB),
    ("Weights", ALL),
    ("unused value", ALL),
];

#[test]
fn cells_that_are_free_are_those_that_nothing_refers_to() {
    let mut free: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut seen: HashMap<(String, usize, usize, usize), usize> = HashMap::new();
    let mut circuits = Vec::new();
    for (number, (_, model)) in models::all().into_iter().enumerate() {
        let goal = if number % 2 == 0 { Goal::Speed } else { Goal::Gas };
        let wishes =
            Wishes { goal, private_input: number % 4 == 1, max_k: Some(12), ..Wishes::default() };
        let Ok(circuit) = ModelCircuit::new(&model, wishes) else { continue };
        circuits.push((model, circuit));
    }
    circuits.extend(abreast::circuits());
    for (model, circuit) in circuits {
        let base = honest(&model, &circuit);
        let (layout, values) = (&circuit.plan().layout, circuit.shape().abreast);
        let mut here: BTreeSet<String> = BTreeSet::new();
        let rows = layout.rows.iter().enumerate().skip(1);
        for ((at, row), value) in rows.flat_map(|row| (0..values).map(move |value| (row, value))) {
            let kind = match row.content {
                _ if row.several == 0 && value > 0 => "unused value".into(),
                Content::Cell { .. } | Content::Abreast { .. } => {
                    let (block, cell) = layout.cells(row).next().expect("it has a cell");
                    let kind = format!("{:?}", circuit.compiled.net.blocks[block].cells[cell].kind);
                    let end = kind.find(|c: char| !c.is_alphanumeric()).unwrap_or(kind.len());
                    let flags = &circuit.compiled.fixed.rows[at];
                    let by_interval = flags[Flag::Intervals] || flags[Flag::MultipliesIn];
                    format!("{}{}", &kind[..end], if by_interval { " by interval" } else { "" })
                }
                Content::Boundary => continue,
                Content::Weights(_) => "Weights".into(),
                other => format!("{other:?}"),
            };
            // One of each circuit, and of those abreast some value.
            let place = (kind.clone(), circuit.shape().fold, values, value);
            let count = seen.entry(place).or_default();
            let own = format!("{kind} {value}");
            if *count == ROWS || kind.starts_with("Border") || !here.insert(own) {
                continue;
            }
            *count += 1;
            for column in 0..base.limbs.len() + 2 {
                let mut witness = base.clone();
                let name = if column < base.limbs.len() {
                    let now = integer(limbs(&mut witness, value, column).at(at));
                    let most = circuit.plan().shape.base() - 1;
                    let next = if now < most { now + 1 } else { now - 1 };
                    let next = Fr::from(u64::try_from(next).expect("a limb"));
                    relimb_of(&mut witness, value, column, at, next);
                    let is_divided = kind == "Made" && column >= circuit.shape().limbs;
                    if is_divided { "limb of intervals".into() } else { format!("limb {column}") }
                } else if column == base.limbs.len() {
                    let now = table_row_of(&witness, value, at);
                    let table = &circuit.plan().fitted.table;
                    let other = (0..table.len()).rev().find(|&row| table[row] != table[now]);
                    let Some(other) = other else { continue };
                    reread_of(&circuit, &mut witness, value, at, other);
                    "table row and byte".into()
                } else {
                    let parts = match value.checked_sub(1) {
                        Some(further) => witness.abreast[further].parts.as_mut(),
                        None => witness.parts.as_mut(),
                    };
                    let Some(parts) = parts else { continue };
                    if circuit.plan().shape.averages {
                        continue;
                    }
                    // Another start and length in one cell of the table.
                    parts[0].add(at, Fr::from(LENGTH_FACTOR));
                    parts[1].add(at, -Fr::one());
                    "start and length".into()
                };
                if broken(&circuit, witness).is_empty() {
                    free.entry(kind.clone()).or_default().insert(name);
                }
            }
        }
    }
    let free: Vec<(String, Vec<String>)> =
        free.into_iter().map(|(kind, cells)| (kind, cells.into_iter().collect())).collect();
    let golden: Vec<(String, Vec<String>)> = FREE
        .iter()
        .map(|(kind, cells)| {
            ((*kind).to_owned(), cells.iter().map(|cell| (*cell).to_owned()).collect())
        })
        .collect();
    assert_eq!(free, golden, "{free:#?}");
}

/// On rows of its words a link is bound to the bytes; what it holds elsewhere nothing in the circuit refers to.
#[test]
fn links_are_free_but_on_the_rows_of_their_words() {
    use Visibility::{Committed, Public};
    let circuit = summed::told(&ports::model(), &[Public, Committed]);
    let base = circuit.witness(&ports::inputs().concat(), Fr::from(5)).expect("inputs");
    let apart = 1 << (circuit.k() - 6);
    for row in [0, apart - 1, apart, 2 * apart] {
        let mut witness = base.clone();
        witness.linked[0].add(row, Fr::one());
        let names = broken(&circuit, witness);
        assert_eq!(names.is_empty(), row != apart, "row {row}: {names:?}");
    }
}
