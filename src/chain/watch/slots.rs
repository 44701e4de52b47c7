//! The account's nonces, and the transactions that were signed with them.
//!
//! A request keeps its nonce until a final block decides what the nonce went to. Until then the same transaction
//! goes out again, or one that offers more under the same nonce, and no other.

use std::time::Duration;

use alloy::{
    network::TransactionBuilder,
    primitives::{B256, Bytes, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
};

use super::{
    MAX_IN_FLIGHT, Run, WatchEvent,
    journal::{Slot, Version},
    view::View,
};
use crate::chain::{ChainError, Outgoing, hand_over::Handed};

/// Gas of a transaction that does nothing.
const PLAIN_GAS: u64 = 21_000;

/// After how long a transaction that no block takes offers more, and a gap before it is filled.
const STUCK: Duration = Duration::from_secs(60);

/// After how long a transaction is handed to the node again, where no blocks come.
const AGAIN: Duration = Duration::from_secs(15);

/// In how many rounds a nonce must be seen used by others before it is given up.
const SIGHTINGS: u32 = 5;

/// What is known of a nonce in this run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    /// When its newest version was first sent, or first seen waiting.
    since: Option<Duration>,
    /// When it was last handed to the node, and after which block.
    handed: Option<(Duration, B256)>,
    /// In how many final blocks running it was seen used, and not by us.
    sightings: u32,
    /// Whether a request wants it, and cannot outbid what was signed with it.
    is_wanted: bool,
    /// The block that holds one of its versions.
    mined: Option<(u64, B256)>,
}

impl Run<'_> {
    /// Looks after every nonce that is not decided.
    pub(super) async fn look_after(&mut self, view: &mut View) -> Result<(), ChainError> {
        if self.journal.state.slots.is_empty() {
            return Ok(());
        }
        let used = self.used_now(view).await?;
        let used_for_good = self.used_for_good(view.last_final).await?;
        let nonces: Vec<u64> = self.journal.state.slots.keys().copied().collect();
        let mut trouble = Ok(());
        for nonce in nonces {
            let slot = self.journal.state.slots[&nonce].clone();
            let looked = if nonce < used_for_good {
                self.decide(view, nonce, &slot).await
            } else if nonce < used {
                self.await_finality(view, nonce, &slot).await
            } else {
                self.watched.entry(nonce).or_default().mined = None;
                self.push(view, nonce, &slot, nonce == used).await
            };
            // What is wrong with one is told when all have been looked after.
            trouble = trouble.and(looked);
        }
        trouble.and(self.fill_gap(view, used).await)
    }

    /// Transactions of the account after the newest block, asked once for each.
    async fn used_now(&mut self, view: &View) -> Result<u64, ChainError> {
        if let Some((hash, used)) = self.used
            && hash == view.head.hash
        {
            return Ok(used);
        }
        let used = self.used(view.head).await?;
        self.used = Some((view.head.hash, used));
        Ok(used)
    }

    /// A final block has this nonce: finds out whether it went to one of our versions.
    async fn decide(&mut self, view: &mut View, nonce: u64, slot: &Slot) -> Result<(), ChainError> {
        for Version { outgoing, request: id, .. } in &slot.versions {
            let Some(receipt) = self.chain().receipt(outgoing).await? else { continue };
            if receipt.block_number.is_none_or(|number| number > view.last_final.number) {
                return Ok(());
            }
            if let (false, Some(id)) = (receipt.status(), *id)
                && !self.is_open(view.last_final, id).await?
                && self.journal.state.open.get(&id).is_some_and(|entry| entry.answered.is_none())
            {
                // It cannot have failed and have answered. Later answers of the node tell.
                return self.read_again(view, id).await;
            }
            self.journal.change(|state| state.slots.remove(&nonce))?;
            self.watched.remove(&nonce);
            let waits = |id: &U256| {
                self.journal.state.open.get(id).is_some_and(|entry| entry.answered.is_none())
            };
            if let (false, Some(id)) = (receipt.status(), id.filter(waits)) {
                *self.paid_in_vain.entry(id).or_default() += 1;
                self.skip(id, format!("transaction {} failed", outgoing.transaction))?;
            }
            return Ok(());
        }
        // None of ours has a receipt. One answer proves nothing, as receipts may lag behind, and an early
        // conclusion pays twice: the node must also refuse our bytes.
        let newest = slot.newest();
        let handed = self.chain().hand_over(&newest.outgoing).await?;
        let refused = matches!(handed, Handed::NonceUsed);
        let watched = self.watched.entry(nonce).or_default();
        watched.sightings = if refused { watched.sightings + 1 } else { 0 };
        if watched.sightings >= SIGHTINGS {
            self.watched.remove(&nonce);
            self.journal.change(|state| state.slots.remove(&nonce))?;
            self.report(WatchEvent::Displaced { nonce, id: newest.request });
        }
        Ok(())
    }

    /// A block that may go again has this nonce.
    async fn await_finality(
        &mut self,
        view: &mut View,
        nonce: u64,
        slot: &Slot,
    ) -> Result<(), ChainError> {
        let watched = self.watched.entry(nonce).or_default();
        watched.sightings = 0;
        if let Some((number, hash)) = watched.mined {
            if view.hash(self.watcher.chain(), number).await? == Some(hash) {
                return Ok(());
            }
            self.watched.entry(nonce).or_default().mined = None;
        }
        for version in &slot.versions {
            let Some(receipt) = self.chain().receipt(&version.outgoing).await? else { continue };
            self.watched.entry(nonce).or_default().mined =
                receipt.block_number.zip(receipt.block_hash);
            return Ok(());
        }
        Ok(())
    }

    /// No block has this nonce: sends its transaction again, or one that offers more.
    async fn push(
        &mut self,
        view: &View,
        nonce: u64,
        slot: &Slot,
        is_next: bool,
    ) -> Result<(), ChainError> {
        let state = &self.journal.state;
        let newest = slot.newest();
        // Where somebody else has answered, something still has to go there when later nonces wait for it: the
        // cheapest is nothing.
        if !state.is_needed(slot) {
            if !self.is_waited_for(nonce) {
                return Ok(());
            }
            if newest.request.is_some() {
                return self.fill(view, nonce).await;
            }
        }
        let now = self.chain().clock().now();
        let base = view.base_fee.unwrap_or_default();
        let watched = self.watched.entry(nonce).or_default();
        let since = *watched.since.get_or_insert(now);
        let is_due = watched.handed.is_none_or(|(when, after)| {
            after != view.head.hash || now.saturating_sub(when) >= AGAIN
        });
        if !is_due {
            return Ok(());
        }
        // Those after the next wait for that one, whatever they offer.
        let is_stuck = is_next && now.saturating_sub(since) >= STUCK;
        if base > newest.outgoing.max_fee_per_gas || is_stuck {
            let send = self.options.send.clone();
            let raised = self.chain().sign_raised(&slot.transactions(), base, &send).await?;
            if let Some(outgoing) = raised {
                return self.send_version(view, Version { outgoing, ..newest.clone() }).await;
            }
            self.note(
                newest.request,
                "the chain asks for more than one transaction may cost: see `--max-cost` and `--max-fee`",
            )?;
        }
        self.hand_over(view, &newest.outgoing).await
    }

    /// Whether a request waits until this nonce is used, or a later one.
    fn is_waited_for(&self, nonce: u64) -> bool {
        let state = &self.journal.state;
        let is_wanted = |nonce| self.watched.get(nonce).is_some_and(|watched| watched.is_wanted);
        let mut slots = state.slots.range(nonce..);
        slots.any(|(nonce, slot)| state.is_needed(slot) || is_wanted(nonce))
    }

    /// Lets what was signed with a nonce go into a block though nobody needs it: it is in the way, and cannot be
    /// outbid within the limits.
    pub(super) fn use_up(&mut self, nonce: u64) {
        self.watched.entry(nonce).or_default().is_wanted = true;
    }

    /// Fills nonces that nobody has used and that later ones wait for.
    async fn fill_gap(&mut self, view: &View, used: u64) -> Result<(), ChainError> {
        if self.journal.state.slots.contains_key(&used) || !self.is_waited_for(used) {
            self.gap_since = None;
            return Ok(());
        }
        let now = self.chain().clock().now();
        if now.saturating_sub(*self.gap_since.get_or_insert(now)) >= STUCK {
            self.fill(view, used).await?;
        }
        Ok(())
    }

    /// Sends a transaction that does nothing.
    async fn fill(&mut self, view: &View, nonce: u64) -> Result<(), ChainError> {
        let send = self.options.send.clone();
        let slot = self.journal.state.slots.get(&nonce);
        let versions = slot.map_or(Vec::new(), Slot::transactions);
        let base = view.base_fee.unwrap_or_default();
        let fees = if versions.is_empty() {
            self.fees(view, PLAIN_GAS).await?
        } else {
            match send.raised(&versions, PLAIN_GAS, base) {
                Some(fees) => fees,
                None => return Ok(()),
            }
        };
        let sender = self.chain().sender();
        let request = TransactionRequest::default()
            .with_from(sender)
            .with_chain_id(self.chain().id())
            .with_to(sender)
            .with_input(Bytes::new())
            .with_gas_limit(PLAIN_GAS)
            .with_nonce(nonce);
        let outgoing = self.chain().sign(request, fees).await?;
        self.send_version(view, Version { outgoing, request: None, question: B256::ZERO }).await
    }

    /// Writes a transaction down, and sends it.
    pub(super) async fn send_version(
        &mut self,
        view: &View,
        version: Version,
    ) -> Result<(), ChainError> {
        let Version { outgoing, request, .. } = version.clone();
        let Outgoing { transaction, nonce, .. } = outgoing;
        let raised = self.journal.change(|state| {
            let versions = &mut state.slots.entry(nonce).or_default().versions;
            versions.push(version);
            let raised = versions.len() > 1;
            if let Some(entry) = request.and_then(|id| state.open.get_mut(&id)) {
                entry.reason = format!("transaction {transaction} waits for its block");
            }
            raised
        })?;
        let now = self.chain().clock().now();
        self.watched.entry(nonce).or_default().since = Some(now);
        if let Some(on_send) = &self.options.send.on_send {
            on_send(&outgoing)?;
        }
        self.report(WatchEvent::Sent { id: request, transaction, nonce, raised });
        self.hand_over(view, &outgoing).await
    }

    async fn hand_over(&mut self, view: &View, outgoing: &Outgoing) -> Result<(), ChainError> {
        let handed = self.chain().hand_over(outgoing).await;
        let refusal = match handed {
            Ok(_) => None,
            // Whatever it has against these bytes, asking every moment does not change it.
            Err(ChainError::Rpc { message, .. }) => Some(message),
            Err(error) => return Err(error),
        };
        let now = self.chain().clock().now();
        self.watched.entry(outgoing.nonce).or_default().handed = Some((now, view.head.hash));
        let Some(message) = refusal else { return Ok(()) };
        let slot = self.journal.state.slots.get(&outgoing.nonce);
        let id = slot.and_then(|slot| slot.newest().request);
        self.note(id, &format!("the node does not take its transaction: {message}"))
    }

    /// The nonce for a request's transaction, and the transactions that were signed with it before. `None` while
    /// the request, or too many others, wait for what they have.
    pub(super) async fn nonce_for(
        &mut self,
        view: &View,
        id: U256,
    ) -> Result<Option<(u64, Vec<Outgoing>)>, ChainError> {
        let used = self.used_now(view).await?;
        let state = &self.journal.state;
        let is_free = |(&nonce, slot): (&u64, &Slot)| {
            (!state.is_needed(slot)).then(|| (nonce, slot.transactions()))
        };
        if let Some(nonce) = state.nonce_of(id) {
            return Ok(state
                .slots
                .get_key_value(&nonce)
                .filter(|_| nonce >= used)
                .and_then(is_free));
        }
        let waiting = state.slots.range(used..).filter(|(_, slot)| state.is_needed(slot));
        if waiting.count() >= MAX_IN_FLIGHT {
            return Ok(None);
        }
        if let Some(free) = state.slots.range(used..).find_map(is_free) {
            return Ok(Some(free));
        }
        let chain = self.chain();
        let pending =
            chain.provider().get_transaction_count(chain.sender()).pending().await.map_err(
                |error| ChainError::rpc("eth_getTransactionCount", chain.endpoint(), error),
            )?;
        // Transactions that others send with this key, if there are not absurdly many.
        let others = pending.min(used.saturating_add(MAX_IN_FLIGHT as u64));
        let after_ours =
            state.slots.last_key_value().map_or(0, |(&nonce, _)| nonce.saturating_add(1));
        Ok(Some((used.max(others).max(after_ours), Vec::new())))
    }
}
