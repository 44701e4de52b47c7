//! A verifying key's bytes, of which its digest is the hash. One key has one encoding.

use super::VerifyingKey;
use super::gate::{Gate, Operation};
use super::layout::{InstanceSum, Instances, Layout, Pack, Phase, Slot, Widths};
use super::link::Link;
use super::named::Named;
use super::transcript::{WORD, element, point, word};
use halo2_proofs::halo2curves::{
    CurveAffine,
    bn256::{Fq, Fq2, Fr, G1Affine, G2, G2Affine},
    ff::PrimeField,
    group::{cofactor::CofactorGroup, prime::PrimeCurveAffine},
};
use sha3::{Digest, Keccak256};
use std::collections::{HashMap, HashSet};

/// What the encoding begins with.
const MAGIC: &[u8] = b"zkverdict packed key 3";

/// The same of keys with named columns.
const MAGIC_OF_NAMED: &[u8] = b"zkverdict packed key 4";

/// Why bytes are no verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no packed verifying key: {0}")]
pub struct Damage(pub(super) &'static str);

impl VerifyingKey {
    /// The encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Instances { counts, sums, links, named } = &self.layout.instances;
        let magic = if named.is_some() { MAGIC_OF_NAMED } else { MAGIC };
        let mut to = Writer(magic.to_vec());
        to.number(self.layout.k as usize);
        to.0.extend(point(&self.g1));
        to.g2(&self.g2);
        to.g2(&self.tau_g2);
        to.list(counts, |to, &count| to.number(count));
        to.list(&self.layout.phases, |to, phase| {
            to.list(&phase.packs, Writer::pack);
            to.list(&phase.challenges, |to, &challenge| to.number(challenge));
        });
        to.list(sums, Writer::sum);
        to.list(links, Writer::link);
        let key: Vec<(&Pack, &G1Affine)> = self.layout.key.iter().zip(&self.commitments).collect();
        to.list(&key, |to, (pack, commitment)| {
            to.pack(pack);
            to.0.extend(point(commitment));
        });
        if let Some(named) = named {
            to.number(named.instance_column);
            to.number(named.number);
            to.list(&self.layout.named, Writer::pack);
        }
        to.list(&self.gates, |to, gate| to.list(&gate.0, Writer::operation));
        to.0
    }

    /// Keccak-256 of the encoding.
    pub(super) fn hash(&self) -> [u8; WORD] {
        Keccak256::digest(self.to_bytes()).into()
    }

    /// Reads a key, which means what it says: that its commitments are those of a circuit is not checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut from = Reader(bytes);
        let has_named = match from.take(MAGIC.len())? {
            MAGIC => false,
            MAGIC_OF_NAMED => true,
            _ => return Err(Damage("they begin with something else")),
        };
        let k = from.number()? as u32;
        if !(1..=Fr::S).contains(&k) {
            return Err(Damage("k is out of range"));
        }
        let g1 = from.g1()?;
        let (g2, tau_g2) = (from.g2()?, from.g2()?);
        if bool::from(g1.is_identity()) {
            return Err(Damage("a generator is at infinity"));
        }
        let counts = from.list(Reader::number)?;
        let phases = from.list(|from| {
            let packs = from.list(Reader::pack)?;
            Ok(Phase { packs, challenges: from.list(Reader::number)? })
        })?;
        let (sums, links) = (from.list(Reader::sum)?, from.list(Reader::link)?);
        let key = from.list(|from| Ok((from.pack()?, from.g1()?)))?;
        let (key, commitments) = key.into_iter().unzip();
        let mut packs = Vec::new();
        let mut named = None;
        if has_named {
            let (instance_column, number) = (from.number()?, from.number()?);
            packs = from.list(Reader::pack)?;
            let columns = packs.iter().flat_map(|pack| &pack.slots).map(|slot| slot.column);
            named = Some(Named { columns: columns.collect(), instance_column, number });
        }
        let instances = Instances { counts, sums, links, named };
        let layout = Layout { k, instances, phases, key, named: packs };
        let gates = from.list(|from| Ok(Gate(from.list(Reader::operation)?)))?;
        if !from.0.is_empty() {
            return Err(Damage("bytes are left over"));
        }
        check(&layout, &gates)?;
        Ok(Self::new(layout, [g1], [g2, tau_g2], commitments, gates))
    }
}

/// That a verifier can do all that the key asks for.
fn check(layout: &Layout, gates: &[Gate]) -> Result<(), Damage> {
    let rows = 1_usize << layout.k;
    if layout.instances.counts.iter().any(|&count| count > rows) {
        return Err(Damage("there are more instances than rows"));
    }
    let of_advice = layout.phases.iter().flat_map(|phase| &phase.packs);
    // By column, where it is opened: keys come from anybody, and may be long.
    let mut columns: HashMap<usize, &[i32]> = HashMap::new();
    for pack in of_advice {
        for slot in &pack.slots {
            if slot.rotation != 0 || columns.insert(slot.column, &pack.rotations).is_some() {
                return Err(Damage("an advice column is packed twice"));
            }
        }
    }
    let mut slots = HashSet::new();
    for pack in layout.key.iter().chain(&layout.named) {
        if pack.rotations != [0] {
            return Err(Damage("a pack of the key is not opened at x alone"));
        }
        if pack.slots.iter().any(|slot| !slots.insert((slot.column, slot.rotation))) {
            return Err(Damage("a fixed column is packed twice"));
        }
    }
    let challenges = layout.phases.iter().flat_map(|phase| &phase.challenges);
    let mut challenges: Vec<usize> = challenges.copied().collect();
    let drawn: HashSet<usize> = challenges.iter().copied().collect();
    if !layout.instances.are_known(|challenge| drawn.contains(challenge)) {
        return Err(Damage("a sum is of instances or at a challenge that are not there"));
    }
    challenges.extend(layout.instances.sums.iter().map(|sum| sum.challenge));
    challenges.sort_unstable();
    if challenges.iter().enumerate().any(|(index, &challenge)| index != challenge) {
        return Err(Damage("challenges are not numbered"));
    }
    if layout.check_links().is_err() {
        return Err(Damage("a link is of a column, a class or an instance that is not there"));
    }
    let of_key = layout.key.iter().flat_map(|pack| &pack.slots).map(|slot| slot.column);
    let of_key: HashSet<usize> = of_key.collect();
    let mut named = layout.named.iter().flat_map(|pack| &pack.slots);
    if named.any(|slot| of_key.contains(&slot.column)) || layout.check_named().is_err() {
        return Err(Damage("named columns or their name are not there"));
    }
    if gates.is_empty() {
        return Err(Damage("there are no gates"));
    }
    for gate in gates {
        let mut height = 0_usize;
        for operation in &gate.0 {
            let known = match *operation {
                Operation::Fixed { column, rotation } => slots.contains(&(column, rotation)),
                Operation::Advice { column, rotation } => {
                    let opened = columns.get(&column);
                    opened.is_some_and(|points| points.binary_search(&rotation).is_ok())
                }
                Operation::Instance { column, .. } => column < layout.instances.counts.len(),
                Operation::Challenge(challenge) => challenge < challenges.len(),
                _ => true,
            };
            if !known {
                return Err(Damage("a gate looks at what is not opened"));
            }
            let left = height.checked_sub(operation.takes());
            height = left.ok_or(Damage("a gate takes values that are not there"))? + 1;
        }
        if height != 1 {
            return Err(Damage("a gate leaves more than one value"));
        }
    }
    Ok(())
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: usize) {
        let number = u32::try_from(number).expect("columns, rows and gates are fewer than 2^32");
        self.0.extend(number.to_be_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(items.len());
        items.iter().for_each(|item| write(self, item));
    }

    /// As precompiles take it: imaginary parts first.
    fn g2(&mut self, point: &G2Affine) {
        let words = [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(|word_of| word(&word_of));
        self.0.extend(words.as_flattened());
    }

    fn rotation(&mut self, rotation: i32) {
        self.0.extend(rotation.to_be_bytes());
    }

    fn pack(&mut self, pack: &Pack) {
        self.number(pack.width);
        self.list(&pack.slots, |to, slot| {
            to.number(slot.column);
            to.rotation(slot.rotation);
        });
        self.list(&pack.rotations, |to, &rotation| to.rotation(rotation));
    }

    fn sum(&mut self, sum: &InstanceSum) {
        [sum.challenge, sum.column, sum.first].into_iter().for_each(|number| self.number(number));
        self.0.extend(word(&sum.factor));
        self.number(sum.point);
    }

    fn link(&mut self, link: &Link) {
        let numbers = [link.column, link.class as usize, link.instance_column, link.number];
        numbers.into_iter().for_each(|number| self.number(number));
    }

    fn operation(&mut self, operation: &Operation) {
        let mut query = |code: u8, column: usize, rotation: i32| {
            self.0.push(code);
            self.number(column);
            self.rotation(rotation);
        };
        match *operation {
            Operation::Constant(value) => {
                self.0.push(0);
                self.0.extend(word(&value));
            }
            Operation::Fixed { column, rotation } => query(1, column, rotation),
            Operation::Advice { column, rotation } => query(2, column, rotation),
            Operation::Instance { column, rotation } => query(3, column, rotation),
            Operation::Challenge(index) => {
                self.0.push(4);
                self.number(index);
            }
            Operation::Negation => self.0.push(5),
            Operation::Sum => self.0.push(6),
            Operation::Product => self.0.push(7),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let split = self.0.split_at_checked(count).ok_or(Damage("they end too early"));
        let (taken, rest) = split?;
        self.0 = rest;
        Ok(taken)
    }

    fn four(&mut self) -> Result<[u8; 4], Damage> {
        Ok(self.take(4)?.try_into().expect("four bytes were taken"))
    }

    fn number(&mut self) -> Result<usize, Damage> {
        Ok(u32::from_be_bytes(self.four()?) as usize)
    }

    fn rotation(&mut self) -> Result<i32, Damage> {
        let rotation = i32::from_be_bytes(self.four()?);
        // No circuit has as many rows.
        if rotation.unsigned_abs() > 1 << 28 {
            return Err(Damage("a rotation is out of range"));
        }
        Ok(rotation)
    }

    /// Every item takes bytes, so a length that is too large fails where they end.
    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Damage>,
    ) -> Result<Vec<T>, Damage> {
        let count = self.number()?;
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn element<F: PrimeField<Repr = [u8; WORD]>>(&mut self) -> Result<F, Damage> {
        let word = self.take(WORD)?.try_into().expect("a word was taken");
        element(word).ok_or(Damage("a number is not below its modulus"))
    }

    fn g1(&mut self) -> Result<G1Affine, Damage> {
        let (x, y): (Fq, Fq) = (self.element()?, self.element()?);
        Option::from(G1Affine::from_xy(x, y)).ok_or(Damage("a point is not on the curve"))
    }

    fn g2(&mut self) -> Result<G2Affine, Damage> {
        let mut coordinate = || {
            let (imaginary, real): (Fq, Fq) = (self.element()?, self.element()?);
            Ok(Fq2 { c0: real, c1: imaginary })
        };
        let (x, y) = (coordinate()?, coordinate()?);
        let point: Option<G2Affine> = G2Affine::from_xy(x, y).into();
        point
            .filter(|point| bool::from(!point.is_identity() & G2::from(*point).is_torsion_free()))
            .ok_or(Damage("a point of G2 is not in the group"))
    }

    fn pack(&mut self) -> Result<Pack, Damage> {
        let width = self.number()?;
        let slots =
            self.list(|from| Ok(Slot { column: from.number()?, rotation: from.rotation()? }))?;
        let rotations = self.list(Self::rotation)?;
        if slots.is_empty() || slots.len() > width || width > Widths::LARGEST {
            return Err(Damage("a pack has more columns than slots"));
        }
        if rotations.is_empty() || !rotations.is_sorted_by(|a, b| a < b) {
            return Err(Damage("a pack's points do not ascend"));
        }
        Ok(Pack { width, slots, rotations })
    }

    fn sum(&mut self) -> Result<InstanceSum, Damage> {
        Ok(InstanceSum {
            challenge: self.number()?,
            column: self.number()?,
            first: self.number()?,
            factor: self.element()?,
            point: self.number()?,
        })
    }

    fn link(&mut self) -> Result<Link, Damage> {
        Ok(Link {
            column: self.number()?,
            class: self.number()? as u32,
            instance_column: self.number()?,
            number: self.number()?,
        })
    }

    fn operation(&mut self) -> Result<Operation, Damage> {
        Ok(match self.take(1)?[0] {
            0 => Operation::Constant(self.element()?),
            1 => Operation::Fixed { column: self.number()?, rotation: self.rotation()? },
            2 => Operation::Advice { column: self.number()?, rotation: self.rotation()? },
            3 => Operation::Instance { column: self.number()?, rotation: self.rotation()? },
            4 => Operation::Challenge(self.number()?),
            5 => Operation::Negation,
            6 => Operation::Sum,
            7 => Operation::Product,
            _ => return Err(Damage("a gate has an unknown operation")),
        })
    }
}
