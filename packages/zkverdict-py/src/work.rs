//! Work that takes long: in a thread of its own, without the interpreter's lock, followed by a callback and stopped by
//! Ctrl-C.
//!
//! The thread that called waits with the lock released, and takes it for callbacks and to see whether Ctrl-C was pressed. An
//! exception in either is raised at once; the work is told to stop and what it still makes is dropped. Nothing is written
//! from here: what is kept in files is written afterwards, whole or not at all.

use crate::error::{Failure, raise};
use pyo3::prelude::*;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// How often it is looked whether Ctrl-C was pressed.
const INTERVAL: Duration = Duration::from_millis(50);

/// As much as the command has.
const STACK_BYTES: usize = 8 << 20;

enum Event<T> {
    Stage(String, f64),
    Done(thread::Result<Result<T, Failure>>),
}

/// What work is given to be followed and stopped.
pub struct Watch<T> {
    events: Sender<Event<T>>,
    since: Instant,
    /// Set where the result is wanted no more.
    pub cancel: Arc<AtomicBool>,
}

impl<T> Watch<T> {
    /// Says that a stage begins.
    pub fn enter(&self, stage: impl ToString) {
        let elapsed = self.since.elapsed().as_secs_f64();
        // Nobody listens any more where the work was given up.
        let _ = self.events.send(Event::Stage(stage.to_string(), elapsed));
    }
}

/// Does work and gives its result.
pub fn watched<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch<T>) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let (sender, events) = mpsc::channel();
    let events = Mutex::new(events);
    let cancel = Arc::new(AtomicBool::new(false));
    let watch = Watch { events: sender, since: Instant::now(), cancel: Arc::clone(&cancel) };
    thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        // What a library does on some bytes from outside.
        let result = catch_unwind(AssertUnwindSafe(|| work(&watch)));
        let _ = watch.events.send(Event::Done(result));
    })?;
    let next = || {
        let event = || {
            let events = events.lock().unwrap_or_else(PoisonError::into_inner);
            events.recv_timeout(INTERVAL)
        };
        match py.detach(event) {
            Ok(Event::Stage(stage, elapsed)) => {
                progress.map(|progress| progress.call1((stage, elapsed))).transpose()?;
            }
            Ok(Event::Done(result)) => return Ok(Some(result)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Some(Err(Box::new("it ended")))),
        }
        py.check_signals()?;
        Ok(None)
    };
    loop {
        match next() {
            Ok(None) => {}
            Ok(Some(Ok(result))) => return result.map_err(|failure| raise(py, failure)),
            Ok(Some(Err(panic))) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                let failure = Failure::new(
                    "ZkverdictError",
                    format!("could not go on: {}", text.unwrap_or("no message")),
                    "a file may be damaged; if it is as it was written, this is a defect of zkverdict: please report it",
                );
                return Err(raise(py, failure));
            }
            Err(error) => {
                cancel.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
    }
}
