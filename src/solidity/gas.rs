//! What a verification will cost, before there is a key.
//!
//! Precompiles and calldata are counted, straight-line code is priced operation by operation from the Yul that
//! the contract will have, and loops are counted by their turns. The few constants that belong to loops and to
//! the frame around them are fitted to measurements; a test keeps the result within one per cent.

use askama::Template;
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem},
};

use zkverdict_prover::packed::{Instances, Layout, Link, Widths};

use super::{
    SolidityError,
    contract::{Tier, VerifierContract},
    fixed_columns,
    protocol::Protocol,
    source::Source,
    yul_cost::Cost,
};

/// The predicted cost of `verifyProof` under Osaka's prices, those of the newest fork that is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasEstimate {
    /// What the sender pays: [`Self::intrinsic`] and [`Self::execution`], or [`Self::floor`] if that is more.
    pub total: u64,
    /// The transaction and its calldata, if all instances are field elements of full size.
    pub intrinsic: u64,
    /// The least that such calldata costs (EIP-7623). Cancun has no floor.
    pub floor: u64,
    /// Running the contract. From Osaka on an inversion costs 2,699 more.
    pub execution: u64,
    /// Number of instances.
    pub instances: usize,
    /// Bytes of a proof.
    pub proof_bytes: usize,
    /// Bytes of the contract, roughly.
    pub runtime_bytes: usize,
    /// Bytes of a second contract with the key's points; 0 if there is none.
    pub key_data_bytes: usize,
}

/// A transaction without calldata.
const TRANSACTION: u64 = 21_000;
/// Tokens of calldata, as EIP-7623 counts: a byte that is 0 is one, another is four. Execution pays 4 gas for
/// each, the floor is 10.
const ZERO_BYTE: u64 = 1;
const OTHER_BYTE: u64 = 4;
const TOKEN: u64 = 4;
const FLOOR_TOKEN: u64 = 10;
/// One byte in so many is 0 where bytes are random.
const RANDOM_BYTES: u64 = 256;
const WORD_BYTES: usize = 32;
/// Bytes around proof and instances that are not 0: 4 of the selector, 1 + 2 of the offsets, 2 + 1 of the lengths.
const FRAME_BYTES: u64 = 10;

impl GasEstimate {
    /// The same if exactly so many bytes of the instances are 0.
    #[must_use]
    pub fn with_zero_bytes(self, bytes: usize) -> Self {
        let instance_bytes = WORD_BYTES * self.instances;
        let random = instance_bytes as u64 / RANDOM_BYTES;
        let bytes = bytes.min(instance_bytes) as u64;
        let tokens = (self.intrinsic - TRANSACTION) / TOKEN;
        let cheaper = OTHER_BYTE - ZERO_BYTE;
        self.with_tokens(tokens + cheaper * random - cheaper * bytes)
    }

    /// The same of a proof with these instances.
    #[must_use]
    pub fn with_instances(self, instances: &[[u8; WORD_BYTES]]) -> Self {
        let bytes = instances.as_flattened().iter();
        self.with_zero_bytes(bytes.filter(|&&byte| byte == 0).count())
    }

    fn with_tokens(self, tokens: u64) -> Self {
        let intrinsic = TRANSACTION + TOKEN * tokens;
        let floor = TRANSACTION + FLOOR_TOKEN * tokens;
        let total = floor.max(intrinsic + self.execution);
        Self { total, intrinsic, floor, ..self }
    }
}

/// ecMul and ecAdd, each with a warm call.
const TERM: u64 = 6_000 + 150 + 2 * 100;
const PAIRING: u64 = 45_000 + 2 * 34_000 + 100;
const INVERSION: u64 = 4_048 + 100;

/// Predicts the cost of verifying a circuit with these constraints, compiled with the default settings.
///
/// Selectors have to be fixed columns already, as they are in a verifying key. Fixed columns are taken to be all
/// different: [`estimate_circuit_gas`] looks at them.
pub fn estimate_gas(
    cs: &ConstraintSystem<Fr>,
    k: u32,
    instance_counts: &[usize],
) -> Result<GasEstimate, SolidityError> {
    let protocol = Protocol::without_key(cs, k, instance_counts)?;
    Ok(VerifierContract::of("", [0; 32], protocol).estimate_gas())
}

/// Predicts the same for a circuit that can be synthesized, whose witness is not needed.
///
/// Fixed columns that are 0 everywhere or equal to another one save a term each. Columns may hold what commitments do.
pub fn estimate_circuit_gas<C: Circuit<Fr>>(
    circuit: &C,
    k: u32,
    instance_counts: &[usize],
    links: &[Link],
) -> Result<GasEstimate, SolidityError> {
    let (cs, classes) = fixed_columns::classes(circuit).map_err(SolidityError::Synthesis)?;
    let protocol = Protocol::with_columns(&cs, &classes, k, instance_counts)?;
    Ok(VerifierContract::of("", [0; 32], protocol.with_links(links)).estimate_gas())
}

/// Predicts the cost of verifying packed proofs of such a circuit, whose columns share commitments as `widths` says.
pub fn estimate_packed_gas(
    cs: &ConstraintSystem<Fr>,
    k: u32,
    instances: &Instances,
    widths: &Widths,
) -> Result<GasEstimate, SolidityError> {
    let protocol = Protocol::packed_without_key(cs, k, instances, widths)?;
    Ok(VerifierContract::of("", [0; 32], protocol).estimate_gas())
}

/// How columns share commitments, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packing {
    /// Of the packs.
    pub widths: Widths,
    /// Powers of the secret that proofs take.
    pub powers: usize,
    /// Of a verification.
    pub estimate: GasEstimate,
}

/// The width of packs, the same for all, at which packed proofs of such a circuit are cheapest: wider packs spare gas, and
/// `gas_per_power` is what a power of the secret more is worth, as proofs multiply all of them twice. No pack takes more than
/// `most_powers` of them. Of several the narrowest.
///
/// A width for each phase would spare nothing: the string is as long as the widest pack, so that packs which are narrower
/// than it shorten no opening, and packs of one width share their denominators zᵗ − p.
pub fn cheapest_packing(
    cs: &ConstraintSystem<Fr>,
    k: u32,
    instances: &Instances,
    most_powers: usize,
    gas_per_power: f64,
) -> Result<Packing, SolidityError> {
    let mut cheapest: Option<(f64, Packing)> = None;
    let mut packs = usize::MAX;
    for width in 1..=(most_powers >> k).clamp(1, Widths::LARGEST) {
        let widths = Widths::all(cs, width);
        let layout = Layout::new(cs, k, instances, &widths)?;
        // Wider packs are no fewer, mostly; there is one for each phase and one of the key at the end.
        if packs <= widths.phases.len() + 1 {
            break;
        }
        if layout.packs().count() >= packs {
            continue;
        }
        packs = layout.packs().count();
        let estimate = estimate_packed_gas(cs, k, instances, &widths)?;
        let powers = layout.powers(Layout::pieces(cs));
        let cost = estimate.total as f64 + gas_per_power * powers as f64;
        if cheapest.as_ref().is_none_or(|(least, _)| cost < *least) {
            cheapest = Some((cost, Packing { widths, powers, estimate }));
        }
    }
    Ok(cheapest.expect("one width was tried").1)
}

impl VerifierContract {
    /// Predicts the cost of `verifyProof`, compiled with the default settings.
    pub fn estimate_gas(&self) -> GasEstimate {
        let protocol = &self.protocol;
        let source = Source::new(self);
        let points = protocol.points.len() as u64;
        let evaluations = protocol.num_evaluations as u64;
        let instances = protocol.num_instances() as u64;
        let key_terms = self.layout.key_points.len() as u64;
        let proof_terms =
            source.first_ranges.iter().map(|(from, to)| (to.0 - from.0) as u64 / 0x60);
        // What shows links is on both sides of the pairing.
        let on_the_left = (!protocol.linked.is_empty()).then_some(1);
        let terms = proof_terms.chain([key_terms]).chain(on_the_left);
        let msm: u64 = terms.map(terms_gas).sum();

        let packs = source.packed.iter().flat_map(|packed| &packed.packs);
        let links = source.names.len();
        let named = protocol.packed.as_ref().and_then(|packed| packed.named);
        let names = links + usize::from(named.is_some());
        let functions = source.constraint_groups.len()
            + packs.map(|pack| pack.terms.len()).sum::<usize>()
            + usize::from(links > 0);

        let mut code = Cost::default();
        let mut text = 0;
        let rendered = source.render().expect("this template is filled with texts and numbers");
        for statement in straight_line(&rendered) {
            code += Cost::of(statement);
            text += statement.len();
        }
        let inverses = (self.layout.inverses_end_mptr.0 - self.layout.inverses_mptr.0) / 0x20;
        let lagrange = u64::from(protocol.uses_lagrange_bases());
        let blinding = lagrange * protocol.blinding_factors as u64;
        let draws = source.linked.as_ref().map_or(0, |linked| linked.draws.len() as u64);
        let rounds = protocol.rounds.iter().map(|round| round.challenges.len() as u64);
        let rounds = rounds.sum::<u64>() + draws;
        let hashed: u64 = 2 * (points - 1) + evaluations + instances + rounds + 4;
        let summed: u64 = protocol
            .instance_queries
            .iter()
            .map(|&(column, _)| protocol.instance_counts[column] as u64)
            .sum();
        let sums = || protocol.packed.iter().flat_map(|packed| &packed.sums);
        let added: usize = sums().map(|sum| protocol.instance_counts[sum.column] - sum.first).sum();
        let mut end_mptr = code.last_mptr.max(self.layout.terms_end_mptr.0);
        let (key_points, key_bytes) = match self.tier {
            Tier::Inline => (KEY_TERM * key_terms, KEY_BYTES * key_terms as usize),
            Tier::Data => {
                let length = 0x40 * key_terms;
                end_mptr = end_mptr.max(self.layout.terms_end_mptr.0 + length as usize);
                // EXTCODEHASH of a contract not met before, EXTCODECOPY of one that was.
                let copy = 2_600 + 100 + 3 * length.div_ceil(0x20);
                (copy + KEY_DATA_FRAME + KEY_DATA_TURN * key_terms, KEY_DATA_BYTES)
            }
        };
        let words = end_mptr.div_ceil(0x20) as u64;
        let memory = 3 * words + words * words / 512;

        let execution = PAIRING
            + INVERSION
            + msm
            + POINT_TURN * points
            + SCALAR_TURN * (evaluations + instances)
            + ROUND * rounds
            + 6 * hashed
            + SQUARING * u64::from(protocol.k)
            + INSTANCE_QUERY * protocol.instance_queries.len() as u64
            + INSTANCE_TURN * summed
            + INSTANCE_SUM * sums().count() as u64
            + INSTANCE_SUM_TURN * added as u64
            + LINK_NAME * names as u64
            + LAGRANGE * lagrange
            + BLINDING_TURN * blinding
            + INVERSE_TURN * inverses as u64
            + key_points
            + FUNCTION * functions as u64
            + code.gas
            + memory
            + FRAME;

        let length = source.calldata_length.0 as u64;
        let random = WORD_BYTES as u64 * (2 * points + evaluations + instances);
        let zero = random / RANDOM_BYTES + (length - random - FRAME_BYTES);
        let tokens = ZERO_BYTE * zero + OTHER_BYTE * (length - zero);
        // The optimizer leaves about as much of all text, whatever its operations.
        let runtime_bytes = RUNTIME
            + TEXT_BYTES * text / 1_000
            + key_bytes
            + FUNCTION_BYTES * functions
            + INVERSE_BYTES * inverses
            + LINK_NAME_BYTES * names;
        let estimate = GasEstimate {
            total: 0,
            intrinsic: 0,
            floor: 0,
            execution,
            instances: protocol.num_instances(),
            proof_bytes: protocol.proof_length(),
            runtime_bytes,
            key_data_bytes: self.key_data().len(),
        };
        estimate.with_tokens(tokens)
    }
}

/// What a rendered contract runs once per proof and differs from circuit to circuit: the lines of Yul that make the
/// constraints and the openings, without loops, refusals and comments.
fn straight_line(source: &str) -> impl Iterator<Item = &str> {
    const PHASES: [&str; 4] = ["gates", "permutation", "lookups", "openings"];
    const FUNCTIONS: [&str; 4] =
        ["function add_constraints_", "function open(", "function open_links(", "function packed_"];
    let mut in_phase = false;
    // How far the line is indented that ends a function that counts, and one that ends a loop or a refusal.
    let (mut in_function, mut skipped_to): (Option<usize>, Option<usize>) = (None, None);
    source.lines().filter_map(move |line| {
        let text = line.trim_start();
        let indentation = line.len() - text.len();
        if let Some(phase) = text.strip_prefix("// @phase ") {
            in_phase = PHASES.contains(&phase);
            return None;
        }
        if text.starts_with("function ") {
            let counts = FUNCTIONS.iter().any(|function| text.starts_with(function));
            in_function = counts.then_some(indentation);
            return None;
        }
        in_function = in_function.filter(|&end| indentation != end || !text.starts_with('}'));
        if let Some(end) = skipped_to {
            skipped_to = skipped_to.filter(|_| indentation != end || !text.starts_with('}'));
            return None;
        }
        if text.starts_with("for ") || text.starts_with("if ") {
            skipped_to = (!text.ends_with('}')).then_some(indentation);
            return None;
        }
        let statement = text.split("//").next()?.trim_end();
        let says_something = statement.contains(|c: char| c.is_ascii_alphanumeric());
        (says_something && (in_phase || in_function.is_some())).then_some(statement)
    })
}

/// A call of `_addTerms`, which takes four terms at a time.
fn terms_gas(terms: u64) -> u64 {
    TERMS_CALL + TERM * terms + FOUR_TERMS_TURN * (terms / 4) + TERM_TURN * (terms % 4)
}

// Fitted to the default settings: gas of one turn of a loop, or of what comes once.
const TERMS_CALL: u64 = 60;
const FOUR_TERMS_TURN: u64 = 396;
const TERM_TURN: u64 = 141;
const POINT_TURN: u64 = 169;
const SCALAR_TURN: u64 = 38;
const ROUND: u64 = 100;
const SQUARING: u64 = 22;
const INSTANCE_QUERY: u64 = 290;
const INSTANCE_TURN: u64 = 128;
const INSTANCE_SUM: u64 = 90;
const INSTANCE_SUM_TURN: u64 = 41;
/// Hashing a commitment, and comparing the hash with an instance.
const LINK_NAME: u64 = 180;
const LAGRANGE: u64 = 350;
const BLINDING_TURN: u64 = 100;
const INVERSE_TURN: u64 = 130;
const KEY_TERM: u64 = 18;
const FUNCTION: u64 = 60;
const FRAME: u64 = 3_200;
const RUNTIME: usize = 2_830;
/// Of a thousand characters.
const TEXT_BYTES: usize = 243;
const FUNCTION_BYTES: usize = 37;
const INVERSE_BYTES: usize = 90;
const LINK_NAME_BYTES: usize = 110;
const KEY_BYTES: usize = 75;
const KEY_DATA_TURN: u64 = 90;
const KEY_DATA_FRAME: u64 = 100;
const KEY_DATA_BYTES: usize = 150;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_refusals_and_other_phases_are_not_straight() {
        let source = "\
            // @phase transcript
            mstore(0x00, 1)
            function add_constraints_1(before, y, r) -> h {
                if iszero(r) { leave }
                h := before // as it was
            }
            mstore(0x20, 2)
            function squeeze(length) -> challenge {
                challenge := 2
            }
            // @phase openings
            {
                for { let i := 0 } lt(i, 3) { i := add(i, 1) } {
                    mstore(i, 3)
                }
                if iszero(
                    eq(1, 2)
                ) {
                    revert(0, 0)
                }
                // Why.
                let x := 4
            }
        ";
        assert_eq!(straight_line(source).collect::<Vec<_>>(), ["h := before", "let x := 4"]);
    }
}
