//! The threads that read what comes out of a machine. Each ends when the machine does.

use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::thread::{JoinHandle, spawn};

use super::machine::Ports;
use super::options::{Screenshot, When};

/// What happens in the machine.
#[derive(Debug)]
pub(super) enum Event {
    /// The command begins, so many seconds after the kernel did.
    Ready(String),
    /// The command printed the text that a screenshot waits for.
    Printed,
    /// The guest wants a screenshot, and hears over the socket how that went.
    Wanted(Screenshot, UnixStream),
    /// The command ended with this code.
    Exit(u8),
    /// One more line of the console.
    Console(String),
    /// The machine is off.
    Off,
}

/// Starts them. What the command prints goes on at once; `text` is what to look for in it.
pub(super) fn listen(
    ports: Ports,
    control: impl BufRead + Send + 'static,
    text: Option<String>,
    events: &Sender<Event>,
) -> [JoinHandle<()>; 2] {
    let Ports { out, err, shots, console } = ports;
    let (said, told, asked, seen) =
        (events.clone(), events.clone(), events.clone(), events.clone());
    spawn(move || lines(control, |line| said.send(spoken(line)?).ok()));
    spawn(move || wanted(shots, &asked));
    spawn(move || {
        lines(BufReader::new(console), |line| told.send(Event::Console(line.to_owned())).ok());
        // Whoever listened may have had enough.
        let _ = told.send(Event::Off);
    });
    let printed = move || drop(seen.send(Event::Printed));
    [
        spawn(move || copy(out, &mut io::stdout(), text, printed)),
        spawn(move || copy(err, &mut io::stderr(), None, || ())),
    ]
}

/// Hands on each line, until there are no more or nobody wants them.
fn lines(mut from: impl BufRead, mut each: impl FnMut(&str) -> Option<()>) {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        if each(String::from_utf8_lossy(&line).trim_end()).is_none() {
            return;
        }
        line.clear();
    }
}

/// A line of the control port.
fn spoken(line: &str) -> Option<Event> {
    match line.split_once(' ')? {
        ("ready", seconds) => Some(Event::Ready(seconds.to_owned())),
        ("exit", code) => Some(Event::Exit(code.parse().ok()?)),
        _ => None,
    }
}

/// `SCREEN FILE` lines.
fn wanted(shots: UnixStream, events: &Sender<Event>) {
    let Ok(answers) = shots.try_clone() else { return };
    lines(BufReader::new(shots), |line| {
        let (screen, file) = line.split_once(' ')?;
        let (screen, file) = (screen.to_owned(), file.into());
        let shot = Screenshot { file, screen, when: When::Ended };
        events.send(Event::Wanted(shot, answers.try_clone().ok()?)).ok()
    });
}

/// Copies as it comes, and calls `found` the first time that `text` has passed.
fn copy(mut from: UnixStream, to: &mut impl Write, text: Option<String>, found: impl Fn()) {
    let mut text = text.map(String::into_bytes);
    let (mut buffer, mut seen) = (vec![0; 64 << 10], Vec::new());
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        // A reader that has gone is no reason to stop the command.
        let _ = to.write_all(&buffer[..bytes]).and_then(|()| to.flush());
        let Some(wanted) = &text else { continue };
        seen.extend_from_slice(&buffer[..bytes]);
        if seen.windows(wanted.len()).any(|part| part == wanted) {
            found();
            text = None;
        } else {
            seen.drain(..seen.len().saturating_sub(wanted.len() - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_text_is_found_once_across_two_reads() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let writer = spawn(move || {
            for part in ["frame 1 dra", "wn\nframe 2 drawn\n"] {
                theirs.write_all(part.as_bytes()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        });
        let (mut copied, found) = (Vec::new(), Cell::new(0));
        copy(ours, &mut copied, Some("drawn".into()), || found.set(found.get() + 1));
        writer.join().unwrap();
        assert_eq!((copied.as_slice(), found.get()), (&b"frame 1 drawn\nframe 2 drawn\n"[..], 1));
    }
}
