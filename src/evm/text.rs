//! Reports for people to read in a terminal.

use std::fmt::{self, Display, Formatter};

use serde::{Serialize, Serializer};

use super::{Cost, GasReport, Prices};

/// Reports of one call under several forks.
#[derive(Clone, Debug)]
pub struct ForkComparison(pub Vec<GasReport>);

/// A number with its thousands set apart.
pub(crate) struct Grouped(pub i64);

/// A share of a whole in per cent; nothing of nothing is zero.
pub(super) fn percent(part: i64, whole: i64) -> f64 {
    // Gas is far below 2^52.
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn counted(value: usize) -> Grouped {
    Grouped(i64::try_from(value).unwrap_or(i64::MAX))
}

impl Display for Grouped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
        if self.0 < 0 {
            text.push('-');
        }
        for (index, digit) in digits.char_indices() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

impl Display for GasReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let total = signed(self.total);
        let verdict = match &self.call.reason {
            None => "accepted",
            Some(reason) => reason,
        };
        writeln!(f, "{} on {}: {verdict}\n", self.contract, self.fork)?;

        let zeros = counted(self.calldata_zero_bytes);
        let calldata = counted(self.calldata_bytes);
        let floor = if self.floor == self.total { "decides" } else { "does not decide" };
        let sizes = [self.runtime_bytes].into_iter().chain(self.created_bytes.iter().copied());
        let code = sizes.map(|bytes| counted(bytes).to_string()).collect::<Vec<_>>().join(" and ");
        let code_limit = counted(self.limits.runtime_bytes);
        let rows: [(&str, u64, String); 5] = [
            ("total", self.total, String::new()),
            (
                "intrinsic",
                self.intrinsic,
                format!("{calldata} bytes of calldata, {zeros} of them zero"),
            ),
            ("execution", self.execution, String::new()),
            ("floor", self.floor, format!("the least for this calldata; {floor}")),
            ("deployment", self.deploy_gas, format!("{code} bytes of code, limit {code_limit}")),
        ];
        for (name, gas, remark) in rows {
            let line = format!("  {name:<22}{:>12}   {remark}", Grouped(signed(gas)));
            writeln!(f, "{}", line.trim_end())?;
        }
        if let Some(predicted) = self.predicted {
            let gas = Grouped(signed(predicted.total));
            writeln!(
                f,
                "  {:<22}{gas:>12}   error {:+.2} %",
                "predicted",
                100.0 * predicted.error
            )?;
        }
        for problem in &self.limits.problems {
            writeln!(f, "\n  over the limit: {problem}")?;
        }

        writeln!(f, "\n  {:<22}{:>12}", "phase", "gas")?;
        for (name, gas) in self.phases.iter() {
            writeln!(f, "  {name:<22}{:>12}   {:>5.1} %", Grouped(gas), percent(gas, total))?;
        }

        if !self.parts.is_empty() {
            writeln!(f, "\n  {:<22}{:>12}", "part", "gas")?;
        }
        for part in &self.parts {
            let (gas, share) = (Grouped(part.gas), percent(part.gas, total));
            let sizes = [part.runtime_bytes].into_iter().chain(part.created_bytes.iter().copied());
            let code = sizes.map(|bytes| counted(bytes).to_string()).collect::<Vec<_>>();
            let deployment = Grouped(signed(part.deploy_gas));
            writeln!(
                f,
                "  {:<22}{gas:>12}   {share:>5.1} %   {} bytes of code, deployment {deployment}",
                part.contract,
                code.join(" and ")
            )?;
        }

        if !self.precompiles.is_empty() {
            writeln!(f, "\n  {:<22}{:>12}   {:>5}", "precompile", "gas", "calls")?;
        }
        for used in &self.precompiles {
            write!(f, "  {:<22}{:>12}   {:>5}", used.name, Grouped(used.gas), used.count)?;
            for (count, what) in [
                (used.failed, "failed and consumed all gas given"),
                (used.missing, "found no precompile"),
            ] {
                if count > 0 {
                    write!(f, "   {count} {what}")?;
                }
            }
            writeln!(f)?;
        }

        writeln!(f, "\n  {:<22}{:>12}", "opcodes", "gas")?;
        let is_precompile = |name: &str| self.precompiles.iter().any(|used| used.name == name);
        let not_opcodes = ["intrinsic", "floor", "refund", "unattributed"];
        for (name, gas) in self.spenders.iter() {
            if !is_precompile(name) && !not_opcodes.contains(&name) {
                writeln!(f, "  {name:<22}{:>12}   {:>5.1} %", Grouped(gas), percent(gas, total))?;
            }
        }

        writeln!(f, "\n  {:<22}{:>12}", "bytes on L1", "bytes")?;
        for (name, bytes) in [
            ("transaction", self.rollup.transaction_bytes),
            ("OP stack (Fjord)", self.rollup.op_stack_l1_bytes),
            ("Arbitrum (at most)", self.rollup.arbitrum_l1_bytes),
        ] {
            writeln!(f, "  {name:<22}{:>12}", counted(bytes))?;
        }
        writeln!(f, "\n  {:<22}{:>12}{:>14}{:>14}", "cost in ETH", "execution", "data", "total")?;
        writeln!(f, "  {} ({})", self.prices, self.fork)?;
        for cost in &self.costs {
            writeln!(f, "  {cost}")?;
        }
        Ok(())
    }
}

impl Display for Cost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { chain, execution_eth, data_eth, total_eth, .. } = self;
        write!(f, "{chain:<20}{execution_eth:>14.9}{data_eth:>14.9}{total_eth:>14.9}")?;
        match (&self.total, &self.currency) {
            (Some(total), Some(currency)) => write!(f, "   {total:.4} {currency}"),
            _ => Ok(()),
        }
    }
}

impl Display for Prices {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            gas_price_gwei, l2_gas_price_gwei, l1_base_fee_gwei, blob_base_fee_gwei, ..
        } = self;
        write!(
            f,
            "at {gas_price_gwei} gwei on L1; on rollups {l2_gas_price_gwei} gwei, and for data \
             {l1_base_fee_gwei} gwei, blobs {blob_base_fee_gwei} gwei"
        )
    }
}

impl Display for ForkComparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else { return Ok(()) };
        writeln!(f, "{}\n", first.contract)?;
        let row = |f: &mut Formatter<'_>, name: &str, value: &dyn Fn(&GasReport) -> String| {
            write!(f, "  {name:<16}")?;
            for report in &self.0 {
                write!(f, "{:>14}", value(report))?;
            }
            writeln!(f)
        };
        let gas = |value: u64| Grouped(signed(value)).to_string();
        let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
        row(f, "", &|report| report.fork.to_string())?;
        row(f, "total", &|report| gas(report.total))?;
        row(f, "intrinsic", &|report| gas(report.intrinsic))?;
        row(f, "execution", &|report| gas(report.execution))?;
        row(f, "floor", &|report| gas(report.floor))?;
        row(f, "deployment", &|report| gas(report.deploy_gas))?;
        row(f, "accepted", &|report| yes(report.call.accepted))?;
        row(f, "deployable", &|report| yes(report.limits.deployable))?;
        row(f, "callable", &|report| yes(report.limits.callable))?;
        writeln!(f)?;
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.0.iter().flat_map(|report| report.phases.iter()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            row(f, name, &|report| Grouped(report.phases.get(name)).to_string())?;
        }
        for report in &self.0 {
            for problem in &report.limits.problems {
                writeln!(f, "\n  over the limit: {problem}")?;
            }
            if let Some(reason) = &report.call.reason {
                writeln!(f, "\n  {}: {reason}", report.fork)?;
            }
        }
        Ok(())
    }
}

impl Serialize for ForkComparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 7, 999, 1_000, 371_204, -24_576, i64::MIN].map(|n| Grouped(n).to_string());
        assert_eq!(
            texts,
            ["0", "7", "999", "1,000", "371,204", "-24,576", "-9,223,372,036,854,775,808"]
        );
        assert_eq!(format!("{:>8}|", Grouped(1_000)), "   1,000|");
    }
}
