#!/usr/bin/env bash
# From keys to a screened proposal that is executed on a local chain, one that is not, and what is refused.
source "$(dirname "$0")/script/local.sh"

step "The members deploy verifier and treasury, and name the council."
deploy --sig 'run(address)' $OWNER
send $OWNER "funding the treasury" "$CONSUMER" --value 100ether

step "Alice proposes to pay a bill, Bob to pay himself everything."
SHOP=0x00000000000000000000000000000000000000Aa
REASONS="The invoice for the servers from July to September, as agreed in the spring: three machines, their traffic, and the backups, at the prices of the contract. The members have it in the archive."
send $ALICE "proposing" "$CONSUMER" 'propose(address,uint256,bytes,string)' $SHOP 2.5ether 0x "$REASONS"
send $BOB "proposing" "$CONSUMER" 'propose(address,uint256,bytes,string)' $BOB 100ether 0x "Trust me."
refused 'NotPassed(uint256)' $ALICE "$CONSUMER" 'execute(uint256)' 0

# ID: anybody proves the verdict on what the contract says of a proposal.
screen() {
    call "$CONSUMER" 'featuresOf(uint256)(int8[])' "$1" >"work/$1.json"
    zkverdict prove dao.zkv --input "work/$1.json" --for "$CONSUMER" --account $BOB --rpc-url "$RPC" --out work/proof.json
    send $BOB "submitting a proof" "$CONSUMER" "$(submission work/proof.json)"
    echo "  features $(cat "work/$1.json")"
}

step "Anybody proves the model's verdicts."
screen 0
screen 1
is "$(call "$CONSUMER" 'mayPass(uint256)(bool)' 0)" true "the bill may pass"
is "$(call "$CONSUMER" 'mayPass(uint256)(bool)' 1)" false "everything may go to Bob"

step "The bill is paid when it has waited; Bob is not, as the council does not approve."
refused 'TooEarly(uint256)' $ALICE "$CONSUMER" 'execute(uint256)' 0
wait_for 172800
send $ALICE "executing" "$CONSUMER" 'execute(uint256)' 0
is "$(cast balance --rpc-url "$RPC" $SHOP --ether)" 2.500000000000000000 "ether of the shop"
refused 'NotPassed(uint256)' $BOB "$CONSUMER" 'execute(uint256)' 1

step "All as it should be; gas.md says what it took."
