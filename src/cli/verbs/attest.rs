//! `attest`: signs the name of a committed input, or the hash of a hashed one, for a subject at a consumer.

use crate::bundle::{Bundle, InputSecret, InputSecrets, hex};
use crate::chain::{Attested, ChainError, IAttestedConsumer::Attestation, attest, block_on};
use crate::cli::chain_args::KeyArgs;
use crate::cli::{Answer, CliError, Console, schema};
use crate::proving::scalar_of;
use alloy::primitives::{Address, B256};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The end of the year 9999: a later time was not meant in seconds.
const LATEST: u64 = 253_402_300_799;

/// What `attest` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The file that `commit` made; its name, or its hash, is all that is signed of it
    #[arg(required_unless_present_any = ["name", "hash"])]
    commitment: Option<PathBuf>,
    /// A bundle of your own with the committed input: by its string the commitment is made again of what the file holds. Without it,
    /// whoever made the file is believed
    #[arg(long, value_name = "BUNDLE", conflicts_with_all = ["name", "hash"])]
    bundle: Option<PathBuf>,
    /// The name of the commitment, where the file is somebody else's
    #[arg(long, value_name = "HEX32", conflicts_with = "commitment")]
    name: Option<B256>,
    /// The hash of a hashed input, where the file is somebody else's
    #[arg(long, value_name = "HEX32", conflicts_with_all = ["commitment", "name"])]
    hash: Option<B256>,
    /// What the data mean: the hash of their schema, as the consumer has it, or the document. Of a document the type, the shape and each
    /// integer's range are compared with what the commitment's file holds; there is nothing to compare with `--name` or `--hash`
    #[arg(long, value_name = "HEX32|SCHEMA.json", value_parser = schema_of)]
    schema: Schema,
    /// Who may use it
    #[arg(long, value_name = "ADDRESS")]
    subject: Address,
    /// From when on it is not valid any more, in seconds since 1970
    #[arg(long, value_name = "UNIX")]
    expires: u64,
    /// The consumer's chain
    #[arg(long, value_name = "ID")]
    chain_id: u64,
    /// The consumer
    #[arg(long, value_name = "ADDRESS")]
    contract: Address,
    /// Which of your attestations of this name for this subject it is: those up to one you took back count no more
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    nonce: u64,
    #[command(flatten)]
    key: KeyArgs,
}

/// What data mean.
#[derive(Clone, Debug)]
enum Schema {
    /// By the hash that it is known by.
    Hash(B256),
    /// In full.
    Document(PathBuf),
}

fn schema_of(text: &str) -> Result<Schema, String> {
    match text.parse() {
        Ok(hash) => Ok(Schema::Hash(hash)),
        Err(_) if text.starts_with("0x") => {
            Err("expected `0x` and 64 hexadecimal digits, or the place of a schema".into())
        }
        Err(_) => Ok(Schema::Document(text.into())),
    }
}

impl Schema {
    /// Its hash. Of a document, what was committed to has to be its data.
    fn hash(&self, of: Option<(&InputSecret, &Path)>) -> Result<B256, CliError> {
        let path = match self {
            Self::Hash(hash) => return Ok(*hash),
            Self::Document(path) => path,
        };
        let schema = schema::open(path)?;
        if let Some((secret, file)) = of {
            let checked = schema.check_input(secret.tensor());
            let checked = checked.and_then(|()| schema.check_elements(&secret.elements()));
            checked.map_err(|error| CliError::from(error).at(file))?;
        }
        Ok(schema.hash.into())
    }
}

/// A signed attestation. Nothing in it is secret. Its name is a hash where one was attested.
#[derive(Serialize)]
struct Report {
    name: String,
    schema: B256,
    subject: Address,
    expiry: u64,
    nonce: u64,
    chain_id: u64,
    contract: Address,
    signer: Address,
    digest: B256,
    signature: String,
    calldata: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, schema, subject, signer, signature, .. } = self;
        writeln!(f, "name       {name}")?;
        writeln!(f, "schema     {schema}")?;
        writeln!(f, "subject    {subject}")?;
        writeln!(f, "signer     {signer}")?;
        writeln!(f, "signature  {signature}")
    }
}

/// Signs an attestation.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let usage = |message: &str, hint: &str| {
        Err(CliError::Usage { message: message.into(), hint: hint.into() })
    };
    if args.subject.is_zero() || args.contract.is_zero() {
        return usage(
            "nobody has the address zero",
            "give the account that will submit, and the consumer",
        );
    }
    if args.expires > LATEST {
        return usage(
            "`--expires` is after the year 9999",
            "give seconds since 1970, not milliseconds",
        );
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    if args.expires <= now {
        return usage("`--expires` is not in the future", "give seconds since 1970");
    }
    let secret = args.commitment.as_deref();
    let secret = secret
        .map(|path| Ok::<_, CliError>((Arc::new(InputSecret::open(path)?), path)))
        .transpose()?;
    if let (Some(place), Some((secret, path))) = (&args.bundle, &secret) {
        let bundle = Bundle::open(place)?;
        let mut secrets = InputSecrets::none(&bundle.manifest.layout, || bundle.powers())?;
        secrets.add(secret.clone()).map_err(|error| CliError::from(error).at(path))?;
    }
    let secret = secret.as_ref().map(|(secret, path)| (&**secret, *path));
    let name = match (&args.name, &args.hash, secret) {
        (Some(name), ..) if name[0] != 0 || name.is_zero() => {
            return usage(
                "no commitment has this name: its first byte is 0, and not all are",
                "give the name as `commit` prints it, or a hash with `--hash`",
            );
        }
        (_, Some(hash), _) if hash.is_zero() || scalar_of(hash.0).is_none() => {
            return usage(
                "no input has this hash: it is above 0 and below the scalar modulus",
                "give the hash as `commit` prints it",
            );
        }
        (Some(given), ..) | (_, Some(given), _) => *given,
        (None, None, Some((secret, _))) => secret.instance().into(),
        (None, None, None) => {
            return usage(
                "there is nothing to attest",
                "give the file that `commit` made, or `--name` or `--hash`",
            );
        }
    };
    let attestation = Attestation {
        name,
        schema: args.schema.hash(secret)?,
        subject: args.subject,
        expiry: args.expires,
        nonce: args.nonce,
    };
    let key = block_on(args.key.read(console))?.ok_or(ChainError::NoKey)?;
    let Attested { digest, signer, signature, calldata } =
        attest(&key, &attestation, args.chain_id, args.contract)?;
    let Attestation { name, schema, subject, expiry, nonce } = attestation;
    // A hash's file is computed with when it is read.
    if let (None, Some((InputSecret::Committed(_), path))) = (&args.bundle, secret) {
        let path = path.display();
        console.warn(format_args!("nothing says that `{path}` holds what its name is of, but whoever made it: give `--bundle` if that is somebody else"));
    }
    console.result(&Report {
        name: hex(&name[..]),
        schema,
        subject,
        expiry,
        nonce,
        chain_id: args.chain_id,
        contract: args.contract,
        signer,
        digest,
        signature: hex(&signature),
        calldata: hex(&calldata),
    })?;
    Ok(Answer::Yes)
}
