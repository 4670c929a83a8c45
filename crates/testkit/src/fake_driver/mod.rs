//! A Vulkan driver that does nothing and writes down everything: the next layer under a layer
//! that is being tested.
//!
//! It counts every object and every descriptor, knows which semaphores and fences are signaled,
//! and complains of every handle that it did not make. Nothing is drawn. It can be told to lack
//! things, and to fail at any call.

mod buffer;
mod chain;
mod compute;
mod device;
mod handles;
mod instance;
mod lookup;
mod memory;
mod physical;
mod submit;
mod sync;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ash::vk;

pub use handles::Kind;
use handles::Object;
pub use lookup::{get_device_proc_addr, get_instance_proc_addr};

/// What the driver has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `VK_KHR_external_memory_fd` with `OPAQUE_FD` images.
    pub memory_fd: bool,
    /// `VK_KHR_external_semaphore_fd` and `VK_KHR_external_fence_fd` with `SYNC_FD`.
    pub sync_fd: bool,
    /// `VK_EXT_image_drm_format_modifier` and dma-bufs, which are memfds in truth.
    pub modifiers: bool,
    /// None of these modifiers is `LINEAR`.
    pub tiled_only: bool,
    /// `VK_KHR_swapchain` of its own.
    pub swapchain: bool,
    /// `VK_EXT_external_memory_host`, and with it memory that is coherent.
    pub host_memory: bool,
    /// How long the device works on everything: who waits for less waits in vain. No time passes.
    pub work: Duration,
    /// How long a wait for a fence really takes on any thread but the one that made the driver.
    pub others_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            memory_fd: true,
            sync_fd: false,
            modifiers: false,
            tiled_only: false,
            swapchain: true,
            host_memory: false,
            work: Duration::ZERO,
            others_wait: Duration::ZERO,
        }
    }
}

/// A modifier that the driver prefers to `DRM_FORMAT_MOD_LINEAR`: the first of a vendor that has
/// none (`include/uapi/drm/drm_fourcc.h`).
pub const TILED: u64 = 0x7f << 56 | 1;

/// The driver. Clones are the same one.
#[derive(Clone)]
pub struct FakeDriver(Arc<State>);

impl FakeDriver {
    /// A driver with `options`.
    pub fn new(options: Options) -> Self {
        let maker = std::thread::current().id();
        Self(Arc::new(State { options, maker, inner: Mutex::default() }))
    }

    /// From now on `vkCreateInstance` of this thread makes instances of this driver.
    pub fn enter(&self) {
        CURRENT.with(|current| *current.borrow_mut() = Some(Arc::clone(&self.0)));
    }

    /// The objects that are alive, by their kind.
    pub fn live(&self) -> BTreeMap<Kind, usize> {
        let mut live = BTreeMap::new();
        for (kind, _) in self.0.lock().objects.keys() {
            *live.entry(*kind).or_default() += 1;
        }
        live
    }

    /// How often a command was called.
    pub fn calls(&self, command: &str) -> u64 {
        self.0.lock().calls.get(command).copied().unwrap_or(0)
    }

    /// What was done wrong.
    pub fn complaints(&self) -> Vec<String> {
        self.0.lock().complaints.clone()
    }

    /// Lets `allowed` more calls that can fail succeed, and the next one fail with `code`; those
    /// after it succeed again.
    pub fn fail_after(&self, allowed: u64, code: vk::Result) {
        self.0.lock().failure = Some((allowed, code));
    }

    /// From now on, `command` always fails with `code`, if it can fail.
    pub fn break_command(&self, command: &'static str, code: vk::Result) {
        self.0.lock().broken = Some((command, code));
    }

    /// Forgets a failure to come. Returns whether it was still to come.
    pub fn spare(&self) -> bool {
        self.0.lock().failure.take().is_some()
    }
}

thread_local! {
    /// The driver of this thread's next instance.
    static CURRENT: RefCell<Option<Arc<State>>> = const { RefCell::new(None) };
}

/// What every handle leads to.
struct State {
    options: Options,
    maker: std::thread::ThreadId,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last: u64,
    objects: BTreeMap<(Kind, u64), Object>,
    calls: BTreeMap<&'static str, u64>,
    complaints: Vec<String>,
    failure: Option<(u64, vk::Result)>,
    broken: Option<(&'static str, vk::Result)>,
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts a call that cannot fail.
    fn count(&mut self, command: &'static str) {
        *self.calls.entry(command).or_default() += 1;
    }

    /// Counts a call that can fail, and says whether it does.
    fn attempt(&mut self, command: &'static str) -> Result<(), vk::Result> {
        self.count(command);
        if let Some((broken, code)) = self.broken
            && broken == command
        {
            return Err(code);
        }
        match self.failure {
            Some((0, code)) => {
                self.failure = None;
                Err(code)
            }
            Some((allowed, code)) => {
                self.failure = Some((allowed - 1, code));
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }
}
