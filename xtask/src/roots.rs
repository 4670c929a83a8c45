//! Other releases of Debian beside this one: newer loaders, newer drivers, and programs that this
//! one lacks. Made once, in `target/roots`, and used again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{project, setup, shell};

/// What is installed in each.
const PACKAGES: &str = "libvulkan1,mesa-vulkan-drivers,vulkan-tools,vulkan-validationlayers,xvfb,\
    vkmark,libsdl2-tests,libsdl3-tests,virgl-server,gtk-4-examples,fonts-dejavu-core";

/// Where the target folder is in there.
const INSIDE: &str = "/mnt";

/// Enters the root in a mount and a process namespace of its own: whatever is left running in it
/// ends with the command, and nothing stays mounted.
const ENTER: &str = "set -e; root=$1; target=$2; shift 2; mount --make-rprivate /; \
    mount --bind \"$target\" \"$root/mnt\"; mount -t proc proc \"$root/proc\"; \
    mount --rbind /dev \"$root/dev\"; mount -t tmpfs -o mode=1777 tmp \"$root/tmp\"; \
    exec chroot \"$root\" \"$@\"";

/// A release of Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// Debian 13: Mesa 25.0, virglrenderer 1.1.
    Trixie,
    /// Debian as it will be: Mesa 26.2 in November 2026, virglrenderer 1.3.
    Sid,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Trixie => "trixie",
            Self::Sid => "sid",
        }
    }
}

/// The folder of one.
#[derive(Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    /// Whether roots can be made and entered here.
    ///
    /// # Errors
    ///
    /// Why they cannot.
    pub(crate) fn possible() -> Result<()> {
        if !rustix::process::geteuid().is_root() {
            bail!("only root can make another Debian beside this one, and enter it");
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--pid", "--fork", "mount", "--make-rprivate", "/"]);
        shell::output(&mut unshare).context("no mounts of one's own here").map(drop)
    }

    /// That release, made first if it is not there, or was made for other packages.
    ///
    /// # Errors
    ///
    /// We are not root, or it cannot be made.
    pub(crate) fn of(suite: Suite) -> Result<Self> {
        Self::possible()?;
        let roots = project::target().join("roots");
        let root = roots.join(suite.name());
        let made_for = root.join("etc/zerohop-packages");
        if fs::read_to_string(&made_for).is_ok_and(|packages| packages == PACKAGES) {
            return Ok(Self(root));
        }
        fs::create_dir_all(&roots).context("make target/roots")?;
        let begin = Instant::now();
        println!("making a Debian {} in {}", suite.name(), root.display());
        remove(&root)?;
        make(suite, &root)?;
        fs::write(&made_for, PACKAGES).context("note its packages")?;
        println!("made in {:.0} s\n", begin.elapsed().as_secs_f64());
        Ok(Self(root))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// `program` in there: of the target folder, or of the root itself.
    ///
    /// # Errors
    ///
    /// It has an absolute path outside the target folder.
    pub(crate) fn command(&self, program: &Path) -> Result<Command> {
        // Whoever started it may be killed, and then nothing may stay behind.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]);
        command.args(["--kill-child", "sh", "-c", ENTER, "sh"]);
        let program =
            if program.is_absolute() { Self::inside(program)? } else { program.to_owned() };
        command.arg(&self.0).arg(project::target()).arg(program);
        Ok(command)
    }

    /// What a path in the target folder is called in there.
    ///
    /// # Errors
    ///
    /// It is not in the target folder.
    pub(crate) fn inside(path: &Path) -> Result<PathBuf> {
        let rest = path.strip_prefix(project::target()).context("not in the target folder")?;
        Ok(Path::new(INSIDE).join(rest))
    }
}

fn remove(root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root).with_context(|| format!("remove {}", root.display()))?;
    }
    Ok(())
}

fn make(suite: Suite, root: &Path) -> Result<()> {
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap.args(["--quiet", "--variant=minbase", "--include", PACKAGES]);
    // A mirror may keep an index for longer than the index itself says.
    mmdebstrap.args(["--aptopt", "Acquire::Check-Valid-Until \"false\""]);
    mmdebstrap.arg(suite.name()).arg(root).arg(setup::mirror()?);
    shell::run(&mut mmdebstrap)
}
