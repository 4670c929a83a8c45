//! By which part of a refresh the vblanks of a run are later than those of others.
//!
//! A GPU that carries the applications of many runs would get all their pictures at once, in each
//! period, and have nothing to do between; and left to chance, some of a dozen are at the same moment.
//! So each run has a number, the lowest that no other has, and the numbers are all over the period:
//! 0, 1/2, 1/4, 3/4, 1/8, 5/8 and so on (van der Corput's sequence). Who has a number has bound an
//! abstract socket of that name (`unix(7)`), which is free again when the process ends, however that
//! comes. Measured on an H200: `docs/h200.md`.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// How many numbers there are. Runs beyond share the first one's phase.
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
        Self::called(NAME)
    }

    fn called(name: &str) -> Self {
        let bind = |number| {
            let address = SocketAddr::from_abstract_name(format!("{name}{number}")).ok()?;
            Some((number, UnixDatagram::bind_addr(&address).ok()?))
        };
        match (0..MOST).find_map(bind) {
            Some((number, taken)) => Self { part: part(number), _taken: Some(taken) },
            None => Self { part: 0.0, _taken: None },
        }
    }
}

/// The digits of `number` in base 2 behind the point, the last one first.
fn part(number: u32) -> f64 {
    f64::from(number.reverse_bits()) / 2f64.powi(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_beside_each_other_are_all_over_the_period() {
        let name = format!("zerohop/test/{}/", std::process::id());
        let take = || Phase::called(&name);
        let mut taken: Vec<_> = (0..4).map(|_| take()).collect();
        let parts: Vec<_> = taken.iter().map(|one| one.part).collect();
        assert_eq!(parts, [0.0, 0.5, 0.25, 0.75]);
        drop(taken.remove(1));
        taken.push(take());
        assert_eq!(taken[3].part, 0.5, "what is free again comes first");
        taken.extend((4..=MOST).map(|_| take()));
        let last = &taken[MOST as usize];
        assert!(last._taken.is_none() && last.part == 0.0, "all are taken");
    }
}
