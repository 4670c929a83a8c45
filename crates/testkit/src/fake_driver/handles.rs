//! Handles: what they point to, and who made them.

use std::sync::Arc;

use ash::vk::{self, Handle};

use super::{Inner, State};

/// The kind of an object without a dispatch pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is named after its handle")]
pub enum Kind {
    Instance,
    Device,
    Image,
    Buffer,
    Memory,
    Semaphore,
    Fence,
    CommandPool,
    ImageView,
    SetLayout,
    PipelineLayout,
    ShaderModule,
    Pipeline,
    DescriptorPool,
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) enum Object {
    /// One of which nothing matters but that it is there.
    Plain,
    /// A view of this image.
    View(u64),
    /// An image: its size, the bytes of a row, its modifier where it has one, and whether it has
    /// memory.
    Image { bytes: u64, pitch: u64, modifier: Option<u64>, bound: bool },
    /// A buffer: its size, whether its memory comes from outside, and whether it has any.
    Buffer { bytes: u64, external: bool, bound: bool },
    /// Memory, whether it leaves the process, whether it was the process's before, and what it is
    /// mapped to.
    Memory { bytes: u64, exportable: bool, imported: bool, mapped: Option<Vec<u8>> },
    /// A binary semaphore.
    Semaphore { signaled: bool, exportable: bool },
    /// A fence.
    Fence { signaled: bool },
    /// The command buffers of a pool, as addresses.
    Pool(Vec<u64>),
}

/// What a handle with a dispatch pointer points to. The pointer comes first.
#[repr(C)]
pub(super) struct Dispatchable {
    /// The loader's dispatch pointer; 0 until somebody sets it.
    pub(super) key: usize,
    pub(super) state: Arc<State>,
    /// What belongs to it and goes with it: physical devices, queues.
    pub(super) children: Vec<u64>,
}

/// Makes an object with a dispatch pointer.
pub(super) fn dispatchable(state: &Arc<State>, key: usize, children: Vec<u64>) -> u64 {
    let object = Box::new(Dispatchable { key, state: Arc::clone(state), children });
    Box::into_raw(object).addr() as u64
}

/// Frees an object and its children.
///
/// # Safety
///
/// `raw` is of [`dispatchable`] and used no more.
pub(super) unsafe fn free(raw: u64) {
    let pointer = std::ptr::with_exposed_provenance_mut::<Dispatchable>(raw as usize);
    // SAFETY: the caller's promise.
    let object = unsafe { Box::from_raw(pointer) };
    for child in &object.children {
        // SAFETY: children are made by `dispatchable` and belong to this object alone.
        unsafe { free(*child) };
    }
}

/// The driver behind a handle with a dispatch pointer.
///
/// # Safety
///
/// `handle` is live and ours.
pub(super) unsafe fn state_of<H: Handle>(handle: H) -> Arc<State> {
    let pointer = std::ptr::with_exposed_provenance::<Dispatchable>(handle.as_raw() as usize);
    // SAFETY: the caller's promise.
    let object = unsafe { &*pointer };
    if object.key == 0 {
        let complaint = format!("{:?} came without the loader's dispatch pointer", H::TYPE);
        object.state.lock().complain(complaint);
    }
    Arc::clone(&object.state)
}

impl Inner {
    /// Puts a new object under a handle that was never used before.
    pub(super) fn add(&mut self, kind: Kind, object: Object) -> u64 {
        self.last += 1;
        let raw = 0xfa4e_0000_0000 + self.last;
        self.objects.insert((kind, raw), object);
        raw
    }

    /// What is behind a handle, or a complaint.
    pub(super) fn get(&mut self, command: &str, kind: Kind, raw: u64) -> Option<&mut Object> {
        if !self.objects.contains_key(&(kind, raw)) {
            self.complain(format!("{command}: {kind:?} {raw:#x} is not the driver's"));
        }
        self.objects.get_mut(&(kind, raw))
    }

    /// Destroys what is behind a handle, or complains. Null is fine.
    pub(super) fn take(&mut self, command: &'static str, kind: Kind, raw: u64) -> Option<Object> {
        self.count(command);
        if raw == 0 {
            return None;
        }
        let found = self.objects.remove(&(kind, raw));
        if found.is_none() {
            self.complain(format!("{command}: {kind:?} {raw:#x} is not the driver's"));
        }
        found
    }
}

/// Makes an object and writes its handle.
///
/// # Safety
///
/// `out` can be written.
pub(super) unsafe fn make<H: Handle>(
    state: &State,
    command: &'static str,
    kind: Kind,
    object: Object,
    out: *mut H,
) -> vk::Result {
    let mut inner = state.lock();
    if let Err(code) = inner.attempt(command) {
        return code;
    }
    let raw = inner.add(kind, object);
    // SAFETY: the caller's promise.
    unsafe { out.write(H::from_raw(raw)) };
    vk::Result::SUCCESS
}
