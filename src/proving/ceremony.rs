//! Public ceremonies: whose strings are known by their [τ]₂, and where their files are.
//!
//! A pinned [τ]₂ says whose string a file holds: the pairings of [`super::Srs::read`] show that all its other points
//! belong to it. The values are those that verifiers of different authors have in their code:
//!
//! | ceremony | found in |
//! |---|---|
//! | Hermez' selection of the perpetual powers of tau | `X2x1` to `X2y2` of Polygon zkEVM's `FflonkVerifier.sol` (0xPolygonHermez/zkevm-contracts), negated in the halo2 key of summa-dev/summa-solvency |
//! | the perpetual powers of tau's `challenge_0085` | negated in the `Halo2Verifier.sol` of openvm-org/openvm-solidity-sdk and of scroll-tech/zkvm-prover |
//! | Aztec's Ignition | `vk.g2_x` of Aztec's verification keys and of zkSync's, `BETA_H` of alxiong/ark-srs |

use super::word_of;
use halo2_proofs::halo2curves::bn256::G2Affine;

/// The least power of a `.ptau` file that has so many powers in G1: one of power k has one less than 2·2^k.
pub fn least_ptau_power(powers: usize) -> u32 {
    (powers + 1).next_power_of_two().trailing_zeros() - 1
}

/// A ceremony, by its string's [τ]₂: x₁, x₀, y₁, y₀, as precompiles take them.
struct Ceremony {
    name: &'static str,
    tau_g2: [&'static str; 4],
}

const PUBLIC: [Ceremony; 3] = [
    Ceremony {
        name: "the perpetual powers of tau, in Hermez' selection (powersOfTau28_hez_final, hermez-raw)",
        tau_g2: [
            "26186a2d65ee4d2f9c9a5b91f86597d35f192cd120caf7e935d8443d1938e23d",
            "30441fd1b5d3370482c42152a8899027716989a6996c2535bc9f7fee8aaef79e",
            "1970ea81dd6992adfbc571effb03503adbbb6a857f578403c6c40e22d65b3c02",
            "054793348f12c0cf5622c340573cb277586319de359ab9389778f689786b1e48",
        ],
    },
    Ceremony {
        name: "the perpetual powers of tau, challenge 85 (kzg_bn254)",
        tau_g2: [
            "172aa93c41f16e1e04d62ac976a5d945f4be0acab990c6dc19ac4a7cf68bf77b",
            "2ae0c8c3a090f7200ff398ee9845bbae8f8c1445ae7b632212775f60a0e21600",
            "1754a9fc3b7e4da9197c283c7401773208190c5555caf254e644e99c29366704",
            "1459fe6cc8a1222fd4290864ff9e47d4b8cf7a403593c7107c39538ddefd857e",
        ],
    },
    Ceremony {
        name: "Aztec's Ignition",
        tau_g2: [
            "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1",
            "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0",
            "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4",
            "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55",
        ],
    },
];

/// Where strings of public ceremonies are.
pub const CEREMONIES: &str = "The perpetual powers of tau are powersOfTau28_hez_final_K.ptau for circuits of \
    2^K rows, at https://storage.googleapis.com/zkevm/ptau/ (K of two digits, from 08): 83,096 bytes and 1,152 a row. \
    https://github.com/iden3/snarkjs#7-prepare-phase-2 has their BLAKE2b hashes";

/// The ceremony that a string with this [τ]₂ comes from, where it is a known one.
pub(super) fn of(tau_g2: G2Affine) -> Option<&'static str> {
    let digits = |word| word_of(&word).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let words = [tau_g2.x.c1, tau_g2.x.c0, tau_g2.y.c1, tau_g2.y.c0].map(digits);
    Some(PUBLIC.iter().find(|ceremony| ceremony.tau_g2.map(str::to_owned) == words)?.name)
}

/// The smallest of Hermez' files.
const SMALLEST_FILE: u32 = 8;

/// BLAKE2b-512 of `powersOfTau28_hez_final_K.ptau` from the smallest K on, as snarkjs publishes them.
const FILE_HASHES: [&str; 13] = [
    "d6a8fb3a04feb600096c3b791f936a578c4e664d262e4aa24beed1b7a9a96aa5eb72864d628db247e9293384b74b36ffb52ca8d148d6e1b8b51e279fdf57b583",
    "94f108a80e81b5d932d8e8c9e8fd7f46cf32457e31462deeeef37af1b71c2c1b3c71fb0d9b59c654ec266b042735f50311f9fd1d4cadce47ab234ad163157cb5",
    "6cfeb8cda92453099d20120bdd0e8a5c4e7706c2da9a8f09ccc157ed2464d921fd0437fb70db42104769efd7d6f3c1f964bcf448c455eab6f6c7d863e88a5849",
    "47c282116b892e5ac92ca238578006e31a47e7c7e70f0baa8b687f0a5203e28ea07bbbec765a98dcd654bad618475d4661bfaec3bd9ad2ed12e7abc251d94d33",
    "ded2694169b7b08e898f736d5de95af87c3f1a64594013351b1a796dbee393bd825f88f9468c84505ddd11eb0b1465ac9b43b9064aa8ec97f2b73e04758b8a4a",
    "58efc8bf2834d04768a3d7ffcd8e1e23d461561729beaac4e3e7a47829a1c9066d5320241e124a1a8e8aa6c75be0ba66f65bc8239a0542ed38e11276f6fdb4d9",
    "eeefbcf7c3803b523c94112023c7ff89558f9b8e0cf5d6cdcba3ade60f168af4a181c9c21774b94fbae6c90411995f7d854d02ebd93fb66043dbb06f17a831c1",
    "982372c867d229c236091f767e703253249a9b432c1710b4f326306bfa2428a17b06240359606cfe4d580b10a5a1f63fbed499527069c18ae17060472969ae6e",
    "6a6277a2f74e1073601b4f9fed6e1e55226917efb0f0db8a07d98ab01df1ccf43eb0e8c3159432acd4960e2f29fe84a4198501fa54c8dad9e43297453efec125",
    "6247a3433948b35fbfae414fa5a9355bfb45f56efa7ab4929e669264a0258976741dfbe3288bfb49828e5df02c2e633df38d2245e30162ae7e3bcca5b8b49345",
    "7e6a9c2e5f05179ddfc923f38f917c9e6831d16922a902b0b4758b8e79c2ab8a81bb5f29952e16ee6c5067ed044d7857b5de120a90704c1d3b637fd94b95b13e",
    "bca9d8b04242f175189872c42ceaa21e2951e0f0f272a0cc54fc37193ff6648600eaf1c555c70cdedfaf9fb74927de7aa1d33dc1e2a7f1a50619484989da0887",
    "89a66eb5590a1c94e3f1ee0e72acf49b1669e050bb5f93c73b066b564dca4e0c7556a52b323178269d64af325d8fdddb33da3a27c34409b821de82aa2bf1a27b",
];

/// The file that serves a k: its name, its size, its hash.
pub(super) fn file(k: u32) -> Option<String> {
    let power = k.max(SMALLEST_FILE);
    let hash = FILE_HASHES.get((power - SMALLEST_FILE) as usize)?;
    let bytes = 83_096 + (1152_u64 << power);
    Some(format!("powersOfTau28_hez_final_{power:02}.ptau, {bytes} bytes, BLAKE2b-512 {hash}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proving::Srs;
    use halo2_proofs::halo2curves::{
        bn256::{Fq, Fq2, G2},
        ff::PrimeField,
        group::cofactor::CofactorGroup,
    };
    use sha3::{Digest, Keccak256};

    fn coordinate(digits: &str) -> Fq {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("digits");
        let mut bytes: [u8; 32] = std::array::from_fn(|i| byte(2 * i));
        bytes.reverse();
        Fq::from_repr(bytes).expect("below the modulus")
    }

    #[test]
    fn pinned_points_are_in_the_group_and_known_by_name() {
        for Ceremony { name, tau_g2 } in &PUBLIC {
            let [x1, x0, y1, y0] = tau_g2.map(coordinate);
            let point = G2Affine { x: Fq2 { c0: x0, c1: x1 }, y: Fq2 { c0: y0, c1: y1 } };
            // Of the curve, too: what the group is left with after its order.
            assert!(bool::from(G2::from(point).is_torsion_free()), "{name}");
            assert_eq!(of(point), Some(*name));
            assert_eq!(of(-point), None);
            assert!(!crate::proving::has_public_secret(point));
        }
        assert_eq!(of(Srs::unsafe_dev(2).params.s_g2()), None);
    }

    #[test]
    fn files_are_as_large_as_they_are_said_to_be() {
        let told = file(14).expect("a file");
        assert!(
            told.starts_with("powersOfTau28_hez_final_14.ptau, 18957464 bytes, BLAKE2b-512 ee")
        );
        assert!(told.ends_with("a831c1"), "{told}");
        assert!(
            file(2).expect("a file").starts_with("powersOfTau28_hez_final_08.ptau, 378008 bytes")
        );
        assert!(file(20).is_some() && file(21).is_none());
        assert!(FILE_HASHES.iter().all(|hash| hash.len() == 128));
    }

    #[test]
    fn documentation_has_the_same_strings_and_files() {
        const TEXT: &str = include_str!("../../docs/reference-strings.md");
        let digits =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for Ceremony { name, tau_g2 } in &PUBLIC {
            let words = tau_g2.map(|word| {
                let mut bytes = coordinate(word).to_repr();
                bytes.reverse();
                bytes
            });
            let fingerprint = digits(&Keccak256::digest(words.as_flattened()));
            assert!(TEXT.contains(&fingerprint), "{name}: {fingerprint}");
        }
        assert!(FILE_HASHES.iter().all(|hash| TEXT.contains(hash)));
    }
}
