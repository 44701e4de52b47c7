//! Which columns share a pack, and where they are opened.

use super::Error;
use super::link::{self, Link};
use super::named::Named;
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::ConstraintSystem,
};

/// A column in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Of advice, or fixed.
    pub column: usize,
    /// The slot holds f(ω^rotation·X), f being the column. Advice is in its slot as it is, with 0.
    pub rotation: i32,
}

/// Columns that share a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack {
    /// Slots, in use or not.
    pub width: usize,
    /// Those in use: the first.
    pub slots: Vec<Slot>,
    /// All slots are opened at x·ω^r for each of these, which ascend.
    pub rotations: Vec<i32>,
}

impl Pack {
    /// Evaluations that a proof has of it.
    pub fn evaluations(&self) -> usize {
        self.slots.len() * self.rotations.len()
    }
}

/// What is committed to before challenges are drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phase {
    /// Of advice.
    pub packs: Vec<Pack>,
    /// Drawn afterwards, in this order.
    pub challenges: Vec<usize>,
}

/// A challenge that is not drawn: it is `Σᵢ vᵢ·(factor·point)ⁱ`, v₀, v₁, … being the values of an instance column from
/// `first` on. A verifier adds an instance to it for a fraction of what it takes to interpolate the column there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceSum {
    /// Its number among the challenges.
    pub challenge: usize,
    /// Of instances.
    pub column: usize,
    /// The first of its values that is added.
    pub first: usize,
    /// What the point is multiplied with.
    pub factor: Fr,
    /// The number of a challenge that is drawn.
    pub point: usize,
}

impl InstanceSum {
    /// What it is, with the values of its column.
    pub(super) fn value(&self, column: &[Fr], challenges: impl Fn(usize) -> Fr) -> Fr {
        horner(&column[self.first..], self.factor * challenges(self.point))
    }
}

/// What is public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instances {
    /// How many values each instance column has.
    pub counts: Vec<usize>,
    /// What gates see of them beside the columns.
    pub sums: Vec<InstanceSum>,
    /// Columns that hold the words of commitments, which instances name.
    pub links: Vec<Link>,
    /// Fixed columns that no key commits to, but a proof, as an instance names.
    pub named: Option<Named>,
}

impl Instances {
    /// Columns of so many values, which gates look at as they are.
    pub fn of_columns(counts: &[usize]) -> Self {
        Self { counts: counts.to_vec(), ..Self::default() }
    }

    /// Whether sums are of what is there.
    pub(super) fn are_known(&self, is_drawn: impl Fn(&usize) -> bool) -> bool {
        self.sums.iter().all(|sum| {
            let values = self.counts.get(sum.column);
            values.is_some_and(|&count| sum.first <= count) && is_drawn(&sum.point)
        })
    }
}

/// Σ valueᵢ·pointⁱ.
pub fn horner(values: &[Fr], point: Fr) -> Fr {
    values.iter().rev().fold(Fr::ZERO, |sum, value| sum * point + value)
}

/// What proofs consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// log₂ of the rows.
    pub k: u32,
    /// What is public.
    pub instances: Instances,
    /// Of advice.
    pub phases: Vec<Phase>,
    /// Packs of fixed columns.
    pub key: Vec<Pack>,
    /// Packs of named columns.
    pub named: Vec<Pack>,
}

/// How many columns share a commitment at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widths {
    /// Of each phase's packs.
    pub phases: Vec<usize>,
    /// Of the key's.
    pub key: usize,
}

impl Widths {
    /// Slots of the widest pack.
    pub const LARGEST: usize = 1 << 12;

    /// The same width for all packs of a circuit.
    pub fn all(system: &ConstraintSystem<Fr>, width: usize) -> Self {
        Self { phases: vec![width; phases(system)], key: width }
    }
}

impl Layout {
    /// The widths that it was made with, as far as they show: of a phase without columns it is 1.
    pub fn widths(&self) -> Widths {
        let width = |packs: &[Pack]| packs.first().map_or(1, |pack| pack.width);
        let phases = self.phases.iter().map(|phase| width(&phase.packs)).collect();
        Widths { phases, key: width(&self.key) }
    }
}

/// Phases of a circuit.
fn phases(system: &ConstraintSystem<Fr>) -> usize {
    let advice = system.advice_column_phase().into_iter();
    usize::from(advice.chain(system.challenge_phase()).max().unwrap_or(0)) + 1
}

impl Layout {
    /// Packs the columns that gates look at, in their order.
    pub fn new(
        system: &ConstraintSystem<Fr>,
        k: u32,
        instances: &Instances,
        widths: &Widths,
    ) -> Result<Self, Error> {
        let count = phases(system);
        let bad = |width: &usize| !(1..=Widths::LARGEST).contains(width);
        if widths.phases.len() != count || widths.phases.iter().any(bad) || bad(&widths.key) {
            let given = widths.phases.iter().copied().chain([widths.key]).collect();
            return Err(Error::Widths { given, phases: count });
        }
        if instances.counts.len() != system.num_instance_columns() {
            return Err(crate::Error::Instances.into());
        }
        let (of_advice, of_challenge) = (system.advice_column_phase(), system.challenge_phase());
        let sums = || instances.sums.iter().map(|sum| sum.challenge);
        let is_drawn = |challenge: &usize| sums().all(|sum| sum != *challenge);
        let is_known = |challenge: &usize| *challenge < of_challenge.len() && is_drawn(challenge);
        // Each of them is a challenge of the circuit, and no two are the same.
        let drawn = (0..of_challenge.len()).filter(is_drawn).count();
        if drawn + sums().count() != of_challenge.len() || !instances.are_known(is_known) {
            return Err(crate::Error::Instances.into());
        }
        let members = |phases: &[u8], phase: usize| -> Vec<usize> {
            (0..phases.len()).filter(|&index| usize::from(phases[index]) == phase).collect()
        };
        let pack = |columns: &[usize], width: usize| {
            let queries = system.advice_queries().iter();
            let queries = queries.filter(|(column, _)| columns.contains(&column.index()));
            let mut rotations: Vec<i32> = queries.map(|(_, rotation)| rotation.0).collect();
            rotations.sort_unstable();
            rotations.dedup();
            if rotations.is_empty() {
                // A commitment that nobody opens says nothing, but its columns may be opened as all others.
                rotations.push(0);
            }
            let slots = columns.iter().map(|&column| Slot { column, rotation: 0 }).collect();
            Pack { width, slots, rotations }
        };
        let phase = |phase: usize| {
            let width = widths.phases[phase];
            let columns = members(&of_advice, phase);
            let packs = columns.chunks(width).map(|columns| pack(columns, width)).collect();
            let mut challenges = members(&of_challenge, phase);
            challenges.retain(is_drawn);
            Phase { packs, challenges }
        };
        let fixed = system.fixed_queries().iter();
        let fixed =
            fixed.map(|(column, rotation)| Slot { column: column.index(), rotation: rotation.0 });
        let named: &[usize] = instances.named.as_ref().map_or(&[], |named| &named.columns);
        let (mut named, fixed): (Vec<Slot>, Vec<Slot>) =
            fixed.partition(|slot| named.contains(&slot.column));
        named.sort_by_key(|slot| slot.column);
        let pack =
            |slots: &[Slot]| Pack { width: widths.key, slots: slots.to_vec(), rotations: vec![0] };
        let layout = Self {
            k,
            instances: instances.clone(),
            phases: (0..count).map(phase).collect(),
            key: fixed.chunks(widths.key).map(pack).collect(),
            named: named.chunks(widths.key).map(pack).collect(),
        };
        layout.check_links()?;
        layout.check_named()?;
        Ok(layout)
    }

    /// That every link is of what is there.
    pub(super) fn check_links(&self) -> Result<(), Error> {
        let first = self.phases.first().into_iter().flat_map(|phase| &phase.packs);
        let first: Vec<&Pack> = first.collect();
        let wrong = |link: &Link| {
            let holds = |pack: &&&Pack| pack.slots.iter().any(|slot| slot.column == link.column);
            let count = self.instances.counts.get(link.instance_column).copied();
            if !(link::SMALLEST..=self.k).contains(&link.class) {
                Some("its class is too small, or too large for the rows")
            } else if count.is_none_or(|count| link.number >= count) {
                Some("its name is an instance that is not there")
            } else {
                match first.iter().find(holds) {
                    None => Some("its column is not one of the first phase"),
                    Some(pack) if !pack.rotations.contains(&0) => {
                        Some("its column is not opened at x")
                    }
                    Some(_) => None,
                }
            }
        };
        let links = self.instances.links.iter().enumerate();
        let mut wrong = links.filter_map(|(link, of)| wrong(of).map(|what| (link, what)));
        wrong.next().map_or(Ok(()), |(link, what)| Err(Error::Link { link, what }))
    }

    /// That named columns are there, looked at on their own rows alone, and have a name.
    pub(super) fn check_named(&self) -> Result<(), Error> {
        let slots = || self.named.iter().flat_map(|pack| &pack.slots);
        let Some(named) = &self.instances.named else {
            return if self.named.is_empty() { Ok(()) } else { Err(Error::Named("no name")) };
        };
        let count = self.instances.counts.get(named.instance_column).copied();
        let columns = slots().map(|slot| slot.column);
        if named.columns.is_empty() || !columns.eq(named.columns.iter().copied()) {
            Err(Error::Named("not all of the columns, or one twice"))
        } else if slots().any(|slot| slot.rotation != 0) {
            Err(Error::Named("a column that is looked at from another row"))
        } else if count.is_none_or(|count| named.number >= count) {
            Err(Error::Named("a name that is not there"))
        } else {
            Ok(())
        }
    }

    /// Those of advice in the proof's order, then those of the key, then named ones.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> + Clone {
        self.phases.iter().flat_map(|phase| &phase.packs).chain(&self.key).chain(&self.named)
    }

    /// Packs of the proof.
    pub fn proof_packs(&self) -> usize {
        self.phases.iter().map(|phase| phase.packs.len()).sum()
    }

    /// Instances of all columns.
    pub fn num_instances(&self) -> usize {
        self.instances.counts.iter().sum()
    }

    /// The name of a link's commitment among all instances.
    pub fn name(&self, link: &Link) -> usize {
        self.instance(link.instance_column, link.number)
    }

    /// The name of named columns' commitments among all instances.
    pub fn name_of_columns(&self, named: &Named) -> usize {
        self.instance(named.instance_column, named.number)
    }

    fn instance(&self, column: usize, number: usize) -> usize {
        self.instances.counts[..column].iter().sum::<usize>() + number
    }

    /// One column's of all instances.
    pub(super) fn instance_column<'a>(&self, instances: &'a [Fr], column: usize) -> &'a [Fr] {
        let counts = &self.instances.counts;
        let before: usize = counts[..column].iter().sum();
        &instances[before..before + counts[column]]
    }

    /// Challenges of all phases, and sums of instances.
    pub fn num_challenges(&self) -> usize {
        let drawn: usize = self.phases.iter().map(|phase| phase.challenges.len()).sum();
        drawn + self.instances.sums.len()
    }

    /// Scalars of a proof.
    pub fn num_evaluations(&self) -> usize {
        self.packs().map(Pack::evaluations).sum()
    }

    /// Points at a proof's end that links need: their commitments, and one for all of them.
    pub fn link_points(&self) -> usize {
        match self.instances.links.len() {
            0 => 0,
            links => links + 1,
        }
    }

    /// Points behind them that named packs need: a commitment to each, and one to what hides it in this proof.
    pub fn named_points(&self) -> usize {
        2 * self.named.len()
    }

    /// Bytes of a proof: packs, the quotient, evaluations, the opening's two points, those of links and of named packs.
    pub fn proof_length(&self) -> usize {
        let last = self.link_points() + self.named_points();
        64 * (self.proof_packs() + 3 + last) + 32 * self.num_evaluations()
    }

    /// Where a proof has the value of an advice column at x·ω^rotation, counted among its evaluations.
    pub fn advice(&self, column: usize, rotation: i32) -> Option<usize> {
        let mut before = 0;
        for pack in self.phases.iter().flat_map(|phase| &phase.packs) {
            if let Some(slot) = pack.slots.iter().position(|slot| slot.column == column) {
                let point = pack.rotations.iter().position(|&other| other == rotation)?;
                return Some(before + point * pack.slots.len() + slot);
            }
            before += pack.evaluations();
        }
        None
    }

    /// The same of a fixed column, or a named one.
    pub fn fixed(&self, column: usize, rotation: i32) -> Option<usize> {
        let wanted = Slot { column, rotation };
        let slots = self.key.iter().chain(&self.named).flat_map(|pack| &pack.slots);
        let before: usize =
            self.phases.iter().flat_map(|phase| &phase.packs).map(Pack::evaluations).sum();
        slots.into_iter().position(|&slot| slot == wanted).map(|slot| before + slot)
    }

    /// Columns that have as many coefficients as an honest quotient.
    pub fn pieces(system: &ConstraintSystem<Fr>) -> usize {
        let gates = system.gates().iter().flat_map(|gate| gate.polynomials());
        let degree = gates.map(|polynomial| polynomial.degree()).max().unwrap_or(0);
        degree.saturating_sub(1).max(1)
    }

    /// Coefficients of the longest polynomial that is committed to, the quotient having those of `pieces` columns.
    pub fn powers(&self, pieces: usize) -> usize {
        self.packs().map(|pack| pack.width).max().unwrap_or(1).max(pieces) << self.k
    }
}
