//! One world, made by a seed: what goes wrong in it, and what must hold all the same.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{
    consensus::Transaction,
    json_abi::JsonAbi,
    primitives::{Address, U256},
    sol_types::SolCall,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use zkverdict::chain::{
    Answer, Chain, Clock, IRequestConsumer, Key, Request, SendOptions, WatchEvent, WatchOptions,
    Watcher,
};

use crate::{
    disk::SimDisk,
    node::{Faults, Shared, SimNode},
    time::{VirtualClock, drive},
    world::{BLOCK_SECONDS, CHAIN_ID, CONSUMER, GWEI, Question, Tx, proof},
};

pub const KEY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

/// What one transaction may cost.
pub const MAX_COST: u128 = 50_000_000 * GWEI;

/// Blocks with trouble, and honest ones after which everything must be done.
const TROUBLE: u64 = 30;
const HONEST: u64 = 300;

/// Requests with this input cannot be proved.
const UNPROVABLE: u64 = 666;

pub type Act = Box<dyn FnOnce(&mut Shared)>;

pub struct Scenario {
    pub shared: Arc<Mutex<Shared>>,
    pub clock: VirtualClock,
    pub disk: SimDisk,
    pub operator: Address,
    pub options: WatchOptions,
    pub addresses: usize,
    /// Whether nothing counts that is not proved.
    pub requires_proofs: bool,
    /// Everything that was told.
    pub told: String,
    /// What a test does before a block is made.
    pub plan: BTreeMap<u64, Act>,
    random: ChaCha8Rng,
    /// How likely what happens, for each block.
    reorgs: f64,
    foreign: f64,
    others: f64,
    kills: bool,
    questions: u64,
    asked: u64,
}

pub fn key() -> Key {
    Key::from_hex(KEY, "the test").expect("a key")
}

/// A model that doubles, and cannot do everything.
pub fn double(request: &Request, context: U256) -> Result<Answer, String> {
    if request.inputs[0] == U256::from(UNPROVABLE) {
        return Err("it cannot be proved".into());
    }
    let instances = vec![context, request.inputs[0], request.inputs[0] * U256::from(2)];
    Ok(Answer { proof: proof(&instances), instances })
}

impl Scenario {
    /// A quiet world.
    pub fn quiet() -> Self {
        Self::quiet_with(0)
    }

    /// The same, with other chances of what a power failure leaves.
    pub fn quiet_with(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        let shared = Arc::new(Mutex::new(Shared::new(seed, disk.clone())));
        let options = WatchOptions {
            interval: Duration::from_secs(BLOCK_SECONDS),
            finality_depth: 6,
            send: SendOptions { max_cost: U256::from(MAX_COST), ..Default::default() },
            ..Default::default()
        };
        Self {
            shared,
            clock: VirtualClock::default(),
            disk,
            operator: key().address(),
            options,
            addresses: 1,
            requires_proofs: false,
            told: String::new(),
            plan: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed.wrapping_mul(31) ^ 7),
            reorgs: 0.0,
            foreign: 0.0,
            others: 0.0,
            kills: false,
            questions: 0,
            asked: 0,
        }
    }

    /// A troubled world.
    pub fn new(seed: u64) -> Self {
        let mut scenario = Self::quiet_with(seed);
        let random = &mut scenario.random;
        let mut often =
            |most: f64| if random.gen_bool(0.5) { random.gen_range(0.0..most) } else { 0.0 };
        let mut faults = Faults {
            broken: often(0.1),
            limited: often(0.1),
            doubled: often(0.1),
            lag: 0,
            stale: often(0.2),
            lie: often(0.04),
        };
        scenario.reorgs = often(0.2);
        scenario.foreign = often(0.06);
        scenario.others = often(0.1);
        let random = &mut scenario.random;
        faults.lag = if random.gen_bool(0.5) { random.gen_range(0..4) } else { 0 };
        scenario.kills = random.gen_bool(0.6);
        scenario.questions = random.gen_range(2..8);
        scenario.options.confirmations = random.gen_range(1..4);
        if random.gen_bool(0.3) {
            scenario.addresses = 3;
        }
        let mut shared = scenario.shared.lock().expect("no panics");
        shared.faults = faults;
        shared.world.has_final_tag = random.gen_bool(0.7);
        shared.world.proves = random.gen_bool(0.7);
        // Without a count nothing says that a lie or a branch that is gone has left a request out.
        if random.gen_bool(0.2) {
            shared.world.counts_requests = false;
            (shared.faults.lie, shared.faults.stale) = (0.0, 0.0);
        }
        if scenario.addresses == 3 {
            shared.liar = Some(random.gen_range(0..3));
        }
        if random.gen_bool(0.5) {
            scenario.disk.set_failure(random.gen_range(0.0..0.1));
        }
        drop(shared);
        scenario
    }

    /// A troubled world without the loop: nobody else uses the key, and nothing is asked.
    pub fn deploying(seed: u64) -> Self {
        let mut scenario = Self::new(seed);
        (scenario.questions, scenario.foreign, scenario.others) = (0, 0.0, 0.0);
        scenario
    }

    fn time(&self) -> Duration {
        self.clock.now()
    }

    /// Makes the blocks up to now, and what happens between them.
    fn advance(&mut self, now: Duration) {
        let due = now.as_secs() / BLOCK_SECONDS;
        let shared = Arc::clone(&self.shared);
        let mut shared = shared.lock().expect("no panics");
        let shared = &mut *shared;
        while self.asked < due {
            self.asked += 1;
            let block = self.asked;
            let random = &mut self.random;
            let is_troubled = block < TROUBLE;
            if !is_troubled {
                shared.faults = Faults::default();
                shared.liar = None;
                shared.world.base_fee = GWEI;
                self.disk.set_failure(0.0);
            } else if self.questions > 0 {
                let world = &mut shared.world;
                let wanted = self.questions.min(block);
                if (world.state().questions.len() as u64) < wanted && random.gen_bool(0.4) {
                    let input =
                        if random.gen_bool(0.05) { UNPROVABLE } else { random.gen_range(1..99) };
                    world.ask(vec![U256::from(input)]);
                }
                if random.gen_bool(0.2) {
                    world.base_fee = GWEI * u128::from(random.gen_range(1..40_u64));
                }
                if random.gen_bool(self.foreign) {
                    let nonce = world.state().nonce(self.operator);
                    world.pool.insert(0, Tx::foreign(self.operator, nonce));
                }
                let count = world.state().questions.len();
                if count > 0 && random.gen_bool(self.others) {
                    world.other_answers(random.gen_range(0..count));
                }
            }
            if let Some(act) = self.plan.remove(&block) {
                act(shared);
            }
            shared.world.mine();
            if is_troubled && self.reorgs > 0.0 && self.random.gen_bool(self.reorgs) {
                let depth = self.random.gen_range(1..5);
                let branch = shared.world.blocks.clone();
                shared.branches.push(branch);
                let reversed = self.random.gen_bool(0.3);
                shared.world.reorg(depth, |_| true, reversed);
                for _ in 0..=depth.min(3) {
                    shared.world.mine();
                }
            }
        }
    }

    pub fn nodes(&self) -> Vec<(String, SimNode)> {
        (0..self.addresses)
            .map(|index| {
                (format!("node{index}"), SimNode { shared: Arc::clone(&self.shared), index })
            })
            .collect()
    }

    /// Lets time pass for a future of a test's own.
    pub fn drive<T>(
        &mut self,
        future: impl std::future::Future<Output = T>,
        is_over: impl Fn(&Shared) -> bool,
    ) -> Option<T> {
        let clock = self.clock.clone();
        drive(&clock, future, |now| {
            self.advance(now);
            let shared = self.shared.lock().expect("no panics");
            shared.is_dead || self.disk.is_dead() || is_over(&shared)
        })
    }

    pub async fn connect(
        nodes: Vec<(String, SimNode)>,
        clock: VirtualClock,
    ) -> Result<Chain, zkverdict::chain::ChainError> {
        Chain::over(nodes, Some(key()), Arc::new(clock)).await
    }

    fn journal(&self) -> Option<Value> {
        let path = format!("/journal/{CHAIN_ID}-{CONSUMER}.json");
        self.disk.text(Path::new(&path)).map(|text| serde_json::from_str(&text).expect("JSON"))
    }

    /// Whether nothing is left to wait for.
    fn is_done(&self) -> bool {
        let shared = self.shared.lock().expect("no panics");
        let last =
            &shared.world.blocks[usize::try_from(shared.world.final_height()).expect("small")];
        let questions = last.state.questions.clone();
        let all = questions.len() == shared.world.state().questions.len();
        drop(shared);
        let Some(journal) = self.journal().filter(|_| all) else { return false };
        let open = journal["open"].as_object().cloned().unwrap_or_default();
        // What cannot be proved is there with its reason, and nothing else is.
        let is_settled = |(id, question): (usize, &Question)| {
            let is_there = open.contains_key(&format!("{id:#x}"));
            is_there == (question.is_open && question.inputs[0] == U256::from(UNPROVABLE))
                && (!question.is_open || is_there)
        };
        journal["missing"].as_array().is_some_and(Vec::is_empty)
            && questions.iter().enumerate().all(is_settled)
    }

    /// One process, from its start to its end. True if it ended by itself.
    fn process(&mut self, end: Duration) -> bool {
        let clock = self.clock.clone();
        let nodes = self.nodes();
        let (disk, options) = (self.disk.clone(), self.options.clone());
        let requires_proofs = self.requires_proofs;
        let told = Arc::new(Mutex::new(String::new()));
        let log = Arc::clone(&told);
        let work = {
            let clock = clock.clone();
            async move {
                let chain = Self::connect(nodes, clock).await?;
                let chain = if requires_proofs { chain.with_required_proofs() } else { chain };
                let watcher = Watcher::open_on(
                    Arc::new(disk),
                    chain,
                    CONSUMER,
                    JsonAbi::new(),
                    Path::new("/journal"),
                    0,
                )?;
                let report = |event: &WatchEvent| {
                    if !matches!(event, WatchEvent::Health(_)) {
                        *log.lock().expect("no panics") += &format!("{event:?}\n");
                    }
                };
                watcher.run(double, report, &options).await
            }
        };
        let mut checked = 0;
        let outcome = drive(&clock, work, |now| {
            self.advance(now);
            let is_dead = self.disk.is_dead() || self.shared.lock().expect("no panics").is_dead;
            let block = now.as_secs() / BLOCK_SECONDS;
            let is_done = block > TROUBLE && block != checked && {
                checked = block;
                self.is_done()
            };
            is_dead || now >= end || is_done
        });
        self.told += &told.lock().expect("no panics");
        match outcome {
            None => false,
            Some(outcome) => {
                self.told += &format!("ended: {outcome:?}\n");
                true
            }
        }
    }

    /// What is left after a kill or an end, some seconds later.
    pub fn restart(&mut self) {
        let is_dead = self.disk.is_dead() || self.shared.lock().expect("no panics").is_dead;
        if is_dead && self.random.gen_bool(0.5) {
            self.disk.crash();
        }
        self.arm(None, None);
        // Whoever starts it again waits a little.
        let pause = self.clock.sleep(Duration::from_secs(20));
        let clock = self.clock.clone();
        drive(&clock, pause, |now| {
            self.advance(now);
            false
        });
    }

    /// The process dies after so many questions, or so many steps of the disk.
    fn arm(&mut self, calls: Option<u64>, steps: Option<u64>) {
        let mut shared = self.shared.lock().expect("no panics");
        (shared.is_dead, shared.dies_in) = (false, calls);
        self.disk.die_in(steps);
    }

    /// Arms a kill where there are any, as long as there is trouble.
    pub fn arm_by_chance(&mut self, most_calls: u64) {
        let may_die = self.kills && self.time() < Duration::from_secs(TROUBLE * BLOCK_SECONDS);
        let calls = self.random.gen_range(1..most_calls);
        let steps = self.random.gen_range(1..60);
        let by_disk = self.random.gen_bool(0.5);
        self.arm((may_die && !by_disk).then_some(calls), (may_die && by_disk).then_some(steps));
    }

    /// Runs the loop, killed and started again, until all is done or the time is over.
    pub fn run(&mut self) {
        let end = Duration::from_secs((TROUBLE + HONEST) * BLOCK_SECONDS);
        while self.time() < end && !self.is_done() {
            self.arm_by_chance(400);
            self.process(end);
            self.restart();
        }
    }

    /// What must hold at the end.
    pub fn check(&self) -> Result<(), String> {
        let shared = self.shared.lock().expect("no panics");
        let world = &shared.world;
        let journal = self.journal().unwrap_or_default();
        for (id, question) in world.state().questions.iter().enumerate() {
            if !question.is_open {
                continue;
            }
            if question.inputs[0] != U256::from(UNPROVABLE) {
                return Err(format!("request {id} is open: {journal}"));
            }
            let entry = &journal["open"][format!("{:#x}", id)];
            if entry["reason"].as_str().is_none_or(str::is_empty) {
                return Err(format!("request {id} is open without a reason: {journal}"));
            }
        }
        let mut paid: BTreeMap<(u64, Vec<U256>), u32> = BTreeMap::new();
        for block in &world.blocks {
            for (tx, receipt) in block.txs.iter().zip(&block.receipts) {
                let Tx::Signed { envelope, .. } = tx else { continue };
                if u128::from(receipt.gas_used) * receipt.price > MAX_COST {
                    return Err(format!(
                        "a transaction has paid more than the ceiling: {receipt:?}"
                    ));
                }
                let call = IRequestConsumer::answerInferenceCall::abi_decode(envelope.input());
                if let Ok(call) = call {
                    let what = (call.requestId.to(), call.instances[1..].to_vec());
                    *paid.entry(what).or_default() += 1;
                }
            }
        }
        if let Some(((id, _), times)) = paid.iter().find(|(_, times)| **times > 1) {
            return Err(format!("request {id} has been paid for {times} times"));
        }
        for (_, envelope) in shared.world.received.values() {
            let most = U256::from(envelope.gas_limit()) * U256::from(envelope.max_fee_per_gas());
            if most > U256::from(MAX_COST) {
                return Err(format!("a transaction may cost {most}"));
            }
        }
        self.check_secrets()
    }

    pub fn check_secrets(&self) -> Result<(), String> {
        let bytes = alloy::primitives::hex::decode(KEY).expect("hexadecimal");
        let holds = |text: &[u8]| {
            let lower = text.to_ascii_lowercase();
            lower.windows(KEY.len()).any(|window| window == KEY.as_bytes())
                || text.windows(bytes.len()).any(|window| window == bytes)
        };
        let written = self.disk.everything();
        if written.iter().any(|text| holds(text)) || holds(self.told.as_bytes()) {
            return Err("the key was written or told".into());
        }
        Ok(())
    }
}
