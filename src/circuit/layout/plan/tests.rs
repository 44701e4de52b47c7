//! Plans are the best of all layouts, and what does not fit is said once.

use super::{LARGEST_K, Plan, SMALLEST_K};
use crate::circuit::tests::{
    models::{self, Builder, NO_LINE},
    net,
};
use crate::circuit::wiring::Net;
use crate::circuit::{CircuitError, Goal, InstanceLayout, Wishes, cost::Cost};

/// Small models, and one whose functions have no lines.
fn nets() -> Vec<Net> {
    let mut builder = Builder::new(3, &[1, 10]);
    let hidden =
        builder.gemm(builder.last(), 16, (1..=16_u8).map(|i| f32::from(i) * NO_LINE).collect());
    builder.gemm(hidden, 1, vec![NO_LINE]);
    let all = models::all().into_iter().step_by(4).map(|(_, model)| model);
    all.chain([builder.model()]).map(|model| net(&model)).collect()
}

#[test]
fn no_goal_is_served_better_by_the_plan_of_another() {
    for net in nets() {
        let plans = Plan::all(&net, Wishes::default()).expect("it fits");
        for (own, goal) in plans.iter().zip(Goal::ALL) {
            for other in &plans {
                let [own, other] =
                    [own, other].map(|plan| Cost::new(&plan.shape, plan.k).figure(goal));
                assert!(own <= other, "{goal:?}");
            }
        }
    }
}

#[test]
fn k_that_is_said_to_be_needed_is_enough() {
    for net in nets() {
        for goal in Goal::ALL {
            let mut said = None;
            for k in SMALLEST_K..=14 {
                let plan = |k| Plan::new(&net, Wishes { goal, k: Some(k), ..Wishes::default() });
                match plan(k) {
                    Ok(plan) => assert_eq!(plan.k, k),
                    Err(CircuitError::TooManyRows { needed, wish, needs }) => {
                        assert!(wish == k && needed > k && needs.rows > 0);
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
    let mut builder = Builder::new(3, &[1, 2_400_000]);
    builder.table(builder.last());
    let model = builder.model();
    let plan = Net::new(&model, &InstanceLayout::of_model(&model, true))
        .and_then(|net| Plan::new(&net, Wishes::default()));
    let Err(CircuitError::TooLarge(needs)) = plan else {
        panic!("no circuit has so many rows");
    };
    assert!(needs.rows > 1 << LARGEST_K && needs.by_node[0].1 < needs.rows, "{needs:?}");
    assert_eq!(needs.k, LARGEST_K + 1);
}

fn rows(builder: Builder) -> usize {
    let net = net(&builder.model());
    Plan::new(&net, Wishes::default()).expect("it fits").rows()
}

#[test]
fn rows_of_a_relu_grow_with_its_elements() {
    let relu = |elements: usize| {
        let mut builder = Builder::new(3, &[1, elements]);
        let table = builder.table(builder.last());
        builder.gemm(table, 4, vec![NO_LINE]);
        rows(builder)
    };
    let (few, many) = (relu(500), relu(2000));
    assert!(10 * many <= 41 * few, "{few} rows, {many} for four times the elements");
}

#[test]
fn rows_of_pools_are_in_proportion_to_their_windows() {
    let conv = || {
        let mut builder = Builder::new(3, &[1, 1, 17, 17]);
        let plain = ([1, 1], [1, 1], [0, 0]);
        builder.conv(builder.last(), (2, 1), [1, 1], plain, vec![NO_LINE]);
        builder
    };
    let pool = |size: usize| {
        let mut builder = conv();
        builder.max_pool(builder.last(), [size, size], [2, 2], [0, 0]);
        rows(builder)
    };
    let outputs = 2 * 8 * 8;
    let without = rows(conv());
    let [small, large] = [2, 3].map(|size| pool(size) - without);
    assert!(4 * large <= 9 * small, "{small} rows, {large} for windows of nine elements");
    assert!(large <= 16 * outputs, "{large} rows for {outputs} outputs");
}

#[test]
fn element_that_is_read_often_takes_no_copies_of_others() {
    let mut builder = Builder::new(3, &[1, 30]);
    // As trees read features: up and down, and one of them ten times.
    let round = |number: i32| (0..39).map(move |i| if number % 2 == 0 { i } else { 38 - i });
    let reads = (0..15).flat_map(round).map(|i| (Some(0), if i < 7 { i } else { (i - 9).max(7) }));
    let reads: Vec<_> = reads.collect();
    let count = reads.len();
    let read = builder.view(&[builder.last()], reads, &[1, count]);
    let tables = builder.tables(read);
    builder.gemm(tables, 2, vec![NO_LINE]);
    let rows = rows(builder);
    assert!(rows < 4 * count, "{rows} rows for {count} reads");
}

// Cursors move on rows that no node has.
#[test]
fn net_whose_cursors_move_on_too_many_rows_is_refused_with_their_number() {
    let mut builder = Builder::new(3, &[1, 1_044_000]);
    let table = builder.table(builder.last());
    builder.add(table, builder.last(), [0.4, 0.3]);
    let net = net(&builder.model());
    let refused = Plan::all(&net, Wishes::default());
    let Err(CircuitError::TooLarge(needs)) = refused else { panic!("{refused:?}") };
    assert!(needs.rows > 1 << LARGEST_K && needs.k > LARGEST_K, "{needs:?}");
}
