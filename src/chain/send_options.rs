//! How a transaction is sent, and where it is written down before.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use alloy::primitives::{U256, uint};

use super::{ChainError, Disk, Outgoing, disk::write_atomically};

/// What one transaction may cost where nobody says otherwise: 0.2 ether. A deployment takes some three million
/// gas, an answer some four hundred thousand.
pub const DEFAULT_MAX_COST: U256 = uint!(200_000_000_000_000_000_U256);

/// Told about every transaction just before it goes out. Its error keeps the transaction back.
pub type OnSend = Arc<dyn Fn(&Outgoing) -> Result<(), ChainError> + Send + Sync>;

/// How a transaction is sent and waited for.
#[derive(Clone)]
pub struct SendOptions {
    /// Never pays more than this per unit of gas, in wei.
    pub max_fee_per_gas: Option<u128>,
    /// Never pays more than this for one transaction, in wei.
    pub max_cost: U256,
    /// Tip per unit of gas, in wei; what the chain suggests when absent.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Blocks to wait for, the transaction's own included.
    pub confirmations: u64,
    /// How long to wait for the transaction to get into a block.
    pub timeout: Duration,
    /// How long to keep trying when the node does not answer.
    pub patience: Duration,
    /// Told about every transaction just before it goes out.
    pub on_send: Option<OnSend>,
    /// Where the transaction is written before it goes out, so that a later run goes on with this one instead
    /// of sending another. The file goes when the transaction is done; that of a deployment, when its code lies
    /// in a final block.
    pub journal: Option<(Arc<dyn Disk>, PathBuf)>,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            max_fee_per_gas: None,
            max_cost: DEFAULT_MAX_COST,
            max_priority_fee_per_gas: None,
            confirmations: 1,
            timeout: Duration::from_secs(300),
            patience: Duration::from_secs(15),
            on_send: None,
            journal: None,
        }
    }
}

impl fmt::Debug for SendOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendOptions")
            .field("max_fee_per_gas", &self.max_fee_per_gas)
            .field("max_cost", &self.max_cost)
            .field("max_priority_fee_per_gas", &self.max_priority_fee_per_gas)
            .field("confirmations", &self.confirmations)
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl SendOptions {
    fn announce(&self, outgoing: &Outgoing) -> Result<(), ChainError> {
        self.on_send.as_ref().map_or(Ok(()), |on_send| on_send(outgoing))
    }

    /// What an earlier run sent and did not see through.
    pub(super) fn journaled(&self) -> Result<Vec<Outgoing>, ChainError> {
        let Some((disk, path)) = &self.journal else { return Ok(Vec::new()) };
        let failed = |source| ChainError::Record { path: path.clone(), source };
        match disk.read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| failed(error.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes all versions of a transaction down and announces the last one.
    pub(super) fn commit(&self, versions: &[Outgoing]) -> Result<(), ChainError> {
        if let Some((disk, path)) = &self.journal {
            let text = serde_json::to_vec(versions).expect("versions have no map keys");
            write_atomically(&**disk, path, &text)?;
        }
        versions.last().map_or(Ok(()), |latest| self.announce(latest))
    }

    /// Forgets a transaction that is done.
    pub(super) fn forget(&self) -> Result<(), ChainError> {
        let Some((disk, path)) = &self.journal else { return Ok(()) };
        match disk.remove(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ChainError::Record { path: path.clone(), source: error })
            }
            _ => Ok(()),
        }
    }
}
