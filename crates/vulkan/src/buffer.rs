//! Buffers of the device.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use ash::vk;
use zerohop_frame::{MemoryHandle, OpaqueImage, SharedBuffer, with_causes};

use crate::error::Doing;
use crate::memory::{Dedicated, Opaque};
use crate::{Device, Error, HostBuffer, HostMemory, Memory};

/// A `VkBuffer` that has no memory yet.
struct UnboundBuffer {
    device: Arc<Device>,
    raw: vk::Buffer,
}

/// A `VkBuffer` with its memory, for compute shaders and copies.
pub struct Buffer {
    // Destroyed before `memory`: fields drop in order.
    unbound: UnboundBuffer,
    memory: Memory,
    mapped: Option<Mapped>,
    size: u64,
    /// The queue family that has it between our submissions, where it is memory of others too: decided
    /// when that comes in, or may leave. Host memory has no owner (`zerohop_frame`, "Handover state").
    outside: Option<u32>,
    /// What `memory` was imported from: freed last.
    _host: Option<Arc<HostMemory>>,
}

/// Where the CPU sees the memory.
struct Mapped(*mut u8);

// SAFETY: an address of plain memory, used through `Buffer`'s copying methods only.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

fn usage() -> vk::BufferUsageFlags {
    vk::BufferUsageFlags::STORAGE_BUFFER
        | vk::BufferUsageFlags::TRANSFER_SRC
        | vk::BufferUsageFlags::TRANSFER_DST
}

/// A storage buffer that copies may also read and write.
fn create_buffer(
    device: &Arc<Device>,
    size: u64,
    external: Option<&mut vk::ExternalMemoryBufferCreateInfo<'_>>,
) -> Result<UnboundBuffer, Error> {
    let mut info = vk::BufferCreateInfo::default().size(size).usage(usage());
    if let Some(external) = external {
        info = info.push_next(external);
    }
    // SAFETY: the chain lives through the call.
    let raw = unsafe { device.raw().create_buffer(&info, None) }.doing("create a buffer")?;
    Ok(UnboundBuffer { device: Arc::clone(device), raw })
}

/// What the device does with dma-bufs as such buffers.
fn dma_buf_features(device: &Device) -> vk::ExternalMemoryFeatureFlags {
    if !device.capabilities().dma_buf {
        return vk::ExternalMemoryFeatureFlags::empty();
    }
    features(device, vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT)
}

/// What the device does with memory of `kind` as such buffers.
fn features(
    device: &Device,
    kind: vk::ExternalMemoryHandleTypeFlags,
) -> vk::ExternalMemoryFeatureFlags {
    let query = vk::PhysicalDeviceExternalBufferInfo::default().usage(usage()).handle_type(kind);
    let mut found = vk::ExternalBufferProperties::default();
    let (instance, physical) = (device.instance(), device.physical().raw);
    // SAFETY: `physical` is of this instance, and both structures are locals.
    unsafe {
        instance.get_physical_device_external_buffer_properties(physical, &query, &mut found);
    }
    found.external_memory_properties.external_memory_features
}

/// A buffer for opaque memory, which several buffers may cover: no dedicated allocation.
fn for_opaque(
    device: &Arc<Device>,
    size: u64,
    needed: vk::ExternalMemoryFeatureFlags,
) -> Result<UnboundBuffer, Error> {
    let found = features(device, OPAQUE);
    if !found.contains(needed) || found.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY) {
        return Err(Error::Unsupported("opaque memory as buffers on this device"));
    }
    let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(OPAQUE);
    create_buffer(device, size, Some(&mut external))
}

const OPAQUE: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::OPAQUE_FD;

impl UnboundBuffer {
    fn requirements(&self) -> vk::MemoryRequirements {
        // SAFETY: the buffer is alive.
        unsafe { self.device.raw().get_buffer_memory_requirements(self.raw) }
    }

    fn bind(self, memory: Memory) -> Result<Buffer, Error> {
        // SAFETY: `self` has no memory yet, and `memory` is of a type that it takes.
        unsafe { self.device.raw().bind_buffer_memory(self.raw, memory.raw(), 0) }
            .doing("bind memory")?;
        let size = memory.size();
        Ok(Buffer { unbound: self, memory, mapped: None, size, outside: None, _host: None })
    }
}

impl Drop for UnboundBuffer {
    fn drop(&mut self) {
        // SAFETY: a recording that uses the buffer keeps it until its submission is done.
        unsafe { self.device.raw().destroy_buffer(self.raw, None) };
    }
}

impl Buffer {
    /// `size` bytes near the device. Their content is undefined.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] when the device is out of memory.
    pub fn new(device: &Arc<Device>, size: u64) -> Result<Self, Error> {
        Self::with(device, size, &[vk::MemoryPropertyFlags::DEVICE_LOCAL])
    }

    /// `size` zeroed bytes that the device writes and the CPU reads.
    ///
    /// # Errors
    ///
    /// [`Error::Call`] when the device is out of memory.
    pub fn read_back(device: &Arc<Device>, size: u64) -> Result<Self, Error> {
        use vk::MemoryPropertyFlags as Flags;
        let coherent = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
        let mut buffer = Self::with(device, size, &[coherent | Flags::HOST_CACHED, coherent])?;
        let pointer = buffer.memory.map()?;
        buffer.mapped = Some(Mapped(pointer));
        buffer.clear();
        Ok(buffer)
    }

    /// The device's view of memory of the process, which lives as long as the buffer.
    pub(crate) fn over(device: &Arc<Device>, host: &Arc<HostMemory>) -> Result<Self, Error> {
        let size = host.size() as u64;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default()
            .handle_types(vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT);
        let unbound = create_buffer(device, size, Some(&mut external))?;
        let bits = unbound.requirements().memory_type_bits;
        let pointer = host.pointer();
        // SAFETY: `host` maps the range for reading and writing, and is kept in `_host`.
        let memory = unsafe { Memory::import_host(device, pointer.cast(), size, bits) }?;
        let mut buffer = unbound.bind(memory)?;
        buffer.mapped = Some(Mapped(pointer));
        buffer._host = Some(Arc::clone(host));
        Ok(buffer)
    }

    /// The device's view of the first `size` bytes of a dma-buf, which stays the caller's.
    pub(crate) fn import(
        device: &Arc<Device>,
        dma_buf: BorrowedFd<'_>,
        size: u64,
    ) -> Result<Self, Error> {
        let features = dma_buf_features(device);
        if !features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE) {
            return Err(Error::Unsupported("dma-bufs as buffers on this device"));
        }
        let mut external = vk::ExternalMemoryBufferCreateInfo::default()
            .handle_types(vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
        let unbound = create_buffer(device, size, Some(&mut external))?;
        let alone = features.contains(vk::ExternalMemoryFeatureFlags::DEDICATED_ONLY);
        let alone = if alone { Dedicated::Buffer(unbound.raw) } else { Dedicated::No };
        let memory = Memory::import_dma_buf(device, dma_buf, unbound.requirements(), alone)?;
        let mut buffer = unbound.bind(memory)?;
        buffer.size = size;
        buffer.outside = Some(device.foreign_family());
        buffer.map_on_cpu(device)?;
        Ok(buffer)
    }

    /// The device's view of memory that somebody else made and shows, to [write](crate::Recording::write)
    /// a picture of one plane into it: a dma-buf, as such, or where the device takes none, mapped here and by its address.
    ///
    /// # Errors
    ///
    /// Whatever fails of the second way, with the reason of the first before it; [`Error::Unsupported`]
    /// of other memory.
    pub fn of_dma_buf(device: &Arc<Device>, memory: &SharedBuffer) -> Result<Arc<Self>, Error> {
        let [MemoryHandle::DmaBuf(fd)] = memory.memory() else {
            return Err(Error::Unsupported("writing into memory that is not one dma-buf"));
        };
        let size = rustix::fs::seek(fd, rustix::fs::SeekFrom::End(0)).doing("size a dma-buf")?;
        memory.descriptor().check_end(0, size)?;
        let direct = match Self::import(device, fd.as_fd(), size) {
            Ok(buffer) => return Ok(Arc::new(buffer)),
            Err(err) => err,
        };
        match HostBuffer::share_dma_buf(device, fd.as_fd()) {
            Ok(host) => Ok(Arc::clone(host.buffer())),
            Err(err) => {
                let (first, then) = (with_causes(&direct), with_causes(&err));
                let refusals = format!("as a dma-buf: {first}; by its address: {then}");
                Err(Error::NoWay { fourcc: memory.descriptor().fourcc, refusals })
            }
        }
    }

    /// `size` bytes near the device that can be [exported](Self::export), and that recordings open by
    /// [`write`](crate::Recording::write). Their content is undefined.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where a device exports no buffers, [`Error::Call`].
    pub fn exportable(device: &Arc<Device>, size: u64) -> Result<Self, Error> {
        let unbound = for_opaque(device, size, vk::ExternalMemoryFeatureFlags::EXPORTABLE)?;
        let (needs, local) = (unbound.requirements(), vk::MemoryPropertyFlags::DEVICE_LOCAL);
        let memory = Memory::new(device, needs, local, Dedicated::No, true)?;
        let mut buffer = unbound.bind(memory)?;
        buffer.size = size;
        buffer.outside = Some(vk::QUEUE_FAMILY_EXTERNAL);
        buffer.map_on_cpu(device)?;
        Ok(buffer)
    }

    /// A handle to the memory of an [`exportable`](Self::exportable) buffer.
    ///
    /// # Errors
    ///
    /// [`Error::Call`]; the buffer is not exportable.
    pub fn export(&self) -> Result<MemoryHandle, Error> {
        Ok(MemoryHandle::OpaqueFd {
            fd: self.memory.export()?,
            device: self.unbound.device.id(),
            size: self.memory.size(),
            memory_type: self.memory.memory_type(),
            image: OpaqueImage::default(),
        })
    }

    /// The device's view of the first `size` bytes of opaque memory.
    pub(crate) fn of_opaque(
        device: &Arc<Device>,
        memory: &Opaque<'_>,
        size: u64,
    ) -> Result<Self, Error> {
        let unbound = for_opaque(device, size, vk::ExternalMemoryFeatureFlags::IMPORTABLE)?;
        let needs = unbound.requirements();
        let mut buffer =
            unbound.bind(Memory::import_opaque(device, memory, needs, Dedicated::No)?)?;
        buffer.size = size;
        buffer.outside = Some(vk::QUEUE_FAMILY_EXTERNAL);
        buffer.map_on_cpu(device)?;
        Ok(buffer)
    }

    /// A CPU device's memory is the CPU's.
    fn map_on_cpu(&mut self, device: &Device) -> Result<(), Error> {
        if device.is_cpu() && self.memory.is_plain() {
            self.mapped = Some(Mapped(self.memory.map()?));
        }
        Ok(())
    }

    fn with(
        device: &Arc<Device>,
        size: u64,
        wishes: &[vk::MemoryPropertyFlags],
    ) -> Result<Self, Error> {
        let unbound = create_buffer(device, size, None)?;
        let needs = unbound.requirements();
        let bits = needs.memory_type_bits;
        let flags = wishes.iter().find(|flags| device.memory_type(bits, **flags).is_some());
        let flags = flags.copied().unwrap_or(wishes[0]);
        let memory = Memory::new(device, needs, flags, Dedicated::No, false)?;
        let mut buffer = unbound.bind(memory)?;
        buffer.size = size;
        Ok(buffer)
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Copies bytes from `offset` on into `out`. What a running submission writes is torn: wait
    /// for it first.
    ///
    /// # Panics
    ///
    /// When the range is not in the buffer, or the CPU does not see the buffer
    /// ([`new`](Self::new)).
    pub fn read_into(&self, offset: u64, out: &mut [u8]) {
        let from = self.range(offset, out.len());
        // SAFETY: `range` checked that the bytes are mapped; `out` is ours alone.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
    }

    /// Writes `bytes` from `offset` on, before a submission reads them.
    ///
    /// # Panics
    ///
    /// As [`read_into`](Self::read_into).
    pub fn write(&self, offset: u64, bytes: &[u8]) {
        let to = self.range(offset, bytes.len());
        // SAFETY: `range` checked that the bytes are mapped; nobody holds a reference into them.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    /// Writes all bytes of `host`.
    pub(crate) fn copy_from(&self, host: &HostMemory) {
        let to = self.range(0, host.size());
        // SAFETY: `range` checked that the bytes are mapped; `host` is mapped and another memory.
        unsafe { std::ptr::copy_nonoverlapping(host.pointer(), to, host.size()) };
    }

    /// Writes zeros everywhere.
    ///
    /// # Panics
    ///
    /// When the CPU does not see the buffer.
    pub fn clear(&self) {
        let length = usize::try_from(self.size).unwrap_or(0);
        let to = self.range(0, length);
        // SAFETY: `range` checked that the bytes are mapped; nobody holds a reference into them.
        unsafe { std::ptr::write_bytes(to, 0, length) };
    }

    fn range(&self, offset: u64, length: usize) -> *mut u8 {
        let mapped = self.mapped.as_ref().map(|mapped| mapped.0);
        let start = mapped
            .filter(|_| offset.checked_add(length as u64).is_some_and(|end| end <= self.size));
        let start = start.unwrap_or_else(|| {
            panic!("{length} bytes at {offset} of a mapped buffer of {} bytes", self.size)
        });
        // SAFETY: the end of the range is inside the mapping, so its start is.
        unsafe { start.add(offset as usize) }
    }

    /// Where the CPU sees it, if it does.
    pub(crate) fn pointer(&self) -> Option<*mut u8> {
        self.mapped.as_ref().map(|mapped| mapped.0)
    }

    pub(crate) fn raw(&self) -> vk::Buffer {
        self.unbound.raw
    }

    pub(crate) fn device(&self) -> &Device {
        &self.unbound.device
    }

    pub(crate) fn outside(&self) -> Option<u32> {
        self.outside
    }
}
