//! By which part of a refresh the vblanks of a run are later than those of others.
//!
//! A GPU that carries the applications of many runs would get all their pictures at once, in each
//! period, and have nothing to do between; and left to chance, some of a dozen are at the same moment.
//! So each run has a number, the lowest that no other has, and the numbers are all over the period:
//! 0, 1/2, 1/4, 3/4, 1/8, 5/8 and so on (van der Corput's sequence). Who has a number has bound an
//! abstract socket of that name (`unix(7)`), which is free again when the process ends, however that
//! comes. Such names belong to a network namespace (`network_namespaces(7)`), and each container may have
//! its own: so those of a namespace all begin at a phase that its own number makes. Measured on an H200:
//! `docs/h200.md`.

use std::fs;
use std::os::linux::fs::MetadataExt as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;

/// How many numbers there are. Runs beyond have a phase by chance.
const MOST: u32 = 64;

/// What the sockets are called, before their number.
const NAME: &str = "zerohop/phase/";

/// A phase, nobody else's while this lives.
#[derive(Debug)]
pub(crate) struct Phase {
    /// From 0 up to 1.
    pub(crate) part: f64,
    /// `None` where all are taken, or the system has no such sockets.
    _taken: Option<UnixDatagram>,
}

impl Phase {
    /// The first that is free.
    pub(crate) fn take() -> Self {
        // A system that does not tell has no namespaces that matter here.
        let space = fs::metadata("/proc/self/ns/net").map_or(0, |it| it.st_ino());
        Self::called(NAME, space)
    }

    fn called(name: &str, space: u64) -> Self {
        let bind = |number| {
            let address = SocketAddr::from_abstract_name(format!("{name}{number}")).ok()?;
            Some((number, UnixDatagram::bind_addr(&address).ok()?))
        };
        let (own, taken) = match (0..MOST).find_map(bind) {
            Some((number, taken)) => (part(number), Some(taken)),
            None => (spread(process::id().into()), None),
        };
        Self { part: (own + spread(space)).fract(), _taken: taken }
    }
}

/// The digits of `number` in base 2 behind the point, the last one first.
fn part(number: u32) -> f64 {
    f64::from(number.reverse_bits()) / 2f64.powi(32)
}

/// A part for `number`, far from those of the numbers beside it: multiples of the golden ratio (Knuth,
/// "The Art of Computer Programming", volume 3, 6.4). 0 for 0.
fn spread(number: u64) -> f64 {
    let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from((hash >> 32) as u32) / 2f64.powi(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_beside_each_other_are_all_over_the_period() {
        let name = format!("zerohop/test/{}/", std::process::id());
        let take = || Phase::called(&name, 0);
        let mut taken: Vec<_> = (0..4).map(|_| take()).collect();
        let parts: Vec<_> = taken.iter().map(|one| one.part).collect();
        assert_eq!(parts, [0.0, 0.5, 0.25, 0.75]);
        drop(taken.remove(1));
        taken.push(take());
        assert_eq!(taken[3].part, 0.5, "what is free again comes first");
        taken.extend((4..=MOST).map(|_| take()));
        let last = &taken[MOST as usize];
        assert!(last._taken.is_none(), "all are taken");
        assert_eq!(last.part, spread(std::process::id().into()), "as good as chance");
    }

    #[test]
    fn the_first_runs_of_a_dozen_network_namespaces_are_all_over_the_period() {
        // Numbers like those that Linux gives namespaces.
        let first = |space: u64| {
            let name = format!("zerohop/test/{}/{space}/", std::process::id());
            Phase::called(&name, space).part
        };
        let mut parts: Vec<_> = (4_026_532_300..).step_by(61).take(12).map(first).collect();
        parts.sort_by(f64::total_cmp);
        assert!(parts[0] >= 0.0 && parts[11] < 1.0, "{parts:?}");
        let gaps = parts.windows(2).map(|two| two[1] - two[0]);
        let widest = gaps.fold(parts[0] + 1.0 - parts[11], f64::max);
        assert!(widest < 0.3, "{parts:?}");
    }
}
