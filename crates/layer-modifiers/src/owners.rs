//! Who owns memory that others have too.
//!
//! A GPU that compresses has to be told when a picture goes to somebody else and when it comes back. The
//! validation layer knows neither of them, so this one looks: each command buffer takes a buffer or an
//! image from the family outside that its kind of memory has, before anything is done with it, and gives
//! it back. Whoever does not cannot end the command buffer.
//!
//! # References
//!
//! Vulkan specification, "Queue Family Ownership Transfer"; `VK_EXT_queue_family_foreign`.

use std::collections::{HashMap, HashSet};

use ash::vk;
use zerohop_layer::LayerError;

/// What others may have too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    Buffer(vk::Buffer),
    Image(vk::Image),
}

/// What is known of all of them.
#[derive(Default)]
pub(crate) struct Owners {
    /// The family outside that has it between command buffers.
    outside: HashMap<Object, u32>,
    recordings: HashMap<vk::CommandBuffer, Recording>,
}

/// What a command buffer did so far.
#[derive(Default)]
struct Recording {
    ours: HashSet<Object>,
    /// The first thing that was wrong.
    wrong: Option<String>,
}

/// Who the device is, as opposed to those outside.
fn is_inside(family: u32) -> bool {
    family != vk::QUEUE_FAMILY_EXTERNAL && family != vk::QUEUE_FAMILY_FOREIGN_EXT
}

impl Owners {
    /// Looks after an object whose memory may be of these kinds.
    pub(crate) fn watch(&mut self, object: Object, kinds: vk::ExternalMemoryHandleTypeFlags) {
        use vk::ExternalMemoryHandleTypeFlags as Kind;
        let outside = match kinds {
            Kind::DMA_BUF_EXT => vk::QUEUE_FAMILY_FOREIGN_EXT,
            Kind::OPAQUE_FD => vk::QUEUE_FAMILY_EXTERNAL,
            _ => return,
        };
        self.outside.insert(object, outside);
    }

    pub(crate) fn forget(&mut self, object: Object) {
        self.outside.remove(&object);
    }

    pub(crate) fn begin(&mut self, commands: vk::CommandBuffer) {
        self.recordings.insert(commands, Recording::default());
    }

    /// What was wrong with the command buffer.
    pub(crate) fn end(&mut self, commands: vk::CommandBuffer) -> Result<(), LayerError> {
        let Recording { ours, wrong } = self.recordings.remove(&commands).unwrap_or_default();
        let kept = || ours.iter().next().map(|one| format!("{one:?} is not given back"));
        let code = vk::Result::ERROR_VALIDATION_FAILED_EXT;
        wrong.or_else(kept).map_or(Ok(()), |what| Err(LayerError::refused(code, what)))
    }

    /// A barrier passes the object from a family to a family. With `anew` its content is not kept, and
    /// whoever had it is not asked.
    pub(crate) fn pass(
        &mut self,
        commands: vk::CommandBuffer,
        object: Object,
        (from, to): (u32, u32),
        anew: bool,
    ) {
        let Some(outside) = self.outside.get(&object).copied() else { return };
        let recording = self.recordings.entry(commands).or_default();
        let is_ours = recording.ours.contains(&object);
        let what = match (is_inside(from), is_inside(to)) {
            _ if anew => {
                recording.ours.insert(object);
                return;
            }
            (true, true) => return recording.used(object),
            (false, true) if from == outside && !is_ours => {
                recording.ours.insert(object);
                return;
            }
            (true, false) if to == outside && is_ours => {
                recording.ours.remove(&object);
                return;
            }
            (_, false) if !is_ours => "is given back and was not taken".to_owned(),
            (false, true) if is_ours => "is taken twice".to_owned(),
            _ => format!("passes from {from} to {to}, and {outside} has it outside"),
        };
        recording.note(format!("{object:?} {what}"));
    }

    /// A command reads or writes the object.
    pub(crate) fn uses(&mut self, commands: vk::CommandBuffer, object: Object) {
        if self.outside.contains_key(&object) {
            self.recordings.entry(commands).or_default().used(object);
        }
    }
}

impl Recording {
    fn used(&mut self, object: Object) {
        if !self.ours.contains(&object) {
            self.note(format!("{object:?} is used and was not taken"));
        }
    }

    fn note(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

#[cfg(test)]
mod tests {
    use ash::vk::Handle as _;

    use super::*;

    const FOREIGN: u32 = vk::QUEUE_FAMILY_FOREIGN_EXT;
    const EXTERNAL: u32 = vk::QUEUE_FAMILY_EXTERNAL;

    /// What is said of one command buffer with these barriers of a dma-buf, and a use after each.
    fn said(barriers: &[(u32, u32)]) -> String {
        let (mut owners, commands) = (Owners::default(), vk::CommandBuffer::from_raw(1));
        let object = Object::Buffer(vk::Buffer::from_raw(2));
        owners.watch(object, vk::ExternalMemoryHandleTypeFlags::DMA_BUF_EXT);
        owners.begin(commands);
        barriers.iter().for_each(|pair| owners.pass(commands, object, *pair, false));
        owners.end(commands).err().map_or_else(String::new, |err| err.to_string())
    }

    #[test]
    fn what_passes_rightly_passes() {
        assert_eq!(said(&[]), "");
        assert_eq!(said(&[(FOREIGN, 0), (0, FOREIGN)]), "");
    }

    #[test]
    fn what_does_not_is_named() {
        assert!(said(&[(0, FOREIGN)]).contains("given back and was not taken"));
        assert!(said(&[(FOREIGN, 0)]).contains("not given back"));
        assert!(said(&[(EXTERNAL, 0)]).contains("has it outside"));
        assert!(said(&[(FOREIGN, 0), (0, EXTERNAL)]).contains("has it outside"));
    }
}
