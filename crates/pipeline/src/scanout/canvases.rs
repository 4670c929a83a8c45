//! Buffers of a card that pictures are copied into.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zerohop_frame::{BoxError, BufferId, Frame, Recycle, Release};
use zerohop_kms::Canvas;
use zerohop_passes::FitTarget;

use super::lock;

/// The most pictures that are copied and not home yet. Producers have fewer buffers.
const MOST: usize = 16;

/// A canvas, and how a GPU writes it, if one does.
pub(super) struct Easel {
    pub(super) canvas: Canvas,
    pub(super) target: Option<FitTarget>,
}

/// Those that are alike: at home, and out. All are black around the pictures.
#[derive(Default)]
pub(super) struct Easels {
    free: Mutex<Vec<Easel>>,
    out: Mutex<HashMap<BufferId, Easel>>,
}

impl Easels {
    /// One that nobody shows; `None` when there must be another.
    ///
    /// # Errors
    ///
    /// Too many are out.
    pub(super) fn take(&self) -> Result<Option<Easel>, BoxError> {
        let free = lock(&self.free).pop();
        if free.is_none() && lock(&self.out).len() >= MOST {
            return Err("the screen holds all buffers of its card".into());
        }
        Ok(free)
    }

    /// Puts one that is not shown back.
    pub(super) fn give_back(&self, easel: Easel) {
        lock(&self.free).push(easel);
    }

    /// Sends one out with a copy of `source`.
    pub(super) fn lend(self: &Arc<Self>, easel: Easel, source: &Arc<Frame>) -> Arc<dyn Recycle> {
        lock(&self.out).insert(easel.canvas.buffer().id(), easel);
        Arc::new(Home { easels: Arc::clone(self), _source: Arc::clone(source) })
    }
}

/// Keeps the application's picture while its copy is shown, so that the application goes at the
/// screen's pace.
struct Home {
    easels: Arc<Easels>,
    _source: Arc<Frame>,
}

impl Recycle for Home {
    fn recycle(&self, release: Release) {
        let easel = lock(&self.easels.out).remove(&release.buffer);
        easel.into_iter().for_each(|easel| self.easels.give_back(easel));
    }
}
