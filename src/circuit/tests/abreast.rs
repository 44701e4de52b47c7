//! Values that share a row: neighbours of one kind, each of which is bound as if it had a row of its own.

use super::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, average, broken, field, honest, limbs, mixed,
    models::{self, Builder, NO_LINE},
    off_by_one, relimb_of, reread_of, table_row_of, tampered,
    unique::assert_no_choice,
};
use crate::circuit::shape::{ABREAST, Flag, LARGEST_K, SMALLEST_K, Shape};
use crate::circuit::{
    InstanceLayout, ModelCircuit, Plans, Wishes, Witness,
    compute::Held,
    layout::rows::{Content, Row},
    wiring::Kind,
};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;
use std::{collections::BTreeMap, sync::Arc};

/// As many values to a row as these where neighbours are alike, in as few rows as can be: each is evaluated.
pub fn abreast(model: &Model, values: usize, private_input: bool) -> ModelCircuit {
    of_batch(model, 1, values, private_input)
}

/// The same of so many inferences, which the model has along its leading axes.
fn of_batch(model: &Model, inferences: usize, values: usize, private_input: bool) -> ModelCircuit {
    let instances = InstanceLayout::of_model(model, private_input).of_batch(inferences);
    let of = |k| {
        let wishes =
            Wishes { packed: true, k: Some(k), abreast: Some(values), ..Wishes::default() };
        Some(Plans::for_instances(model, instances.clone(), wishes).ok()?.circuit(wishes.goal))
    };
    (SMALLEST_K..=LARGEST_K).find_map(of).expect("the model has a circuit")
}

/// A table, channels of one function, a border of sixteen cells, windows side by side; the output is packed.
fn image() -> Model {
    let mut builder = Builder::new(5, &[1, 1, 2, 9]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    let table = builder.table(builder.last());
    let conv = builder.conv(table, (16, 1), [2, 2], plain, vec![NO_LINE]);
    let pool = builder.max_pool(conv, [1, 2], [1, 2], [0, 0]);
    builder.conv(pool, (1, 1), [1, 1], plain, vec![NO_LINE]);
    builder.model()
}

/// Images that are taken with a stride: their places are two steps apart.
fn strided() -> Model {
    let mut builder = Builder::new(6, &[1, 2, 2, 16]);
    let (plain, strided) = (([1, 1], [1, 1], [0, 0]), ([1, 2], [1, 1], [0, 0]));
    let stem = builder.conv(builder.last(), (2, 1), [1, 1], plain, vec![0.012]);
    let stem = builder.conv(stem, (2, 1), [1, 1], plain, vec![0.007]);
    builder.conv(stem, (1, 1), [1, 2], strided, vec![0.003]);
    builder.model()
}

/// Images of a batch, with a border around them, windows side by side and packed outputs.
fn images(inferences: usize, [inputs, channels]: [usize; 2]) -> Model {
    let mut builder = Builder::new(7, &[inferences, inputs, 2, 8]);
    let (plain, padded) = (([1, 1], [1, 1], [0, 0]), ([1, 1], [1, 1], [1, 0]));
    let conv = builder.conv(builder.last(), (channels, 1), [3, 1], padded, vec![NO_LINE]);
    let pool = builder.max_pool(conv, [1, 2], [1, 2], [0, 0]);
    builder.conv(pool, (1, 1), [1, 1], plain, vec![NO_LINE]);
    builder.model()
}

/// A packed output that a table gives.
fn table() -> Model {
    let mut builder = Builder::new(9, &[2, 8]);
    builder.table(builder.last());
    builder.model()
}

/// Lines of a matrix in an order that cursors follow on rows between, the largest of each column, and copies of these.
fn lines() -> Model {
    let mut builder = Builder::new(8, &[9, 8]);
    let order = [0, 4, 2, 7, 1, 8, 3, 6, 5];
    let lines = order.into_iter().flat_map(|line| (0..8).map(move |i| (Some(0), 8 * line + i)));
    let lines = builder.view(&[builder.last()], lines.collect(), &[9, 8]);
    let largest = builder.reduce_max(lines);
    let turned = (0..16).map(|i| (Some(0), (i + 4) % 8));
    builder.view(&[largest], turned.collect(), &[2, 8]);
    builder.model()
}

/// Of which every kind of row has several values.
pub fn circuits() -> Vec<(Model, ModelCircuit)> {
    let all = [
        (image(), 1, 4, false),
        (strided(), 1, 8, true),
        (strided(), 1, 2, false),
        (lines(), 1, 4, false),
        (table(), 1, 8, false),
        (average::wide().model(), 1, 4, false),
        (images(4, [2, 5]), 4, 4, false),
        (images(3, [1, 2]), 3, 2, true),
    ];
    let circuit = |(model, inferences, values, is_private)| {
        let circuit = of_batch(&model, inferences, values, is_private);
        (model, circuit)
    };
    all.into_iter().map(circuit).collect()
}

/// What rows of several values are, each with one of them.
fn kinds(circuit: &ModelCircuit) -> BTreeMap<String, usize> {
    let layout = &circuit.plan().layout;
    let mut kinds = BTreeMap::new();
    for (at, row) in layout.rows.iter().enumerate().filter(|(_, row)| row.several > 0) {
        let flags = &circuit.compiled.fixed.rows[at];
        let kind = match layout.cells(row).next() {
            Some((block, cell)) => {
                let kind = format!("{:?}", circuit.compiled.net.blocks[block].cells[cell].kind);
                let end = kind.find(|c: char| !c.is_alphanumeric()).unwrap_or(kind.len());
                kind[..end].to_owned()
            }
            None => format!("{:?}", row.content),
        };
        let more = [
            (flags[Flag::Intervals], " by interval"),
            (flags[Flag::Packs], ", packed"),
            (flags[Flag::Inputs] && circuit.shape().private_input, ", private"),
            (row.several == 2, ", apart"),
            (circuit.shape().members > 1, ", in a batch"),
        ];
        let more = more.into_iter().filter(|(has, _)| *has).map(|(_, what)| what);
        kinds.insert(more.fold(kind, |kind, what| kind + what), at);
    }
    kinds
}

#[test]
fn every_kind_that_can_be_is_abreast() {
    let mut all: Vec<String> =
        circuits().iter().flat_map(|(_, own)| kinds(own).into_keys()).collect();
    all.sort();
    all.dedup();
    let expected = [
        "Adds",
        "Average by interval",
        "Border",
        "Border, in a batch",
        "Hold",
        "Input, packed",
        "Input, packed, apart, in a batch",
        "Input, private",
        "Input, private, in a batch",
        "Larger",
        "Larger, in a batch",
        "Made",
        "Made by interval",
        "Made by interval, apart",
        "Made by interval, in a batch",
        "Made by interval, packed",
        "Made by interval, packed, apart, in a batch",
        "Made, apart",
        "Made, packed",
        "Read",
        "Read, in a batch",
        "Read, packed",
    ];
    assert_eq!(all, expected);
}

#[test]
fn values_abreast_are_the_reference() {
    let own = circuits();
    let all = models::all().into_iter().map(|(_, model)| model).enumerate();
    let all = all.map(|(number, model)| {
        let circuit = abreast(&model, ABREAST[1 + number % 3], number % 4 == 1);
        (model, circuit)
    });
    let mut several = 0;
    for (number, (model, circuit)) in own.into_iter().chain(all).enumerate() {
        assert_no_choice(&circuit, &format!("{number}"));
        let witness = honest(&model, &circuit);
        let reference = model.evaluate(&[mixed(&model)]).expect("an input of the model");
        assert_eq!(&witness.outputs, reference.tensor(model.outputs[0].tensor), "{number}");
        assert_eq!(broken(&circuit, witness), [""; 0], "{number}");
        several += usize::from(!kinds(&circuit).is_empty());
        // It is what is written down of it.
        let restored =
            ModelCircuit::restore(&model, circuit.layout(), circuit.k(), &circuit.shape());
        assert_eq!(restored.expect("the same plan").rows(), circuit.rows());
        let other = Shape { apart: !circuit.shape().apart, ..circuit.shape() };
        assert!(ModelCircuit::restore(&model, circuit.layout(), circuit.k(), &other).is_err());
    }
    assert!(several >= 12, "{several}");
}

/// Rows of each of these circuits, of some kind, with all its values but the first.
fn each(named: &str, check: impl Fn(&Model, &ModelCircuit, usize, usize)) {
    let mut count = 0;
    for (model, circuit) in circuits() {
        let rows = kinds(&circuit).into_iter().filter(|(kind, _)| kind.starts_with(named));
        for (_, at) in rows {
            let values = circuit.shape().abreast;
            // All of few, and of many the ends and one between.
            for value in [1, values / 2, values - 1].into_iter().filter(|&value| value > 0) {
                check(&model, &circuit, at, value);
                count += 1;
            }
        }
    }
    assert!(count > 0, "no row is {named}");
}

/// The witness of a prover who cheats in one value of a row.
fn tampered_at(
    model: &Model,
    circuit: &ModelCircuit,
    (at, value): (usize, usize),
    tamper: impl Fn(&mut Held) + Sync,
) -> Witness {
    let layout = &circuit.plan().layout;
    let own = layout.cells(&layout.rows[at]).nth(value).expect("the row has as many values");
    tampered(model, circuit, &|block, number, held| {
        if (block, number) == own {
            tamper(held);
        }
    })
}

#[test]
fn accumulators_abreast_that_the_weights_do_not_give_are_refused() {
    for named in ["Made", "Adds", "Average"] {
        each(named, |model, circuit, at, value| {
            let flags = &circuit.compiled.fixed.rows[at];
            let has_rest = flags[Flag::Intervals] || flags[Flag::Adds];
            let witness =
                tampered_at(model, circuit, (at, value), |held| off_by_one(held, has_rest));
            assert_breaks(&broken(circuit, witness), &[IS_TAKEN]);
        });
    }
}

/// Each sum goes on from its own: two of a row cannot be exchanged, though each is rounded as it should be.
#[test]
fn exchanged_sums_are_refused() {
    each("Adds", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        let other = witness.abreast[value - 1].clone();
        if other.table_row.at(at) == witness.table_row.at(at)
            && other.limbs[0].at(at) == witness.limbs[0].at(at)
        {
            return;
        }
        let [own, further] = [0, value].map(|value| table_row_of(&witness, value, at));
        reread_of(circuit, &mut witness, 0, at, further);
        reread_of(circuit, &mut witness, value, at, own);
        for (limb, other) in other.limbs.iter().enumerate() {
            let own = witness.limbs[limb].at(at);
            relimb_of(&mut witness, 0, limb, at, other.at(at));
            relimb_of(&mut witness, value, limb, at, own);
        }
        assert_breaks(&broken(circuit, witness), &[IS_TAKEN]);
    });
}

#[test]
fn quotients_abreast_beyond_a_progression_are_refused() {
    each("Adds", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        let to = limbs(&mut witness, value, 2).at(at) + Fr::one();
        relimb_of(&mut witness, value, 2, at, to);
        let sentence = "each quotient of a sum abreast is below 2^22";
        assert_breaks(&broken(circuit, witness), &[sentence]);
    });
}

/// Sums abreast stay what they are while cursors move, as if one needed another move before each mean.
#[test]
fn sums_abreast_are_held() {
    let model = average::wide().model();
    let own = abreast(&model, 4, false);
    let mut plan = own.plan().clone();
    let layout = Arc::make_mut(&mut plan.layout);
    let kind = |row: &Row| {
        let (block, cell) = own.plan().layout.cells(row).next()?;
        Some(own.compiled.net.blocks[block].cells[cell].kind)
    };
    let means = own.plan().layout.rows.iter().enumerate().rev();
    let means = means.filter(|(_, row)| matches!(kind(row), Some(Kind::Average { .. })));
    let means: Vec<usize> = means.map(|(at, _)| at).collect();
    for &at in &means {
        let several = layout.rows[at].several;
        assert!(several > 0, "all windows share rows");
        layout.rows.insert(at, Row { several, ..Row::new(Content::Hold) });
    }
    let compiled = &own.compiled;
    let circuit = ModelCircuit::compile(compiled.instances.clone(), compiled.net.clone(), plan);
    let witness = honest(&model, &circuit);
    assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
    let at = *means.last().expect("there are means");
    for value in 1..4 {
        let mut other = witness.clone();
        let row = table_row_of(&other, value, at);
        reread_of(&circuit, &mut other, value, at, row.checked_sub(1).unwrap_or(row + 1));
        let names = broken(&circuit, other);
        let sentence = "each row read abreast is held";
        assert!(names.iter().any(|name| name.contains(sentence)), "{names:?}");
    }
}

#[test]
fn other_copies_abreast_are_refused() {
    each("Read", |model, circuit, at, value| {
        let witness = tampered_at(model, circuit, (at, value), |held| {
            held.division.limbs[0] ^= 1;
        });
        assert_breaks(&broken(circuit, witness), &[IS_TAKEN]);
    });
}

/// Each value stands at its own place and position: two of a row cannot be exchanged.
#[test]
fn exchanged_values_are_refused() {
    each("Read", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        let own = limbs(&mut witness, value, 0).at(at);
        let first = witness.limbs[0].at(at);
        if own != first {
            witness.limbs[0].set_element(at, own);
            limbs(&mut witness, value, 0).set_element(at, first);
            let names = broken(circuit, witness);
            assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");
        }
    });
}

#[test]
fn border_cells_abreast_that_were_not_contributed_are_refused() {
    each("Border", |model, circuit, at, value| {
        let (block, cell) = circuit
            .plan()
            .layout
            .cells(&circuit.plan().layout.rows[at])
            .next()
            .expect("it has cells");
        let count = circuit.compiled.net.blocks[block].cells[cell].places().count();
        for (from, to) in [(0, 0), (count - 1, count - 1), (0, 1)] {
            let witness = tampered_at(model, circuit, (at, value), |held| {
                let border_cells = held.border_cells.as_mut().expect("a row of border cells");
                border_cells[from] += 1;
                border_cells.swap(from, to);
            });
            assert_breaks(&broken(circuit, witness), &[IS_TAKEN]);
        }
    });
}

#[test]
fn limbs_abreast_beyond_the_table_are_refused() {
    each("Made", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        let low = limbs(&mut witness, value, 0).at(at) + field(circuit.plan().shape.base());
        let high = limbs(&mut witness, value, 1).at(at) - Fr::one();
        relimb_of(&mut witness, value, 0, at, low);
        relimb_of(&mut witness, value, 1, at, high);
        assert_breaks(&broken(circuit, witness), &[IS_AN_ENTRY]);
    });
}

#[test]
fn bytes_abreast_that_the_table_has_not_are_refused() {
    for named in ["Made", "Adds"] {
        each(named, |model, circuit, at, value| {
            let mut witness = honest(model, circuit);
            witness.abreast[value - 1].byte.add(at, Fr::from(256));
            let names = broken(circuit, witness);
            assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
        });
    }
}

/// What is read by interval, with the remainder of another one.
#[test]
fn remainders_abreast_beyond_an_interval_are_refused() {
    each("Made by interval", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        let to = limbs(&mut witness, value, 2).at(at) + Fr::one();
        relimb_of(&mut witness, value, 2, at, to);
        let sentence = "each remainder abreast is below its interval's length";
        assert_breaks(&broken(circuit, witness), &[sentence]);
    });
}

#[test]
fn inputs_abreast_above_a_byte_are_refused() {
    each("Input", |model, circuit, at, value| {
        let mut witness = honest(model, circuit);
        relimb_of(&mut witness, value, 1, at, Fr::zero());
        assert_breaks(&broken(circuit, witness), &["each input abreast plus N − 256 is below N"]);
    });
}

/// A packed byte that no instance says.
#[test]
fn bytes_abreast_of_other_instances_are_refused() {
    for named in ["Made, packed", "Made by interval, packed", "Read, packed"] {
        each(named, |model, circuit, at, value| {
            let witness = honest(model, circuit);
            let mut other = witness.clone();
            let now = table_row_of(&witness, value, at);
            let table = &circuit.plan().fitted.table;
            if named.starts_with("Made") {
                let row = (0..table.len()).rev().find(|&row| table[row] != table[now]);
                reread_of(circuit, &mut other, value, at, row.expect("another byte"));
            } else {
                let to = limbs(&mut other, value, 0).at(at) + Fr::one();
                relimb_of(&mut other, value, 0, at, to);
            }
            let names = broken(circuit, other);
            assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");
            // What is packed follows from the bytes, and other instances from no bytes.
            let mut other = witness;
            let word = other.instances.len() - 1;
            other.instances[word] += crate::circuit::field::byte_power(value);
            assert_breaks(&broken(circuit, other), &["the bytes are those of the instances"]);
        });
    }
}

#[test]
fn larger_ones_abreast_are_the_larger_of_two() {
    each("Larger", |model, circuit, at, value| {
        let sentence = "each larger abreast is not below the value before";
        let mut witness = honest(model, circuit);
        let above = table_row_of(&witness, value, at);
        reread_of(circuit, &mut witness, value, at, above + 1);
        let names = broken(circuit, witness);
        assert!(names.iter().any(|name| name.contains(sentence)), "{names:?}");
        // The copy where the value before is larger.
        let witness = tampered_at(model, circuit, (at, value), |held| {
            let copy = held.division.limbs[0] - held.division.limbs[1];
            held.division.limbs = [copy, 0, 0, 0];
        });
        let is_smaller = limbs(&mut honest(model, circuit), value, 1).at(at) != Fr::zero();
        assert_eq!(broken(circuit, witness).iter().any(|name| name.contains(sentence)), is_smaller);
        // Larger than both.
        let witness = tampered_at(model, circuit, (at, value), |held| {
            held.division.limbs[0] += 1;
            held.division.limbs[1] += 1;
            held.division.u += 1;
        });
        let names = broken(circuit, witness);
        let sentence = "each larger abreast is one of both";
        assert!(names.iter().any(|name| name.contains(sentence)), "{names:?}");
    });
}

#[test]
fn held_values_abreast_do_not_change() {
    each("Hold", |model, circuit, at, value| {
        for (limb, sentence) in
            [(0, "each value abreast is held"), (1, "each value beside one abreast is held")]
        {
            let mut witness = honest(model, circuit);
            let to = limbs(&mut witness, value, limb).at(at) + Fr::one();
            relimb_of(&mut witness, value, limb, at, to);
            let names = broken(circuit, witness);
            assert!(names.iter().any(|name| name.contains(sentence)), "{names:?}");
        }
    });
}

/// Values that a row has no use for are nothing, whatever kind of row it is and whatever their cells hold.
#[test]
fn values_that_take_no_part_contribute_nothing() {
    for (model, circuit) in circuits() {
        let mut witness = honest(&model, &circuit);
        let layout = &circuit.plan().layout;
        let rows: Vec<usize> =
            (1..layout.rows.len()).filter(|&at| layout.rows[at].several == 0).collect();
        assert!(rows.iter().any(|&at| matches!(layout.rows[at].content, Content::Weights(_))));
        let read = circuit.plan().fitted.table.iter().position(|&byte| byte > 0);
        let read = read.unwrap_or(1);
        // Rows of border cells look nothing up.
        let is_border = |at: usize| circuit.compiled.fixed.rows[at][Flag::Border];
        for at in rows.into_iter().filter(|&at| !is_border(at)) {
            for value in 1..circuit.shape().abreast {
                reread_of(&circuit, &mut witness, value, at, read);
                for limb in 0..circuit.shape().limb_columns() {
                    relimb_of(&mut witness, value, limb, at, Fr::from(7));
                }
            }
        }
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

/// No row of one value is counted as one of several, and none of several as one.
#[test]
fn rows_are_fewer_by_as_many_as_are_abreast() {
    for model in [image(), strided(), lines()] {
        let rows = |values| {
            let circuit = abreast(&model, values, false);
            let layout = &circuit.plan().layout;
            let cells: usize = layout.rows.iter().map(|row| layout.cells(row).count()).sum();
            let has_cell = |row: &&_| layout.cells(row).next().is_some();
            (cells, layout.rows.iter().filter(has_cell).count())
        };
        let all = ABREAST.map(rows);
        assert!(all.iter().all(|(cells, _)| *cells == all[0].0), "{all:?}");
        assert!(all[1].1 < all[0].1 && all[2].1 < all[1].1, "{all:?}");
    }
}

/// Kinds that hold two values or that share a coefficient stay alone.
#[test]
fn products_are_never_abreast() {
    for (name, model) in models::all() {
        let circuit = abreast(&model, 2, false);
        let layout = &circuit.plan().layout;
        for row in layout.rows.iter().filter(|row| row.several > 0) {
            for (block, cell) in layout.cells(row) {
                let kind = circuit.compiled.net.blocks[block].cells[cell].kind;
                let may = matches!(
                    kind,
                    Kind::Input
                        | Kind::Made { .. }
                        | Kind::Read { .. }
                        | Kind::Larger { .. }
                        | Kind::Adds { .. }
                        | Kind::Average { .. }
                        | Kind::Border { count: 4 }
                );
                assert!(may, "{name}: {kind:?}");
            }
        }
    }
}
