//! The programs of a Debian 13 beside a Debian 12: a newer loader, newer drivers, and programs that
//! 12 lacks.

use anyhow::Result;

use super::App;
use crate::roots::{Root, Suite};
use crate::setup;

/// The Debian 13 beside a Debian 12. `None` where it cannot be, after saying why, and on a system
/// that is as new itself.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn beside() -> Result<Option<Root>> {
    if setup::is_since(13)? {
        return Ok(None);
    }
    if let Err(why) = Root::possible() {
        println!("NOT RUN: the programs of Debian 13: {why}");
        return Ok(None);
    }
    Root::of(Suite::Trixie).map(Some)
}

/// The programs that are run there, or here where this is one.
pub(crate) fn apps() -> Vec<App> {
    let headless = App {
        display: "none",
        ..App::new("vkmark-headless", "vkmark --winsys headless -b cube:duration=3", None)
    };
    vec![
        App::new("vkcube-13", "vkcube --wsi xcb --c 300 --width 1280 --height 720", None),
        App::new("vkmark-xcb", "vkmark --winsys xcb -b cube:duration=3 --size 640x360", None),
        headless,
        App::new("sdl2-13", "/usr/libexec/installed-tests/SDL2/testvulkan", Some(4)),
        App::new("sdl3-13", "/usr/libexec/installed-tests/SDL3/testvulkan", Some(4)),
    ]
}
