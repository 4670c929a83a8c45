//! Images whose tiling or memory is ours: `LINEAR` ones of the driver, over host memory.

mod below;
mod bind;
mod create;
mod format;
mod layout;
mod place;
mod requirements;

use std::ops::Range;

use arrayvec::ArrayVec;
use ash::vk;

pub(crate) use bind::{bind, bind_all};
pub(crate) use create::{create, is_ours, with_sample};
pub(crate) use format::{MAX_PLANES, memory_planes};
pub(crate) use layout::{layout, layout2};
pub(crate) use requirements::{adjust, adjust2, requirements, requirements2};

/// `DRM_FORMAT_MOD_LINEAR` (`include/uapi/drm/drm_fourcc.h`): the one modifier that we offer.
pub(crate) const LINEAR: u64 = 0;

/// The memory planes as the application names them.
const MEMORY_PLANES: [vk::ImageAspectFlags; 4] = [
    vk::ImageAspectFlags::MEMORY_PLANE_0_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_1_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_2_EXT,
    vk::ImageAspectFlags::MEMORY_PLANE_3_EXT,
];

/// Where each plane of an image lies.
type Layouts = ArrayVec<vk::SubresourceLayout, MAX_PLANES>;

/// What we know of a `VkImage` that the driver sees otherwise than the application.
#[derive(Debug)]
pub(crate) struct Image {
    /// Whether the application gave it a modifier.
    pub(crate) has_modifier: bool,
    /// Whether its memory may be ours.
    pub(crate) external: bool,
    /// Its planes as the driver names them.
    aspects: &'static [vk::ImageAspectFlags],
    /// Where these lie in the driver's image. Known of an image with a modifier.
    own: Layouts,
    /// Where the pixels of each end there.
    ends: ArrayVec<u64, MAX_PLANES>,
    /// How it is bound.
    shape: Shape,
}

/// How an image of the driver's lies in the memory that the application binds it to.
#[derive(Debug)]
enum Shape {
    /// As one, so many bytes behind where the application says.
    Whole(u64),
    /// The application binds each plane by itself. Bytes for each as above.
    Apart(ArrayVec<u64, MAX_PLANES>),
    /// The application binds it as one and the driver plane by plane, since the planes do not lie
    /// as the driver lays them out.
    Split {
        /// Bytes for each plane, as above.
        shifts: ArrayVec<u64, MAX_PLANES>,
        /// What all of them need together.
        needs: vk::MemoryRequirements,
    },
}

impl Image {
    /// A plane by the application's name, in the driver's word, and its number.
    fn plane(&self, aspect: vk::ImageAspectFlags) -> (vk::ImageAspectFlags, usize) {
        let names = MEMORY_PLANES.iter().zip(self.aspects);
        let memory = names.map(|(ours, theirs)| (*ours, *theirs)).enumerate();
        let plain = self.aspects.iter().map(|theirs| (*theirs, *theirs)).enumerate();
        let found = memory.chain(plain).find(|(_, (name, _))| *name == aspect);
        found.map_or((aspect, 0), |(index, (_, theirs))| (theirs, index))
    }

    /// How many bytes behind the place where it is bound the pixels of these planes end.
    pub(crate) fn end(&self, planes: Range<usize>) -> u64 {
        let end = |plane: usize| Some(self.ends.get(plane)?.saturating_add(self.shift(plane)));
        planes.filter_map(end).max().unwrap_or(0)
    }

    /// The same of all of them.
    pub(crate) fn whole_end(&self) -> u64 {
        self.end(0..self.aspects.len())
    }

    /// How many bytes behind the place that the application knows the driver's plane begins.
    fn shift(&self, index: usize) -> u64 {
        match &self.shape {
            Shape::Whole(shift) => *shift,
            Shape::Apart(shifts) | Shape::Split { shifts, .. } => {
                shifts.get(index).copied().unwrap_or(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_plane_is_found_under_the_drivers_name() {
        use vk::ImageAspectFlags as A;
        let nv12 = vk::Format::G8_B8R8_2PLANE_420_UNORM;
        let image = |format| Image {
            has_modifier: true,
            external: true,
            aspects: memory_planes(format).unwrap(),
            own: Layouts::new(),
            ends: ArrayVec::new(),
            shape: Shape::Whole(7),
        };
        assert_eq!(image(nv12).plane(A::MEMORY_PLANE_1_EXT), (A::PLANE_1, 1));
        assert_eq!(image(nv12).plane(A::PLANE_1), (A::PLANE_1, 1));
        let plain = image(vk::Format::B8G8R8A8_UNORM);
        assert_eq!(plain.plane(A::MEMORY_PLANE_0_EXT), (A::COLOR, 0));
        assert_eq!(plain.shift(0), 7);
    }
}
