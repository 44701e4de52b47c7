//! Models cut into parts, each of which is proved by itself.
//!
//! A cut lies between two nodes. What nodes before it make and nodes behind it take crosses it, and is told to the
//! parts behind under a commitment: the part that makes it has it as an output, each part that takes it as an input.

use super::{Graph, Model, ModelError, Port, TensorId};
use std::ops::Range;

/// Tensors that may cross a cut: a part has no more commitments on either side than proofs can be linked to.
const MOST_CROSSING: usize = 2;

/// One of a model's parts.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its nodes, by position in the graph.
    pub nodes: Range<usize>,
    /// The part as a model by itself.
    pub model: Model,
    /// Which of the tensors that cross cuts, numbered in the order in which they are made, are its inputs. Those of the
    /// first part are the model's.
    pub takes: Vec<usize>,
    /// Which of them are its outputs. Those of the last part are the model's.
    pub gives: Vec<usize>,
}

impl Model {
    /// The tensors that cross a cut before a node. None where the model cannot be cut: the first part has to take
    /// all inputs, the last to give all outputs, and few tensors may cross.
    pub fn crossing(&self, before: usize) -> Option<Vec<TensorId>> {
        let Graph { tensors, nodes } = &self.graph;
        if !(1..nodes.len()).contains(&before) {
            return None;
        }
        let mut is_made = vec![false; tensors.len()];
        nodes[..before].iter().for_each(|node| is_made[node.output.0] = true);
        if self.outputs.iter().any(|port| is_made[port.tensor.0]) {
            return None;
        }
        let mut crossing: Vec<TensorId> =
            nodes[before..].iter().flat_map(|node| node.inputs.iter().copied()).collect();
        crossing.sort_unstable();
        crossing.dedup();
        let is_own = |port: &Port| crossing.contains(&port.tensor);
        let is_input = self.inputs.iter().any(is_own)
            || self
                .outputs
                .iter()
                .any(|output| self.inputs.iter().any(|input| input.tensor == output.tensor));
        crossing.retain(|tensor| is_made[tensor.0]);
        let fits = !is_input && (1..=MOST_CROSSING).contains(&crossing.len());
        fits.then_some(crossing)
    }

    /// The parts between cuts before these nodes, ascending; none at all is the whole.
    pub fn cut(&self, before: &[usize]) -> Result<Vec<Part>, ModelError> {
        let refused =
            |before: usize, reason: &str| ModelError::Cut { before, reason: reason.into() };
        let mut tensors: Vec<TensorId> = Vec::new();
        for (number, &at) in before.iter().enumerate() {
            if number > 0 && before[number - 1] >= at {
                return Err(refused(at, "it does not come behind the one before it"));
            }
            let crossing = self.crossing(at).ok_or_else(|| {
                refused(at, "more crosses it than a few tensors that nodes before it make")
            })?;
            let new: Vec<TensorId> =
                crossing.into_iter().filter(|tensor| !tensors.contains(tensor)).collect();
            tensors.extend(new);
        }
        let nodes = &self.graph.nodes;
        let maker = |tensor: &TensorId| nodes.iter().position(|node| node.output == *tensor);
        tensors.sort_by_key(maker);
        let name = |tensor: &TensorId| &self.graph.tensors[tensor.0].name;
        let is_twice = |(number, tensor): (usize, &TensorId)| {
            let ports = self.inputs.iter().chain(&self.outputs).map(|port| &port.name);
            tensors[..number].iter().map(name).chain(ports).any(|other| other == name(tensor))
        };
        if let Some(tensor) = tensors.iter().enumerate().find(|own| is_twice(*own)) {
            let reason = format!("two tensors are called `{}`", name(tensor.1));
            return Err(ModelError::Cut { before: before[0], reason });
        }
        let starts = std::iter::once(0).chain(before.iter().copied());
        let ends = before.iter().copied().chain([nodes.len()]);
        Ok(starts.zip(ends).map(|(start, end)| self.part(start..end, &tensors)).collect())
    }

    /// The part of these nodes; `crossing` are all tensors that cross cuts.
    fn part(&self, nodes: Range<usize>, crossing: &[TensorId]) -> Part {
        let own = &self.graph.nodes[nodes.clone()];
        let makes = |tensor: &TensorId| own.iter().any(|node| node.output == *tensor);
        let takes = |tensor: &TensorId| own.iter().any(|node| node.inputs.contains(tensor));
        let numbers = |is_one: &dyn Fn(&TensorId) -> bool| -> Vec<usize> {
            (0..crossing.len()).filter(|&number| is_one(&crossing[number])).collect()
        };
        let port = |&number: &usize| Port {
            name: self.graph.tensors[crossing[number].0].name.clone(),
            tensor: crossing[number],
            is_float: false,
            preparation: None,
            labels: Vec::new(),
        };
        let gives = numbers(&makes);
        let takes = numbers(&|tensor| takes(tensor) && !makes(tensor));
        let [is_first, is_last] = [nodes.start == 0, nodes.end == self.graph.nodes.len()];
        let ports = |is_end: bool, ports: &[Port], others: &[usize]| {
            if is_end { ports.to_vec() } else { others.iter().map(port).collect() }
        };
        let model = Self {
            name: self.name.clone(),
            inputs: ports(is_first, &self.inputs, &takes),
            outputs: ports(is_last, &self.outputs, &gives),
            graph: Graph { tensors: self.graph.tensors.clone(), nodes: own.to_vec() },
        };
        Part { nodes, model, takes, gives }
    }

    /// The narrowest places to cut at: no fewer elements cross before or behind the node next to it.
    fn narrow_cuts(&self) -> Vec<usize> {
        let width = |before: usize| {
            let tensors = self.crossing(before)?;
            Some(tensors.iter().map(|tensor| self.graph.tensors[tensor.0].len()).sum::<usize>())
        };
        let widths: Vec<Option<usize>> = (0..=self.graph.nodes.len()).map(width).collect();
        let is_narrow = |&before: &usize| {
            let beside = [before.checked_sub(1), Some(before + 1)];
            let beside = beside.into_iter().flatten().filter_map(|at| *widths.get(at)?);
            widths[before].is_some_and(|own| beside.into_iter().all(|other| own <= other))
        };
        (0..widths.len()).filter(is_narrow).collect()
    }

    /// Cuts into so many parts, the dearest of which is as cheap as can be: parameters cost, and elements of
    /// tensors. None if there are not as many narrow places.
    pub fn cuts_into(&self, parts: usize) -> Option<Vec<usize>> {
        /// Weights of a row are many more than elements.
        const WEIGHTS_PER_ELEMENT: usize = 8;
        let cost = |range: Range<usize>| -> usize {
            let nodes = &self.graph.nodes[range];
            let of = |node: &super::Node| {
                let elements = self.graph.tensors[node.output.0].len();
                node.origin.parameters + WEIGHTS_PER_ELEMENT * elements
            };
            nodes.iter().map(of).sum()
        };
        let mut places = vec![0];
        places.extend(self.narrow_cuts());
        places.push(self.graph.nodes.len());
        // best[i]: the least cost of the dearest part so far, where one ends at place i, and where it begins.
        let mut best: Vec<Option<usize>> =
            places.iter().map(|&at| (at == 0).then_some(0)).collect();
        let mut froms: Vec<Vec<usize>> = Vec::new();
        for _ in 0..parts {
            let mut next = vec![None; places.len()];
            let mut from = vec![0; places.len()];
            for end in 1..places.len() {
                let ways = (0..end).filter_map(|start| {
                    Some((best[start]?.max(cost(places[start]..places[end])), start))
                });
                if let Some((least, start)) = ways.min() {
                    (next[end], from[end]) = (Some(least), start);
                }
            }
            best = next;
            froms.push(from);
        }
        best.last().copied().flatten()?;
        let mut at = places.len() - 1;
        let mut cuts: Vec<usize> = froms
            .iter()
            .rev()
            .map(|from| {
                at = from[at];
                places[at]
            })
            .collect();
        cuts.pop();
        cuts.reverse();
        Some(cuts)
    }

    /// The fewest cuts whose parts all fit: each part is as long as can be, and ends at a narrow place if it can. None if a part
    /// between two places next to each other does not fit; asked is with a part, its number and whether it is the last. That what is in a part that fits does fit is taken for granted.
    pub fn cuts_that_fit<E>(
        &self,
        mut fits: impl FnMut(&Part, usize, bool) -> Result<bool, E>,
    ) -> Result<Option<Vec<usize>>, E> {
        let end = self.graph.nodes.len();
        let all: Vec<usize> = (1..end).filter(|&at| self.crossing(at).is_some()).collect();
        'places: for mut places in [self.narrow_cuts(), all] {
            places.push(end);
            let mut cuts: Vec<usize> = Vec::new();
            loop {
                let start = cuts.last().copied().unwrap_or(0);
                let rest: Vec<usize> = places.iter().copied().filter(|&at| at > start).collect();
                // How many of the rest surely fit, and how many surely do not.
                let (mut fit, mut too_many) = (0, rest.len() + 1);
                while fit + 1 < too_many {
                    // The whole rest is what everybody hopes for.
                    let tried =
                        if too_many > rest.len() { rest.len() } else { fit.midpoint(too_many) };
                    let cut = [&cuts[..], &rest[tried - 1..tried]].concat();
                    let cut: Vec<usize> = cut.into_iter().filter(|&at| at < end).collect();
                    let is_fit = match self.cut(&cut) {
                        Ok(parts) => {
                            fits(&parts[cuts.len()], cuts.len(), parts.len() == cuts.len() + 1)?
                        }
                        Err(_) => false,
                    };
                    if is_fit { fit = tried } else { too_many = tried }
                }
                match fit.checked_sub(1).map(|last| rest[last]) {
                    None => continue 'places,
                    Some(at) if at == end => return Ok(Some(cuts)),
                    Some(at) => cuts.push(at),
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
