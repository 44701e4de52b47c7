//! `docs/map.md`: from an ONNX operator to its rows, and to the constraints that hold on them.

use super::{average::ties, foldings, models, ports, summed, vectors};
use crate::circuit::{
    ModelCircuit,
    layout::rows::Content,
    shape::{Flag, Flags},
};
use crate::model::{Model, Visibility};
use halo2_proofs::{
    dev::{CellValue, MockProver},
    halo2curves::bn256::Fr,
    plonk::Expression,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const BEGINNING: &str = "\
# From operators to constraints

Made by a test (`UPDATE_SNAPSHOTS=1 cargo test --lib operators_are_on_the_map`): for each operator of small models, the rows that
it becomes (`wiring::Kind`), the flags that say so (`shape::Flag`), where what they make is written down, and which constraints
hold on them beside those of every row. Fused tables have no rows: they are in the table that the layer before them reads.

";

/// What says where a row's value comes from, and in which file of `relations` that is written down.
const FLAGS: [(Flag, &str); 13] = [
    (Flag::Inputs, "packing"),
    (Flag::Divides, "division"),
    (Flag::Intervals, "interval"),
    (Flag::Naturals, "division"),
    (Flag::Larger, "larger"),
    (Flag::Pairs, "product"),
    (Flag::Multiplies, "product"),
    (Flag::MultipliesIn, "product"),
    (Flag::Adds, "float_sum"),
    (Flag::Continues, "float_sum"),
    (Flag::Loads, "wires"),
    (Flag::Border, "wires"),
    (Flag::Reads, "wires"),
];

/// One that neither holds where it is not meant to nor by chance.
fn scrambled(seed: usize) -> Fr {
    Fr::from(seed as u64 + 3).square() + Fr::from(0x9E37_79B9_7F4A_7C15).square()
}

/// The sentences of constraints that can be broken on a row.
fn breakable(circuit: &ModelCircuit, prover: &MockProver<Fr>, at: usize) -> BTreeSet<String> {
    let rows = 1 << circuit.k();
    let fixed = |column: usize, rotation: i32| {
        let row = (at as i32 + rotation).rem_euclid(rows) as usize;
        match prover.fixed()[column][row] {
            CellValue::Assigned(value) => value,
            _ => Fr::zero(),
        }
    };
    let system = circuit.constraint_system();
    let mut sentences = BTreeSet::new();
    for gate in system.gates() {
        for (number, polynomial) in gate.polynomials().iter().enumerate() {
            let value = Expression::evaluate(
                polynomial,
                &|constant| constant,
                &|_| unreachable!("there are no selectors"),
                &|query| fixed(query.column_index(), query.rotation().0),
                &|query| {
                    scrambled(7 * query.column_index() + 101 + query.rotation().0 as usize % 7)
                },
                &|query| scrambled(1009 + query.rotation().0 as usize % 7),
                &|challenge| scrambled(2003 + challenge.index()),
                &|value: Fr| -value,
                &|left, right| left + right,
                &|left, right| left * right,
                &|value, factor| value * factor,
            );
            if value != Fr::zero() {
                sentences.insert(gate.constraint_name(number).to_owned());
            }
        }
    }
    sentences
}

/// A row of the map, behind its operator.
type Line = (String, BTreeSet<String>, BTreeSet<String>);

/// The file that holds a sentence, as a link from `docs`.
fn link(sentence: &str) -> String {
    let folder = root().join("src/circuit/relations");
    let files = std::fs::read_dir(&folder).expect("there are relations");
    let holds = |path: &PathBuf| {
        path.is_file() && std::fs::read_to_string(path).is_ok_and(|text| text.contains(sentence))
    };
    let file = files.map(|file| file.expect("a file").path()).find(holds).expect("its relation");
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    format!("[{sentence}](../src/circuit/relations/{name})")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An enum's variant by its name.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().expect("a name").to_owned()
}

fn flags_of(row: &Flags<bool>) -> BTreeSet<String> {
    let set = FLAGS.into_iter().filter(|&(flag, _)| row[flag]);
    set.map(|(flag, file)| format!("`{flag:?}` ([{file}](../src/circuit/relations/{file}.rs))"))
        .collect()
}

/// Adds a model's rows to the map, and gives the constraints of rows that are nothing in particular.
fn add(model: &Model, map: &mut BTreeMap<String, BTreeSet<Line>>) -> BTreeSet<String> {
    // With one column to each of the backend's, whose rows are the circuit's then.
    let [circuit, ..] = foldings(model);
    let instances = vec![vec![Fr::zero(); circuit.instances()]];
    let prover = MockProver::run(circuit.k(), &circuit, instances).expect("it fits");
    let everywhere = breakable(&circuit, &prover, circuit.rows());
    let operator = |name: &str| {
        let node = model.graph.nodes.iter().find(|node| node.name == name);
        node.map_or_else(|| format!("({name})"), |node| variant(&node.operator))
    };
    let mut known = BTreeSet::new();
    for (at, row) in circuit.plan().layout.rows.iter().enumerate() {
        let Content::Cell { block, cell } = row.content else { continue };
        let block = &circuit.compiled.net.blocks[block as usize];
        let (operator, kind) = (operator(&block.name), variant(&block.cells[cell as usize].kind));
        let flags = flags_of(&circuit.compiled.fixed.rows[at]);
        if known.insert((operator.clone(), kind.clone(), flags.clone())) {
            let own = breakable(&circuit, &prover, at);
            let own = own.difference(&everywhere).cloned().collect();
            map.entry(operator).or_default().insert((kind, flags, own));
        }
    }
    everywhere
}

/// The constraints of rows that are nothing in particular where of an input is told this.
fn told(of_input: Visibility) -> BTreeSet<String> {
    let circuit = summed::told(&ports::model(), &[Visibility::Public, of_input]);
    let instances = vec![vec![Fr::zero(); circuit.instances()]];
    let prover = MockProver::run(circuit.k(), &circuit, instances).expect("it fits");
    breakable(&circuit, &prover, circuit.rows())
}

#[test]
fn operators_are_on_the_map() {
    let mut all: Vec<Model> = models::all().into_iter().map(|(_, model)| model).collect();
    all.extend([
        vectors::softmax(2, 5, 0.04),
        vectors::normalization(2, 5, 40),
        vectors::arg_max([2, 5, 1], false),
        ties().model(),
    ]);
    let mut map = BTreeMap::new();
    let everywhere: Vec<BTreeSet<String>> = all.iter().map(|model| add(model, &mut map)).collect();
    assert!(everywhere.iter().all(|sentences| *sentences == everywhere[0]));
    let mut text = BEGINNING.to_owned();
    text += "On every row:\n\n";
    for sentence in &everywhere[0] {
        let _ = writeln!(text, "- {}", link(sentence));
    }
    for of_inputs in [Visibility::Committed, Visibility::Hashed] {
        let _ = writeln!(text, "\nWhere inputs are {}, on every row besides:\n", of_inputs.name());
        for sentence in told(of_inputs).difference(&everywhere[0]) {
            let _ = writeln!(text, "- {}", link(sentence));
        }
    }
    text += "\n| operator | rows | flags | constraints |\n|---|---|---|---|\n";
    let join = |names: Vec<String>| names.join("; ");
    for (operator, lines) in map {
        for (kind, flags, own) in lines {
            let flags = join(flags.into_iter().collect());
            let own = join(own.iter().map(|sentence| link(sentence)).collect());
            let _ = writeln!(text, "| {operator} | `{kind}` | {flags} | {own} |");
        }
    }
    let path = root().join("docs/map.md");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).expect("docs can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "docs/map.md is another: run with UPDATE_SNAPSHOTS=1");
}
