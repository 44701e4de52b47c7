//! A model's cells, as its circuit has them: without halo2's synthesis, which takes one field element after the other.

use crate::circuit::{ModelCircuit, Values};
use halo2_proofs::{halo2curves::bn256::Fr, plonk};
use zkverdict_prover::{Cells, Error, Source};

fn cells((index, values): (usize, Values)) -> (usize, Cells) {
    let cells = match values {
        Values::Bytes(values) => Cells::Bytes(values),
        Values::Ints(values) => Cells::Ints(values),
        Values::Longs(values) => Cells::Longs(values),
        Values::Elements(values) => Cells::Elements(values),
    };
    (index, cells)
}

impl Source for ModelCircuit {
    fn fixed(&self, _: usize) -> Result<Vec<(usize, Cells)>, Error> {
        Ok(self.fixed_columns().into_iter().map(cells).collect())
    }

    fn advice(
        &self,
        phase: u8,
        _: usize,
        _: &[&[Fr]],
        challenges: &[Option<Fr>],
    ) -> Result<Vec<(usize, Cells)>, Error> {
        let columns = match phase {
            0 => self.first_phase(),
            _ => self.second_phase(challenges),
        };
        let columns = columns.ok_or(Error::Synthesis(plonk::Error::Synthesis))?;
        Ok(columns.into_iter().map(cells).collect())
    }
}
