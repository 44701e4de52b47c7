//! Plans are the best of all layouts, and what does not fit is said once.

use super::{LARGEST_K, Plan, SMALLEST_K};
use crate::circuit::tests::models::{self, Builder, NO_LINE};
use crate::circuit::wiring::Net;
use crate::circuit::{CircuitError, Goal, Wishes};

/// Small models, and one whose functions have no lines.
fn nets() -> Vec<Net> {
    let mut builder = Builder::new(3, &[1, 10]);
    let hidden =
        builder.gemm(builder.last(), 16, (1..=16_u8).map(|i| f32::from(i) * NO_LINE).collect());
    builder.gemm(hidden, 1, vec![NO_LINE]);
    let all = models::all().into_iter().step_by(4).map(|(_, model)| model);
    let net = |model| Net::new(&model, false).expect("a net");
    all.chain([builder.model()]).map(net).collect()
}

const GOALS: [Goal; 3] = [Goal::Speed, Goal::Gas, Goal::Memory];

#[test]
fn no_goal_is_served_better_by_the_plan_of_another() {
    for net in nets() {
        let plan = |goal| Plan::new(&net, Wishes { goal, ..Wishes::default() }).expect("it fits");
        let plans = GOALS.map(plan);
        for (own, goal) in plans.iter().zip(GOALS) {
            for other in &plans {
                let [own, other] = [own, other].map(|plan| plan.shape.cost(goal, plan.k));
                assert!(own <= other, "{goal:?}");
            }
        }
    }
}

#[test]
fn k_that_is_said_to_be_needed_is_enough() {
    for net in nets() {
        for goal in GOALS {
            let mut said = None;
            for k in SMALLEST_K..=14 {
                let plan = |k| Plan::new(&net, Wishes { goal, k: Some(k), ..Wishes::default() });
                match plan(k) {
                    Ok(plan) => assert_eq!(plan.k, k),
                    Err(CircuitError::TooManyRows { needed, wish }) => {
                        assert!(wish == k && needed > k);
                        assert_eq!(plan(needed).expect("it was said to be enough").k, needed);
                        assert_eq!(
                            *said.get_or_insert(needed),
                            needed,
                            "the first answer is final"
                        );
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn net_of_more_rows_than_any_circuit_is_refused_before_it_is_laid_out() {
    let mut builder = Builder::new(3, &[1, 600_000]);
    builder.table(builder.last());
    let plan = Net::new(&builder.model(), true).and_then(|net| Plan::new(&net, Wishes::default()));
    let Err(CircuitError::TooLarge { needs, largest }) = plan else {
        panic!("2^20 rows are not enough");
    };
    assert!(needs.rows > 1 << LARGEST_K && needs.most().1 < needs.rows, "{needs:?}");
    assert_eq!((needs.k, largest), (LARGEST_K + 1, LARGEST_K));
}
