//! The verifier contract of a bundle, rendered and compiled.

use super::{
    CliError, Console,
    bundle::{Bundle, TrustArgs},
};
use crate::circuit::{Code, InstanceClaim, InstanceLayout, InstancePort, InstanceTensor};
use crate::model::{ClaimKind, ElementType, Model, Port};
use crate::name::{Identifier, Name};
use crate::proving::ModelVerifier;
use crate::solidity::{
    CompiledContract, CompilerSettings, IoClaim, IoClaimKind, IoElement, IoSpec, IoTensor,
    RenderedContract, SolidityCompiler,
};
use std::path::PathBuf;

/// How the contract is made.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CompilerArgs {
    /// The Solidity compiler [default: this package's, solc on the PATH, Foundry's newest]
    #[arg(long, value_name = "FILE")]
    solc: Option<PathBuf>,
    /// Let a contract under the development string also be created on this chain: a local fork that kept another id
    #[arg(long, value_name = "ID")]
    pub dev_chain_id: Option<u64>,
}

impl CompilerArgs {
    /// Finds the compiler.
    pub fn find(&self) -> Result<SolidityCompiler, CliError> {
        Ok(match &self.solc {
            Some(path) => SolidityCompiler::at(path)?,
            None => SolidityCompiler::find()?,
        })
    }
}

/// `digits_mlp` → `DigitsMlp`: the name of a model's contracts begins like this.
pub fn contract_prefix(model: &str) -> Identifier {
    /// With one of the endings that are added, these are the names of contracts that projects have anyway.
    const TAKEN: [&str; 9] = [
        "Inference",
        "IInference",
        "Request",
        "IRequest",
        "Batch",
        "IBatch",
        "SingleModel",
        "IModel",
        "IHalo2",
    ];
    let prefix = Name::new(model).identifier("Model");
    match TAKEN.contains(&prefix.with("").as_str()) {
        true => Name::new(&prefix.with("Model")).identifier(""),
        false => prefix,
    }
}

/// Renders the verifier of a model, under its own name or another.
pub fn render(
    verifier: &ModelVerifier,
    name: Option<&str>,
    args: &CompilerArgs,
) -> Result<RenderedContract, CliError> {
    let default = || contract_prefix(&verifier.model().name).with("Verifier");
    let contract = verifier.contract(&name.map_or_else(default, str::to_owned))?;
    let contract =
        args.dev_chain_id.iter().fold(contract, |contract, &id| contract.on_dev_chain(id));
    Ok(contract.render()?)
}

fn element(code: Code) -> IoElement {
    match code {
        Code::Int8 => IoElement::Int8,
        Code::Uint8 => IoElement::Uint8,
        code => unreachable!("models have no ports of {}", code.name()),
    }
}

/// A claim, as the library tells it.
fn io_claim(
    model: &Model,
    InstanceClaim { name, claim, parameters, results }: &InstanceClaim,
) -> IoClaim {
    let port = claim.port(model).expect("the layout is the model's");
    let quantization = model.graph.tensors[port.tensor.0].quantization;
    let is_of_positions = quantization.element == ElementType::Int64;
    let tensor = |tensor: &InstanceTensor, has_unit: bool| {
        let (scale, zero_point) = match has_unit && !is_of_positions {
            true => (quantization.scale, quantization.zero_point),
            false => (1.0, 0),
        };
        IoTensor {
            name: format!("{name}.{}", tensor.name),
            shape: tensor.shape.clone(),
            element: element(tensor.code),
            scale,
            zero_point,
            notes: if has_unit { port.notes() } else { Vec::new() },
        }
    };
    let kind = match claim.kind {
        ClaimKind::Values => IoClaimKind::Values,
        ClaimKind::ArgMax => IoClaimKind::ArgMax,
        ClaimKind::Top(_) => IoClaimKind::Top,
        ClaimKind::Threshold => IoClaimKind::Threshold,
        ClaimKind::Range => IoClaimKind::Range,
        ClaimKind::Bucket(_) => IoClaimKind::Bucket,
        ClaimKind::Equal => IoClaimKind::Equal,
    };
    IoClaim {
        name: name.clone(),
        kind,
        parameter: parameters.first().map(|parameter| tensor(parameter, true)),
        result: tensor(&results[0], kind == IoClaimKind::Values),
        is_of_positions,
    }
}

/// The library that packs a model's inputs, where proofs show them, and reads what they say of its outputs.
pub fn io_library(model: &Model, layout: &InstanceLayout) -> IoSpec {
    let tensor = |(port, told): (&Port, &InstancePort)| {
        let InstanceTensor { name, code, shape } = told.tensor.clone();
        let quantization = &model.graph.tensors[port.tensor.0].quantization;
        IoTensor {
            name,
            shape,
            element: element(code),
            scale: quantization.scale,
            zero_point: quantization.zero_point,
            notes: port.notes(),
        }
    };
    IoSpec {
        library: contract_prefix(&model.name).with("Io"),
        model: model.name.clone(),
        inferences: layout.inferences,
        committed: layout.committed().map(|(_, port)| port.tensor.name.clone()).collect(),
        inputs: (model.inputs.iter().zip(&layout.inputs))
            .filter(|(_, told)| told.is_public())
            .map(tensor)
            .collect(),
        claims: layout.claims.iter().map(|claim| io_claim(model, claim)).collect(),
        outputs: (model.outputs.iter().zip(&layout.outputs))
            .filter(|(_, told)| told.is_public())
            .map(tensor)
            .collect(),
    }
}

/// Renders the verifier of a bundle whose key is that of its model.
pub fn render_bundle(
    bundle: &Bundle,
    name: Option<&str>,
    args: &CompilerArgs,
    trust: TrustArgs,
    console: &Console,
) -> Result<RenderedContract, CliError> {
    let verifier = bundle.verifier()?;
    trust.check(bundle, verifier.model(), console)?;
    render(&verifier, name, args)
}

/// Compiles a rendered contract.
pub fn compile(
    contract: &RenderedContract,
    compiler: &SolidityCompiler,
    console: &Console,
) -> Result<CompiledContract, CliError> {
    let _stage = console.stage("compiling the contract");
    Ok(compiler.compile(contract, CompilerSettings::default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Claims, Visibility};
    use std::path::Path;

    /// The rendered library reads what proofs hold.
    #[test]
    fn library_has_the_instances_of_the_layout() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/models");
        for name in ["credit_logreg", "digits_mlp", "digits_cnn", "tiny_transformer"] {
            let onnx = std::fs::read(folder.join(name).join("int8_qdq.onnx")).unwrap();
            let model = Model::from_onnx(name, &onnx).unwrap();
            for told in [Visibility::Public, Visibility::Private, Visibility::Committed] {
                let mut layout = InstanceLayout::of_model(&model, false);
                layout.inputs[0].visibility = told;
                assert_eq!(io_library(&model, &layout).num_instances(), layout.len(), "{name}");
                let output = &model.outputs[0].name;
                let claims = [format!("{output}=threshold"), format!("{output}[0]=bucket:40")];
                let claims = Claims::read(&model, &claims).unwrap();
                let layout = layout.with_claims(&model, &claims).unwrap();
                assert_eq!(io_library(&model, &layout).num_instances(), layout.len(), "{name}");
            }
        }
    }
}
