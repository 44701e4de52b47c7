//! What the queue costs, for docs/scaling.md: `cargo test --test cluster overhead -- --ignored --nocapture`.

use super::*;
use crate::nats::Nats;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use zkverdict::proving::{Options, SrsOrigin};

/// Seconds of each of so many calls, the least first, and of all.
fn timed(count: u64, mut call: impl FnMut(u64)) -> (Vec<f64>, f64) {
    let begun = Instant::now();
    let mut each: Vec<f64> = (0..count)
        .map(|number| {
            let begun = Instant::now();
            call(number);
            begun.elapsed().as_secs_f64()
        })
        .collect();
    each.sort_by(f64::total_cmp);
    (each, begun.elapsed().as_secs_f64())
}

#[test]
#[ignore = "it measures"]
fn overhead() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    for (name, count) in [("credit_logreg", 60), ("lenet5", 16)] {
        let path = DESK.path().join(format!("{name}-measured.zkv"));
        let model = format!("test/fixtures/models/{name}/int8_qdq.onnx");
        run(&["keygen", &model, "--unsafe-dev-srs", "--out", text(&path)]);
        let bundle = Bundle::open(&path).unwrap();
        assert_eq!(bundle.manifest.srs, SrsOrigin::UnsafeDev);
        let model = bundle.model().unwrap();
        let inputs: Vec<Vec<i32>> = (model.inputs.iter())
            .map(|port| {
                let tensor = &model.graph.tensors[port.tensor.0];
                (0..tensor.len()).map(|at| i32::try_from(at % 100).unwrap()).collect()
            })
            .collect();
        let work = |context: u64| {
            let mut work = work(context);
            work.inputs.clone_from(&inputs);
            work
        };
        let prover = bundle.prover().unwrap();
        let local = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let proving =
                |context| drop(work(context).prove(&prover, &Options::default()).unwrap());
            pool.install(|| {
                proving(0);
                timed(count, proving)
            })
        };
        let requester = Requester::open(&bundle, 1 << 20, options(&url)).unwrap();
        let (one, _) = local(1);
        let (two, all) = local(2);
        let next = AtomicU64::new(0);
        let ask = |_| {
            drop(requester.prove(&work(next.fetch_add(1, Ordering::Relaxed)), &|_| {}).unwrap())
        };
        let _first = Worker::start(&url, &[]);
        ask(0);
        let (queued, _) = timed(count, ask);
        // The least is what a machine takes on which nothing else runs.
        let (alone, there) = (one[0], queued[0]);
        println!(
            "{name}: one thread {alone:.4} s here, {there:.4} s through the queue: {:.1} ms more",
            (there - alone) * 1e3
        );
        let _second = Worker::start(&url, &[]);
        thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| ask(0)))));
        let begun = Instant::now();
        thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| (0..count / 4).for_each(ask))));
        });
        let workers = begun.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss)]
        let per_minute = |seconds: f64| 60.0 * count as f64 / seconds;
        println!(
            "{name}: {:.0} a minute by one process with two threads ({:.4} s each), {:.0} by two workers with one",
            per_minute(all),
            two[0],
            per_minute(workers)
        );
    }
}
