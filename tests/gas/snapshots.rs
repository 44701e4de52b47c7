//! Figures that are kept, and what is said when they change.

use zkverdict::evm::{EvmError, Fork, ForkComparison, GasReport, Snapshot};

use crate::lab::Lab;

fn reports() -> Vec<GasReport> {
    let lab = Lab::read("via_ir");
    Fork::ALL.map(|fork| lab.experiment(&lab.good_calldata()).run(fork).unwrap()).into()
}

/// A snapshot in which the total of Prague is this much lower than measured, because of `msm`.
fn better_by(gas: u64) -> Snapshot {
    let mut json: serde_json::Value =
        serde_json::from_str(&Snapshot::of(&reports()).to_json()).unwrap();
    let prague = &mut json["forks"]["prague"];
    prague["total"] = (prague["total"].as_u64().unwrap() - gas).into();
    prague["phases"]["msm"] = (prague["phases"]["msm"].as_u64().unwrap() - gas).into();
    Snapshot::from_json(json.to_string().as_bytes()).unwrap()
}

#[test]
fn unchanged_figures_hold() {
    let snapshot = Snapshot::of(&reports());
    assert_eq!(Snapshot::from_json(snapshot.to_json().as_bytes()), Ok(snapshot.clone()));
    let check = snapshot.check(&reports(), 0.0).unwrap();
    assert!(check.holds);
    assert!(check.forks.iter().all(|fork| fork.phases.is_empty()));
}

#[test]
fn regressions_fail_with_the_phase_that_made_them() {
    let check = better_by(1_000).check(&reports(), 0.0).unwrap();
    assert!(!check.holds);
    let prague = check.forks.iter().find(|fork| fork.fork == Fork::Prague).unwrap();
    let worse: Vec<&str> =
        prague.figures.iter().filter(|c| c.regressed).map(|c| c.name.as_str()).collect();
    assert_eq!(worse, ["total"]);
    let phases: Vec<&str> = prague.phases.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(phases, ["msm"]);
    let text = check.to_string();
    assert!(text.starts_with("the gas snapshot does not hold (tolerance 0 %)"), "{text}");
    assert!(text.contains("+1,000"), "{text}");
}

#[test]
fn tolerance_is_in_per_cent_of_the_saved_figure() {
    // About 165,000 gas: a thousand is 0.6 %.
    assert!(better_by(1_000).check(&reports(), 1.0).unwrap().holds);
    assert!(!better_by(1_000).check(&reports(), 0.5).unwrap().holds);
}

#[test]
fn improvements_hold() {
    let reports = reports();
    let mut worse = reports.clone();
    for report in &mut worse {
        report.total += 5_000;
    }
    let check = Snapshot::of(&worse).check(&reports, 0.0).unwrap();
    assert!(check.holds);
    assert!(check.to_string().contains("-5,000"), "{check}");
}

#[test]
fn unusable_snapshots_are_refused() {
    let error = Snapshot::from_json(b"{}").unwrap_err();
    assert!(matches!(error, EvmError::Snapshot { .. }));
    let newer = Snapshot::of(&[]).to_json().replace("\"version\": 1", "\"version\": 2");
    let error = Snapshot::from_json(newer.as_bytes()).unwrap_err();
    let expected = "the gas snapshot is not readable: its version is `2`, expected `1`";
    assert_eq!(error.to_string(), expected);
    let error = Snapshot::of(&[]).check(&reports()[..1], 0.0).unwrap_err();
    assert_eq!(error, EvmError::SnapshotLacksFork { fork: Fork::Cancun });
}

#[test]
fn texts_name_every_figure() {
    let reports = reports();
    let lab = Lab::read("via_ir");
    let experiment = lab.experiment(&lab.good_calldata()).with_prediction(Fork::Prague, 170_000);
    let text = experiment.run(Fork::Prague).unwrap().to_string();
    for expected in
        ["Lab on prague: accepted", "ecPairing", "113,000", "OP stack", "predicted", " gwei on L1"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let text = ForkComparison(reports).to_string();
    for expected in ["amsterdam", "transcript", "deployable"] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}
