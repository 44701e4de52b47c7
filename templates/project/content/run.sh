#!/usr/bin/env bash
# From keys to content with a proof of where it comes from, on a local chain, and what is refused.
source "$(dirname "$0")/script/local.sh"

# Elements as bytes.
bytes() { printf '0x'; printf '%02x' ${1//,/ }; }

step "Somebody deploys verifier and register; Alice claims a prompt without showing it first."
deploy
PROMPT=$(bytes "$(tr -d '[] \n' <inputs/prompt.json)")
SALT=$(cast keccak "a secret of Alice's")
COMMITMENT=$(call "$CONSUMER" 'commitmentOf(address,bytes,bytes32)(bytes32)' $ALICE "$PROMPT" "$SALT")
send $ALICE "committing to a prompt" "$CONSUMER" 'commit(bytes32)' "$COMMITMENT"
send $ALICE "claiming a prompt" "$CONSUMER" 'claim(bytes,bytes32)' "$PROMPT" "$SALT"
TOKEN=$(cast to-dec "$(cast keccak "$PROMPT")")

step "Anybody proves what the model makes of it."
CONTEXT=$(call "$CONSUMER" 'contextOf(uint256)' "$TOKEN")
zkverdict prove content.zkv --input inputs/prompt.json --context "$CONTEXT" --out work/proof.json
IMAGE=$(bytes "$(numbers quantized work/proof.json)")
PROOF=$(text proof work/proof.json)

step "What the model did not make is refused, and so is what nobody has claimed."
add=('addAigcData(uint256,bytes,bytes,bytes)')
last=${IMAGE: -1}
FORGED=${IMAGE%?}$([ "$last" = 0 ] && echo 1 || echo 0)
refused 'NotVerified()' $BOB "$CONSUMER" "${add[@]}" "$TOKEN" "$PROMPT" "$FORGED" "$PROOF"
refused 'NoSuchToken(uint256)' $BOB "$CONSUMER" "${add[@]}" 1 "$PROMPT" "$IMAGE" "$PROOF"
send $BOB "adding content" "$CONSUMER" "${add[@]}" "$TOKEN" "$PROMPT" "$IMAGE" "$PROOF"
refused 'HasContent(uint256)' $BOB "$CONSUMER" "${add[@]}" "$TOKEN" "$PROMPT" "$IMAGE" "$PROOF"

step "Whoever meets the image later asks where it comes from."
provenance() { call "$CONSUMER" 'provenanceOf(uint256,bytes)(bool,address)' "$TOKEN" "$1" | tr '\n' ' '; }
is "$(provenance "$IMAGE")" "true $ALICE " "the model's, of whose prompt"
is "$(provenance "$FORGED")" "false $ALICE " "a pixel changed"

step "All as it should be; gas.md says what it took."
