//! `PRESENT_SRC_KHR` for drivers that have no such layout.
//!
//! The layout comes with `VK_KHR_swapchain`. Where the driver lacks the extension, and only there,
//! whatever may name the layout is hooked, and the driver sees `GENERAL` instead. That is: barriers and
//! events of both kinds, the two ends of a render pass, transitions and copies on the host. Wherever
//! else an image's layout is named, valid usage rules this one out; `tests/layouts` goes through the
//! header and has the rule for each.

use ash::vk;

/// A structure that names layouts of an image.
pub(crate) trait NamesLayouts: Copy {
    /// Changes each of them.
    fn each(&mut self, change: impl FnMut(&mut vk::ImageLayout));
}

macro_rules! names {
    ($kind:ty, $($layout:ident),*) => {
        impl NamesLayouts for $kind {
            fn each(&mut self, mut change: impl FnMut(&mut vk::ImageLayout)) {
                $(change(&mut self.$layout);)*
            }
        }
    };
}

names!(vk::ImageMemoryBarrier<'_>, old_layout, new_layout);
names!(vk::ImageMemoryBarrier2<'_>, old_layout, new_layout);
names!(vk::HostImageLayoutTransitionInfoEXT<'_>, old_layout, new_layout);
names!(vk::CopyMemoryToImageInfoEXT<'_>, dst_image_layout);
names!(vk::CopyImageToMemoryInfoEXT<'_>, src_image_layout);
names!(vk::CopyImageToImageInfoEXT<'_>, src_image_layout, dst_image_layout);
names!(vk::AttachmentDescription, initial_layout, final_layout);
names!(vk::AttachmentDescription2<'_>, initial_layout, final_layout);

/// The same with `GENERAL` for `PRESENT_SRC_KHR`. `None`: there is nothing to change.
pub(crate) fn rewrite<T: NamesLayouts>(items: &[T]) -> Option<Vec<T>> {
    let present = |item: &T| {
        let (mut item, mut found) = (*item, false);
        item.each(|layout| found |= *layout == vk::ImageLayout::PRESENT_SRC_KHR);
        found
    };
    if !items.iter().any(present) {
        return None;
    }
    let mut items = items.to_vec();
    for item in &mut items {
        item.each(|layout| {
            if *layout == vk::ImageLayout::PRESENT_SRC_KHR {
                *layout = vk::ImageLayout::GENERAL;
            }
        });
    }
    Some(items)
}

/// As [`rewrite`], for several `VkDependencyInfo` at once.
///
/// # Safety
///
/// The arrays in `infos` live as long as the result, which points to them.
pub(crate) unsafe fn rewrite_dependencies<'a>(
    infos: &[vk::DependencyInfo<'a>],
) -> Option<Dependencies<'a>> {
    // SAFETY: the caller's promise.
    let barriers = |info: &vk::DependencyInfo<'a>| unsafe {
        crate::entry::slice(info.p_image_memory_barriers, info.image_memory_barrier_count)
    };
    let new: Vec<_> = infos.iter().map(|info| rewrite(barriers(info))).collect();
    if new.iter().all(Option::is_none) {
        return None;
    }
    let mut infos = infos.to_vec();
    for (info, new) in infos.iter_mut().zip(&new) {
        if let Some(new) = new {
            info.p_image_memory_barriers = new.as_ptr();
        }
    }
    Some(Dependencies { infos, _barriers: new })
}

/// Rewritten `VkDependencyInfo`s.
pub(crate) struct Dependencies<'a> {
    /// To be handed on. They point to what is below.
    pub(crate) infos: Vec<vk::DependencyInfo<'a>>,
    _barriers: Vec<Option<Vec<vk::ImageMemoryBarrier2<'a>>>>,
}

#[cfg(test)]
mod tests {
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
        let new = unsafe { rewrite_dependencies(&infos) }.unwrap();
        assert_eq!(new.infos[0].p_image_memory_barriers, plain.as_ptr());
        // SAFETY: `new` keeps the array.
        let barrier = unsafe { *new.infos[1].p_image_memory_barriers };
        assert_eq!(barrier.new_layout, vk::ImageLayout::GENERAL);
        // SAFETY: the arrays are locals.
        assert!(unsafe { rewrite_dependencies(&infos[..1]) }.is_none());
    }
}
