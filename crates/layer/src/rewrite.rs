//! A value in the application's structures that the driver does not know, replaced on the way down.
//!
//! What the application wrote stays as it is: structures that name the value are copied.

use ash::vk;

use crate::slice;

/// A value that a driver does not know, and what it is told instead.
pub trait Substitution {
    /// As in [`vk::ImageLayout`].
    type Value: Copy + PartialEq;
    /// What the application says.
    const UNKNOWN: Self::Value;
    /// What the driver is told.
    const INSTEAD: Self::Value;
}

/// A structure that can name the value of `S`: see [`names`](crate::names).
pub trait Names<S: Substitution>: Copy {
    /// Changes each place that can.
    fn each(&mut self, change: impl FnMut(&mut S::Value));
}

/// `names!(S, Structure, field, …)`: the fields in which a structure can name the value of `S`.
#[macro_export]
macro_rules! names {
    ($substitution:ty, $kind:ty, $($field:ident),+) => {
        impl $crate::Names<$substitution> for $kind {
            fn each(
                &mut self,
                mut change: impl FnMut(&mut <$substitution as $crate::Substitution>::Value),
            ) {
                $(change(&mut self.$field);)+
            }
        }
    };
}

/// The same with what the driver knows. `None`: there is nothing to change.
pub fn rewrite<S: Substitution, T: Names<S>>(items: &[T]) -> Option<Vec<T>> {
    let unknown = |item: &T| {
        let (mut item, mut found) = (*item, false);
        item.each(|value| found |= *value == S::UNKNOWN);
        found
    };
    if !items.iter().any(unknown) {
        return None;
    }
    let mut items = items.to_vec();
    for item in &mut items {
        item.each(|value| {
            if *value == S::UNKNOWN {
                *value = S::INSTEAD;
            }
        });
    }
    Some(items)
}

/// What one `VkDependencyInfo` says instead.
type Barriers<'a> =
    (Option<Vec<vk::ImageMemoryBarrier2<'a>>>, Option<Vec<vk::BufferMemoryBarrier2<'a>>>);

/// Rewritten `VkDependencyInfo`s.
pub struct Dependencies<'a> {
    /// To be handed on. They point to what is below.
    pub infos: Vec<vk::DependencyInfo<'a>>,
    _barriers: Vec<Barriers<'a>>,
}

/// As [`rewrite`], for several `VkDependencyInfo` at once.
///
/// # Safety
///
/// The arrays in `infos` live as long as the result, which points to them.
pub unsafe fn rewrite_dependencies<'a, S: Substitution>(
    infos: &[vk::DependencyInfo<'a>],
) -> Option<Dependencies<'a>>
where
    vk::ImageMemoryBarrier2<'a>: Names<S>,
    vk::BufferMemoryBarrier2<'a>: Names<S>,
{
    let barriers = |info: &vk::DependencyInfo<'a>| -> Barriers<'a> {
        // SAFETY: the caller's promise.
        let images =
            unsafe { slice(info.p_image_memory_barriers, info.image_memory_barrier_count) };
        // SAFETY: the caller's promise.
        let buffers =
            unsafe { slice(info.p_buffer_memory_barriers, info.buffer_memory_barrier_count) };
        (rewrite(images), rewrite(buffers))
    };
    let new: Vec<_> = infos.iter().map(barriers).collect();
    if new.iter().all(|(images, buffers)| images.is_none() && buffers.is_none()) {
        return None;
    }
    let mut infos = infos.to_vec();
    for (info, (images, buffers)) in infos.iter_mut().zip(&new) {
        if let Some(images) = images {
            info.p_image_memory_barriers = images.as_ptr();
        }
        if let Some(buffers) = buffers {
            info.p_buffer_memory_barriers = buffers.as_ptr();
        }
    }
    Some(Dependencies { infos, _barriers: new })
}
