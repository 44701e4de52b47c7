//! Poseidon over the scalar field with circom's parameters, of three inputs: a state of four, x⁵, 8 full and 56 partial rounds.
//!
//! Constants and matrix are those of the reference's generator, a shift register that begins with the parameters themselves.
//!
//! The S-boxes come one after the other here: the state turns past the one that has the first place, and constants that
//! would meet no S-box in their round go through the matrix to where they meet one.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{FromUniformBytes, PrimeField},
};
use std::sync::LazyLock;

const WIDTH: usize = Fields::WIDTH;
const FULL_ROUNDS: usize = 8;
const PARTIAL_ROUNDS: usize = 56;
const FIELD_BITS: u32 = 254;

/// S-boxes of a permutation.
pub const S_BOXES: usize = WIDTH * FULL_ROUNDS + PARTIAL_ROUNDS;

/// The generator of the reference: a register of 80 bits.
struct Grain(u128);

impl Grain {
    fn new() -> Self {
        // A prime field, the S-box x^α, and then numbers of so many bits each.
        let parameters = [
            (2, 1),
            (4, 0),
            (12, u128::from(FIELD_BITS)),
            (12, WIDTH as u128),
            (10, FULL_ROUNDS as u128),
            (10, PARTIAL_ROUNDS as u128),
            (30, (1 << 30) - 1),
        ];
        let state = parameters.into_iter().fold(0, |state, (bits, value)| state << bits | value);
        let mut grain = Self(state);
        (0..160).for_each(|_| _ = grain.step());
        grain
    }

    /// The highest bit is the oldest.
    fn step(&mut self) -> bool {
        let taps = [62, 51, 38, 23, 13, 0].map(|tap| self.0 >> (79 - tap) & 1);
        let bit = taps.into_iter().fold(0, |sum, tap| sum ^ tap);
        self.0 = (self.0 << 1 | bit) & ((1 << 80) - 1);
        bit == 1
    }

    /// The second of two bits, if the first is 1.
    fn bit(&mut self) -> bool {
        loop {
            let [chosen, bit] = [self.step(), self.step()];
            if chosen {
                return bit;
            }
        }
    }

    /// A number of as many bits as the modulus, the lowest byte first.
    fn number(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for bit in (0..FIELD_BITS as usize).rev() {
            bytes[bit / 8] |= u8::from(self.bit()) << (bit % 8);
        }
        bytes
    }

    /// The next number that is below the modulus.
    fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_repr(self.number()).into() {
                return element;
            }
        }
    }

    /// The next number, whatever it is, modulo the modulus.
    fn reduced(&mut self) -> Fr {
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&self.number());
        Fr::from_uniform_bytes(&wide)
    }
}

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields(pub [Fr; WIDTH]);

impl Fields {
    /// Its elements.
    pub const WIDTH: usize = 4;

    /// The state behind one whose first element came out of its S-box as this.
    pub fn turned(self, turn: Turn, first: Fr) -> Self {
        let [_, b, c, d] = self.0;
        match turn {
            Turn::Past => Self([b, c, d, first]),
            Turn::Full => Self([b, c, d, first]).mixed(),
            Turn::Partial => Self([first, b, c, d]).mixed(),
        }
    }

    fn mixed(self) -> Self {
        Self(Order::get().matrix.map(|row| row.iter().zip(self.0).map(|(m, s)| m * s).sum()))
    }
}

/// What becomes of a state when its first element has gone through its S-box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// That is the last one now, and others are to go through theirs.
    Past,
    /// The same, and the matrix: the round is full.
    Full,
    /// The matrix alone.
    Partial,
}

/// An S-box.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is added before.
    pub constant: Fr,
    /// What comes after.
    pub turn: Turn,
}

/// The S-boxes of a permutation, and the matrix.
#[derive(Debug)]
pub struct Order {
    /// In order.
    pub steps: Vec<Step>,
    /// By row.
    pub matrix: [[Fr; WIDTH]; WIDTH],
    /// What comes out of the first one, which 0 enters.
    pub first: Fr,
}

impl Order {
    /// That of the parameters above.
    pub fn get() -> &'static Self {
        static ORDER: LazyLock<Order> = LazyLock::new(Order::new);
        &ORDER
    }

    fn new() -> Self {
        let mut grain = Grain::new();
        let constants: Vec<[Fr; WIDTH]> = (0..FULL_ROUNDS + PARTIAL_ROUNDS)
            .map(|_| [(); WIDTH].map(|()| grain.element()))
            .collect();
        let [x, y] = [(); 2].map(|()| [(); WIDTH].map(|()| grain.reduced()));
        let entry = |x: Fr, y: Fr| (x + y).invert().expect("the first matrix will do");
        let matrix = x.map(|x| y.map(|y| entry(x, y)));
        let mut steps = Vec::with_capacity(S_BOXES);
        // What is still to be added to the state.
        let mut late = [Fr::zero(); WIDTH];
        for (round, own) in constants.into_iter().enumerate() {
            let due: [Fr; WIDTH] = std::array::from_fn(|place| own[place] + late[place]);
            let is_full = !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round);
            if is_full {
                let turns = [Turn::Past, Turn::Past, Turn::Past, Turn::Full];
                let step = |(constant, turn)| Step { constant, turn };
                steps.extend(due.into_iter().zip(turns).map(step));
                late = [Fr::zero(); WIDTH];
            } else {
                steps.push(Step { constant: due[0], turn: Turn::Partial });
                late = matrix.map(|row| (1..WIDTH).map(|place| row[place] * due[place]).sum());
            }
        }
        let first = steps[0].constant;
        let square = first * first;
        Self { steps, matrix, first: square * square * first }
    }
}

/// The hash of three inputs, as circom's libraries have it.
pub fn hash([a, b, c]: [Fr; 3]) -> Fr {
    let mut state = Fields([Fr::zero(), a, b, c]);
    for Step { constant, turn } in &Order::get().steps {
        let entered = state.0[0] + constant;
        let square = entered * entered;
        state = state.turned(*turn, square * square * entered);
    }
    state.0[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::ff::Field;
    use light_poseidon::{Poseidon, PoseidonBytesHasher};
    use rand::{RngCore, SeedableRng, rngs::StdRng};

    fn bytes(element: Fr) -> [u8; 32] {
        let mut bytes: [u8; 32] = element.to_repr();
        bytes.reverse();
        bytes
    }

    #[test]
    fn hashes_are_circoms() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut oracle = Poseidon::<ark_bn254::Fr>::new_circom(3).expect("it has three inputs");
        let mut check = |inputs: [Fr; 3]| {
            let all = inputs.map(bytes);
            let all: Vec<&[u8]> = all.iter().map(|input| &input[..]).collect();
            let expected = oracle.hash_bytes_be(&all).expect("inputs below the modulus");
            assert_eq!(bytes(hash(inputs)), expected);
        };
        check([1, 2, 3].map(Fr::from));
        check([Fr::zero(), -Fr::one(), Fr::zero()]);
        for _ in 0..20 {
            check([(); 3].map(|()| Fr::random(&mut rng)));
            check([(); 3].map(|()| Fr::from(rng.next_u64())));
        }
    }
}
