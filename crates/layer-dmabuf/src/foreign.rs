//! `VK_QUEUE_FAMILY_FOREIGN_EXT` for drivers that know no such family.
//!
//! It means: whoever is outside, whatever driver. The memory is host memory for our driver, and so
//! `VK_QUEUE_FAMILY_EXTERNAL` says all that there is to say.

use ash::vk;
use zerohop_layer::slice;

/// A structure that can pass ownership from one queue family to another.
pub(crate) trait Transfer: Copy {
    /// The families before and after.
    fn families(&mut self) -> [&mut u32; 2];
}

macro_rules! transfer {
    ($kind:ty) => {
        impl Transfer for $kind {
            fn families(&mut self) -> [&mut u32; 2] {
                [&mut self.src_queue_family_index, &mut self.dst_queue_family_index]
            }
        }
    };
}

transfer!(vk::BufferMemoryBarrier<'_>);
transfer!(vk::BufferMemoryBarrier2<'_>);
transfer!(vk::ImageMemoryBarrier<'_>);
transfer!(vk::ImageMemoryBarrier2<'_>);

/// The same with `EXTERNAL` for `FOREIGN`. `None`: there is nothing to change.
pub(crate) fn rewrite<T: Transfer>(items: &[T]) -> Option<Vec<T>> {
    let is_foreign = |family: &u32| *family == vk::QUEUE_FAMILY_FOREIGN_EXT;
    let touched = |item: &T| {
        let mut item = *item;
        item.families().into_iter().any(|family| is_foreign(family))
    };
    if !items.iter().any(touched) {
        return None;
    }
    let mut items = items.to_vec();
    for family in items.iter_mut().flat_map(Transfer::families) {
        if is_foreign(family) {
            *family = vk::QUEUE_FAMILY_EXTERNAL;
        }
    }
    Some(items)
}

/// Rewritten `VkDependencyInfo`s.
pub(crate) struct Dependencies<'a> {
    /// To be handed on. They point to what is below.
    pub(crate) infos: Vec<vk::DependencyInfo<'a>>,
    _images: Vec<Option<Vec<vk::ImageMemoryBarrier2<'a>>>>,
    _buffers: Vec<Option<Vec<vk::BufferMemoryBarrier2<'a>>>>,
}

/// As [`rewrite`], for several `VkDependencyInfo` at once.
///
/// # Safety
///
/// The arrays in `infos` live as long as the result, which points to them.
pub(crate) unsafe fn rewrite_dependencies<'a>(
    infos: &[vk::DependencyInfo<'a>],
) -> Option<Dependencies<'a>> {
    let (mut images, mut buffers) = (Vec::new(), Vec::new());
    for info in infos {
        // SAFETY: the caller's promise.
        let listed =
            unsafe { slice(info.p_image_memory_barriers, info.image_memory_barrier_count) };
        images.push(rewrite(listed));
        // SAFETY: the caller's promise.
        let listed =
            unsafe { slice(info.p_buffer_memory_barriers, info.buffer_memory_barrier_count) };
        buffers.push(rewrite(listed));
    }
    if images.iter().all(Option::is_none) && buffers.iter().all(Option::is_none) {
        return None;
    }
    let mut infos = infos.to_vec();
    for ((info, images), buffers) in infos.iter_mut().zip(&images).zip(&buffers) {
        if let Some(images) = images {
            info.p_image_memory_barriers = images.as_ptr();
        }
        if let Some(buffers) = buffers {
            info.p_buffer_memory_barriers = buffers.as_ptr();
        }
    }
    Some(Dependencies { infos, _images: images, _buffers: buffers })
}

#[cfg(test)]
mod tests {
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
        let after = rewrite(&before).unwrap();
        assert_eq!(after[0].src_queue_family_index, vk::QUEUE_FAMILY_EXTERNAL);
        assert_eq!(after[0].dst_queue_family_index, 3);
        assert_eq!(after[1].src_queue_family_index, vk::QUEUE_FAMILY_IGNORED);
        assert_eq!(before[0].src_queue_family_index, foreign);
        assert!(rewrite(&before[1..]).is_none());
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
        let new = unsafe { rewrite_dependencies(&infos) }.unwrap();
        assert_eq!(new.infos[0].p_buffer_memory_barriers, plain.as_ptr());
        // SAFETY: `new` keeps the array.
        let barrier = unsafe { *new.infos[1].p_buffer_memory_barriers };
        assert_eq!(barrier.dst_queue_family_index, vk::QUEUE_FAMILY_EXTERNAL);
    }
}
