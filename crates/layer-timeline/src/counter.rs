//! What a shared timeline is here: a memfd with a number in it.
//!
//! | offset | type | field | |
//! |---:|---|---|---|
//! | 0 | u64 | magic | the bytes `ZHOPTIME` |
//! | 8 | u64 | value | where the timeline is; it only grows |
//! | 16 | u32 | turns | a futex (not `PRIVATE`): counts the changes of `value` |
//!
//! One page, native byte order, sealed against every change of size. To signal: raise `value` (never
//! lower it), add 1 to `turns`, wake all. To wait: read `turns`, then `value`, and sleep on `turns`
//! while `value` is too small.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::thread::futex;
use zerohop_kernel::{MappingMut, Memfd};

/// The first bytes of the memory.
const MAGIC: u64 = u64::from_ne_bytes(*b"ZHOPTIME");

/// Bytes of the memory.
const SIZE: u64 = 4096;

/// The memory as it lies.
#[repr(C)]
struct Shared {
    magic: AtomicU64,
    value: AtomicU64,
    turns: AtomicU32,
}

/// A timeline that processes share. Whoever has its descriptor may wait for it and signal it.
#[derive(Debug)]
pub struct Counter {
    memfd: Memfd,
    memory: MappingMut,
}

impl Counter {
    /// A new one that is at `value`.
    ///
    /// # Errors
    ///
    /// As [`Memfd::create`].
    pub fn new(value: u64) -> io::Result<Self> {
        let memfd = Memfd::create("zerohop-timeline", SIZE)?;
        let new = Self { memory: MappingMut::new(&memfd)?, memfd };
        new.shared().value.store(value, Ordering::Relaxed);
        new.shared().magic.store(MAGIC, Ordering::Release);
        Ok(new)
    }

    /// Somebody else's.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) when it is none.
    pub fn open(fd: OwnedFd) -> io::Result<Self> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let memfd = Memfd::try_from(fd).map_err(|err| invalid(err.to_string()))?;
        if memfd.size() != SIZE {
            return Err(invalid(format!("a memfd of {} bytes is no timeline", memfd.size())));
        }
        let new = Self { memory: MappingMut::new(&memfd)?, memfd };
        match new.shared().magic.load(Ordering::Acquire) {
            MAGIC => Ok(new),
            other => Err(invalid(format!("a memfd that begins with {other:#x} is no timeline"))),
        }
    }

    /// Where it is.
    pub fn value(&self) -> u64 {
        self.shared().value.load(Ordering::Acquire)
    }

    /// Signals: it is at `value` now, unless it was farther.
    pub fn raise(&self, value: u64) {
        let shared = self.shared();
        if shared.value.fetch_max(value, Ordering::AcqRel) >= value {
            return;
        }
        shared.turns.fetch_add(1, Ordering::AcqRel);
        // Nobody to wake is no failure.
        let _ = futex::wake(&shared.turns, futex::Flags::empty(), u32::MAX >> 1);
    }

    /// Waits until it is at `value`. `false`: `timeout` passed first.
    pub fn wait(&self, value: u64, timeout: Duration) -> bool {
        let (shared, begin) = (self.shared(), Instant::now());
        loop {
            let turns = shared.turns.load(Ordering::Acquire);
            if self.value() >= value {
                return true;
            }
            let left = timeout.saturating_sub(begin.elapsed());
            let Ok(left) = left.try_into() else { return false };
            if begin.elapsed() >= timeout {
                return false;
            }
            // Woken, changed meanwhile, interrupted or late: look again.
            let _ = futex::wait(&shared.turns, futex::Flags::empty(), turns, Some(&left));
        }
    }

    fn shared(&self) -> &Shared {
        // SAFETY: the mapping is `SIZE` writable bytes from a page's first on, for as long as
        // `self`; atomics may be changed by anybody, and every value of them is valid.
        unsafe { &*self.memory.as_ptr().cast::<Shared>() }
    }
}

impl AsFd for Counter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memfd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    fn copy(counter: &Counter) -> OwnedFd {
        counter.as_fd().try_clone_to_owned().unwrap()
    }

    #[test]
    fn whoever_has_the_descriptor_sees_the_signal() {
        let ours = Counter::new(3).unwrap();
        let theirs = Counter::open(copy(&ours)).unwrap();
        assert!(theirs.wait(3, SOON) && !theirs.wait(4, SOON));
        let waiter = thread::spawn(move || theirs.wait(7, Duration::from_secs(20)));
        ours.raise(7);
        assert!(waiter.join().unwrap());
        ours.raise(5);
        assert_eq!(ours.value(), 7, "it never goes back");
    }

    #[test]
    fn other_memory_is_no_timeline() {
        let plain = Memfd::create("test", 4096).unwrap();
        let err = Counter::open(plain.into()).unwrap_err();
        assert_eq!(err.to_string(), "a memfd that begins with 0x0 is no timeline");
        assert!(Counter::open(std::fs::File::open("/dev/null").unwrap().into()).is_err());
    }
}
