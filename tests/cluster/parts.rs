//! Models in parts: each part is a job of its own, and the whole is one proof.

use super::*;
use crate::nats::Nats;
use crate::refusals::{hex, lie, meddle};
use futures_util::TryStreamExt;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use zkverdict::bundle::{PartsBundle, ProofFile};
use zkverdict::cluster::{ClusterError, PartsRequester, RequestEvent, SecretKey};
use zkverdict::proving::{Judge, Proof};

const MODEL: &str = "test/fixtures/models/digits_mlp/int8_qdq.onnx";
const PARTS: usize = 2;
/// One whose parts take less memory than the whole.
const LARGER: &str = "test/fixtures/models/lenet5/int8_qdq.onnx";

/// A bundle of a model in parts, as its input is told.
fn parts(visibility: &'static str) -> &'static Path {
    static PUBLIC: OnceLock<PathBuf> = OnceLock::new();
    static HASHED: OnceLock<PathBuf> = OnceLock::new();
    let place = if visibility == "public" { &PUBLIC } else { &HASHED };
    place.get_or_init(|| {
        let path = DESK.path().join(format!("parts-{visibility}.zkv"));
        let keygen = ["keygen", MODEL, "--unsafe-dev-srs", "--segments", "2", "--out", text(&path)];
        run(&[&keygen[..], &["--input-visibility", visibility]].concat());
        path
    })
}

/// An input of the model, as a file.
fn image() -> &'static Path {
    static IMAGE: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = DESK.path().join("image.json");
        fs::write(&path, json!(inputs()[0]).to_string()).unwrap();
        path
    });
    &IMAGE
}

fn inputs() -> Vec<Vec<i32>> {
    let model = PartsBundle::open(parts("public")).unwrap().model().unwrap();
    let length = model.graph.tensors[model.inputs[0].tensor.0].len();
    vec![(0..i32::try_from(length).unwrap()).map(|at| at % 17).collect()]
}

/// The workers' key: its file, and its public part.
fn key() -> &'static (PathBuf, String) {
    static KEY: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
        let path = DESK.path().join("parts.key");
        let key = SecretKey::create(&path).unwrap();
        (path, key.public().bytes().to_string())
    });
    &KEY
}

fn worker(url: &str, more: &[&str]) -> Worker {
    Worker::start(url, &[&["--key", text(&key().0)], more].concat())
}

fn prove<'a>(bundle: &'a Path, out: &'a Path, url: &'a str) -> Vec<&'a str> {
    let asked = ["prove", text(bundle), "--input", text(image()), "--out", text(out)];
    [&asked[..], &["--nats", url, "--worker-key", &key().1]].concat()
}

fn requester(url: &str) -> PartsRequester {
    let worker_key = Some(SecretKey::open(&key().0).unwrap().public());
    let options = RequesterOptions { worker_key, ..options(url) };
    let bundle = PartsBundle::open(parts("public")).unwrap();
    PartsRequester::open(&bundle, &[1 << 20; PARTS], options).unwrap()
}

fn of(context: u64) -> Work {
    let mut work = work(context);
    work.inputs = inputs();
    work
}

fn words(asked: &[String]) -> Vec<&str> {
    asked.iter().map(String::as_str).collect()
}

fn jobs(url: &str) -> Vec<Value> {
    run(&["jobs", "--nats", url])["jobs"].as_array().unwrap().clone()
}

/// Under which names it is said which jobs there are.
async fn records(store: &async_nats::jetstream::kv::Store) -> Vec<String> {
    let keys: Vec<String> = store.keys().await.unwrap().try_collect().await.unwrap();
    keys.into_iter().filter(|key| key.starts_with("parts.")).collect()
}

/// The bytes of each part's own proof.
fn own_proofs(requester: &PartsRequester, proof: &Proof) -> Vec<Vec<u8>> {
    let verifier = requester.verifier();
    let mut rest = &proof.bytes[32 * verifier.crossing()..];
    let parts = verifier.parts().iter().map(|part| {
        let own;
        (own, rest) = rest.split_at(part.verifier.keys().proof_length());
        own.to_vec()
    });
    parts.collect()
}

#[test]
fn parts_are_proved_by_several_workers_none_of_which_has_room_for_the_whole() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let [whole, cut, image, proof, again] =
        ["w.zkv", "c.zkv", "image.json", "p", "again"].map(|name| folder.path().join(name));
    let keygen = ["keygen", LARGER, "--unsafe-dev-srs", "--out"];
    run(&[&keygen[..], &[text(&whole)]].concat());
    run(&[&keygen[..], &[text(&cut), "--segments", "2"]].concat());
    let zeros = vec![0; Bundle::open(&whole).unwrap().manifest.layout.inputs[0].tensor.len()];
    fs::write(&image, json!(zeros).to_string()).unwrap();
    let prove = |bundle, out, more: &[&str]| {
        let asked = ["prove", text(bundle), "--input", text(&image), "--out", text(out)];
        let asked = [&asked[..], &["--nats", &url, "--worker-key", &key().1], more].concat();
        asked.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    // Nobody works yet: what the jobs take is seen, and all parts wait at once.
    let late = error(&words(&prove(&cut, &proof, &["--wait", "1"])));
    assert!(late.starts_with("part ") && late.contains("is not done after"), "{late}");
    let waiting = jobs(&url);
    let takes = |job: &Value| job["memory_bytes"].as_u64().unwrap();
    let largest = waiting.iter().map(takes).max().unwrap();
    let numbers: BTreeSet<String> = waiting.iter().map(|job| job["part"].to_string()).collect();
    assert_eq!(numbers, BTreeSet::from(["[1,2]".into(), "[2,2]".into()]));
    error(&words(&prove(&whole, &again, &["--wait", "1"])));
    let room = jobs(&url).iter().map(takes).max().unwrap();
    assert!(largest < room, "{largest} is no less than {room}");

    let memory = largest.to_string();
    let kept = ["one", "two"].map(|name| folder.path().join(name));
    let workers =
        kept.each_ref().map(|kept| worker(&url, &["--memory", &memory, "--bundles", text(kept)]));
    run(&words(&prove(&cut, &proof, &[])));
    let said = run(&["verify", text(&cut), text(&proof), "--input", text(&image)]);
    assert_eq!(said["valid"], true);
    let done: Vec<Value> = jobs(&url).into_iter().filter(|job| job["state"] == "done").collect();
    assert_eq!(done.len(), PARTS);
    // Each by another worker, which has been sent that part's bundle and no other.
    let by: BTreeSet<String> = done.iter().map(|job| job["worker"].to_string()).collect();
    assert_eq!(by.len(), PARTS, "{done:?}");
    for kept in &kept {
        let archives: Vec<_> = fs::read_dir(kept).unwrap().collect();
        assert_eq!(archives.len(), 1);
        let held = Bundle::open(&archives[0].as_ref().unwrap().path()).unwrap();
        assert!(held.manifest.part.is_some());
    }
    let late = error(&words(&prove(&whole, &again, &["--wait", "3"])));
    assert!(late.contains(&format!("bytes of memory, and workers have {memory}")), "{late}");
    drop(workers);

    // The same is the same, and needs nobody.
    let same = run(&words(&prove(&cut, &again, &[])));
    let first: Value = serde_json::from_slice(&fs::read(&proof).unwrap()).unwrap();
    assert_eq!(same["proof"], first["proof"]);
}

#[test]
fn a_proof_of_a_part_says_that_it_is_of_a_part() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let [proof, again] = ["p", "again"].map(|name| folder.path().join(name));
    let _worker = worker(&url, &[]);
    run(&prove(parts("public"), &proof, &url));
    let requester = requester(&url);
    let joined = ProofFile::open(&proof).unwrap().proof;
    let (names, _) = joined.bytes[..32 * requester.verifier().crossing()].as_chunks::<32>();
    let keys = requester.verifier().parts();
    for (number, (part, key)) in own_proofs(&requester, &joined).iter().zip(keys).enumerate() {
        let own = key.instances(names, &joined.instances).unwrap();
        let instances: Vec<String> = own.iter().map(|word| hex(word)).collect();
        let digest = hex(&key.verifier.digest());
        let file = json!({ "format": "packed", "vk_digest": digest, "proof": hex(part), "instances": instances });
        fs::write(&again, file.to_string()).unwrap();
        let verify =
            |bundle: &Path| call(&["verify", text(bundle), text(&again), "--trust-bundle"]);
        assert_eq!(verify(parts("public")).status.code(), Some(1));
        let output = verify(&parts("public").join((number + 1).to_string()));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said["valid"], &said["part"]), (&json!(true), &json!([number + 1, PARTS])));
    }
}

#[test]
fn the_same_asked_for_twice_at_once_is_divided_once_and_other_contexts_are_not_the_same() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let asked = |context| requester.prove(&of(context), &|_, _| {}).unwrap();
    let proofs = thread::scope(|scope| {
        let asking = [7, 7, 8].map(|context| scope.spawn(move || asked(context)));
        let _workers = [worker(&url, &[]), worker(&url, &[])];
        asking.map(|asking| asking.join().unwrap())
    });
    assert_eq!(proofs[0], proofs[1]);
    let names = |proof: &Proof| proof.bytes[..32 * requester.verifier().crossing()].to_vec();
    assert_ne!(names(&proofs[0]), names(&proofs[2]));
    let jobs = jobs(&url);
    assert_eq!(jobs.len(), 2 * PARTS);
    assert!(jobs.iter().all(|job| job["begun"] == 1 && job["state"] == "done"), "{jobs:?}");
}

/// What crosses a cut is for workers alone, and where the input is, nobody finds it by a name.
#[test]
fn parts_are_sealed_whatever_the_input_is() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof");
    let (open, hashed) = (parts("public"), parts("hashed"));
    let in_the_clear = ["prove", text(open), "--input", text(image()), "--out", text(&proof)];
    let refused = error(&[&in_the_clear[..], &["--nats", &url]].concat());
    assert!(refused.contains("values that nobody else is to know, and no key"), "{refused}");
    // Nor alone: what a part makes is committed, though its input is public.
    let first = Bundle::open(&open.join("1")).unwrap();
    let refused = Requester::open(&first, 1 << 20, options(&url)).err().unwrap().to_string();
    assert!(refused.contains("keeps outputs committed"), "{refused}");
    assert_eq!(jobs(&url), Vec::<Value>::new());

    let _workers = [worker(&url, &[]), worker(&url, &[])];
    let made: Vec<Value> = (0..2).map(|_| run(&prove(hashed, &proof, &url))).collect();
    assert_eq!(run(&["verify", text(hashed), text(&proof)])["valid"], true);
    assert_ne!(made[0]["proof"], made[1]["proof"]);
    run(&prove(open, &proof, &url));
    let kept = meddle(&url, async |context| {
        let store = context.get_key_value("zkverdict-status").await.unwrap();
        records(&store).await.len()
    });
    assert_eq!(kept, 1, "only what everybody may see has a record");
    let stored = nats.stored();
    let is_stored = |words: &[u8]| stored.windows(words.len()).any(|part| part == words);
    assert!(is_stored(b"sealed_to"));
    assert!(
        !is_stored(b"\"inputs\":[[") && !is_stored(b"\"blindings\"") && !is_stored(b"commitments")
    );
}

#[test]
fn a_part_that_is_proved_wrongly_is_refused_by_name_and_published_again_alone() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let right = {
        let _worker = worker(&url, &[]);
        requester.prove(&of(1), &|_, _| {}).unwrap()
    };
    // The second part of the same input under other names: by itself it verifies.
    let other = &own_proofs(&requester, &right)[1];
    let told = Mutex::new(Vec::new());
    let tell = |part, event| told.lock().unwrap().push((part, event));
    let proof = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&of(2), &tell));
        lie(&url, Some(2), &hex(other));
        lie(&url, Some(2), "no digits");
        let _worker = worker(&url, &[]);
        asked.join().unwrap().unwrap()
    });
    assert_eq!(requester.verifier().verify(&proof), Ok(()));
    let told = told.into_inner().unwrap();
    let refused: Vec<usize> = told
        .iter()
        .filter(
            |(_, event)| matches!(event, RequestEvent::Refused { worker, .. } if worker == "liar"),
        )
        .map(|(part, _)| *part)
        .collect();
    assert_eq!(refused, [1, 1]);
    let jobs = jobs(&url);
    assert_eq!(jobs.len(), 2 * PARTS);
    let twice: Vec<_> = jobs.iter().filter(|job| job["refused"] != 0).collect();
    assert_eq!(twice.len(), 1);
    assert_eq!(twice[0]["part"], json!([2, PARTS]));

    // One that lies each time is named, with the part.
    let refused = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&of(3), &|_, _| {}));
        (0..3).for_each(|_| lie(&url, Some(1), &hex(other)));
        asked.join().unwrap().unwrap_err()
    });
    let ClusterError::Part { part: 1, parts: PARTS, error } = &refused else { panic!("{refused}") };
    let ClusterError::Wrong { tries: 3, worker: by, .. } = &**error else { panic!("{refused}") };
    assert_eq!(by, "liar");
}

#[test]
fn a_part_that_nobody_can_prove_is_told_by_its_number() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let second = Bundle::open(&parts("public").join("2")).unwrap().archive().unwrap();
    let hash = zkverdict::cluster::Hash::of(&second).to_string();
    let failed = thread::scope(|scope| {
        let asked = scope.spawn(|| requester.prove(&of(5), &|_, _| {}).unwrap_err());
        eventually("the jobs", || run(&["jobs", "--nats", &url])["queued"] == PARTS);
        meddle(&url, async |context| {
            let objects = context.get_object_store("zkverdict-objects").await.unwrap();
            objects.put(hash.as_str(), &mut &vec![7; second.len()][..]).await.unwrap();
        });
        let _worker = worker(&url, &[]);
        asked.join().unwrap()
    });
    assert!(failed.to_string().starts_with("part 2 of 2: the job"), "{failed}");
    let ClusterError::Part { part: 2, error, .. } = &failed else { panic!("{failed}") };
    let ClusterError::Failed { error, .. } = &**error else { panic!("{failed}") };
    let dead = run(&["jobs", "--nats", &url])["dead"].clone();
    assert_eq!((&dead[0]["part"], &dead[0]["error"]), (&json!([2, PARTS]), &json!(error)));
    // Asked for again it is divided anew, and begun with what is sent anew.
    let _worker = worker(&url, &[]);
    requester.prove(&of(5), &|_, _| {}).unwrap();
}

/// Whoever may write to the server says what the jobs are: it costs time.
#[test]
fn a_division_that_is_none_is_made_anew() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let _worker = worker(&url, &[]);
    let mut proofs = vec![requester.prove(&of(6), &|_, _| {}).unwrap()];
    let other = format!("0x{}", "17".repeat(32));
    let changes: [&dyn Fn(&mut Value); 8] = [
        &|record| *record = json!("no record"),
        &|record| record["version"] = json!(2),
        &|record| record["jobs"].as_array_mut().unwrap().reverse(),
        &|record| record["jobs"][0]["sealed_to"] = json!(null),
        &|record| record["names"] = json!([]),
        &|record| record["jobs"] = json!([]),
        // Inputs that are nowhere, and names that are not those of the inputs.
        &|record| record["jobs"][1]["input"] = json!(other),
        &|record| record["names"][0] = json!(other),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        meddle(&url, async |context| {
            let store = context.get_key_value("zkverdict-status").await.unwrap();
            let name = records(&store).await.remove(0);
            let record = store.get(&name).await.unwrap().unwrap();
            let mut record = serde_json::from_slice(&record).unwrap();
            change(&mut record);
            store.put(&name, record.to_string().into()).await.unwrap();
        });
        let proof = requester.prove(&of(6), &|_, _| {}).unwrap();
        assert_eq!(requester.verifier().verify(&proof), Ok(()));
        assert!(!proofs.contains(&proof), "change {number}");
        // What is made anew is known from then on.
        assert_eq!(requester.prove(&of(6), &|_, _| {}).unwrap(), proof);
        proofs.push(proof);
    }
}

const PROOFS: u64 = 12;
const KILLS: usize = 12;

#[test]
fn no_part_is_lost_or_proved_twice_over_whoever_is_killed() {
    let Some(mut nats) = Nats::start() else { return };
    let url = nats.url();
    let requester = requester(&url);
    let kept: Vec<TempDir> = (0..2).map(|_| TempDir::new().unwrap()).collect();
    let start = |number: usize| worker(&url, &["--bundles", text(kept[number].path())]);
    let mut workers: Vec<Worker> = (0..2).map(start).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let proofs = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let context = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if context >= PROOFS {
                        break;
                    }
                    let proof = requester.prove(&of(context), &|_, _| {}).unwrap();
                    proofs.lock().unwrap().push((context, proof));
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for kill in 0..KILLS {
            let due = kill * (PROOFS as usize - 3) / KILLS;
            let is_proving = || jobs(&url).iter().any(|job| job["state"] == "proving");
            eventually("so many proofs", || done.load(Ordering::Relaxed) >= due && is_proving());
            if kill % 4 == 3 {
                nats.kill();
                nats.start_again();
            } else {
                workers[kill % 2].kill();
                workers[kill % 2] = start(kill % 2);
            }
        }
    });
    for (context, proof) in proofs.into_inner().unwrap() {
        assert_eq!(requester.verifier().verify(&proof), Ok(()));
        assert_eq!(requester.prove(&of(context), &|_, _| {}).unwrap(), proof);
    }
    eventually("an empty queue", || run(&["jobs", "--nats", &url])["queued"] == 0);
    let jobs = jobs(&url);
    assert_eq!(jobs.len(), PROOFS as usize * PARTS);
    assert!(jobs.iter().all(|job| job["state"] == "done"), "{jobs:?}");
    assert!(jobs.iter().any(|job| job["begun"].as_u64() > Some(1)), "no kill met a job");
}
