//! How pictures are given to the chip, and what is left with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::core::{Core, call};
use crate::encoder::PATIENCE;
use crate::input::Mapped;
use crate::sys::{self, NV_ENC_ERR_ENCODER_BUSY, NV_ENC_ERR_NEED_MORE_INPUT, NV_ENC_PIC_PARAMS};
use crate::{Error, Status, Structure};

/// Between two tries while the chip is busy.
const NAP: Duration = Duration::from_millis(2);

/// Whether the library took a picture and wants more of them before it encodes it.
pub(crate) fn is_deferred(err: &Error) -> bool {
    let wants = Status(NV_ENC_ERR_NEED_MORE_INPUT);
    matches!(err, Error::Call { status, .. } if *status == wants)
}

/// What the chip may be reading still when the encoder has gone.
pub(crate) struct Left<T> {
    core: Arc<Core>,
    _pictures: VecDeque<(Mapped, T)>,
    ended: bool,
}

impl<T> Left<T> {
    /// `pictures` of an encoder, which said or not that no other follows.
    pub(crate) fn new(core: Arc<Core>, pictures: VecDeque<(Mapped, T)>, ended: bool) -> Self {
        Self { core, _pictures: pictures, ended }
    }
}

impl<T> Drop for Left<T> {
    fn drop(&mut self) {
        // It has come back after all.
        if !self.ended {
            let _ = end(&self.core);
        }
    }
}

/// Says that no picture follows.
pub(crate) fn end(core: &Core) -> Result<(), Error> {
    let mut params = NV_ENC_PIC_PARAMS {
        version: core.word(Structure::Pic),
        encodePicFlags: sys::NV_ENC_PIC_FLAG_EOS,
        ..Default::default()
    };
    submit(core, &mut params)
}

/// Gives a picture to the chip, as often as that is busy.
pub(crate) fn submit(core: &Core, params: &mut NV_ENC_PIC_PARAMS) -> Result<(), Error> {
    let begin = Instant::now();
    loop {
        let (number, params) = (params.frameIdx, &raw mut *params);
        let doing = || format!("encode picture {number}");
        let done = call!(core, doing, nvEncEncodePicture, params);
        let busy = Status(NV_ENC_ERR_ENCODER_BUSY);
        match done {
            Err(Error::Call { status, .. }) if status == busy && begin.elapsed() < PATIENCE => {
                thread::sleep(NAP);
            }
            done => return done,
        }
    }
}
