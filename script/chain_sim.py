#!/usr/bin/env python3
"""Runs the simulated chain (tests/chain_sim) with many seeds, and takes its guards away.

    script/chain_sim.py --seeds 10000        so many seeds
    script/chain_sim.py --delete-guards      deletes each guard of src/chain once and expects a test to notice

Only `src/chain` is compiled, in a crate below `target/`, which takes a minute instead of many.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATE = ROOT / "target/chain_sim_crate"

TEST = ["cargo", "test", "--quiet", "--no-default-features", "--features", "chain", "--test", "chain_sim"]

# What else of the library the chain layer uses.
BESIDE = ["program", "regular_file"]

# What is deleted: a name, the file below src/chain, the text, what takes its place.
GUARDS = [
    ("the consumer's own count", "watch/view.rs", "            Ok(count) => Ok(Some(count)),\n", "            Ok(_) => Ok(None),\n"),
    ("going back to a block that the chain still has", "watch/scan.rs", "Some(hash) if hash == place.hash => return Ok(()),", "Some(_) if place.number < u64::MAX => return Ok(()),"),
    ("entries stay until their answer is final", "watch/scan.rs", "        let last = view.last_final;\n", "        let last = view.head;\n"),
    ("three answers agree before an entry goes", "watch/scan.rs", "if self.is_open(last, id).await? || !self.is_in_its_receipt(view, id, &seen).await? {", "if last.number == u64::MAX {"),
    ("an answer's event is in its receipt", "watch/mod.rs", "            if !self.is_in_its_receipt(view, id, &seen).await? {", "            if seen.block == u64::MAX {"),
    ("a request keeps its nonce", "watch/slots.rs", "if let Some(nonce) = state.nonce_of(id) {", "if let Some(nonce) = state.nonce_of(id).filter(|_| used == u64::MAX) {"),
    ("a nonce is given up only when it is refused again and again", "watch/slots.rs", "if watched.sightings >= SIGHTINGS {", "if watched.sightings < u32::MAX {"),
    ("nonces are decided by final blocks", "watch/slots.rs", "let used_for_good = self.used(view.last_final).await?;", "let used_for_good = used;"),
    ("gaps between nonces are filled", "watch/slots.rs", "if self.journal.state.slots.contains_key(&used) || !self.is_waited_for(used) {", "if used < u64::MAX {"),
    ("stuck answers offer more", "send.rs", "let Some(fees) = options.raised(versions, gas, base) else { return Ok(None) };", "let Some(fees) = options.raised(versions, gas, base).filter(|_| gas == 0) else { return Ok(None) };"),
    ("a transaction has a ceiling", "fees.rs", "self.max_fee_per_gas.unwrap_or(u128::MAX).min(by_cost.saturating_to())", "self.max_fee_per_gas.unwrap_or(u128::MAX).max(by_cost.saturating_to())"),
    ("a suggested tip is bounded", "fees.rs", "suggested_tip.min(bound)", "suggested_tip.max(bound)"),
    ("the journal is written before a transaction goes out", "watch/journal.rs", "            write_atomically(&*self.disk, &self.path, &written)?;\n            self.state = next;", "            self.state = next;\n            if self.state.slots.is_empty() {\n                write_atomically(&*self.disk, &self.path, &written)?;\n            }"),
    ("what a failed write would have changed is not believed", "watch/journal.rs", "            write_atomically(&*self.disk, &self.path, &written)?;\n            self.state = next;", "            self.state = next;\n            let _ = write_atomically(&*self.disk, &self.path, &written);"),
    ("a file is synced before its rename", "disk.rs", "        .and_then(|()| disk.sync(&temporary))\n", ""),
    ("a folder is synced after a rename", "disk.rs", "    disk.sync_folder(directory.unwrap_or(Path::new(\".\"))).map_err(at)", "    let _ = directory;\n    Ok(())"),
    ("what failed is tried again", "watch/mod.rs", "self.not_before.insert(id, clock.now() + retry);", "self.not_before.insert(id, clock.now() + retry * 100_000);"),
    ("what failed is read again", "watch/mod.rs", "        if has_failed(self) {", "        if has_failed(self) && id.is_zero() && id != id {"),
    ("calls name their block", "connection.rs", "self.provider.call(request).hash_canonical(block).await", "self.provider.call(request).block(BlockId::latest()).await.inspect(|_| _ = block)"),
    ("logs lie in blocks of the chain", "watch/view.rs", "if view.hash(self.chain(), block).await? != Some(hash) {", "if hash.is_zero() {"),
    ("missing events are looked for", "watch/scan.rs", "if self.chain().clock().now() < self.search_again {", "if self.chain().clock().now() < std::time::Duration::MAX {"),
    ("nodes must agree", "nodes.rs", "        _ => Rule::Same,", "        _ => Rule::First,"),
    ("a receipt is about its transaction", "receipt.rs", "if receipt.transaction_hash != outgoing.transaction {", "if receipt.transaction_hash.is_zero() {"),
    ("a receipt is the sender's", "receipt.rs", "if receipt.from != self.sender() || receipt.to != to {", "if receipt.from.is_zero() && to.is_none() {"),
    ("a receipt's block is in the chain", "receipt.rs", "let Some(block) = block.filter(|block| block.header.hash == hash) else { return Ok(None) };", "let Some(block) = block else { return Ok(None) };"),
    ("a receipt pays no more than was signed", "receipt.rs", "if receipt.gas_used > gas || receipt.effective_gas_price > outgoing.max_fee_per_gas {", "if receipt.gas_used == u64::MAX && gas == 0 {"),
    ("a receipt's block holds the transaction", "receipt.rs", "if !block.transactions.hashes().any(|hash| hash == outgoing.transaction) {", "if block.transactions.hashes().any(|hash| hash.is_zero()) {"),
    ("a transaction of an earlier run is gone on with", "send.rs", "if !earlier.is_empty() && earlier.iter().all(is_the_same) {", "if !earlier.is_empty() && earlier.iter().all(is_the_same) && sender.is_zero() {"),
    ("a deployment is remembered until it is final", "deploy.rs", "if chain.is_local() || self.is_final(chain).await {", "if chain.is_local() || chain.id() > 0 {"),
    ("one count of nonces is not believed", "send.rs", "const NONCE_ANSWERS: u32 = 3;", "const NONCE_ANSWERS: u32 = 1;"),
    ("looks at a nonce are blocks apart", "send.rs", "Step::Displaced => pause = SIGHTING_PAUSE,", "Step::Displaced => pause = SIGHTING_PAUSE / 12,"),
    ("what cannot be outbid goes first", "watch/slots.rs", "state.is_needed(slot) || is_wanted(nonce)", "state.is_needed(slot) || is_wanted(nonce) && *nonce == u64::MAX"),
    ("questions are asked again", "nodes.rs", "if is_final || failures == ATTEMPTS {", "if is_final || failures < u32::MAX {"),
]


def make_crate(chain):
    """A crate of `src/chain` alone, with the project's dependencies and lock."""
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
    shutil.copytree(chain, CRATE / "src/chain")
    (CRATE / "src/lib.rs").write_text(
        "//! The chain layer alone.\n#![allow(dead_code)]\npub mod chain;\n"
        + "".join(f'#[path = "{ROOT}/src/{name}.rs"]\nmod {name};\n' for name in BESIDE))


def test(seeds, limit):
    """Whether all tests pass, and what was printed."""
    environment = {**os.environ, "SIM_SEEDS": str(seeds)}
    environment.setdefault("CARGO_TARGET_DIR", str(ROOT / "target"))
    build = subprocess.run(
        [*TEST, "--no-run"],
        cwd=CRATE, env=environment, capture_output=True, text=True, check=False)
    if build.returncode:
        sys.exit(build.stderr[-4000:])
    command = TEST
    try:
        run = subprocess.run(
            command, cwd=CRATE, env=environment, capture_output=True, text=True, check=False, timeout=limit)
    except subprocess.TimeoutExpired:
        return False, "it does not end"
    return run.returncode == 0, run.stdout + run.stderr


def reason(output):
    found = re.search(r"the first is (SIM_SEED=\d+: [^:{\[]*)|(rows::\w+) .*panicked|thread '(rows::\w+)'", output)
    return next((part for part in found.groups() if part), output[-200:]) if found else output[-200:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--delete-guards", action="store_true")
    parser.add_argument("--only", help="only guards whose name holds this")
    arguments = parser.parse_args()
    chain = ROOT / "src/chain"
    if not arguments.delete_guards:
        make_crate(chain)
        start = time.monotonic()
        passes, output = test(arguments.seeds, None)
        print(output if not passes else f"{arguments.seeds} seeds hold, {time.monotonic() - start:.0f} s")
        sys.exit(not passes)
    unnoticed = 0
    for name, file, text, instead in GUARDS:
        if arguments.only and arguments.only not in name:
            continue
        make_crate(chain)
        path = CRATE / "src/chain" / file
        source = path.read_text()
        if source.count(text) != 1:
            sys.exit(f"`{name}`: its text is {source.count(text)} times in {file}")
        path.write_text(source.replace(text, instead))
        passes, output = test(arguments.seeds, 300)
        unnoticed += passes
        print(f"{'NOT NOTICED' if passes else 'noticed'}  {name}{'' if passes else ': ' + reason(output)}", flush=True)
    sys.exit(unnoticed > 0)


if __name__ == "__main__":
    main()
