//! What comes from outside is read strictly, and what is sealed is for its bundle and key alone.

use super::message::{DeadLetter, LARGEST_MESSAGE, Message};
use super::*;
use std::path::Path;

fn job() -> Job {
    Job::new(Hash::of(b"bundle"), Hash::of(b"input"), None, 1 << 20)
}

fn text(message: &impl Message) -> String {
    String::from_utf8(message.write()).expect("JSON is text")
}

#[test]
fn jobs_are_named_by_bundle_and_input() {
    let name = job().name();
    // What a requester says beside them makes no other job.
    let beside = Job::new(Hash::of(b"bundle"), Hash::of(b"input"), Some(Hash::of(b"key")), 7);
    assert_eq!(beside.name(), name);
    for other in [
        // For a device it is another, which one for everybody does not wait with.
        Job { gpu: true, ..job() },
        Job::new(Hash::of(b"input"), Hash::of(b"bundle"), None, 1 << 20),
        Job::new(Hash::of(b"bundle"), Hash::of(b"inputs"), None, 1 << 20),
    ] {
        assert_ne!(other.name(), name);
    }
    assert_eq!(Hash::parse(&name.to_string()), Some(name));
    assert_eq!(Hash::parse(&name.to_string().to_uppercase().replace("0X", "0x")), None);
}

#[test]
fn messages_of_other_versions_and_forms_are_refused() {
    let whole = text(&job());
    assert_eq!(Job::read(whole.as_bytes()).expect("as it was written"), job());
    let refused = |text: &str| Job::read(text.as_bytes()).expect_err("it was changed").to_string();
    let version = whole.replace("\"version\":1", "\"version\":9,\"new\":0");
    assert_eq!(refused(&version), "the job is version 9, and this program knows version 1");
    for (from, to) in [
        ("\"version\":1,", ""),
        ("\"version\":1", "\"version\":-1"),
        ("\"memory_bytes\":1048576", "\"memory_bytes\":1e30"),
        ("\"memory_bytes\":1048576", "\"memory_bytes\":1,\"more\":2"),
        ("\"bundle\":\"0x", "\"bundle\":\"0x00"),
        ("{", "[{"),
    ] {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole);
        assert!(refused(&changed).starts_with("the job is not as it should be"), "{changed}");
    }
    assert!(refused(&" ".repeat(LARGEST_MESSAGE + 1)).contains("more than the 524288"));
    assert!(refused("").contains("not as it should be"));

    let status = Status::queued(job());
    let done = text(&status).replace("queued", "done");
    let why = Status::read(done.as_bytes()).expect_err("there is no proof").to_string();
    assert!(why.contains("has no proof"), "{why}");
    let long = Status { error: Some("x".repeat(501)), ..status.clone() };
    assert!(Status::read(&long.write()).is_err());
    let long = Status { proof: Some("0".repeat(300_000)), state: State::Done, ..status };
    assert!(Status::read(&long.write()).is_err());
    // What came as anything can be buried.
    let letter = DeadLetter::new(&"n".repeat(9000), None, &"e".repeat(9000));
    assert!(DeadLetter::read(&letter.write()).is_ok());
}

#[test]
fn addresses_are_shown_without_passwords() {
    let shown = |url: &str| ServerOptions { url: url.into(), credentials: None, ca: None }.shown();
    assert_eq!(
        shown("nats://me:secret@host:4222, tls://to@ken@other"),
        "nats://host:4222,tls://other"
    );
    assert_eq!(shown("me:secret@host"), "host");
    assert_eq!(shown("host:4222"), "host:4222");
}

fn key(folder: &Path, name: &str) -> SecretKey {
    SecretKey::create(&folder.join(name)).expect("a key")
}

#[test]
fn inputs_are_sealed_for_one_bundle_and_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (key(folder.path(), "own"), key(folder.path(), "other"));
    let (input, bundle) = (b"a very private input", Hash::of(b"bundle"));
    let sealed = own.public().seal(input, bundle).expect("a key of the curve");
    assert_eq!(own.open_input(&sealed, bundle).expect("its own"), input);
    assert!(!sealed.windows(7).any(|part| part == b"private"));
    // The same input is another each time: nobody finds out by trying which one it is.
    assert_ne!(own.public().seal(input, bundle).expect("a key of the curve"), sealed);

    let refused = |key: &SecretKey, sealed: &[u8], bundle| {
        matches!(key.open_input(sealed, bundle), Err(ClusterError::Sealed))
    };
    assert!(refused(&other, &sealed, bundle));
    // Under a bundle that shows its inputs a proof would tell them.
    assert!(refused(&own, &sealed, Hash::of(b"another bundle")));
    for at in [0, 31, 32, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(refused(&own, &changed, bundle), "{at}");
    }
    for length in [0, 31, 32, 47] {
        assert!(refused(&own, &sealed[..length], bundle), "{length}");
    }
    // A point of small order has the same secret with everybody.
    let weak = PublicKey::parse(&Hash([0; 32]).to_string());
    assert!(weak.is_none_or(|weak| weak.seal(input, bundle).is_err()));
}

#[test]
fn key_files_are_for_their_owner_and_are_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let made = SecretKey::create(&path).expect("a key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let read = SecretKey::open(&path).expect("a key");
    assert_eq!(read.public().bytes(), made.public().bytes());
    let again = SecretKey::create(&path).map(drop).expect_err("there is one");
    assert!(again.to_string().contains("there already"), "{again}");

    let whole = std::fs::read_to_string(&path).expect("text");
    let document: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let secret = document["secret"].as_str().expect("text");
    for changed in [
        whole.replace("worker key", "worker lock"),
        whole.replace("\"version\": 1", "\"version\": 2"),
        whole.replace(&secret[2..10], "00000000"),
        whole.replace(secret, "0x"),
        String::new(),
    ] {
        std::fs::write(&path, &changed).expect("written");
        let why = SecretKey::open(&path).map(drop).expect_err("it was changed").to_string();
        assert!(why.contains("no key") && !why.contains(&secret[12..]), "{why}");
    }
}
