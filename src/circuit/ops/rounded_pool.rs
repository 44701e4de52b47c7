//! Average pools whose float32 additions round, see [`float_sum`](crate::circuit::relations::float_sum).

use super::{
    lowering::{Lowering, alike, constant},
    rules::clamp,
    windows::{count_seen, phases, planes_of, seen_taps, shifts},
};
use crate::circuit::{
    CircuitError, Needs,
    shape::most_abreast,
    table::rules::{Levels, Rises, Rule},
    wiring::{Cell, Kind, Place, Run, Scan, index},
};
use crate::model::{AveragePool, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sums stay below this; float64 has them exactly.
const LARGEST_SUM: i64 = 1 << 50;

/// The terms of float32 sums, as integers.
#[derive(Clone, Debug)]
struct Terms {
    /// What 1 stands for.
    unit: f64,
    /// By byte.
    terms: Vec<i64>,
}

impl Terms {
    /// The terms of bytes with a zero point; `None` for scales so small or large that floats lose bits or
    /// overflow, and windows of so many elements that float64 does.
    fn new(scale: f32, zero: i32, elements: usize) -> Option<Self> {
        if !(1e-30..1e30).contains(&scale) {
            return None;
        }
        // The last of the 24 bits of a float32 with this exponent.
        let exponent = (scale.to_bits() >> 23).cast_signed() - 127 - 23;
        let unit = 2_f64.powi(exponent);
        let term = |byte: i32| {
            // As `AveragePool::apply` does.
            #[allow(clippy::cast_precision_loss)]
            let term = (byte - zero) as f32 * scale;
            let term = f64::from(term) / unit;
            #[allow(clippy::cast_possible_truncation)]
            let integer = term as i64;
            #[allow(clippy::cast_precision_loss, clippy::float_cmp)]
            let is_exact = integer as f64 == term;
            is_exact.then_some(integer)
        };
        let terms = (0..256).map(term).collect::<Option<Vec<i64>>>()?;
        let elements = i64::try_from(elements).ok()?;
        let most = terms.iter().map(|term| term.abs()).max()?.checked_mul(elements)?;
        (most < LARGEST_SUM).then_some(Self { unit, terms })
    }

    fn least(&self) -> i64 {
        self.terms[0]
    }

    /// Whether float32 adds so many terms without ever rounding one.
    fn is_exact(&self, elements: usize) -> bool {
        let all = self.terms.iter().fold(0, |all, term| all | term);
        let elements = i64::try_from(elements).expect("windows are small");
        let most = self.terms.iter().map(|term| term.abs()).max().unwrap_or(0) * elements;
        most >> all.trailing_zeros().min(62) < 1 << 24
    }

    /// The real number, rounded to float32, that a sum stands for.
    fn real(&self, sum: i64) -> f32 {
        // Sums have 50 bits and units are powers of two: only the last step rounds.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let real = (sum as f64 * self.unit) as f32;
        real
    }

    fn rounded(&self, sum: i64) -> i64 {
        #[allow(clippy::cast_possible_truncation)]
        let rounded = (f64::from(self.real(sum)) / self.unit) as i64;
        rounded
    }

    /// The least and the greatest of the sums that are rounded, if there are any, and of the last ones.
    /// Rounding is monotone, and a byte of 0 or more stands for 0.
    fn reach(&self, elements: usize) -> (Option<[i64; 2]>, [i64; 2]) {
        let (mut ends, mut reach) = ([0; 2], None);
        let terms = [self.terms[0], self.terms[255]];
        for element in 1..=elements {
            ends = [ends[0] + terms[0], ends[1] + terms[1]];
            if (2..elements).contains(&element) {
                let [low, high]: [i64; 2] = reach.unwrap_or(ends);
                reach = Some([low.min(ends[0]), high.max(ends[1])]);
            }
            if element < elements {
                ends = ends.map(|end| self.rounded(end));
            }
        }
        (reach, ends)
    }
}

/// The output for a sum of centred elements of a window that sees `seen`, if it is the same however the
/// sum is made up.
pub fn of_sum(pool: &AveragePool, zero: i32, sum: i32, seen: usize) -> Option<i32> {
    let certain = pool.of_sum(sum, seen);
    certain.or_else(|| {
        Terms::new(pool.mean.scale, zero, seen).filter(|terms| terms.is_exact(seen))?;
        #[allow(clippy::cast_precision_loss)]
        let real = sum as f32 * pool.mean.scale;
        Some(pool.mean.of_real(real, divisor(pool, seen)))
    })
}

fn divisor(pool: &AveragePool, seen: usize) -> usize {
    if pool.count_include_pad { pool.window.len() } else { seen }
}

/// How many elements each window sees, in order.
fn seen(pool: &AveragePool) -> impl Iterator<Item = usize> + '_ {
    let [height, width] = pool.window.output;
    (0..height * width).map(move |i| count_seen(&pool.window, [i / width, i % width]))
}

impl Lowering<'_> {
    /// Whether float32's additions decide some output of a pool.
    pub(super) fn is_rounded(&self, node: &Node, pool: &AveragePool) -> bool {
        let zero = self.zero_byte(node.inputs[0]);
        let mut counts: Vec<usize> = seen(pool).collect();
        counts.sort_unstable();
        counts.dedup();
        counts.into_iter().any(|seen| {
            let count = i32::try_from(seen).expect("windows are small");
            (-zero * count..=(255 - zero) * count)
                .any(|sum| of_sum(pool, zero, sum, seen).is_none())
        })
    }

    /// A pool whose every addition is rounded.
    pub(super) fn rounded_pool(
        &mut self,
        node: &Node,
        pool: &AveragePool,
    ) -> Result<usize, CircuitError> {
        let window = &pool.window;
        let zero = self.zero_byte(node.inputs[0]);
        let rounded_sum = || CircuitError::RoundedSum { node: node.name.clone(), sum: 0 };
        let terms = Terms::new(pool.mean.scale, zero, window.len()).ok_or_else(rounded_sum)?;
        // A mean of nothing is not a number.
        if seen(pool).any(|seen| divisor(pool, seen) == 0) {
            return Err(rounded_sum());
        }
        let scan = self.wish(node).expect("an AveragePool has one");
        let source = self.terms(node, &terms, scan);
        let (reach, ends) = terms.reach(window.len());
        if let Some(reach) = reach {
            let [low, high] = reach.map(i128::from);
            let all = self.net.float_sums.unwrap_or((low, high));
            self.net.float_sums = Some((all.0.min(low), all.1.max(high)));
        }
        // The first row of a window makes two terms.
        let rows = window.len().max(2) - 1;
        let [_, width] = window.output;
        let mut rules: BTreeMap<usize, u32> = BTreeMap::new();
        let mut cells = Vec::new();
        let outputs = window.output[0] * width;
        let members = self.members(pool.planes);
        let planes = pool.planes / members.count();
        // Before they are made.
        let values = most_abreast(self.net.sums_words);
        CircuitError::check(Needs::of_rows(&node.name, pool.planes * outputs * rows / values))?;
        for (plane, output) in (0..pool.planes).flat_map(|p| (0..outputs).map(move |o| (p, o))) {
            let (row, column) = (output / width, output % width);
            let (member, own) = members.of_plane(plane, pool.planes);
            let mut seen = vec![0_i64; rows];
            for tap in seen_taps(window, [row, column]) {
                seen[row_of(tap)] += 1;
            }
            let count = usize::try_from(seen.iter().sum::<i64>()).expect("a count");
            let count = divisor(pool, count);
            let rule = match rules.get(&count) {
                Some(&rule) => rule,
                None => {
                    let rule = self.mean(node, pool, &terms, count, ends);
                    rules.insert(count, rule);
                    rule
                }
            };
            for (step, seen) in seen.into_iter().enumerate() {
                let bias = seen * terms.least();
                let is_last = step + 1 == rows;
                let kind = match (is_last, step > 0) {
                    (true, false) => Kind::Made { rule, bias },
                    (true, true) => Kind::Average { rule, bias },
                    (false, goes_on) => Kind::Adds { bias, goes_on },
                };
                cells.push(Cell {
                    kind,
                    place: Some(Place {
                        omega: index(own * rows + step),
                        at: members.at(member, [column, row]),
                    }),
                    element: is_last.then_some(index(plane * outputs + output)),
                });
            }
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            if scan == Scan::Flat {
                // The only window sees the whole plane.
                let (plane, tap) = (run / window.len(), run % window.len());
                let (member, own) = members.of_plane(plane, pool.planes);
                return vec![(index(own * rows + row_of(tap)), members.at(member, [0, 0]), 1)];
            }
            let (plane, phase) = (run / phases.len() % planes, phases[run % phases.len()]);
            let omega = |tap: usize| index(plane * rows + row_of(tap));
            let shifts = shifts(window, phase).into_iter();
            shifts.map(|(tap, at)| (omega(tap), members.shift(at), 1)).collect()
        };
        let natural = planes_of(window.output, members);
        let omegas = planes * rows;
        Ok(self.linear_groups(node, source, taps, omegas, alike(cells, rows), natural))
    }

    /// A block of the pool's input as terms, minus the least: its own if nothing else takes it, or a copy.
    fn terms(&mut self, node: &Node, terms: &Terms, scan: Scan) -> usize {
        let input = node.inputs[0];
        let value = |&term: &i64| {
            u32::try_from(term - terms.least())
                .expect("terms of bytes have 32 bits and are monotone")
        };
        let values = Some(Arc::new(terms.terms.iter().map(value).collect::<Vec<u32>>()));
        let own = self.own_rules(input).filter(|&(block, _)| self.net.blocks[block].scan == scan);
        if let Some((block, rules)) = own {
            for rule in rules {
                self.net.rules[rule as usize].values = values.clone();
            }
            return block;
        }
        let rule = self.rule(Rule {
            range: (0, 255),
            levels: Levels::Table((0..=255).collect()),
            activation: clamp((0, 255)),
            values,
        });
        let sources = self.sources(input);
        let (places, border_cells) = self.read(&sources);
        let cells =
            sources.iter().zip(places).enumerate().map(|(element, (&source, place))| Cell {
                kind: Kind::Made { rule, bias: constant(source).into() },
                place: Some(place),
                element: Some(index(element)),
            });
        let block = self.block(&node.name, sources.len(), scan, cells.collect(), 1);
        self.border_cell(block, border_cells);
        block
    }

    /// From the last sum, not yet rounded, to the mean.
    fn mean(
        &mut self,
        node: &Node,
        pool: &AveragePool,
        terms: &Terms,
        count: usize,
        [low, high]: [i64; 2],
    ) -> u32 {
        let base = self.base(node.output);
        let level = |sum| pool.mean.of_real(terms.real(sum), count) - base;
        let mut rises = vec![(i128::from(low), i128::from(level(low)))];
        for next in level(low) + 1..=level(high) {
            // `level` is below `next` at the one and not at the other.
            let (mut below, mut reached) = (low, high);
            while reached - below > 1 {
                let middle = below.midpoint(reached);
                if level(middle) < next { below = middle } else { reached = middle }
            }
            rises.push((i128::from(reached), i128::from(next)));
        }
        let range = (i128::from(low), i128::from(high));
        let function = self.add_function(Rises { range, rises });
        self.rule(Rule {
            range: (low, high),
            levels: Levels::Rises(function),
            activation: clamp((pool.mean.min - base, pool.mean.max - base)),
            values: None,
        })
    }
}

/// Which of a window's rows makes the term of a tap.
fn row_of(tap: usize) -> usize {
    tap.saturating_sub(1)
}
