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

    /// Puts `value` there unless something is; who comes second changes nothing.
    pub fn insert_first(&self, key: K, value: impl FnOnce() -> V) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        map.entry(key).or_insert_with(|| Arc::new(value()));
    }

    /// Takes it out.
    pub fn remove(&self, key: &K) -> Option<Arc<V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// Whether something is there.
    pub fn contains(&self, key: &K) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// Takes everything out for which `kept` does not hold, and returns it.
    pub fn remove_unless(&self, kept: impl Fn(&K) -> bool) -> Vec<Arc<V>> {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        map.extract_if(|key, _| !kept(key)).map(|(_, value)| value).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_comes_back_to_be_ended() {
        let table = Table::new();
        (0..4).for_each(|key| drop(table.insert(key, Arc::new(key * 10))));
        let mut odd = table.remove_unless(|key| key % 2 == 0);
        odd.sort();
        assert_eq!(odd, [Arc::new(10), Arc::new(30)]);
        assert_eq!((table.get(&1), table.get(&2)), (None, Some(Arc::new(20))));
    }

    #[test]
    fn what_is_there_first_stays() {
        let table = Table::new();
        table.insert_first(1, || 10);
        table.insert_first(1, || 20);
        assert_eq!(table.get(&1), Some(Arc::new(10)));
    }

    #[test]
    fn a_handle_belongs_to_one_object_while_that_lives() {
        let (one, other) = (Arc::new(1), Arc::new(1));
        let handle: vk::SurfaceKHR = handle_of(&one);
        assert_eq!(handle, handle_of(&Arc::clone(&one)));
        assert_ne!(handle, handle_of(&other));
    }
}
