#!/usr/bin/env bash
# From keys to a trade on the signal of a hidden strategy, a retraining without a new contract, and what is refused.
source "$(dirname "$0")/script/local.sh"
export ZKVERDICT_PRIVATE_KEY=$OWNER_KEY

step "A test exchange, a registry; the owner commits to the strategy's weights, and names them."
EXCHANGE=$(create test/TestExchange.sol:TestExchange)
hidden trading

step "The owner deploys a vault, which follows the strategy that is named last."
deploy --sig 'run(address)' "$EXCHANGE"
send $OWNER "funding the vault" "$CONSUMER" --value 10ether

# PRICE: an hour passes at it; the vault records the average itself.
record() {
    cast send --rpc-url "$RPC" --unlocked --from $OWNER "$EXCHANGE" 'setPrice(uint256)' "$1" >/dev/null
    wait_for 3600
    send $OWNER "recording a price" "$CONSUMER" 'recordPrice()'
}

step "A price rises for 31 hours."
price=1000000000000000000
for _ in $(seq 31); do
    record $price
    price=$((price / 10000 * 10102))
done

# WEIGHTS ACCOUNT: the signal for the vault's own window, by whoever knows the weights.
prove() {
    call "$CONSUMER" 'window()(int8[])' >work/window.json
    zkverdict prove trading.zkv --weights-commitment "work/$1.weights.json" --input work/window.json \
        --for "$CONSUMER" --account "$2" --rpc-url "$RPC" --out work/proof.json
}

# A price is acted on in a later block than its own.
wait_for 1
step "Somebody else's strategy is refused, and so is another history; the vault acts on the named one, once."
zkverdict commit trading.zkv --weights retrained.onnx --out work/somebody.weights.json
prove somebody $BOB
refused 'WrongWeights(bytes32,bytes32)' $BOB "$CONSUMER" "$(submission work/proof.json)"
sed 's/\[[-0-9]*/[-9/' <(call "$CONSUMER" 'window()(int8[])') >work/other.json
zkverdict prove trading.zkv --weights-commitment work/first.weights.json --input work/other.json \
    --for "$CONSUMER" --account $OWNER --rpc-url "$RPC" --out work/other.proof.json
refused 'WrongInputs(uint256)' $OWNER "$CONSUMER" "$(submission work/other.proof.json)"
prove first $OWNER
send $OWNER "submitting a proof" "$CONSUMER" "$(submission work/proof.json)"
is "$(cast balance --rpc-url "$RPC" "$CONSUMER" --ether)" 9.000000000000000000 "the vault's ether"
prove first $OWNER
refused 'ActedAlready(uint256)' $OWNER "$CONSUMER" "$(submission work/proof.json)"

step "A signal for a price that is old is refused."
wait_for 3600
refused 'PriceIsOld(uint256)' $OWNER "$CONSUMER" "$(submission work/proof.json)"

step "The strategy is trained anew: another name, the same contracts."
retrained trading
# The hour of the first is not all at this price.
record $price
record $price
wait_for 1
prove first $OWNER
refused 'WrongWeights(bytes32,bytes32)' $OWNER "$CONSUMER" "$(submission work/proof.json)"
prove second $OWNER
send $OWNER "submitting a proof with new weights" "$CONSUMER" "$(submission work/proof.json)"
is "$(cast balance --rpc-url "$RPC" "$CONSUMER" --ether)" 8.100000000000000000 "the vault's ether"

step "It was a mistake, and is stopped: the former counts again."
record $price
wait_for 1
prove second $OWNER
zkverdict registry stop trading 2 --registry "$REGISTRY" --rpc-url "$RPC"
refused 'WrongWeights(bytes32,bytes32)' $OWNER "$CONSUMER" "$(submission work/proof.json)"
prove first $OWNER
send $OWNER "submitting a proof" "$CONSUMER" "$(submission work/proof.json)"

step "All as it should be; gas.md says what it took."
