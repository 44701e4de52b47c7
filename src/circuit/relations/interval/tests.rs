//! Bytes are those of the interval, and the interval is the rule's own.

use crate::circuit::tests::{
    IS_AN_ENTRY, IS_IN_INTERVAL, IS_TAKEN, assert_breaks, broken, cell, field, foldings, honest,
    integer,
    models::{Builder, NO_LINE},
    relimb, row, table_row, tampered,
};
use crate::circuit::{
    compute::Held, table::fits::FittedRule, table::intervals::LENGTH_FACTOR, wiring::Kind,
};
use crate::model::Model;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A convolution of some channels, each with a function of its own that no line gives.
fn conv_without_lines(channels: u8) -> Model {
    let mut builder = Builder::new(5, &[1, 2, 3, 3]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    let multipliers = (1..=channels).map(|channel| f32::from(channel) * NO_LINE).collect();
    builder.conv(builder.last(), (channels.into(), 1), [2, 2], plain, multipliers);
    builder.model()
}

#[test]
fn remainder_beyond_an_interval_is_refused() {
    let model = conv_without_lines(1);
    for circuit in foldings(&model) {
        let net = &circuit.compiled.net;
        let intervals = circuit.plan().fitted.intervals.clone().expect("the rule has no line");
        let base = circuit.plan().shape.table_rows as u32;
        let found = std::sync::Mutex::new(Vec::new());
        tampered(&model, &circuit, &|block, number, held| {
            let kind = net.blocks[block].cells[number].kind;
            if matches!(kind, Kind::Made { .. }) && held.division.u > 0 {
                found.lock().expect("no test fails there").push((block, number));
            }
        });
        let found = found.into_inner().expect("no test fails there").into_iter().max();
        let at = found.expect("some output is in a later interval");
        // The interval before, and a remainder that is longer than it.
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == at {
                let division = &mut held.division;
                let [now, before] = [0, 1].map(|back| intervals[division.u as usize - back]);
                let z = division.limbs[0]
                    + base * division.limbs[1]
                    + u32::try_from(now.start - before.start).expect("they follow each other");
                division.u -= 1;
                division.byte = before.byte;
                division.limbs = [z % base, z / base, 0, 0];
            }
        };
        let names = broken(&circuit, tampered(&model, &circuit, &tamper));
        assert_breaks(&names, &[IS_IN_INTERVAL]);
    }
}

#[test]
fn interval_of_another_function_is_refused() {
    // One function per channel, neither with a line.
    let model = conv_without_lines(2);
    for circuit in foldings(&model) {
        let net = &circuit.compiled.net;
        let fitted = &circuit.plan().fitted;
        let intervals = fitted.intervals.as_ref().expect("the rules have no lines");
        let FittedRule::Intervals { first, count, .. } = fitted.rules[1] else {
            panic!("the second rule has intervals");
        };
        let others = &intervals[first..first + count];
        let FittedRule::Intervals { first, .. } = fitted.rules[0] else {
            panic!("the first rule has intervals");
        };
        let own_start = intervals[first].start;
        let made = cell(net, |kind| matches!(kind, Kind::Made { rule: 0, .. }));
        let base = i128::from(circuit.plan().shape.table_rows as u32);
        let changed = AtomicBool::new(false);
        // As far from the other function's least accumulator as the honest one is from its own.
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == made {
                let division = &mut held.division;
                let now = intervals[division.u as usize];
                let z = i128::from(division.limbs[0]) + base * i128::from(division.limbs[1]);
                let position = now.start - own_start + z + others[0].start;
                let row = others.partition_point(|interval| interval.start <= position) - 1;
                let other = others[row];
                let z = position - other.start;
                let rest = other.length - 1 - z;
                let limbs = [z % base, z / base, rest % base, rest / base];
                division.limbs = limbs.map(|limb| u32::try_from(limb).expect("a limb"));
                division.u = u32::try_from(
                    intervals.iter().position(|interval| interval == &other).expect("it is one"),
                )
                .expect("a table row");
                changed.store(other.byte != division.byte, Relaxed);
                division.byte = other.byte;
            }
        };
        let witness = tampered(&model, &circuit, &tamper);
        assert!(changed.load(Relaxed), "the functions differ there");
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
}

// Start and length are one value of the table, start + 2^40·length: the same from other parts.
#[test]
fn start_that_makes_up_for_a_length_is_refused() {
    let model = conv_without_lines(1);
    for circuit in foldings(&model) {
        let honest = honest(&model, &circuit);
        let made = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Made { .. }));
        let at = row(&circuit, made);
        let intervals = circuit.plan().fitted.intervals.as_ref().expect("the rule has no line");
        let count = intervals.iter().filter(|interval| interval.length > 0).count();
        let own = table_row(&honest, at);
        let [z, high] = [0, 1].map(|limb| integer(honest.limbs[limb].at(at)));
        let position = intervals[own].start + z + circuit.plan().shape.base() * high;
        let reads = [own, (own + 1) % count, (own + 2) % count];
        let mixtures = reads.into_iter().flat_map(|read| [-2, -1, 1, 2].map(|by| (read, by)));
        for (read, mixed) in mixtures {
            // Whatever follows from the byte read is honest.
            let tamper = |block: usize, number: usize, held: &mut Held| {
                if (block, number) == made {
                    held.division.u = u32::try_from(read).expect("a short table");
                    held.division.byte = intervals[read].byte;
                }
            };
            let mut witness = tampered(&model, &circuit, &tamper);
            assert_eq!(witness.outputs == honest.outputs, read == own);
            let start = intervals[read].start + mixed * i128::from(LENGTH_FACTOR);
            let length = intervals[read].length - mixed;
            let steps = witness.parts.as_mut().expect("there are intervals");
            steps[0].set(at, start);
            steps[1].set(at, length);
            let z = position - start;
            for (limb, value) in [(0, z), (1, 0), (2, length - 1 - z), (3, 0)] {
                relimb(&mut witness, limb, at, field(value));
            }
            // The accumulator is the same, and the interval as long as is said: but z, or what it is short of, is
            // no limb.
            assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
        }
    }
}
