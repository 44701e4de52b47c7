//! What packed proofs consist of: the protocol of a key of `zkverdict_prover::packed`.

use super::{
    SolidityError,
    packed::{Holder, Link, Named, Pack, Packed},
    protocol::{Challenge, Key, ProofPoint, Protocol, Round, Rounds, constraints, omega},
};
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine, G2Affine},
        group::prime::PrimeCurveAffine,
    },
    plonk::ConstraintSystem,
};
use std::ops::Range;
use zkverdict_prover::packed::{self as library, Instances, Layout, VerifyingKey, Widths};

impl Round {
    /// Points from the proof's end that are absorbed in this round, whose number it is: links' commitments before all
    /// others, their quotient behind that of the constraints.
    pub(super) fn points_of_links(&self, number: usize, protocol: &Protocol) -> Range<usize> {
        let links = protocol.packed.as_ref().map_or(0, Packed::link_points);
        let last = protocol.points.len() - protocol.packed.as_ref().map_or(0, Packed::named_points);
        let first = last - links;
        match number {
            _ if links == 0 => last..last,
            0 => first..last - 1,
            _ if self.challenges.contains(&Challenge::X) => last - 1..last,
            _ => last..last,
        }
    }

    /// The same of named columns: all are absorbed before anything is drawn.
    pub(super) fn points_of_names(number: usize, protocol: &Protocol) -> Range<usize> {
        let named = protocol.packed.as_ref().map_or(0, Packed::named_points);
        let last = protocol.points.len();
        if number == 0 { last - named..last } else { last..last }
    }
}

impl Protocol {
    pub(super) fn packed(
        key: &VerifyingKey,
        system: &ConstraintSystem<Fr>,
    ) -> Result<Self, SolidityError> {
        let inconsistent =
            |what: &str| Err(SolidityError::InconsistentKey { what: what.to_owned() });
        if !key.has_gates_of(system) {
            return inconsistent("gates of another circuit");
        }
        if key.commitments().iter().any(|point| bool::from(point.is_identity())) {
            return inconsistent("a pack whose columns are all 0");
        }
        let [g2, tau_g2] = key.g2();
        let points = Key {
            transcript_repr: Fr::from(0),
            g1: key.g1(),
            g2,
            tau_g2,
            fixed: key.commitments().to_vec(),
            sigma: vec![],
        };
        Self::of_packs(key.layout(), system, key.digest(), points)
    }

    /// The protocol of a circuit that has no key yet.
    pub(super) fn packed_without_key(
        system: &ConstraintSystem<Fr>,
        k: u32,
        instances: &Instances,
        widths: &Widths,
    ) -> Result<Self, SolidityError> {
        let layout = Layout::new(system, k, instances, widths)?;
        let points = Key {
            transcript_repr: Fr::from(0),
            g1: G1Affine::generator(),
            g2: G2Affine::generator(),
            tau_g2: G2Affine::generator(),
            fixed: vec![G1Affine::generator(); layout.key.len()],
            sigma: vec![],
        };
        Self::of_packs(&layout, system, [0; 32], points)
    }

    fn of_packs(
        layout: &Layout,
        system: &ConstraintSystem<Fr>,
        digest: [u8; 32],
        key: Key,
    ) -> Result<Self, SolidityError> {
        let mut rounds = Rounds::default();
        for phase in &layout.phases {
            let first = rounds.points.len();
            rounds.points.extend((first..first + phase.packs.len()).map(ProofPoint::Pack));
            rounds.draw(phase.challenges.iter().copied().map(Challenge::Phase).collect());
        }
        rounds.draw(vec![Challenge::Y]);
        rounds.points.push(ProofPoint::Quotient);
        rounds.draw(vec![Challenge::X]);
        rounds.points.extend([ProofPoint::OpeningQuotient, ProofPoint::OpeningProof]);
        // Behind all else, though they are absorbed before: without them proofs are as they are.
        let links = &layout.instances.links;
        if !links.is_empty() {
            rounds.points.extend((0..links.len()).map(ProofPoint::Committed));
            rounds.points.push(ProofPoint::LinkQuotient);
        }
        let packs = layout.named.len();
        rounds.points.extend((0..packs).map(ProofPoint::Named));
        rounds.points.extend((0..packs).map(ProofPoint::Mask));
        let named = layout.instances.named.as_ref();
        let named = named.map(|named| Named { packs, name: layout.name_of_columns(named) });
        let link = |link: &library::Link| Link {
            class: link.class,
            column: link.column,
            evaluation: layout.advice(link.column, 0).expect("a link's column is opened at x"),
            name: layout.name(link),
        };

        // In the order of the evaluations.
        let of_advice = layout.phases.iter().flat_map(|phase| &phase.packs);
        let advice_queries = of_advice.clone().flat_map(|pack| {
            let columns = || pack.slots.iter().map(|slot| slot.column);
            let rotations = pack.rotations.iter();
            rotations.flat_map(move |&rotation| columns().map(move |column| (column, rotation)))
        });
        let of_key = layout.key.iter().chain(&layout.named).flat_map(|pack| &pack.slots);
        let instance_queries = system.instance_queries().iter();
        let pack = |holder: Holder| {
            move |(number, pack): (usize, &library::Pack)| Pack {
                width: pack.width,
                slots: pack.slots.len(),
                rotations: pack.rotations.clone(),
                number,
                holder,
            }
        };
        let packs = of_advice.clone().enumerate().map(pack(Holder::Proof));
        let packs = packs.chain(layout.key.iter().enumerate().map(pack(Holder::Key)));
        let packs = packs.chain(layout.named.iter().enumerate().map(pack(Holder::Name)));
        Ok(Self {
            k: layout.k,
            omega: omega(layout.k),
            key,
            instance_counts: layout.instances.counts.clone(),
            num_phase_challenges: layout.num_challenges(),
            advice_queries: advice_queries.collect(),
            fixed_queries: of_key.map(|slot| (slot.column, slot.rotation)).collect(),
            instance_queries: instance_queries.map(|(of, at)| (of.index(), at.0)).collect(),
            constraints: constraints(system, usize::MAX)?,
            lookups: vec![],
            permutation: vec![],
            blinding_factors: system.blinding_factors(),
            points: rounds.points,
            rounds: rounds.rounds,
            num_evaluations: layout.num_evaluations(),
            sets: vec![],
            linked: vec![],
            packed: Some(Packed {
                digest,
                packs: packs.collect(),
                sums: layout.instances.sums.clone(),
                links: links.iter().map(link).collect(),
                named,
            }),
        })
    }
}
