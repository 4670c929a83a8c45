//! Planes in memfds, as decoders on the CPU have them; and whatever a stranger says of such.

use arrayvec::ArrayVec;
use zerohop_frame::{Extent, Fourcc, FrameDescriptor, MemoryHandle, SharedBuffer};
use zerohop_vulkan::{Error, Image, ImportCache, Sight, Way};

use crate::common::Machine;
use crate::descriptors;
use crate::every::{SIZES, each};
use crate::picture::{FORMATS, Picture, SHAPES, Shape, again, shm};

pub(crate) fn memfds_as_buffers(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, shm, &[Way::Buffers])?;
    assert_eq!(came.len(), FORMATS.len() * SIZES.len() * SHAPES.len(), "those of one plane, too");
    Ok(())
}

pub(crate) fn memfds_copied(machine: &Machine) -> Result<(), Error> {
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

pub(crate) fn the_best_way(machine: &Machine) -> Result<(), Error> {
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

pub(crate) fn sizes_are_checked(machine: &Machine) -> Result<(), Error> {
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

pub(crate) fn other_kinds(machine: &Machine) -> Result<(), Error> {
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

pub(crate) fn imported_once(machine: &Machine) -> Result<(), Error> {
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

/// What `cargo xtask fuzz` does for longer.
pub(crate) fn any_descriptor(machine: &Machine) -> Result<(), Error> {
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
