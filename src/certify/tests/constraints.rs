//! A constraint that is missing, changed or added is seen.

use super::Case;
use crate::certify::{gates, shape::Places, shape::Shape};
use crate::circuit::tests::{abreast, average, committed, models, ports, vectors};
use crate::circuit::{Goal, Wishes};
use crate::model::{Model, Visibility};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Expression, FirstPhase, SecondPhase},
};

/// A system with the same columns, and other constraints.
fn rebuilt(system: &ConstraintSystem<Fr>, constraints: &[Expression<Fr>]) -> ConstraintSystem<Fr> {
    let mut other = ConstraintSystem::default();
    let phases = system.advice_column_phase();
    phases.iter().filter(|&&phase| phase == 0).for_each(|_| _ = other.advice_column_in(FirstPhase));
    let challenges = system.num_challenges();
    (0..challenges).for_each(|_| _ = other.challenge_usable_after(FirstPhase));
    phases
        .iter()
        .filter(|&&phase| phase == 1)
        .for_each(|_| _ = other.advice_column_in(SecondPhase));
    (0..system.num_fixed_columns()).for_each(|_| _ = other.fixed_column());
    other.instance_column();
    // Expressions bring their queries with them.
    for constraint in constraints {
        other.create_gate("constraint", |_| vec![constraint.clone()]);
    }
    other
}

/// A model for each set of flags.
fn cases() -> Vec<Model> {
    let mut models: Vec<Model> = models::all().into_iter().map(|(_, model)| model).collect();
    models.push(vectors::softmax_of((2, 5, 0.05), 255));
    models.push(vectors::normalization(2, 6, 40));
    models.extend(average::cases().iter().take(3).map(average::Case::model));
    models
}

#[test]
fn other_constraints_are_refused() {
    use Visibility::{Committed, Hashed, Private, Public};
    let mut seen = Vec::new();
    let models = cases();
    let of_models = models.iter().enumerate().filter_map(|(number, model)| {
        let goal = if number % 2 == 0 { Goal::Speed } else { Goal::Gas };
        let wishes = Wishes { goal, private_input: number % 3 == 0, ..Wishes::default() };
        Case::new(model, wishes)
    });
    let linked = [
        [Public, Committed],
        [Committed, Committed],
        [Private, Committed],
        [Hashed, Public],
        [Hashed, Committed],
    ];
    let of_links = linked.into_iter().map(|told| Case::told(&ports::model(), &told));
    let wishes = Wishes { packed: true, abreast: Some(2), ..Wishes::default() };
    let of_means = Case::new(&average::cases()[0].model(), wishes);
    let abreast = abreast::circuits().into_iter();
    let abreast = abreast.map(|(model, circuit)| Case::of(&model, circuit)).chain(of_means);
    let architecture = committed::several();
    let abreast = abreast.chain([Case::of(&architecture, committed::circuit(&architecture))]);
    for case in of_models.chain(of_links).chain(abreast) {
        let mut shape = case.circuit.shape();
        // One of each set of flags will do.
        (shape.lanes, shape.table_rows, shape.menus) = Default::default();
        if seen.contains(&shape) {
            continue;
        }
        seen.push(shape);
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let places = Places::new(&shape).expect("a shape of the planner");
        let all: Vec<Expression<Fr>> =
            case.system.gates().iter().flat_map(|gate| gate.polynomials()).cloned().collect();
        let check = |constraints: &[Expression<Fr>]| {
            gates::check(&rebuilt(&case.system, constraints), &shape, &places)
        };
        assert_eq!(check(&all).ok(), Some(all.len()));
        for left_out in 0..all.len() {
            let mut fewer = all.clone();
            let gone = fewer.remove(left_out);
            assert!(check(&fewer).is_err(), "{left_out} of {} is not missed", all.len());
            fewer.push(gone.clone() * Fr::from(2));
            assert!(check(&fewer).is_err(), "{left_out} of {} may change", all.len());
            fewer.push(gone);
            assert!(check(&fewer).is_err(), "one more than {} is not seen", all.len());
        }
    }
    assert!(seen.len() >= 15, "{} sets of flags", seen.len());
}
