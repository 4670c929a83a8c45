//! A running virtual machine: QEMU in namespaces of its own, and the ports that lead into it.

use std::io::{BufReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use rustix::io::FdFlags;

use super::build::Roots;
use super::monitor::Monitor;
use crate::project;

/// What runs in the namespaces before QEMU does.
const ENTER: &str = include_str!("enter.sh");
/// What the guest runs first.
const INIT: &str = include_str!("init.sh");

/// What a machine is made of.
#[derive(Debug)]
pub(super) struct Shape {
    /// Memory of the guest, in MiB.
    pub(super) memory: u32,
    /// Kernel modules with the devices.
    pub(super) modules: String,
}

/// What leads into a machine. Each ends when the machine does.
#[derive(Debug)]
pub(super) struct Ports {
    /// What the command prints.
    pub(super) out: UnixStream,
    /// What the command prints as errors.
    pub(super) err: UnixStream,
    /// What the guest's program `screenshot` asks for.
    pub(super) shots: UnixStream,
    /// What the kernel, QEMU and the file servers say.
    pub(super) console: ChildStdout,
}

/// A machine, ended when this is dropped, and by the kernel when this process ends in any way.
#[derive(Debug)]
pub(super) struct Machine {
    child: Child,
    tools: PathBuf,
    control: UnixStream,
}

impl Machine {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// It cannot be started. What goes wrong later is told on its console.
    pub(super) fn start(roots: &Roots, shape: &Shape) -> Result<(Self, Ports, Monitor)> {
        let (control, control_end) = channel()?;
        let (out, out_end) = channel()?;
        let (err, err_end) = channel()?;
        let (shots, shots_end) = channel()?;
        let (monitor, monitor_end) = channel()?;
        let mut command = Command::new("setpriv");
        // The kernel ends all of it when we end, however that happens.
        command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]);
        command.args(["--kill-child", "sh", "-c", ENTER, "enter.sh"]);
        command.args([&roots.tools, &roots.guest]).arg(INIT);
        command.args([project::root(), &project::target()]);
        command.args(words(shape));
        command.args(["-kernel", "/run/guest/boot/vmlinuz", "-append", KERNEL]);
        let ports = [&control_end, &out_end, &err_end, &shots_end];
        for (number, end) in (1..).zip(ports) {
            let fd = end.as_raw_fd();
            command.args(["-chardev", &format!("socket,id=port{number},fd={fd}"), "-device"]);
            command.arg(format!("virtserialport,chardev=port{number},nr={number}"));
        }
        let fd = monitor_end.as_raw_fd();
        command.args(["-chardev", &format!("socket,id=qmp,fd={fd}"), "-mon", "qmp,mode=control"]);
        let (console, writer) = std::io::pipe().context("make a pipe")?;
        command.stdin(Stdio::null()).stderr(writer.try_clone()?).stdout(writer);
        let child = command.spawn().context("cannot start setpriv, of util-linux")?;
        let console = ChildStdout::from(OwnedFd::from(console));
        let machine = Self { child, tools: roots.tools.clone(), control };
        Ok((machine, Ports { out, err, shots, console }, Monitor::new(monitor)?))
    }

    /// Gives the guest its work, and a reader of what it says about it.
    ///
    /// # Errors
    ///
    /// The machine has ended.
    pub(super) fn give(&mut self, shape: &Shape, script: &str) -> Result<BufReader<UnixStream>> {
        let (checkout, target) = (project::root(), project::target());
        for text in [&shape.modules, path(checkout), path(&target), script] {
            self.control.write_all(text.as_bytes())?;
            self.control.write_all(&[0])?;
        }
        Ok(BufReader::new(self.control.try_clone()?))
    }

    /// Lets the guest power off, after it said how its command ended.
    pub(super) fn power_off(&mut self) {
        // One that has ended already is off.
        let _ = self.control.write_all(b"off\n");
    }

    /// Where this process sees a file that QEMU wrote as `/run/NAME`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        let run = self.tools.join("run").join(name);
        let inside = run.strip_prefix("/").unwrap_or(&run);
        Path::new("/proc").join(self.child.id().to_string()).join("root").join(inside)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // One that has ended needs no signal, and how it ended tells nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pair of sockets, whose second end a child keeps open.
fn channel() -> Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair().context("make a pair of sockets")?;
    rustix::io::fcntl_setfd(&theirs, FdFlags::empty()).context("hand a socket to QEMU")?;
    Ok((ours, theirs))
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// The kernel's command line.
const KERNEL: &str = "console=ttyS0 rootfstype=virtiofs root=guest ro init=/usr/sbin/zerohop-init \
    panic=-1 quiet";

/// QEMU's options: software emulation, two cards that a screenshot can be taken of, no network.
fn words(shape: &Shape) -> Vec<String> {
    let memory = shape.memory;
    let mut words = format!(
        "-accel tcg,thread=multi,tb-size=1024 -cpu max -smp 2 -m {memory}M \
         -object memory-backend-memfd,id=memory,size={memory}M,share=on \
         -machine pc,memory-backend=memory \
         -nodefaults -vga none -display none -net none -serial stdio -no-reboot \
         -device virtio-gpu-pci,id=virtio-gpu,xres=640,yres=480 -device cirrus-vga,id=cirrus \
         -device virtio-serial-pci"
    );
    for name in ["guest", "checkout", "target"] {
        words += &format!(
            " -chardev socket,id={name},path=/run/{name}.sock \
             -device vhost-user-fs-pci,chardev={name},tag={name}"
        );
    }
    words.split_whitespace().map(str::to_owned).collect()
}
