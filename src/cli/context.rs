//! What a proof is bound to: a context that is given, or the one that a consumer asks for.

use super::CliError;
use crate::bundle::unhex;
use crate::proving::{WORD_BYTES, scalar_of};
use halo2_proofs::halo2curves::bn256::Fr;

#[cfg(feature = "chain")]
use crate::chain::{Chain, block_on, next_context};
#[cfg(feature = "chain")]
use alloy::primitives::Address;

/// What a proof is bound to.
#[derive(clap::Args)]
pub struct ContextArgs {
    /// A field element that the proof is bound to: who may use it, where, once; of a batch one for each inference,
    /// in order [default: 0x0]
    #[arg(long, value_name = "HEX32", value_parser = parse_context)]
    context: Vec<Fr>,
    /// Bind the proof to the next turn of `--account` at this consumer, which is asked for the context
    #[cfg(feature = "chain")]
    #[arg(
        long = "for",
        value_name = "ADDRESS",
        conflicts_with = "context",
        requires = "account",
        requires = "rpc_url"
    )]
    consumer: Option<Address>,
    /// Who will submit the proof
    #[cfg(feature = "chain")]
    #[arg(long, value_name = "ADDRESS", requires = "consumer")]
    account: Option<Address>,
    /// The node of the consumer's chain
    #[cfg(feature = "chain")]
    #[arg(long, value_name = "URL", requires = "consumer")]
    rpc_url: Option<String>,
}

impl ContextArgs {
    /// The contexts of so many inferences; asks the consumer for it where one is named.
    pub fn resolve(&self, inferences: usize) -> Result<Vec<Fr>, CliError> {
        let given = match self.given()? {
            none if none.is_empty() => vec![Fr::zero(); inferences],
            given => given,
        };
        if given.len() != inferences {
            return Err(CliError::Usage {
                message: format!(
                    "{} contexts are given, a proof of this bundle has {inferences}",
                    given.len()
                ),
                hint: "give `--context` once for each inference, in their order".into(),
            });
        }
        Ok(given)
    }

    fn given(&self) -> Result<Vec<Fr>, CliError> {
        #[cfg(feature = "chain")]
        if let (Some(consumer), Some(account), Some(url)) =
            (self.consumer, self.account, &self.rpc_url)
        {
            return block_on(async {
                let chain = Chain::connect(url, None).await?;
                let context = next_context(&chain, consumer, account).await?;
                let context = scalar_of(context.to_be_bytes()).ok_or_else(|| CliError::Usage {
                    message: format!(
                        "{consumer} asks for the context {context:#066x}, which no proof can have"
                    ),
                    hint: "give the address of a consumer".into(),
                })?;
                Ok(vec![context])
            });
        }
        Ok(self.context.clone())
    }
}

/// `0x` and at most 64 digits, below the BN254 scalar modulus.
pub fn parse_context(text: &str) -> Result<Fr, String> {
    let digits = text.strip_prefix("0x").ok_or("expected `0x` and up to 64 hexadecimal digits")?;
    let padded = format!("0x{digits:0>64}");
    let word: [u8; WORD_BYTES] = unhex(&padded)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("expected `0x` and up to 64 hexadecimal digits")?;
    scalar_of(word).ok_or_else(|| "not below the BN254 scalar modulus".into())
}
