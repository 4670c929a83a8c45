//! Memfds of our own making, known by what their descriptors refer to: one that comes back is the
//! same memory, not a stranger's.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, Once, OnceLock, PoisonError, Weak};

use zerohop_kernel::{FileId, Memfd, udmabuf};
use zerohop_layer::{Level, log};

/// Every memfd of ours that is alive, by its own identity and by that of its dma-buf.
static ALL: LazyLock<Mutex<HashMap<FileId, Weak<Shared>>>> = LazyLock::new(Default::default);

fn all() -> MutexGuard<'static, HashMap<FileId, Weak<Shared>>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A memfd that we made, and the dma-buf over its pages once somebody has asked for it.
#[derive(Debug)]
pub(super) struct Shared {
    memfd: Memfd,
    names: Mutex<Vec<FileId>>,
    /// `None` inside: there is no dma-buf to be had.
    dma_buf: OnceLock<Option<OwnedFd>>,
}

impl Shared {
    /// A new one of `size` bytes, a multiple of the page size.
    ///
    /// # Errors
    ///
    /// As [`Memfd::create`].
    pub(super) fn new(size: u64) -> io::Result<Arc<Self>> {
        let memfd = Memfd::create("zerohop", size)?;
        let id = FileId::of(&memfd)?;
        let names = Mutex::new(vec![id]);
        let made = Arc::new(Self { memfd, names, dma_buf: OnceLock::new() });
        all().insert(id, Arc::downgrade(&made));
        Ok(made)
    }

    /// Ours behind `fd`. `None`: somebody else's.
    pub(super) fn find(fd: impl AsFd) -> Option<Arc<Self>> {
        all().get(&FileId::of(fd).ok()?)?.upgrade()
    }

    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        self.memfd.size()
    }

    /// A descriptor for somebody else: the dma-buf, always the same one, or else the memfd.
    ///
    /// # Errors
    ///
    /// `EMFILE` without a free descriptor.
    pub(super) fn export(self: &Arc<Self>) -> io::Result<OwnedFd> {
        self.export_by(udmabuf)
    }

    /// As [`export`](Self::export), with dma-bufs of `make`.
    fn export_by(
        self: &Arc<Self>,
        make: impl FnOnce(&Memfd) -> io::Result<OwnedFd>,
    ) -> io::Result<OwnedFd> {
        let dma_buf = self.dma_buf.get_or_init(|| self.wrap(make));
        dma_buf.as_ref().map_or_else(|| self.memfd.as_fd(), AsFd::as_fd).try_clone_to_owned()
    }

    fn wrap(self: &Arc<Self>, make: impl FnOnce(&Memfd) -> io::Result<OwnedFd>) -> Option<OwnedFd> {
        static TOLD: Once = Once::new();
        let made = make(&self.memfd).and_then(|made| Ok((FileId::of(&made)?, made)));
        match made {
            Ok((id, made)) => {
                self.names.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                all().insert(id, Arc::downgrade(self));
                Some(made)
            }
            Err(err) => {
                let size = self.size();
                TOLD.call_once(|| {
                    log(Level::Warn, format_args!(
                        "memory of {size} bytes leaves as a memfd and not as a dma-buf, which other \
                         drivers and screens do not take: /dev/udmabuf: {err}"
                    ));
                });
                None
            }
        }
    }
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memfd.as_fd()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut all = all();
        for id in self.names.get_mut().unwrap_or_else(PoisonError::into_inner) {
            // Its number may be another's by now, who is alive then.
            if all.get(id).is_some_and(|entry| entry.strong_count() == 0) {
                all.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_exported_is_known_when_it_comes_back() {
        let made = Shared::new(4096).unwrap();
        let out = made.export().unwrap();
        assert!(Arc::ptr_eq(&Shared::find(&out).unwrap(), &made));
        let strange = Memfd::create("test", 4096).unwrap();
        assert!(Shared::find(&strange).is_none());
        drop(made);
        assert!(Shared::find(&out).is_none(), "what is gone is a stranger's");
    }

    #[test]
    fn a_dma_buf_is_made_once_and_known_as_the_memory_that_it_is() {
        let made = Shared::new(4096).unwrap();
        let stand_in = |_: &Memfd| Memfd::create("test", 4096).map(OwnedFd::from);
        let (one, same) = (made.export_by(stand_in).unwrap(), made.export_by(stand_in).unwrap());
        assert_eq!(FileId::of(&one).unwrap(), FileId::of(&same).unwrap());
        assert_ne!(FileId::of(&one).unwrap(), FileId::of(&*made).unwrap());
        assert!(Arc::ptr_eq(&Shared::find(&one).unwrap(), &made));
    }

    #[test]
    fn without_permission_for_dma_bufs_the_memfd_itself_leaves() {
        let made = Shared::new(4096).unwrap();
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::NotFound] {
            let out = made.export_by(|_| Err(kind.into())).unwrap();
            assert_eq!(FileId::of(&out).unwrap(), FileId::of(&*made).unwrap());
        }
    }
}
