//! The two roots a virtual machine needs, made once and kept: one with QEMU in it, since an older
//! Debian's is too old, and the guest's own with its kernel.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::fs::FlockOperation;

use crate::setup::{self, Purpose};
use crate::{project, shell};

/// What the guest's root is completed with, in it.
const GUEST: &str = include_str!("guest.sh");
/// QEMU and its file server.
const TOOLS_PACKAGES: &str = "qemu-system-x86,virtiofsd";
/// What is in the guest beside its kernel and Mesa; a compiler for the modules.
const GUEST_PACKAGES: &str = "udev,kmod,iproute2,procps,libdrm2,vulkan-tools,\
    vulkan-validationlayers,xvfb,ffmpeg,gcc-14,make,xz-utils";
/// What both take while they are made.
const ROOM: u64 = 4 << 30;

/// The folders of both.
#[derive(Debug)]
pub(super) struct Roots {
    /// With QEMU.
    pub(super) tools: PathBuf,
    /// With the kernel as `boot/vmlinuz`.
    pub(super) guest: PathBuf,
}

/// The roots of this recipe, made first where they are not there yet.
///
/// # Errors
///
/// What is missing on this machine to make or to use them.
pub(super) fn roots() -> Result<Roots> {
    may_be_made_here()?;
    let cache = cache()?;
    fs::create_dir_all(&cache).with_context(|| format!("make {}", cache.display()))?;
    let lock = File::create(cache.join("lock")).context("cannot lock the cache")?;
    // Two at once would make the same; the second one finds it made.
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).context("cannot lock the cache")?;
    let folder = cache.join(key());
    if !folder.exists() {
        make(&folder)?;
    }
    Ok(Roots { tools: folder.join("tools"), guest: folder.join("guest") })
}

/// Beside what other programs of this user keep, so that all checkouts share it.
fn cache() -> Result<PathBuf> {
    let of_home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let user = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(of_home);
    Ok(user.unwrap_or_else(project::target).join("zerohop").join("vm"))
}

/// Another recipe makes another folder.
fn key() -> String {
    let mut hasher = DefaultHasher::new();
    (GUEST, TOOLS_PACKAGES, GUEST_PACKAGES).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Whether this machine lets a virtual one be made and run.
///
/// # Errors
///
/// Why not.
pub(super) fn may_be_made_here() -> Result<()> {
    setup::mirror().context("the virtual machine is made of packages of Debian")?;
    if std::env::consts::ARCH != "x86_64" {
        bail!("the virtual machine is an x86-64 one, this is {}", std::env::consts::ARCH);
    }
    if !rustix::process::geteuid().is_root() {
        bail!("only root can make the virtual machine's folders and mount them: run this as root");
    }
    let mut namespaces = Command::new("unshare");
    namespaces.args(["--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    shell::output(&mut namespaces).map(drop).context(
        "root may not mount in namespaces of its own here (an unprivileged container?), \
         and the virtual machine needs that",
    )
}

fn make(folder: &Path) -> Result<()> {
    setup::ensure(&[Purpose::Vm])?;
    let part = folder.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("remove {}", part.display()))?;
    }
    fs::create_dir_all(&part).with_context(|| format!("make {}", part.display()))?;
    let room = rustix::fs::statvfs(&part).context("cannot tell the room on the disk")?;
    let room = room.f_bavail * room.f_frsize;
    if room < ROOM {
        let (has, needs) = (room >> 20, ROOM >> 20);
        bail!("{} has {has} MiB left, and the virtual machine needs {needs}", part.display());
    }
    eprintln!("making the virtual machine in {}: once, about two minutes", folder.display());
    let begin = Instant::now();
    let made = debian(&part);
    made.inspect_err(|_| drop(fs::remove_dir_all(&part)))?;
    fs::rename(&part, folder).with_context(|| format!("make {}", folder.display()))?;
    eprintln!("made in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn debian(folder: &Path) -> Result<()> {
    let mirror = setup::mirror()?;
    let mmdebstrap = || {
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--variant=apt", "--mode=root"]);
        command
    };
    let mut tools = mmdebstrap();
    tools.args(["--include", TOOLS_PACKAGES, "trixie"]).arg(folder.join("tools")).arg(&mirror);
    shell::output(&mut tools)?;
    let script = folder.join("guest.sh");
    fs::write(&script, GUEST).with_context(|| format!("write {}", script.display()))?;
    let mut guest = mmdebstrap();
    guest.args(["--include", GUEST_PACKAGES]);
    guest.arg(format!("--customize-hook=chroot \"$1\" sh -s < '{}'", script.display()));
    guest.arg("trixie").arg(folder.join("guest"));
    for suite in ["trixie", "trixie-backports"] {
        guest.arg(format!("deb {mirror} {suite} main"));
    }
    shell::output(&mut guest).map(drop)
}
