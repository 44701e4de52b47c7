//! Dividends are the layers' weighted sums.

use super::{assert_breaks, broken, circuit, forged, honest, made, relimb};
use halo2_proofs::halo2curves::bn256::Fr;

#[test]
fn other_segment_is_refused() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, fixed, _| {
        // In the middle of the idle rows, where nothing takes it.
        let last = fixed.active.len() - 1;
        sums.segment[last] += Fr::one();
    });
    assert_breaks(&names, &["the segment is the weights' Horner sum"]);
}

#[test]
fn segment_before_the_first_row_does_not_count() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, _, _| sums.segment[0] = Fr::from(9));
    assert_eq!(names, [""; 0]);
}

#[test]
fn other_product_is_refused() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, fixed, _| {
        let last = fixed.active.len() - 1;
        sums.products[last] += Fr::one();
    });
    assert!(
        names.iter().any(|name| name.contains("products grow by the value taken")),
        "{names:?}"
    );
}

#[test]
fn products_that_begin_above_zero_are_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    // The first output is one more than its weights give; products begin with that one.
    let at = made(&circuit, 0, 0);
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    let names = forged(&circuit, witness, |sums, _, fixed, _| {
        let end = fixed.ends_block.iter().position(|&ends| ends).expect("the input's block ends");
        sums.products[..=end].iter_mut().for_each(|sum| *sum += Fr::one());
    });
    assert_breaks(&names, &["products are 0 before the first row"]);
}

#[test]
fn output_that_the_weights_do_not_give_is_refused() {
    let circuit = circuit();
    for (layer, outputs) in [(0, 9), (1, 3)] {
        for output in 0..outputs {
            let mut witness = honest(&circuit);
            let at = made(&circuit, layer, output);
            let limb = witness.limbs[0][at] + Fr::one();
            relimb(&mut witness, 0, at, limb);
            assert_breaks(&broken(&circuit, witness), &["what is owed shrinks by what is made"]);
        }
    }
}

#[test]
fn owing_at_the_end_of_a_block_is_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 3);
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    let names = forged(&circuit, witness, |sums, challenges, fixed, _| {
        // Every row is right from the front: what is too much is left over at the end of the block.
        let mut blocks = (0..).filter(|&at| fixed.ends_block[at]);
        let first = blocks.next().expect("the input's block ends") + 1;
        let end = blocks.next().expect("the first layer's block ends");
        assert!(!fixed.makes[first], "the block begins with weights");
        let mut shift = sums.products[first - 1] - sums.owed[first];
        for at in first..=end {
            if fixed.makes[at] {
                shift *= challenges.rho.invert().expect("a random point is not 0");
            }
            sums.owed[at] += shift;
        }
    });
    assert_breaks(&names, &["nothing is owed at the end of a block"]);
}
