//! Where displays can be had: EGL's devices, its software renderer, and GBM on a card.

use std::ffi::c_int;
use std::fmt;
use std::path::PathBuf;
use std::ptr::null_mut;

use crate::Error;
use crate::library::{Egl, EglInt, Handle, TRUE, owned, words};

/// `EGL_DRM_DEVICE_FILE_EXT` (`EGL_EXT_device_drm`).
const DRM_DEVICE_FILE: EglInt = 0x3233;
/// `EGL_DRM_RENDER_NODE_FILE_EXT` (`EGL_EXT_device_drm_render_node`).
const DRM_RENDER_NODE_FILE: EglInt = 0x3377;
const EXTENSIONS: EglInt = 0x3055;
/// More devices than a machine has.
const MOST_DEVICES: usize = 64;

/// A place where a display can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// A device of `EGL_EXT_device_enumeration`, by its place in the list, and its device files.
    Device(usize, Vec<PathBuf>),
    /// The driver's choice without any window system (`EGL_MESA_platform_surfaceless`).
    Surfaceless,
    /// GBM on this card or render node (`EGL_KHR_platform_gbm`).
    Gbm(PathBuf),
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(index, nodes) => {
                write!(f, "device {index}")?;
                nodes.iter().try_for_each(|node| write!(f, " {}", node.display()))
            }
            Self::Surfaceless => f.write_str("surfaceless"),
            Self::Gbm(path) => write!(f, "gbm {}", path.display()),
        }
    }
}

/// Every place on this machine, hardware's own first. Nothing is opened but the library.
///
/// # Errors
///
/// [`Error::Library`] on a machine without EGL.
pub fn platforms() -> Result<Vec<Platform>, Error> {
    let egl = Egl::get()?;
    let device = |(index, handle): (usize, &Handle)| Platform::Device(index, nodes(egl, *handle));
    let mut found: Vec<_> = devices(egl).iter().enumerate().map(device).collect();
    // Those with a device file are hardware.
    found.sort_by_key(|one| matches!(one, Platform::Device(_, nodes) if nodes.is_empty()));
    if egl.has("EGL_MESA_platform_surfaceless") {
        found.push(Platform::Surfaceless);
    }
    if egl.has("EGL_KHR_platform_gbm") || egl.has("EGL_MESA_platform_gbm") {
        found.extend(cards().into_iter().map(Platform::Gbm));
    }
    Ok(found)
}

/// EGL's devices, in its order.
pub(crate) fn devices(egl: &Egl) -> Vec<Handle> {
    let listed = egl.has("EGL_EXT_device_enumeration") || egl.has("EGL_EXT_device_base");
    let Some(query) = egl.extra.query_devices.filter(|_| listed) else { return Vec::new() };
    let mut all = [null_mut(); MOST_DEVICES];
    let mut count: c_int = 0;
    // SAFETY: the list has room for as many as the call is told.
    let done = unsafe { query(MOST_DEVICES as c_int, all.as_mut_ptr(), &mut count) };
    let count = if done == TRUE { usize::try_from(count).unwrap_or(0) } else { 0 };
    all[..count.min(MOST_DEVICES)].to_vec()
}

/// The device files of one of EGL's devices: none of what runs on the CPU.
fn nodes(egl: &Egl, device: Handle) -> Vec<PathBuf> {
    let Some(query) = egl.extra.query_device_string else { return Vec::new() };
    // SAFETY: `device` is one of EGL's.
    let string = |name| owned(unsafe { query(device, name) });
    let has = words(string(EXTENSIONS));
    // Naming what the device does not have is an error, which the next call would find.
    let files = [
        ("EGL_EXT_device_drm", DRM_DEVICE_FILE),
        ("EGL_EXT_device_drm_render_node", DRM_RENDER_NODE_FILE),
    ];
    let there = files.iter().filter(|(extension, _)| has.iter().any(|one| one == extension));
    there.filter_map(|(_, name)| string(*name)).map(PathBuf::from).collect()
}

/// The files of `/dev/dri` that GBM takes, render nodes first.
fn cards() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("renderD") || name.starts_with("card")
        })
        .map(|entry| entry.path())
        .collect();
    found.sort_by_key(|path| std::cmp::Reverse(path.clone()));
    found
}
