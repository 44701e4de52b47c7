//! Verifies a proof in a browser or in Node, of the files of a bundle and a proof file:
//!
//! ```js
//! for (const bytes of [manifest, model, srs, key, proof]) { begin(); for (const byte of bytes) push(byte); }
//! verify();   // 1: valid, 0: refused, -1: could not tell; why() says it byte by byte
//! ```

use std::{error::Error, sync::Arc, sync::Mutex};
use zkverdict::{ModelVerifier, ProofFile, bundle::Manifest, model::Model, proving::Srs};

getrandom::register_custom_getrandom!(no_randomness);

fn no_randomness(_: &mut [u8]) -> Result<(), getrandom::Error> {
    Err(getrandom::Error::UNSUPPORTED)
}

static FILES: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
static WHY: Mutex<String> = Mutex::new(String::new());

/// Begins another file.
#[unsafe(no_mangle)]
pub extern "C" fn begin() {
    FILES.lock().expect("one thread").push(Vec::new());
}

/// Adds a byte to it.
#[unsafe(no_mangle)]
pub extern "C" fn push(byte: u8) {
    if let Some(file) = FILES.lock().expect("one thread").last_mut() {
        file.push(byte);
    }
}

/// Verifies what the last five files hold.
#[unsafe(no_mangle)]
pub extern "C" fn verify() -> i32 {
    let files = std::mem::take(&mut *FILES.lock().expect("one thread"));
    let (answer, why) = match verdict(&files) {
        Ok(Ok(())) => (1, String::new()),
        Ok(Err(refusal)) => (0, refusal),
        Err(error) => (-1, error.to_string()),
    };
    *WHY.lock().expect("one thread") = why;
    answer
}

/// A byte of the reason; 0 behind its end.
#[unsafe(no_mangle)]
pub extern "C" fn why(at: usize) -> u8 {
    WHY.lock().expect("one thread").as_bytes().get(at).copied().unwrap_or(0)
}

fn verdict(files: &[Vec<u8>]) -> Result<Result<(), String>, Box<dyn Error>> {
    let [manifest, model, srs, key, proof] = files else {
        return Err(format!("{} files, expected 5", files.len()).into());
    };
    let Manifest { model: name, layout, shape, srs: origin, .. } =
        serde_json::from_slice(manifest)?;
    let model = Arc::new(Model::from_onnx(&name, model)?);
    let srs = Srs::from_bytes_unchecked(srs, origin)?;
    let verifier = ModelVerifier::from_bytes(model, layout, shape, &srs, key)?;
    let proof = ProofFile::parse(proof)?.proof;
    Ok(verifier.verify(&proof).map_err(|refusal| refusal.to_string()))
}
