//! What handles stand for.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use zerohop_layer_timeline::Counter;

use crate::layout::Layout;
use crate::pages::Pages;
use crate::worker::Worker;

/// One object. The `Arc`s in it are held by work in flight as well.
pub(crate) enum Object {
    /// `CUexternalMemory`: the memory without llvmpipe's header, and its size.
    Memory { pages: Arc<Pages>, size: usize },
    /// `CUmipmappedArray` over a memory, and the handle of its only level.
    Levels { memory: usize, level: usize },
    /// `CUarray`.
    Array(Arc<Image>),
    /// `CUexternalSemaphore`.
    Semaphore(Arc<Counted>),
    /// `CUstream`.
    Stream(Worker),
    /// `CUevent`, and the moment it was recorded for last.
    Event(Option<Arc<Moment>>),
    /// `CUgraphicsResource`: a texture, its width and height, and the handle of its array while it is
    /// mapped.
    Texture { name: u32, size: (usize, usize), mapped: Option<usize> },
}

impl Object {
    /// Its name in the report.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Levels { .. } => "mipmapped array",
            Self::Array(_) => "array",
            Self::Semaphore(_) => "semaphore",
            Self::Stream(_) => "stream",
            Self::Event(_) => "event",
            Self::Texture { .. } => "texture",
        }
    }
}

/// Rows in memory.
pub(crate) struct Image {
    pub(crate) pages: Arc<Pages>,
    /// Bytes from the start of the pages.
    pub(crate) offset: usize,
    pub(crate) layout: Layout,
}

/// A semaphore as descriptors carry it.
pub(crate) enum Counted {
    /// A timeline.
    Timeline(Counter),
    /// A binary one: an eventfd, whose count is 1 while it is signaled.
    Binary(std::fs::File),
}

/// Bytes that a pointer stands for.
pub(crate) struct Range {
    pub(crate) length: usize,
    /// Held by whoever uses it.
    pub(crate) user: Arc<Option<Arc<Pages>>>,
    /// The memory that it is a view of, if it is one.
    pub(crate) memory: Option<usize>,
}

impl Range {
    /// Its name in the report.
    pub(crate) fn kind(&self) -> &'static str {
        match (self.memory, self.user.is_some()) {
            (Some(_), _) => "mapped buffer",
            (None, true) => "allocation",
            (None, false) => "pinned range",
        }
    }
}

/// A point in a stream's work.
#[derive(Default)]
pub(crate) struct Moment {
    reached: Mutex<bool>,
    changed: Condvar,
}

impl Moment {
    pub(crate) fn is_reached(&self) -> bool {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reach(&self) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub(crate) fn wait(&self) {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_while(reached, |reached| !*reached);
        drop(waited);
    }
}
