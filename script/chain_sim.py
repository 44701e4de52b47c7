#!/usr/bin/env python3
"""Runs the simulated chain (tests/chain_sim) with many seeds, and takes its guards away.

    script/chain_sim.py --seeds 10000        so many seeds
    script/chain_sim.py --delete-guards      takes each guard of src/chain away once and expects a test to notice

Only `src/chain` is compiled, in a crate below `target/`, which takes a minute instead of many. There each guard has a
switch, so that one build serves for all of them.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATE = ROOT / "target/chain_sim_crate"

BUILD = ["cargo", "test", "--no-default-features", "--features", "chain", "--test", "chain_sim"]

# What else of the library the chain layer uses.
BESIDE = ["program", "regular_file"]

# Which guard a run does without.
SWITCH = """
fn without(guard: u32) -> bool {
    static GUARD: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    let named = || std::env::var("SIM_WITHOUT").ok()?.parse().ok();
    *GUARD.get_or_init(named) == Some(guard)
}
"""

# What is taken away: a name, the file below src/chain, the text, what takes its place. `WITHOUT` is true in the run that
# does without this guard, so that one build serves all.
GUARDS = [
    ("the consumer's own count", "watch/view.rs", "            Ok(count) => Ok(Some(count)),", "            Ok(count) => Ok(Some(count).filter(|_| !WITHOUT)),"),
    ("going back to a block that the chain still has", "watch/scan.rs", "Some(hash) if hash == place.hash => return Ok(()),", "Some(hash) if hash == place.hash || WITHOUT => return Ok(()),"),
    ("a block that was made up forgets nothing", "watch/journal.rs", "while id < end && self.missing.len() < MOST_MISSING {", "while !WITHOUT && id < end && self.missing.len() < MOST_MISSING {"),
    ("entries stay until their answer is final", "watch/scan.rs", "        let last = view.last_final;", "        let last = if WITHOUT { view.head } else { view.last_final };"),
    ("three answers agree before an entry goes", "watch/scan.rs", "if self.is_open(last, id).await? || !self.is_in_its_receipt(view, id, &seen).await? {", "if !WITHOUT && (self.is_open(last, id).await? || !self.is_in_its_receipt(view, id, &seen).await?) {"),
    ("an answer's event is in its receipt", "watch/mod.rs", "            if !self.is_in_its_receipt(view, id, &seen).await? {", "            if !WITHOUT && !self.is_in_its_receipt(view, id, &seen).await? {"),
    ("a request keeps its nonce", "watch/slots.rs", "if let Some(nonce) = state.nonce_of(id) {", "if let Some(nonce) = state.nonce_of(id).filter(|_| !WITHOUT) {"),
    ("a nonce is given up only when it is refused again and again", "watch/slots.rs", "if watched.sightings >= SIGHTINGS {", "if watched.sightings >= SIGHTINGS || WITHOUT {"),
    ("nonces are decided by final blocks", "watch/slots.rs", "let used_for_good = self.used_for_good(view.last_final).await?;", "let used_for_good = if WITHOUT { used } else { self.used_for_good(view.last_final).await? };"),
    ("gaps between nonces are filled", "watch/slots.rs", "if self.journal.state.slots.contains_key(&used) || !self.is_waited_for(used) {", "if WITHOUT || self.journal.state.slots.contains_key(&used) || !self.is_waited_for(used) {"),
    ("stuck answers offer more", "send.rs", "let Some(fees) = options.raised(versions, gas, base) else", "let Some(fees) = options.raised(versions, gas, base).filter(|_| !WITHOUT) else"),
    ("a transaction has a ceiling", "fees.rs", "self.max_fee_per_gas.unwrap_or(u128::MAX).min(by_cost.saturating_to())", "if WITHOUT { u128::MAX } else { self.max_fee_per_gas.unwrap_or(u128::MAX).min(by_cost.saturating_to()) }"),
    ("a suggested tip is bounded", "fees.rs", "suggested_tip.min(bound)", "if WITHOUT { suggested_tip } else { suggested_tip.min(bound) }"),
    ("the journal is written before a transaction goes out", "watch/journal.rs", "            write_atomically(&*self.disk, &self.path, &written)?;", "            if !WITHOUT || next.slots.is_empty() {\n            write_atomically(&*self.disk, &self.path, &written)?;\n            }"),
    ("what a failed write would have changed is not believed", "watch/journal.rs", "            write_atomically(&*self.disk, &self.path, &written)?;", "            let kept = write_atomically(&*self.disk, &self.path, &written);\n            if !WITHOUT { kept?; }"),
    ("a file is synced before its rename", "disk.rs", ".and_then(|()| disk.sync(&temporary))", ".and_then(|()| if WITHOUT { Ok(()) } else { disk.sync(&temporary) })"),
    ("a folder is synced after a rename", "disk.rs", "    disk.sync_folder(directory", "    if WITHOUT { return Ok(()); }\n    disk.sync_folder(directory"),
    ("what failed is tried again", "watch/mod.rs", "self.not_before.insert(id, clock.now() + retry);", "self.not_before.insert(id, clock.now() + retry * if WITHOUT { 100_000 } else { 1 });"),
    ("what failed is read again", "watch/mod.rs", "        if has_failed(self) {", "        if !WITHOUT && has_failed(self) {"),
    ("calls name their block", "connection.rs", "self.provider.call(request).hash_canonical(block).await", "self.provider.call(request).block(if WITHOUT { BlockId::latest() } else { BlockId::hash_canonical(block) }).await"),
    ("logs lie in blocks of the chain", "watch/view.rs", "if view.hash(self.chain(), block).await? != Some(hash) {", "if !WITHOUT && view.hash(self.chain(), block).await? != Some(hash) {"),
    ("missing events are looked for", "watch/scan.rs", "if self.chain().clock().now() < self.search_again {", "if WITHOUT || self.chain().clock().now() < self.search_again {"),
    ("nodes must agree", "nodes.rs", "        _ => Rule::Same,", "        _ if WITHOUT => Rule::First,\n        _ => Rule::Same,"),
    ("a receipt is about its transaction", "receipt.rs", "if receipt.transaction_hash != outgoing.transaction {", "if !WITHOUT && receipt.transaction_hash != outgoing.transaction {"),
    ("a receipt is the sender's", "receipt.rs", "if receipt.from != self.sender() || receipt.to != to {", "if !WITHOUT && (receipt.from != self.sender() || receipt.to != to) {"),
    ("a receipt's block is in the chain", "receipt.rs", "block.filter(|block| block.header.hash == hash)", "block.filter(|block| WITHOUT || block.header.hash == hash)"),
    ("a receipt pays no more than was signed", "receipt.rs", "if receipt.gas_used > gas || receipt.effective_gas_price > outgoing.max_fee_per_gas {", "if !WITHOUT && (receipt.gas_used > gas || receipt.effective_gas_price > outgoing.max_fee_per_gas) {"),
    ("a receipt's block holds the transaction", "receipt.rs", "if !block.transactions.hashes().any(|hash| hash == outgoing.transaction) {", "if !WITHOUT && !block.transactions.hashes().any(|hash| hash == outgoing.transaction) {"),
    ("a receipt's nonce is used in its block", "receipt.rs", "if used <= outgoing.nonce {", "if !WITHOUT && used <= outgoing.nonce {"),
    ("a receipt is what its block's header proves", "receipt.rs", "is_some_and(|block| !block.holds(&receipt))", "is_some_and(|block| !WITHOUT && !block.holds(&receipt))"),
    ("a transaction of an earlier run is gone on with", "send.rs", "if !earlier.is_empty() && earlier.iter().all(is_the_same) {", "if !WITHOUT && !earlier.is_empty() && earlier.iter().all(is_the_same) {"),
    ("a deployment is remembered until it is final", "deploy.rs", "if chain.is_local() || self.is_final(chain).await {", "if WITHOUT || chain.is_local() || self.is_final(chain).await {"),
    ("one count of nonces is not believed", "send.rs", "if times == NONCE_ANSWERS {", "if times == NONCE_ANSWERS || WITHOUT {"),
    ("only blocks that stay decide a nonce", "send.rs", "let is_decided = self.is_local() ||", "let is_decided = WITHOUT || self.is_local() ||"),
    ("a failure is seen more than once", "send.rs", "if (1..FAILED_SIGHTINGS).contains(&failed_sightings) => {}", "if !WITHOUT && (1..FAILED_SIGHTINGS).contains(&failed_sightings) => {}"),
    ("what cannot be outbid goes first", "watch/slots.rs", "state.is_needed(slot) || is_wanted(nonce)", "state.is_needed(slot) || (!WITHOUT && is_wanted(nonce))"),
    ("questions are asked again", "nodes.rs", "if is_final || failures == ATTEMPTS {", "if is_final || failures == ATTEMPTS || WITHOUT {"),
    ("a header has its hash", "proofs.rs", "if block.header.inner.hash_slow() != hash {", "if !WITHOUT && block.header.inner.hash_slow() != hash {"),
    ("an account's header has its hash", "proofs.rs", "if header.hash_slow() != hash {", "if !WITHOUT && header.hash_slow() != hash {"),
    ("transactions are those of the header", "proofs.rs", "if ordered_trie_root_encoded(&encoded) != header.transactions_root {", "if !WITHOUT && ordered_trie_root_encoded(&encoded) != header.transactions_root {"),
    ("receipts are those of the header", "proofs.rs", "|| calculate_receipt_root(&receipts) != header.receipts_root", "|| (!WITHOUT && calculate_receipt_root(&receipts) != header.receipts_root)"),
    ("an account's proof leads to the state's root", "proofs.rs", "            Err(_) => Err(contradiction(", "            Err(_) if WITHOUT => Ok(Proof::Given(account)),\n            Err(_) => Err(contradiction("),
    ("who has proved must go on proving", "proofs.rs", "known.proved.contains(&kind) && !is_excused;", "!WITHOUT && known.proved.contains(&kind) && !is_excused;"),
    ("code is what its account's proof says", "connection.rs", "if account.is_some_and(|account| account.code_hash", "if !WITHOUT && account.is_some_and(|account| account.code_hash"),
    ("an answer's event is proved", "watch/view.rs", "if let Some(block) = chain.proved_block(seen.hash).await? {", "if let Some(block) = chain.proved_block(seen.hash).await?.filter(|_| !WITHOUT) {"),
    ("a request's event is proved", "watch/mod.rs", "if !self.is_in_its_block(view, &request).await? {", "if !WITHOUT && !self.is_in_its_block(view, &request).await? {"),
    ("most nodes are enough", "nodes.rs", "if is_all || !is_enough(rule, asked.len(), &answers) {", "if is_all || WITHOUT || !is_enough(rule, asked.len(), &answers) {"),
    ("the next node is asked where one is slow", "proofs.rs", "if !asked.is_empty() && !is_late {", "if !asked.is_empty() && (WITHOUT || !is_late) {"),
    ("what fails in blocks is given up", "watch/mod.rs", "is_none_or(|&times| times < MOST_FAILED)", "is_none_or(|&times| WITHOUT || times < MOST_FAILED)"),
    ("what the account has used for good is proved", "watch/view.rs", "match self.chain().proved_account(self.chain().sender(), at.hash).await? {", "match self.chain().proved_account(self.chain().sender(), at.hash).await?.filter(|_| !WITHOUT) {"),
]


def make_crate(without_guards):
    """A crate of `src/chain` alone, with the project's dependencies and lock; with a switch at each guard, if wished."""
    (CRATE / "src").mkdir(parents=True, exist_ok=True)
    manifest = (ROOT / "Cargo.toml").read_text()
    manifest = re.sub(r"\[workspace\].*?(?=\n\[)", "", manifest, flags=re.S)
    manifest = re.sub(r"\[\[(bench|bin|example|test)\]\].*?(?=\n\[|\n#)", "", manifest, flags=re.S)
    manifest = manifest.replace('default-run = "zkverdict"\n', "")
    manifest = manifest.replace('path = "prover"', f'path = "{ROOT}/prover"')
    manifest = re.sub(r"(\[profile\.dev\]\nopt-level = )3", r"\g<1>1", manifest)
    manifest += f'\n[workspace]\n\n[[test]]\nname = "chain_sim"\npath = "{ROOT}/tests/chain_sim/main.rs"\n'
    (CRATE / "Cargo.toml").write_text(manifest)
    shutil.copy(ROOT / "Cargo.lock", CRATE)
    shutil.rmtree(CRATE / "src/chain", ignore_errors=True)
    shutil.copytree(ROOT / "src/chain", CRATE / "src/chain")
    (CRATE / "src/lib.rs").write_text(
        "//! The chain layer alone.\n#![allow(dead_code)]\npub mod chain;\n"
        + "".join(f'#[path = "{ROOT}/src/{name}.rs"]\nmod {name};\n' for name in BESIDE)
        + SWITCH)
    for number, (name, file, text, instead) in enumerate(GUARDS if without_guards else []):
        path = CRATE / "src/chain" / file
        source = path.read_text()
        if source.count(text) != 1:
            sys.exit(f"`{name}`: its text is {source.count(text)} times in {file}")
        path.write_text(source.replace(text, instead.replace("WITHOUT", f"crate::without({number})")))


def build():
    """The simulator's test binary."""
    environment = dict(os.environ)
    environment.setdefault("CARGO_TARGET_DIR", str(ROOT / "target"))
    run = subprocess.run(
        [*BUILD, "--no-run", "--message-format", "json"],
        cwd=CRATE, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit(run.returncode)
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    return next(message["executable"] for message in messages if message.get("target", {}).get("name") == "chain_sim")


def test(binary, *arguments, limit=None, **settings):
    """Whether the tests pass, and what was printed."""
    environment = {**os.environ, **{name: str(value) for name, value in settings.items()}}
    try:
        run = subprocess.run(
            [binary, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return False, "it does not end"
    return run.returncode == 0, run.stdout + run.stderr


def reason(output):
    found = re.search(r"the first is (SIM_SEED=\d+: [^:{\[]*)|test ((?:rows|alone|lies)::\w+) \.\.\. FAILED", output)
    return next((part for part in found.groups() if part), output[-200:]) if found else output[-200:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--of", default="whatever_goes_wrong", help="only tests whose name holds this")
    parser.add_argument("--delete-guards", action="store_true")
    parser.add_argument("--only", help="only guards whose name holds this")
    arguments = parser.parse_args()
    make_crate(arguments.delete_guards)
    binary = build()
    if not arguments.delete_guards:
        start = time.monotonic()
        passes, output = test(binary, arguments.of, SIM_SEEDS=arguments.seeds, SIM_FIRST=arguments.first)
        print(output if not passes else f"{arguments.seeds} seeds hold, {time.monotonic() - start:.0f} s")
        sys.exit(not passes)
    # All tests but those of seeds: one misfortune at a time.
    single = ["--skip", "whatever_goes_wrong"]
    passes, output = test(binary, *single)
    if not passes:
        sys.exit(f"with all guards:\n{output}")
    unnoticed = 0
    for number, (name, *_) in enumerate(GUARDS):
        if arguments.only and arguments.only not in name:
            continue
        # One misfortune at a time first: that takes no time.
        passes, output = test(binary, *single, limit=60, SIM_WITHOUT=number)
        if passes:
            passes, output = test(
                binary, "whatever_goes_wrong", limit=300, SIM_WITHOUT=number, SIM_SEEDS=arguments.seeds)
        unnoticed += passes
        print(f"{'NOT NOTICED' if passes else 'noticed'}  {name}{'' if passes else ': ' + reason(output)}", flush=True)
    sys.exit(unnoticed > 0)


if __name__ == "__main__":
    main()
