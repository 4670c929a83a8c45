//! The words after `cargo xtask vm`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::machine::Shape;
use crate::args::Args;

/// What `cargo xtask vm --help` prints.
pub(super) const USAGE: &str = "\
usage: cargo xtask vm [OPTIONS] -- COMMAND [ARGUMENTS...]

Runs COMMAND as root in a small virtual machine with kernel graphics devices, and ends with its
exit code. The checkout and its target folder lie there where they lie here; `zerohop`, the other
programs of target/debug and the layers (VK_ADD_LAYER_PATH) are found. Everything else that the
command writes is gone afterwards. The machine is emulated: about ten times slower than this one.
The first run makes it (two minutes, 2 GB in the user's cache folder); it needs root and Debian.

devices: /dev/udmabuf and /dev/dma_heap, cards as /run/cards/DRIVER:
  vgem        dumb buffers, PRIME, fences; a render node
  vkms        modesetting with a CRC and writeback
  cirrus      modesetting that a screenshot shows
  virtio-gpu  modesetting that a screenshot shows; takes its own buffers only

  --modules LIST       kernel modules, in this order [vgem,vkms,virtio-gpu,cirrus,uinput]
  --memory MIB         of the guest [3072]
  --timeout SECONDS    for all of it, then it is ended [600]
  --screenshot FILE    a PNG of a card's screen, taken
                         when COMMAND has ended, or
    --when TEXT          when it prints TEXT, or
    --after SECONDS      so long after it began
  --screen NAME        whose screen: cirrus or virtio-gpu [cirrus]
  --no-build           take the programs as they are
  --console            show what the kernel says, too

COMMAND can take screenshots by itself: `screenshot FILE.png [cirrus|virtio-gpu]`.
Variables are set by `-- env NAME=VALUE COMMAND`, a shell is `-- bash -c 'SCRIPT'`.
";

/// What the user wants.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) shape: Shape,
    pub(super) timeout: Duration,
    pub(super) screenshot: Option<Screenshot>,
    pub(super) build: bool,
    pub(super) console: bool,
    pub(super) command: Vec<String>,
}

/// A picture of a screen.
#[derive(Clone, Debug)]
pub(super) struct Screenshot {
    pub(super) file: PathBuf,
    pub(super) screen: String,
    pub(super) when: When,
}

/// When it is taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum When {
    /// The command has ended.
    Ended,
    /// The command printed this.
    Printed(String),
    /// The command runs for so long.
    After(Duration),
}

impl Options {
    /// Takes all words.
    ///
    /// # Errors
    ///
    /// One of them means nothing.
    pub(super) fn take(args: &mut Args) -> Result<Self> {
        let command = args.command()?;
        let screenshot = screenshot(args)?;
        let options = Self {
            shape: shape(args)?,
            timeout: seconds(args, "--timeout")?.unwrap_or(Duration::from_secs(600)),
            screenshot,
            build: !args.flag("--no-build"),
            console: args.flag("--console"),
            command,
        };
        args.end()?;
        Ok(options)
    }
}

fn shape(args: &mut Args) -> Result<Shape> {
    let modules = args.value("--modules")?;
    let modules = modules.unwrap_or_else(|| "vgem,vkms,virtio-gpu,cirrus,uinput".to_owned());
    let memory = args.value("--memory")?.unwrap_or_else(|| "3072".to_owned());
    let memory = memory.parse().with_context(|| format!("--memory {memory}: a number of MiB"))?;
    Ok(Shape { memory, modules: modules.replace(',', " ") })
}

fn screenshot(args: &mut Args) -> Result<Option<Screenshot>> {
    let file = args.value("--screenshot")?;
    let text = args.value("--when")?;
    let after = seconds(args, "--after")?;
    let screen = args.value("--screen")?;
    let Some(file) = file else {
        if text.is_some() || after.is_some() || screen.is_some() {
            bail!("--when, --after and --screen say how to take a --screenshot FILE");
        }
        return Ok(None);
    };
    let when = match (text, after) {
        (None, None) => When::Ended,
        (Some(text), None) if !text.is_empty() => When::Printed(text),
        (None, Some(time)) => When::After(time),
        _ => bail!("--when TEXT or --after SECONDS, not both"),
    };
    let screen = screen.unwrap_or_else(|| "cirrus".to_owned());
    Ok(Some(Screenshot { file: file.into(), screen, when }))
}

fn seconds(args: &mut Args, name: &str) -> Result<Option<Duration>> {
    let Some(word) = args.value(name)? else { return Ok(None) };
    let number: Option<f64> = word.parse().ok().filter(|it: &f64| (0.0..=1e6).contains(it));
    let number = number.with_context(|| format!("{name} {word}: a number of seconds"))?;
    Ok(Some(Duration::from_secs_f64(number)))
}
