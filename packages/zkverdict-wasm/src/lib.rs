//! The prover of the JavaScript package: a page's worker gives it a bundle, then inputs, and takes a proof document.
//!
//! Numbers alone cross: the worker asks for room for a [`request()`], writes it there, calls [`open`] or [`prove`], and reads the
//! answer, JSON, at [`answer`]. What it calls back is in `host`. A request is a sequence of parts, each its length (4 bytes,
//! little endian) and its bytes. One thread: what is kept between calls is the thread's.

mod failure;
mod host;
mod request;
mod session;

use session::Session;
use std::cell::RefCell;

thread_local! {
    static REQUEST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// Room for a request of so many bytes; what was there before is gone.
#[unsafe(no_mangle)]
pub extern "C" fn request(length: usize) -> *mut u8 {
    REQUEST.with_borrow_mut(|request| {
        *request = vec![0; length];
        request.as_mut_ptr()
    })
}

/// Where the last call's answer is.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// How many bytes it has.
#[unsafe(no_mangle)]
pub extern "C" fn answer_length() -> usize {
    ANSWER.with_borrow(Vec::len)
}

/// Makes the proving key of the bundle whose archive is the request; 0 says that it went well.
#[unsafe(no_mangle)]
pub extern "C" fn open() -> i32 {
    host::tell_panics();
    answered(|archive| {
        let (session, summary) = Session::open(archive)?;
        SESSION.set(Some(session));
        Ok(summary)
    })
}

/// Proves what the request says; 0 says that it went well.
#[unsafe(no_mangle)]
pub extern "C" fn prove() -> i32 {
    answered(|bytes| {
        SESSION.with_borrow(|session| {
            let none = || failure::Failure::new("BundleError", "no bundle was opened", "");
            session.as_ref().ok_or_else(none)?.prove(bytes)
        })
    })
}

/// Answers the request, and leaves nothing of it in memory.
fn answered(answer: impl FnOnce(&[u8]) -> Result<Vec<u8>, failure::Failure>) -> i32 {
    let mut request = REQUEST.take();
    let made = answer(&request);
    request::wipe(&mut request);
    let (code, bytes) = match made {
        Ok(bytes) => (0, bytes),
        Err(failure) => (1, failure.to_bytes()),
    };
    ANSWER.set(bytes);
    code
}
