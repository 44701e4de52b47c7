//! Time that nobody waits for, and an executor for it.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::Duration,
};

use zkverdict::chain::Clock;

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    /// When the next sleeper of this poll wants to go on.
    next: Option<Duration>,
}

/// A clock that stands still while anything can be done, and then jumps.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock(Arc<Mutex<Inner>>);

struct Sleep {
    clock: VirtualClock,
    until: Duration,
}

impl VirtualClock {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no panics")
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.inner().now
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let until = self.now() + time.max(Duration::from_millis(1));
        Box::pin(Sleep { clock: self.clone(), until })
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.clock.inner();
        if inner.now >= self.until {
            return Poll::Ready(());
        }
        inner.next = Some(inner.next.map_or(self.until, |next| next.min(self.until)));
        Poll::Pending
    }
}

/// Runs a future to its end, or until `is_over` says so between two steps; then it is dropped, as by a kill.
pub fn drive<T>(
    clock: &VirtualClock,
    future: impl Future<Output = T>,
    mut is_over: impl FnMut(Duration) -> bool,
) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        clock.inner().next = None;
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        let mut inner = clock.inner();
        let next = inner.next.unwrap_or(inner.now);
        inner.now = next;
        drop(inner);
        if is_over(next) {
            return None;
        }
    }
}
