//! Chooses layouts: k, lanes of weights, limbs, table length.

use super::rows::{Draft, Layout, Room};
use crate::circuit::shape::{
    ABREAST, COMMITTED_LANES, FOLDS, LANES, LARGEST_K, LIMBS, SHORTEST_TABLE, SMALLEST_K, Shape,
    WIDEST, WIDEST_COMMITTED, longest_table,
};
use crate::circuit::table::fits::{self, Fitted, SHARES, Slope};
use crate::circuit::wiring::{NATURAL_LIMBS, Net};
use crate::circuit::{CircuitError, Goal, Needs, Wishes, cost::Cost, hashes, parallel};
use std::{collections::HashMap, sync::Arc};

/// How many table lengths are tried per k and limb count before intervals take over where no line is.
const TABLE_LENGTHS_TRIED: usize = 40;

/// How many k are tried for each layout from the first that fits on.
const TABLES_TRIED: usize = 3;

/// A layout for a net.
#[derive(Clone, Debug)]
pub struct Plan {
    /// log₂ of the number of rows.
    pub k: u32,
    /// The circuit's shape.
    pub shape: Shape,
    /// What each row is.
    pub layout: Arc<Layout>,
    /// The net's integers for this shape.
    pub fitted: Arc<Fitted>,
}

/// A plan whose rows are not made yet.
#[derive(Clone, Debug)]
struct Choice {
    k: u32,
    shape: Shape,
    fitted: Arc<Fitted>,
}

impl Choice {
    /// The one whose own figure is least for a goal; among equal ones, what else it costs counts.
    fn best(choices: &[Self], goal: Goal, cost_of: fn(&Shape, u32) -> Cost) -> &Self {
        let cost = |choice: &Self| cost_of(&choice.shape, choice.k);
        let by_figures = |one: &&Self, other: &&Self| {
            let [one, other] = [cost(one), cost(other)];
            let by_figure = one.figure(goal).total_cmp(&other.figure(goal));
            by_figure.then(one.weighed(goal).total_cmp(&other.weighed(goal)))
        };
        choices.iter().min_by(by_figures).expect("there is a choice for each goal")
    }

    /// Makes the rows, unless a layout that is known has them: those by the room of a row.
    fn lay(&self, net: &Net, known: &mut Vec<(Room, Arc<Layout>)>) -> Plan {
        let Self { k, shape, fitted } = self.clone();
        let own = shape.room();
        let is_same =
            |(lanes, layout): &&(Room, Arc<Layout>)| *lanes == own && layout.menus == shape.menus;
        let layout = match known.iter().find(is_same) {
            Some((_, layout)) => Arc::clone(layout),
            None => {
                let layout = Layout::new(net, own, &shape.menus);
                let layout = Arc::new(layout.expect("it is as long as its draft"));
                known.push((own, Arc::clone(&layout)));
                layout
            }
        };
        Plan { k, shape, layout, fitted }
    }
}

impl Plan {
    /// The best layout for each goal, in the order of [`Goal::ALL`]. All compare the same ones, and each takes the one
    /// of those for all goals whose own figure is least: none is served better by another one's plan.
    pub fn all(net: &Net, wishes: Wishes) -> Result<[Self; Goal::ALL.len()], CircuitError> {
        let largest = wishes.k.or(wishes.max_k).unwrap_or(LARGEST_K).min(LARGEST_K);
        let least = wishes.k.unwrap_or(SMALLEST_K).max(SMALLEST_K);
        CircuitError::check(Layout::needs(net))?;
        let cost_of = if wishes.packed { Cost::packed } else { Cost::new };
        let mut fits = Fits::new(net)?;
        let mut best: [Option<(f64, Choice)>; Goal::ALL.len()] = Default::default();
        let mut needed: Option<u32> = None;
        let own = Shape { limbs: fits.least_limbs(), ..Shape::of_net(net) };
        let mut fewest: HashMap<usize, usize> = HashMap::new();
        for room in rooms(net, own.least_lanes(), wishes.abreast) {
            let Room { known: lanes, committed: weight_lanes, values: abreast } = room;
            // More values take more columns: they are worth it only where the domain is shorter then.
            let known = best.iter().map(|best| best.as_ref().map(|(_, choice)| choice.k));
            let longest = known.collect::<Option<Vec<u32>>>().and_then(|k| k.into_iter().max());
            if let (Some(k), None, 2..) = (longest, wishes.abreast, abreast) {
                let widest = Room { known: WIDEST, committed: WIDEST_COMMITTED, values: abreast };
                let rows = fewest.entry(abreast).or_insert_with(|| {
                    let drafts = Layout::drafts(net, widest);
                    drafts.iter().map(|draft| draft.rows).min().unwrap_or(usize::MAX)
                });
                if k <= least || *rows > longest_table(k - 1, 1) {
                    continue;
                }
            }
            for Draft { menus, rows, known, apart } in Layout::drafts(net, room) {
                let may_fold = !wishes.packed && own.links.is_empty();
                for fold in FOLDS.into_iter().filter(|&fold| fold == 1 || may_fold) {
                    let menus = menus.clone();
                    let mut bare =
                        Shape { fold, lanes, weight_lanes, menus, abreast, apart, ..own.clone() };
                    bare.narrow(known);
                    let mut tried = 0;
                    for k in least..=LARGEST_K {
                        let longest = longest_table(k, fold);
                        // Intervals and limbs only cost more.
                        let cost = cost_of(&bare, k);
                        let is_cheaper = |(goal, best): (Goal, &Option<(f64, Choice)>)| {
                            best.as_ref().is_none_or(|(least, _)| cost.weighed(goal) < *least)
                        };
                        let is_cheaper = Goal::ALL.into_iter().zip(&best).any(is_cheaper);
                        if rows.max(SHORTEST_TABLE) > longest || !is_cheaper {
                            continue;
                        }
                        let Some(last) = own.last_row(k).filter(|&last| last <= longest) else {
                            continue;
                        };
                        let Some(fitted) = fits.longest(longest, rows.max(last)) else { continue };
                        let mut shape = bare.fitted(&fitted);
                        shape.narrow(known);
                        if (shape.least_lanes()..=WIDEST).contains(&shape.lanes) {
                            needed = Some(needed.map_or(k, |needed| needed.min(k)));
                            let cost = cost_of(&shape, k);
                            for (goal, best) in Goal::ALL.into_iter().zip(&mut best) {
                                let cost = cost.weighed(goal);
                                if k <= largest
                                    && best.as_ref().is_none_or(|(least, _)| cost < *least)
                                {
                                    let (shape, fitted) = (shape.clone(), fitted.clone());
                                    *best = Some((cost, Choice { k, shape, fitted }));
                                }
                            }
                        }
                        // A longer table may make do without intervals, but not with fewer columns than that.
                        let is_plain = fitted.intervals.is_none() && fitted.limbs == own.limbs;
                        tried += 1;
                        if k > largest || is_plain || tried == TABLES_TRIED {
                            break;
                        }
                    }
                }
            }
        }
        match (best, needed) {
            ([Some(speed), Some(gas), Some(memory)], _) => {
                let all = [speed, gas, memory].map(|(_, choice)| choice);
                let mut layouts: Vec<(Room, Arc<Layout>)> = Vec::new();
                Ok(Goal::ALL.map(|goal| Choice::best(&all, goal, cost_of).lay(net, &mut layouts)))
            }
            (_, Some(needed)) => {
                let needs = Box::new(Needs::of_net(net));
                Err(CircuitError::TooManyRows { needed, wish: largest, needs })
            }
            (_, None) => {
                let needs = fits.needs.at_least(longest_table(LARGEST_K, 1) + 1);
                Err(CircuitError::LongTable(Box::new(needs)))
            }
        }
    }

    /// The best layout for one goal.
    #[cfg(test)]
    pub fn new(net: &Net, wishes: Wishes) -> Result<Self, CircuitError> {
        Ok(Self::all(net, wishes)?[wishes.goal as usize].clone())
    }

    /// The plan that an earlier one was written down as: only if it fits the net.
    pub fn restore(net: &Net, k: u32, shape: &Shape) -> Option<Self> {
        if !shape.is_possible(k) {
            return None;
        }
        let (layout, slopes) = parallel::both(
            || Layout::restore(net, shape.room(), &shape.menus),
            || fits::slopes(&net.rules),
        );
        let layout = layout?;
        // Every row of a possible shape's links is one of the table's.
        let fits = shape.table_rows >= net.shortest_table().max(layout.rows.len())
            && (shape.limbs >= NATURAL_LIMBS || !net.has_vectors());
        let fitted = std::iter::once(None)
            .chain(SHARES.map(Some))
            .filter(|_| fits)
            .find_map(|may| Fitted::new(net, &slopes, shape.table_rows, shape.limbs, may))?;
        let fitted = Arc::new(fitted);
        let bare = Shape {
            fold: shape.fold,
            lanes: shape.lanes,
            weight_lanes: shape.weight_lanes,
            menus: layout.menus.clone(),
            abreast: shape.abreast,
            apart: layout.apart,
            ..Shape::of_net(net)
        };
        let same = bare.fitted(&fitted) == *shape
            && (net.committed_weights > 0) == (shape.weight_lanes > 0);
        same.then(|| Self { k, shape: shape.clone(), layout: Arc::new(layout), fitted })
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        // Row 0 comes before the first.
        self.layout.rows.len().max(hashes::last_row(&self.shape.hashes) + 1)
    }
}

impl Shape {
    /// Leaves as many lanes as there is something for, where weights are committed: of those that are known rows have so many.
    /// With other lanes than the widest row's, and no fewer, rows are the same.
    fn narrow(&mut self, known: usize) {
        if self.commits_weights() {
            self.lanes = self.least_lanes().max(known);
        }
    }

    /// The shape with what follows from the rules' arithmetic.
    fn fitted(&self, fitted: &Fitted) -> Self {
        Self {
            limbs: fitted.limbs,
            table_rows: fitted.table_rows,
            intervals: fitted.intervals.is_some(),
            ..self.clone()
        }
    }
}

/// The room of rows that layouts are compared with, `least` lanes being needed for what else is fixed: of so many values, if
/// they are wished for.
fn rooms(net: &Net, least: usize, wish: Option<usize>) -> Vec<Room> {
    let committed = if net.committed_weights == 0 { &[0][..] } else { &COMMITTED_LANES };
    let values: Vec<usize> = match wish {
        _ if !net.sums_words => vec![1],
        Some(values) => vec![values],
        None => ABREAST.to_vec(),
    };
    let rooms = |values: usize| {
        // Of rows of several values fewer are weights: every other number of lanes will do. Where weights are committed few are
        // known, and lanes follow from them.
        let (least, step) = match (net.committed_weights, values) {
            (0, 1) => (least, 1),
            (0, _) => (least, 2),
            _ => (0, 4),
        };
        let known = LANES.into_iter().filter(move |&lanes| lanes >= least).step_by(step);
        known.flat_map(move |known| {
            committed.iter().map(move |&committed| Room { known, committed, values })
        })
    };
    values.into_iter().flat_map(rooms).collect()
}

/// A net's rules for all table lengths that layouts ask for: many of them ask for the same.
struct Fits<'a> {
    net: &'a Net,
    slopes: Vec<Option<Slope>>,
    /// What any table of the net has.
    needs: Needs,
    shortest: usize,
    /// By the shortest and the longest table.
    known: HashMap<(usize, usize), Option<Arc<Fitted>>>,
}

impl<'a> Fits<'a> {
    /// Refuses functions that no table has room for.
    fn new(net: &'a Net) -> Result<Self, CircuitError> {
        let slopes = fits::slopes(&net.rules);
        let needs = Needs::of_table(net, &slopes);
        if !needs.fit() {
            return Err(CircuitError::LongTable(Box::new(needs)));
        }
        let shortest = net.shortest_table().max(SHORTEST_TABLE).max(needs.rows);
        Ok(Self { net, slopes, needs, shortest, known: HashMap::new() })
    }

    fn least_limbs(&self) -> usize {
        if self.net.has_vectors() { NATURAL_LIMBS } else { LIMBS[0] }
    }

    /// A table of at least `rows` and as long as can be that the rules fit, with as few limbs and intervals as
    /// can be.
    fn longest(&mut self, longest: usize, rows: usize) -> Option<Arc<Fitted>> {
        let least_limbs = self.least_limbs();
        let least = self.shortest.max(rows);
        if least > longest {
            return None;
        }
        let shortest = least.max((longest + 1).saturating_sub(TABLE_LENGTHS_TRIED));
        let fit = || {
            let new = |length, limbs, may_step| {
                Fitted::new(self.net, &self.slopes, length, limbs, may_step).map(Arc::new)
            };
            let limbs = LIMBS.into_iter().filter(|&limbs| limbs >= least_limbs);
            let lengths = || (shortest..=longest).rev();
            let most = LIMBS[LIMBS.len() - 1];
            limbs
                .flat_map(|limbs| lengths().map(move |length| (length, limbs)))
                .find_map(|(length, limbs)| new(length, limbs, None))
                .or_else(|| SHARES.into_iter().find_map(|share| new(longest, most, Some(share))))
        };
        self.known.entry((shortest, longest)).or_insert_with(fit).clone()
    }
}

#[cfg(test)]
mod tests;
