//! What a transaction pays at most, and why a node cannot make it more.
//!
//! A node says what others pay. Its word is a suggestion: the tip is bounded, the price leaves room for a base
//! fee twice the present one and no more, and gas limit times price never exceeds a ceiling that always
//! holds.

use alloy::{consensus::Transaction, primitives::U256, providers::Provider};

use super::{Chain, ChainError, Outgoing, SendOptions};

/// The highest tip that is paid on a node's suggestion, where the base fee is low. Some chains take none
/// below 25 gwei.
const LARGEST_TIP: u128 = 30_000_000_000;

/// What a transaction pays per unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) max: u128,
    /// `None` on chains without EIP-1559.
    pub(super) priority: Option<u128>,
}

impl SendOptions {
    /// The highest price per unit of gas.
    fn ceiling(&self, gas: u64) -> u128 {
        let by_cost = self.max_cost / U256::from(gas.max(1));
        self.max_fee_per_gas.unwrap_or(u128::MAX).min(by_cost.saturating_to())
    }

    /// The prices for a base fee and a suggested tip, or which limit is in the way.
    pub(super) fn fees(
        &self,
        gas: u64,
        base: u128,
        suggested_tip: u128,
    ) -> Result<Fees, ChainError> {
        if let Some(cap) = self.max_fee_per_gas.filter(|&cap| cap < base) {
            return Err(ChainError::FeeTooLow { cap, required: base });
        }
        let ceiling = self.ceiling(gas);
        if ceiling < base {
            return Err(self.too_expensive(gas, base));
        }
        let bound = LARGEST_TIP.max(base.saturating_mul(2));
        let tip = self.max_priority_fee_per_gas.unwrap_or(suggested_tip.min(bound));
        let max = base.saturating_mul(2).saturating_add(tip).min(ceiling);
        Ok(Fees { max, priority: Some(tip.min(max)) })
    }

    pub(super) fn too_expensive(&self, gas: u64, price: u128) -> ChainError {
        let cost = U256::from(gas).saturating_mul(U256::from(price));
        ChainError::TooExpensive { cost, ceiling: self.max_cost, gas, price }
    }

    /// Prices for another version of a transaction, high enough for nodes to replace the versions before;
    /// `None` where a limit is in the way.
    pub(super) fn raised(&self, versions: &[Outgoing], gas: u64, base: u128) -> Option<Fees> {
        // Nodes replace a transaction only for a tenth more of both; an eighth is safe everywhere.
        let more = |price: u128| price.saturating_add(price / 8).saturating_add(1);
        let highest = versions.iter().filter_map(Outgoing::fees).fold(
            Fees { max: 0, priority: Some(0) },
            |a, b| Fees {
                max: a.max.max(b.max),
                priority: a.priority.zip(b.priority).map(|(a, b)| a.max(b)),
            },
        );
        let tip = highest.priority.map(more);
        let wished = base.saturating_mul(2).saturating_add(tip.unwrap_or_default());
        let ceiling = self.ceiling(gas);
        let (least, max) = (more(highest.max), more(highest.max).max(wished).min(ceiling));
        (max >= least && max >= base).then(|| Fees { max, priority: tip.map(|tip| tip.min(max)) })
    }
}

impl Outgoing {
    fn fees(&self) -> Option<Fees> {
        let envelope = self.envelope()?;
        Some(Fees {
            max: envelope.max_fee_per_gas(),
            priority: envelope.max_priority_fee_per_gas(),
        })
    }
}

impl Chain {
    /// What a transaction with this gas limit is to pay, within the limits.
    pub(super) async fn fees(&self, gas: u64, options: &SendOptions) -> Result<Fees, ChainError> {
        match self.base_fee().await? {
            Some(base) => self.fees_above(base, gas, options).await,
            None => {
                let price = self
                    .provider()
                    .get_gas_price()
                    .await
                    .map_err(|error| ChainError::rpc("eth_gasPrice", self.endpoint(), error))?;
                if let Some(cap) = options.max_fee_per_gas.filter(|&cap| cap < price) {
                    return Err(ChainError::FeeTooLow { cap, required: price });
                }
                if options.ceiling(gas) < price {
                    return Err(options.too_expensive(gas, price));
                }
                Ok(Fees { max: price, priority: None })
            }
        }
    }

    /// The same where the base fee is known.
    pub(super) async fn fees_above(
        &self,
        base: u128,
        gas: u64,
        options: &SendOptions,
    ) -> Result<Fees, ChainError> {
        // Before the node is asked for a suggestion: some limits are exceeded whatever it says.
        options.fees(gas, base, 0)?;
        let suggested = self
            .provider()
            .estimate_eip1559_fees()
            .await
            .map_err(|error| ChainError::rpc("eth_feeHistory", self.endpoint(), error))?;
        options.fees(gas, base, suggested.max_priority_fee_per_gas)
    }

    /// The base fee of the next block; `None` on chains that have none.
    pub(super) async fn base_fee(&self) -> Result<Option<u128>, ChainError> {
        let block = self
            .provider()
            .get_block(alloy::eips::BlockId::pending())
            .await
            .map_err(|error| ChainError::rpc("eth_getBlockByNumber", self.endpoint(), error))?;
        Ok(block.and_then(|block| block.header.base_fee_per_gas).map(u128::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;

    #[test]
    fn a_suggestion_moves_the_price_only_within_bounds() {
        let options = SendOptions::default();
        let honest = options.fees(2_000_000, GWEI, GWEI / 1000).expect("cheap");
        assert_eq!(honest.max, 2 * GWEI + GWEI / 1000);
        let lied = options.fees(2_000_000, GWEI, 1_000_000 * GWEI).expect("bounded");
        assert_eq!(lied, Fees { max: 32 * GWEI, priority: Some(30 * GWEI) });
    }

    #[test]
    fn no_limit_is_ever_exceeded() {
        let options = SendOptions { max_fee_per_gas: Some(5 * GWEI), ..Default::default() };
        let error = options.fees(100_000, 6 * GWEI, 0).expect_err("the cap is lower");
        assert!(matches!(error, ChainError::FeeTooLow { .. }), "{error}");
        let options = SendOptions::default();
        for gas in [21_000, 400_000, 3_000_000, u64::MAX] {
            for base in [0, 1, GWEI, 50 * GWEI, 1000 * GWEI, u128::MAX] {
                match options.fees(gas, base, u128::MAX) {
                    Ok(fees) => {
                        let cost = U256::from(gas) * U256::from(fees.max);
                        assert!(cost <= options.max_cost && fees.max >= base);
                    }
                    Err(error) => assert!(matches!(error, ChainError::TooExpensive { .. })),
                }
            }
        }
        let error = options.fees(3_000_000, 500 * GWEI, 0).expect_err("1.5 ether");
        assert_eq!(
            error.to_string(),
            "the transaction may cost 1.5 ether (3000000 gas at 500 gwei), the ceiling is 0.2"
        );
        assert!(error.hint().expect("a hint").contains("--max-cost"));
    }
}
