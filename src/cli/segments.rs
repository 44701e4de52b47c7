//! Into which parts a model is cut.

use super::wishes::WishArgs;
use super::{CliError, Console};
use crate::circuit::{InstanceLayout, Plans};
use crate::model::Model;
use crate::proving::Format;
use std::str::FromStr;

/// How many parts there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// As few as keep the bounds.
    Auto,
    /// Just so many.
    Number(usize),
}

impl FromStr for Segments {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(number @ 2..)) => Ok(Self::Number(number)),
            _ => Err("expected `auto`, or a number of parts from 2 on".into()),
        }
    }
}

impl Segments {
    /// The nodes before which a model is cut that has these instances.
    pub fn cuts(
        self,
        model: &Model,
        layout: &InstanceLayout,
        wishes: WishArgs,
        console: &Console,
    ) -> Result<Vec<usize>, CliError> {
        let usage = |message: &str, hint: &str| {
            Err(CliError::Usage { message: message.into(), hint: hint.into() })
        };
        if wishes.format != Format::Packed {
            return usage(
                "parts of a model are joined by commitments, and proofs of halo2's format have none",
                "leave `--format halo2` out",
            );
        }
        if layout.inferences != 1 || layout.names_weights {
            return usage(
                "a model in parts is proved one inference at a time, and its weights are part of its keys",
                "leave `--batch` and `--weights` out",
            );
        }
        let _stage = console.stage("cutting the model");
        let cuts = match self {
            Self::Number(parts) => model.cuts_into(parts),
            Self::Auto => model.cuts_that_fit(|part, number, is_last| {
                let parts = if is_last { number + 1 } else { number + 2 };
                let layout = layout.of_part(part, parts, number);
                let plans = Plans::for_instances(&part.model, layout, wishes.into());
                match plans.map_err(CliError::from).and_then(|plans| wishes.choose(&plans)) {
                    Ok(_) => Ok(true),
                    Err(CliError::BeyondBounds(_)) => Ok(false),
                    Err(CliError::Circuit(error)) if error.needs().is_some() => Ok(false),
                    Err(error) => Err(error),
                }
            })?,
        };
        match cuts {
            Some(cuts) => Ok(cuts),
            None => usage(
                "the model has no places to cut it at that give such parts",
                "a cut lies where one or two tensors lead on: ask for fewer parts, or for wider bounds",
            ),
        }
    }
}
