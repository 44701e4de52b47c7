//! Structured reference strings: good files are read, bad ones refused.

use halo2_proofs::{
    SerdeFormat,
    halo2curves::{
        bn256::G1Affine,
        group::{GroupEncoding, prime::PrimeCurveAffine},
    },
    poly::{
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
};
use rand::{SeedableRng, rngs::StdRng};
use zkverdict::proving::{ProvingError, Srs, SrsOrigin, has_public_secret, last_contribution};

fn raw(srs: &Srs, format: SerdeFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    srs.params.write_custom(&mut bytes, format).unwrap();
    bytes
}

/// A string whose secret is drawn for this test.
fn ceremony(k: u32) -> Srs {
    let params = ParamsKZG::setup(k, StdRng::seed_from_u64(0xCE4E)).into();
    Srs { params, next: None, origin: SrsOrigin::Raw }
}

fn same(a: &ParamsKZG<halo2_proofs::halo2curves::bn256::Bn256>, b: &Srs) -> bool {
    let mut bytes = Vec::new();
    a.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    bytes == raw(b, SerdeFormat::RawBytes)
}

#[test]
fn raw_files_are_read_in_both_encodings() {
    let made = ceremony(6);
    for format in [SerdeFormat::RawBytes, SerdeFormat::Processed] {
        let read = Srs::read(&raw(&made, format), 6).unwrap();
        assert_eq!(read.origin, SrsOrigin::Raw);
        assert!(same(&made.params, &read));
    }
}

#[test]
fn larger_file_is_cut_down() {
    let read = Srs::read(&raw(&ceremony(7), SerdeFormat::RawBytes), 5).unwrap();
    assert!(same(&ceremony(5).params, &read));
}

#[test]
fn smaller_file_is_refused() {
    let error = Srs::read(&raw(&ceremony(5), SerdeFormat::RawBytes), 6).unwrap_err();
    assert!(matches!(error, ProvingError::SrsTooSmall { needed: 6, found: 5 }), "{error}");
}

#[test]
fn wrong_lengths_are_refused() {
    let bytes = raw(&ceremony(4), SerdeFormat::RawBytes);
    for bytes in [&bytes[..3], &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat()] {
        assert!(Srs::read(bytes, 4).is_err());
    }
    // A k that no file has, which must not make room for 2^k points.
    for k in [29_u32, 63, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[..4].copy_from_slice(&k.to_le_bytes());
        assert!(matches!(Srs::read(&bytes, 4), Err(ProvingError::SrsSize(_))));
    }
}

/// Puts a point of the file in another's place.
fn with_copied_point(from: usize, to: usize) -> Vec<u8> {
    let mut bytes = raw(&ceremony(4), SerdeFormat::RawBytes);
    bytes.copy_within(4 + 64 * from..4 + 64 * (from + 1), 4 + 64 * to);
    bytes
}

#[test]
fn points_that_are_no_powers_are_refused() {
    for to in 1..16 {
        let error = Srs::read(&with_copied_point(0, to), 4).unwrap_err();
        assert!(error.to_string().contains("not powers of one secret"), "{error}");
    }
    let error = Srs::read(&with_copied_point(1, 0), 4).unwrap_err();
    assert!(error.to_string().contains("generators"), "{error}");
}

#[test]
fn other_lagrange_points_are_refused() {
    for to in 17..32 {
        let error = Srs::read(&with_copied_point(16, to), 4).unwrap_err();
        assert!(error.to_string().contains("Lagrange"), "{error}");
    }
}

#[test]
fn point_off_the_curve_is_refused() {
    let mut bytes = raw(&ceremony(4), SerdeFormat::RawBytes);
    bytes[4 + 64 * 3] ^= 1;
    assert!(Srs::read(&bytes, 4).is_err());
}

fn ptau(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/test/fixtures/srs/{name}.ptau", super::keyed::ROOT)).unwrap()
}

#[test]
fn snarkjs_ceremony_is_read() {
    let file = ptau("pot6_0001");
    for k in [2, 6] {
        let read = Srs::read(&file, k).unwrap();
        assert_eq!((read.k(), read.origin), (k, SrsOrigin::Ptau));
    }
    let error = Srs::read(&file, 7).unwrap_err();
    assert!(matches!(error, ProvingError::SrsTooSmall { needed: 7, found: 6 }), "{error}");
}

/// As `snarkjs powersoftau verify` prints it.
#[test]
fn last_contribution_is_told_as_snarkjs_does() {
    let hash = last_contribution(&ptau("pot6_0001")).unwrap();
    assert_eq!(hash[..8], [0xda, 0xc9, 0xcf, 0x45, 0xae, 0x78, 0x4f, 0xab]);
    assert_eq!(hash[60..], [0x15, 0xb3, 0x74, 0x33]);
    assert_eq!(last_contribution(&ptau("pot6_0000")), None);
    assert_eq!(last_contribution(&raw(&ceremony(3), SerdeFormat::RawBytes)), None);
    // Wherever the file ends, and whatever lengths it tells.
    let file = ptau("pot6_0001");
    let from = file.len() - 2_000;
    for length in (from..file.len()).step_by(7) {
        assert_eq!(last_contribution(&file[..length]), None, "{length} bytes");
    }
    for at in from..file.len() {
        let mut damaged = file.clone();
        damaged[at] = 0xff;
        let _ = last_contribution(&damaged);
    }
}

#[test]
fn ceremony_without_contributions_is_refused() {
    let error = Srs::read(&ptau("pot6_0000"), 6).unwrap_err();
    assert!(error.to_string().contains("no contributions"), "{error}");
}

#[test]
fn damaged_ceremony_is_refused() {
    let file = ptau("pot6_0001");
    // Magic, version, sections, header, then points: wherever the file ends, it is an error.
    for length in [4, 8, 11, 12, 20, 24, 40, 68, 80, 100, 1000, 4000] {
        assert!(Srs::read(&file[..length], 6).is_err(), "{length} bytes");
    }
    // A byte of the field's modulus, of the power, of the first points, of a G1 and a G2 point.
    let tau_g2 = 12 + (12 + 44) + 12 + 64 * 127 + 12;
    for at in [4, 30, 60, 80, 150, 1000, tau_g2 + 130] {
        let mut damaged = file.clone();
        damaged[at] ^= 0x40;
        assert!(Srs::read(&damaged, 6).is_err(), "byte {at}");
    }
}

/// Provers hide the quotient with one power more than the circuit has rows.
#[test]
fn power_after_the_last_is_kept_where_a_file_has_it() {
    let (dev, longer) = (Srs::unsafe_dev(4), Srs::unsafe_dev(5));
    let power = |srs: &Srs, index: usize| srs.params.get_g()[index];
    assert_eq!(dev.next, Some(power(&longer, 16)));
    assert_eq!(longer.cut_down(4).unwrap().unwrap().next, dev.next);
    assert!(Srs::from_bytes_unchecked(&dev.to_bytes(), SrsOrigin::Raw).unwrap().next == dev.next);

    let file = raw(&ceremony(5), SerdeFormat::RawBytes);
    assert_eq!(Srs::read(&file, 5).unwrap().next, None);
    let cut = Srs::read(&file, 4).unwrap();
    assert_eq!(cut.next, Some(power(&ceremony(5), 16)));
    assert_eq!(Srs::read(&cut.to_bytes(), 4).unwrap().next, cut.next);

    let [short, long] = [5, 6].map(|k| Srs::read(&ptau("pot6_0001"), k).unwrap());
    assert_eq!(short.next, Some(power(&long, 32)));
    assert!(long.next.is_some());
}

#[test]
fn wrong_power_after_the_last_is_refused() {
    let good = Srs::read(&raw(&ceremony(5), SerdeFormat::RawBytes), 4).unwrap().to_bytes();
    let next = good.len() - 64;
    let changed = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Srs::read(&bytes, 4).unwrap_err().to_string()
    };
    let other = changed(&|bytes| bytes.copy_within(4..68, next));
    assert!(other.contains("not powers of one secret"), "{other}");
    let off_the_curve = changed(&|bytes| bytes[next] ^= 1);
    assert!(off_the_curve.contains("malformed"), "{off_the_curve}");
    let at_infinity = changed(&|bytes| bytes[next..].fill(0));
    assert!(at_infinity.contains("infinity"), "{at_infinity}");
}

#[test]
fn development_string_is_the_same_everywhere() {
    let (small, large) = (Srs::unsafe_dev(4), Srs::unsafe_dev(5));
    assert_eq!(small.params.s_g2(), large.params.s_g2());
    assert_eq!(small.params.k(), 4);
}

/// In either encoding, cut down, or from a generator that others use for tests.
#[test]
fn string_with_a_public_secret_is_refused_whatever_file_it_is_in() {
    let seed = rand_chacha::ChaCha20Rng::from_seed([0; 32]);
    let params = ParamsKZG::setup(5, seed).into();
    let halo2_lib = Srs { params, next: None, origin: SrsOrigin::Raw };
    for (string, name) in [(Srs::unsafe_dev(5), "development"), (halo2_lib, "halo2-lib")] {
        assert!(has_public_secret(string.params.s_g2()));
        for format in [SerdeFormat::RawBytes, SerdeFormat::Processed] {
            for k in [3, 5] {
                let error = Srs::read(&raw(&string, format), k).unwrap_err();
                let is_refused =
                    matches!(error, ProvingError::SrsPublicSecret(found) if found.contains(name));
                assert!(is_refused, "{error}");
            }
        }
    }
    assert!(!has_public_secret(ceremony(3).params.s_g2()));
}

/// halo2 ends the process at a point at infinity, when it commits.
#[test]
fn point_at_infinity_is_refused_without_pairings_too() {
    let good = raw(&ceremony(4), SerdeFormat::RawBytes);
    assert!(Srs::from_bytes_unchecked(&good, SrsOrigin::Raw).is_ok());
    // Of the powers, and of the Lagrange points.
    for point in [0, 1, 15, 16, 31] {
        let mut bytes = good.clone();
        bytes[4 + 64 * point..][..64].fill(0);
        for read in [Srs::from_bytes_unchecked(&bytes, SrsOrigin::Raw), Srs::read(&bytes, 4)] {
            assert!(matches!(read, Err(ProvingError::SrsInvalid(_))), "point {point}");
        }
    }
    let compressed = raw(&ceremony(4), SerdeFormat::Processed);
    assert!(Srs::from_bytes_unchecked(&compressed, SrsOrigin::Raw).is_ok());
    for point in [0, 1, 15, 16, 31] {
        let mut bytes = compressed.clone();
        bytes[4 + 32 * point..][..32].copy_from_slice(G1Affine::identity().to_bytes().as_ref());
        for read in [Srs::from_bytes_unchecked(&bytes, SrsOrigin::Raw), Srs::read(&bytes, 4)] {
            assert!(matches!(read, Err(ProvingError::SrsInvalid(_))), "point {point}");
        }
    }
    // Both points of G2.
    for point in [0, 1] {
        let mut bytes = good.clone();
        bytes[4 + 64 * 32 + 128 * point..][..128].fill(0);
        assert!(Srs::from_bytes_unchecked(&bytes, SrsOrigin::Raw).is_err());
    }
}

#[test]
fn fingerprint_is_of_the_secret_alone() {
    let (small, large) = (ceremony(3), ceremony(6));
    assert_eq!(small.fingerprint(), large.fingerprint());
    assert_ne!(small.fingerprint(), Srs::unsafe_dev(3).fingerprint());
}
