//! `PRESENT_SRC_KHR` for drivers that have no such layout.
//!
//! The layout comes with `VK_KHR_swapchain`. Where the driver lacks the extension, and only there,
//! whatever may name the layout is hooked, and the driver sees `GENERAL` instead. That is: barriers and
//! events of both kinds, the two ends of a render pass, transitions and copies on the host. Wherever
//! else an image's layout is named, valid usage rules this one out; `tests/layouts` goes through the
//! header and has the rule for each.

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{LayerError, Names, Replacing, Substitution, names};

use crate::device::DeviceState;

/// `GENERAL` for `PRESENT_SRC_KHR`.
pub(crate) struct PresentSrc;

impl Substitution for PresentSrc {
    type Value = vk::ImageLayout;
    const UNKNOWN: vk::ImageLayout = vk::ImageLayout::PRESENT_SRC_KHR;
    const INSTEAD: vk::ImageLayout = vk::ImageLayout::GENERAL;
}

names!(PresentSrc, vk::ImageMemoryBarrier<'_>, old_layout, new_layout);
names!(PresentSrc, vk::ImageMemoryBarrier2<'_>, old_layout, new_layout);
names!(PresentSrc, vk::HostImageLayoutTransitionInfoEXT<'_>, old_layout, new_layout);
names!(PresentSrc, vk::CopyMemoryToImageInfoEXT<'_>, dst_image_layout);
names!(PresentSrc, vk::CopyImageToMemoryInfoEXT<'_>, src_image_layout);
names!(PresentSrc, vk::CopyImageToImageInfoEXT<'_>, src_image_layout, dst_image_layout);
names!(PresentSrc, vk::AttachmentDescription, initial_layout, final_layout);
names!(PresentSrc, vk::AttachmentDescription2<'_>, initial_layout, final_layout);

/// A buffer has no layout.
impl Names<PresentSrc> for vk::BufferMemoryBarrier<'_> {
    fn each(&mut self, _: impl FnMut(&mut vk::ImageLayout)) {}
}

/// Nor here.
impl Names<PresentSrc> for vk::BufferMemoryBarrier2<'_> {
    fn each(&mut self, _: impl FnMut(&mut vk::ImageLayout)) {}
}

/// As [`zerohop_layer::rewrite`], for this value.
pub(crate) fn rewrite<T: Names<PresentSrc>>(items: &[T]) -> Option<Vec<T>> {
    zerohop_layer::rewrite::<PresentSrc, T>(items)
}

impl Replacing for DeviceState {
    type Value = PresentSrc;

    unsafe fn recording(commands: vk::CommandBuffer) -> Result<Arc<Self>, LayerError> {
        // SAFETY: the caller's promise.
        unsafe { Self::of(commands) }
    }

    fn below(&self) -> &ash::Device {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use zerohop_layer::rewrite_dependencies;

    use super::*;

    const PRESENT: vk::ImageLayout = vk::ImageLayout::PRESENT_SRC_KHR;

    #[test]
    fn only_the_present_layout_is_changed_and_only_in_a_copy() {
        let before = [
            vk::ImageMemoryBarrier::default().old_layout(PRESENT),
            vk::ImageMemoryBarrier::default().new_layout(vk::ImageLayout::TRANSFER_DST_OPTIMAL),
        ];
        let after = rewrite(&before).unwrap();
        assert_eq!(after[0].old_layout, vk::ImageLayout::GENERAL);
        assert_eq!(after[0].new_layout, vk::ImageLayout::UNDEFINED);
        assert_eq!(after[1].new_layout, vk::ImageLayout::TRANSFER_DST_OPTIMAL);
        assert_eq!(before[0].old_layout, PRESENT);
        assert!(rewrite(&before[1..]).is_none());
    }

    #[test]
    fn each_dependency_keeps_its_own_barriers() {
        let plain = [vk::ImageMemoryBarrier2::default()];
        let present = [vk::ImageMemoryBarrier2::default().new_layout(PRESENT)];
        let infos = [
            vk::DependencyInfo::default().image_memory_barriers(&plain),
            vk::DependencyInfo::default().image_memory_barriers(&present),
        ];
        // SAFETY: the arrays are locals.
        let new = unsafe { rewrite_dependencies::<PresentSrc>(&infos) }.unwrap();
        assert_eq!(new.infos[0].p_image_memory_barriers, plain.as_ptr());
        // SAFETY: `new` keeps the array.
        let barrier = unsafe { *new.infos[1].p_image_memory_barriers };
        assert_eq!(barrier.new_layout, vk::ImageLayout::GENERAL);
        // SAFETY: the arrays are locals.
        assert!(unsafe { rewrite_dependencies::<PresentSrc>(&infos[..1]) }.is_none());
    }
}
