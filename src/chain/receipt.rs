//! Receipts, believed as far as they fit what was sent and the chain that holds them.

use alloy::{consensus::Transaction, providers::Provider, rpc::types::TransactionReceipt};

use super::{Chain, ChainError, Outgoing};

impl Chain {
    /// The receipt of a transaction, if it holds water: it is about this transaction, and the block that it
    /// names is in the chain and holds the transaction. `None` if there is none, or none any more.
    pub(super) async fn receipt(
        &self,
        outgoing: &Outgoing,
    ) -> Result<Option<TransactionReceipt>, ChainError> {
        let request = "eth_getTransactionReceipt";
        let receipt = self
            .provider()
            .get_transaction_receipt(outgoing.transaction)
            .await
            .map_err(|error| ChainError::rpc(request, self.endpoint(), error))?;
        let Some(receipt) = receipt else { return Ok(None) };
        let (Some(number), Some(hash)) = (receipt.block_number, receipt.block_hash) else {
            return Ok(None);
        };
        let contradiction = |message: String| Err(ChainError::Contradiction { request, message });
        let envelope = outgoing.envelope();
        let (to, gas) =
            envelope.map_or((None, u64::MAX), |envelope| (envelope.to(), envelope.gas_limit()));
        if receipt.transaction_hash != outgoing.transaction {
            return contradiction(format!("it is about {}", receipt.transaction_hash));
        }
        if receipt.from != self.sender() || receipt.to != to {
            return contradiction(format!("{} did not send it there", receipt.from));
        }
        if receipt.gas_used > gas || receipt.effective_gas_price > outgoing.max_fee_per_gas {
            return contradiction("it paid more than the transaction allows".into());
        }
        let block = self
            .provider()
            .get_block_by_number(number.into())
            .await
            .map_err(|error| ChainError::rpc("eth_getBlockByNumber", self.endpoint(), error))?;
        // Another block at that height: the receipt is of a branch that is gone, or the node is behind.
        let Some(block) = block.filter(|block| block.header.hash == hash) else { return Ok(None) };
        if !block.transactions.hashes().any(|hash| hash == outgoing.transaction) {
            return contradiction(format!("block {number} does not hold the transaction"));
        }
        let used = self
            .provider()
            .get_transaction_count(self.sender())
            .hash_canonical(hash)
            .await
            .map_err(|error| ChainError::rpc("eth_getTransactionCount", self.endpoint(), error))?;
        if used <= outgoing.nonce {
            return contradiction(format!("its nonce is not used in block {number}"));
        }
        if self.proved_block(hash).await?.is_some_and(|block| !block.holds(&receipt)) {
            return contradiction(format!("block {number} has another receipt for it"));
        }
        Ok(Some(receipt))
    }
}
