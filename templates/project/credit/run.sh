#!/usr/bin/env bash
# From keys to a loan on a local chain under a model that the lender keeps, a retraining without a new contract, and what is refused.
source "$(dirname "$0")/script/local.sh"
export ZKVERDICT_PRIVATE_KEY=$OWNER_KEY

# What the contract asks for. The proof is about it, and tells nothing else of the score.
THRESHOLD=0.7

step "The lender commits to the model's weights, and names them in a registry."
hidden credit

step "The lender deploys a pool, which follows the weights that are named last, and says whose word counts of data."
deploy --sig 'run(address)' $ISSUER
send $OWNER "funding the pool" "$CONSUMER" 'fund()' --value 10ether

# ACCOUNT NAME: the bank commits to what it knows of a customer, who gets the file, and signs the commitment's name.
attest() {
    zkverdict commit credit.zkv --input "inputs/$2.json" --schema inputs/schema.json --out "work/$2.secret.json"
    # For an hour of the chain's time.
    ZKVERDICT_PRIVATE_KEY=$ISSUER_KEY "$ZKVERDICT" --json attest "work/$2.secret.json" --bundle credit.zkv --schema inputs/schema.json \
        --subject "$1" --expires $(($(now) + 3600)) --chain-id 31337 --contract "$CONSUMER" >"work/$2.attestation.json"
}

# ACCOUNT NAME WEIGHTS: the lender proves for the customer's next turn, with the file that the customer gave for it.
prove() {
    zkverdict prove credit.zkv --weights-commitment "work/$3.weights.json" --input-commitment "work/$2.secret.json" \
        --threshold=$THRESHOLD --for "$CONSUMER" --account "$1" --rpc-url "$RPC" --out "work/$2.proof.json"
}

step "The bank attests Alice's data to her; the lender proves that they score $THRESHOLD."
attest $ALICE sound
prove $ALICE sound first
refused 'NotAttested(address,bytes32)' $ALICE "$CONSUMER" "$(submission work/sound.proof.json)"
send $ALICE "showing an attestation" "$CONSUMER" "$(text calldata work/sound.attestation.json)"
send $ALICE "submitting a proof" "$CONSUMER" "$(submission work/sound.proof.json)"

step "Somebody with a model of their own, which likes everybody, proves nothing here."
zkverdict commit credit.zkv --weights retrained.onnx --out work/somebody.weights.json
prove $ALICE sound somebody
refused 'WrongWeights(bytes32,bytes32)' $ALICE "$CONSUMER" "$(submission work/sound.proof.json)"

step "She borrows."
before=$(cast balance --rpc-url "$RPC" "$CONSUMER" --ether)
send $ALICE "borrowing" "$CONSUMER" 'borrow()'
is "$before → $(cast balance --rpc-url "$RPC" "$CONSUMER" --ether)" "10.000000000000000000 → 9.000000000000000000" "ether in the pool"

step "Bob shows Alice's attestation."
refused 'OtherSubject(address,address)' $BOB "$CONSUMER" "$(text calldata work/sound.attestation.json)"

step "What Bob's own data score is not enough."
attest $BOB strained
prove $BOB strained first
send $BOB "showing an attestation" "$CONSUMER" "$(text calldata work/strained.attestation.json)"
refused 'ScoreTooLow(int256)' $BOB "$CONSUMER" "$(submission work/strained.proof.json)"

step "The model is trained anew: another name, the same contracts, the same attestation. The former's approvals end."
send $ALICE "paying back" "$CONSUMER" 'repay()' --value 1.05ether
retrained credit
refused 'NotApproved(address)' $ALICE "$CONSUMER" 'borrow()'
prove $ALICE sound first
refused 'WrongWeights(bytes32,bytes32)' $ALICE "$CONSUMER" "$(submission work/sound.proof.json)"
prove $ALICE sound second
send $ALICE "submitting a proof with new weights" "$CONSUMER" "$(submission work/sound.proof.json)"
send $ALICE "borrowing" "$CONSUMER" 'borrow()'

step "Alice pays back, and wants another loan when her attestation has expired."
send $ALICE "paying back" "$CONSUMER" 'repay()' --value 1.05ether
wait_for 3600
refused 'NotApproved(address)' $ALICE "$CONSUMER" 'borrow()'

step "All as it should be; gas.md says what it took."
