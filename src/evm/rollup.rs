//! What a transaction's data costs on rollups, by their formulas.
//!
//! A rollup charges for execution, and for publishing the transaction's bytes on L1 after compression.
//! OP-stack chains (since Fjord) estimate the compressed size from the length that FastLZ would give;
//! Arbitrum compresses with Brotli at a low level, which takes 2–3 % off a proof: here it counts
//! uncompressed.

use serde::Serialize;

/// Bytes that a call's transaction puts on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RollupBytes {
    /// The signed transaction.
    pub transaction_bytes: usize,
    /// Its length after FastLZ.
    pub fastlz_bytes: usize,
    /// What OP-stack chains charge for.
    pub op_stack_l1_bytes: usize,
    /// What Arbitrum charges for, before compression.
    pub arbitrum_l1_bytes: usize,
}

/// Prices at which costs are computed. Fees change by the minute, so the caller gives them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prices {
    /// Gas price on L1 in gwei.
    pub gas_price_gwei: f64,
    /// Gas price on a rollup in gwei.
    pub l2_gas_price_gwei: f64,
    /// Base fee of L1 in gwei, as a rollup sees it.
    pub l1_base_fee_gwei: f64,
    /// Base fee of L1's blobs in gwei.
    pub blob_base_fee_gwei: f64,
    /// The OP-stack chain's scalar of the base fee, in millionths.
    pub op_base_fee_scalar: u32,
    /// The OP-stack chain's scalar of the blob base fee, in millionths.
    pub op_blob_base_fee_scalar: u32,
    /// What one ETH costs, and in which currency.
    pub eth: Option<(f64, String)>,
}

impl Default for Prices {
    /// Round figures, and OP Mainnet's scalars.
    fn default() -> Self {
        Self {
            gas_price_gwei: 1.0,
            l2_gas_price_gwei: 0.01,
            l1_base_fee_gwei: 1.0,
            blob_base_fee_gwei: 0.001,
            op_base_fee_scalar: 5_227,
            op_blob_base_fee_scalar: 1_014_213,
            eth: None,
        }
    }
}

/// What one transaction costs on one kind of chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// `ethereum`, `op-stack` or `arbitrum`.
    pub chain: &'static str,
    /// For gas, in ETH.
    pub execution_eth: f64,
    /// For data on L1, in ETH.
    pub data_eth: f64,
    /// Both, in ETH.
    pub total_eth: f64,
    /// Both, in the currency of [`Prices::eth`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// That currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

const ETH_PER_GWEI: f64 = 1e-9;

impl RollupBytes {
    /// The bytes of a transaction that sends this calldata to a contract.
    pub fn of_call(calldata: &[u8]) -> Self {
        let transaction = signed_transaction(calldata);
        let fastlz_bytes = fastlz_length(&transaction);
        Self {
            transaction_bytes: transaction.len(),
            fastlz_bytes,
            op_stack_l1_bytes: usize::try_from(op_stack_size(fastlz_bytes) / 1_000_000)
                .unwrap_or(usize::MAX),
            arbitrum_l1_bytes: transaction.len(),
        }
    }

    /// What a transaction with these bytes and this gas costs.
    pub fn costs(&self, gas: u64, prices: &Prices) -> Vec<Cost> {
        // Fees are shown to a few digits; f64 has fifteen.
        let gas = gas as f64;
        let op_data = op_stack_size(self.fastlz_bytes) as f64
            * (16.0 * f64::from(prices.op_base_fee_scalar) * prices.l1_base_fee_gwei
                + f64::from(prices.op_blob_base_fee_scalar) * prices.blob_base_fee_gwei)
            / 1e12;
        // Arbitrum prices L1 data per unit of calldata gas, 16 per byte.
        let arbitrum_data = 16.0 * self.arbitrum_l1_bytes as f64 * prices.l1_base_fee_gwei;
        [
            ("ethereum", gas * prices.gas_price_gwei, 0.0),
            ("op-stack", gas * prices.l2_gas_price_gwei, op_data),
            ("arbitrum", gas * prices.l2_gas_price_gwei, arbitrum_data),
        ]
        .map(|(chain, execution, data)| {
            let total_eth = (execution + data) * ETH_PER_GWEI;
            Cost {
                chain,
                execution_eth: execution * ETH_PER_GWEI,
                data_eth: data * ETH_PER_GWEI,
                total_eth,
                total: prices.eth.as_ref().map(|(rate, _)| rate * total_eth),
                currency: prices.eth.as_ref().map(|(_, currency)| currency.clone()),
            }
        })
        .into()
    }
}

/// Fjord's estimate of the compressed size in millionths of a byte:
/// `max(100, 0.8365·fastlz − 42.5856)`.
fn op_stack_size(fastlz_bytes: usize) -> u64 {
    let fastlz = u64::try_from(fastlz_bytes).unwrap_or(u64::MAX);
    fastlz.saturating_mul(836_500).saturating_sub(42_585_600).max(100_000_000)
}

/// An EIP-1559 transaction with this calldata and typical values elsewhere.
fn signed_transaction(calldata: &[u8]) -> Vec<u8> {
    // A signature is incompressible; these are the digits of nothing in particular.
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random_word = || {
        let mut word = [0; 32];
        for chunk in word.chunks_mut(8) {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            chunk.copy_from_slice(&(noise ^ (noise >> 29)).to_be_bytes());
        }
        word
    };
    let to = random_word();
    let (r, s) = (random_word(), random_word());
    let mut fields = Vec::with_capacity(calldata.len() + 160);
    let strings: [&[u8]; 8] = [
        &[10],                     // chain id
        &[0x01, 0x2c],             // nonce
        &[0x0f, 0x42, 0x40],       // priority fee
        &[0x3b, 0x9a, 0xca, 0x00], // most fee
        &[0x07, 0xa1, 0x20],       // gas limit
        &to[..20],                 // recipient
        &[],                       // value
        calldata,
    ];
    for string in strings {
        rlp_string(&mut fields, string);
    }
    fields.push(0xc0); // access list
    for string in [&[1][..], &r, &s] {
        rlp_string(&mut fields, string);
    }
    let mut transaction = vec![0x02];
    rlp_header(&mut transaction, 0xc0, fields.len());
    transaction.extend_from_slice(&fields);
    transaction
}

fn rlp_string(out: &mut Vec<u8>, string: &[u8]) {
    if !matches!(string, [0..=0x7f]) {
        rlp_header(out, 0x80, string.len());
    }
    out.extend_from_slice(string);
}

fn rlp_header(out: &mut Vec<u8>, base: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..=55) => out.push(base + short),
        _ => {
            let bytes = length.to_be_bytes();
            let digits = bytes.len() - length.leading_zeros() as usize / 8;
            // A length has at most 8 digits.
            out.push(base + 55 + digits as u8);
            out.extend_from_slice(&bytes[bytes.len() - digits..]);
        }
    }
}

/// Matches reach this far back.
const WINDOW: usize = 0x1fff;
/// The last bytes are always literals.
const TAIL: usize = 13;
/// Longest match that one instruction expresses.
const LONGEST: usize = 262;
/// Longest run of literals that one instruction expresses.
const RUN: usize = 32;

/// Length of `data` compressed by FastLZ level 1 with a hash table of 8,192 entries, as OP-stack nodes
/// and their gas price oracle compute it.
fn fastlz_length(data: &[u8]) -> usize {
    let last = data.len().saturating_sub(TAIL);
    let trigram = |at: usize| {
        let byte = |at: usize| u32::from(data.get(at).copied().unwrap_or_default());
        byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16
    };
    let slot = |trigram: u32| (trigram.wrapping_mul(2_654_435_769) >> 19) as usize & WINDOW;

    let mut seen = vec![0; WINDOW + 1];
    let mut length = 0;
    // Where the pending literals begin.
    let mut anchor = 0;
    let mut at = 2;
    while at < last {
        let here = trigram(at);
        let before = std::mem::replace(&mut seen[slot(here)], at);
        if at - before > WINDOW || trigram(before) != here {
            at += 1;
            continue;
        }
        length += literals_length(at - anchor);
        let matched = matched_length(data, before + 3, at + 3, last + 9);
        length += match_length(matched);
        at += matched;
        for _ in 0..2 {
            seen[slot(trigram(at))] = at;
            at += 1;
        }
        anchor = at;
    }
    length + literals_length(data.len() - anchor)
}

/// Length of the common run of what starts at the two places, plus one if it ends in a difference.
fn matched_length(data: &[u8], before: usize, at: usize, end: usize) -> usize {
    let longest = end.saturating_sub(at);
    (0..longest).position(|i| data.get(before + i) != data.get(at + i)).map_or(longest, |i| i + 1)
}

const fn literals_length(count: usize) -> usize {
    let rest = count % RUN;
    (RUN + 1) * (count / RUN) + if rest == 0 { 0 } else { rest + 1 }
}

const fn match_length(matched: usize) -> usize {
    let rest = matched.saturating_sub(1);
    3 * (rest / LONGEST) + if rest % LONGEST >= 6 { 3 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    /// Values of op-geth's own tests.
    #[test]
    fn fastlz_lengths_are_those_of_op_geth() {
        assert_eq!(fastlz_length(&[]), 0);
        assert_eq!(fastlz_length(&[1; 1000]), 21);
        assert_eq!(fastlz_length(&[0; 1000]), 21);
        assert_eq!(
            fastlz_length(&bytes("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")),
            31
        );
        let contract_call = "02f901550a758302df1483be21b88304743f94f80e51afb613d764fa61751affd3313c190a86bb\
            870151bd62fd12adb8e41ef24f3f000000000000000000000000000000000000000000000000000000000000006e\
            000000000000000000000000af88d065e77c8cc2239327c5edb3a432268e5831\
            000000000000000000000000000000000000000000000000000000000003c1e5\
            0000000000000000000000000000000000000000000000000000000000000000\
            00000000000000000000000000000000000000000000000000000000000000a0\
            0000000000000000000000000000000000000000000000000000000000000014\
            8c89ed219d02f1a5be012c689b4f5b731827bebe000000000000000000000000\
            c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a3675a7f5f493ebd5ad77c497f8\
            a07cdf65680e238392693019b4092f610222e71b7cec06449cb922b93b6a12744e";
        let contract_call = bytes(contract_call);
        assert_eq!(contract_call.len(), 345);
        assert_eq!(fastlz_length(&contract_call), 202);
    }

    #[test]
    fn incompressible_bytes_grow_by_a_thirty_second() {
        let noise: Vec<u8> = (0..32_u8)
            .flat_map(|i| {
                sha3::Digest::finalize(<sha3::Keccak256 as sha3::Digest>::new_with_prefix([i]))
            })
            .collect();
        assert_eq!(noise.len(), 1024);
        assert_eq!(fastlz_length(&noise), 1024 + 32);
        assert_eq!(op_stack_size(1024 + 32) / 1_000_000, 840);
    }

    #[test]
    fn small_transactions_pay_for_a_hundred_bytes() {
        let bytes = RollupBytes::of_call(&[]);
        assert_eq!(bytes.op_stack_l1_bytes, 100);
        assert!((110..130).contains(&bytes.transaction_bytes), "{bytes:?}");
    }

    #[test]
    fn rlp_lengths_have_their_headers() {
        let header = |length| {
            let mut out = Vec::new();
            rlp_header(&mut out, 0x80, length);
            out
        };
        assert_eq!(header(55), [0xb7]);
        assert_eq!(header(56), [0xb8, 56]);
        assert_eq!(header(1728), [0xb9, 0x06, 0xc0]);
    }

    #[test]
    fn costs_follow_the_formulas() {
        let bytes = RollupBytes {
            transaction_bytes: 1900,
            fastlz_bytes: 2000,
            op_stack_l1_bytes: 1630,
            arbitrum_l1_bytes: 1900,
        };
        let prices = Prices {
            gas_price_gwei: 2.0,
            l2_gas_price_gwei: 0.1,
            l1_base_fee_gwei: 10.0,
            blob_base_fee_gwei: 1.0,
            op_base_fee_scalar: 5_000,
            op_blob_base_fee_scalar: 1_000_000,
            eth: Some((2000.0, "EUR".to_owned())),
        };
        let [ethereum, op_stack, arbitrum] = bytes.costs(350_000, &prices).try_into().unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs();
        assert!(near(ethereum.total_eth, 0.0007), "{ethereum:?}");
        assert!(ethereum.total.is_some_and(|total| near(total, 1.4)));
        // 1630.4144 bytes · (16 · 0.005 · 10 gwei + 1 · 1 gwei)
        assert!(near(op_stack.data_eth, 1630.4144 * 1.8e-9), "{op_stack:?}");
        assert!(near(op_stack.execution_eth, 0.000_035));
        assert!(near(arbitrum.data_eth, 1900.0 * 16.0 * 10e-9));
    }
}
