//! The driver library, and the GPUs that it knows.

use std::ffi::{CStr, c_char};
use std::fmt;
use std::sync::{Arc, OnceLock};

use libloading::Library;

use crate::Error;
use crate::abi::{Ordinal, RawUuid};
use crate::error::Fault;
use crate::symbols::Symbols;

/// The name of the driver's library. NVIDIA's driver installs it, no package of ours.
const LIBRARY: &str = "libcuda.so.1";

/// The driver, loaded and initialised. It stays loaded until the process ends: its threads would
/// not survive their code.
pub struct Cuda {
    pub(crate) symbols: Symbols,
    version: i32,
}

/// `VkPhysicalDeviceIDProperties::deviceUUID`, which is `cuDeviceGetUuid` for the same GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uuid(pub [u8; 16]);

impl fmt::Display for Uuid {
    /// As in `00112233-4455-6677-8899-aabbccddeeff`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A GPU that CUDA knows.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(crate) ordinal: Ordinal,
    /// As in `NVIDIA H200`.
    pub name: String,
    /// Which one Vulkan calls it.
    pub uuid: Uuid,
    /// Bytes of its memory.
    pub memory: u64,
}

impl Cuda {
    /// Loads the driver, or finds it loaded, and initialises it.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] on a machine without it. [`Error::Call`] with `CUDA_ERROR_NO_DEVICE` (100)
    /// or `CUDA_ERROR_UNKNOWN` (999) where the kernel module or the permission is missing.
    pub fn load() -> Result<Arc<Self>, Error> {
        static LOADED: OnceLock<&'static Library> = OnceLock::new();
        let library = match LOADED.get() {
            Some(library) => library,
            None => {
                // SAFETY: the driver's initialisers have no conditions.
                let library = unsafe { Library::new(LIBRARY) }.map_err(Error::Library)?;
                LOADED.get_or_init(|| Box::leak(Box::new(library)))
            }
        };
        let symbols = Symbols::of(library);
        // SAFETY: 0 is the only flag there is; may be called again.
        unsafe { symbols.init(0) }.map_err(|fault| fault.doing("initialise CUDA"))?;
        let mut version = 0;
        // SAFETY: `version` is writable.
        unsafe { symbols.driver_version(&mut version) }
            .map_err(|fault| fault.doing("ask CUDA for its version"))?;
        Ok(Arc::new(Self { symbols, version }))
    }

    /// The newest CUDA that the driver speaks, as in (13, 0).
    pub fn version(&self) -> (i32, i32) {
        (self.version / 1000, self.version % 1000 / 10)
    }

    /// Every GPU, in CUDA's order.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn gpus(&self) -> Result<Vec<Gpu>, Error> {
        let mut count = 0;
        // SAFETY: `count` is writable.
        unsafe { self.symbols.device_count(&mut count) }
            .map_err(|fault| fault.doing("count the GPUs"))?;
        let gpu = |index| self.gpu(index).map_err(|it| it.doing(format!("look at GPU {index}")));
        (0..count).map(gpu).collect()
    }

    /// The GPU that Vulkan calls `uuid`.
    ///
    /// # Errors
    ///
    /// [`Error::NoDevice`], [`Error::NoSuchDevice`].
    pub fn gpu_of(&self, uuid: Uuid) -> Result<Gpu, Error> {
        let gpus = self.gpus()?;
        if gpus.is_empty() {
            return Err(Error::NoDevice);
        }
        let found = gpus.iter().map(|gpu| format!("{} {}", gpu.name, gpu.uuid));
        let found = found.collect::<Vec<_>>().join(", ");
        let wanted = gpus.into_iter().find(|gpu| gpu.uuid == uuid);
        wanted.ok_or(Error::NoSuchDevice { wanted: uuid, found })
    }

    fn gpu(&self, index: i32) -> Result<Gpu, Fault> {
        let (mut ordinal, mut uuid, mut memory) = (0, RawUuid::default(), 0);
        let mut name: [c_char; 256] = [0; 256];
        // SAFETY: `ordinal` is writable, and `index` below the count.
        unsafe { self.symbols.device(&mut ordinal, index) }?;
        // SAFETY: `uuid` is writable; the device exists.
        unsafe { self.symbols.device_uuid(&mut uuid, ordinal) }?;
        // SAFETY: as above.
        unsafe { self.symbols.device_memory(&mut memory, ordinal) }?;
        // SAFETY: 255 bytes are writable, and a NUL stays after them.
        unsafe { self.symbols.device_name(name.as_mut_ptr(), 255, ordinal) }?;
        // SAFETY: the last byte is NUL.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        let uuid = Uuid(uuid.bytes.map(|byte| byte.cast_unsigned()));
        Ok(Gpu { ordinal, name, uuid, memory: memory as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_as_vulkans_tools_write_it() {
        let uuid = Uuid(std::array::from_fn(|index| (index as u8) * 0x11));
        assert_eq!(uuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
