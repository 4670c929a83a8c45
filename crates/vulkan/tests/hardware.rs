//! Tests that need a device: memory and fences in and out, pictures of one plane.

mod common;

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use common::{Home, Machine, Test, frame, one, open, takes_dma_bufs};
use libtest_mimic::Arguments;
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MemoryHandle, Modifier, OpaqueImage, PlaneLayout,
    SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_vulkan::{
    Buffer, Device, Error, HostBuffer, HostMemory, Image, ImportCache, PixelFormat, Prepared,
    Queue, Recording, Semaphore, opaque_of, read_back, write_picture,
};

fn main() -> ExitCode {
    let machine = open().map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let tests = vec![
        trial("validation", "the_validation_layer_listens", always, validation_listens),
        trial("device", "a_picture_survives_export_and_import", always, a_picture_survives),
        trial("families", "a_shared_picture_survives", has_families, a_shared_picture),
        trial("device", "another_device_is_refused", always, another_device_is_refused),
        trial("device", "a_refused_import_is_an_error", always, a_refused_import_is_an_error),
        trial("device", "wild_numbers_never_reach_the_driver", always, wild_numbers),
        trial("device", "a_failed_import_is_not_tried_again", always, a_failed_import_latches),
        trial("device", "an_image_goes_with_its_buffer", always, an_image_goes_with_its_buffer),
        trial("device", "a_memfd_picture_is_read", always, a_memfd_picture_is_read),
        trial("device", "a_memfd_that_may_shrink_is_refused", always, a_memfd_that_may_shrink),
        trial("device", "a_frame_goes_home_after_its_submission", always, a_frame_goes_home),
        trial("device", "command_buffers_are_used_again", always, command_buffers_are_used_again),
        trial("device", "what_is_done_keeps_no_image", always, what_is_done_keeps_no_image),
        trial("dma_buf", "a_dma_buf_is_read_by_modifier", takes_dma_bufs, a_dma_buf_is_read),
        trial("dma_buf", "a_small_dma_buf_is_refused", takes_dma_bufs, a_small_dma_buf),
        trial("host_pointers", "host_memory_is_shared", Device::has_host_pointers, host_memory),
        trial("cpu", "a_linear_image_is_read_in_place", Device::is_cpu, linear_in_place),
        trial("sync_file", "a_past_fence_imports", Device::has_sync_files, a_past_fence_imports),
        trial("sync_file", "a_submission_leaves_a_fence", Device::has_sync_files, leaves_a_fence),
        trial("sync_file", "numbers_of_fences_become_memory", Device::has_sync_files, numbers),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn descriptor(extent: Extent, fourcc: Fourcc, modifier: Modifier, stride: u32) -> FrameDescriptor {
    let planes = ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride }]);
    FrameDescriptor { extent, fourcc, modifier, planes, color: Color::SRGB }
}

/// A picture of our own, with every byte different from its neighbours.
fn picture(
    machine: &Machine,
    extent: Extent,
    format: PixelFormat,
    opaque: &OpaqueImage,
) -> Result<(Arc<SharedBuffer>, Vec<u8>), Error> {
    let image = Arc::new(Image::create(&machine.device, extent, format, opaque)?);
    let bytes: Vec<u8> = (0..image.bytes()).map(|i| (i * 7 + i / 251) as u8).collect();
    write_picture(&machine.queue, &image, &bytes)?;
    let shape = descriptor(extent, format.fourcc(), Modifier::INVALID, 0);
    let memory = ArrayVec::from_iter([image.export()?]);
    Ok((SharedBuffer::new(shape, memory).expect("the descriptor is sound"), bytes))
}

fn small() -> (Extent, PixelFormat) {
    let format = PixelFormat::of(Fourcc::XRGB8888).expect("a known format");
    (Extent { width: 64, height: 64 }, format)
}

/// The shape and handle of a small picture, to be spoiled.
fn spoiled(
    machine: &Machine,
    spoil: impl FnOnce(&mut MemoryHandle),
) -> Result<Arc<SharedBuffer>, Error> {
    let (extent, format) = small();
    let image = Image::create(&machine.device, extent, format, &opaque_of(format))?;
    let mut handle = image.export()?;
    spoil(&mut handle);
    let shape = descriptor(extent, format.fourcc(), Modifier::INVALID, 0);
    Ok(SharedBuffer::new(shape, ArrayVec::from_iter([handle])).expect("the descriptor is sound"))
}

fn refusal(machine: &Machine, spoil: impl FnOnce(&mut MemoryHandle)) -> Result<String, Error> {
    let buffer = spoiled(machine, spoil)?;
    let err = Image::import(&machine.device, &buffer).err().expect("a spoiled handle");
    Ok(err.to_string())
}

fn null() -> OwnedFd {
    std::fs::File::open("/dev/null").expect("/dev/null").into()
}

/// A mistake on purpose: were the layer deaf, every other test would pass for nothing.
fn validation_listens(_: &Machine) -> Result<(), Error> {
    let other = open().map_err(|_| Error::NoDevice)?;
    let said = || other.instance.messages().map_or(0, |messages| messages.count());
    // Reading a picture that nobody made: its layout is UNDEFINED, not GENERAL.
    let (extent, format) = small();
    let opaque = OpaqueImage { usage: 1 << 2, ..opaque_of(format) };
    let image = Arc::new(Image::create(&other.device, extent, format, &opaque)?);
    let buffer = spoiled(&other, |_| {})?;
    read_back(&other.queue, &frame(&buffer, &Arc::default()), &image)?;
    assert!(said() > 0, "a copy out of an image without TRANSFER_SRC went unnoticed");
    Ok(())
}

fn a_picture_survives(machine: &Machine) -> Result<(), Error> {
    for format in PixelFormat::all() {
        for (width, height) in [(1, 1), (17, 33), (64, 64), (1366, 7)] {
            let extent = Extent { width, height };
            let (buffer, bytes) = picture(machine, extent, *format, &opaque_of(*format))?;
            let image = Arc::new(Image::import(&machine.device, &buffer)?);
            let read = read_back(&machine.queue, &frame(&buffer, &Arc::default()), &image)?;
            assert!(read.bytes == bytes, "{} {width}x{height}", format.fourcc());
            assert_eq!(read.copies.cpu_bytes, bytes.len() as u64);
        }
    }
    Ok(())
}

fn has_families(device: &Device) -> bool {
    device.family_count() > 1
}

/// As the images of a `CONCURRENT` swapchain, shared by all families.
fn a_shared_picture(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let queue_families = u32::MAX >> (u32::BITS - machine.device.family_count());
    let opaque = OpaqueImage { queue_families, ..opaque_of(format) };
    let (buffer, bytes) = picture(machine, extent, format, &opaque)?;
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let read = read_back(&machine.queue, &frame(&buffer, &Arc::default()), &image)?;
    assert!(read.bytes == bytes, "other bytes came back");
    Ok(())
}

fn another_device_is_refused(machine: &Machine) -> Result<(), Error> {
    let why = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { device, .. } = handle else { return };
        device.driver_uuid[0] ^= 0xff;
    })?;
    assert_eq!(why, "the memory belongs to another device");
    Ok(())
}

/// The descriptor of a refused import is closed once, by us or by the driver: twice would abort.
fn a_refused_import_is_an_error(machine: &Machine) -> Result<(), Error> {
    let kind = "cannot import a descriptor that is no memory of this device";
    let cpu = machine.device.is_cpu();
    let why = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { fd, .. } = handle else { return };
        *fd = null();
    })?;
    assert_eq!(why, kind);
    // As large as it should be, but not what the driver made.
    let why = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { fd, size, .. } = handle else { return };
        let file = HostMemory::new(*size * 2, 4096).expect("a memfd");
        *fd = file.as_fd().try_clone_to_owned().expect("a descriptor");
    })?;
    // llvmpipe of Mesa 25 tells by trying.
    assert!(why == kind || cpu && why == "could not import memory", "{why}");
    let why = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { fd, .. } = handle else { return };
        let small = HostMemory::new(1, 4096).expect("a memfd");
        *fd = small.as_fd().try_clone_to_owned().expect("a descriptor");
    })?;
    let tiny = "the picture needs 16384 bytes, the memory has 4096";
    assert!(why == kind || cpu && why == tiny, "{why}");
    // And the device is none the worse for it.
    let (extent, format) = small();
    let (buffer, _) = picture(machine, extent, format, &opaque_of(format))?;
    Image::import(&machine.device, &buffer).map(drop)
}

fn wild_numbers(machine: &Machine) -> Result<(), Error> {
    let image = |change: fn(&mut OpaqueImage)| {
        refusal(machine, |handle| {
            let MemoryHandle::OpaqueFd { image, .. } = handle else { return };
            change(image);
        })
    };
    assert!(image(|it| it.format = 0x7fff_ffff)?.starts_with("a XR24 picture cannot lie in"));
    assert!(image(|it| it.format = 50)?.contains("is sRGB"));
    assert!(image(|it| it.tiling = 9)?.contains("tiling 9"));
    assert!(image(|it| it.usage = 0)?.contains("usage 0x0"));
    assert!(image(|it| it.usage = 1 << 30)?.contains("usage 0x40000000"));
    assert!(image(|it| it.flags = u32::MAX)?.starts_with("the device cannot import"));
    assert!(image(|it| it.array_layers = 0)?.starts_with("the device cannot import"));
    assert!(image(|it| it.array_layers = u32::MAX)?.starts_with("the device cannot import"));
    assert!(image(|it| it.queue_families = 1)?.contains("shared by other queue families"));
    assert!(image(|it| it.queue_families = u32::MAX)?.contains("shared by other queue families"));
    let small = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { size, .. } = handle else { return };
        *size = 4096;
    })?;
    assert!(small.ends_with("bytes, the memory has 4096"), "{small}");
    let kind = refusal(machine, |handle| {
        let MemoryHandle::OpaqueFd { memory_type, .. } = handle else { return };
        *memory_type = 31;
    })?;
    assert!(kind.starts_with("no common memory type"), "{kind}");
    Ok(())
}

fn a_failed_import_latches(machine: &Machine) -> Result<(), Error> {
    let buffer = spoiled(machine, |handle| {
        let MemoryHandle::OpaqueFd { fd, .. } = handle else { return };
        *fd = null();
    })?;
    let mut cache = ImportCache::new(&machine.device);
    assert!(!matches!(cache.get(&buffer).err(), None | Some(Error::Latched(_))));
    assert!(matches!(cache.get(&buffer).err(), Some(Error::Latched(_))));
    Ok(())
}

fn an_image_goes_with_its_buffer(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let mut cache = ImportCache::new(&machine.device);
    let (first, _) = picture(machine, extent, format, &opaque_of(format))?;
    let image = cache.get(&first)?;
    assert!(image.fresh && !cache.get(&first)?.fresh);
    let weak = Arc::downgrade(&image.image);
    drop((image, first));
    let (second, _) = picture(machine, extent, format, &opaque_of(format))?;
    let _ = cache.get(&second)?;
    assert!(weak.upgrade().is_none(), "the image outlived its buffer");
    assert_eq!(cache.len(), 1);
    Ok(())
}

fn a_memfd_picture_is_read(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let host = HostBuffer::new(&machine.device, 300 * 64)?;
    for y in 0..300 * 64_u64 {
        host.buffer().write(y, &[(y * 13) as u8]);
    }
    let byte = |y: u64, x: u64| ((y * 300 + x) * 13) as u8;
    let expected: Vec<u8> = (0..64).flat_map(|y| (0..256).map(move |x| byte(y, x))).collect();
    let shape = descriptor(extent, Fourcc::XRGB8888, Modifier::LINEAR, 300);
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([host.handle()?]));
    let buffer = buffer.expect("the descriptor is sound");
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let read = read_back(&machine.queue, &frame(&buffer, &Arc::default()), &image)?;
    assert!(read.bytes == expected, "the rows of the memfd");
    // The device's own view, which goes through a copy.
    let copy = Arc::new(Buffer::read_back(&machine.device, 256 * 64)?);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame(&buffer, &Arc::default()), &image)?;
    recording.copy_out(&image, &copy);
    let _ = recording.submit_and_wait()?;
    let mut bytes = vec![0; 256 * 64];
    copy.read_into(0, &mut bytes);
    assert!(bytes == expected, "the device's copy of the memfd");
    assert_eq!((image.format(), image.copies().gpu), (format, 1));
    Ok(())
}

fn a_memfd_that_may_shrink(machine: &Machine) -> Result<(), Error> {
    let (extent, _) = small();
    let shape = descriptor(extent, Fourcc::XRGB8888, Modifier::LINEAR, 256);
    let flags = rustix::fs::MemfdFlags::CLOEXEC | rustix::fs::MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("test", flags).expect("a memfd");
    rustix::fs::ftruncate(&fd, 256 * 64).expect("room");
    let buffer = SharedBuffer::new(shape, ArrayVec::from_iter([MemoryHandle::Shm(fd)]));
    let err = Image::import(&machine.device, &buffer.expect("sound")).err().expect("unsealed");
    assert_eq!(err.to_string(), "cannot import a memfd that is not sealed against shrinking");
    Ok(())
}

/// Submitted and waited for, or prepared and dropped.
fn what_is_done_keeps_no_image(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let image = Arc::new(Image::create(&machine.device, extent, format, &opaque_of(format))?);
    let queue = Queue::new(&machine.device);
    write_picture(&queue, &image, &vec![7; image.bytes() as usize])?;
    assert_eq!(Arc::strong_count(&image), 1, "what was submitted is done");
    drop(Prepared::new(&queue, &image, |_| Ok::<_, Error>(()))?);
    assert_eq!(Arc::strong_count(&image), 1, "what was prepared is dropped");
    Ok(())
}

fn a_frame_goes_home(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let (buffer, _) = picture(machine, extent, format, &opaque_of(format))?;
    let home = Arc::<Home>::default();
    let frame = frame(&buffer, &home);
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame, &image)?;
    drop(frame);
    assert!(home.0.lock().expect("no panic inside").is_empty(), "the recording holds the frame");
    let point = recording.submit()?;
    let released = home.0.lock().expect("no panic inside");
    assert_eq!(released.len(), 1);
    assert_eq!(released[0].after.len(), usize::from(machine.device.has_sync_files()));
    assert!(point.wait(Duration::from_secs(10)).expect("a fence"));
    Ok(())
}

fn command_buffers_are_used_again(machine: &Machine) -> Result<(), Error> {
    let files = || std::fs::read_dir("/proc/self/fd").expect("proc").count();
    let _ = Recording::begin(&machine.queue)?.submit_and_wait()?;
    let before = files();
    for _ in 0..100 {
        let _ = Recording::begin(&machine.queue)?.submit_and_wait()?;
        drop(Recording::begin(&machine.queue)?);
    }
    assert_eq!(files(), before);
    Ok(())
}

/// A small picture in a dma-buf of `size` bytes, over plain memory.
fn dma_buf(size: u64, bytes: &[u8]) -> Arc<SharedBuffer> {
    let memfd = Memfd::create("picture", size).expect("a memfd");
    let mut mapping = MappingMut::new(&memfd).expect("a mapping");
    mapping.as_mut_slice()[..bytes.len()].copy_from_slice(bytes);
    let handle = MemoryHandle::DmaBuf(udmabuf(&memfd).expect("a dma-buf"));
    let shape = descriptor(small().0, Fourcc::XRGB8888, Modifier::LINEAR, 256);
    SharedBuffer::new(shape, ArrayVec::from_iter([handle])).expect("the descriptor is sound")
}

fn a_dma_buf_is_read(machine: &Machine) -> Result<(), Error> {
    let bytes: Vec<u8> = (0..16384_u32).map(|i| (i * 11 + i / 256) as u8).collect();
    let buffer = dma_buf(16384, &bytes);
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let read = read_back(&machine.queue, &frame(&buffer, &Arc::default()), &image)?;
    assert!(read.bytes == bytes, "the rows of the dma-buf");
    assert_eq!(image.pixels().is_some(), machine.device.is_cpu(), "read in place by a CPU");
    let copy = Arc::new(Buffer::read_back(&machine.device, 16384)?);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame(&buffer, &Arc::default()), &image)?;
    recording.copy_out(&image, &copy);
    let _ = recording.submit_and_wait()?;
    let mut found = vec![0; 16384];
    copy.read_into(0, &mut found);
    assert!(found == bytes, "the device's view of the dma-buf");
    assert!(machine.device.modifiers(small().1).contains(&Modifier::LINEAR));
    Ok(())
}

fn a_small_dma_buf(machine: &Machine) -> Result<(), Error> {
    let err = Image::import(&machine.device, &dma_buf(4096, &[])).err().expect("no room");
    assert_eq!(
        std::error::Error::source(&err).map(ToString::to_string).as_deref(),
        Some("plane 0 ends at byte 16384 of object 0, which has 4096")
    );
    Ok(())
}

fn host_memory(machine: &Machine) -> Result<(), Error> {
    let (extent, format) = small();
    let (buffer, bytes) = picture(machine, extent, format, &opaque_of(format))?;
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let mut host = HostBuffer::new(&machine.device, 16384)?;
    assert!(host.is_shared());
    let mut recording = Recording::begin(&machine.queue)?;
    recording.read(&frame(&buffer, &Arc::default()), &image)?;
    recording.copy_out(&image, host.buffer());
    let _ = recording.submit_and_wait()?;
    assert_eq!(host.fetch(16384), 0);
    assert!(host.bytes_mut()[..16384] == bytes, "the device wrote into the process's memory");
    Ok(())
}

fn linear_in_place(machine: &Machine) -> Result<(), Error> {
    for format in PixelFormat::all() {
        let extent = Extent { width: 17, height: 33 };
        let opaque = OpaqueImage { tiling: 1, ..opaque_of(*format) };
        let (buffer, bytes) = picture(machine, extent, *format, &opaque)?;
        let image = Image::import(&machine.device, &buffer)?;
        let pixels = image.pixels().expect("a mapped image");
        let row = 17 * format.bytes();
        for (y, expected) in bytes.chunks_exact(row).enumerate() {
            let mut found = vec![0; row];
            pixels.read_into(y, 0, &mut found);
            assert!(found == expected, "row {y} of {}", format.fourcc());
        }
    }
    Ok(())
}

fn a_past_fence_imports(machine: &Machine) -> Result<(), Error> {
    Semaphore::new(&machine.device)?.import(&SyncPoint::Signaled)
}

fn leaves_a_fence(machine: &Machine) -> Result<(), Error> {
    let point = Recording::begin(&machine.queue)?.submit()?;
    assert!(point.wait(Duration::from_secs(10)).expect("a fence"));
    Ok(())
}

/// Memory comes in under the number that a fence went out under: nobody may take it for the fence.
fn numbers(machine: &Machine) -> Result<(), Error> {
    let fences: Vec<_> =
        (0..16).map(|_| Recording::begin(&machine.queue)?.submit()).collect::<Result<_, _>>()?;
    for fence in &fences {
        assert!(fence.wait(Duration::from_secs(10)).expect("a fence"));
    }
    drop(fences);
    let (extent, format) = small();
    let (buffer, bytes) = picture(machine, extent, format, &opaque_of(format))?;
    let image = Arc::new(Image::import(&machine.device, &buffer)?);
    let read = read_back(&machine.queue, &frame(&buffer, &Arc::default()), &image)?;
    assert!(read.bytes == bytes, "other bytes came back");
    Ok(())
}
