//! Where the application's windows are: on the user's display, on a private one, or nowhere.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};
use zerohop_frame::Extent;

use crate::args::DisplayChoice;
use crate::failure::Failure;
use crate::processes::Processes;

/// How long a display server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A display, as the application finds it.
#[derive(Debug)]
pub(crate) struct Display {
    /// Environment variables to set, or to take away.
    pub(crate) environment: Vec<(&'static str, Option<OsString>)>,
    /// The private server, if there is one.
    pub(crate) server: Option<Pid>,
}

impl Display {
    /// Finds or starts what `choice` asks for. A private one has a screen of `size`, and writes
    /// its complaints to a file in `folder`.
    pub(crate) fn open(
        choice: &DisplayChoice,
        size: Extent,
        folder: &Path,
        processes: &mut Processes,
    ) -> Result<Self, Failure> {
        match choice {
            DisplayChoice::None => Ok(Self { environment: without(), server: None }),
            DisplayChoice::Named(name) if x_listens(name) => {
                let environment = vec![("DISPLAY", Some(name.into())), ("WAYLAND_DISPLAY", None)];
                Ok(Self { environment, server: None })
            }
            DisplayChoice::Named(name) => Err(Failure::new(
                format!("display {name}"),
                "no X server listens there",
                "start it first, or use --display auto for a private one",
            )),
            DisplayChoice::Auto if users_display_listens() => {
                Ok(Self { environment: Vec::new(), server: None })
            }
            DisplayChoice::Auto => Self::private(size, folder, processes),
        }
    }

    /// Starts a display with a screen of `size` that nobody sees.
    pub(crate) fn private(
        size: Extent,
        folder: &Path,
        processes: &mut Processes,
    ) -> Result<Self, Failure> {
        let failed = |why: String| {
            let todo = "install Xvfb (Debian: apt-get install xvfb), or use --display none for an \
                    application without windows";
            Failure::new("the private display", why, todo)
        };
        let log = folder.join("xvfb.log");
        let complaints = File::create(&log).map_err(|err| failed(err.to_string()))?;
        let secret = folder.join("xauthority");
        admit(&secret).map_err(|err| failed(format!("could not make its secret: {err}")))?;
        let mut command = Command::new("Xvfb");
        command
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset", "-screen", "0"])
            .arg(format!("{}x{}x24", size.width, size.height))
            .arg("-auth")
            .arg(&secret)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints);
        let (pid, mut server) = match processes.spawn(&mut command, Signal::TERM) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                return Err(failed("Xvfb is not installed".to_owned()));
            }
            Err(err) => return Err(failed(format!("could not start Xvfb: {err}"))),
            Ok(started) => started,
        };
        let number = server.stdout.take().and_then(read_number).ok_or_else(|| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let said =
                said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            failed(format!("Xvfb did not start: {}", said.trim()))
        })?;
        let display = OsString::from(format!(":{number}"));
        let environment = vec![
            ("DISPLAY", Some(display)),
            ("XAUTHORITY", Some(secret.into())),
            ("WAYLAND_DISPLAY", None),
            ("WAYLAND_SOCKET", None),
        ];
        Ok(Self { environment, server: Some(pid) })
    }
}

fn without() -> Vec<(&'static str, Option<OsString>)> {
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].map(|name| (name, None)).into()
}

/// Whether a display that the environment names answers.
pub(crate) fn users_display_listens() -> bool {
    let wayland = env::var_os("WAYLAND_DISPLAY").filter(|name| !name.is_empty());
    let x = env::var_os("DISPLAY").filter(|name| !name.is_empty());
    wayland.is_some_and(|name| wayland_listens(&name))
        || x.is_some_and(|name| name.to_str().is_some_and(x_listens))
}

/// `wl_display_connect(3)`: an absolute path, or a name in `$XDG_RUNTIME_DIR`.
fn wayland_listens(name: &OsStr) -> bool {
    let folder = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
    UnixStream::connect(folder.join(name)).is_ok()
}

/// `X(7)`, "DISPLAY NAMES". Displays of other hosts are taken at their word.
fn x_listens(name: &str) -> bool {
    let Some((host, rest)) = name.rsplit_once(':') else { return false };
    if !(host.is_empty() || host == "unix") {
        return true;
    }
    let Ok(number) = rest.split('.').next().unwrap_or_default().parse::<u32>() else {
        return false;
    };
    let path = format!("/tmp/.X11-unix/X{number}");
    let hidden = SocketAddr::from_abstract_name(&path);
    hidden.is_ok_and(|address| UnixStream::connect_addr(&address).is_ok())
        || UnixStream::connect(path).is_ok()
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

    #[test]
    fn a_display_that_nobody_serves_does_not_listen() {
        assert!(!x_listens(":4294967295"));
        assert!(!x_listens("nonsense") && !x_listens(":x"));
        assert!(x_listens("far.example.org:0"), "nobody asks the network");
        assert!(!wayland_listens(OsStr::new("/nonexistent/wayland-0")));
    }
}
