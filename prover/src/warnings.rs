//! What goes wrong and stops no proof: said to whoever uses this crate, which prints nothing itself.

use std::sync::OnceLock;

type Listener = Box<dyn Fn(&str) + Send + Sync>;

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Has all warnings of this process told to a listener: a device that is not there or fails, and whose work the
/// processor does. Nobody hears them otherwise. The first listener stays: whether it is this one.
pub fn on_warning(listener: impl Fn(&str) + Send + Sync + 'static) -> bool {
    LISTENER.set(Box::new(listener)).is_ok()
}

/// Says it to the listener, if there is one.
#[cfg(any(feature = "cuda", test))]
pub(crate) fn warn(message: &str) {
    if let Some(listener) = LISTENER.get() {
        listener(message);
    }
}
