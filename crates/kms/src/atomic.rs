//! Atomic modesetting: all changes together, tested before they are made.
//!
//! # References
//!
//! `Documentation/gpu/drm-kms.rst`, "KMS Properties"; `DRM_IOCTL_MODE_ATOMIC`.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;

use drm_ffi::{
    DRM_MODE_ATOMIC_ALLOW_MODESET, DRM_MODE_ATOMIC_NONBLOCK, DRM_MODE_ATOMIC_TEST_ONLY,
    DRM_MODE_OBJECT_CONNECTOR, DRM_MODE_OBJECT_CRTC, DRM_MODE_OBJECT_PLANE,
    DRM_MODE_PAGE_FLIP_EVENT,
};
use zerohop_frame::Rect;

use crate::choose::Choice;
use crate::error::Doing as _;
use crate::flip::{Changes, commit};
use crate::output::{Picture, Step};
use crate::plane::Plane;
use crate::properties::Properties;
use crate::{Card, Error, Mode};

/// What a commit says about each object: property and value.
type Request = BTreeMap<u32, BTreeMap<u32, u64>>;

/// An object, and the numbers of its properties.
struct Object {
    id: u32,
    properties: Properties,
}

/// A CRTC, its connector, and its primary plane.
pub(crate) struct Atomic {
    connector: Object,
    crtc: Object,
    plane: Object,
    /// Planes over it.
    others: Vec<Object>,
    mode: Blob,
}

/// Bytes that the card keeps.
struct Blob {
    card: Arc<Card>,
    id: u32,
}

impl Blob {
    fn new(card: &Arc<Card>, bytes: &mut [u8]) -> io::Result<Self> {
        let made = drm_ffi::mode::create_property_blob(card.as_fd(), bytes)?;
        Ok(Self { card: Arc::clone(card), id: made.blob_id })
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // Nobody to tell; what uses it keeps it.
        let _ = drm_ffi::mode::destroy_property_blob(self.card.as_fd(), self.id);
    }
}

impl Atomic {
    /// Gets ready; nothing changes yet. The card has atomic modesetting.
    pub(crate) fn new(card: &Arc<Card>, choice: &Choice, plane: &Plane) -> Result<Self, Error> {
        let object =
            |id, kind| Properties::of(card, id, kind).map(|properties| Object { id, properties });
        let others = plane.others.iter().map(|id| object(*id, DRM_MODE_OBJECT_PLANE));
        Ok(Self {
            connector: object(choice.connector.id, DRM_MODE_OBJECT_CONNECTOR)?,
            crtc: object(choice.crtc, DRM_MODE_OBJECT_CRTC)?,
            plane: object(plane.id, DRM_MODE_OBJECT_PLANE)?,
            others: others.collect::<Result<_, _>>()?,
            mode: Blob::new(card, &mut bytes(&choice.mode)).doing("hand the mode to the card")?,
        })
    }

    /// Whether the plane waits for fences.
    pub(crate) fn takes_fences(&self) -> bool {
        self.plane.properties.number("IN_FENCE_FD").is_some()
    }

    /// Whether the picture could be shown. Changes nothing.
    pub(crate) fn test(&self, card: &Card, picture: Picture<'_>) -> io::Result<()> {
        let flags = DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET;
        commit(card, flags, &changes(&self.request(picture)), 0)
    }

    /// Shows the picture at the next vblank.
    pub(crate) fn show(&self, card: &Arc<Card>, picture: Picture<'_>) -> io::Result<Step> {
        let mut request = self.request(picture);
        if let Some(fence) = picture.fence {
            // Never negative.
            let number = u64::try_from(fence.as_raw_fd()).unwrap_or_default();
            self.plane.set(&mut request, "IN_FENCE_FD", number);
        }
        let clips = self.clips(card, picture);
        if let Some(clips) = &clips {
            self.plane.set(&mut request, "FB_DAMAGE_CLIPS", clips.id.into());
        }
        let when = match picture.modeset {
            true => DRM_MODE_ATOMIC_ALLOW_MODESET,
            false => DRM_MODE_ATOMIC_NONBLOCK,
        };
        commit(card, DRM_MODE_PAGE_FLIP_EVENT | when, &changes(&request), picture.number)?;
        Ok(Step::Event)
    }

    /// The damage, where the driver uses it. Without it the whole picture counts as new.
    fn clips(&self, card: &Arc<Card>, picture: Picture<'_>) -> Option<Blob> {
        self.plane.properties.number("FB_DAMAGE_CLIPS")?;
        let rects = picture.damage.filter(|rects| !rects.is_empty() && !picture.modeset)?;
        let mut bytes: Vec<u8> = rects.iter().flat_map(clip).collect();
        Blob::new(card, &mut bytes).ok()
    }

    fn request(&self, picture: Picture<'_>) -> Request {
        let mut request = Request::new();
        if picture.modeset {
            self.connector.set(&mut request, "CRTC_ID", self.crtc.id.into());
            self.crtc.set(&mut request, "MODE_ID", self.mode.id.into());
            self.crtc.set(&mut request, "ACTIVE", 1);
            for other in &self.others {
                other.set(&mut request, "FB_ID", 0);
                other.set(&mut request, "CRTC_ID", 0);
            }
            // Whoever drove the card before may have turned or faded it.
            self.plane.set(&mut request, "rotation", drm_ffi::DRM_MODE_ROTATE_0.into());
            self.plane.set(&mut request, "alpha", 0xffff);
        }
        let (from, to) = (picture.place.picture, picture.place.screen);
        let values = [
            ("FB_ID", picture.framebuffer.id),
            ("CRTC_ID", self.crtc.id),
            ("CRTC_X", to.x),
            ("CRTC_Y", to.y),
            ("CRTC_W", to.width),
            ("CRTC_H", to.height),
            ("SRC_X", 0),
            ("SRC_Y", 0),
        ];
        for (name, value) in values {
            self.plane.set(&mut request, name, value.into());
        }
        // 16.16 fixed point.
        self.plane.set(&mut request, "SRC_W", u64::from(from.width) << 16);
        self.plane.set(&mut request, "SRC_H", u64::from(from.height) << 16);
        request
    }
}

impl Object {
    /// Notes a value, if there is such a property.
    fn set(&self, request: &mut Request, name: &str, value: u64) {
        if let Some(number) = self.properties.number(name) {
            request.entry(self.id).or_default().insert(number, value);
        }
    }
}

/// A request as the kernel reads it.
fn changes(request: &Request) -> Changes {
    let count = |all: &BTreeMap<u32, u64>| u32::try_from(all.len()).unwrap_or_default();
    let pairs = || request.values().flatten();
    Changes {
        objects: request.keys().copied().collect(),
        counts: request.values().map(count).collect(),
        properties: pairs().map(|(property, _)| *property).collect(),
        values: pairs().map(|(_, value)| *value).collect(),
    }
}

/// `struct drm_mode_rect`.
fn clip(rect: &Rect) -> Vec<u8> {
    let [x1, y1] = [rect.x, rect.y];
    let corners = [x1, y1, x1.saturating_add(rect.width), y1.saturating_add(rect.height)];
    corners.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// `struct drm_mode_modeinfo` as the kernel reads it.
pub(crate) fn bytes(mode: &Mode) -> Vec<u8> {
    let info = mode.info();
    let shorts = [
        info.hdisplay,
        info.hsync_start,
        info.hsync_end,
        info.htotal,
        info.hskew,
        info.vdisplay,
        info.vsync_start,
        info.vsync_end,
        info.vtotal,
        info.vscan,
    ];
    let mut bytes = info.clock.to_ne_bytes().to_vec();
    bytes.extend(shorts.into_iter().flat_map(u16::to_ne_bytes));
    bytes.extend([info.vrefresh, info.flags, info.type_].into_iter().flat_map(u32::to_ne_bytes));
    bytes.extend(info.name.iter().map(|char| *char as u8));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::tests::mode;

    #[test]
    fn a_mode_has_the_layout_of_the_header() {
        let bytes = bytes(&mode(1280, 720, 60, true));
        assert_eq!(bytes.len(), size_of::<drm_ffi::drm_mode_modeinfo>());
        assert_eq!(bytes[4..6], 1280_u16.to_ne_bytes());
        assert_eq!(bytes[14..16], 720_u16.to_ne_bytes());
        assert_eq!(bytes[32..36], drm_ffi::DRM_MODE_TYPE_PREFERRED.to_ne_bytes());
    }

    #[test]
    fn a_clip_is_two_corners() {
        let rect = Rect { x: 1, y: 2, width: 3, height: 4 };
        let corners: Vec<u8> = [1_u32, 2, 4, 6].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(clip(&rect), corners);
    }
}
