//! Workers and the server are killed again and again while many jobs run: none is lost, and none has two answers.

use super::*;
use crate::nats::Nats;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use zkverdict::cluster::RequestEvent;

const JOBS: u64 = 200;
const KILLS: usize = 50;
const WORKERS: usize = 3;
/// Who ask at once.
const ASKING: usize = 12;

#[test]
fn no_job_is_lost_or_answered_twice_whoever_is_killed() {
    let Some(mut nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let kept: Vec<TempDir> = (0..WORKERS).map(|_| TempDir::new().unwrap()).collect();
    let worker = |number: usize| Worker::start(&url, &["--bundles", text(kept[number].path())]);
    let mut workers: Vec<Worker> = (0..WORKERS).map(worker).collect();

    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (proofs, troubles) = (Mutex::new(BTreeMap::new()), AtomicUsize::new(0));
    let tell = |event| {
        if let RequestEvent::Trouble { .. } = event {
            troubles.fetch_add(1, Ordering::Relaxed);
        }
    };
    let ask = || {
        loop {
            let context = next.fetch_add(1, Ordering::Relaxed) as u64;
            if context >= JOBS {
                break;
            }
            // Verified there.
            let proof = requester.prove(&work(context), &tell).unwrap();
            assert_eq!(proofs.lock().unwrap().insert(context, proof), None);
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        (0..ASKING).for_each(|_| drop(scope.spawn(ask)));
        let (mut seed, mut servers) = (20_261_128_u32, 0);
        for kill in 1..=KILLS {
            // Spread over all jobs.
            let due = kill * (JOBS as usize - ASKING) / KILLS;
            eventually("so many proofs", || done.load(Ordering::Relaxed) >= due);
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match (seed >> 16) as usize % (WORKERS + 1) {
                WORKERS => {
                    servers += 1;
                    nats.kill();
                    nats.start_again();
                }
                number => {
                    workers[number].kill();
                    workers[number] = worker(number);
                }
            }
        }
        assert!(servers > 5, "the server was killed {servers} times");
    });

    let proofs = proofs.into_inner().unwrap();
    assert_eq!(proofs.len(), JOBS as usize);
    // Each is of its own job, and what the server has is what whoever asked was given.
    for (context, proof) in &proofs {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&context.to_be_bytes());
        assert_eq!(proof.instances[0], word);
        let again = requester.prove(&work(*context), &|_| {}).unwrap();
        assert_eq!(again.bytes, proof.bytes);
    }
    eventually("an empty queue", || run(&["jobs", "--nats", &url])["queued"] == 0);
    let seen = run(&["jobs", "--nats", &url]);
    assert_eq!(seen["dead"], serde_json::json!([]));
    let jobs = seen["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), JOBS as usize);
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{seen}");
    // Some were begun more than once, or the kills met nobody at work.
    assert!(jobs.iter().any(|job| job["begun"].as_u64() > Some(1)), "no kill met a job");
}
