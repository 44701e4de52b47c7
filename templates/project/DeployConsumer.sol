// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.20;

import {ModelRegistry} from "zkverdict/ModelRegistry.sol";
import {SingleModelVerifier} from "zkverdict/SingleModelVerifier.sol";
import {ERC8084Metadata} from "zkverdict/adapters/ERC8084Metadata.sol";
import {IHalo2Verifier} from "zkverdict/interfaces/IHalo2Verifier.sol";
import {vm} from "../test/Vm.sol";
import {{ "{" }}{{ project.prefix }}Consumer} from "../src/{{ project.prefix }}Consumer.sol";
import {{ "{" }}{{ project.prefix }}Verifier} from "../src/{{ project.prefix }}Verifier.sol";

/// @title Deploys verifier and consumer, and prints where they are
/// @notice Without more, the consumer gets a verifier that nobody can stop or replace. With a registry that the sender owns,
/// the verifier becomes a version in it, unless its key is there already, and the consumer {% if project.follows() %}follows the newest{% else %}pins that version{% endif %}:
///
///     REGISTRY=0x… forge script script/DeployConsumer.s.sol --rpc-url URL --broadcast --account NAME
///
{%- if project.names_weights %}
/// `WEIGHTS` is the name of the weights that count, as `zkverdict commit --weights` printed it. With a registry a version is known by
/// it, and a retrained model is a version of the verifier that is there.
///
{%- endif %}
/// With `SCHEMA_URI` and `KEY_URI`, which say where `schema.json` and the bundle are, it also deploys ERC-8084 metadata.
{%- if let Some(party) = project.use_case.party() %}
/// The {{ party }} is an argument: `--sig 'run(address)' 0x…`.
{%- else %}
/// If the consumer's constructor takes more arguments than these three, give them in `ARGUMENTS`, encoded as the ABI says.
{%- endif %}
contract DeployConsumer {
    /// @notice The model's id, as `zkverdict registry` has it.
    bytes32 public constant MODEL_ID = keccak256({{ project.model_literal }});

    /// @notice Keccak-256 of `schema.json`.
    bytes32 public constant SCHEMA_HASH = {{ project.schema_hash }};

    /// @notice The chain made no contract of the code.
    error DeploymentFailed();
{%- if project.names_weights %}

    /// @notice Say which weights count: `WEIGHTS` is the name that `zkverdict commit --weights` printed.
    error NoWeights();
{%- endif %}

{%- if project.use_case.party().is_some() %}

    function run(address party) external returns (address verifier, address model, address consumer, address metadata) {
        (verifier, model, consumer) = deploy(vm.envOr("REGISTRY", address(0)), abi.encode(party));
        metadata = describe(verifier, vm.envOr("SCHEMA_URI", string("")), vm.envOr("KEY_URI", string("")));
    }
{%- else %}

    function run() external returns (address verifier, address model, address consumer, address metadata) {
        (verifier, model, consumer) = deploy(vm.envOr("REGISTRY", address(0)), vm.envOr("ARGUMENTS", bytes("")));
        metadata = describe(verifier, vm.envOr("SCHEMA_URI", string("")), vm.envOr("KEY_URI", string("")));
    }
{%- endif %}

    /// @notice Deploys what is missing.
    /// @param registry A registry that the sender owns; zero for none.
    /// @param arguments What the consumer's constructor takes besides verifier, model and version.
    /// @return verifier Checks proofs.
    /// @return model What the consumer asks: the registry, or a verifier of this model alone.
    /// @return consumer Acts on the model's answers.
    function deploy(address registry, bytes memory arguments)
        public
        returns (address verifier, address model, address consumer)
    {
        uint256 version = 1;
        vm.startBroadcast();
        if (registry == address(0)) {
            IHalo2Verifier made = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
            bytes32 digest = made.VK_DIGEST();
            model = address(new SingleModelVerifier(made, MODEL_ID, digest, {% if project.names_weights %}weights(){% else %}0{% endif %}));
            verifier = address(made);
        } else {
            (verifier, version) = _version(ModelRegistry(registry));
            model = registry;
{%- if project.follows() %}
            // The newest version counts, whichever it is: a better model needs no other contract.
            version = 0;
{%- endif %}
        }
        bytes memory code = type({{ project.prefix }}Consumer).creationCode;
        consumer = _create(bytes.concat(code, abi.encode(model, MODEL_ID, version), arguments));
        vm.stopBroadcast();
    }

    /// @notice Deploys ERC-8084 metadata of a verifier, unless it is not said where the schema is.
    /// @param verifier The verifier.
    /// @param schemaURI Where `schema.json` is: content-addressed, or with `#0x` and its hash.
    /// @param keyURI Where the bundle is, likewise.
    /// @return metadata Where they are; zero for none.
    function describe(address verifier, string memory schemaURI, string memory keyURI)
        public
        returns (address metadata)
    {
        if (bytes(schemaURI).length == 0) return address(0);
        bytes32 circuit = {{ project.prefix }}Verifier(verifier).MODEL_DIGEST();
        vm.startBroadcast();
        // Version 1.0 of this circuit: another key is another circuit.
        metadata =
            address(new ERC8084Metadata(IHalo2Verifier(verifier), circuit, 1 << 32, SCHEMA_HASH, schemaURI, keyURI));
        vm.stopBroadcast();
    }

    /// The version of the verifier's key in a registry; adds it if it is not there.
    function _version(ModelRegistry registry) private returns (address verifier, uint256 version) {
        bytes32 digest = {{ project.digest }};
{%- if project.names_weights %}
        (, version) = registry.versionOfKey(weights());
        if (version == 0) {
            uint256 count = registry.versionCount(MODEL_ID);
            IHalo2Verifier made;
            if (count != 0 && registry.getVersion(MODEL_ID, count).vkDigest == digest) {
                made = registry.getVersion(MODEL_ID, count).verifier;
            } else {
                made = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
            }
            version = registry.addNamedVersion(MODEL_ID, made, digest, weights(), false, "");
        }
{%- else %}
        (, version) = registry.versionOfKey(digest);
        if (version == 0) {
            IHalo2Verifier made = IHalo2Verifier(address(new {{ project.prefix }}Verifier()));
            version = registry.addVersion(MODEL_ID, made, digest, "");
        }
{%- endif %}
        verifier = address(registry.getVersion(MODEL_ID, version).verifier);
    }

{%- if project.names_weights %}

    /// @notice The name of the weights that count.
    function weights() public view returns (bytes32) {
        bytes32 named = vm.envOr("WEIGHTS", bytes32(0));
        if (named == 0) revert NoWeights();
        return named;
    }
{%- endif %}

    function _create(bytes memory initCode) private returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(initCode, 0x20), mload(initCode))
        }
        if (made == address(0)) revert DeploymentFailed();
    }
}
