//! What straight-line Yul costs, operation by operation.

/// What straight-line Yul costs to run and to store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) gas: u64,
    pub(super) bytes: usize,
    /// The end of the memory that it touches.
    pub(super) last_mptr: usize,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.gas += other.gas;
        self.bytes += other.bytes;
        self.last_mptr = self.last_mptr.max(other.last_mptr);
    }
}

impl Cost {
    /// Of statements and expressions: calls, variables, literals.
    pub(super) fn of(yul: &str) -> Self {
        let mut cost = Self::default();
        let mut rest = yul;
        while let Some(start) =
            rest.find(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
        {
            rest = &rest[start..];
            if let Some(after) = rest.strip_prefix(":=") {
                // SWAP and POP; a declaration needs neither.
                cost.gas += 5;
                cost.bytes += 2;
                rest = after;
                continue;
            }
            let end =
                rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word == "let" {
                cost.gas -= cost.gas.min(5);
            } else if after.starts_with('(') {
                cost.gas += if matches!(word, "mulmod" | "addmod") { 8 } else { 3 };
                cost.bytes += 1;
            } else {
                cost.gas += 3;
                cost.bytes += 1 + literal_bytes(word);
                let address = word
                    .strip_prefix("0x")
                    .and_then(|digits| usize::from_str_radix(digits, 16).ok());
                cost.last_mptr =
                    cost.last_mptr.max(address.filter(|&a| a < 1 << 20).map_or(0, |a| a + 0x20));
            }
            rest = after;
        }
        cost
    }
}

/// Bytes of a literal behind its PUSH; none of a variable.
fn literal_bytes(word: &str) -> usize {
    if let Some(digits) = word.strip_prefix("0x") {
        digits.trim_start_matches('0').len().div_ceil(2).max(1)
    } else if word.ends_with("_MPTR") {
        2
    } else {
        word.parse::<u64>().map_or(0, |n| (64 - n.leading_zeros() as usize).div_ceil(8).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_line_code_is_priced_by_operation() {
        // PUSH2 MLOAD, PUSH1, MULMOD with the modulus from the stack.
        let cost = Cost::of("mulmod(mload(0x0460), 3, r)");
        assert_eq!((cost.gas, cost.bytes), (8 + 3 + 3 + 3 + 3, 1 + 1 + 3 + 2 + 1));
        assert_eq!(Cost::of("x := y").gas, 3 + 3 + 5);
    }
}
