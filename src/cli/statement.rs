//! What proofs of a bundle say: of which inputs and outputs they tell what.

use super::CliError;
use super::claims::ClaimArgs;
use super::wishes::{Visibility, WishArgs};
use crate::circuit::{InstanceLayout, Plans};
use crate::model::{Model, Visibility as Told};
use crate::name::Name;

/// What a proof says.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StatementArgs {
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    claims: ClaimArgs,
    /// Inferences in one proof, along every input's leading dimension
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Whether the weights of dense layers and convolutions are part of the key, or every proof names a commitment to some
    #[arg(long, value_enum, default_value_t)]
    weights: Weights,
}

/// Where weights are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Weights {
    /// In the key: who has the bundle knows them
    #[default]
    Public,
    /// With whoever proves: the key is of the architecture, `commit` makes a commitment to the weights of each training, and
    /// packed proofs name it
    Committed,
}

impl StatementArgs {
    /// The instances of a model's proofs.
    pub fn layout(&self, model: &Model, wishes: WishArgs) -> Result<InstanceLayout, CliError> {
        let mut layout = self.inputs.layout(model, wishes)?.of_batch(self.inferences());
        layout.names_weights = self.commits_weights();
        self.claims.of(model, layout)
    }

    /// Inferences in one proof.
    pub fn inferences(&self) -> usize {
        self.batch.max(1) as usize
    }

    /// Whether the key is of an architecture.
    pub fn commits_weights(&self) -> bool {
        self.weights == Weights::Committed
    }

    /// Plans circuits for them.
    pub fn plans(&self, model: &Model, wishes: WishArgs) -> Result<Plans, CliError> {
        Ok(Plans::for_instances(model, self.layout(model, wishes)?, wishes.into())?)
    }
}

/// What a proof shows of single inputs.
#[derive(Clone, Debug, Default, clap::Args)]
struct InputArgs {
    /// What a proof shows of one input: public, private, hashed or committed; once for each that is not as
    /// `--input-visibility` says
    #[arg(long = "input", value_name = "NAME=VISIBILITY", value_parser = told)]
    inputs: Vec<(String, Told)>,
}

fn told(text: &str) -> Result<(String, Told), String> {
    // Names may hold anything.
    let parts =
        text.rsplit_once('=').ok_or("expected an input's name, `=` and what is told of it")?;
    let all = [Told::Public, Told::Private, Told::Hashed, Told::Committed];
    let told = all.into_iter().find(|told| told.name() == parts.1);
    let told =
        told.ok_or("expected `public`, `private`, `hashed` or `committed` behind the `=`")?;
    Ok((parts.0.to_owned(), told))
}

impl InputArgs {
    /// What proofs of a model have for instances.
    fn layout(&self, model: &Model, wishes: WishArgs) -> Result<InstanceLayout, CliError> {
        let mut layout = InstanceLayout::of_model(model, false);
        let all = match wishes.input_visibility {
            Visibility::Public => Told::Public,
            Visibility::Private => Told::Private,
            Visibility::Hashed => Told::Hashed,
            Visibility::Committed => Told::Committed,
        };
        layout.inputs.iter_mut().for_each(|input| input.visibility = all);
        for (number, (name, told)) in self.inputs.iter().enumerate() {
            if self.inputs[..number].iter().any(|(other, _)| other == name) {
                return Err(CliError::Usage {
                    message: format!(
                        "what is told of the input `{}` is given twice",
                        Name::new(name)
                    ),
                    hint: "give `--input NAME=…` once for each input".into(),
                });
            }
            let Some(input) = layout.inputs.iter_mut().find(|input| input.tensor.name == *name)
            else {
                return Err(CliError::Usage {
                    message: format!("the model has no input `{}`", Name::new(name)),
                    hint: format!(
                        "it has {}",
                        Name::list(model.inputs.iter().map(|port| &port.name))
                    ),
                });
            };
            input.visibility = *told;
        }
        Ok(layout)
    }
}
