//! The gas laboratory on contracts that solc compiled.

#[cfg(feature = "compile")]
mod command;
mod compiler;
mod lab;
#[cfg(feature = "chain")]
mod node;
mod random_programs;
#[cfg(feature = "chain")]
mod receipts;
mod snapshots;
#[cfg(feature = "compile")]
mod verifiers;

use lab::{Lab, PIPELINES};
use zkverdict::evm::{Address, Experiment, Fork, GasReport};

/// Whatever is measured, and however it ends: nothing is lost, nothing counted twice.
fn assert_adds_up(report: &GasReport) {
    let total = i64::try_from(report.total).unwrap();
    assert_eq!(report.phases.sum(), total, "{:?}", report.phases);
    assert_eq!(report.spenders.sum(), total, "{:?}", report.spenders);
    let paid = report.intrinsic + report.execution - report.refund;
    assert_eq!(report.total, paid.max(report.floor));
    assert_eq!(report.phases.get("unattributed"), 0);
    assert_eq!(report.phases.get("intrinsic"), i64::try_from(report.intrinsic).unwrap());
    let by_line: i64 = report.lines.iter().map(|line| line.gas).sum();
    if !report.lines.is_empty() {
        assert!(by_line > 0 && by_line <= i64::try_from(report.execution).unwrap());
    }
    for precompile in &report.precompiles {
        if precompile.missing == 0 {
            assert_eq!(report.spenders.get(precompile.name), precompile.gas);
        }
    }
}

#[test]
fn parts_add_up_to_the_total_on_every_fork() {
    for pipeline in PIPELINES {
        let lab = Lab::read(pipeline);
        for fork in Fork::ALL {
            let report = lab.experiment(&lab.good_calldata()).run(fork).unwrap();
            assert_adds_up(&report);
            assert!(report.call.accepted, "{:?}", report.call);
            assert!(report.limits.deployable && report.limits.callable);
            let counts: Vec<_> =
                report.precompiles.iter().map(|used| (used.name, used.count)).collect();
            assert_eq!(counts, [("modexp", 1), ("ecAdd", 3), ("ecMul", 4), ("ecPairing", 1)]);
        }
    }
}

#[test]
fn phases_are_those_of_the_source_in_the_order_they_run() {
    for pipeline in PIPELINES {
        let lab = Lab::read(pipeline);
        let report = lab.experiment(&lab.good_calldata()).run(Fork::Prague).unwrap();
        let names: Vec<&str> = report.phases.iter().map(|(name, _)| name).collect();
        let expected =
            ["intrinsic", "dispatch", "calldata", "transcript", "instances", "msm", "pairing"];
        assert_eq!(names, expected, "{pipeline}");
        // 4 ecMul and 3 ecAdd, all called through a helper that is defined elsewhere.
        let msm = report.phases.get("msm");
        assert!((24_450..26_500).contains(&msm), "{pipeline}: {msm}");
        let pairing = report.phases.get("pairing");
        assert!((113_000..114_000).contains(&pairing), "{pipeline}: {pairing}");
        let instances = report.phases.get("instances");
        assert!((1_349..2_500).contains(&instances), "{pipeline}: {instances}");
        assert!(report.phases.get("dispatch") < 1_000, "{pipeline}");
    }
}

#[test]
fn precompiles_are_booked_to_the_lines_that_call_them() {
    for pipeline in PIPELINES {
        let lab = Lab::read(pipeline);
        let report = lab.experiment(&lab.good_calldata()).run(Fork::Prague).unwrap();
        let gas_of = |text: &str| {
            let line = Lab::line_of(text);
            report.lines.iter().find(|known| known.line == line).map_or(0, |known| known.gas)
        };
        assert!((113_000..114_000).contains(&gas_of("staticcall(gas(), 0x08")), "{pipeline}");
        assert!((24_000..25_500).contains(&gas_of("staticcall(gas(), 0x07")), "{pipeline}");
        assert!((450..1_500).contains(&gas_of("staticcall(gas(), 0x06")), "{pipeline}");
        // Of the gas that code spends, next to nothing is left without a line.
        let by_line: i64 = report.lines.iter().map(|line| line.gas).sum();
        let execution = i64::try_from(report.execution).unwrap();
        assert!(execution - by_line < 200, "{pipeline}: {}", execution - by_line);
    }
}

#[test]
fn malformed_calls_are_reported_as_what_they_are() {
    let lab = Lab::read("via_ir");
    let run = |calldata: &[u8]| {
        let report = lab.experiment(calldata).run(Fork::Prague).unwrap();
        assert_adds_up(&report);
        assert!(!report.call.accepted);
        report
    };

    let short = run(&Lab::calldata(&[0; 32], &[]));
    let error = short.call.error.unwrap().to_string();
    assert_eq!(error, "ProofLength(received: 32, expected: 64)");
    assert_eq!(short.call.outcome, "reverted");
    assert!(short.execution < 2_000, "refused before any work");

    let out_of_range = run(&Lab::calldata(&Lab::generator(), &[[0; 32], [0xff; 32]]));
    assert_eq!(out_of_range.call.error.unwrap().to_string(), "InstanceOutOfRange(index: 1)");

    let unknown = run(&[1, 2, 3, 4]);
    assert_eq!(unknown.call.reason.unwrap(), "the contract has no function `0x01020304`");
    assert_eq!(unknown.call.error, None);
    assert_eq!(run(&[]).call.reason.unwrap(), "the contract has no function `0x`");

    // The point (1, 1) is not on the curve: ecMul fails and takes all the gas it was given.
    let mut off_curve = Lab::generator();
    off_curve[63] = 1;
    let burned = run(&Lab::calldata(&off_curve, &[]));
    assert_eq!(burned.call.error.unwrap().to_string(), "PrecompileFailed(which: 7)");
    let ec_mul = burned.precompiles.iter().find(|used| used.name == "ecMul").unwrap();
    assert_eq!((ec_mul.count, ec_mul.failed), (1, 1));
    assert!(ec_mul.gas > 1_000_000);
}

#[test]
fn missing_precompiles_are_named() {
    let lab = Lab::read("legacy");
    let report = lab
        .experiment(&lab.good_calldata())
        .without_precompile(Address::with_last_byte(8))
        .run(Fork::Prague)
        .unwrap();
    assert_adds_up(&report);
    assert_eq!(report.call.error.unwrap().to_string(), "PrecompileFailed(which: 8)");
    let pairing = report.precompiles.iter().find(|used| used.name == "ecPairing").unwrap();
    assert_eq!((pairing.count, pairing.missing, pairing.failed, pairing.gas), (1, 1, 0, 0));
}

#[test]
fn out_of_gas_is_reported_as_such() {
    let lab = Lab::read("legacy");
    let full = lab.experiment(&lab.good_calldata()).run(Fork::Prague).unwrap();
    // The pairing gets all but a 64th of what is left, finds it too little, and fails.
    let report = lab
        .experiment(&lab.good_calldata())
        .with_gas_limit(full.total - 50_000)
        .run(Fork::Prague)
        .unwrap();
    assert_adds_up(&report);
    assert_eq!(report.call.error.unwrap().to_string(), "PrecompileFailed(which: 8)");

    let report = lab
        .experiment(&lab.good_calldata())
        .with_gas_limit(report.intrinsic + 4_000)
        .run(Fork::Prague)
        .unwrap();
    assert_adds_up(&report);
    assert_eq!(report.call.outcome, "halted");
    assert_eq!(report.call.reason.unwrap(), "the execution halted: out of gas");
    assert_eq!(report.total, report.intrinsic + 4_000);
}

#[test]
fn consumers_are_measured_around_the_verifier() {
    for pipeline in PIPELINES {
        let lab = Lab::read(pipeline);
        let direct = lab.experiment(&lab.good_calldata()).run(Fork::Prague).unwrap();
        for fork in Fork::ALL {
            let consumer = lab.consumer(&lab.good_calldata());
            let report =
                lab.experiment(&lab.good_calldata()).with_consumer(consumer).run(fork).unwrap();
            assert_adds_up(&report);
            assert!(report.call.accepted, "{fork}: {:?}", report.call);
            assert!(report.phases.get("consumer") > 22_100, "a new storage slot and an event");
            if fork == Fork::Prague {
                for phase in ["transcript", "msm", "pairing"] {
                    let (inside, alone) = (report.phases.get(phase), direct.phases.get(phase));
                    assert_eq!(inside, alone, "{phase} costs the same, whoever calls");
                }
            }
        }
        // The consumer passes on nothing of the verifier's error, but its own reason.
        let refused = lab
            .experiment(&lab.good_calldata())
            .with_consumer(lab.consumer(&Lab::calldata(&[0; 32], &[])))
            .run(Fork::Prague)
            .unwrap();
        assert_adds_up(&refused);
        let error = refused.call.error.unwrap().to_string();
        assert_eq!(error, "ProofLength(received: 32, expected: 64)");
    }
}

/// Init code that deploys this many zero bytes.
fn zeros(count: u16) -> Vec<u8> {
    let [high, low] = count.to_be_bytes();
    vec![0x61, high, low, 0x5f, 0xf3] // return(0, count)
}

#[test]
fn contracts_over_a_limit_are_measured_and_refused() {
    for (size, fork, deployable) in [
        (24_576, Fork::Osaka, true),
        (24_577, Fork::Osaka, false),
        // Larger code is allowed, and the gas that pays for its bytes does not count against the cap.
        (24_577, Fork::Amsterdam, true),
    ] {
        let report = GasReport::measure(&zeros(size), &[], fork).unwrap();
        assert_eq!(report.runtime_bytes, usize::from(size));
        assert_eq!(report.limits.deployable, deployable, "{size}, {fork}");
        assert_eq!(report.limits.problems.len(), usize::from(!deployable));
        assert_adds_up(&report);
    }
    let report = GasReport::measure(&zeros(24_577), &[], Fork::Prague).unwrap();
    assert_eq!(
        report.limits.problems,
        ["runtime code in bytes is `24577`, `prague` allows `24576`"]
    );
    let large = [zeros(1), vec![0; 49_152]].concat();
    let report = GasReport::measure(&large, &[], Fork::Prague).unwrap();
    assert_eq!(report.limits.problems, ["init code in bytes is `49157`, `prague` allows `49152`"]);
}

#[test]
fn calldata_floor_is_a_part_of_its_own() {
    let report = GasReport::measure(&zeros(1), &[1; 3_000], Fork::Prague).unwrap();
    assert_adds_up(&report);
    assert_eq!((report.total, report.floor), (141_000, 141_000));
    assert_eq!(report.phases.get("floor"), 141_000 - 69_000);
    let report = GasReport::measure(&zeros(1), &[1; 3_000], Fork::Cancun).unwrap();
    assert_eq!((report.total, report.phases.get("floor")), (69_000, 0));
}

#[test]
fn call_over_the_transaction_cap_is_refused_from_osaka_on() {
    // An endless loop, stopped by a gas limit above the cap.
    let loops = vec![0x62, 0x5b, 0x5f, 0x56, 0x5f, 0x52, 0x60, 0x03, 0x60, 0x1d, 0xf3];
    for (fork, callable) in [(Fork::Prague, true), (Fork::Osaka, false), (Fork::Amsterdam, false)] {
        let report = Experiment::new(&loops, &[]).with_gas_limit(17_000_000).run(fork).unwrap();
        assert_adds_up(&report);
        assert_eq!(report.limits.callable, callable, "{fork}: {:?}", report.limits);
        assert_eq!(report.call.reason.as_deref(), Some("the execution halted: out of gas"));
    }
}

#[test]
fn json_has_the_documented_fields() {
    let lab = Lab::read("via_ir");
    let experiment = lab.experiment(&lab.good_calldata()).with_prediction(Fork::Prague, 180_000);
    let json = serde_json::to_value(experiment.run(Fork::Prague).unwrap()).unwrap();
    for field in [
        "total",
        "intrinsic",
        "floor",
        "execution",
        "runtime_bytes",
        "deploy_gas",
        "calldata_bytes",
    ] {
        assert!(json[field].is_u64(), "{field}");
    }
    assert_eq!(json["fork"], "prague");
    assert!(json["phases"]["transcript"].is_u64(), "{json:#}");
    assert!(json["rollup"]["op_stack_l1_bytes"].is_u64());
    assert_eq!(json["prices"]["gas_price_gwei"], 1.0);
    assert!(json["predicted"]["error"].is_f64());
    assert_eq!(json["call"]["accepted"], true);
}

#[test]
fn page_holds_every_figure_and_loads_nothing() {
    let lab = Lab::read("via_ir");
    let experiment =
        lab.experiment(&lab.good_calldata()).with_consumer(lab.consumer(&lab.good_calldata()));
    let reports = Fork::ALL.map(|fork| experiment.run(fork).unwrap());
    let page = experiment.html_page(&reports, Fork::Osaka).unwrap();
    for report in &reports {
        let cell = format!("data-figure=\"{}.total\">", report.fork);
        let text = page.split_once(&cell).unwrap().1.split('<').next().unwrap();
        assert_eq!(text.replace(',', ""), report.total.to_string());
    }
    assert_eq!(page.matches("</script>").count(), 2, "nothing in the data ends the script");
    for loading in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(loading), "{loading}");
    }
    keep_page(&experiment, &reports);
}

/// Needs Chromium and Node (`apt-get install chromium`); without them there is nothing to check with.
#[test]
fn page_in_a_browser_shows_the_reports_figures() {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let runs = |program: &str| {
        let version = std::process::Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    if !runs(&chromium) || !runs("node") {
        eprintln!("skipped: there is no `{chromium}` or no `node`");
        return;
    }
    let lab = Lab::read("legacy");
    let calldata = lab.good_calldata();
    let experiment = lab.experiment(&calldata).with_consumer(lab.consumer(&calldata));
    let reports = Fork::ALL.map(|fork| experiment.run(fork).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (page, json) = (folder.path().join("gas.html"), folder.path().join("gas.json"));
    std::fs::write(&page, experiment.html_page(&reports, Fork::Prague).unwrap()).unwrap();
    std::fs::write(&json, serde_json::to_string(&reports).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/script/check-gas-page.mjs");
    let check =
        std::process::Command::new("node").arg(script).arg(page).arg(json).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// Writes the page and the reports to the folder that `GAS_PAGE_FOLDER` names, if it does, for
/// `script/check-gas-page.mjs`.
fn keep_page(experiment: &Experiment, reports: &[GasReport]) {
    let Some(folder) = std::env::var_os("GAS_PAGE_FOLDER").map(std::path::PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    let name = &reports[0].contract;
    let page = experiment.html_page(reports, Fork::Prague).unwrap();
    std::fs::write(folder.join(format!("{name}.html")), page).unwrap();
    let json = serde_json::to_string(reports).unwrap();
    std::fs::write(folder.join(format!("{name}.json")), json).unwrap();
}
