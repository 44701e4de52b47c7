//! Named columns: what is committed to, and what is refused. Proofs about them are those of models.

use super::circuit::{Extra, Walk};
use super::links::{Linked, scalar};
use super::{PARAMS, new_key_of, widths};
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::Field,
        group::Curve,
    },
    poly::commitment::ParamsProver,
};
use zkverdict_prover::{
    Arithmetic, Options, Seeded, Synthesized,
    packed::{
        Commitment, CommittedColumns, Error, Instances, Named, ProvingKey, Refusal, Widths, link,
        named,
    },
};

const K: u32 = 7;

/// A circuit with named columns, and with links of these classes beside them.
pub struct Columns {
    circuit: Walk,
    commitments: Vec<Commitment>,
    classes: Vec<u32>,
    key: ProvingKey,
}

impl Columns {
    pub fn new(classes: &[u32], widths: &Widths) -> Self {
        let Linked { circuit, commitments, .. } = Linked::new(94, K, classes, 5);
        let circuit = Walk { extra: Extra::Named, ..circuit };
        // Their name stands behind those of links.
        let named = Named { columns: vec![3, 4], instance_column: 0, number: 1 + classes.len() };
        let mut public = Walk::public_with_links(classes);
        public.counts[0] += 1;
        let public = Instances { named: Some(named), ..public };
        let key = new_key_of(&circuit, K, &public, widths, Arithmetic::best()).expect("supported");
        Self { circuit, commitments, classes: classes.to_vec(), key }
    }

    pub fn key(&self) -> &ProvingKey {
        &self.key
    }

    /// A proof about a commitment of its own, and its instances.
    pub fn prove(&self, seed: u8) -> (Vec<u8>, Vec<Fr>) {
        self.prove_of(self.circuit.named(), seed)
    }

    /// The same of columns that hold anything.
    fn prove_of(&self, columns: Vec<Vec<i32>>, seed: u8) -> (Vec<u8>, Vec<Fr>) {
        let packs = self.key.verifying().layout().named.len();
        let blindings = (0..packs).map(|pack| Fr::from(100 * u64::from(seed) + pack as u64 + 1));
        let columns = self.key.commit_columns(columns, blindings.collect()).expect("they fit");
        let links = self.classes.iter().zip(&self.commitments);
        let names = links.map(|(&class, of)| scalar(link::name(class, &of.point)));
        let own = scalar(self.key.verifying().name_of_columns(&columns.points));
        let circuit = Walk { names: names.chain([own]).collect(), ..self.circuit.clone() };
        let randomness = Seeded::new([seed; 32]);
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let [a, b] = circuit.instances();
        let (source, given) = (Synthesized(&circuit), Some(&columns));
        let made =
            self.key.prove_with_columns(&source, &[&a, &b], &self.commitments, given, &options);
        (made.expect("there is a witness").0, [a, b].concat())
    }
}

#[test]
fn a_proof_is_about_columns_of_which_the_gates_hold() {
    for (classes, widths) in [(&[][..], widths(&[3, 2], 7)), (&[6][..], widths(&[2, 1], 1))] {
        let named = Columns::new(classes, &widths);
        let key = named.key.verifying();
        let (proof, instances) = named.prove(1);
        assert_eq!(key.verify(&proof, &instances), Ok(()));
        // One number is another, on the first row where gates are on and on the last; elsewhere nothing is said.
        for (row, verdict) in
            [(1, Err(Refusal::InvalidProof)), (92, Err(Refusal::InvalidProof)), (0, Ok(()))]
        {
            let mut columns = named.circuit.named();
            columns[1][row] += 1;
            let (proof, instances) = named.prove_of(columns, 1);
            assert_eq!(key.verify(&proof, &instances), verdict, "{row}");
        }
    }
}

/// The column that switches the gates on is named.
fn public(columns: &[usize]) -> Instances {
    let named = Named { columns: columns.to_vec(), instance_column: 0, number: 1 };
    Instances { named: Some(named), ..Walk::public(&[2, 3]) }
}

fn key(circuit: &Walk) -> ProvingKey {
    let public = public(&[0]);
    new_key_of(circuit, K, &public, &widths(&[3, 2], 7), Arithmetic::best()).expect("supported")
}

/// Where gates are on.
fn column(circuit: &Walk) -> Vec<i32> {
    circuit.fixed()[0].iter().map(|cell| i32::from(*cell == Fr::ONE)).collect()
}

fn prove(
    key: &ProvingKey,
    circuit: &mut Walk,
    columns: &CommittedColumns,
    seed: u8,
) -> Result<(Vec<u8>, Vec<Fr>), Error> {
    circuit.names = vec![scalar(key.verifying().name_of_columns(&columns.points))];
    let randomness = Seeded::new([seed; 32]);
    let options = Options { randomness: Some(&randomness), ..Options::default() };
    let [a, b] = circuit.instances();
    let source = Synthesized(circuit);
    let proof = key.prove_with_columns(&source, &[&a, &b], &[], Some(columns), &options);
    proof.map(|(proof, _)| (proof, [a, b].concat()))
}

#[test]
fn a_commitment_holds_the_columns_and_its_blinding_on_the_last_row() {
    let circuit = Walk::new(100);
    let key = key(&circuit);
    let column = column(&circuit);
    let committed = key.commit_columns(vec![column.clone()], vec![Fr::from(77)]).unwrap();
    let mut values: Vec<Fr> = column.iter().map(|cell| Fr::from(*cell as u64)).collect();
    values.resize(1 << K, Fr::ZERO);
    *values.last_mut().unwrap() = Fr::from(77);
    // One slot of seven.
    let mut packed = vec![Fr::ZERO; 7 << K];
    let coefficients = super::slow::interpolate(&values, Fr::ONE);
    coefficients.into_iter().enumerate().for_each(|(power, of)| packed[7 * power] = of);
    let expected: G1Affine = best_multiexp(&packed, &PARAMS.get_g()[..packed.len()]).to_affine();
    assert_eq!(committed.points, [expected]);
    let shown = format!("{committed:?}");
    assert!(!shown.contains("blinding") && shown.contains("columns: 1"), "{shown}");
    assert_eq!(named::tag()[..30], *b"zkverdict committed columns v1");
}

#[test]
fn what_is_not_named_or_not_committed_to_is_refused() {
    let mut circuit = Walk::new(100);
    let made = |columns: &[usize], number: usize| {
        let mut public = public(columns);
        public.named.as_mut().unwrap().number = number;
        new_key_of(&circuit, K, &public, &widths(&[3, 2], 7), Arithmetic::best())
    };
    // Looked at from another row; there twice; not there; without a name.
    for (columns, number) in [(&[1][..], 1), (&[0, 0], 1), (&[9], 1), (&[], 1), (&[0], 2)] {
        assert!(matches!(made(columns, number), Err(Error::Named(_))), "{columns:?} {number}");
    }
    let key = key(&circuit);
    let own = column(&circuit);
    let refused = |columns: Vec<Vec<i32>>, blindings: Vec<Fr>| {
        matches!(key.commit_columns(columns, blindings), Err(Error::Named(_)))
    };
    assert!(refused(vec![], vec![Fr::ONE]));
    assert!(refused(vec![own.clone()], vec![]));
    assert!(refused(vec![own.clone()], vec![Fr::ZERO]));
    assert!(refused(vec![vec![1; 1 << K]], vec![Fr::ONE]));
    let one = key.commit_columns(vec![own.clone()], vec![Fr::ONE]).unwrap();
    let two = key.commit_columns(vec![own], vec![Fr::from(2)]).unwrap();
    prove(&key, &mut circuit, &one, 1).unwrap();
    // Now the instances name the first.
    let [a, b] = circuit.instances();
    let source = Synthesized(&circuit);
    for columns in [None, Some(&two)] {
        let options = Options::default();
        let refused = key.prove_with_columns(&source, &[&a, &b], &[], columns, &options);
        assert!(matches!(refused, Err(Error::Named(_))));
    }
}
