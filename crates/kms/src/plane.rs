//! The plane that shows pictures, and those that must not.

use std::os::fd::AsFd as _;

use zerohop_frame::{Fourcc, Modifier};

use crate::connector::possible;
use crate::error::Doing as _;
use crate::formats::in_formats;
use crate::properties::Properties;
use crate::{Card, Error};

/// The primary plane of a CRTC.
#[derive(Clone, Debug)]
pub(crate) struct Plane {
    pub(crate) id: u32,
    /// What it shows.
    pub(crate) formats: Vec<(Fourcc, Modifier)>,
    /// Planes over it that are on.
    pub(crate) others: Vec<u32>,
}

impl Plane {
    /// Finds the primary plane of `crtc`.
    ///
    /// # Errors
    ///
    /// [`Error::NoScreen`] when there is none.
    pub(crate) fn primary(card: &Card, crtc: u32) -> Result<Self, Error> {
        let crtcs = card.crtcs()?;
        let mut ids = Vec::new();
        let fd = card.as_fd();
        drm_ffi::mode::get_plane_resources(fd, Some(&mut ids)).doing("list the planes")?;
        let (mut primary, mut others) = (None, Vec::new());
        for id in ids {
            let mut codes = Vec::new();
            let info =
                drm_ffi::mode::get_plane(fd, id, Some(&mut codes)).doing("look at a plane")?;
            let properties = Properties::of(card, id, drm_ffi::DRM_MODE_OBJECT_PLANE)?;
            let is_primary =
                properties.value("type") == Some(drm_ffi::DRM_PLANE_TYPE_PRIMARY.into());
            let fits = possible(&crtcs, info.possible_crtcs).contains(&crtc);
            // One that others use is theirs, unless there is no other.
            let better = info.crtc_id == crtc || primary.is_none();
            if is_primary && fits && better {
                let formats = formats(card, &properties, &codes);
                primary = Some((id, formats));
            } else if info.crtc_id == crtc {
                others.push(id);
            }
        }
        let (id, formats) =
            primary.ok_or_else(|| Error::NoScreen("its CRTC has no primary plane".to_owned()))?;
        Ok(Self { id, formats, others })
    }
}

/// Formats with their modifiers; `LINEAR` alone where the driver does not tell.
fn formats(card: &Card, properties: &Properties, codes: &[u32]) -> Vec<(Fourcc, Modifier)> {
    let blob = properties.value("IN_FORMATS").and_then(|id| u32::try_from(id).ok());
    let mut bytes = Vec::new();
    let blob = blob.filter(|id| *id != 0);
    if let Some(id) = blob {
        // One that cannot be read is as good as none.
        let _ = drm_ffi::mode::get_property_blob(card.as_fd(), id, Some(&mut bytes));
    }
    let pairs = in_formats(&bytes);
    match pairs.is_empty() {
        true => codes.iter().map(|code| (Fourcc(*code), Modifier::LINEAR)).collect(),
        false => pairs,
    }
}
