#!/usr/bin/env bash
# From keys to a trade on a local chain, and what is refused.
source "$(dirname "$0")/script/local.sh"

step "A test exchange; the owner deploys verifier and vault."
EXCHANGE=$(create test/TestExchange.sol:TestExchange)
deploy --sig 'run(address)' "$EXCHANGE"
send $OWNER "funding the vault" "$CONSUMER" --value 10ether

step "A price rises for 31 hours; the vault records it itself."
price=1000000000000000000
for hour in $(seq 31); do
    cast send --rpc-url "$RPC" --unlocked --from $OWNER "$EXCHANGE" 'setPrice(uint256)' $price >/dev/null
    cast rpc --rpc-url "$RPC" evm_increaseTime 3600 >/dev/null
    send $OWNER "recording a price" "$CONSUMER" 'recordPrice()'
    price=$((price / 10000 * 10102))
done

# Anybody proves the signal for the vault's own window.
prove() {
    call "$CONSUMER" 'window()(int8[])' >work/window.json
    zkverdict prove trading.zkv --input work/window.json --for "$CONSUMER" --account $BOB --rpc-url "$RPC" --out work/proof.json
}

# A price is acted on in a later block than its own.
wait_for 1
step "Another history is refused; the vault acts on its own, once."
sed 's/\[[-0-9]*/[-9/' <(call "$CONSUMER" 'window()(int8[])') >work/other.json
zkverdict prove trading.zkv --input work/other.json --for "$CONSUMER" --account $BOB --rpc-url "$RPC" --out work/other.proof.json
refused 'WrongInputs(uint256)' $BOB "$CONSUMER" "$(submission work/other.proof.json)"
prove
send $BOB "submitting a proof" "$CONSUMER" "$(submission work/proof.json)"
is "$(cast balance --rpc-url "$RPC" "$CONSUMER" --ether)" 9.000000000000000000 "the vault's ether"
prove
refused 'ActedAlready(uint256)' $BOB "$CONSUMER" "$(submission work/proof.json)"

step "A signal for a price that is old is refused."
wait_for 3600
refused 'PriceIsOld(uint256)' $BOB "$CONSUMER" "$(submission work/proof.json)"

step "All as it should be; gas.md says what it took."
