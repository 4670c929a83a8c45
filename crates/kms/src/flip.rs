//! The two calls that an event answers. Those of `drm-ffi` do not say which picture the event is to
//! name.

use std::io;

use drm_ffi::{DRM_MODE_PAGE_FLIP_EVENT, drm_mode_atomic, drm_mode_crtc_page_flip};
use rustix::ioctl::{Updater, ioctl, opcode};

use crate::Card;
use crate::again::again;

/// Properties of objects, as the kernel reads them: so many of each object, one after the other.
pub(crate) struct Changes {
    pub(crate) objects: Vec<u32>,
    pub(crate) counts: Vec<u32>,
    pub(crate) properties: Vec<u32>,
    pub(crate) values: Vec<u64>,
}

/// `DRM_IOCTL_MODE_ATOMIC`. The event of `flags`, if any, has the `number`.
///
/// # Errors
///
/// What the driver says.
pub(crate) fn commit(card: &Card, flags: u32, changes: &Changes, number: u64) -> io::Result<()> {
    const OPCODE: rustix::ioctl::Opcode = opcode::read_write::<drm_mode_atomic>(b'd', 0xBC);
    let mut arg = drm_mode_atomic {
        flags,
        count_objs: u32::try_from(changes.objects.len()).unwrap_or_default(),
        objs_ptr: changes.objects.as_ptr().expose_provenance() as u64,
        count_props_ptr: changes.counts.as_ptr().expose_provenance() as u64,
        props_ptr: changes.properties.as_ptr().expose_provenance() as u64,
        prop_values_ptr: changes.values.as_ptr().expose_provenance() as u64,
        user_data: number,
        ..Default::default()
    };
    again(|| {
        // SAFETY: `OPCODE` and the structure are those of `drm.h` and `drm_mode.h`.
        let request = unsafe { Updater::<OPCODE, drm_mode_atomic>::new(&mut arg) };
        // SAFETY: the kernel reads the four arrays, which `changes` owns with lengths that agree,
        // and only during the call.
        unsafe { ioctl(card, request) }.map_err(Into::into)
    })
}

/// `DRM_IOCTL_MODE_PAGE_FLIP`, with an event that has the `number`.
///
/// # Errors
///
/// What the driver says.
pub(crate) fn page_flip(card: &Card, crtc: u32, framebuffer: u32, number: u64) -> io::Result<()> {
    type Arg = drm_mode_crtc_page_flip;
    const OPCODE: rustix::ioctl::Opcode = opcode::read_write::<Arg>(b'd', 0xB0);
    let flags = DRM_MODE_PAGE_FLIP_EVENT;
    let mut arg =
        Arg { crtc_id: crtc, fb_id: framebuffer, flags, user_data: number, ..Default::default() };
    again(|| {
        // SAFETY: `OPCODE` and the structure are those of `drm.h` and `drm_mode.h`.
        let request = unsafe { Updater::<OPCODE, Arg>::new(&mut arg) };
        // SAFETY: the kernel reads the structure, and only during the call.
        unsafe { ioctl(card, request) }.map_err(Into::into)
    })
}
