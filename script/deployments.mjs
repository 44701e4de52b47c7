// Writes contracts/deployments/code.json: what the contracts that are deployed by themselves are made by, as this
// repository's settings compile it. Run it after `tools/forge build` whenever one of them changes on purpose.
import { readFileSync, writeFileSync } from "node:fs";
import { keccak256 } from "viem";

const NAMES = ["ModelRegistry", "SingleModelVerifier", "ERC7992Adapter", "ERC8004Validator", "ERC8084Metadata"];

const artifacts = NAMES.map((name) => JSON.parse(readFileSync(`out/${name}.sol/${name}.json`, "utf8")));
const { compiler, settings } = artifacts[0].metadata;
const contracts = artifacts.map((artifact, i) => [
  NAMES[i],
  {
    constructor: artifact.abi
      .filter((entry) => entry.type === "constructor")
      .flatMap((entry) => entry.inputs.map(({ type, name }) => `${type} ${name}`)),
    creation_code_hash: keccak256(artifact.bytecode.object),
  },
]);
const document = {
  deployer: "0x4e59b44847b379578588920cA78FbF26c0B4956C",
  compiler: compiler.version,
  evm_version: settings.evmVersion,
  optimizer_runs: settings.optimizer.runs,
  contracts: Object.fromEntries(contracts),
};
writeFileSync("contracts/deployments/code.json", `${JSON.stringify(document, null, 2)}\n`);
