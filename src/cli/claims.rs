//! What proofs say of outputs, and what the verifier chooses for it.

use super::CliError;
use crate::circuit::{InstanceClaim, InstanceLayout};
use crate::model::{ClaimKind, Claims, Model};
use crate::name::Name;

/// What proofs say of outputs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ClaimArgs {
    /// What proofs say of an output, or of one element: NAME=CLAIM or NAME[i]=CLAIM, where CLAIM is values, none, argmax, top:K,
    /// threshold, range, bucket:N (of N bounds) or equal; can be given several times. All but values leave the output itself untold
    #[arg(long = "claim", value_name = "NAME=CLAIM")]
    claims: Vec<String>,
}

impl ClaimArgs {
    /// Instances with these claims.
    pub fn of(&self, model: &Model, layout: InstanceLayout) -> Result<InstanceLayout, CliError> {
        let claims = Claims::read(model, &self.claims, layout.inferences)?;
        Ok(layout.with_claims(model, &claims)?)
    }
}

/// What the verifier chooses for claims.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChosenArgs {
    /// The value, in the model's units, that an output is to be compared with: V, or NAME[i]=V where several have one
    #[arg(long, value_name = "[NAME=]V", allow_hyphen_values = true)]
    threshold: Vec<String>,
    /// Between which values an output is to be: LO,HI, or NAME=LO,HI
    #[arg(long, value_name = "[NAME=]LO,HI", allow_hyphen_values = true)]
    range: Vec<String>,
    /// The ascending bounds between an output's buckets: B1,B2,… or NAME=B1,B2,…
    #[arg(long, value_name = "[NAME=]B1,B2", allow_hyphen_values = true)]
    bounds: Vec<String>,
    /// The value, or the label of a class, that an output is to be: V, or NAME=V
    #[arg(long, value_name = "[NAME=]V", allow_hyphen_values = true)]
    equal: Vec<String>,
}

impl ChosenArgs {
    /// The integers that the claims of a bundle take: of several inferences the same for each.
    pub fn of(&self, model: &Model, layout: &InstanceLayout) -> Result<Vec<Vec<i32>>, CliError> {
        type IsOfKind = fn(ClaimKind) -> bool;
        let kinds: [(&str, &[String], IsOfKind); 4] = [
            ("--threshold", &self.threshold, |kind| kind == ClaimKind::Threshold),
            ("--range", &self.range, |kind| kind == ClaimKind::Range),
            ("--bounds", &self.bounds, |kind| matches!(kind, ClaimKind::Bucket(_))),
            ("--equal", &self.equal, |kind| kind == ClaimKind::Equal),
        ];
        let mut chosen: Vec<Option<Vec<i32>>> = vec![None; layout.claims.len()];
        for (flag, texts, is_of_kind) in kinds {
            let claims: Vec<(usize, &InstanceClaim)> = (layout.claims.iter().enumerate())
                .filter(|(_, claim)| is_of_kind(claim.claim.kind))
                .collect();
            for text in texts {
                let (number, claim, value) = claim_of(flag, text, &claims)?;
                let integers =
                    claim.claim.choose(model, layout.inferences, value)?.repeat(layout.inferences);
                if chosen[number].replace(integers).is_some() {
                    return Err(CliError::Usage {
                        message: format!(
                            "`{flag}` of `{}` is given twice",
                            Name::new(&claim.claim.subject())
                        ),
                        hint: "give it once".into(),
                    });
                }
            }
            let missing = claims.iter().find(|(number, _)| chosen[*number].is_none());
            if let Some((_, claim)) = missing {
                let subject = Name::new(&claim.claim.subject()).to_string();
                let example = example(claim.claim.kind);
                let prefix = if claims.len() > 1 { format!("{subject}=") } else { String::new() };
                return Err(CliError::Usage {
                    message: format!(
                        "proofs of this bundle claim something about `{subject}`, and what to compare it with is missing"
                    ),
                    hint: format!("add `{flag}='{prefix}{example}'`, in the model's units"),
                });
            }
        }
        let parameters =
            layout.claims.iter().zip(chosen).filter(|(claim, _)| !claim.parameters.is_empty());
        Ok(parameters.filter_map(|(_, chosen)| chosen).collect())
    }
}

/// Which claim a text is for, and what it chooses.
fn claim_of<'a>(
    flag: &str,
    text: &'a str,
    claims: &[(usize, &'a InstanceClaim)],
) -> Result<(usize, &'a InstanceClaim, &'a str), CliError> {
    let named = claims.iter().filter_map(|&(number, claim)| {
        let value = text.strip_prefix(&claim.claim.subject())?.strip_prefix('=')?;
        Some((number, claim, value))
    });
    // A name can begin with another.
    if let Some(found) = named.min_by_key(|(_, _, value)| value.len()) {
        return Ok(found);
    }
    match claims {
        [(number, claim)] => Ok((*number, claim, text)),
        [] => Err(CliError::Usage {
            message: format!("`{flag}` is for a claim that proofs of this bundle do not make"),
            hint: "leave it out, or run `keygen` with `--claim`".into(),
        }),
        several => {
            let names: Vec<String> =
                several.iter().map(|(_, claim)| claim.claim.subject()).collect();
            Err(CliError::Usage {
                message: format!(
                    "`{flag}` `{}` is for none of the claims about {}",
                    Name::new(text),
                    Name::list(&names)
                ),
                hint: format!("write `{flag}='NAME=…'` with one of these names"),
            })
        }
    }
}

/// What is chosen for a claim, as an example.
fn example(kind: ClaimKind) -> String {
    match kind {
        ClaimKind::Range => "LO,HI".into(),
        ClaimKind::Bucket(bounds) => {
            (1..=bounds.min(3)).map(|bound| format!("B{bound}")).collect::<Vec<_>>().join(",")
        }
        _ => "V".into(),
    }
}
