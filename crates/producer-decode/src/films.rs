//! Several films beside each other: each has a thread and a connection of its own, and all of them one
//! process, so that a GPU has one context for them and need not go from one to the other.
//!
//! What is said of a film begins with its number: `2 ended`, `2 says: …`, `2 failed: …`. One that fails
//! or hangs costs the others nothing, but for what they share: a device that one opens is waited for by the
//! others that want it (`ring.rs`, `av/device.rs`), each under its own watch.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, getpid, kill_process};
use zerohop_wire::{SOCKET_VARIABLE, socket_of};

use crate::args::Arguments;
use crate::host::Gone;
use crate::play;
use crate::watchdog::Watchdog;

/// What became of a film.
enum Fate {
    /// It was played, and there may be something to be said.
    Played(Option<String>),
    /// It could not be, for this reason.
    Failed(String),
    /// It hangs in a library, for this reason: its thread never comes back.
    Hangs(String),
}

/// Where the host takes the film with this number.
pub(crate) fn socket(number: usize) -> Result<PathBuf> {
    let first = std::env::var_os(SOCKET_VARIABLE);
    let first = first.with_context(|| format!("{SOCKET_VARIABLE} is not set: nobody listens"))?;
    Ok(socket_of(Path::new(&first), number))
}

/// Plays all of `arguments`.
pub(crate) fn play(arguments: &Arguments) -> Result<()> {
    let (tell, told) = channel();
    let begin = |(number, film)| {
        start(number, film, &tell).unwrap_or_else(|err| {
            // The others go on. Nobody hangs up: it is heard below.
            let _ = tell.send((number, Fate::Failed(format!("{err:#}"))));
            Line::default()
        })
    };
    let mut open: Vec<_> = arguments.each().enumerate().map(begin).map(Some).collect();
    let (mut failed, mut hangs) = (0, false);
    while open.iter().any(Option::is_some) {
        let (number, fate): (usize, Fate) = told.recv().context("all films are lost")?;
        // The first word counts.
        let Some(line) = open[number].take() else { continue };
        match fate {
            Fate::Played(said) => {
                said.into_iter().for_each(|said| eprintln!("{number} says: {said}"));
                eprintln!("{number} ended");
            }
            Fate::Failed(why) => {
                failed += 1;
                eprintln!("{number} failed: {why}");
            }
            Fate::Hangs(why) => {
                (failed, hangs) = (failed + 1, true);
                eprintln!("{number} failed: {why}");
                // The host need not wait for it. Fails when that is gone already.
                let _ = line.get().map(|line| shutdown(line, Shutdown::Both));
            }
        }
    }
    if hangs {
        // Not by an exit, which would run what libraries have to say at the end: they hang.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    if failed == 0 { Ok(()) } else { Err(anyhow!("{failed} of {} films failed", open.len())) }
}

/// The connection of a film, once it has one.
type Line = Arc<OnceLock<OwnedFd>>;

/// Starts one film, which tells its fate at its end.
fn start(number: usize, film: Arguments, tell: &Sender<(usize, Fate)>) -> Result<Line> {
    let (said, socket, line) = (tell.clone(), socket(number)?, Line::default());
    let dog =
        Watchdog::start(film.timeout, move |why| drop(said.send((number, Fate::Hangs(why)))))?;
    let (told, own) = (tell.clone(), Arc::clone(&line));
    let body = move || {
        let connected = |fd: BorrowedFd<'_>| {
            // Without it a film that hangs is noticed later.
            let _ = fd.try_clone_to_owned().map(|fd| own.set(fd));
        };
        let play = || play::play(&film, &dog, &socket, connected);
        let fate = match catch_unwind(AssertUnwindSafe(play)) {
            Ok(Ok(played)) => Fate::Played(played.remark()),
            // Whoever started us knows why it went.
            Ok(Err(err)) if err.is::<Gone>() => Fate::Played(None),
            Ok(Err(err)) => Fate::Failed(format!("{err:#}")),
            Err(_) => Fate::Failed("it panicked: please report it".to_owned()),
        };
        // Nobody hears it when all is over.
        let _ = told.send((number, fate));
    };
    thread::Builder::new().name(format!("film {number}")).spawn(body).context("start a thread")?;
    Ok(line)
}
