//! Every circuit that the planner makes is certified, and none that was tampered with.

mod alike;
mod constraints;
mod faults;
mod hidden;
mod holds;

use super::{
    CertifyError, Report, Subject, elements, shape::Shape, source::Columns, weights::Lanes,
};
use crate::circuit::{Goal, InstanceLayout, ModelCircuit, Wishes, tests::summed};
use crate::model::{Model, Visibility};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem},
};
use std::collections::HashMap;

/// A circuit as a certificate sees it.
struct Case {
    circuit: ModelCircuit,
    fixed: Vec<Vec<Fr>>,
    system: ConstraintSystem<Fr>,
    elements: HashMap<usize, u32>,
    layout: InstanceLayout,
    lanes: Lanes,
}

impl Case {
    fn new(model: &Model, wishes: Wishes) -> Option<Self> {
        Some(Self::of(model, ModelCircuit::new(model, wishes).ok()?))
    }

    fn of(model: &Model, circuit: ModelCircuit) -> Self {
        let (columns, system) = Columns::synthesize(&circuit, circuit.k(), circuit.params())
            .expect("a planned circuit is laid out");
        let elements = elements(model, &circuit).expect("a planned circuit has witnesses");
        let layout = circuit.layout().clone();
        let lanes = Lanes::of(&circuit.weight_numbers());
        Self { circuit, fixed: columns.fixed, system, elements, layout, lanes }
    }

    /// Of packed proofs, of whose inputs is told what these say.
    fn told(model: &Model, told: &[Visibility]) -> Self {
        Self::of(model, summed::told(model, told))
    }

    fn check(&self, model: &Model) -> Result<Report, CertifyError> {
        self.subject(Shape::read(&self.circuit.shape())?).check(model)
    }

    /// As one of another shape.
    fn subject(&self, shape: Shape) -> Subject<'_> {
        Subject {
            shape,
            fixed: &self.fixed,
            system: &self.system,
            instances: self.circuit.instances(),
            layout: &self.layout,
            elements: &self.elements,
            lanes: &self.lanes,
        }
    }
}

/// A number that the environment gives, or another.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// Wide and folded, with the input public and private; then with values abreast.
fn wishes() -> [Wishes; 6] {
    let [speed, gas] = [Goal::Speed, Goal::Gas];
    let all = [(speed, false, 1), (gas, false, 1), (speed, true, 1), (gas, true, 1)];
    let abreast = [(speed, true, 2), (speed, false, 4)];
    let all: [_; 6] = std::array::from_fn(|number| [&all[..], &abreast].concat()[number]);
    all.map(|(goal, private_input, abreast)| Wishes {
        goal,
        private_input,
        packed: abreast > 1,
        abreast: Some(abreast),
        ..Wishes::default()
    })
}
