//! Bundles from files, and whether they are believed.

pub use crate::bundle::{Bundle, hex};

use super::{CliError, Console};
use crate::bundle::{BundleError, PartsBundle};
use crate::circuit::InstanceLayout;
use crate::model::Model;
use crate::proving::{Judge, ModelVerifier, PartsVerifier, SrsOrigin};
use std::path::Path;

/// A bundle, of a model in one circuit or in parts.
pub enum AnyBundle {
    /// In one.
    Whole(Box<Bundle>),
    /// In parts.
    Parts(Box<PartsBundle>),
}

impl AnyBundle {
    /// Opens what lies there.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        if PartsBundle::is_at(path) {
            PartsBundle::open(path).map(|bundle| Self::Parts(Box::new(bundle)))
        } else {
            Bundle::open(path).map(|bundle| Self::Whole(Box::new(bundle)))
        }
    }

    /// What proofs are checked against.
    pub fn verifier(&self) -> Result<AnyVerifier, BundleError> {
        Ok(match self {
            Self::Whole(bundle) => AnyVerifier::Whole(Box::new(bundle.verifier()?)),
            Self::Parts(bundle) => AnyVerifier::Parts(Box::new(bundle.verifier()?)),
        })
    }

    /// Where it lies.
    #[cfg(feature = "compile")]
    pub fn path(&self) -> &Path {
        match self {
            Self::Whole(bundle) => &bundle.path,
            Self::Parts(bundle) => &bundle.path,
        }
    }

    /// The model's name.
    #[cfg(all(feature = "compile", feature = "chain"))]
    pub fn model_name(&self) -> &str {
        match self {
            Self::Whole(bundle) => &bundle.manifest.model,
            Self::Parts(bundle) => &bundle.manifest.model,
        }
    }

    /// What the instances of its proofs are.
    pub fn layout(&self) -> &InstanceLayout {
        match self {
            Self::Whole(bundle) => &bundle.manifest.layout,
            Self::Parts(bundle) => &bundle.manifest.layout,
        }
    }

    /// The bundle itself, or that of the first part: of weights and strings all parts say the same.
    pub fn first(&self) -> &Bundle {
        match self {
            Self::Whole(bundle) => bundle,
            Self::Parts(bundle) => &bundle.parts[0],
        }
    }

    /// What its proofs and contracts are of.
    pub fn vk_digest(&self) -> &str {
        match self {
            Self::Whole(bundle) => &bundle.manifest.vk_digest,
            Self::Parts(bundle) => &bundle.manifest.vk_digest,
        }
    }

    /// Of the bundle of a model's part, which it is, counted from 1, and of how many.
    pub fn part(&self) -> Option<[usize; 2]> {
        let Self::Whole(bundle) = self else { return None };
        bundle.manifest.part.as_ref().map(|part| [part.number + 1, part.cuts.len() + 1])
    }

    /// Whether the secret of its string is public.
    pub fn is_unsafe(&self) -> bool {
        self.first().manifest.srs == SrsOrigin::UnsafeDev
    }

    /// Derives the keys again from a model and compares.
    pub fn check_key(&self, model: &Model) -> Result<(), BundleError> {
        match self {
            Self::Whole(bundle) => bundle.check_key(model),
            Self::Parts(bundle) => bundle.check_key(model),
        }
    }
}

/// What proofs of such a bundle are checked against.
pub enum AnyVerifier {
    /// Of a model in one circuit.
    Whole(Box<ModelVerifier>),
    /// Of one in parts.
    Parts(Box<PartsVerifier>),
}

impl AnyVerifier {
    /// Whichever it is.
    pub fn judge(&self) -> &dyn Judge {
        match self {
            Self::Whole(verifier) => &**verifier,
            Self::Parts(verifier) => &**verifier,
        }
    }
}

/// Whether somebody else's bundle is believed.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct TrustArgs {
    /// Do not derive the verifying key again to see that it is that of the bundle's model
    #[arg(long)]
    trust_bundle: bool,
}

impl TrustArgs {
    /// Derives the keys again from the bundle's model and compares, unless the bundle is trusted.
    pub fn check_any(
        self,
        bundle: &AnyBundle,
        model: &Model,
        console: &Console,
    ) -> Result<(), CliError> {
        self.derive(|| bundle.check_key(model), console)
    }

    fn derive(
        self,
        check: impl FnOnce() -> Result<(), BundleError>,
        console: &Console,
    ) -> Result<(), CliError> {
        if self.trust_bundle {
            console.warn("the bundle's key was not compared with its model");
            return Ok(());
        }
        let _stage = console.stage("deriving the verifying key again");
        Ok(check()?)
    }
}
