//! Finding our own state from a handle of Vulkan's.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use ash::vk;

/// The loader's dispatch pointer. All dispatchable objects of one instance (physical devices
/// too), or of one device (queues and command buffers too), have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DispatchKey(usize);

impl DispatchKey {
    /// The key of a dispatchable object.
    ///
    /// # Safety
    ///
    /// `handle` is a live dispatchable handle that came through the loader: it points to a
    /// structure whose first word is the dispatch pointer (LoaderLayerInterface.md, "Layer
    /// Dispatch").
    pub unsafe fn of<H: vk::Handle>(handle: H) -> Self {
        let object = handle.as_raw() as usize as *const usize;
        // SAFETY: the caller's promise.
        Self(unsafe { *object })
    }
}

/// A handle for an object of ours: its address, which nothing else that is alive can have.
///
/// A handle comes back as a key to a [`Table`], never as a pointer.
pub fn handle_of<H: vk::Handle, T>(object: &Arc<T>) -> H {
    H::from_raw(Arc::as_ptr(object).addr() as u64)
}

/// A map that many threads read and few write.
#[derive(Debug)]
pub struct Table<K, V>(LazyLock<RwLock<HashMap<K, Arc<V>>>>);

impl<K: Eq + Hash, V> Table<K, V> {
    /// An empty one, also for a `static`.
    pub const fn new() -> Self {
        Self(LazyLock::new(Default::default))
    }

    /// What is there for `key`.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Puts `value` there; returns what it takes the place of.
    pub fn insert(&self, key: K, value: Arc<V>) -> Option<Arc<V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value)
    }

    /// Takes it out.
    pub fn remove(&self, key: &K) -> Option<Arc<V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// Whether something is there.
    pub fn contains(&self, key: &K) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// All values, in no order.
    pub fn values(&self) -> Vec<Arc<V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl<K: Eq + Hash, V> Default for Table<K, V> {
    fn default() -> Self {
        Self::new()
    }
}
