//! What `--help` says beside the flags: examples, what is read from the environment, exit codes.

use super::Cli;
use clap::{Command, CommandFactory};

/// What the command's exit codes mean.
pub const EXIT_CODES: [(u8, &str); 5] = [
    (0, "yes: the proof is valid, the file is written, the check holds"),
    (1, "no: the proof is not valid, or a check failed"),
    (
        2,
        "could not tell: bad input, a missing file, no compiler, a node that does not answer; standard error says which",
    ),
    (75, "`watch` ended over trouble that passes: start it again"),
    (130, "interrupted: what was half-written is removed"),
];

/// What is read from the environment.
const VARIABLES: [(&str, &str); 6] = [
    ("ZKVERDICT_PRIVATE_KEY", "a key that signs transactions, 32 bytes in hexadecimal"),
    ("ZKVERDICT_KEYSTORE_PASSWORD", "the password of --keystore"),
    ("ZKVERDICT_ANVIL", "the anvil for local chains; empty: a chain in this process"),
    ("XDG_CACHE_HOME", "where development strings are kept [default: ~/.cache]"),
    ("RAYON_NUM_THREADS", "how many threads make keys and proofs [default: all cores]"),
    ("RUST_BACKTRACE", "where something went wrong that should not"),
];

/// Calls of each verb.
fn examples(verb: &str) -> &'static [&'static str] {
    match verb {
        "inspect" => &[
            "inspect model.onnx",
            "inspect model.onnx --optimize gas --json",
            "inspect model.onnx --html model.html",
        ],
        "run" => &["run model.onnx --input x.npy"],
        "quantize" => &["quantize float.onnx --calibration samples.npz --out model.onnx"],
        "keygen" => &[
            "keygen model.onnx --srs powersOfTau28_hez_final_16.ptau",
            "keygen model.onnx --unsafe-dev-srs --input-visibility private --out model.zkv",
            "keygen model.onnx --unsafe-dev-srs --input x=committed",
            "keygen model.onnx --unsafe-dev-srs --claim 'score=threshold'",
        ],
        "schema" => &[
            "schema --of model.zkv --out schema.json",
            "schema schema.json",
            "schema schema.json --for model.zkv --json",
        ],
        "commit" => &[
            "commit model.zkv --input x.json --out x.commitment",
            "commit model.zkv --input x.json --schema schema.json --out x.commitment",
        ],
        "prove" => &[
            "prove model.zkv --input x.json --out proof.json",
            "prove model.zkv --input-commitment x.commitment --out proof.json",
            "prove model.zkv --input x.json --out proof.json --context 0x2a",
            "prove model.zkv --input x.json --out proof.json --threshold=0.7",
            "prove model.zkv --input x.json --out proof.json --nats nats://127.0.0.1",
        ],
        "worker" => &[
            "worker --nats nats://127.0.0.1",
            "worker --nats tls://queue.example --ca ca.pem --creds worker.creds --key worker.key --memory 8000000000",
            "worker --new-key worker.key",
        ],
        "jobs" => &["jobs --nats nats://127.0.0.1"],
        "verify" => &[
            "verify model.zkv proof.json",
            "verify model.zkv proof.json --model model.onnx --expect-output y.json",
        ],
        "certify" => &["certify model.zkv --model model.onnx --out certificate.json"],
        "render" => &["render model.zkv", "render model.zkv --out src --name ScoreVerifier"],
        "gas" => &[
            "gas model.zkv proof.json --html gas.html",
            "gas model.zkv proof.json --save gas.json",
            "gas model.zkv proof.json --check gas.json",
        ],
        "deploy" => &[
            "deploy model.zkv",
            "deploy model.zkv --rpc-url https://node.example --keystore key.json --dry-run",
        ],
        "submit" => &[
            "submit model.zkv proof.json",
            "submit model.zkv proof.json --rpc-url https://node.example --keystore key.json",
        ],
        "attest" => &[
            "attest x.commitment.json --bundle model.zkv --schema schema.json --subject 0x5dad7600c5d89fe3824ffa99ec1c3eb8bf3b0501 --expires 1900000000 --chain-id 1 --contract 0xa0cb889707d426a7a386870a03bc70d1b0697598 --keystore key.json",
            "attest x.commitment.json --schema 0x2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f2f --subject 0x5dad7600c5d89fe3824ffa99ec1c3eb8bf3b0501 --expires 1900000000 --chain-id 1 --contract 0xa0cb889707d426a7a386870a03bc70d1b0697598 --keystore key.json",
        ],
        "init" => {
            &["init credit --template credit", "init project --bundle model.zkv --template credit"]
        }
        "bench" => &[
            "bench model.onnx other.onnx --proofs 3",
            "bench model.onnx --html bench.html --against earlier.json",
        ],
        "demo" => &["demo", "demo --json"],
        "explain" => &["explain 2", "explain 0x09bde339", "explain InvalidProof"],
        "doctor" => &["doctor"],
        "completions" => &[
            "completions bash > ~/.local/share/bash-completion/completions/zkverdict",
            "completions fish > ~/.config/fish/completions/zkverdict.fish",
        ],
        "man" => &["man | man -l -", "man --out ~/.local/share/man/man1"],
        _ => &[],
    }
}

fn section(title: &str, lines: impl IntoIterator<Item = (String, String)>) -> String {
    let lines: Vec<_> = lines.into_iter().collect();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, text): (String, String)| {
        let line = format!("\n  {name:width$}  {text}");
        line.trim_end().to_owned()
    };
    format!("{title}:{}", lines.into_iter().map(line).collect::<String>())
}

/// The command line, with all that its help says.
pub fn command() -> Command {
    let variables = VARIABLES.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let codes = EXIT_CODES.map(|(code, text)| (code.to_string(), text.to_owned()));
    let general = [section("Environment", variables), section("Exit codes", codes)].join("\n\n");
    Cli::command().after_help(general).mut_subcommands(|verb| {
        let calls = examples(verb.get_name()).iter();
        let calls: Vec<_> =
            calls.map(|call| (format!("zkverdict {call}"), String::new())).collect();
        let signs = verb.get_arguments().any(|argument| argument.get_id() == "keystore");
        let secrets = VARIABLES[..3].iter().filter(|_| signs);
        let secrets: Vec<_> =
            secrets.map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        let sections = [("Examples", calls), ("Environment", secrets)].into_iter();
        let sections = sections.filter(|(_, lines)| !lines.is_empty());
        let text: Vec<_> = sections.map(|(title, lines)| section(title, lines)).collect();
        verb.after_help(text.join("\n\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_examples_that_are_right() {
        let names: Vec<String> =
            command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        for name in names.iter().filter(|name| *name != "help") {
            // Those with verbs of their own say more in docs/operating.md.
            let is_documented = ["registry", "watch"].contains(&name.as_str());
            assert!(is_documented || !examples(name).is_empty(), "{name}");
            for call in examples(name) {
                // What a shell would take for itself.
                let words = call.split_whitespace().take_while(|word| !["|", ">"].contains(word));
                let words = std::iter::once("zkverdict").chain(words);
                command().try_get_matches_from(words).unwrap_or_else(|e| panic!("{call}: {e}"));
            }
        }
        let help = command().render_long_help().to_string();
        assert!(VARIABLES.iter().all(|(name, _)| help.contains(name)), "{help}");
    }
}
