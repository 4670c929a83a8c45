//! Planes in dma-bufs, in rows.

use arrayvec::ArrayVec;
use zerohop_frame::{Extent, Fourcc, FrameDescriptor, Modifier, SharedBuffer, SyncPoint};
use zerohop_vulkan::{Device, Error, Image, Way};

use crate::common::{Machine, takes_dma_bufs};
use crate::every::each;
use crate::picture::{FEW, FORMATS, Picture, SHAPES, Shape, again, dma_buf};

pub(crate) fn dma_bufs(machine: &Machine, way: Way) -> Result<(), Error> {
    let came = each(machine, dma_buf, &[way])?;
    println!("{way}: {} pictures", came.len());
    assert!(!came.is_empty(), "no picture came as {way}");
    Ok(())
}

/// llvmpipe confuses memory planes (`quirks.rs`).
pub(crate) fn takes_disjoint(device: &Device) -> bool {
    takes_dma_bufs(device) && !device.is_cpu()
}

/// Whatever the way, all of them are read.
pub(crate) fn dma_bufs_by_themselves(machine: &Machine) -> Result<(), Error> {
    let came = each(machine, dma_buf, &Way::ALL)?;
    assert_eq!(came.len(), FORMATS.len() * FEW.len() * SHAPES.len());
    let copied = came.iter().filter(|way| matches!(way, Way::DeviceCopy | Way::CpuCopy)).count();
    assert_eq!(copied, 0, "every one is read where it lies: {came:?}");
    Ok(())
}

pub(crate) fn fences(_: &Machine) -> Result<(), Error> {
    let extent = Extent { width: 64, height: 48 };
    let picture = Picture::new(Fourcc::NV12, extent, Shape::Apart, dma_buf);
    let point = SyncPoint::of_implicit_fences(picture.buffer.memory()).expect("Linux from 6.0 on");
    // Nobody writes there, so whatever is attached has passed.
    assert!(matches!(point, SyncPoint::Signaled), "{point:?}");
    Ok(())
}

pub(crate) fn unknown(machine: &Machine) -> Result<(), Error> {
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
