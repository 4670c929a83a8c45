//! Every format with the modifiers of `VK_LAYER_ZEROHOP_modifiers`, in memory of every shape.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{Extent, Fourcc, FrameDescriptor, MAX_PLANES, SharedBuffer};
use zerohop_layer_modifiers::MOST_CONTROLS;
use zerohop_vulkan::{Error, Image, Way};

use crate::common::Machine;
use crate::every::check;
use crate::picture::{FORMATS, Picture, Shape, again};

/// Even sides, as images of several planes want them.
pub(crate) const EXTENT: Extent = Extent { width: 64, height: 48 };

/// Of these llvmpipe of Mesa 26.1 has no image of all planes.
const NONE_WHOLE: [Fourcc; 2] =
    [Fourcc(u32::from_le_bytes(*b"P210")), Fourcc(u32::from_le_bytes(*b"S010"))];

/// All in one object, and each in its own: an emulated machine must get through.
const SHAPES: [Shape; 2] = [Shape::Padded, Shape::Apart];

/// One picture, and what is said of it.
pub(crate) struct Case {
    pub(crate) picture: Picture,
    pub(crate) name: String,
    shape: Shape,
    /// Planes of its format.
    pub(crate) planes: usize,
    /// Control planes of each.
    controls: usize,
}

impl Case {
    /// Whether it comes by `way`.
    fn comes(&self, way: Way) -> bool {
        let apart = matches!(self.shape, Shape::Apart);
        let whole = !NONE_WHOLE.contains(&self.picture.buffer.descriptor().fourcc);
        match way {
            Way::Image => whole && (!apart || self.planes + self.controls == 1),
            Way::Disjoint => whole && self.planes > 1,
            // As one image, or each plane as one.
            Way::PlaneImages => self.planes > 1 && (!apart || self.controls == 0),
            Way::DeviceCopy => {
                self.comes(Way::PlaneImages) || self.planes > 1 && self.comes(Way::Image)
            }
            _ => false,
        }
    }
}

/// Every format in every shape of memory with every number of control planes that DRM has room for.
pub(crate) fn cases() -> impl Iterator<Item = Case> {
    let all = FORMATS.iter().flat_map(|name| {
        let fourcc = Fourcc(u32::from_le_bytes(**name));
        let planes = fourcc.planes().expect("a known format").len();
        let most = (MAX_PLANES / planes - 1).min(MOST_CONTROLS as usize);
        (0..=most).flat_map(move |controls| SHAPES.map(|shape| (fourcc, planes, controls, shape)))
    });
    all.map(|(fourcc, planes, controls, shape)| Case {
        picture: Picture::controlled(fourcc, EXTENT, shape, controls as u64),
        name: format!("{fourcc} with {controls} each, {shape:?}"),
        shape,
        planes,
        controls,
    })
}

/// Has every case come by the first of `ways` that it can come by, or be refused. Returns how many came.
pub(crate) fn by(machine: &Machine, ways: &[Way]) -> Result<usize, Error> {
    let mut came = 0;
    for case in cases() {
        let (picture, what) = (&case.picture, format!("{} as {ways:?}", case.name));
        let way = ways.iter().copied().find(|way| case.comes(*way));
        match (Image::import_by(&machine.device, &picture.buffer, ways), way) {
            (Ok(image), way) => {
                assert_eq!(Some(image.way()), way, "{what}");
                check(machine, picture, image, &what)?;
                came += 1;
            }
            (Err(err), Some(_)) => panic!("{what}: {err}"),
            (Err(_), None) => {}
        }
    }
    Ok(came)
}

/// NV12 with a control plane for each plane, changed.
pub(crate) fn changed(shape: Shape, change: fn(&mut FrameDescriptor)) -> Arc<SharedBuffer> {
    let whole = Picture::controlled(Fourcc::NV12, EXTENT, shape, 1);
    let mut descriptor = whole.buffer.descriptor().clone();
    change(&mut descriptor);
    let memory = whole.buffer.memory().iter().map(again).collect::<ArrayVec<_, MAX_PLANES>>();
    SharedBuffer::new(descriptor, memory).expect("a sound descriptor")
}

/// Why `buffer` does not come by `way`.
pub(crate) fn refusal(machine: &Machine, buffer: &SharedBuffer, way: Way) -> String {
    let err = Image::import_by(&machine.device, buffer, &[way]).err().expect("it is wrong");
    match std::error::Error::source(&err) {
        Some(cause) => format!("{err}: {cause}"),
        None => err.to_string(),
    }
}
