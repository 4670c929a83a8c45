//! Shared buffers as framebuffers, over the same memory.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use zerohop_frame::{Fourcc, FrameDescriptor, MAX_PLANES, MemoryHandle, Modifier, SharedBuffer};
use zerohop_kernel::{Memfd, udmabuf};

use crate::again::again;
use crate::formats::shown_as;
use crate::framebuffer::{Framebuffer, Gem};
use crate::{Card, Refusal};

/// The framebuffer of `buffer`, for a plane that shows `shown`.
pub(crate) fn import(
    card: &Arc<Card>,
    buffer: &SharedBuffer,
    shown: &[(Fourcc, Modifier)],
) -> Result<Framebuffer, Refusal> {
    let descriptor = buffer.descriptor();
    let fourcc = format(descriptor, shown)?;
    let memory = buffer.memory().iter().map(|memory| gem(card, memory));
    let memory = memory.collect::<Result<Vec<_>, _>>()?;
    let id = add(card, descriptor, fourcc, &memory).map_err(|err| {
        let (extent, modifier) = (descriptor.extent, descriptor.modifier.0);
        let (width, height) = (extent.width, extent.height);
        Refusal(format!("the card makes no {fourcc} framebuffer of {width}x{height} pixels with modifier {modifier:#x}: {err}"))
    })?;
    Ok(Framebuffer::adopt(card, id, descriptor.extent, memory))
}

/// What the pixels are called on the screen.
fn format(descriptor: &FrameDescriptor, shown: &[(Fourcc, Modifier)]) -> Result<Fourcc, Refusal> {
    let FrameDescriptor { fourcc, modifier, .. } = *descriptor;
    if modifier == Modifier::INVALID {
        return Err(Refusal("only its own device can open the application's memory".to_owned()));
    }
    let names = shown_as(fourcc);
    names.into_iter().find(|name| shown.contains(&(*name, modifier))).ok_or_else(|| {
        let known = shown.iter().any(|(one, _)| names.contains(one));
        Refusal(match known {
            true => format!("the screen does not show {fourcc} with modifier {:#x}", modifier.0),
            false => format!("the screen does not show {fourcc}"),
        })
    })
}

fn gem(card: &Arc<Card>, memory: &MemoryHandle) -> Result<Gem, Refusal> {
    let import = |fd: BorrowedFd<'_>| {
        Gem::import(card, fd)
            .map_err(|err| Refusal(format!("{} imports no foreign memory: {err}", card.driver())))
    };
    match memory {
        MemoryHandle::DmaBuf(fd) => import(fd.as_fd()),
        MemoryHandle::Shm(fd) => {
            let refused = |err: &dyn std::fmt::Display| {
                Refusal(format!("/dev/udmabuf makes no dma-buf of shared memory: {err}"))
            };
            let fd = fd.try_clone().map_err(|err| refused(&err))?;
            let memfd = Memfd::try_from(fd).map_err(|err| refused(&err))?;
            import(udmabuf(&memfd).map_err(|err| refused(&err))?.as_fd())
        }
        _ => Err(Refusal("only its own device can open the application's memory".to_owned())),
    }
}

fn add(
    card: &Card,
    descriptor: &FrameDescriptor,
    fourcc: Fourcc,
    memory: &[Gem],
) -> std::io::Result<u32> {
    let (mut handles, mut modifiers) = ([0; MAX_PLANES], [0; MAX_PLANES]);
    let (mut strides, mut offsets) = ([0; MAX_PLANES], [0; MAX_PLANES]);
    for (place, plane) in descriptor.planes.iter().enumerate() {
        handles[place] = memory[plane.object].handle();
        modifiers[place] = descriptor.modifier.0;
        (strides[place], offsets[place]) = (plane.stride, plane.offset);
    }
    let explicit = card.capability(drm_ffi::DRM_CAP_ADDFB2_MODIFIERS) != 0;
    if !explicit {
        modifiers = [0; MAX_PLANES];
    }
    let flags = if explicit { drm_ffi::DRM_MODE_FB_MODIFIERS } else { 0 };
    let (width, height) = (descriptor.extent.width, descriptor.extent.height);
    let fd = card.as_fd();
    let made = again(|| {
        drm_ffi::mode::add_fb2(
            fd, width, height, fourcc.0, &handles, &strides, &offsets, &modifiers, flags,
        )
    });
    made.map(|made| made.fb_id)
}

#[cfg(test)]
mod tests {
    use arrayvec::ArrayVec;
    use zerohop_frame::{Color, Extent, PlaneLayout};

    use super::*;

    fn picture(fourcc: Fourcc, modifier: Modifier) -> FrameDescriptor {
        FrameDescriptor {
            extent: Extent { width: 4, height: 4 },
            fourcc,
            modifier,
            planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 16 }]),
            color: Color::SRGB,
        }
    }

    #[test]
    fn the_format_without_alpha_is_preferred_and_the_other_taken() {
        let (x, a) = (Fourcc::XRGB8888, Fourcc::ARGB8888);
        let linear = |fourcc| (fourcc, Modifier::LINEAR);
        let picture = picture(a, Modifier::LINEAR);
        assert_eq!(format(&picture, &[linear(a), linear(x)]), Ok(x));
        assert_eq!(format(&picture, &[linear(a)]), Ok(a));
        let err = format(&picture, &[linear(Fourcc::RGB565)]).unwrap_err();
        assert_eq!(err.to_string(), "the screen does not show AR24");
    }

    #[test]
    fn a_modifier_that_the_screen_does_not_know_is_refused() {
        let linear = [(Fourcc::XRGB8888, Modifier::LINEAR)];
        let err = format(&picture(Fourcc::XRGB8888, Modifier(7)), &linear).unwrap_err();
        assert_eq!(err.to_string(), "the screen does not show XR24 with modifier 0x7");
        let err = format(&picture(Fourcc::XRGB8888, Modifier::INVALID), &linear).unwrap_err();
        assert!(err.to_string().starts_with("only its own device"), "{err}");
    }
}
