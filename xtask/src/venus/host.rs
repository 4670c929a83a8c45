//! The host's side of Venus: virglrenderer's test server, whose renderer executes on this machine's
//! Vulkan what a guest sends over a local socket.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use zerohop_manifest::{DMABUF, HIDE};

use super::{exact, icd};
use crate::roots::Root;
use crate::{hide, shell, tree};

/// How long the server may take until it listens, on a busy machine.
const START: Duration = Duration::from_secs(20);

/// The program that executes what a guest sends, one process or two for each client.
pub(crate) const RENDERER: &str = "virgl_render_server";

/// How long a guest may go without a renderer: at its start and at its end it does.
const LEFT: Duration = Duration::from_secs(10);

/// How long a guest may take to end once it has no host.
const END: Duration = Duration::from_secs(10);

/// What is loaded into the renderer, above the host's driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostLayer {
    /// `VK_LAYER_ZEROHOP_dmabuf`.
    DmaBuf,
    /// The same without modifiers: the guest can map memory, and Mesa 25's has no external memory.
    Mapping,
    /// As the first, with the validation layer below.
    Validated,
    /// Nothing.
    None,
}

/// A running server, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Host {
    server: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Host {
    /// Starts one in `root` with the layers that lie in `built`, and with its socket and what it
    /// says in `folder`; both are folders of the target folder.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not listen after 20 s.
    pub(crate) fn start(
        root: &Root,
        built: &Path,
        folder: &Path,
        layer: HostLayer,
    ) -> Result<Self> {
        let (socket, log) = (folder.join("venus.sock"), folder.join("host.log"));
        let _ = fs::remove_file(&socket);
        let mut command = root.command(Path::new("virgl_test_server"))?;
        command.args(["--venus", "--no-virgl", "--multi-clients", "--socket-path"]);
        command.arg(Root::inside(&socket)?);
        command.env("VK_DRIVER_FILES", icd(root, "lvp")?);
        layer.put_on(&mut command, built)?;
        let out = File::create(&log).with_context(|| format!("make {}", log.display()))?;
        command.stdin(Stdio::null()).stderr(out.try_clone()?).stdout(out);
        let server = command.spawn().context("cannot start the Venus host")?;
        let mut host = Self { server, socket, log };
        host.wait_until_it_listens()?;
        Ok(host)
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The last `lines` that it and its renderer said.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        shell::tail(&fs::read_to_string(&self.log).unwrap_or_default(), lines)
    }

    /// Runs a guest's program to its end, and ends it when the host ends first: Mesa's driver waits
    /// for ever then, or aborts.
    ///
    /// # Errors
    ///
    /// The program cannot be started or fails, or the host ended.
    pub(crate) fn watch(&mut self, guest: &mut Command) -> Result<()> {
        let line = shell::line(guest);
        let mut guest = spawned(guest)?;
        let mut renders = Instant::now();
        loop {
            if let Some(status) = guest.try_wait()? {
                let well = status.success().then_some(());
                return well.with_context(|| format!("`{line}` failed: {status}"));
            }
            if !tree::descendants_running(RENDERER).is_empty() {
                renders = Instant::now();
            }
            let ended = self.server.try_wait()?;
            if ended.is_some() || renders.elapsed() > LEFT {
                end(&mut guest)?;
                let what = ended.map_or_else(|| "renders no more".to_owned(), |it| it.to_string());
                bail!("the Venus host left its guest, {what}: {}", self.last_words(5));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_until_it_listens(&mut self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < START {
            if let Some(status) = self.server.try_wait()? {
                bail!("the Venus host ended at once, {status}: {}", self.last_words(5));
            }
            // A connection that says nothing is a client that the server drops.
            if UnixStream::connect(&self.socket).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the Venus host does not listen after {} s: {}", START.as_secs(), self.last_words(5))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Its renderers go with it. Whoever lives on is named by `tree::nothing_left`.
        let _ = tree::kill(&mut self.server);
        let _ = fs::remove_file(&self.socket);
    }
}

/// Starts a program, and says so.
///
/// # Errors
///
/// It cannot be started.
pub(super) fn spawned(command: &mut Command) -> Result<Child> {
    let line = shell::line(command);
    println!("$ {line}");
    command.spawn().with_context(|| format!("cannot start `{line}`"))
}

/// Ends a program in a root as Ctrl-C would, so that what it recorded is whole, and by force where
/// that is not enough.
fn end(guest: &mut Child) -> Result<()> {
    for pid in tree::children_of(guest.id()) {
        let _ = rustix::process::kill_process(pid, Signal::INT);
    }
    let begin = Instant::now();
    while begin.elapsed() < END {
        if guest.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    tree::kill(guest)
}

impl HostLayer {
    /// Sets the environment of the host, which its renderers inherit.
    fn put_on(self, command: &mut Command, built: &Path) -> Result<()> {
        let ours = Root::inside(built)?;
        let ours = ours.display();
        match self {
            Self::DmaBuf | Self::Validated => {
                command.env("VK_LAYER_PATH", ours.to_string());
                command.env("VK_INSTANCE_LAYERS", DMABUF.name);
                if self == Self::Validated {
                    exact::validate_host(command);
                }
            }
            Self::Mapping => {
                let hide = Root::inside(&hide::manifest_folder(built)?)?;
                command.env("VK_LAYER_PATH", format!("{}:{ours}", hide.display()));
                let both = format!("{}:{}", HIDE.name, DMABUF.name);
                command.env("VK_INSTANCE_LAYERS", both);
                command.env(hide::VARIABLE, "VK_EXT_image_drm_format_modifier");
            }
            Self::None => can_map_without_us()?,
        }
        Ok(())
    }
}

/// Whether a guest can map memory when nobody helps its host's driver, which is llvmpipe.
///
/// # Errors
///
/// It cannot: its driver would wait for an answer for ever.
fn can_map_without_us() -> Result<()> {
    const UDMABUF: &str = "/dev/udmabuf";
    let opened = File::options().read(true).write(true).open(UDMABUF);
    opened.map(drop).with_context(|| {
        format!(
            "without the host layer no guest can map memory here: llvmpipe makes the dma-bufs that \
             virglrenderer hands to guests with {UDMABUF} only; load the kernel module udmabuf, or \
             leave out --no-host-layer"
        )
    })
}
