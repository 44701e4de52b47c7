//! `verify`: checks a proof file.

use crate::cli::{Answer, CliError, Console, bundle::Bundle, proof_file::ProofFile};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `verify` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The proof file
    proof: PathBuf,
}

#[derive(Serialize)]
struct Report {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            None => write!(f, "valid"),
            Some(reason) => write!(f, "not valid: {reason}"),
        }
    }
}

/// Checks a proof against the bundle's verifying key.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let proof = ProofFile::read(&args.proof)?;
    let verifier = bundle.verifier()?;
    let reason = if !proof.vk_digest.eq_ignore_ascii_case(&bundle.manifest.vk_digest) {
        Some(format!("it was made under key `{}`", proof.vk_digest))
    } else if proof.instances.len() != verifier.instances() {
        let (found, expected) = (proof.instances.len(), verifier.instances());
        Some(format!("it has {found} instances, expected {expected}"))
    } else {
        match proof.scalars() {
            None => Some("an instance is not below the scalar modulus".into()),
            Some(instances) if verifier.verify(&proof.proof, &instances) => None,
            Some(_) => Some("the proof does not prove its instances".into()),
        }
    };
    let answer = if reason.is_none() { Answer::Yes } else { Answer::No };
    console.result(&Report { valid: reason.is_none(), reason })?;
    Ok(answer)
}
