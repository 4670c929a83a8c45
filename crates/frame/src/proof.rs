//! Ways that are taken only after they were seen to work.
//!
//! What a machine can do is probed, never assumed: before pictures of one kind take a way for the
//! first time, a known pattern goes through it and is compared to the last bit. What came of it is
//! remembered for the process, and a way that failed is not tried again for every picture.
//!
//! ```
//! use zerohop_frame::{Claim, Fourcc, Modifier, Proofs, pattern, same};
//!
//! let claim = Claim {
//!     driver: "some driver 1.0".into(),
//!     fourcc: Fourcc::ARGB8888,
//!     modifier: Modifier::LINEAR,
//!     handle: "dma-buf",
//!     way: "a copy by hand",
//! };
//! let proofs = Proofs::default();
//! let verdict = proofs.prove::<std::io::Error>(&claim, || {
//!     let begin = std::time::Instant::now();
//!     // What came out at the end of the way, if anything went in.
//!     let seen = std::io::Result::Ok(pattern(64))?;
//!     let took = begin.elapsed();
//!     Ok(same(&pattern(64), &seen).map(|()| took).map_err(Into::into))
//! });
//! assert!(verdict?.is_proven());
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{BoxError, Fourcc, Modifier, with_causes};

/// What is to be proven: that pictures of one kind may take a way, with one driver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The driver with its version, and whatever else tells this device from others.
    pub driver: String,
    /// The format of the pictures.
    pub fourcc: Fourcc,
    /// How they lie in memory.
    pub modifier: Modifier,
    /// How they come in, as [`MemoryHandle::kind`](crate::MemoryHandle::kind) says.
    pub handle: &'static str,
    /// The way that they take, as in "Vulkan bridge".
    pub way: &'static str,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { driver, fourcc, modifier, handle, way } = self;
        write!(f, "{way}: {fourcc} {modifier} as {handle} on {driver}")
    }
}

/// What came of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every bit was right. One picture took so long, once all was set up.
    Proven(Duration),
    /// It does not work, or did not once, because of this.
    Failed(String),
    /// It works, and other bits come than were sent.
    Wrong(String),
}

impl Verdict {
    /// Whether the way may be taken.
    pub fn is_proven(&self) -> bool {
        matches!(self, Self::Proven(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven(took) => write!(f, "exact, {:.3} ms", took.as_secs_f64() * 1000.0),
            Self::Failed(why) | Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// One claim's verdict, `None` until it is tried. Locked while it is.
type Slot = Arc<Mutex<Option<Verdict>>>;

/// What was proven so far.
#[derive(Default)]
pub struct Proofs {
    known: Mutex<BTreeMap<Claim, Slot>>,
}

impl Proofs {
    /// Those of this process.
    pub fn of_process() -> &'static Self {
        static ALL: Proofs = Proofs { known: Mutex::new(BTreeMap::new()) };
        &ALL
    }

    /// What came of `claim`: of `attempt`, which is made at its first sight and then never again.
    /// It returns how long one picture took, or why the way does not work. Who asks meanwhile waits
    /// for the same attempt; other claims do not.
    ///
    /// # Errors
    ///
    /// Those of an attempt that says nothing of the way: it is not remembered, and the next one who
    /// asks tries again.
    pub fn prove<E>(
        &self,
        claim: &Claim,
        attempt: impl FnOnce() -> Result<Result<Duration, BoxError>, E>,
    ) -> Result<Verdict, E> {
        let slot = self.slot(claim);
        let mut verdict = lock(&slot);
        if let Some(known) = &*verdict {
            return Ok(known.clone());
        }
        let tried = match attempt()? {
            Ok(took) => Verdict::Proven(took),
            Err(err) if err.is::<Different>() => Verdict::Wrong(with_causes(&*err)),
            Err(err) => Verdict::Failed(with_causes(&*err)),
        };
        Ok(verdict.insert(tried).clone())
    }

    /// Remembers that a way failed which may have been proven before: its proof does not hold for
    /// the pictures that came. The first reason stays.
    pub fn latch(&self, claim: &Claim, why: &(dyn Error + 'static)) {
        let slot = self.slot(claim);
        let mut verdict = lock(&slot);
        if verdict.as_ref().is_none_or(Verdict::is_proven) {
            *verdict = Some(Verdict::Failed(with_causes(why)));
        }
    }

    /// Every claim that was tried, in order, with its verdict. Those being tried are waited for.
    pub fn all(&self) -> Vec<(Claim, Verdict)> {
        let known = lock(&self.known).clone();
        let tried = |(claim, slot): (Claim, Slot)| Some((claim, lock(&slot).clone()?));
        known.into_iter().filter_map(tried).collect()
    }

    fn slot(&self, claim: &Claim) -> Slot {
        let mut known = lock(&self.known);
        if let Some(slot) = known.get(claim) {
            return Arc::clone(slot);
        }
        Arc::clone(known.entry(claim.clone()).or_default())
    }
}

/// What an attempt that panicked left is still whole: nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The known pattern: bytes of which no two neighbours, rows or tiles are alike, so that whatever is
/// swapped, shifted, torn or left out shows.
pub fn pattern(bytes: usize) -> Vec<u8> {
    let word = |index: u64| {
        // The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
        let mut word = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31).to_le_bytes()
    };
    (0..).flat_map(word).take(bytes).collect()
}

/// A picture that is not the one that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Different {
    /// Another number of bytes.
    #[error("{seen} bytes came of a picture of {sent}")]
    Length {
        /// Bytes that were sent.
        sent: usize,
        /// Bytes that came.
        seen: usize,
    },
    /// Other bytes.
    #[error(
        "{count} of {sent} bytes are wrong, the first at {at}: {seen:#04x} instead of {was:#04x}"
    )]
    Bytes {
        /// How many.
        count: usize,
        /// Of how many.
        sent: usize,
        /// Where the first is.
        at: usize,
        /// What was sent there.
        was: u8,
        /// What came.
        seen: u8,
    },
}

/// Compares what came with what was sent.
///
/// # Errors
///
/// [`Different`] with the first place where they differ.
pub fn same(sent: &[u8], seen: &[u8]) -> Result<(), Different> {
    if sent.len() != seen.len() {
        return Err(Different::Length { sent: sent.len(), seen: seen.len() });
    }
    let mut wrong = sent.iter().zip(seen).enumerate().filter(|(_, (was, is))| was != is);
    let Some((at, (&was, &is))) = wrong.next() else { return Ok(()) };
    Err(Different::Bytes { count: wrong.count() + 1, sent: sent.len(), at, was, seen: is })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn claim(way: &'static str) -> Claim {
        let (driver, handle) = ("a driver".into(), "dma-buf");
        Claim { driver, fourcc: Fourcc::NV12, modifier: Modifier::LINEAR, handle, way }
    }

    /// What came of an attempt that says something of the way.
    fn prove(
        proofs: &Proofs,
        way: &'static str,
        attempt: impl FnOnce() -> Result<Duration, BoxError>,
    ) -> Verdict {
        let Ok(verdict) = proofs.prove::<Infallible>(&claim(way), || Ok(attempt()));
        verdict
    }

    #[test]
    fn a_claim_is_tried_once_and_its_verdict_stays() {
        let proofs = Proofs::default();
        let took = Duration::from_millis(2);
        assert_eq!(prove(&proofs, "a", || Ok(took)), Verdict::Proven(took));
        let again = prove(&proofs, "a", || panic!("tried twice"));
        assert_eq!(again.to_string(), "exact, 2.000 ms");
        assert!(!prove(&proofs, "b", || Err("no such thing".into())).is_proven());
        let again = prove(&proofs, "b", || panic!("tried twice"));
        assert_eq!(again, Verdict::Failed("no such thing".into()));
        assert_eq!(proofs.all().len(), 2);
    }

    #[test]
    fn a_way_that_brings_other_bits_is_told_from_one_that_does_not_work() {
        let proofs = Proofs::default();
        let verdict = prove(&proofs, "a", || Err(same(&[1], &[2]).unwrap_err().into()));
        assert!(matches!(verdict, Verdict::Wrong(_)), "{verdict:?}");
        proofs.latch(&claim("a"), &std::io::Error::other("later"));
        assert_eq!(prove(&proofs, "a", || panic!("tried twice")), verdict);
    }

    #[test]
    fn an_attempt_that_says_nothing_of_the_way_is_not_remembered() {
        let proofs = Proofs::default();
        assert_eq!(
            proofs.prove(&claim("a"), || Err("the picture is lost")),
            Err("the picture is lost")
        );
        assert!(proofs.all().is_empty());
        assert!(prove(&proofs, "a", || Ok(Duration::ZERO)).is_proven());
    }

    #[test]
    fn a_proven_way_that_fails_later_is_latched_with_the_first_reason() {
        let proofs = Proofs::default();
        assert!(prove(&proofs, "a", || Ok(Duration::ZERO)).is_proven());
        proofs.latch(&claim("a"), &std::io::Error::other("the first"));
        proofs.latch(&claim("a"), &std::io::Error::other("the second"));
        let verdict = prove(&proofs, "a", || Ok(Duration::ZERO));
        assert_eq!(verdict, Verdict::Failed("the first".into()));
    }

    #[test]
    fn two_who_ask_at_once_share_one_attempt() {
        let (proofs, tries) = (Proofs::default(), std::sync::atomic::AtomicU32::new(0));
        let attempt = || {
            std::thread::sleep(Duration::from_millis(20));
            tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Duration::ZERO)
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!(prove(&proofs, "a", attempt).is_proven()));
            }
        });
        assert_eq!(tries.into_inner(), 1);
    }

    #[test]
    fn one_wrong_byte_is_found_and_said() {
        let sent = pattern(4096);
        assert_eq!(same(&sent, &sent), Ok(()));
        let mut seen = sent.clone();
        seen[77] ^= 1;
        let text = same(&sent, &seen).unwrap_err().to_string();
        assert!(text.starts_with("1 of 4096 bytes are wrong, the first at 77: 0x"), "{text}");
        assert!(same(&sent, &sent[1..]).is_err());
    }

    #[test]
    fn rows_and_tiles_of_the_pattern_differ() {
        let bytes = pattern(64 * 256);
        let rows: std::collections::BTreeSet<_> = bytes.chunks(256).collect();
        assert_eq!(rows.len(), 64);
        assert!(bytes.chunks(4).zip(bytes[4..].chunks(4)).all(|(one, next)| one != next));
    }
}
