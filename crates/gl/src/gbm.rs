//! GBM: what compositors and screens import dma-bufs with.

use std::ffi::{c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::ptr::null_mut;
use std::sync::OnceLock;

use zerohop_frame::{FrameDescriptor, MemoryHandle};

use crate::Error;
use crate::library::owned;
use crate::table::{open, symbol, table};

/// `GBM_BO_IMPORT_FD_MODIFIER`.
const IMPORT_FD_MODIFIER: u32 = 0x5504;
/// `GBM_BO_TRANSFER_READ`.
const TRANSFER_READ: u32 = 1;

table! {
    /// `libgbm.so.1` (`gbm.h` of Mesa).
    Library {
        create_device = c"gbm_create_device": fn(c_int) -> *mut c_void;
        device_destroy = c"gbm_device_destroy": fn(*mut c_void);
        backend_name = c"gbm_device_get_backend_name": fn(*mut c_void) -> *const c_char;
        bo_import = c"gbm_bo_import": fn(*mut c_void, u32, *mut c_void, u32) -> *mut c_void;
        bo_destroy = c"gbm_bo_destroy": fn(*mut c_void);
        bo_map = c"gbm_bo_map":
            fn(*mut c_void, u32, u32, u32, u32, u32, *mut u32, *mut *mut c_void) -> *mut c_void;
        bo_unmap = c"gbm_bo_unmap": fn(*mut c_void, *mut c_void);
    }
}

impl Library {
    fn get() -> Result<&'static Self, Error> {
        static GBM: OnceLock<Library> = OnceLock::new();
        if let Some(gbm) = GBM.get() {
            return Ok(gbm);
        }
        let library = open("libgbm.so.1")?;
        let gbm = Self::load(&|name| symbol(library, name))?;
        Ok(GBM.get_or_init(|| gbm))
    }
}

/// `struct gbm_import_fd_modifier_data`.
#[repr(C)]
struct Import {
    width: u32,
    height: u32,
    format: u32,
    num_fds: u32,
    fds: [c_int; 4],
    strides: [c_int; 4],
    offsets: [c_int; 4],
    modifier: u64,
}

/// A device of GBM's on a card.
pub struct Gbm {
    library: &'static Library,
    raw: *mut c_void,
    _card: OwnedFd,
}

// SAFETY: a device is used by one thread at a time, whichever that is (`gbm.h` has no thread of its
// own and no thread's data).
unsafe impl Send for Gbm {}

/// The bytes of a picture as GBM mapped them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// Rows without padding.
    pub bytes: Vec<u8>,
    /// Bytes from row to row in the mapping.
    pub stride: u32,
}

impl Gbm {
    /// A device on an open card or render node.
    ///
    /// # Errors
    ///
    /// [`Error::Library`]; [`Error::Os`] where no driver takes the card.
    pub fn new(card: OwnedFd) -> Result<Self, Error> {
        let library = Library::get()?;
        // SAFETY: the descriptor is open, and stays so as long as the device.
        let raw = unsafe { (library.create_device)(card.as_raw_fd()) };
        if raw.is_null() {
            return Err(last("make a GBM device"));
        }
        Ok(Self { library, raw, _card: card })
    }

    /// The name of what serves the card, as in "drm".
    pub fn backend(&self) -> String {
        // SAFETY: the device is alive.
        owned(unsafe { (self.library.backend_name)(self.raw) }).unwrap_or_default()
    }

    pub(crate) fn raw(&self) -> *mut c_void {
        self.raw
    }

    /// Imports the picture's memory and maps it, for a comparison: what compositors and screens
    /// would see. Plane 0 alone.
    ///
    /// # Errors
    ///
    /// [`Error::Os`] when GBM does not take the memory; [`Error::Kind`].
    ///
    /// # Panics
    ///
    /// When the picture is not of whole bytes for each pixel.
    pub fn read(
        &self,
        descriptor: &FrameDescriptor,
        memory: &[MemoryHandle],
    ) -> Result<Mapped, Error> {
        let object = self.import(descriptor, memory)?;
        let planes = descriptor.fourcc.planes().expect("a format of whole bytes");
        let row = planes[0].row_bytes(descriptor.extent) as usize;
        object.read(row, descriptor.extent.width, descriptor.extent.height)
    }

    fn import(
        &self,
        descriptor: &FrameDescriptor,
        memory: &[MemoryHandle],
    ) -> Result<Object<'_>, Error> {
        let mut import = Import {
            width: descriptor.extent.width,
            height: descriptor.extent.height,
            format: descriptor.fourcc.0,
            num_fds: 0,
            fds: [-1; 4],
            strides: [0; 4],
            offsets: [0; 4],
            modifier: descriptor.modifier.0,
        };
        for (index, plane) in descriptor.planes.iter().enumerate() {
            let MemoryHandle::DmaBuf(fd) = &memory[plane.object] else {
                return Err(Error::Kind(memory[plane.object].kind()));
            };
            import.fds[index] = fd.as_fd().as_raw_fd();
            import.strides[index] = plane.stride.cast_signed();
            import.offsets[index] = plane.offset.cast_signed();
            import.num_fds += 1;
        }
        let data = (&raw mut import).cast();
        // SAFETY: the structure is that of the type of import, and is only read.
        let raw = unsafe { (self.library.bo_import)(self.raw, IMPORT_FD_MODIFIER, data, 0) };
        if raw.is_null() {
            Err(last("import a dma-buf by GBM"))
        } else {
            Ok(Object { gbm: self, raw })
        }
    }
}

impl Drop for Gbm {
    fn drop(&mut self) {
        // SAFETY: objects borrow the device, so none is left.
        unsafe { (self.library.device_destroy)(self.raw) };
    }
}

/// A buffer object.
struct Object<'a> {
    gbm: &'a Gbm,
    raw: *mut c_void,
}

impl Object<'_> {
    fn read(&self, row: usize, width: u32, height: u32) -> Result<Mapped, Error> {
        let (map, unmap) = (self.gbm.library.bo_map, self.gbm.library.bo_unmap);
        let (mut stride, mut mapping) = (0, null_mut());
        // SAFETY: the object is alive, and the rest are locals.
        let start =
            unsafe { map(self.raw, 0, 0, width, height, TRANSFER_READ, &mut stride, &mut mapping) };
        if start.is_null() {
            return Err(last("map a GBM buffer"));
        }
        let mut bytes = Vec::with_capacity(row * height as usize);
        for y in 0..height as usize {
            // SAFETY: the mapping has `height` rows, each `stride` bytes after the one before.
            let from = unsafe { start.cast::<u8>().add(y * stride as usize) };
            // SAFETY: a row holds its pixels.
            bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(from, row) });
        }
        // SAFETY: it is mapped, and no reference into it is left.
        unsafe { unmap(self.raw, mapping) };
        Ok(Mapped { bytes, stride })
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        // SAFETY: the object is ours, and mapped no more.
        unsafe { (self.gbm.library.bo_destroy)(self.raw) };
    }
}

fn last(doing: &'static str) -> Error {
    Error::Os { doing, source: io::Error::last_os_error() }
}
