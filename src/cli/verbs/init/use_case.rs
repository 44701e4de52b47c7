//! What projects are for, the models that come with them, and what their contracts need of others.

use crate::circuit::{InstanceLayout, InstancePort};
use crate::cli::CliError;
use crate::model::{Claim, ClaimKind, ElementType, Model, Port};
use crate::name::Name;

/// What a project does with a model's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum UseCase {
    /// Keeps them, for whatever you make of them
    #[default]
    Plain,
    /// Lends to whom attested private data give a score that is high enough, by a model that the lender keeps
    Credit,
    /// Pays for what is found in an attested private scan
    Medical,
    /// Keeps which content a model made of which prompt, by ERC-7007
    Content,
    /// Plays a game for the house
    Game,
    /// Opens to whose private scan is close to a committed template
    Biometric,
    /// Screens the proposals of a treasury
    Dao,
    /// Trades on the signal of a strategy that its owner keeps, within bounds
    Trading,
}

/// A trained model that comes with this program, and what goes with it.
pub struct Own {
    /// The model's name.
    pub name: &'static str,
    /// The ONNX file.
    pub onnx: &'static [u8],
    /// The input that the project's tests have a proof about, in JSON or as an array.
    pub input: &'static [u8],
    /// What else the project gets.
    pub files: &'static [(&'static str, &'static [u8])],
    /// What its script does.
    pub script: bool,
}

/// Where a project has its model once more, trained anew.
const RETRAINED: &str = "retrained.onnx";

/// Where a project says what its inputs mean, where an issuer signs that.
pub const SCHEMA: &str = "inputs/schema.json";

macro_rules! files {
    ($folder:literal: $($name:literal => $place:literal),* $(,)?) => {
        &[$((
            $place,
            include_bytes!(concat!("../../../../templates/project/", $folder, "/", $name)),
        )),*]
    };
}

macro_rules! own {
    ($name:literal, $input:literal, [$($file:literal => $place:literal),* $(,)?]) => {
        Own {
            name: $name,
            onnx: include_bytes!(concat!("../../../../templates/project/", $name, "/model.onnx")),
            input: include_bytes!(concat!("../../../../templates/project/", $name, "/", $input)),
            files: files!($name: $($file => $place),*),
            script: true,
        }
    };
}

static PLAIN: Own = Own {
    name: "digits_mlp",
    onnx: super::demo::MODEL,
    input: super::demo::INPUT,
    files: &[],
    script: false,
};
static CREDIT: Own = own!("credit", "sound.json", [
    "sound.json" => "inputs/sound.json", "strained.json" => "inputs/strained.json",
    "schema.json" => "inputs/schema.json", "retrained.onnx" => "retrained.onnx",
]);
static MEDICAL: Own = own!("medical", "suspicious.json", [
    "suspicious.json" => "inputs/suspicious.json", "clear.json" => "inputs/clear.json",
    "schema.json" => "inputs/schema.json",
]);
static CONTENT: Own = own!("content", "prompt.json", ["prompt.json" => "inputs/prompt.json"]);
static GAME: Own = own!("game", "board.json", ["board.json" => "inputs/board.json"]);
static BIOMETRIC: Own = own!("biometric", "proved.json", [
    "embed.onnx" => "embed.onnx", "upgrade.onnx" => "upgrade.onnx",
    "enrolled.json" => "inputs/enrolled.json", "again.json" => "inputs/again.json",
    "somebody_else.json" => "inputs/somebody_else.json",
]);
static DAO: Own = own!("dao", "proposal.json", []);
static TRADING: Own = own!("trading", "returns.json", ["retrained.onnx" => "retrained.onnx"]);

impl Own {
    /// The model once more, trained anew, where projects have it.
    pub fn retrained(&self) -> Option<&'static [u8]> {
        self.file(RETRAINED)
    }

    /// What its inputs mean, where an issuer signs that.
    pub fn schema(&self) -> Option<&'static [u8]> {
        self.file(SCHEMA)
    }

    fn file(&self, wanted: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(place, _)| *place == wanted).map(|&(_, bytes)| bytes)
    }
}

impl UseCase {
    /// The model that comes with it.
    pub fn own(self) -> &'static Own {
        match self {
            Self::Plain => &PLAIN,
            Self::Credit => &CREDIT,
            Self::Medical => &MEDICAL,
            Self::Content => &CONTENT,
            Self::Game => &GAME,
            Self::Biometric => &BIOMETRIC,
            Self::Dao => &DAO,
            Self::Trading => &TRADING,
        }
    }

    /// What `keygen` is asked for, with the names that inputs and outputs have in a model.
    pub fn keygen(self, model: &Model) -> Vec<String> {
        let name = |ports: &[Port], number: usize| {
            ports.get(number).map_or("NAME".into(), |port| Name::new(&port.name).to_string())
        };
        let input = |number, told: &str| {
            ["--input".into(), format!("{}={told}", name(&model.inputs, number))]
        };
        let claim = |kind: &str| ["--claim".into(), format!("{}={kind}", name(&model.outputs, 0))];
        let packed = ["--format".into(), "packed".to_owned()];
        let hidden = ["--weights".into(), "committed".to_owned()];
        match self {
            Self::Plain => vec![],
            Self::Content | Self::Game => packed.into(),
            Self::Trading => [packed, hidden].concat(),
            Self::Credit => [packed, hidden, input(0, "committed"), claim("threshold")].concat(),
            Self::Medical => [packed, input(0, "committed"), claim("argmax")].concat(),
            Self::Dao => [packed, claim("argmax")].concat(),
            Self::Biometric => {
                [packed, input(0, "committed"), input(1, "private"), claim("threshold")].concat()
            }
        }
    }

    /// How many elements the contract gives the model, where it knows them by itself.
    fn known_elements(self) -> Option<usize> {
        match self {
            Self::Game => Some(64),
            Self::Dao => Some(8),
            Self::Trading => Some(30),
            _ => None,
        }
    }

    /// Whether the contract says what the model sees, so that tests cannot be about any other input.
    pub fn knows_input(self) -> bool {
        self.known_elements().is_some()
    }

    /// Who the consumer's constructor is told of beside the verifier.
    pub fn party(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Content | Self::Game => None,
            Self::Credit => Some("bank"),
            Self::Medical => Some("centre"),
            Self::Biometric => Some("enroller"),
            Self::Dao => Some("council"),
            Self::Trading => Some("exchange"),
        }
    }

    /// What `--template` calls it.
    pub fn name(self) -> String {
        let value = clap::ValueEnum::to_possible_value(&self);
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether an issuer signs what is committed.
    pub fn is_attested(self) -> bool {
        matches!(self, Self::Credit | Self::Medical)
    }

    /// Whether the model's owner keeps its weights, and the contract follows the trainings that a registry names.
    pub fn hides_weights(self) -> bool {
        matches!(self, Self::Credit | Self::Trading)
    }

    /// What its contract compares outputs with in 18 decimals, where it does, for the model that comes with it.
    pub fn threshold(self) -> Option<&'static str> {
        match self {
            Self::Credit => Some("0.7"),
            Self::Biometric => Some("12000"),
            _ => None,
        }
    }

    /// That a bundle's proofs say what the contract reads.
    pub fn check(self, model: &Model, layout: &InstanceLayout) -> Result<(), CliError> {
        match self.lacks(model, layout) {
            None => Ok(()),
            Some(lacks) => Err(CliError::Usage {
                message: format!("the contract of this template needs {lacks}"),
                hint: match self {
                    Self::Plain => {
                        "take a `--template`, or write the consumer after docs/claims.md with the library that `render` writes"
                            .into()
                    }
                    _ => format!(
                        "make the bundle with `zkverdict keygen MODEL --srs FILE {}`, or leave `--bundle` out for a model that does",
                        quoted(&self.keygen(model))
                    ),
                },
            }),
        }
    }

    /// What the contract needs and a bundle's proofs do not have.
    fn lacks(self, model: &Model, layout: &InstanceLayout) -> Option<String> {
        let is_single = |claim: &Claim| {
            let told = layout.claims[0].results.first().map_or(0, |result| result.len());
            claim.port(model, layout.inferences).is_ok() && told == 1
        };
        let claims = |kind| match &layout.claims[..] {
            [one] => one.claim.kind == kind && is_single(&one.claim),
            _ => false,
        };
        let is_int8 = |number: usize| {
            let tensor = &model.graph.tensors[model.inputs[number].tensor.0];
            tensor.quantization.element == ElementType::Int8
        };
        if layout.inferences != 1 {
            return Some("proofs of one inference".into());
        }
        match (self.hides_weights(), layout.names_weights) {
            (true, false) => return Some("weights that are committed".into()),
            (false, true) => return Some("weights that are in the key".into()),
            _ => {}
        }
        let told: Vec<&InstancePort> = layout.inputs.iter().collect();
        let has_inputs = match (self, &told[..]) {
            (Self::Plain, told) => told.iter().all(|input| !input.is_committed()),
            (Self::Credit | Self::Medical, [data]) => data.is_committed(),
            (Self::Biometric, [one, other]) => {
                let (one, other) = if one.is_committed() { (one, other) } else { (other, one) };
                one.is_committed() && other.is_private()
            }
            (Self::Content, [prompt]) => prompt.is_public(),
            (_, [input]) => {
                let expected = self.known_elements() == Some(input.tensor.len());
                input.is_public() && expected && is_int8(0)
            }
            _ => false,
        };
        let told: usize = (layout.outputs.iter().filter(|output| output.is_public()))
            .map(|output| output.tensor.len())
            .sum();
        let shows =
            |least: usize| layout.claims.is_empty() && layout.outputs.len() == 1 && told >= least;
        let has_outputs = match self {
            Self::Plain => layout.claims.is_empty() && told > 0,
            Self::Credit | Self::Biometric => claims(ClaimKind::Threshold),
            Self::Medical | Self::Dao => claims(ClaimKind::ArgMax),
            Self::Content => shows(1),
            Self::Game => shows(8),
            Self::Trading => shows(2),
        };
        let inputs = match self {
            Self::Plain => "inputs that are public or private, as it compares no names".into(),
            Self::Credit | Self::Medical => "one input, which is committed".into(),
            Self::Biometric => "two inputs, of which one is committed and the other private".into(),
            Self::Content => "one input, which is public".into(),
            Self::Game | Self::Dao | Self::Trading => {
                format!(
                    "one public input of {} signed bytes, which the contract knows itself",
                    self.known_elements().unwrap_or_default()
                )
            }
        };
        let outputs = match self {
            Self::Plain => "outputs that proofs show, and this bundle's make claims",
            Self::Credit | Self::Biometric => "one claim, of kind `threshold`, about one number",
            Self::Medical | Self::Dao => "one claim, of kind `argmax`, about one line",
            Self::Content => "one output, which proofs show",
            Self::Game => "one output of at least 8 numbers, which proofs show",
            Self::Trading => "one output of at least 2 numbers, which proofs show",
        };
        match (has_inputs, has_outputs) {
            (true, true) => None,
            (false, _) => Some(inputs),
            (true, false) => Some(outputs.to_owned()),
        }
    }
}

/// Words as a shell takes them for what they are.
fn quoted(words: &[String]) -> String {
    words.iter().map(|word| in_shell(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it for what it is.
pub fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
