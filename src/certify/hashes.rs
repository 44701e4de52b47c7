//! That rows of hashes compute the hashes of hashed inputs, whatever the words and blindings are.
//!
//! A row's state is followed beside that of Poseidon as it is written ([`Poseidon`]): theirs differ by an *offset*, which fixed
//! cells alone make, and are otherwise the same function of the words. An S-box of the circuit is Poseidon's where what is
//! added before it is Poseidon's constant and the offset; a turn of the state is Poseidon's where the round has it there.

use super::CertifyError;
use super::poseidon::{Poseidon, ROUNDS, WIDTH};
use super::rows::Rows;
use super::shape::{Hash, HashPlaces, Place};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

/// What the first permutation of a hash begins with: "zkverdict" before the number of bytes, in 64 bits.
fn first_element(length: usize) -> Fr {
    let tag = b"zkverdict"
        .iter()
        .fold(Fr::ZERO, |tag, &byte| tag * Fr::from(256) + Fr::from(u64::from(byte)));
    (0..64).fold(tag, |tag, _| tag.double()) + Fr::from(length as u64)
}

/// The state of a row: in which round it is, which element is to go through its S-box there, and by how much Poseidon's state
/// is more than the row's, whose elements begin with that one.
struct State {
    round: usize,
    element: usize,
    offset: [Fr; WIDTH],
}

impl State {
    /// Where a permutation begins: the row's is the state behind the S-box that 0 enters, and the first of it the chain's.
    fn begun(first: Fr) -> Self {
        let mut offset = [Fr::ZERO; WIDTH];
        offset[0] = first;
        Self { round: 0, element: 1, offset }
    }

    fn is_complete(&self) -> bool {
        self.round == ROUNDS
    }

    /// What has to be added before the row's S-box.
    fn constant(&self) -> Fr {
        self.offset[0] + Poseidon::get().constants[self.round][self.element]
    }

    /// The number of the turn that comes after it among a row's, and the state behind it.
    fn turned(self) -> (usize, Self) {
        let poseidon = Poseidon::get();
        let [_, b, c, d] = self.offset;
        if !Poseidon::is_full(self.round) {
            // The others are added to and go through none.
            let constants = &poseidon.constants[self.round];
            let offset = [Fr::ZERO, b + constants[1], c + constants[2], d + constants[3]];
            return (
                PARTIAL,
                Self { round: self.round + 1, element: 0, offset: poseidon.mixed(offset) },
            );
        }
        let offset = [b, c, d, Fr::ZERO];
        if self.element + 1 < WIDTH {
            (PAST, Self { element: self.element + 1, offset, ..self })
        } else {
            (FULL, Self { round: self.round + 1, element: 0, offset: poseidon.mixed(offset) })
        }
    }
}

const PAST: usize = 0;
const FULL: usize = 1;
const PARTIAL: usize = 2;

/// What a row's flags say of it.
struct Flags {
    turn: Option<usize>,
    begins: bool,
    ends: Option<usize>,
}

fn wrong<T>(row: usize, what: impl Into<String>) -> Result<T, CertifyError> {
    Err(CertifyError::row(row, what))
}

/// Checks all rows.
pub fn check(rows: &Rows<'_>, places: &HashPlaces, hashes: &[Hash]) -> Result<(), CertifyError> {
    check_domain(rows, places)?;
    let mut state: Option<State> = None;
    let (mut ended, mut words) = (0, 0);
    for row in 1..=rows.len() {
        let Flags { turn, begins, ends } = flags(rows, places, row)?;
        let turned = match (turn, state.take()) {
            (None, None) => None,
            (None, Some(_)) => return wrong(row, "the hash before it is broken off"),
            (Some(_), None) => return wrong(row, "it goes on from a row of no hash"),
            (Some(turn), Some(before)) => {
                let (own, turned) = before.turned();
                if turn != own {
                    return wrong(row, "its state is not what Poseidon's round gives");
                }
                Some(turned)
            }
        };
        let own = match (turned, begins) {
            (None, false) if ends.is_none() => continue,
            (None, false) => return wrong(row, "it is told as a hash and is none"),
            (None, true) => {
                let Some(hash) = hashes.get(ended) else {
                    return wrong(row, "a hash begins and there is no such input");
                };
                // Beside the blinding.
                words = 1;
                State::begun(first_element(hash.length))
            }
            (Some(turned), true) => {
                if !turned.is_complete() {
                    return wrong(row, "a permutation begins before the last is done");
                }
                words += 2;
                State::begun(turned.offset[0])
            }
            (Some(turned), false) => turned,
        };
        if !own.is_complete() {
            if ends.is_some() {
                return wrong(row, "it is told as a hash and is a state on the way to it");
            }
            if rows.cell(places.constant, row) != own.constant() {
                return wrong(row, "what it adds before its S-box is not Poseidon's constant");
            }
            state = Some(own);
            continue;
        }
        if own.offset[0] != Fr::ZERO {
            return wrong(row, "its state is not Poseidon's");
        }
        let expected = hashes.get(ended).map(|hash| hash.taken());
        if expected != Some(words) {
            return wrong(
                row,
                format!("a hash takes {words} words, expected {}", expected.unwrap_or(0)),
            );
        }
        if ends != Some(ended) {
            return wrong(
                row,
                format!("the hash of number {ended} ends, and it is not told as that"),
            );
        }
        ended += 1;
    }
    if state.is_some() || ended != hashes.len() {
        return wrong(rows.len(), format!("{ended} hashes end, expected {}", hashes.len()));
    }
    Ok(())
}

/// Behind the table, before it, and on rows of columns that share one, no row is one of a hash.
fn check_domain(rows: &Rows<'_>, places: &HashPlaces) -> Result<(), CertifyError> {
    for flag in places.flags() {
        match rows.first_outside(flag) {
            Some(row) => return wrong(row, "a flag of hashes is not 0 outside of the table"),
            None => continue,
        }
    }
    Ok(())
}

fn flags(rows: &Rows<'_>, places: &HashPlaces, row: usize) -> Result<Flags, CertifyError> {
    let is = |place: Place| match rows.cell(place, row) {
        flag if flag == Fr::ONE => Ok(true),
        flag if flag == Fr::ZERO => Ok(false),
        _ => wrong(row, "a flag of hashes is neither 0 nor 1"),
    };
    let only = |places: &[Place]| {
        let mut found = None;
        for (number, &place) in places.iter().enumerate() {
            if is(place)? && found.replace(number).is_some() {
                return wrong(row, "flags of hashes do not go together");
            }
        }
        Ok(found)
    };
    Ok(Flags { turn: only(&places.turns)?, begins: is(places.begins)?, ends: only(&places.ends)? })
}
