//! Names of the precompiled contracts.

use revm::primitives::Address;

/// The name of the precompile that some fork has at this address, whether or not this one has it.
pub(super) fn name(address: Address) -> Option<&'static str> {
    let (head, tail) = address.split_at(18);
    if head.iter().any(|&byte| byte != 0) {
        return None;
    }
    Some(match (tail[0], tail[1]) {
        (0, 0x01) => "ecRecover",
        (0, 0x02) => "sha256",
        (0, 0x03) => "ripemd160",
        (0, 0x04) => "identity",
        (0, 0x05) => "modexp",
        (0, 0x06) => "ecAdd",
        (0, 0x07) => "ecMul",
        (0, 0x08) => "ecPairing",
        (0, 0x09) => "blake2f",
        (0, 0x0a) => "kzgPointEvaluation",
        (0, 0x0b) => "bls12G1Add",
        (0, 0x0c) => "bls12G1Msm",
        (0, 0x0d) => "bls12G2Add",
        (0, 0x0e) => "bls12G2Msm",
        (0, 0x0f) => "bls12Pairing",
        (0, 0x10) => "bls12MapFpToG1",
        (0, 0x11) => "bls12MapFp2ToG2",
        (1, 0x00) => "p256Verify",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_low_addresses_have_names() {
        assert_eq!(name(Address::with_last_byte(7)), Some("ecMul"));
        assert_eq!(name(Address::ZERO), None);
        assert_eq!(name(Address::repeat_byte(7)), None);
    }
}
