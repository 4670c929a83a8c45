//! Batches without the waits for semaphores that have signaled already, of which the driver does
//! not know.

use std::ffi::c_void;

use ash::vk::{self, TaggedStructure as _};
use zerohop_layer::chain::{self, Rebuilt};

/// The waits of one batch that stay, with the arrays of its chain that go with them.
///
/// What `head` leads to is in boxes, so that it stays where it is when this moves.
pub(crate) struct Waits {
    pub(crate) semaphores: Vec<vk::Semaphore>,
    pub(crate) stages: Vec<vk::PipelineStageFlags>,
    pub(crate) head: *const c_void,
    _rest: Rebuilt,
    _values: Vec<u64>,
    _devices: Vec<u32>,
    _timeline: Option<Box<vk::TimelineSemaphoreSubmitInfo<'static>>>,
    _group: Option<Box<vk::DeviceGroupSubmitInfo<'static>>>,
}

/// The structures with an array that runs beside that of the waits.
const BESIDE: [vk::StructureType; 2] =
    [vk::TimelineSemaphoreSubmitInfo::STRUCTURE_TYPE, vk::DeviceGroupSubmitInfo::STRUCTURE_TYPE];

impl Waits {
    /// The waits of `all` at the positions in `kept`. `stages` is as long as `all`, or empty for a
    /// batch that has none. `None` when the chain has a structure that cannot be passed over.
    ///
    /// # Safety
    ///
    /// `p_next` is the chain of a valid `VkSubmitInfo` or `VkBindSparseInfo` with the waits `all`,
    /// and lives as long as the result.
    pub(crate) unsafe fn of(
        all: &[vk::Semaphore],
        stages: &[vk::PipelineStageFlags],
        p_next: *const c_void,
        kept: &[usize],
    ) -> Option<Self> {
        // SAFETY: the caller's promise.
        let rest = unsafe { chain::without(p_next, &BESIDE) };
        if rest.stuck_at().is_some() {
            return None;
        }
        // SAFETY: the caller's promise.
        let timeline = unsafe { chain::get::<vk::TimelineSemaphoreSubmitInfo<'static>>(p_next) };
        // SAFETY: the caller's promise.
        let group = unsafe { chain::get::<vk::DeviceGroupSubmitInfo<'static>>(p_next) };
        let values = timeline.map_or((std::ptr::null(), 0), |it| {
            (it.p_wait_semaphore_values, it.wait_semaphore_value_count)
        });
        let devices = group.map_or((std::ptr::null(), 0), |it| {
            (it.p_wait_semaphore_device_indices, it.wait_semaphore_count)
        });
        // SAFETY: VUID-VkTimelineSemaphoreSubmitInfo-pWaitSemaphoreValues-parameter.
        let values = unsafe { pick(values.0, values.1, kept) };
        // SAFETY: VUID-VkDeviceGroupSubmitInfo-pWaitSemaphoreDeviceIndices-parameter.
        let devices = unsafe { pick(devices.0, devices.1, kept) };
        let mut out = Self {
            semaphores: kept.iter().map(|at| all[*at]).collect(),
            stages: kept.iter().filter_map(|at| stages.get(*at)).copied().collect(),
            head: rest.head(),
            _rest: rest,
            _values: values,
            _devices: devices,
            _timeline: timeline.copied().map(Box::new),
            _group: group.copied().map(Box::new),
        };
        out.link();
        Some(out)
    }

    /// Puts the two structures, over the arrays that are ours, before the rest of the chain.
    fn link(&mut self) {
        if let Some(timeline) = &mut self._timeline {
            timeline.wait_semaphore_value_count = self._values.len() as u32;
            timeline.p_wait_semaphore_values = self._values.as_ptr();
            timeline.p_next = self.head;
            self.head = (&raw const **timeline).cast();
        }
        if let Some(group) = &mut self._group {
            group.wait_semaphore_count = self._devices.len() as u32;
            group.p_wait_semaphore_device_indices = self._devices.as_ptr();
            group.p_next = self.head;
            self.head = (&raw const **group).cast();
        }
    }
}

/// The elements at the positions in `kept`, of those that there are: an array may be left out.
///
/// # Safety
///
/// `all` points to `count` elements.
unsafe fn pick<T: Copy>(all: *const T, count: u32, kept: &[usize]) -> Vec<T> {
    if all.is_null() || count == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    let all = unsafe { std::slice::from_raw_parts(all, count as usize) };
    kept.iter().filter_map(|at| all.get(*at)).copied().collect()
}

#[cfg(test)]
mod tests {
    use ash::vk::Handle as _;

    use super::*;

    fn semaphores() -> [vk::Semaphore; 3] {
        [1, 2, 3].map(vk::Semaphore::from_raw)
    }

    /// The `T` of a chain of locals and of what they own.
    fn find<'a, T: vk::TaggedStructure>(head: *const c_void) -> Option<&'a T> {
        // SAFETY: the tests hand in such chains.
        unsafe { chain::get::<T>(head) }
    }

    /// The two elements of an array that is alive.
    fn array<T: Copy>(first: *const T) -> [T; 2] {
        // SAFETY: the tests have looked at its length.
        unsafe { *first.cast::<[T; 2]>() }
    }

    #[test]
    fn arrays_beside_the_waits_shrink_with_them() {
        let (values, devices, signals) = ([10, 20, 30], [0, 1, 2], [40]);
        let mut protected = vk::ProtectedSubmitInfo::default().protected_submit(true);
        let mut timeline = vk::TimelineSemaphoreSubmitInfo::default()
            .wait_semaphore_values(&values)
            .signal_semaphore_values(&signals);
        let mut group =
            vk::DeviceGroupSubmitInfo::default().wait_semaphore_device_indices(&devices);
        let all = semaphores();
        let info = vk::SubmitInfo::default()
            .wait_semaphores(&all)
            .push_next(&mut protected)
            .push_next(&mut timeline)
            .push_next(&mut group);
        let stages = [vk::PipelineStageFlags::TRANSFER; 3];
        // SAFETY: a chain of locals.
        let waits = unsafe { Waits::of(&all, &stages, info.p_next, &[0, 2]) }.unwrap();
        assert_eq!((waits.semaphores.len(), waits.stages.len()), (2, 2));
        assert_eq!(waits.semaphores[1], all[2]);
        let timeline = find::<vk::TimelineSemaphoreSubmitInfo<'_>>(waits.head).unwrap();
        assert_eq!(timeline.wait_semaphore_value_count, 2);
        assert_eq!(array(timeline.p_wait_semaphore_values), [10, 30]);
        assert_eq!(timeline.signal_semaphore_value_count, 1, "the rest is as it was");
        let group = find::<vk::DeviceGroupSubmitInfo<'_>>(waits.head).unwrap();
        assert_eq!(group.wait_semaphore_count, 2);
        assert_eq!(array(group.p_wait_semaphore_device_indices), [0, 2]);
        assert!(find::<vk::ProtectedSubmitInfo<'_>>(waits.head).is_some());
        let theirs = find::<vk::TimelineSemaphoreSubmitInfo<'_>>(info.p_next).unwrap();
        assert_eq!(theirs.wait_semaphore_value_count, 3, "the application's own is as it was");
    }

    #[test]
    fn a_batch_of_binary_semaphores_may_come_without_values() {
        let mut timeline = vk::TimelineSemaphoreSubmitInfo::default();
        let all = semaphores();
        let info = vk::SubmitInfo::default().wait_semaphores(&all).push_next(&mut timeline);
        // SAFETY: a chain of locals.
        let waits = unsafe { Waits::of(&all, &[], info.p_next, &[]) }.unwrap();
        assert!(waits.semaphores.is_empty() && waits.stages.is_empty());
        let timeline = find::<vk::TimelineSemaphoreSubmitInfo<'_>>(waits.head);
        assert_eq!(timeline.unwrap().wait_semaphore_value_count, 0);
    }
}
