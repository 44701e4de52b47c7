//! Wrong workers, wrong messages, wrong stores: each is refused by name, and costs time alone.

use super::*;
use crate::nats::Nats;
use async_nats::jetstream::{self, AckKind, consumer::pull};
use futures_util::StreamExt;
use std::{sync::Mutex, thread};
use zkverdict::cluster::{ClusterError, Hash, Job, RequestEvent, Status};

/// What somebody with the right to write does to the server.
pub fn meddle<T>(url: &str, with: impl AsyncFnOnce(jetstream::Context) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { with(jetstream::new(async_nats::connect(url).await.unwrap())).await })
}

/// Takes the next job of a part, where one is named, and says that it is done, with this for a proof.
pub fn lie(url: &str, part: Option<u64>, proof: &str) {
    meddle(url, async |context| {
        let jobs = context.get_stream("zkverdict-jobs").await.unwrap();
        let config = pull::Config { durable_name: Some("workers".into()), ..Default::default() };
        let consumer = jobs.get_or_create_consumer("workers", config).await.unwrap();
        let (message, job) = loop {
            let next = consumer.batch().max_messages(1).expires(Duration::from_secs(5));
            let Some(message) = next.messages().await.unwrap().next().await else { continue };
            let message = message.unwrap();
            let job: Value = serde_json::from_slice(&message.payload).unwrap();
            if part.is_none() || job["part"][0].as_u64() == part {
                break (message, job);
            }
            message.double_ack_with(AckKind::Nak(Some(Duration::from_millis(50)))).await.unwrap();
        };
        let name = message.subject.rsplit('.').next().unwrap().to_owned();
        let status = context.get_key_value("zkverdict-status").await.unwrap();
        let done = serde_json::json!({
            "version": 1, "state": "done", "job": job, "published": 0, "begun": u32::MAX, "failed": u32::MAX, "refused": u32::MAX,
            "worker": "liar", "error": null, "proof": proof,
        });
        // In this order: what is published again while it is in the queue is not.
        message.double_ack().await.unwrap();
        status.put(name, done.to_string().into()).await.unwrap();
    });
}

pub fn hex(bytes: &[u8]) -> String {
    zkverdict::bundle::hex(bytes)
}

#[test]
fn wrong_proofs_are_refused_by_name_and_cost_nothing() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let right = {
        let _worker = Worker::start(&url, &[]);
        requester.prove(&work(1), &|_| {}).unwrap()
    };
    let mut changed = right.bytes.clone();
    changed[200] ^= 1;
    // A proof of another context, which verifies for that; one with a bit changed; none at all.
    let lies = [hex(&right.bytes), hex(&changed), "no digits".into()];
    let told = Mutex::new(Vec::new());
    let tell = |event| told.lock().unwrap().push(event);
    let refused = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&work(2), &tell));
        lies.iter().for_each(|proof| lie(&url, None, proof));
        asked.join().unwrap().unwrap_err()
    });
    let ClusterError::Wrong { tries: 3, worker, .. } = &refused else { panic!("{refused}") };
    assert_eq!(worker, "liar");
    let is_refusal = |event: &&RequestEvent| matches!(event, RequestEvent::Refused { worker, .. } if worker == "liar");
    assert_eq!(told.lock().unwrap().iter().filter(is_refusal).count(), 2);

    // A worker that is honest makes up for one that lies.
    let proof = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&work(3), &|_| {}));
        lie(&url, None, &hex(&right.bytes));
        let _worker = Worker::start(&url, &[]);
        asked.join().unwrap().unwrap()
    });
    assert_eq!(requester.verifier().verify(&proof), Ok(()));
    assert_ne!(proof.instances, right.instances);
}

/// What everybody who may write to the status says is believed by nobody who cannot read it.
#[test]
fn a_status_that_is_none_is_said_anew() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let told = Mutex::new(None);
    let tell = |event| {
        if let RequestEvent::Waits { job, .. } = event {
            *told.lock().unwrap() = Some(job);
        }
    };
    let job = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&work(4), &tell).map(drop));
        let told = || *told.lock().unwrap();
        eventually("the job", || told().is_some());
        let job: Hash = told().unwrap();
        for nonsense in
            ["{\"version\":1}".to_owned(), "{\"version\":2}".into(), "0".repeat(600_000)]
        {
            meddle(&url, async |context| {
                let status = context.get_key_value("zkverdict-status").await.unwrap();
                status.put(job.to_string(), nonsense.into()).await.unwrap();
            });
        }
        let _worker = Worker::start(&url, &[]);
        asked.join().unwrap().unwrap();
        job
    });
    let entry = meddle(&url, async |context| {
        let status = context.get_key_value("zkverdict-status").await.unwrap();
        status.get(job.to_string()).await.unwrap().unwrap()
    });
    let status: Status = serde_json::from_slice(&entry).unwrap();
    assert_eq!(status.job.name(), job);
}

#[test]
fn jobs_that_nobody_can_do_are_given_up_with_their_error() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    // Bundle and input that are not what their hashes say.
    let archive = Bundle::open(bundle("public")).unwrap().archive().unwrap();
    let (bundle, another) = (Hash::of(&archive), vec![7; archive.len()]);
    let failed = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&work(5), &|_| {}).unwrap_err());
        eventually("the job", || run(&["jobs", "--nats", &url])["queued"] == 1);
        meddle(&url, async |context| {
            let objects = context.get_object_store("zkverdict-objects").await.unwrap();
            objects.put(bundle.to_string().as_str(), &mut &another[..]).await.unwrap();
        });
        let _worker = Worker::start(&url, &[]);
        asked.join().unwrap()
    });
    let ClusterError::Failed { error, .. } = &failed else { panic!("{failed}") };
    assert!(error.contains("the bundle") && error.contains("not what its hash says"), "{error}");
    let seen = run(&["jobs", "--nats", &url]);
    assert_eq!(
        (&seen["jobs"][0]["state"], &seen["jobs"][0]["failed"]),
        (&"dead".into(), &3.into())
    );
    assert_eq!(seen["dead"][0]["error"], error.as_str());
    assert_eq!(seen["queued"], 0);
    // Asked for again it is begun again, with what was sent anew.
    let _worker = Worker::start(&url, &[]);
    requester.prove(&work(5), &|_| {}).unwrap();
}

#[test]
fn messages_that_are_no_jobs_are_buried() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let _worker = Worker::start(&url, &[]);
    eventually("a worker", || run(&["jobs", "--nats", &url])["workers"][0].is_object());
    let job = Job::new(Hash::of(b"bundle"), Hash::of(b"input"), None, 0);
    let whole = serde_json::to_string(&job).unwrap();
    let newer = whole.replace("\"version\":1", "\"version\":2");
    for (number, (message, expected)) in [
        ("no job".to_owned(), "the job is not as it should be"),
        (newer, "the job is version 2, and this program knows version 1"),
        (whole, "it is another than its name says"),
        ("7".repeat(600_000), "more than the 524288"),
    ]
    .into_iter()
    .enumerate()
    {
        meddle(&url, async |context| {
            let sent = context.publish(format!("zkverdict.job.n{number}"), message.into()).await;
            sent.unwrap().await.unwrap();
        });
        eventually("a dead letter", || {
            let dead = run(&["jobs", "--nats", &url])["dead"].as_array().unwrap().clone();
            assert!(dead.len() <= number + 1);
            let newest = dead.first().filter(|_| dead.len() == number + 1);
            newest.is_some_and(|dead| {
                let error = dead["error"].as_str().unwrap();
                assert!(error.contains(expected), "{error}");
                true
            })
        });
    }
    assert_eq!(run(&["jobs", "--nats", &url])["queued"], 0);
}
