//! A server of a test's own, that can be killed and started again.

#![allow(clippy::unwrap_used, dead_code, reason = "each test uses some of it")]

use std::{
    fs,
    io::Read,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A server with an empty store.
pub struct Nats {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    child: Child,
}

/// The server's program: the one that is named, that `script/nats.sh` installed, or that is on the path.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("ZKVERDICT_NATS_SERVER").map(PathBuf::from);
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&paths).map(|folder| folder.join("nats-server"));
    let installed = target.join("nats/bin/nats-server");
    named.into_iter().chain([installed]).chain(on_path).find(|program| program.is_file())
}

impl Nats {
    /// Starts one, where there is one.
    pub fn start() -> Option<Self> {
        Self::with(|listen, store| {
            format!(
                "listen: \"{listen}\"\njetstream {{ store_dir: \"{store}\", sync_interval: always }}\n"
            )
        })
    }

    /// The same with the configuration that is made of its address and the folder of its store.
    pub fn with(config: impl FnOnce(&str, &str) -> String) -> Option<Self> {
        let Some(program) = program() else {
            eprintln!("skipped: no nats-server is here; script/nats.sh installs one");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let store = folder.path().join("store");
        let config = config(&format!("127.0.0.1:{port}"), store.to_str().unwrap());
        fs::write(folder.path().join("server.conf"), config).unwrap();
        let child = spawn(&program, &folder);
        let nats = Self { program, folder, port, child };
        nats.ready();
        Some(nats)
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.folder);
        self.ready();
    }

    /// All that it stores.
    pub fn stored(&self) -> Vec<u8> {
        let (mut all, mut waiting) = (Vec::new(), vec![self.folder.path().join("store")]);
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    waiting.push(path);
                } else {
                    all.extend(fs::read(path).unwrap());
                }
            }
        }
        all
    }

    fn ready(&self) {
        let answers = || {
            let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
            stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            let mut word = [0; 4];
            stream.read_exact(&mut word).is_ok() && word == *b"INFO"
        };
        let begun = Instant::now();
        while !answers() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the server never answers");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &PathBuf, folder: &TempDir) -> Child {
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.path().join("server.conf"));
    command.env("REQUESTER_PASSWORD", "asks").env("WORKER_PASSWORD", "works");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
