//! Commands that wait for semaphores: what has signaled already is not handed down.

use ash::vk;
use zerohop_layer::LayerError;

use super::Sync;
use super::trim::Waits;

/// The semaphores that one command uses up. Given back when the driver refuses the command.
struct Used<'a> {
    sync: &'a Sync,
    semaphores: Vec<vk::Semaphore>,
}

impl Used<'_> {
    /// The positions in `waits` that the driver is to wait for. A semaphore that is waited for twice
    /// has its temporary payload the first time only.
    fn sift(&mut self, waits: impl Iterator<Item = vk::Semaphore>) -> Vec<usize> {
        let mut kept = Vec::new();
        for (at, semaphore) in waits.enumerate() {
            if self.sync.semaphores.take(semaphore) {
                self.semaphores.push(semaphore);
            } else {
                kept.push(at);
            }
        }
        kept
    }

    /// After the command: a failed one has waited for nothing.
    fn settle(mut self, result: vk::Result) {
        if result.as_raw() >= 0 {
            self.semaphores.clear();
        }
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.semaphores.iter().for_each(|semaphore| self.sync.semaphores.put(*semaphore));
    }
}

fn stuck() -> LayerError {
    let what = "a batch that waits for an imported SYNC_FD has a structure that cannot be copied";
    LayerError::refused(vk::Result::ERROR_OUT_OF_HOST_MEMORY, what)
}

/// The elements of an array of the application's.
///
/// # Safety
///
/// `all` points to `count` elements, unless that is 0.
unsafe fn slice<'a, T>(all: *const T, count: u32) -> &'a [T] {
    if count == 0 || all.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(all, count as usize) }
}

impl Sync {
    /// `vkQueueSubmit`, by `submit` with batches that the driver may have.
    ///
    /// # Errors
    ///
    /// A batch that would have to change and cannot be copied.
    ///
    /// # Safety
    ///
    /// `batches` are those of a valid call.
    pub(crate) unsafe fn submit<'a>(
        &self,
        queue: vk::Queue,
        batches: (*const vk::SubmitInfo<'a>, u32),
        submit: impl FnOnce(*const vk::SubmitInfo<'a>) -> vk::Result,
    ) -> Result<vk::Result, LayerError> {
        // SAFETY: VUID-vkQueueSubmit-pSubmits-parameter.
        let theirs = unsafe { slice(batches.0, batches.1) };
        let signals = theirs.iter().flat_map(|one| {
            // SAFETY: VUID-VkSubmitInfo-pSignalSemaphores-parameter.
            unsafe { slice(one.p_signal_semaphores, one.signal_semaphore_count) }
        });
        self.signals.note(queue, signals.copied());
        if self.semaphores.is_empty() {
            return Ok(submit(batches.0));
        }
        let mut used = Used { sync: self, semaphores: Vec::new() };
        let mut copies = theirs.to_vec();
        let mut owned = Vec::new();
        for batch in &mut copies {
            // SAFETY: VUID-VkSubmitInfo-pWaitSemaphores-parameter.
            let all = unsafe { slice(batch.p_wait_semaphores, batch.wait_semaphore_count) };
            // SAFETY: VUID-VkSubmitInfo-pWaitDstStageMask-parameter.
            let stages = unsafe { slice(batch.p_wait_dst_stage_mask, batch.wait_semaphore_count) };
            let kept = used.sift(all.iter().copied());
            if kept.len() < all.len() {
                // SAFETY: the batch is valid.
                let waits = unsafe { Waits::of(all, stages, batch.p_next, &kept) };
                let waits = waits.ok_or_else(stuck)?;
                batch.wait_semaphore_count = waits.semaphores.len() as u32;
                batch.p_wait_semaphores = waits.semaphores.as_ptr();
                batch.p_wait_dst_stage_mask = waits.stages.as_ptr();
                batch.p_next = waits.head;
                owned.push(waits);
            }
        }
        let result = submit(copies.as_ptr());
        used.settle(result);
        Ok(result)
    }

    /// `vkQueueSubmit2`, as [`submit`](Self::submit).
    ///
    /// # Safety
    ///
    /// `batches` are those of a valid call.
    pub(crate) unsafe fn submit2<'a>(
        &self,
        queue: vk::Queue,
        batches: (*const vk::SubmitInfo2<'a>, u32),
        submit: impl FnOnce(*const vk::SubmitInfo2<'a>) -> vk::Result,
    ) -> vk::Result {
        // SAFETY: VUID-vkQueueSubmit2-pSubmits-parameter.
        let theirs = unsafe { slice(batches.0, batches.1) };
        let signals = theirs.iter().flat_map(|one| {
            // SAFETY: VUID-VkSubmitInfo2-pSignalSemaphoreInfos-parameter.
            unsafe { slice(one.p_signal_semaphore_infos, one.signal_semaphore_info_count) }
        });
        self.signals.note(queue, signals.map(|one| one.semaphore));
        if self.semaphores.is_empty() {
            return submit(batches.0);
        }
        let mut used = Used { sync: self, semaphores: Vec::new() };
        let mut copies = theirs.to_vec();
        let mut owned = Vec::new();
        for batch in &mut copies {
            let count = batch.wait_semaphore_info_count;
            // SAFETY: VUID-VkSubmitInfo2-pWaitSemaphoreInfos-parameter.
            let all = unsafe { slice(batch.p_wait_semaphore_infos, count) };
            let kept = used.sift(all.iter().map(|one| one.semaphore));
            if kept.len() < all.len() {
                let waits: Vec<_> = kept.iter().map(|at| all[*at]).collect();
                batch.wait_semaphore_info_count = waits.len() as u32;
                batch.p_wait_semaphore_infos = waits.as_ptr();
                owned.push(waits);
            }
        }
        let result = submit(copies.as_ptr());
        used.settle(result);
        result
    }

    /// `vkQueueBindSparse`, as [`submit`](Self::submit).
    ///
    /// # Errors
    ///
    /// As [`submit`](Self::submit).
    ///
    /// # Safety
    ///
    /// `batches` are those of a valid call.
    pub(crate) unsafe fn bind_sparse<'a>(
        &self,
        queue: vk::Queue,
        batches: (*const vk::BindSparseInfo<'a>, u32),
        submit: impl FnOnce(*const vk::BindSparseInfo<'a>) -> vk::Result,
    ) -> Result<vk::Result, LayerError> {
        // SAFETY: VUID-vkQueueBindSparse-pBindInfo-parameter.
        let theirs = unsafe { slice(batches.0, batches.1) };
        let signals = theirs.iter().flat_map(|one| {
            // SAFETY: VUID-VkBindSparseInfo-pSignalSemaphores-parameter.
            unsafe { slice(one.p_signal_semaphores, one.signal_semaphore_count) }
        });
        self.signals.note(queue, signals.copied());
        if self.semaphores.is_empty() {
            return Ok(submit(batches.0));
        }
        let mut used = Used { sync: self, semaphores: Vec::new() };
        let mut copies = theirs.to_vec();
        let mut owned = Vec::new();
        for batch in &mut copies {
            // SAFETY: VUID-VkBindSparseInfo-pWaitSemaphores-parameter.
            let all = unsafe { slice(batch.p_wait_semaphores, batch.wait_semaphore_count) };
            let kept = used.sift(all.iter().copied());
            if kept.len() < all.len() {
                // SAFETY: the batch is valid.
                let waits = unsafe { Waits::of(all, &[], batch.p_next, &kept) };
                let waits = waits.ok_or_else(stuck)?;
                batch.wait_semaphore_count = waits.semaphores.len() as u32;
                batch.p_wait_semaphores = waits.semaphores.as_ptr();
                batch.p_next = waits.head;
                owned.push(waits);
            }
        }
        let result = submit(copies.as_ptr());
        used.settle(result);
        Ok(result)
    }

    /// `vkQueuePresentKHR`, as [`submit`](Self::submit). A present that finds its swapchain out of
    /// date has waited all the same.
    ///
    /// # Safety
    ///
    /// `info` is that of a valid call.
    pub(crate) unsafe fn present<'a>(
        &self,
        info: &vk::PresentInfoKHR<'a>,
        present: impl FnOnce(&vk::PresentInfoKHR<'a>) -> vk::Result,
    ) -> vk::Result {
        if self.semaphores.is_empty() {
            return present(info);
        }
        let mut used = Used { sync: self, semaphores: Vec::new() };
        // SAFETY: VUID-VkPresentInfoKHR-pWaitSemaphores-parameter.
        let all = unsafe { slice(info.p_wait_semaphores, info.wait_semaphore_count) };
        let kept = used.sift(all.iter().copied());
        let waits: Vec<_> = kept.iter().map(|at| all[*at]).collect();
        let result = present(&vk::PresentInfoKHR {
            wait_semaphore_count: waits.len() as u32,
            p_wait_semaphores: waits.as_ptr(),
            ..*info
        });
        let enqueued = matches!(
            result,
            vk::Result::ERROR_OUT_OF_DATE_KHR | vk::Result::ERROR_SURFACE_LOST_KHR
        );
        used.settle(if enqueued { vk::Result::SUCCESS } else { result });
        result
    }
}
