//! A node that answers anything at all.

use super::{feed, seeds};
use std::{
    future::{Future, ready},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use zkverdict::chain::{Chain, Clock, Contract, DeployOptions, Deployment, block_on};

/// Nobody waits before he asks again.
#[derive(Debug)]
struct NoPause;

impl Clock for NoPause {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(ready(()))
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

/// Answers every request with these bytes.
fn answer(stream: TcpStream, body: &[u8]) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.take(length).read_to_end(&mut vec![])?;
    let mut stream = stream;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

#[test]
fn answers_of_a_node() {
    let files = [
        "eth_chainId",
        "eth_getCode",
        "eth_estimateGas",
        "eth_blockNumber",
        "eth_call",
        "eth_gasPrice",
        "error",
    ];
    let files = files.map(|file| format!("fuzz/seeds/rpc/{file}.json"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&body);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let body = said.lock().unwrap().clone();
            let _ = answer(stream, &body);
        }
    });
    let contract = Contract::new("Some", vec![0x60, 0x00], "[]").unwrap();
    feed("rpc", seeds(&files.each_ref().map(String::as_str)), 100, |bytes| {
        *body.lock().unwrap() = bytes.to_vec();
        block_on(async {
            let Ok(chain) = Chain::connect_by(&[&url], None, Arc::new(NoPause)).await else {
                return Ok::<_, zkverdict::chain::ChainError>(());
            };
            // Whatever it is, it is an answer or an error.
            let _ = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
            Ok(())
        })
        .is_ok()
    });
}
