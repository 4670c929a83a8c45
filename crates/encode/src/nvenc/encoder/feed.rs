//! What the chip reads.

use std::sync::Arc;

use zerohop_frame::{Direct, Extent, Frame, Rect, with_causes};
use zerohop_nvenc::Input;

use super::Nvenc;
use crate::Error;
use crate::nvenc::place::owner;
use crate::nvenc::ring::Ring;
use crate::nvenc::upload::Upload;

/// Why a part of a picture is copied.
const CROP: &str = "a region is encoded by itself";
/// Why a picture is copied as a whole.
const COPY: &str = "the encoder reads it on the GPU, and it was converted elsewhere";

impl Nvenc {
    /// What the chip reads for `frame`; `None` when it turns out that it cannot read it where it was
    /// drawn, and this picture is lost.
    pub(super) fn input(&mut self, frame: &Arc<Frame>) -> Result<Option<Arc<Input>>, Error> {
        let Some(chip) = &self.chip else { return Ok(None) };
        let extent = frame.buffer().descriptor().extent;
        if !chip.format().is_rgb() && owner(frame).is_some() {
            let found = self.inputs.stacked(frame, chip);
            return self.found(found, frame, Direct::refuse_rows);
        }
        if !chip.format().is_rgb() {
            let fits = |upload: &Upload| upload.fits(extent);
            if !self.upload.as_ref().is_some_and(fits) {
                self.upload = Some(Upload::new(&self.stream, extent));
            }
            let Some(upload) = &mut self.upload else { return Ok(None) };
            self.observer.gpu_copy(frame.info().sequence, COPY);
            return upload.of(frame, chip).map(Some);
        }
        let found = self.inputs.of(frame, chip);
        self.found(found, frame, Direct::refuse)
    }

    /// What was found to be `frame`'s input. Where it is none, pictures such as it are refused, and this one
    /// is lost.
    fn found(
        &self,
        input: Result<Arc<Input>, Error>,
        frame: &Frame,
        refuse: fn(&Direct, String),
    ) -> Result<Option<Arc<Input>>, Error> {
        match input {
            Ok(input) => Ok(Some(input)),
            Err(Error::Cuda(err)) if err.is_lost() => Err(err.into()),
            Err(Error::Nvenc(err)) if err.is_lost() => Err(err.into()),
            Err(err) => {
                refuse(&self.direct, with_causes(&err));
                self.observer.dropped(frame.info().sequence, "the encoder could not read it");
                Ok(None)
            }
        }
    }

    /// The part `rect` of `frame`'s picture, cropped on the GPU when the stream comes to it.
    pub(super) fn cropped(
        &mut self,
        frame: &Arc<Frame>,
        rect: &Rect,
    ) -> Result<Option<Arc<Input>>, Error> {
        let picture = self.inputs.picture(frame)?;
        let Some(chip) = &self.chip else { return Ok(None) };
        let extent = Extent { width: rect.width, height: rect.height };
        if self.crops.as_ref().is_none_or(|ring| ring.extent() != extent) {
            self.crops = Some(Ring::new(extent));
        }
        let Some(ring) = &mut self.crops else { return Ok(None) };
        let (to, input) = ring.take(self.stream.device(), chip)?;
        // Four bytes a pixel, of all that is read where it was drawn.
        self.stream.crop(&picture, (rect.x as usize * 4, rect.y as usize), &to)?;
        self.observer.gpu_copy(frame.info().sequence, CROP);
        Ok(Some(input))
    }
}
