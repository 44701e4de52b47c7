//! Attestations: what an issuer signs about a committed input, or a hashed one, for one consumer on one chain.

use alloy::{
    primitives::{Address, B256, Bytes},
    sol_types::{SolCall, SolStruct, eip712_domain},
};

use super::{
    ChainError, Key,
    bindings::IAttestedConsumer::{Attestation, presentAttestationCall},
};

/// A signed attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    /// What was signed, by EIP-712.
    pub digest: B256,
    /// Who signed it.
    pub signer: Address,
    /// r, s and v: s is the smaller one, v 27 or 28.
    pub signature: [u8; 65],
    /// What the subject sends to the consumer to show it.
    pub calldata: Bytes,
}

/// Signs an attestation for a consumer.
pub fn attest(
    key: &Key,
    attestation: &Attestation,
    chain_id: u64,
    consumer: Address,
) -> Result<Attested, ChainError> {
    let domain = eip712_domain! {
        name: "zkverdict attestation",
        version: "1",
        chain_id: chain_id,
        verifying_contract: consumer,
    };
    let digest = attestation.eip712_signing_hash(&domain);
    let signature = key.sign(digest)?;
    let show = presentAttestationCall {
        attestation: attestation.clone(),
        signature: signature.to_vec().into(),
    };
    let calldata = show.abi_encode().into();
    Ok(Attested { digest, signer: key.address(), signature, calldata })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::{U256, address, b256};

    fn attestation() -> Attestation {
        Attestation {
            name: b256!("00d677d716e196bbe23014ae10e7a4bdee6d5b84bbe21bd9d2e7f8a9b0c1d2e3"),
            schema: B256::repeat_byte(7),
            subject: address!("5dad7600c5d89fe3824ffa99ec1c3eb8bf3b0501"),
            expiry: 2_000_000_000,
            nonce: 1,
        }
    }

    #[test]
    fn the_type_is_the_one_that_contracts_hash() {
        let expected =
            "Attestation(bytes32 name,bytes32 schema,address subject,uint64 expiry,uint64 nonce)";
        assert_eq!(Attestation::eip712_encode_type(), expected);
        let contract = include_str!("../../contracts/AttestedConsumer.sol");
        assert!(contract.contains(expected));
    }

    #[test]
    fn signatures_are_canonical_and_of_one_consumer_on_one_chain() {
        let key = Key::from_hex(&"42".repeat(32), "").expect("a key");
        let consumer = Address::repeat_byte(3);
        let made = attest(&key, &attestation(), 1, consumer).expect("signed");
        // Half of the group's order, as the contract has it.
        let half = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
        let half = U256::from_str_radix(half, 16).expect("hexadecimal");
        let s = U256::from_be_slice(&made.signature[32..64]);
        assert!(s <= half && matches!(made.signature[64], 27 | 28));
        assert_eq!(made.signer, key.address());
        let others = [
            attest(&key, &attestation(), 10, consumer),
            attest(&key, &attestation(), 1, Address::repeat_byte(4)),
            attest(&key, &Attestation { nonce: 2, ..attestation() }, 1, consumer),
        ];
        assert!(others.into_iter().all(|other| other.expect("signed").digest != made.digest));
    }
}
