//! Any bytes as a structured reference string, of snarkjs' or halo2's: a string that its own writer reads again, or an error.
//!
//! `script/fuzz.sh string`

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkverdict::proving::{Srs, SrsOrigin, last_contribution};

fuzz_target!(|bytes: &[u8]| {
    let _ = last_contribution(bytes);
    let _ = Srs::from_bytes_unchecked(bytes, SrsOrigin::Raw);
    if let Ok(srs) = Srs::read(bytes, 2) {
        let again = Srs::from_bytes_unchecked(&srs.to_bytes(), srs.origin).expect("it was written");
        assert_eq!(again.fingerprint(), srs.fingerprint());
    }
});
