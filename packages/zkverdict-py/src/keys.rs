//! Keys: proofs are made with them and checked against them, contracts are made of them.

use crate::{
    commitment::{Commitment, Weights},
    error::{Failure, raise},
    model::{Model, beyond},
    secrets::{hidden, hide, input_secrets, weights as named_weights},
    work::watched,
};
use pyo3::prelude::*;
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use zkverdict::{
    ModelProver, ModelVerifier,
    bundle::{
        Beginning, Bundle, CompiledFiles, ContractFiles, DataSchema, InputSecrets, ProofDocument,
        ProofFile, WeightsCommitment, Work, contract_name, hex,
    },
    certify::certify,
    circuit::{InstanceLayout, ModelCircuit, Word},
    evm::{Abi, Experiment, Fork},
    model::{self, InputFormat, Port, Visibility},
    proving::{Format, Options, Powers, Srs, Stage, scalar_of},
    solidity::{
        CompiledContract, CompilerSettings, SolidityCompiler, verify_proof_calldata_of_words,
    },
};

/// Where keys come from.
pub enum Source {
    Halo2 { onnx: Vec<u8>, srs: Srs },
    Packed { onnx: Vec<u8>, powers: Powers },
    Bundle(Box<Bundle>),
}

struct Inner {
    verifier: ModelVerifier,
    /// Made when the first proof is, of keys from a bundle.
    prover: OnceLock<ModelProver>,
    making: Mutex<()>,
    source: Source,
    compiled: Mutex<Option<(Option<PathBuf>, CompiledContract)>>,
}

/// Keys of one model.
#[pyclass(frozen, module = "zkverdict._zkverdict")]
pub struct Keys(Arc<Inner>);

impl Keys {
    pub fn new(prover: ModelProver, source: Source) -> Self {
        let verifier = prover.verifier().clone();
        Self::of(verifier, OnceLock::from(prover), source)
    }

    fn of(verifier: ModelVerifier, prover: OnceLock<ModelProver>, source: Source) -> Self {
        let (making, compiled) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { verifier, prover, making, source, compiled }))
    }
}

impl Inner {
    fn prover(&self) -> Result<&ModelProver, Failure> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        match (self.prover.get(), &self.source) {
            (Some(prover), _) => Ok(prover),
            (None, Source::Bundle(bundle)) => {
                let prover = bundle.prover()?;
                Ok(self.prover.get_or_init(|| prover))
            }
            (None, _) => unreachable!("keys that were made here have theirs"),
        }
    }

    fn layout(&self) -> &InstanceLayout {
        self.verifier.layout()
    }

    /// The string that commitments are under.
    fn powers(&self) -> Result<Powers, Failure> {
        match &self.source {
            Source::Packed { powers, .. } => Ok(powers.clone()),
            Source::Bundle(bundle) if bundle.manifest.format == Format::Packed => {
                Ok(bundle.powers()?)
            }
            _ => Err(Failure::option(
                "these keys have no committed input",
                "make keys with `keygen(format=\"packed\", inputs={NAME: \"committed\"})`",
            )),
        }
    }

    /// The integers of all inputs: those that are known are taken from there.
    fn inputs(
        &self,
        input: Option<&[u8]>,
        secrets: &InputSecrets<'_>,
    ) -> Result<(Vec<Vec<i32>>, usize), Failure> {
        let model = self.verifier.model();
        let others: Vec<&Port> = (model.inputs.iter().enumerate())
            .filter(|&(number, _)| !secrets.holds(number))
            .map(|(_, port)| port)
            .collect();
        let (given, beyond) = match input {
            Some(input) => (one_inference(model, &others, input)?, beyond(model, &others, input)?),
            None => (Vec::new(), 0),
        };
        let mut given = given.into_iter();
        let all = (0..model.inputs.len())
            .map(|number| if secrets.holds(number) { None } else { given.next() });
        Ok((secrets.merge(all.collect())?, beyond))
    }

    /// The integers of what claims compare outputs with.
    fn chosen(&self, choose: &[(String, String)]) -> Result<Vec<Vec<i32>>, Failure> {
        let claims = || self.layout().claims.iter().filter(|claim| !claim.parameters.is_empty());
        let subjects: Vec<String> = claims().map(|claim| claim.claim.subject()).collect();
        if let Some((name, _)) = choose.iter().find(|(name, _)| !subjects.contains(name)) {
            let message =
                format!("`{}` is compared with nothing by these keys", name.escape_debug());
            return Err(Failure::option(message, &format!("values are chosen for {subjects:?}")));
        }
        let integers = claims().zip(&subjects).map(|(claim, subject)| {
            let text = choose.iter().find(|(name, _)| name == subject).map(|(_, text)| text);
            let text = text.ok_or_else(|| {
                let message =
                    format!("what `{}` is compared with is missing", subject.escape_debug());
                Failure::option(
                    message,
                    "give it with `choose={NAME: VALUE}`, in the model's units",
                )
            })?;
            let inferences = self.verifier.layout().inferences;
            let one = claim.claim.choose(self.verifier.model(), inferences, text)?;
            Ok(one.repeat(inferences))
        });
        integers.collect()
    }

    fn compiled(&self, solc: Option<PathBuf>) -> Result<CompiledContract, Failure> {
        let mut kept = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((by, compiled)) = &*kept
            && *by == solc
        {
            return Ok(compiled.clone());
        }
        let rendered = self.verifier.contract(&contract_name(self.verifier.model()))?.render()?;
        let compiled = compiler(solc.as_ref())?.compile(&rendered, CompilerSettings::default())?;
        Ok(kept.insert((solc, compiled)).1.clone())
    }
}

fn compiler(solc: Option<&PathBuf>) -> Result<SolidityCompiler, Failure> {
    Ok(match solc {
        Some(path) => SolidityCompiler::at(path)?,
        None => SolidityCompiler::find()?,
    })
}

/// The integers of these inputs, of which there is one inference: what keys prove at once.
fn one_inference(
    model: &model::Model,
    ports: &[&Port],
    input: &[u8],
) -> Result<Vec<Vec<i32>>, Failure> {
    let mut inferences = model.read_inferences_of(ports, input, InputFormat::detect(input))?;
    match (inferences.pop(), inferences.len()) {
        (Some(inputs), 0) => Ok(inputs),
        (_, others) => Err(Failure::input(
            format!("the input holds {} inferences, a proof of these keys holds 1", others + 1),
            "prove them one by one, or make keys with `keygen(batch=N)`",
        )),
    }
}

#[pymethods]
impl Keys {
    /// Opens a bundle; its key is derived again and compared unless it is trusted.
    #[staticmethod]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        trust: bool,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        watched(py, progress.as_ref(), move |watch| {
            let bundle = Bundle::open(&path)?;
            let verifier = bundle.verifier()?;
            if !trust {
                watch.enter("deriving the key again");
                bundle.check_key(verifier.model())?;
            }
            Ok(Self::of(verifier, OnceLock::new(), Source::Bundle(Box::new(bundle))))
        })
    }

    /// Writes a bundle.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let inner = Arc::clone(&self.0);
        let write = move || match &inner.source {
            Source::Halo2 { onnx, srs } => {
                Ok(Bundle::create(&path, onnx, &inner.verifier, srs).map(drop)?)
            }
            Source::Packed { onnx, powers } => {
                Ok(Bundle::create(&path, onnx, &inner.verifier, powers).map(drop)?)
            }
            Source::Bundle(bundle) => Err(Failure::option(
                format!("these keys are those of the bundle `{}`", bundle.path.display()),
                "copy that folder",
            )),
        };
        py.detach(write).map_err(|failure| raise(py, failure))
    }

    /// What they are.
    fn summary(&self) -> String {
        let Inner { verifier, .. } = &*self.0;
        let keys = verifier.keys();
        let inputs = verifier.layout().inputs.iter();
        let inputs: BTreeMap<&str, Visibility> =
            inputs.map(|input| (input.tensor.name.as_str(), input.visibility)).collect();
        json!({
            "model": verifier.model().name,
            "inputs": inputs,
            "format": verifier.format(),
            "k": keys.k(),
            "instances": keys.instances(),
            "batch": verifier.layout().inferences,
            "vk_digest": hex(&verifier.digest()),
            "model_digest": hex(&verifier.model_digest()),
            "srs": keys.srs_origin(),
            "srs_fingerprint": hex(&keys.fingerprint()),
            "srs_ceremony": keys.ceremony(),
        })
        .to_string()
    }

    /// Hides an input: behind a name, or behind a hash for each inference. With a schema the input is data in its units.
    fn commit(
        &self,
        py: Python<'_>,
        input: Vec<u8>,
        only: Option<String>,
        schema: Option<Vec<u8>>,
    ) -> PyResult<Vec<Commitment>> {
        let inner = Arc::clone(&self.0);
        watched(py, None, move |_| {
            let (layout, model) = (inner.layout(), inner.verifier.model());
            let number = hidden(layout, only.as_deref())?;
            let integers = match &schema {
                Some(schema) => {
                    let tensor = &layout.inputs[number].tensor;
                    DataSchema::parse(schema)?.integers_for(tensor, layout.inferences, &input)?
                }
                None => one_inference(model, &[&model.inputs[number]], &input)?.swap_remove(0),
            };
            let made = hide(layout, number, &integers, || inner.powers())?;
            Ok(made.into_iter().map(|secret| Commitment(Arc::new(secret))).collect())
        })
    }

    /// Commits to the weights of a training of the keys' architecture.
    fn commit_weights(&self, py: Python<'_>, model: PyRef<'_, Model>) -> PyResult<Weights> {
        let (inner, file) = (Arc::clone(&self.0), Arc::clone(&model.file));
        watched(py, None, move |_| {
            if !inner.layout().names_weights {
                return Err(Failure::option(
                    "the weights of these keys are those of their model",
                    "make keys with `keygen(format=\"packed\", weights=\"committed\")`",
                ));
            }
            let (model, _) = file.model(inner.layout().inferences)?;
            let prover = inner.prover()?;
            let committed = prover.commit_weights(model)?;
            Ok(Weights(Arc::new(WeightsCommitment::new(prover, &committed))))
        })
    }

    /// Proves an inference; gives the proof document, and how many values of the input lie beyond the range.
    #[allow(clippy::too_many_arguments, reason = "Python's part calls it by name")]
    fn prove(
        &self,
        py: Python<'_>,
        input: Option<Vec<u8>>,
        contexts: Vec<[u8; 32]>,
        choose: Vec<(String, String)>,
        commitments: Vec<PyRef<'_, Commitment>>,
        weights: Option<PyRef<'_, Weights>>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(String, usize)> {
        let inner = Arc::clone(&self.0);
        let commitments: Vec<_> =
            commitments.iter().map(|commitment| Arc::clone(&commitment.0)).collect();
        let weights = weights.map(|weights| Arc::clone(&weights.0));
        watched(py, progress.as_ref(), move |watch| {
            let layout = inner.layout();
            if contexts.len() != layout.inferences {
                let (got, expected) = (contexts.len(), layout.inferences);
                let message =
                    format!("{got} contexts are given, a proof of these keys has {expected}");
                return Err(Failure::input(message, "give one for each inference, in their order"));
            }
            let contexts = contexts.iter().map(|&word| {
                let message = || {
                    format!("the context `{}` is not below the BN254 scalar modulus", hex(&word))
                };
                scalar_of(word).ok_or_else(|| Failure::input(message(), "give a smaller number"))
            });
            let contexts = contexts.collect::<Result<Vec<_>, _>>()?;
            let secrets = input_secrets(layout, &commitments, || inner.powers())?;
            let (inputs, beyond) = inner.inputs(input.as_deref(), &secrets)?;
            let work = Work {
                inputs: [inputs, inner.chosen(&choose)?].concat(),
                contexts,
                commitments: secrets.commitments(),
                blindings: secrets.blindings(),
                weights: named_weights(&inner.verifier, weights)?,
            };
            if inner.prover.get().is_none() {
                watch.enter("proving key");
            }
            let prover = inner.prover()?;
            let beginning = Beginning::now();
            let entered = |stage: Stage| watch.enter(stage);
            let options = Options {
                progress: Some(&entered),
                cancel: Some(&watch.cancel),
                ..Options::default()
            };
            let proof = work.prove(prover, &options)?;
            let document = ProofDocument::new(&inner.verifier, &proof, beginning.took())?;
            Ok((json!(document).to_string(), beyond))
        })
    }

    /// Checks a proof document; gives what each inference is bound to, and the name of the weights where these are committed.
    fn verify(&self, py: Python<'_>, document: Vec<u8>) -> PyResult<(Vec<Word>, Option<Word>)> {
        let inner = Arc::clone(&self.0);
        watched(py, None, move |_| {
            let file = ProofFile::parse(&document)
                .map_err(|why| Failure::new("ProofError", format!("it is no proof: {why}"), ""))?;
            inner.verifier.verify(&file.proof)?;
            match file.contradiction(&inner.verifier) {
                Some(why) => {
                    let message =
                        format!("the proof is valid, and what it comes with contradicts it: {why}");
                    Err(Failure::new("ProofError", message, ""))
                }
                None => {
                    let said = inner.verifier.statements(&file.proof.instances)?;
                    let weights = said.first().and_then(|statement| statement.weights);
                    Ok((said.into_iter().map(|statement| statement.context).collect(), weights))
                }
            }
        })
    }

    /// Writes the contract with what belongs to it; compiled too where that is asked for.
    fn render(
        &self,
        py: Python<'_>,
        path: PathBuf,
        name: Option<String>,
        compile: bool,
        solc: Option<PathBuf>,
        dev_chain_id: Option<u64>,
    ) -> PyResult<String> {
        let inner = Arc::clone(&self.0);
        watched(py, None, move |_| {
            let Inner { verifier, .. } = &*inner;
            let contract =
                verifier.contract(&name.unwrap_or_else(|| contract_name(verifier.model())))?;
            let contract =
                dev_chain_id.iter().fold(contract, |contract, &id| contract.on_dev_chain(id));
            let rendered = contract.render()?;
            // Before anything is written.
            let compiled = match compile {
                true => {
                    Some(compiler(solc.as_ref())?.compile(&rendered, CompilerSettings::default())?)
                }
                false => None,
            };
            let files = ContractFiles::write(&path, verifier, &rendered)?;
            let made =
                compiled.as_ref().map(|compiled| CompiledFiles::write(&path, &rendered, compiled));
            Ok(json!({
                "name": rendered.name,
                "files": files,
                "compiled": made.transpose()?,
                "runtime_bytes": compiled.as_ref().map(|compiled| compiled.runtime_code.len()),
                "init_bytes": compiled.as_ref().map(|compiled| compiled.init_code.len()),
            })
            .to_string())
        })
    }

    /// Runs the contract on a proof in process and reports its gas.
    fn gas(
        &self,
        py: Python<'_>,
        document: Vec<u8>,
        forks: Vec<String>,
        solc: Option<PathBuf>,
    ) -> PyResult<String> {
        let inner = Arc::clone(&self.0);
        watched(py, None, move |_| {
            let file = ProofFile::parse(&document)
                .map_err(|why| Failure::new("ProofError", format!("it is no proof: {why}"), ""))?;
            let proof = file.proof_of(&inner.verifier)?;
            let forks = forks.iter().map(|fork| fork.parse::<Fork>());
            let forks = forks.collect::<Result<Vec<_>, _>>()?;
            let compiled = inner.compiled(solc)?;
            let calldata = verify_proof_calldata_of_words(&proof.bytes, &proof.instances);
            let experiment = Experiment::new(&compiled.init_code, &calldata)
                .named(&compiled.name)
                .with_abi(Abi::from_json(&compiled.abi)?);
            let reports = forks.into_iter().map(|fork| experiment.run(fork));
            Ok(json!(reports.collect::<Result<Vec<_>, _>>()?).to_string())
        })
    }

    /// Checks that the key computes a model, whoever made it.
    fn certify(&self, py: Python<'_>, model: PyRef<'_, Model>) -> PyResult<String> {
        let (inner, file) = (Arc::clone(&self.0), Arc::clone(&model.file));
        watched(py, None, move |_| {
            let verifier = match &inner.source {
                Source::Bundle(bundle) => &bundle.verifier_with_string()?,
                _ => &inner.verifier,
            };
            let (layout, shape, k) = (verifier.layout(), verifier.shape(), verifier.keys().k());
            let (model, _) = file.model(layout.inferences)?;
            let circuit = ModelCircuit::restore(&model, layout, k, shape).map_err(|why| {
                let message = format!("no circuit of this model has the key's shape: {why}");
                Failure::new("KeysError", message, "")
            })?;
            Ok(json!(certify(&model, &circuit, verifier.keys())?).to_string())
        })
    }
}
