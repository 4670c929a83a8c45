//! What may happen to a guest or its host, and must harm nobody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::host::{Host, HostLayer, RENDERER, spawned};
use super::{Guest, pages};
use crate::report::Report;
use crate::roots::Root;
use crate::{sheet, tree};

/// How long things may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Two guests of one host, at once.
pub(super) fn two_at_once(zerohop: &Path, folder: &Path, guest: &Guest<'_>) -> Result<()> {
    let start = |name: &str| {
        let words = ["vkcube", "--wsi", "xcb", "--c", "90"];
        Recording::start(zerohop, &folder.join(name), guest, &words)
    };
    let (mut one, mut other) = (start("two-1")?, start("two-2")?);
    let (one, other) = (one.wait(LIMIT)?, other.wait(LIMIT)?);
    println!("{one} and {other} pictures");
    if one < 90 || other < 90 { bail!("of 90 pictures each") } else { Ok(()) }
}

/// The guest's application is killed: its recording is whole, and the host serves the next.
pub(super) fn killed_guest(zerohop: &Path, folder: &Path, guest: &Guest<'_>) -> Result<()> {
    let endless = ["vkcube", "--wsi", "xcb"];
    let mut recording = Recording::start(zerohop, &folder.join("killed"), guest, &endless)?;
    recording.until_it_records()?;
    kill("vkcube")?;
    if recording.end(LIMIT)? == 0 {
        bail!("the recording ended as if nothing had happened");
    }
    println!("{} pictures are in the file", sheet::count_pictures(&recording.file("mp4"))?);
    pages::none_left(LIMIT)?;
    let words = ["vkcube", "--wsi", "xcb", "--c", "30"];
    Recording::start(zerohop, &folder.join("after"), guest, &words)?.wait(LIMIT).map(drop)
}

/// The host is killed: the guest's program is ended and said so, and the file can be played.
pub(super) fn killed_host(zerohop: &Path, folder: &Path, root: &Root) -> Result<()> {
    let built = zerohop.parent().context("zerohop lies in no folder")?;
    let mut host = Host::start(root, built, folder, HostLayer::DmaBuf)?;
    let guest = Guest::of(root, &host)?;
    let video = folder.join("orphan.mp4");
    let _ = fs::remove_file(&video);
    let mut command = guest.command(zerohop)?;
    command.args(["run", "--no-progress", "--display", "none", "--output"]);
    command.arg(Root::inside(&video)?);
    command.args(["--", "vkmark", "--winsys", "headless", "-b", "cube:duration=600"]);
    let killer = thread::spawn({
        let video = video.clone();
        move || -> Result<()> {
            until("a picture in the file", || size(&video) > 50_000)?;
            kill(RENDERER)
        }
    });
    let begin = Instant::now();
    let watched = host.watch(&mut command);
    killer.join().map_err(|_| anyhow::anyhow!("the killer panicked"))??;
    let Err(err) = watched else {
        bail!("a guest without a host ended as if nothing had happened")
    };
    println!("after {:.0} s: {err}", begin.elapsed().as_secs_f64());
    let (took, pictures) = (begin.elapsed(), sheet::count_pictures(&video)?);
    println!("{pictures} pictures are in the file");
    if pictures == 0 || took > LIMIT {
        bail!("{pictures} pictures can be played, after {} s", took.as_secs());
    }
    Ok(())
}

/// A recording in a guest.
struct Recording {
    process: Child,
    name: PathBuf,
}

impl Recording {
    fn start(zerohop: &Path, name: &Path, guest: &Guest<'_>, words: &[&str]) -> Result<Self> {
        let recording = |process| Self { process, name: name.to_owned() };
        let file = |end: &str| name.with_extension(end);
        for end in ["mp4", "json"] {
            let _ = fs::remove_file(file(end));
        }
        let mut command = guest.command(zerohop)?;
        command.args(["run", "--no-progress", "--output"]).arg(Root::inside(&file("mp4"))?);
        command.arg("--report").arg(Root::inside(&file("json"))?).arg("--").args(words);
        spawned(&mut command).map(recording)
    }

    fn file(&self, end: &str) -> PathBuf {
        self.name.with_extension(end)
    }

    fn until_it_records(&self) -> Result<()> {
        let video = self.file("mp4");
        until("a picture in the file", || size(&video) > 50_000)
    }

    /// Its exit code, once it has ended; 128 and more for a signal.
    fn end(&mut self, limit: Duration) -> Result<i32> {
        let begin = Instant::now();
        while begin.elapsed() < limit {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status.code().unwrap_or(128));
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("a recording did not end within {} s", limit.as_secs())
    }

    /// How many pictures were presented, once it has ended well.
    fn wait(&mut self, limit: Duration) -> Result<u64> {
        match self.end(limit)? {
            0 => Report::read(&self.file("json"))?.number("/frames_presented"),
            code => bail!("{} ended with {code}", self.name.display()),
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Whoever lives on is named by `tree::nothing_left`.
        let _ = tree::kill(&mut self.process);
    }
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !holds() {
        if begin.elapsed() > LIMIT {
            bail!("waited {} s for {what}", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Kills our descendants of that name, as nothing can be prepared for.
fn kill(name: &str) -> Result<()> {
    let all: Vec<Pid> = tree::descendants_running(name);
    all.first().with_context(|| format!("no {name} runs"))?;
    for pid in all {
        // One may end because another has.
        let _ = kill_process(pid, Signal::KILL);
    }
    Ok(())
}
