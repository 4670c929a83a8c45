//! `VK_QUEUE_FAMILY_FOREIGN_EXT` for drivers that know no such family.
//!
//! It means: whoever is outside, whatever driver. The memory is host memory for our driver, and so
//! `VK_QUEUE_FAMILY_EXTERNAL` says all that there is to say.

use std::sync::Arc;

use ash::vk;
use zerohop_layer::{LayerError, Replacing, Substitution, names};

use crate::device::DeviceState;

/// `EXTERNAL` for `FOREIGN`.
pub(crate) struct Foreign;

impl Substitution for Foreign {
    type Value = u32;
    const UNKNOWN: u32 = vk::QUEUE_FAMILY_FOREIGN_EXT;
    const INSTEAD: u32 = vk::QUEUE_FAMILY_EXTERNAL;
}

names!(Foreign, vk::BufferMemoryBarrier<'_>, src_queue_family_index, dst_queue_family_index);
names!(Foreign, vk::BufferMemoryBarrier2<'_>, src_queue_family_index, dst_queue_family_index);
names!(Foreign, vk::ImageMemoryBarrier<'_>, src_queue_family_index, dst_queue_family_index);
names!(Foreign, vk::ImageMemoryBarrier2<'_>, src_queue_family_index, dst_queue_family_index);

impl Replacing for DeviceState {
    type Value = Foreign;

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
    use zerohop_layer::{rewrite, rewrite_dependencies};

    use super::*;

    #[test]
    fn only_the_foreign_family_is_changed_and_only_in_a_copy() {
        let foreign = vk::QUEUE_FAMILY_FOREIGN_EXT;
        let before = [
            vk::ImageMemoryBarrier::default()
                .src_queue_family_index(foreign)
                .dst_queue_family_index(3),
            vk::ImageMemoryBarrier::default()
                .src_queue_family_index(vk::QUEUE_FAMILY_IGNORED)
                .dst_queue_family_index(vk::QUEUE_FAMILY_IGNORED),
        ];
        let after = rewrite::<Foreign, _>(&before).unwrap();
        assert_eq!(after[0].src_queue_family_index, vk::QUEUE_FAMILY_EXTERNAL);
        assert_eq!(after[0].dst_queue_family_index, 3);
        assert_eq!(after[1].src_queue_family_index, vk::QUEUE_FAMILY_IGNORED);
        assert_eq!(before[0].src_queue_family_index, foreign);
        assert!(rewrite::<Foreign, _>(&before[1..]).is_none());
    }

    #[test]
    fn each_dependency_keeps_its_own_barriers() {
        let plain = [vk::BufferMemoryBarrier2::default()];
        let foreign = [vk::BufferMemoryBarrier2::default()
            .dst_queue_family_index(vk::QUEUE_FAMILY_FOREIGN_EXT)];
        let infos = [
            vk::DependencyInfo::default().buffer_memory_barriers(&plain),
            vk::DependencyInfo::default().buffer_memory_barriers(&foreign),
        ];
        // SAFETY: the arrays are locals.
        let new = unsafe { rewrite_dependencies::<Foreign>(&infos) }.unwrap();
        assert_eq!(new.infos[0].p_buffer_memory_barriers, plain.as_ptr());
        // SAFETY: `new` keeps the array.
        let barrier = unsafe { *new.infos[1].p_buffer_memory_barriers };
        assert_eq!(barrier.dst_queue_family_index, vk::QUEUE_FAMILY_EXTERNAL);
    }
}
