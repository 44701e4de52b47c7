//! A bad way to a node: what comes through it is late, from some blocks back, too much, or not at all.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// How many questions went wrong in which way.
#[derive(Debug, Default)]
pub struct Figures {
    pub questions: AtomicU64,
    pub dropped: AtomicU64,
    pub limited: AtomicU64,
    pub behind: AtomicU64,
}

/// Listens until the process ends.
pub struct Proxy {
    pub url: String,
    pub figures: Arc<Figures>,
}

impl Proxy {
    pub fn start(node: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let figures = Arc::new(Figures::default());
        let (node, counted) = (node.trim_start_matches("http://").to_owned(), figures.clone());
        thread::spawn(move || {
            for (number, stream) in (0..).zip(listener.incoming()) {
                let (node, figures) = (node.clone(), Arc::clone(&counted));
                thread::spawn(move || {
                    let random = StdRng::seed_from_u64(seed.wrapping_add(number));
                    // Either side may hang up at any time.
                    let _ = serve(stream?, &node, random, &figures);
                    io::Result::Ok(())
                });
            }
        });
        Self { url, figures }
    }
}

/// Reads a request or an answer, and gives its body.
fn body(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(number) = lower.strip_prefix("content-length:") {
            length = number.trim().parse().map_err(io::Error::other)?;
        }
        if lower.trim().is_empty() {
            let mut body = vec![0; length];
            stream.read_exact(&mut body)?;
            return Ok(body);
        }
    }
}

fn ask(node: &str, question: &Value) -> io::Result<Value> {
    let mut stream = TcpStream::connect(node)?;
    let text = question.to_string();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {node}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )?;
    let answer = body(&mut BufReader::new(stream))?;
    serde_json::from_slice(&answer).map_err(io::Error::other)
}

fn answer(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

fn height(node: &str) -> io::Result<u64> {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [] });
    let said = ask(node, &question)?;
    let text = said["result"].as_str().unwrap_or_default().trim_start_matches("0x");
    u64::from_str_radix(text, 16).map_err(io::Error::other)
}

fn serve(stream: TcpStream, node: &str, mut random: StdRng, figures: &Figures) -> io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut question: Value =
            serde_json::from_slice(&body(&mut requests)?).map_err(io::Error::other)?;
        let count = |figure: &AtomicU64| figure.fetch_add(1, Ordering::Relaxed);
        count(&figures.questions);
        if random.gen_bool(0.1) {
            thread::sleep(Duration::from_millis(random.gen_range(10..300)));
        }
        if random.gen_bool(0.02) {
            count(&figures.limited);
            match random.gen_range(0..3) {
                0 => answer(&mut stream, "429 Too Many Requests", "slow down")?,
                1 => answer(&mut stream, "200 OK", "<html>Too many requests</html>")?,
                _ => {
                    let error = json!({ "code": -32005, "message": "rate limit exceeded" });
                    let said = json!({ "jsonrpc": "2.0", "id": question["id"], "error": error });
                    answer(&mut stream, "200 OK", &said.to_string())?;
                }
            }
            continue;
        }
        let is_dropped = random.gen_bool(0.03);
        if is_dropped {
            count(&figures.dropped);
            if random.gen_bool(0.5) {
                return Ok(());
            }
        }
        if random.gen_bool(0.1) && falls_behind(node, &mut question, random.gen_range(1..4))? {
            count(&figures.behind);
        }
        let said = ask(node, &question)?.to_string();
        // The node has done it, and nobody is told.
        if is_dropped {
            return Ok(());
        }
        answer(&mut stream, "200 OK", &said)?;
    }
}

/// Makes a question one to a node that is some blocks behind. False where that makes no difference.
fn falls_behind(node: &str, question: &mut Value, blocks: u64) -> io::Result<bool> {
    let newest = json!(format!("{:#x}", height(node)?.saturating_sub(blocks)));
    let place = match question["method"].as_str().unwrap_or_default() {
        "eth_getBlockByNumber" => &mut question["params"][0],
        "eth_getCode" | "eth_call" | "eth_getTransactionCount" => &mut question["params"][1],
        "eth_getLogs" => {
            let to = &mut question["params"][0]["toBlock"];
            let number = |value: &Value| {
                let digits = value.as_str().unwrap_or_default().trim_start_matches("0x").to_owned();
                u64::from_str_radix(&digits, 16).unwrap_or_default()
            };
            if number(to) <= number(&newest) {
                return Ok(false);
            }
            *to = newest;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    if !matches!(place.as_str(), Some("latest" | "pending")) {
        return Ok(false);
    }
    *place = newest;
    Ok(true)
}
