//! How memory in buffers passes between us and others that have it too: as pictures do (`handover.rs`),
//! but without a layout.

use std::sync::Arc;

use ash::vk;

use crate::{Buffer, Recording};

const NONE: vk::AccessFlags = vk::AccessFlags::empty();
const READS: vk::AccessFlags = vk::AccessFlags::from_raw(
    vk::AccessFlags::SHADER_READ.as_raw() | vk::AccessFlags::TRANSFER_READ.as_raw(),
);
const WRITES: vk::AccessFlags = vk::AccessFlags::from_raw(
    vk::AccessFlags::SHADER_WRITE.as_raw() | vk::AccessFlags::TRANSFER_WRITE.as_raw(),
);

/// What is done with memory of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
}

impl Buffer {
    /// Takes it from whoever else has its memory, if anybody does, for commands that follow.
    pub(crate) fn acquire(&self, commands: vk::CommandBuffer, what: Use) {
        let after = if what == Use::Read { READS } else { READS | WRITES };
        if let Some(outside) = self.outside() {
            self.pass(commands, (outside, self.device().family()), (NONE, after));
        }
    }

    /// Gives it back, as it is after the commands before.
    pub(crate) fn release(&self, commands: vk::CommandBuffer, what: Use) {
        let before = if what == Use::Read { NONE } else { WRITES };
        if let Some(outside) = self.outside() {
            self.pass(commands, (self.device().family(), outside), (before, NONE));
        }
    }

    fn pass(
        &self,
        commands: vk::CommandBuffer,
        (from, to): (u32, u32),
        (before, after): (vk::AccessFlags, vk::AccessFlags),
    ) {
        let barrier = [vk::BufferMemoryBarrier::default()
            .src_access_mask(before)
            .dst_access_mask(after)
            .src_queue_family_index(from)
            .dst_queue_family_index(to)
            .buffer(self.raw())
            .size(vk::WHOLE_SIZE)];
        let stages = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let (raw, none) = (self.device().raw(), vk::DependencyFlags::empty());
        // SAFETY: the command buffer is recording, and whoever records keeps the buffer.
        unsafe { raw.cmd_pipeline_barrier(commands, stages, stages, none, &[], &barrier, &[]) };
    }
}

impl Recording {
    /// Opens a buffer for writing: takes it from whoever else has its memory, with what is in it, and
    /// [`submit`](Self::submit) gives it back. That they are done is the caller's to know. Of a buffer
    /// that nobody else has nothing is to be opened.
    pub fn write(&mut self, buffer: &Arc<Buffer>) {
        if !self.may_use(buffer) {
            buffer.acquire(self.commands(), Use::Write);
            self.slot_mut().written.push(Arc::clone(buffer));
        }
    }

    /// Gives every buffer back that was opened.
    pub(crate) fn give_back(&self) {
        self.slot().written.iter().for_each(|one| one.release(self.commands(), Use::Write));
    }

    /// Whether nobody else may be at the buffer while the commands run.
    pub(crate) fn may_use(&self, buffer: &Arc<Buffer>) -> bool {
        let opened = || self.slot().written.iter().any(|one| Arc::ptr_eq(one, buffer));
        buffer.outside().is_none() || opened()
    }

    /// # Panics
    ///
    /// When a buffer was to be opened, and was not.
    pub(crate) fn check_open<'a>(&self, buffers: impl IntoIterator<Item = &'a Arc<Buffer>>) {
        let open = buffers.into_iter().all(|one| self.may_use(one));
        assert!(open, "memory that others have too is opened by `write`");
    }
}
