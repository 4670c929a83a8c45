//! Mapped memory behind a `VkDeviceMemory`, and whose it is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use ash::vk;
use zerohop_kernel::{AlignedMapping, FdKind, keep_size, kind_of};
use zerohop_layer::LayerError;

use super::coherence::Access;
use super::shared::Shared;
use super::{invalid, outside};

/// Memory that the driver can import as long as this lives.
pub(super) struct Block {
    mapping: AlignedMapping,
    /// Bytes that are anybody's picture: of somebody else's memfd fewer than are mapped.
    has: u64,
    owner: Owner,
}

/// Whose memory it is.
enum Owner {
    /// A memfd of ours.
    Ours(Arc<Shared>),
    /// A memfd of somebody else's, which cannot shrink any more.
    Memfd(OwnedFd),
    /// A dma-buf of somebody else's.
    DmaBuf(Access),
}

impl Block {
    /// New memory of at least `size` bytes.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_OUT_OF_DEVICE_MEMORY`.
    pub(super) fn new(size: u64, alignment: u64) -> Result<Self, LayerError> {
        let failed = |err| {
            let code = vk::Result::ERROR_OUT_OF_DEVICE_MEMORY;
            LayerError::outside("make memory that can leave", code, err)
        };
        let length = round_up(size, alignment).ok_or(io::ErrorKind::OutOfMemory.into());
        let length = length.map_err(failed)?;
        let shared = Shared::new(length).map_err(failed)?;
        let mapping = map(&*shared, length, alignment).map_err(failed)?;
        Ok(Self { mapping, has: length, owner: Owner::Ours(shared) })
    }

    /// The first `size` bytes of somebody else's memory, or of ours that comes back.
    ///
    /// # Errors
    ///
    /// `VK_ERROR_INVALID_EXTERNAL_HANDLE` for what is no memory, is too small, may shrink, or cannot
    /// be mapped to write.
    pub(super) fn import(
        fd: BorrowedFd<'_>,
        size: u64,
        alignment: u64,
    ) -> Result<Self, LayerError> {
        let shared = Shared::find(fd);
        let has = match &shared {
            Some(shared) => shared.size(),
            None => size_of(fd)?,
        };
        // An image is asked for in the driver's units, and somebody else's picture may end before: how
        // far the image reaches is looked at when it is bound.
        let length = round_up(size, alignment).filter(|length| *length <= pages(has));
        let Some(length) = length else {
            return Err(invalid(format!(
                "the memory has {has} bytes, and {size} are wanted, in units of {alignment}"
            )));
        };
        let failed = |err| outside("map memory to read and write", err);
        match shared {
            Some(shared) => {
                let mapping = map(&*shared, length, alignment).map_err(failed)?;
                Ok(Self { mapping, has, owner: Owner::Ours(shared) })
            }
            None => {
                let mapping = map(fd, length, alignment).map_err(failed)?;
                let owner = Owner::stranger(fd).map_err(|err| outside("keep a descriptor", err))?;
                Ok(Self { mapping, has, owner })
            }
        }
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.has
    }

    /// What is mapped.
    pub(super) fn mapping(&self) -> &AlignedMapping {
        &self.mapping
    }

    /// A descriptor for somebody else.
    ///
    /// # Errors
    ///
    /// `EMFILE` without a free descriptor.
    pub(super) fn export(&self) -> io::Result<OwnedFd> {
        match &self.owner {
            Owner::Ours(shared) => shared.export(),
            Owner::Memfd(fd) => fd.try_clone(),
            Owner::DmaBuf(access) => access.as_fd().try_clone_to_owned(),
        }
    }

    /// How it is kept coherent, when that takes something.
    pub(super) fn access(&self) -> Option<&Access> {
        match &self.owner {
            Owner::DmaBuf(access) => Some(access),
            Owner::Ours(_) | Owner::Memfd(_) => None,
        }
    }
}

impl Owner {
    fn stranger(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let kept = fd.try_clone_to_owned()?;
        match kind_of(&kept)? {
            FdKind::DmaBuf { .. } => Access::begin(kept).map(Self::DmaBuf),
            _ => Ok(Self::Memfd(kept)),
        }
    }
}

/// The size of a stranger's memory in bytes. It stays at least that large.
fn size_of(fd: BorrowedFd<'_>) -> Result<u64, LayerError> {
    match kind_of(fd).map_err(|err| outside("look at a descriptor", err))? {
        FdKind::DmaBuf { size } | FdKind::Memfd { size, keeps_size: true } => Ok(size),
        FdKind::Memfd { size, keeps_size: false } => {
            // Sealed first: until then it may become smaller than we have seen.
            keep_size(fd).map_err(|err| outside("keep a memfd from shrinking", err))?;
            match kind_of(fd) {
                Ok(FdKind::Memfd { size, keeps_size: true }) => Ok(size),
                _ => Err(invalid(format!("the memfd of {size} bytes may shrink"))),
            }
        }
        other => Err(invalid(format!("{other:?} is neither a dma-buf nor a memfd"))),
    }
}

fn map(fd: impl AsFd, length: u64, alignment: u64) -> io::Result<AlignedMapping> {
    let [length, alignment] =
        [length, alignment].map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    AlignedMapping::new(fd, length, alignment)
}

fn round_up(size: u64, alignment: u64) -> Option<u64> {
    size.checked_next_multiple_of(alignment)
}

/// The bytes that can be touched of an object of `size` bytes: its last page is there whole
/// (`mmap(2)`, "NOTES").
fn pages(size: u64) -> u64 {
    size.checked_next_multiple_of(4096).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use zerohop_kernel::Memfd;

    use super::*;

    #[test]
    fn memory_that_is_too_small_is_refused_with_both_sizes() {
        let memfd = Memfd::create("test", 5000).unwrap();
        // The last page is there whole.
        assert_eq!(Block::import(memfd.as_fd(), 8192, 4096).unwrap().size(), 5000);
        let err = Block::import(memfd.as_fd(), 8193, 4096).err().unwrap();
        assert_eq!(err.code(), vk::Result::ERROR_INVALID_EXTERNAL_HANDLE);
        assert!(err.to_string().contains("5000") && err.to_string().contains("8193"), "{err}");
        // Of a larger unit not all would be there.
        assert!(Block::import(memfd.as_fd(), 5000, 0x4000).is_err());
        assert!(Block::import(memfd.as_fd(), u64::MAX, 4096).is_err());
    }

    #[test]
    fn what_is_no_memory_or_may_shrink_is_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let err = Block::import(null.as_fd(), 1, 4096).err().unwrap();
        assert_eq!(err.to_string(), "Other is neither a dma-buf nor a memfd");
        let folder = std::env::temp_dir();
        let file = std::fs::File::open(folder).unwrap();
        assert!(Block::import(file.as_fd(), 1, 4096).is_err());
    }

    #[test]
    fn our_own_memory_comes_back_as_the_same_pages() {
        let one = Block::new(4096, 4096).unwrap();
        let out = one.export().unwrap();
        let other = Block::import(out.as_fd(), 4096, 4096).unwrap();
        assert!(matches!(other.owner, Owner::Ours(_)));
        // SAFETY: both are mapped, and nobody else has them.
        unsafe { one.mapping().as_ptr().write(77) };
        // SAFETY: as above.
        assert_eq!(unsafe { other.mapping().as_ptr().read() }, 77);
    }
}
