//! That the recorder reads the very pages that the renderer draws to.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use super::Guest;
use super::host::{RENDERER, spawned};
use crate::roots::Root;
use crate::tree;

/// How long the recording may take until all are there.
const LIMIT: Duration = Duration::from_secs(60);

/// Images of a swapchain of vkcube.
const IMAGES: usize = 3;

/// A file in memory: the device and the inode that are its identity, whatever the descriptor.
type Inode = (u64, u64);

/// Records vkcube, and looks for memory that all of host, application and recorder have: its images.
///
/// # Errors
///
/// They share fewer files than a swapchain has images.
pub(super) fn same(zerohop: &Path, folder: &Path, guest: &Guest<'_>) -> Result<()> {
    let mut command = guest.command(zerohop)?;
    command.args(["run", "--no-progress", "--output"]);
    command.arg(Root::inside(&folder.join("pages.mp4"))?);
    command.args(["--", "vkcube", "--wsi", "xcb", "--width", "800", "--height", "600"]);
    let mut recording = spawned(&mut command)?;
    let begin = Instant::now();
    let mut shared = BTreeSet::new();
    while shared.len() < IMAGES && begin.elapsed() < LIMIT {
        if let Some(status) = recording.try_wait()? {
            bail!("the recording ended: {status}");
        }
        thread::sleep(Duration::from_millis(100));
        shared = shared_by(&[RENDERER, "vkcube", "zerohop"], 800 * 600 * 4);
    }
    tree::kill(&mut recording)?;
    println!("in renderer, application and recorder alike: {} memfds of a picture", shared.len());
    if shared.len() < IMAGES {
        bail!("renderer, application and recorder share {} memfds of a picture", shared.len());
    }
    Ok(())
}

/// Waits until the renderer has no memory of a picture any more: what was a guest's goes with it.
///
/// # Errors
///
/// It still has some after `limit`.
pub(super) fn none_left(limit: Duration) -> Result<()> {
    let begin = Instant::now();
    loop {
        let left = shared_by(&[RENDERER], 300_000);
        if left.is_empty() {
            return Ok(());
        }
        if begin.elapsed() > limit {
            bail!("the renderer still has {} memfds of a guest that is gone", left.len());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The files of at least `bytes` that processes of all these names have, mapped or by descriptor.
fn shared_by(names: &[&str], bytes: u64) -> BTreeSet<Inode> {
    let of_name = |name: &&str| -> BTreeSet<Inode> {
        tree::descendants_running(name).into_iter().flat_map(|pid| files(pid, bytes)).collect()
    };
    let each = names.iter().map(of_name);
    each.reduce(|all, one| all.intersection(&one).copied().collect()).unwrap_or_default()
}

/// The files in memory that a process has. What it maps it need not have by descriptor any more.
fn files(pid: Pid, bytes: u64) -> BTreeSet<Inode> {
    let pid = pid.as_raw_nonzero();
    let of_folder = |folder: &str| {
        let entries = fs::read_dir(format!("/proc/{pid}/{folder}")).into_iter().flatten();
        entries.filter_map(|entry| memfd(&entry.ok()?.path(), bytes)).collect::<Vec<_>>()
    };
    ["fd", "map_files"].into_iter().flat_map(of_folder).collect()
}

/// The identity of the memfd that a link of `/proc` leads to.
///
/// # References
///
/// `proc_pid_fd(5)`, `proc_pid_map_files(5)`: the links of memfds begin with `/memfd:`.
fn memfd(link: &Path, bytes: u64) -> Option<Inode> {
    let target = fs::read_link(link).ok()?;
    if !target.to_str()?.starts_with("/memfd:") {
        return None;
    }
    let file = fs::metadata(link).context("it may be gone").ok()?;
    (file.size() >= bytes).then_some((file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memfd_is_found_by_descriptor_and_by_size() {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let fd = rustix::fs::memfd_create("pages", flags).unwrap();
        rustix::fs::ftruncate(&fd, 4096).unwrap();
        let inode = rustix::fs::fstat(&fd).unwrap();
        let me = rustix::process::getpid();
        assert!(files(me, 4096).contains(&(inode.st_dev, inode.st_ino)));
        assert!(!files(me, 4097).contains(&(inode.st_dev, inode.st_ino)));
    }
}
