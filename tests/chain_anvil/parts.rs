//! A model in parts on a chain: a registry that has read the code of all parts, a consumer, and requests that are answered.

use alloy::{
    primitives::{Address, U256},
    sol,
    sol_types::SolValue,
};
use zkverdict::chain::{LocalChain, consumer_context, model_id};

#[cfg(feature = "cluster")]
use crate::{command::run, daemon::start};
use crate::{
    command::{address, ok, read},
    daemon::{ask, expect_answers},
    stand_in::{connect, deploy, with_arguments},
};

sol! {
    function lastOutput() external view returns (uint256);
}

#[tokio::test]
async fn a_model_in_parts_is_a_version_for_consumers_and_its_requests_are_answered() {
    const REQUESTS: u64 = 2;
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (bundle, records) = (path("parts.zkv"), path("deployments"));
    let keygen = ["keygen", "templates/project/trading/model.onnx", "--unsafe-dev-srs"];
    ok(&[&keygen[..], &["--segments", "2", "--out", &bundle]].concat());
    let rpc = ["--rpc-url", local.url(), "--deployments", &records];
    let registry = ok(&[&["registry", "deploy"], &rpc[..]].concat())["address"].clone();
    let deployed = ok(&[&["deploy", &bundle], &rpc[..]].concat());
    let at = registry.as_str().expect("an address");
    let on = ["--registry", at, "--rpc-url", local.url()];
    let add = ["registry", "add", &bundle, "--model", "trading"];
    let dry = ok(&[&add[..], &on, &["--dry-run"]].concat());
    // What a transaction may take since Osaka.
    assert!(dry["estimated_gas"].as_u64().expect("gas") < 1 << 24, "{dry}");
    assert_eq!(ok(&[&add[..], &on].concat())["version"], 1);
    let listed = ok(&[&["registry", "list"], &on[..]].concat());
    assert_eq!(
        (&listed[0]["vouched"], &listed[0]["verifier"]),
        (&false.into(), &deployed["address"])
    );

    let model = model_id("trading");
    let follows = (address(&registry), model, U256::ZERO).abi_encode_params();
    let recorder: Address = deploy(&chain, &with_arguments("Recorder", &follows)).await;
    let context = consumer_context(31337, recorder, chain.sender(), 0);
    let (proof, context) = (path("proof.json"), format!("0x{context:064x}"));
    let input = "templates/project/trading/returns.json";
    ok(&["prove", &bundle, "--input", input, "--context", &context, "--out", &proof]);
    let to = recorder.to_string();
    let submit = ["submit", &bundle, &proof, "--to", &to, "--rpc-url", local.url()];
    assert_eq!(ok(&submit)["valid"], true);
    assert_ne!(read(&chain, recorder, lastOutputCall {}).await, U256::ZERO);

    let arguments = (address(&registry), model).abi_encode_params();
    let asker = deploy(&chain, &with_arguments("Asker", &arguments)).await;
    ask(&chain, &local, asker, REQUESTS).await;
    let (journal, asks) = (path("journal"), asker.to_string());
    let watch = ["watch", &bundle, "--once", "--consumer", &asks, "--journal", &journal];
    let answered = ok(&[&watch[..], &["--rpc-url", local.url()]].concat());
    assert_eq!((&answered["answered"], &answered["skipped"]), (&REQUESTS.into(), &0.into()));
    expect_answers(&chain, asker, REQUESTS).await;

    // Workers elsewhere prove the parts of one more.
    #[cfg(feature = "cluster")]
    if let Some(nats) = crate::nats::Nats::start() {
        ask(&chain, &local, asker, 1).await;
        let (secret, server) = (path("worker.key"), nats.url());
        let made = ok(&["worker", "--new-key", &secret]);
        let key = made["public_key"].as_str().expect("a key");
        let (mut worker, _said) = start(&["worker", "--nats", &server, "--key", &secret]);
        let queue = ["--rpc-url", local.url(), "--nats", &server, "--worker-key", key];
        let output = run(&[&watch[..], &queue, &["--log", "json"]].concat());
        worker.kill().expect("it runs");
        worker.wait().expect("it is dead");
        let told = String::from_utf8(output.stderr).expect("text");
        assert!(output.status.success(), "{told}");
        for part in [1, 2] {
            let of_part =
                |line: &str| line.contains("\"job\"") && line.contains(&format!("\"part\":{part}"));
            assert!(told.lines().any(of_part), "part {part}: {told}");
        }
        expect_answers(&chain, asker, REQUESTS + 1).await;
    }
}
