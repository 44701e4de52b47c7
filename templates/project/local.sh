# Sourced by run.sh: programs, a local chain with its accounts, and what the steps have in common.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# {% if project.tools.has_shim() %}Foundry's programs that were there when this project was made, past npm's launchers, which hide exit codes and outlive a
# kill; else {% endif %}what is on the PATH. ZKVERDICT names another program.
{%- if project.tools.has_shim() %}
for folder in {{ project.tools.foundry() }}/*/bin; do PATH=$folder:$PATH; done
{%- endif %}
ZKVERDICT=${ZKVERDICT:-$(command -v zkverdict || echo {{ project.tools.program() }})}
for program in "$ZKVERDICT" anvil cast forge; do
    command -v "$program" >/dev/null || { echo "run.sh needs $program: see getfoundry.sh" >&2; exit 2; }
done

# What anvil gives everybody, with keys that everybody knows.
OWNER=0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
ALICE=0x70997970C51812dc3A010C7d01b50e0d17dc79C8
BOB=0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC
ISSUER=0x90F79bf6EB2c4f870365E785982E1f101E93b906
OWNER_KEY=0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
ISSUER_KEY=0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6

fail() {
    echo "not as it should be: $*" >&2
    exit 1
}

step() { echo "• $*"; }

zkverdict() { "$ZKVERDICT" --quiet "$@" >work/zkverdict.log || fail "zkverdict $1"; }

# A string in a JSON document, and a list of numbers.
text() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1; }
numbers() { tr -d ' \n' <"$2" | sed -n "s/.*\"$1\":\[\([-0-9,]*\)\].*/\1/p"; }

# Deploys verifier and consumer with the project's own script.
deploy() {
    # One transaction after the other: sent at once, anvil may lose one.
    forge script script/DeployConsumer.s.sol --rpc-url "$RPC" --broadcast --slow --timeout 60 --non-interactive \
        --private-key $OWNER_KEY "$@" >work/deploy.log 2>&1 || { cat work/deploy.log >&2; fail "the deployment"; }
    CONSUMER=$(sed -n 's/^ *consumer: address //p' work/deploy.log | head -n 1)
    [ -n "$CONSUMER" ] || fail "the deployment says no address"
}

# CONTRACT …: creates it, and says where.
create() {
    forge create "$1" --rpc-url "$RPC" --broadcast --unlocked --from $OWNER --json "${@:2}" >work/create.json || fail "$1"
    text deployedTo work/create.json
}

# BUNDLE: a registry, and in it the architecture's verifier with the weights of the model.
hidden() {
    REGISTRY=$(create lib/zkverdict/ModelRegistry.sol:ModelRegistry --constructor-args $OWNER)
    zkverdict commit "$1.zkv" --weights "$1.onnx" --out work/first.weights.json
    zkverdict deploy "$1.zkv" --rpc-url "$RPC" --deployments work/deployments
    zkverdict registry add "$1.zkv" --model "$1" --weights-commitment work/first.weights.json \
        --registry "$REGISTRY" --rpc-url "$RPC"
    WEIGHTS=$(text name work/first.weights.json)
    export REGISTRY WEIGHTS
}

# BUNDLE: the weights of the retrained model become the newest version, of the verifier that is there.
retrained() {
    zkverdict commit "$1.zkv" --weights retrained.onnx --out work/second.weights.json
    zkverdict registry add "$1.zkv" --model "$1" --weights "$(text name work/second.weights.json)" \
        --registry "$REGISTRY" --rpc-url "$RPC"
}

call() { cast call --rpc-url "$RPC" "$@"; }

# ACCOUNT WHAT TO …: sends a transaction, and writes down what the first of its kind took.
send() {
    local from=$1 what=$2
    shift 2
    cast send --rpc-url "$RPC" --unlocked --from "$from" --json "$@" >work/receipt.json || fail "$what"
    [ "$(text status work/receipt.json)" = 0x1 ] || fail "$what"
    grep -qF "| $what |" gas.md || echo "| $what | $(($(text gasUsed work/receipt.json))) |" >>gas.md
}

# ERROR ACCOUNT TO …: a transaction that has to be refused, with this error.
refused() {
    local error=$1 from=$2
    shift 2
    call --from "$from" "$@" >work/refused.log 2>&1 || true
    grep -q "revert.*$(cast sig "$error")" work/refused.log || { cat work/refused.log >&2; fail "$error was expected"; }
    echo "  refused: ${error%%(*}"
}

# FOUND EXPECTED WHAT
is() {
    [ "$1" = "$2" ] || fail "$3 is $1, expected $2"
    echo "  $3: $1"
}

# A proof file as the calldata of `submitInference`: its arguments are those of `verifyProof`.
submission() {
    local data
    data=$(text calldata "$1")
    echo "$(cast sig 'submitInference(bytes,uint256[])')${data:10}"
}

# Lets time pass.
wait_for() {
    cast rpc --rpc-url "$RPC" evm_increaseTime "$1" >/dev/null
    cast rpc --rpc-url "$RPC" evm_mine >/dev/null
}

# The time of the last block.
now() { cast block --rpc-url "$RPC" latest --field timestamp; }

rm -rf work
mkdir work
# It holds private inputs.
chmod 700 work
printf '# Gas\n\nWhat `run.sh` measured, on a local chain.\n\n| transaction | gas |\n|---|---|\n' >gas.md
anvil --port 0 >work/anvil.log 2>&1 &
CHAIN=$!
trap 'kill $CHAIN' EXIT
RPC=
while [ -z "$RPC" ]; do
    kill -0 $CHAIN 2>/dev/null || { trap - EXIT; cat work/anvil.log >&2; fail "the local chain"; }
    sleep 0.05
    RPC=$(sed -n 's/^Listening on /http:\/\//p' work/anvil.log)
done
