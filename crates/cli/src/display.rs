//! Where the application's windows are: on the user's display, on a private one, or nowhere.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};

use rustix::process::Pid;
use zerohop_frame::Extent;
use zerohop_wire::{HostDisplay, MAX_REFRESH, MAX_SIDE, text};

use crate::args::DisplayChoice;
use crate::failure::Failure;
use crate::processes::Processes;
use crate::xvfb::Xvfb;

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
    fn private(size: Extent, folder: &Path, processes: &mut Processes) -> Result<Self, Failure> {
        let Xvfb { pid, display, secret } = Xvfb::start(size, folder, processes)?;
        let environment = vec![
            ("DISPLAY", Some(display.into())),
            ("XAUTHORITY", Some(secret.into())),
            ("WAYLAND_DISPLAY", None),
            ("WAYLAND_SOCKET", None),
        ];
        Ok(Self { environment, server: Some(pid) })
    }
}

/// The display of an application that draws on a whole one: of `size`, with `rate` refreshes in a
/// second. There is nobody to look at it; its pictures are the recording.
pub(crate) fn whole(size: Extent, rate: f64) -> HostDisplay {
    let extent = tellable(size);
    let refresh_mhz = (rate * 1000.0).round().clamp(1.0, f64::from(MAX_REFRESH)) as u32;
    HostDisplay { name: text("zerohop"), extent, refresh_mhz, size_mm: [0; 2], paces: false }
}

/// As much of `size` as producers can be told: no picture is larger.
pub(crate) fn tellable(size: Extent) -> Extent {
    Extent { width: size.width.min(MAX_SIDE), height: size.height.min(MAX_SIDE) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_display_stays_within_what_the_wire_can_say() {
        let display = whole(Extent { width: 32767, height: 720 }, 59.94);
        assert_eq!(display.extent, Extent { width: 16384, height: 720 });
        assert_eq!(display.refresh_mhz, 59_940);
        assert_eq!(whole(display.extent, 1e-9).refresh_mhz, 1);
    }

    #[test]
    fn a_display_that_nobody_serves_does_not_listen() {
        assert!(!x_listens(":4294967295"));
        assert!(!x_listens("nonsense") && !x_listens(":x"));
        assert!(x_listens("far.example.org:0"), "nobody asks the network");
        assert!(!wayland_listens(OsStr::new("/nonexistent/wayland-0")));
    }
}
