//! Pictures of several planes: every format, in every shape of memory, by every way in, pixel for
//! pixel.
//!
//! Long because every kind of memory is compared with every way in.

mod common;
#[path = "../fuzz/descriptors.rs"]
mod descriptors;

use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::sync::Arc;

use arrayvec::ArrayVec;
use common::{Machine, Test, frame, one, open, takes_dma_bufs};
use libtest_mimic::Arguments;
use zerohop_frame::{
    Color, Extent, Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, PlaneLayout,
    SharedBuffer, SyncPoint,
};
use zerohop_kernel::{MappingMut, Memfd, udmabuf};
use zerohop_vulkan::{
    Buffer, Device, Error, Image, ImportCache, Plane, Recording, Sight, Way, opaque_for, read_back,
    write_picture,
};

/// Every format that decoders write, and the planes of each as layers of their own.
const FORMATS: [&[u8; 4]; 24] = [
    b"NV12", b"NV21", b"NV16", b"NV61", b"NV24", b"NV42", b"P010", b"P012", b"P016", b"P210",
    b"YU12", b"YV12", b"YU16", b"YV16", b"YU24", b"YV24", b"S010", b"S016", b"R8  ", b"R16 ",
    b"GR88", b"GR32", b"XR24", b"XB30",
];

/// The smallest, odd, even, wide.
const SIZES: [(u32, u32); 5] = [(1, 1), (7, 5), (64, 48), (130, 6), (33, 17)];

/// Those of dma-bufs, which an emulated machine must get through.
const FEW: [(u32, u32); 2] = [(7, 5), (64, 48)];

fn main() -> ExitCode {
    let machine = open().map(Arc::new);
    let always = |_: &Device| true;
    let trial = |need, name, has: fn(&Device) -> bool, test: Test| {
        one(need, name, machine.clone(), has, test)
    };
    let host = Device::has_host_pointers;
    let tests = vec![
        trial("host_pointers", "memfd_planes_are_seen_as_buffers", host, memfds_as_buffers),
        trial("device", "memfd_planes_are_copied_where_nothing_else_works", always, memfds_copied),
        trial("device", "the_best_way_of_a_memfd_is_taken", always, the_best_way),
        trial(
            "device",
            "each_size_is_checked_before_the_driver_sees_it",
            always,
            sizes_are_checked,
        ),
        trial("device", "memory_of_another_kind_is_refused", always, other_kinds),
        trial("device", "a_decoders_surface_is_imported_once", always, imported_once),
        trial("device", "rows_in_opaque_memory_are_read_where_they_lie", always, opaque_rows),
        trial("device", "planes_of_one_opaque_image_are_read_one_by_one", always, opaque_planes),
        trial("device", "any_descriptor_is_read_rightly_or_refused", always, any_descriptor),
        trial("dma_buf", "dma_bufs_are_one_image", takes_dma_bufs, |it| dma_bufs(it, Way::Image)),
        trial("disjoint", "dma_bufs_are_a_disjoint_image", takes_disjoint, |it| {
            dma_bufs(it, Way::Disjoint)
        }),
        trial("dma_buf", "dma_bufs_are_an_image_for_each_plane", takes_dma_bufs, |it| {
            dma_bufs(it, Way::PlaneImages)
        }),
        trial("dma_buf", "dma_bufs_are_buffers", takes_dma_bufs, |it| dma_bufs(it, Way::Buffers)),
        trial("dma_buf", "dma_bufs_are_made_linear_by_the_device", takes_dma_bufs, |it| {
            dma_bufs(it, Way::DeviceCopy)
        }),
        trial("dma_buf", "dma_bufs_are_copied_by_the_cpu", takes_dma_bufs, |it| {
            dma_bufs(it, Way::CpuCopy)
        }),
        trial("dma_buf", "every_dma_buf_comes_in_unasked", takes_dma_bufs, dma_bufs_by_themselves),
        trial("dma_buf", "fences_of_dma_bufs_come_out_as_one", takes_dma_bufs, fences),
        trial("dma_buf", "an_unknown_modifier_is_refused_with_reasons", takes_dma_bufs, unknown),
    ];
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

/// How the planes lie in memory.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// One after the other, rows without padding.
    Tight,
    /// In one object, with padded rows and gaps.
    Padded,
    /// Each in an object of its own, away from its start.
    Apart,
    /// In one object that comes as two descriptors.
    Twice,
}

const SHAPES: [Shape; 4] = [Shape::Tight, Shape::Padded, Shape::Apart, Shape::Twice];

/// A picture in memory, and what should be read from it.
struct Picture {
    buffer: Arc<SharedBuffer>,
    planes: Vec<u8>,
}

type Make = fn(&Memfd) -> MemoryHandle;

fn shm(memfd: &Memfd) -> MemoryHandle {
    use std::os::fd::AsFd;
    MemoryHandle::Shm(memfd.as_fd().try_clone_to_owned().expect("a descriptor"))
}

fn dma_buf(memfd: &Memfd) -> MemoryHandle {
    MemoryHandle::DmaBuf(udmabuf(memfd).expect("a dma-buf"))
}

fn layouts(fourcc: Fourcc, extent: Extent, shape: Shape) -> (Vec<PlaneLayout>, usize) {
    let mut end = 0_u32;
    let planes = fourcc.planes().expect("a known format");
    let place = |(index, plane): (usize, &zerohop_frame::FormatPlane)| {
        let row = plane.row_bytes(extent) as u32;
        let rows = plane.extent(extent).height;
        let (object, offset, stride) = match shape {
            Shape::Tight => (0, end, row),
            Shape::Padded | Shape::Twice => {
                (0, (end + 300).next_multiple_of(64), (row + 9).next_multiple_of(64))
            }
            Shape::Apart => (index, 128, row.next_multiple_of(64)),
        };
        // A sample is never split.
        let offset = offset.next_multiple_of(plane.bytes);
        end = offset + stride * rows;
        let object = if matches!(shape, Shape::Twice) { index % 2 } else { object };
        PlaneLayout { object, offset, stride }
    };
    let all: Vec<_> = planes.iter().enumerate().map(place).collect();
    let objects = all.iter().map(|plane| plane.object + 1).max().unwrap_or(1);
    (all, objects)
}

fn noise(seed: u64, out: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for byte in out {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
}

impl Picture {
    fn new(fourcc: Fourcc, extent: Extent, shape: Shape, make: Make) -> Self {
        let (layouts, objects) = layouts(fourcc, extent, shape);
        let planes = layouts.iter().copied().collect::<ArrayVec<_, MAX_PLANES>>();
        let color = Color::BT709;
        let modifier = Modifier::LINEAR;
        let descriptor = FrameDescriptor { extent, fourcc, modifier, planes, color };
        let size = (0..layouts.len()).map(|plane| descriptor.end(plane)).max().expect("a plane");
        let files = if matches!(shape, Shape::Twice) { 1 } else { objects };
        let (mut memory, mut contents) = (Vec::new(), Vec::new());
        for object in 0..files {
            let memfd = Memfd::create("picture", size.next_multiple_of(4096)).expect("a memfd");
            let mut mapping = MappingMut::new(&memfd).expect("a mapping");
            noise(size + object as u64, mapping.as_mut_slice());
            contents.push(mapping.as_slice().to_vec());
            memory.push(make(&memfd));
        }
        while memory.len() < objects {
            memory.push(again(&memory[0]));
        }
        let planes = expected(&descriptor, &contents);
        let memory = memory.into_iter().collect();
        let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
        Self { buffer, planes }
    }
}

fn again(handle: &MemoryHandle) -> MemoryHandle {
    use std::os::fd::AsFd;
    let fd = handle.as_fd().try_clone_to_owned().expect("a descriptor");
    match handle {
        MemoryHandle::DmaBuf(_) => MemoryHandle::DmaBuf(fd),
        _ => MemoryHandle::Shm(fd),
    }
}

/// The planes without padding, by the definition of offset and stride.
fn expected(descriptor: &FrameDescriptor, contents: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    let planes = descriptor.fourcc.planes().expect("a known format");
    for (plane, at) in planes.iter().zip(&descriptor.planes) {
        let row = plane.row_bytes(descriptor.extent) as usize;
        for y in 0..plane.extent(descriptor.extent).height as usize {
            let start = at.offset as usize + y * at.stride as usize;
            all.extend(&contents[at.object.min(contents.len() - 1)][start..start + row]);
        }
    }
    all
}

/// Reads the picture in every way there is: in place where the CPU can, and through the device.
fn check(machine: &Machine, picture: &Picture, image: Image, what: &str) -> Result<(), Error> {
    let image = Arc::new(image);
    let planes: u64 = image.planes().iter().map(Plane::bytes).sum();
    assert_eq!((image.bytes(), planes), (picture.planes.len() as u64, image.bytes()), "{what}");
    let read = read_back(&machine.queue, &frame(&picture.buffer, &Arc::default()), &image)?;
    assert!(read.bytes == picture.planes, "{what}: {:?}", first(&read.bytes, &picture.planes));
    for (places, size) in [image.tight(), image.padded()] {
        let copy = Arc::new(Buffer::read_back(&machine.device, size)?);
        let mut recording = Recording::begin(&machine.queue)?;
        recording.read(&frame(&picture.buffer, &Arc::default()), &image)?;
        recording.copy_out_to(&image, &copy, &places);
        let _ = recording.submit_and_wait()?;
        let mut found = Vec::new();
        for (plane, place) in image.planes().iter().zip(places) {
            for y in 0..u64::from(plane.extent().height) {
                let mut row = vec![0; plane.row_bytes()];
                let start = u64::from(place.offset) + y * u64::from(place.stride);
                copy.read_into(start, &mut row);
                found.extend(row);
            }
        }
        assert!(found == picture.planes, "{what}: {:?}", first(&found, &picture.planes));
    }
    Ok(())
}

fn first(found: &[u8], expected: &[u8]) -> Option<(usize, u8, u8)> {
    let mut both = found.iter().zip(expected).enumerate();
    both.find(|(_, (a, b))| a != b).map(|(at, (a, b))| (at, *a, *b))
}

fn sizes(make: Make) -> &'static [(u32, u32)] {
    if std::ptr::fn_addr_eq(make, shm as Make) { &SIZES } else { &FEW }
}

/// Every format, size and shape by the first of `ways` that takes it; how many there were.
fn each(machine: &Machine, make: Make, ways: &[Way]) -> Result<Vec<Way>, Error> {
    let mut came = Vec::new();
    let sizes = sizes(make);
    for name in FORMATS {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        for &(width, height) in sizes {
            for shape in SHAPES {
                let extent = Extent { width, height };
                let picture = Picture::new(fourcc, extent, shape, make);
                let what = format!("{fourcc} {width}x{height} {shape:?} as {ways:?}");
                match Image::import_by(&machine.device, &picture.buffer, ways) {
                    Ok(image) => {
                        came.push(image.way());
                        check(machine, &picture, image, &what)?;
                    }
                    Err(err) => assert!(is_expected(&err, &picture), "{what}: {err}: {err:?}"),
                }
            }
        }
    }
    Ok(came)
}

/// Whether the way is not for this picture, or the device does not know the format.
fn is_expected(err: &Error, picture: &Picture) -> bool {
    let descriptor = picture.buffer.descriptor();
    let odd = descriptor.extent.width % 2 + descriptor.extent.height % 2 > 0;
    match err {
        Error::Odd(_) => odd,
        Error::Unsupported(why) => {
            why.ends_with("by the ways that were asked for")
                || *why == "planes in several memory objects as one"
        }
        Error::Modifier { known, .. } => known == "none",
        Error::Format(_) | Error::MemoryPlanes { .. } | Error::NotImportable { .. } => true,
        Error::Feature { feature, .. } => *feature == "DISJOINT",
        _ => false,
    }
}

fn memfds_as_buffers(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, shm, &[Way::Buffers])?;
    assert_eq!(came.len(), FORMATS.len() * SIZES.len() * SHAPES.len(), "those of one plane, too");
    Ok(())
}

fn memfds_copied(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, shm, &[Way::CpuCopy])?;
    assert_eq!(came.len(), FORMATS.len() * SIZES.len() * SHAPES.len());
    let extent = Extent { width: 64, height: 48 };
    let picture = Picture::new(Fourcc::NV12, extent, Shape::Tight, shm);
    let image = Image::import_by(&machine.device, &picture.buffer, &[Way::CpuCopy])?;
    let fallback = image.fallback().expect("a copy is reported");
    assert_eq!(fallback.cost, "the CPU copies each picture before it is read");
    assert_eq!((image.copies().gpu, image.copies().cpu_bytes), (0, 8192), "64x48 in two pages");
    Ok(())
}

fn the_best_way(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, shm, &Way::ALL)?;
    assert_eq!(came.len(), FORMATS.len() * SIZES.len() * SHAPES.len());
    if machine.device.has_host_pointers() {
        let extent = Extent { width: 64, height: 48 };
        let picture = Picture::new(Fourcc::P010, extent, Shape::Padded, shm);
        let image = Image::import(&machine.device, &picture.buffer)?;
        assert_eq!((image.way(), image.sight()), (Way::Buffers, Some(Sight::Buffers)));
        assert!(image.fallback().is_none() && image.copies() == zerohop_vulkan::Copies::default());
        let chroma = image.planes()[1].place().expect("a place in the buffer");
        assert_eq!(chroma.offset, picture.buffer.descriptor().planes[1].offset);
    }
    Ok(())
}

fn sizes_are_checked(machine: &Machine) -> Result<(), Error> {
    let refusal = |fourcc, change: fn(&mut FrameDescriptor)| {
        let extent = Extent { width: 64, height: 48 };
        let whole = Picture::new(fourcc, extent, Shape::Tight, shm);
        let mut descriptor = whole.buffer.descriptor().clone();
        change(&mut descriptor);
        let memory = ArrayVec::from_iter([again(&whole.buffer.memory()[0])]);
        let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
        let err = Image::import(&machine.device, &buffer).err().expect("a wrong size");
        std::error::Error::source(&err).map_or(err.to_string(), ToString::to_string)
    };
    let nv12 = Fourcc::NV12;
    assert_eq!(
        refusal(nv12, |it| it.planes[1].offset = 8000),
        "plane 1 ends at byte 9536 of object 0, which has 8192"
    );
    assert_eq!(
        refusal(nv12, |it| it.extent.height = 4800),
        "plane 0 ends at byte 307200 of object 0, which has 8192"
    );
    assert_eq!(
        refusal(nv12, |it| it.planes[1].stride = 62),
        "plane 1 has a stride of 62 bytes, and its rows have 64"
    );
    assert_eq!(refusal(nv12, |it| it.planes.truncate(1)), "the NV12 picture has 1 planes, not 2");
    assert_eq!(
        refusal(Fourcc::P010, |it| it.planes[1].offset += 2),
        "rows from byte 6146 on, 128 bytes apart, split samples of 4 bytes"
    );
    assert_eq!(refusal(nv12, |it| it.fourcc = Fourcc(0x5858_5858)), "no Vulkan format for XXXX");
    Ok(())
}

fn other_kinds(machine: &Machine) -> Result<(), Error> {
    let extent = Extent { width: 64, height: 48 };
    let picture = Picture::new(Fourcc::NV12, extent, Shape::Apart, shm);
    let refusal = |second: MemoryHandle| {
        let memory = ArrayVec::from_iter([again(&picture.buffer.memory()[0]), second]);
        let buffer = SharedBuffer::new(picture.buffer.descriptor().clone(), memory);
        let buffer = buffer.expect("a sound descriptor");
        Image::import(&machine.device, &buffer).err().expect("another kind").to_string()
    };
    let null = || std::fs::File::open("/dev/null").expect("/dev/null").into();
    assert_eq!(refusal(MemoryHandle::Shm(null())), "object 1 is not a memfd but Other");
    assert_eq!(refusal(MemoryHandle::DmaBuf(null())), "object 1 is not a dma-buf but Other");
    let flags = rustix::fs::MemfdFlags::ALLOW_SEALING;
    let loose = rustix::fs::memfd_create("test", flags).expect("a memfd");
    let why = refusal(MemoryHandle::Shm(loose));
    assert_eq!(why, "cannot import a memfd that is not sealed against shrinking");
    Ok(())
}

fn imported_once(machine: &Machine) -> Result<(), Error> {
    let mut cache = ImportCache::new(&machine.device);
    let extent = Extent { width: 64, height: 48 };
    let surfaces: Vec<_> =
        (0..6).map(|_| Picture::new(Fourcc::NV12, extent, Shape::Padded, shm)).collect();
    for round in 0..4 {
        for surface in &surfaces {
            assert_eq!(cache.get(&surface.buffer)?.fresh, round == 0);
        }
    }
    assert_eq!(cache.len(), 6);
    drop(surfaces);
    cache.evict();
    assert!(cache.is_empty(), "the decoder has freed its surfaces");
    Ok(())
}

/// `bytes` in a buffer of the device that can leave it.
fn exportable(machine: &Machine, bytes: &[u8]) -> Result<MemoryHandle, Error> {
    let size = bytes.len() as u64;
    let out = Arc::new(Buffer::exportable(&machine.device, size)?);
    let from = Arc::new(Buffer::read_back(&machine.device, size)?);
    from.write(0, bytes);
    let mut recording = Recording::begin(&machine.queue)?;
    recording.copy_ranges(&from, &out, &[(0, size)]);
    let _ = recording.submit_and_wait()?;
    out.export()
}

fn opaque_rows(machine: &Machine) -> Result<(), Error> {
    let mut came = Vec::new();
    for name in FORMATS {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        for (width, height) in FEW {
            for shape in [Shape::Tight, Shape::Padded] {
                let made = Picture::new(fourcc, Extent { width, height }, shape, shm);
                let memfd = made.buffer.memory()[0].as_fd().try_clone_to_owned();
                let memfd = memfd.map(Memfd::try_from).expect("a descriptor").expect("a memfd");
                let bytes = zerohop_kernel::Mapping::new(&memfd).expect("a mapping");
                let memory = ArrayVec::from_iter([exportable(machine, bytes.as_slice())?]);
                let buffer = SharedBuffer::new(made.buffer.descriptor().clone(), memory);
                let buffer = buffer.expect("a sound descriptor");
                let image = Image::import(&machine.device, &buffer)?;
                came.push(image.way());
                let what = format!("{fourcc} {width}x{height} {shape:?}");
                check(machine, &Picture { buffer, planes: made.planes }, image, &what)?;
            }
        }
    }
    let buffers = came.iter().filter(|way| **way == Way::Buffers).count();
    assert_eq!(buffers, 18 * FEW.len() * 2, "all with several planes");
    Ok(())
}

/// `VK_IMAGE_CREATE_ALIAS_BIT`, which FFmpeg's images have.
const ALIAS: u32 = 0x400;

/// How FFmpeg makes them, but for what is for decoding.
fn opaque_planes(machine: &Machine) -> Result<(), Error> {
    let mut made = 0;
    let tilings = FORMATS.iter().flat_map(|name| [(*name, OPTIMAL), (*name, LINEAR)]);
    for (name, tiling) in tilings {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        let extent = Extent { width: 64, height: 48 };
        let mut opaque = match opaque_for(&machine.device, fourcc, extent) {
            Ok(opaque) => opaque,
            Err(Error::Format(_)) => continue,
            Err(err) => return Err(err),
        };
        opaque.flags |= ALIAS;
        opaque.tiling = tiling;
        let image = match Image::create_for(&machine.device, extent, fourcc, &opaque) {
            Ok(image) => Arc::new(image),
            Err(Error::NotImportable { .. }) => continue,
            Err(err) => return Err(err),
        };
        let mut bytes = vec![0; image.bytes() as usize];
        noise(u64::from(opaque.format), &mut bytes);
        write_picture(&machine.queue, &image, &bytes)?;
        let memory = ArrayVec::from_iter([image.export()?]);
        let at = PlaneLayout { object: 0, offset: 0, stride: 0 };
        let descriptor = FrameDescriptor {
            extent,
            fourcc,
            modifier: Modifier::INVALID,
            planes: ArrayVec::from_iter([at]),
            color: Color::BT709,
        };
        let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
        let image = Image::import(&machine.device, &buffer)?;
        assert_eq!((image.way(), image.sight()), (Way::Opaque, Some(Sight::Images)));
        check(machine, &Picture { buffer, planes: bytes }, image, &fourcc.to_string())?;
        made += 1;
    }
    assert!(made >= 3, "NV12 and P010 at least, and one of them LINEAR");
    Ok(())
}

/// `VK_IMAGE_TILING_OPTIMAL` and `VK_IMAGE_TILING_LINEAR`.
const OPTIMAL: u32 = 0;
const LINEAR: u32 = 1;

/// What `cargo xtask fuzz` does for longer.
fn any_descriptor(machine: &Machine) -> Result<(), Error> {
    let memory = descriptors::Memory::new();
    let one = |seed| {
        let mut random = descriptors::Random(seed);
        descriptors::run(&machine.queue, &memory, &mut random)
    };
    let reasons: Vec<_> = (0..1500).filter_map(one).collect();
    // A target that sees everything refused, or nothing, tests nothing.
    assert!((300..1300).contains(&reasons.len()), "{} were refused", reasons.len());
    let mut kinds: Vec<String> = reasons
        .iter()
        .map(|reason| reason.chars().filter(|c| !c.is_ascii_digit()).collect())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.len() >= 8, "{kinds:#?}");
    Ok(())
}

fn dma_bufs(machine: &Machine, way: Way) -> Result<(), Error> {
    let came = each(machine, dma_buf, &[way])?;
    println!("{way}: {} pictures", came.len());
    assert!(!came.is_empty(), "no picture came as {way}");
    Ok(())
}

/// llvmpipe confuses memory planes (`quirks.rs`).
fn takes_disjoint(device: &Device) -> bool {
    takes_dma_bufs(device) && !device.is_cpu()
}

/// Whatever the way, all of them are read.
fn dma_bufs_by_themselves(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, dma_buf, &Way::ALL)?;
    assert_eq!(came.len(), FORMATS.len() * FEW.len() * SHAPES.len());
    let copied = came.iter().filter(|way| matches!(way, Way::DeviceCopy | Way::CpuCopy)).count();
    assert_eq!(copied, 0, "every one is read where it lies: {came:?}");
    Ok(())
}

fn fences(_: &Machine) -> Result<(), Error> {
    let extent = Extent { width: 64, height: 48 };
    let picture = Picture::new(Fourcc::NV12, extent, Shape::Apart, dma_buf);
    let point = SyncPoint::of_implicit_fences(picture.buffer.memory()).expect("Linux from 6.0 on");
    // Nobody writes there, so whatever is attached has passed.
    assert!(matches!(point, SyncPoint::Signaled), "{point:?}");
    Ok(())
}

fn unknown(machine: &Machine) -> Result<(), Error> {
    let extent = Extent { width: 64, height: 48 };
    let picture = Picture::new(Fourcc::NV12, extent, Shape::Tight, dma_buf);
    let descriptor =
        FrameDescriptor { modifier: Modifier(0x1234), ..picture.buffer.descriptor().clone() };
    let memory = ArrayVec::from_iter([again(&picture.buffer.memory()[0])]);
    let buffer = SharedBuffer::new(descriptor, memory).expect("a sound descriptor");
    let err = Image::import(&machine.device, &buffer).err().expect("an unknown modifier");
    let text = err.to_string();
    assert!(text.starts_with("the NV12 picture cannot be imported: not as one image"), "{text}");
    assert!(text.contains("the device does not know modifier 0x1234 of format"), "{text}");
    Ok(())
}
