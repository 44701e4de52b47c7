#!/usr/bin/env bash
# From keys to a game that a model wins on a local chain, and what is refused.
source "$(dirname "$0")/script/local.sh"

# `State` of the contract.
PLAYER_TO_MOVE=1 HOUSE_WON=4

step "The house deploys verifier and game, and puts its stakes in."
deploy
send $OWNER "funding the house" "$CONSUMER" 'fund()' --value 1ether
send $ALICE "starting a game" "$CONSUMER" 'start()' --value 0.01ether

state() { call "$CONSUMER" 'games(uint256)(address,uint8,uint64,uint128,uint128)' 0 | sed -n 2p; }
answer() {
    ZKVERDICT_PRIVATE_KEY=$OWNER_KEY zkverdict watch game.zkv --consumer "$CONSUMER" --once --rpc-url "$RPC" --journal work/journal
}

step "Alice drops a stone into column 1. The house may not answer another board."
send $ALICE "a stone" "$CONSUMER" 'play(uint256,uint256)' 0 1
CONTEXT=$(call "$CONSUMER" 'contextOf(address,uint256)' $OWNER 0)
zkverdict prove game.zkv --input inputs/board.json --context "$CONTEXT" --out work/other.proof.json
instances=$(tr -d ' \n' <work/other.proof.json | sed 's/.*"instances":\[\([^]]*\)\].*/\1/; s/"//g')
refused 'WrongInputs(uint256)' $OWNER "$CONSUMER" 'answerInference(uint256,bytes,uint256[])' 0 "$(text proof work/other.proof.json)" "[$instances]"
refused 'WrongState(uint8)' $ALICE "$CONSUMER" 'play(uint256,uint256)' 0 2
answer
is "$(state)" $PLAYER_TO_MOVE "the state"

step "The operator answers each of her stones with a proof of the model's move."
for column in 7 2 3; do
    send $ALICE "a stone" "$CONSUMER" 'play(uint256,uint256)' 0 $column
    answer
done
is "$(state)" $HOUSE_WON "the state"
is "$(call "$CONSUMER" 'bankroll()(uint256)')" "1010000000000000000 [1.01e18]" "the house's money"

step "All as it should be; gas.md says what it took."
