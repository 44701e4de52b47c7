#!/usr/bin/env bash
# From keys to an open lock on a local chain, what is refused, and a better model without enrolling again.
source "$(dirname "$0")/script/local.sh"

# What the contract asks for. The proof is about it, and tells nothing else of the distance.
LIMIT=12000
export ZKVERDICT_PRIVATE_KEY=$OWNER_KEY

step "The owner deploys a registry, the verifier as a version of it, and the lock, which follows the newest."
REGISTRY=$(create lib/zkverdict/ModelRegistry.sol:ModelRegistry --constructor-args $OWNER)
export REGISTRY
deploy --sig 'run(address)' $OWNER

step "Alice enrols: her scan becomes a template and the template a commitment, which she keeps; the lock gets its name."
"$ZKVERDICT" --json run embed.onnx --input inputs/enrolled.json >work/embedding.json
echo "{\"template\": [$(numbers quantized work/embedding.json)]}" >work/template.json
zkverdict commit biometric.zkv --input work/template.json --out work/template.secret.json
NAME=$(text name work/template.secret.json)
send $OWNER "enrolling" "$CONSUMER" 'enrol(address,bytes32)' $ALICE "$NAME"

# BUNDLE ACCOUNT SCAN: proves that a scan is close to the template, for the account's next turn.
prove() {
    zkverdict prove "$1" --input "inputs/$3.json" --input-commitment work/template.secret.json --threshold=$LIMIT \
        --for "$CONSUMER" --account "$2" --rpc-url "$RPC" --out work/proof.json
}
is_open() { call "$CONSUMER" 'isOpenTo(address)(bool)' $ALICE; }

step "She proves that another scan of hers is close to it."
prove biometric.zkv $ALICE again
send $ALICE "submitting a proof" "$CONSUMER" "$(submission work/proof.json)"
is "$(is_open)" true "open to her"
wait_for 600
is "$(is_open)" false "ten minutes later"

step "Somebody else's scan is too far, and her template is nothing at another account."
prove biometric.zkv $ALICE somebody_else
refused 'TooFar(int256)' $ALICE "$CONSUMER" "$(submission work/proof.json)"
prove biometric.zkv $BOB again
refused 'NoNameExpected(uint256,address)' $BOB "$CONSUMER" "$(submission work/proof.json)"

step "The owner adds a better model to the registry. Alice proves under it, with the commitment that she has."
zkverdict keygen upgrade.onnx --unsafe-dev-srs {{ project.keygen }} --out work/upgrade.zkv
zkverdict deploy work/upgrade.zkv --rpc-url "$RPC" --deployments work/deployments
zkverdict registry add work/upgrade.zkv --model biometric --registry "$REGISTRY" --rpc-url "$RPC"
prove biometric.zkv $ALICE again
refused 'InvalidProof()' $ALICE "$CONSUMER" "$(submission work/proof.json)"
prove work/upgrade.zkv $ALICE again
send $ALICE "submitting a proof under the better model" "$CONSUMER" "$(submission work/proof.json)"
is "$(is_open)" true "open to her"

step "All as it should be; gas.md says what it took."
