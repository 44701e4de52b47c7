//! Bundles from files, and whether they are believed.

pub use crate::bundle::{Bundle, hex};

use super::{CliError, Console};
use crate::model::Model;

/// Whether somebody else's bundle is believed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct TrustArgs {
    /// Do not derive the verifying key again to see that it is that of the bundle's model
    #[arg(long)]
    trust_bundle: bool,
}

impl TrustArgs {
    /// Derives the key again from the bundle's model and compares, unless the bundle is trusted.
    pub fn check(self, bundle: &Bundle, model: &Model, console: &Console) -> Result<(), CliError> {
        if self.trust_bundle {
            console.warn("the bundle's key was not compared with its model");
            return Ok(());
        }
        let _stage = console.stage("deriving the verifying key again");
        Ok(bundle.check_key(model)?)
    }
}
