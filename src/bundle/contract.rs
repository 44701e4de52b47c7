//! The files of a model's contract, from what it says of its instances to what front ends call it with.

use super::{BundleError, KeyDocument, files, folder::Folder, hex};
use crate::circuit::{Code, InstanceClaim, InstanceLayout, InstancePort, InstanceTensor};
use crate::model::{ClaimKind, ElementType, Model, Port};
use crate::name::{Identifier, Name};
use crate::proving::{Judge, ModelVerifier};
#[cfg(feature = "compile")]
use crate::solidity::CompiledContract;
use crate::solidity::{
    INTERFACE, IoClaim, IoClaimKind, IoElement, IoHash, IoSpec, IoTensor, RenderedContract,
};
use serde::Serialize;
use sha3::{Digest, Keccak256};
use std::path::Path;

/// What the contract of a model is called unless its user says otherwise.
pub fn contract_name(model: &Model) -> String {
    contract_prefix(&model.name).with("Verifier")
}

/// `digits_mlp` → `DigitsMlp`: the name of a model's contracts begins like this.
pub(crate) fn contract_prefix(model: &str) -> Identifier {
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
    inferences: usize,
    InstanceClaim { name, claim, parameters, results }: &InstanceClaim,
) -> IoClaim {
    let (port, output) = claim.port(model, inferences).expect("the layout is the model's");
    let quantization = output.quantization;
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
        names_weights: layout.names_weights,
        committed: layout.linked().map(|port| port.tensor.name.clone()).collect(),
        hashed: (layout.hashed())
            .map(|(number, port)| IoHash {
                input: port.tensor.name.clone(),
                inputs_before: (layout.inputs[..number].iter())
                    .filter(|told| told.is_public())
                    .count(),
            })
            .collect(),
        inputs: (model.inputs.iter().zip(&layout.inputs))
            .filter(|(_, told)| told.is_public())
            .map(tensor)
            .collect(),
        claims: (layout.claims.iter())
            .map(|claim| io_claim(model, layout.inferences, claim))
            .collect(),
        outputs: (model.outputs.iter().zip(&layout.outputs))
            .filter(|(_, told)| told.is_public())
            .map(tensor)
            .collect(),
    }
}

/// The files that a contract is used with and no compiler is needed for, by their places.
#[derive(Clone, Debug, Serialize)]
pub struct ContractFiles {
    /// The verifier's source.
    pub contract: String,
    /// What consumers import.
    pub interface: String,
    /// The library that packs inputs and reads outputs.
    pub io: String,
    /// What describes the instances, as `ERC8084Metadata` is deployed with, and its Keccak-256.
    pub schema: String,
    /// Keccak-256 of the schema.
    pub schema_hash: String,
    /// The verifying key for verifiers off the chain.
    pub key: String,
    /// Keccak-256 of the key's file.
    pub key_hash: String,
}

impl ContractFiles {
    /// Writes them into a folder, which is made where there is none.
    pub fn write(
        path: &Path,
        verifier: &ModelVerifier,
        rendered: &RenderedContract,
    ) -> Result<Self, BundleError> {
        let folder = Folder::at(path).map_err(|error| BundleError::io(path, error))?;
        Self::write_in(&folder, verifier, rendered)
    }

    pub(crate) fn write_in(
        folder: &Folder,
        verifier: &ModelVerifier,
        rendered: &RenderedContract,
    ) -> Result<Self, BundleError> {
        let DescribedFiles { interface, io, schema, schema_hash } =
            DescribedFiles::write_in(folder, verifier, rendered)?;
        let contract = write_source(folder, rendered)?;
        let KeyFile { key, key_hash } = KeyFile::write_in(folder, verifier, &rendered.name)?;
        Ok(Self { contract, interface, io, schema, schema_hash, key, key_hash })
    }
}

/// What a contract is used with, whatever its keys are.
#[derive(Clone, Debug)]
pub(crate) struct DescribedFiles {
    pub interface: String,
    pub io: String,
    pub schema: String,
    pub schema_hash: String,
}

impl DescribedFiles {
    pub(crate) fn write_in(
        folder: &Folder,
        verifier: &dyn Judge,
        rendered: &RenderedContract,
    ) -> Result<Self, BundleError> {
        let name = &rendered.name;
        let write = |file: String, bytes: &[u8]| write_file(folder, &file, bytes);
        let io = io_library(verifier.model(), verifier.layout());
        let schema = serde_json::to_vec_pretty(&io.schema()).map_err(BundleError::Json)?;
        Ok(Self {
            interface: write("IHalo2Verifier.sol".into(), INTERFACE.as_bytes())?,
            io: write(format!("{}.sol", io.library), io.render()?.as_bytes())?,
            schema_hash: hex(&Keccak256::digest(&schema)),
            schema: write(format!("{name}.schema.json"), &schema)?,
        })
    }
}

/// A verifying key for verifiers off the chain.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile {
    pub key: String,
    pub key_hash: String,
}

impl KeyFile {
    /// Writes the key of the contract of this name.
    pub(crate) fn write_in(
        folder: &Folder,
        verifier: &ModelVerifier,
        name: &str,
    ) -> Result<Self, BundleError> {
        let key = serde_json::to_vec(&KeyDocument::of(verifier)).map_err(BundleError::Json)?;
        Ok(Self {
            key_hash: hex(&Keccak256::digest(&key)),
            key: write_file(folder, &format!("{name}.key.json"), &key)?,
        })
    }
}

/// The files that a compiler makes, by their places.
#[cfg(feature = "compile")]
#[derive(Clone, Debug, Serialize)]
pub struct CompiledFiles {
    /// What block explorers verify the source with.
    pub standard_json: String,
    /// The application binary interface.
    pub abi: String,
    /// What a deployment sends, in hexadecimal.
    pub bytecode: String,
    /// A viem module, beside which its types lie.
    pub viem: String,
}

#[cfg(feature = "compile")]
impl CompiledFiles {
    /// Writes them into a folder, which is made where there is none.
    pub fn write(
        path: &Path,
        rendered: &RenderedContract,
        compiled: &CompiledContract,
    ) -> Result<Self, BundleError> {
        let folder = Folder::at(path).map_err(|error| BundleError::io(path, error))?;
        Self::write_in(&folder, rendered, compiled)
    }

    pub(crate) fn write_in(
        folder: &Folder,
        rendered: &RenderedContract,
        compiled: &CompiledContract,
    ) -> Result<Self, BundleError> {
        let CompiledContract { name, abi, standard_json, init_code, .. } = compiled;
        let write =
            |suffix: &str, bytes: &[u8]| write_file(folder, &format!("{name}{suffix}"), bytes);
        let json =
            |value: &serde_json::Value| serde_json::to_vec_pretty(value).map_err(BundleError::Json);
        let digest = hex(&rendered.vk_digest);
        let (module, types) = super::viem::module(name, abi, &digest, rendered.num_instances);
        write(".viem.d.mts", types.as_bytes())?;
        Ok(Self {
            standard_json: write(".standard.json", &json(standard_json)?)?,
            abi: write(".abi.json", &json(abi)?)?,
            bytecode: write(".bin", hex(init_code).as_bytes())?,
            viem: write(".viem.mjs", module.as_bytes())?,
        })
    }
}

/// Writes a contract and says where.
pub(crate) fn write_source(
    folder: &Folder,
    RenderedContract { name, source, .. }: &RenderedContract,
) -> Result<String, BundleError> {
    write_file(folder, &format!("{name}.sol"), source.as_bytes())
}

/// Writes a file below a folder and says where.
fn write_file(folder: &Folder, name: &str, bytes: &[u8]) -> Result<String, BundleError> {
    files::write_below(folder, name, bytes)?;
    Ok(folder.name().join(name).display().to_string())
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
                let claims = Claims::read(&model, &claims, 1).unwrap();
                let layout = layout.with_claims(&model, &claims).unwrap();
                assert_eq!(io_library(&model, &layout).num_instances(), layout.len(), "{name}");
            }
        }
    }
}
