//! A private X server with a screen that nobody sees.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use zerohop_frame::Extent;

use crate::failure::Failure;
use crate::processes::Processes;

/// How long a display server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs, and that only those who know its secret can use.
#[derive(Debug)]
pub(crate) struct Xvfb {
    /// Its process.
    pub(crate) pid: Pid,
    /// Its display, as in ":7".
    pub(crate) display: String,
    /// The file with its secret, for `XAUTHORITY`.
    pub(crate) secret: PathBuf,
}

impl Xvfb {
    /// Starts one with a screen of `size`. Its files lie in `folder`.
    pub(crate) fn start(
        size: Extent,
        folder: &Path,
        processes: &mut Processes,
    ) -> Result<Self, Failure> {
        let (log, secret) = (folder.join("xvfb.log"), folder.join("xauthority"));
        let complaints = File::create(&log).map_err(|err| failed(err.to_string()))?;
        admit(&secret).map_err(|err| failed(format!("could not make its secret: {err}")))?;
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"]);
        command.arg(format!("{}x{}x24", size.width, size.height)).arg("-auth").arg(&secret);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(complaints);
        let started = processes.spawn(&mut command);
        let (pid, mut server) = started.map_err(|err| match err.kind() {
            io::ErrorKind::NotFound => failed("Xvfb is not installed".to_owned()),
            _ => failed(format!("could not start Xvfb: {err}")),
        })?;
        let number = server.stdout.take().and_then(read_number);
        let number = number.ok_or_else(|| failed(complaint(&log)))?;
        Ok(Self { pid, display: format!(":{number}"), secret })
    }
}

fn failed(why: String) -> Failure {
    let todo = "install Xvfb (Debian: apt-get install xvfb), or use --display none for an \
                application without windows";
    Failure::new("the private display", why, todo)
}

/// The last thing that the server wrote to `log`.
fn complaint(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    format!("Xvfb did not start: {}", last.unwrap_or("it said nothing"))
}

/// Writes a file with a fresh secret, without which nobody may connect.
///
/// # References
///
/// `Xau(3)` and `Xsecurity(7)`: an entry is a family (wild: 0xffff), an address, a display number,
/// a method and its data, each but the first after its length; all numbers have 16 bits, the high
/// byte first. A wild family without a number is for every display.
fn admit(path: &Path) -> io::Result<()> {
    const METHOD: &[u8] = b"MIT-MAGIC-COOKIE-1";
    let mut cookie = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut cookie)?;
    let mut entry = vec![0xff, 0xff, 0, 0, 0, 0];
    for part in [METHOD, &cookie] {
        entry.extend([0, part.len() as u8]);
        entry.extend(part);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&entry)
}

/// The line that the server writes once it listens, or `None` when it ends before, or takes too long.
fn read_number(mut pipe: ChildStdout) -> Option<u32> {
    let begin = Instant::now();
    let mut line = String::new();
    while !line.ends_with('\n') {
        let left = PATIENCE.checked_sub(begin.elapsed())?;
        let mut ready = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
        match poll(&mut ready, Timespec::try_from(left).ok().as_ref()) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
        }
        let mut bytes = [0; 16];
        match pipe.read(&mut bytes).ok()? {
            0 => return None,
            length => line.push_str(std::str::from_utf8(&bytes[..length]).ok()?),
        }
    }
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_users_alone_and_new_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let made = ["a", "b"].map(|name| folder.path().join(name));
        made.iter().for_each(|path| admit(path).unwrap());
        let [one, other] = made.map(|path| fs::read(path).unwrap());
        assert_eq!((one.len(), &one[..6]), (6 + 2 + 18 + 2 + 16, &[255, 255, 0, 0, 0, 0][..]));
        assert_ne!(one, other);
        assert!(admit(&folder.path().join("a")).is_err(), "never over what is there");
    }
}
