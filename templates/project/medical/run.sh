#!/usr/bin/env bash
# From keys to a cover on a local chain, and what is refused.
source "$(dirname "$0")/script/local.sh"

step "The insurer deploys verifier and contract, and names the imaging centre whose word counts."
deploy --sig 'run(address)' $ISSUER
send $OWNER "funding covers" "$CONSUMER" 'fund()' --value 10ether

# ACCOUNT NAME: the centre commits to a patient's scan, hands the file over with it, and signs the commitment's name.
attest() {
    zkverdict commit medical.zkv --input "inputs/$2.json" --schema inputs/schema.json --out "work/$2.secret.json"
    ZKVERDICT_PRIVATE_KEY=$ISSUER_KEY "$ZKVERDICT" --json attest "work/$2.secret.json" --bundle medical.zkv --schema inputs/schema.json \
        --subject "$1" --expires $(($(now) + 86400)) --chain-id 31337 --contract "$CONSUMER" >"work/$2.attestation.json"
    send "$1" "showing an attestation" "$CONSUMER" "$(text calldata "work/$2.attestation.json")"
}

# ACCOUNT NAME: the hospital proves what the model finds, for the patient's next turn.
prove() {
    zkverdict prove medical.zkv --input-commitment "work/$2.secret.json" \
        --for "$CONSUMER" --account "$1" --rpc-url "$RPC" --out "work/$2.proof.json"
}

step "The centre attests Alice's scan; her hospital proves the finding, and she submits the proof."
attest $ALICE suspicious
prove $ALICE suspicious
send $ALICE "submitting a proof" "$CONSUMER" "$(submission work/suspicious.proof.json)"
is "$(call "$CONSUMER" 'covers(address)(uint256)' $ALICE)" "500000000000000000 [5e17]" "Alice's cover"
send $ALICE "withdrawing" "$CONSUMER" 'withdraw()'

step "The same scan counts once."
prove $ALICE suspicious
refused 'NameUsed(address,bytes32)' $ALICE "$CONSUMER" "$(submission work/suspicious.proof.json)"

step "It is nothing to Bob, who has one with another finding."
zkverdict prove medical.zkv --input-commitment work/suspicious.secret.json \
    --for "$CONSUMER" --account $BOB --rpc-url "$RPC" --out work/stolen.proof.json
refused 'NotAttested(address,bytes32)' $BOB "$CONSUMER" "$(submission work/stolen.proof.json)"
attest $BOB clear
prove $BOB clear
send $BOB "submitting a proof" "$CONSUMER" "$(submission work/clear.proof.json)"
is "$(call "$CONSUMER" 'covers(address)(uint256)' $BOB)" "0" "Bob's cover"

step "All as it should be; gas.md says what it took."
