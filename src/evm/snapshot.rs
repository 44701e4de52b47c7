//! Keeps gas figures and tells when they get worse.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use serde::{Deserialize, Serialize};

use super::{
    EvmError, Fork, GasReport,
    text::{Grouped, percent},
};

/// The figures of one contract and one call, to be kept in a file under version control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    contract: String,
    forks: BTreeMap<Fork, Figures>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Figures {
    total: u64,
    deploy_gas: u64,
    runtime_bytes: u64,
    calldata_bytes: u64,
    phases: BTreeMap<String, i64>,
}

/// How measured figures compare with kept ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SnapshotCheck {
    /// Whether nothing got worse by more than the tolerance.
    pub holds: bool,
    /// In per cent.
    pub tolerance: f64,
    /// By fork.
    pub forks: Vec<ForkChanges>,
}

/// The changes under one fork.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForkChanges {
    /// The fork.
    pub fork: Fork,
    /// Total gas, deployment and code size: what the check is about.
    pub figures: Vec<Change>,
    /// Why: the phases that changed.
    pub phases: Vec<Change>,
}

/// A figure then and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What it is.
    pub name: String,
    /// As kept.
    pub saved: i64,
    /// As measured.
    pub measured: i64,
    /// Whether it got worse by more than the tolerance.
    pub regressed: bool,
}

/// Format of the files that [`Snapshot::to_json`] writes.
const VERSION: u32 = 1;

impl Snapshot {
    /// Takes the figures of reports on one contract under different forks.
    pub fn of(reports: &[GasReport]) -> Self {
        let forks = reports.iter().map(|report| (report.fork, Figures::of(report))).collect();
        let contract = reports.first().map(|report| report.contract.clone()).unwrap_or_default();
        Self { version: VERSION, contract, forks }
    }

    /// Reads a file.
    pub fn from_json(bytes: &[u8]) -> Result<Self, EvmError> {
        let snapshot: Self = serde_json::from_slice(bytes)
            .map_err(|error| EvmError::Snapshot { reason: error.to_string() })?;
        if snapshot.version != VERSION {
            let reason = format!("its version is `{}`, expected `{VERSION}`", snapshot.version);
            return Err(EvmError::Snapshot { reason });
        }
        Ok(snapshot)
    }

    /// Writes a file.
    pub fn to_json(&self) -> String {
        // Maps of strings and integers always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Compares reports with the snapshot. What got better never fails; what got worse by more than
    /// `tolerance` per cent does.
    pub fn check(&self, reports: &[GasReport], tolerance: f64) -> Result<SnapshotCheck, EvmError> {
        let forks = reports
            .iter()
            .map(|report| {
                let saved = self
                    .forks
                    .get(&report.fork)
                    .ok_or(EvmError::SnapshotLacksFork { fork: report.fork })?;
                Ok(ForkChanges::new(report.fork, saved, &Figures::of(report), tolerance))
            })
            .collect::<Result<Vec<_>, EvmError>>()?;
        let holds = !forks.iter().flat_map(|fork| &fork.figures).any(|change| change.regressed);
        Ok(SnapshotCheck { holds, tolerance, forks })
    }
}

impl Figures {
    fn of(report: &GasReport) -> Self {
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Self {
            total: report.total,
            deploy_gas: report.deploy_gas,
            runtime_bytes: bytes(report.runtime_bytes),
            calldata_bytes: bytes(report.calldata_bytes),
            phases: report.phases.iter().map(|(name, gas)| (name.to_owned(), gas)).collect(),
        }
    }
}

impl ForkChanges {
    fn new(fork: Fork, saved: &Figures, measured: &Figures, tolerance: f64) -> Self {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let figures = [
            ("total", saved.total, measured.total),
            ("deploy_gas", saved.deploy_gas, measured.deploy_gas),
            ("runtime_bytes", saved.runtime_bytes, measured.runtime_bytes),
            ("calldata_bytes", saved.calldata_bytes, measured.calldata_bytes),
        ];
        let figures = figures.map(|(name, saved, measured)| {
            Change::new(name, signed(saved), signed(measured), tolerance)
        });
        let names: std::collections::BTreeSet<&String> =
            saved.phases.keys().chain(measured.phases.keys()).collect();
        let gas = |figures: &Figures, name| figures.phases.get(name).copied().unwrap_or_default();
        let mut phases: Vec<Change> = names
            .into_iter()
            .map(|name| Change::new(name, gas(saved, name), gas(measured, name), tolerance))
            .filter(|change| change.difference() != 0)
            .collect();
        phases.sort_by_key(|change| std::cmp::Reverse(change.difference().abs()));
        Self { fork, figures: figures.into(), phases }
    }
}

impl Change {
    fn new(name: &str, saved: i64, measured: i64, tolerance: f64) -> Self {
        let regressed = measured > saved && percent(measured - saved, saved.max(1)) > tolerance;
        Self { name: name.to_owned(), saved, measured, regressed }
    }

    const fn difference(&self) -> i64 {
        self.measured.saturating_sub(self.saved)
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, saved, measured, .. } = self;
        let (saved_text, measured_text) = (Grouped(*saved), Grouped(*measured));
        write!(f, "{name:<20}{saved_text:>12} → {measured_text:>12}")?;
        if self.difference() != 0 {
            let share = percent(self.difference(), (*saved).max(1));
            let sign = if self.difference() > 0 { "+" } else { "" };
            write!(f, "   {sign}{} ({share:+.2} %)", Grouped(self.difference()))?;
        }
        if self.regressed { write!(f, "   worse") } else { Ok(()) }
    }
}

impl Display for SnapshotCheck {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds { "holds" } else { "does not hold" };
        writeln!(f, "the gas snapshot {verdict} (tolerance {} %)", self.tolerance)?;
        for fork in &self.forks {
            writeln!(f, "\n{}", fork.fork)?;
            for change in &fork.figures {
                writeln!(f, "  {change}")?;
            }
            if !fork.phases.is_empty() {
                writeln!(f, "  by phase")?;
            }
            for change in &fork.phases {
                // A phase alone never fails the check, so it is not called worse.
                writeln!(f, "    {}", Change { regressed: false, ..change.clone() })?;
            }
        }
        Ok(())
    }
}
