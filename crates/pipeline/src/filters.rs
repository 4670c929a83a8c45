//! Passes in front of the stages: a decoder's picture as R'G'B', as its luma, as what changed.

use std::sync::Arc;

use zerohop_frame::{BoxError, DeviceId, Frame, FrameDescriptor, Observer as _, Stage};
use zerohop_kernel::clock_monotonic;
use zerohop_passes::{Diff, Grid, Luma, Rgba, TileSet};
use zerohop_vulkan::{Device, DeviceChoice, Image, InstanceOptions, PixelFormat, wait_on_cpu};

use crate::machine::{Machine, owner};
use crate::{Measurements, Stages};

/// What a pass makes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// R'G'B' of 8 bits. A picture that is R'G'B' already stays as it is.
    Rgba,
    /// Its luma.
    Luma,
    /// The luma of what changed since the picture before, on black.
    Diff,
}

/// Does one pass after the other, each on what the one before has made.
pub struct Filters {
    filters: Vec<Filter>,
    instance: InstanceOptions,
    choice: DeviceChoice,
    measurements: Arc<Measurements>,
    machine: Option<Machine>,
    passes: Vec<Pass>,
    stays: bool,
}

/// A pass for one shape of picture.
enum Pass {
    Rgba(Rgba),
    Luma(Luma),
    Diff(Diff),
}

/// [`Filters`], and what follows them.
pub struct Filtered<'a> {
    /// The passes.
    pub filters: &'a mut Filters,
    /// What takes their pictures.
    pub then: &'a mut dyn Stages,
}

impl Filters {
    /// Does `filters` in their order, on the device of `choice`.
    pub fn new(
        filters: Vec<Filter>,
        choice: DeviceChoice,
        instance: InstanceOptions,
        measurements: Arc<Measurements>,
    ) -> Self {
        let (machine, passes) = (None, Vec::new());
        Self { filters, instance, choice, measurements, machine, passes, stays: false }
    }

    /// Leaves pictures on the device where nobody on the CPU reads them: those of the last pass as
    /// well, if `all`.
    #[must_use]
    pub fn staying(self, all: bool) -> Self {
        Self { stays: all, ..self }
    }

    /// The device that does them, once there was a picture.
    pub fn device(&self) -> Option<&Arc<Device>> {
        self.machine.as_ref().map(|machine| &machine.device)
    }

    /// Makes the passes for pictures of `shape`, on the device of `owner` where only that one can
    /// read them. Returns the shape that comes out.
    fn reshape(
        &mut self,
        shape: &FrameDescriptor,
        owner: Option<DeviceId>,
    ) -> Result<FrameDescriptor, BoxError> {
        self.passes.clear();
        let machine = match self.machine.take().filter(|machine| machine.fits(owner)) {
            Some(machine) => machine,
            None => Machine::open(self.instance, &self.choice, owner, &self.measurements)?,
        };
        let device = Arc::clone(&self.machine.insert(machine).device);
        let mut shape = shape.clone();
        for (index, filter) in self.filters.iter().enumerate() {
            if self.is_spared(index, &shape) {
                continue;
            }
            let made = Pass::new(*filter, &device, &shape, &self.measurements)?;
            if let Some(pass) = made {
                let stays = self.stays || index + 1 < self.filters.len();
                shape = pass.descriptor();
                self.passes.push(if stays { pass.staying() } else { pass });
            }
        }
        Ok(shape)
    }

    /// Whether a pass is left out: a difference reads luma where it lies, and writes 8 bits of it, so
    /// that it comes to the same bytes without the luma in between.
    fn is_spared(&self, index: usize, shape: &FrameDescriptor) -> bool {
        let both = self.filters.get(index..index + 2);
        let whole = shape.fourcc.ycbcr().is_some_and(|format| format.bits == 8);
        whole && both == Some(&[Filter::Luma, Filter::Diff])
    }

    /// The picture after all passes; `None` when one of them has no room for it.
    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        let owner = owner(&frame);
        if !self.machine.as_ref().is_some_and(|machine| machine.fits(owner)) {
            // Only now is it known whose memory it is.
            self.reshape(frame.buffer().descriptor(), owner)?;
        }
        let machine = self.machine.as_mut().ok_or("no device is open")?;
        let (sequence, begin) = (frame.info().sequence, clock_monotonic());
        let mut made = Arc::clone(&frame);
        for pass in &mut self.passes {
            let image = machine.import(&made, &self.measurements)?;
            let Some(next) = pass.run(&made, &image)? else {
                self.measurements.dropped(sequence, "the sink holds all filtered pictures");
                return Ok(None);
            };
            made = next;
        }
        // Each pass waits on the device for the one before it. The first picture is read by then.
        wait_on_cpu(made.acquire())?;
        if !frame.is_intact() {
            self.measurements.dropped(sequence, "it was taken back while it was read");
            return Ok(None);
        }
        self.measurements.span(sequence, Stage::Convert, begin, clock_monotonic());
        Ok(Some(made))
    }

    /// What the validation layer has said, if it was asked for.
    fn finish(&mut self) -> Result<(), BoxError> {
        self.passes.clear();
        self.machine.as_ref().map_or(Ok(()), Machine::silence)
    }
}

impl Pass {
    /// The pass of `filter`; `None` where a picture of `shape` needs none.
    fn new(
        filter: Filter,
        device: &Arc<Device>,
        shape: &FrameDescriptor,
        measurements: &Arc<Measurements>,
    ) -> Result<Option<Self>, BoxError> {
        let observer = Arc::clone(measurements) as _;
        Ok(match filter {
            Filter::Rgba if shape.fourcc.ycbcr().is_none() => {
                // Refused here, by name, what no pass reads.
                PixelFormat::of(shape.fourcc)?;
                None
            }
            Filter::Rgba => {
                Some(Self::Rgba(Rgba::new(device, shape, shape.color.sited(), observer)?))
            }
            Filter::Luma => Some(Self::Luma(Luma::new(device, shape, observer)?)),
            Filter::Diff => Some(Self::Diff(Diff::new(device, shape, observer)?)),
        })
    }

    /// The same, whose pictures stay on the device. R'G'B' does not: shaders read it as images only.
    fn staying(self) -> Self {
        match self {
            Self::Rgba(rgba) => Self::Rgba(rgba),
            Self::Luma(luma) => Self::Luma(luma.staying()),
            Self::Diff(diff) => Self::Diff(diff.staying()),
        }
    }

    /// The shape that comes out.
    fn descriptor(&self) -> FrameDescriptor {
        match self {
            Self::Rgba(rgba) => rgba.descriptor(),
            Self::Luma(luma) => luma.descriptor(),
            Self::Diff(diff) => diff.descriptor(),
        }
    }

    fn run(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Option<Arc<Frame>>, BoxError> {
        // A video changes everywhere.
        let all = TileSet::all(Grid::of(frame.buffer().descriptor().extent));
        Ok(match self {
            Self::Rgba(rgba) => rgba.convert(frame, image, &all)?,
            Self::Luma(luma) => luma.luma(frame, image, &all)?,
            Self::Diff(diff) => diff.diff(frame, image)?.picture,
        })
    }
}

impl Stages for Filtered<'_> {
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError> {
        let shape = self.filters.reshape(descriptor, None)?;
        self.then.reshape(&shape)
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        match self.filters.run(frame)? {
            Some(frame) => self.then.run(frame),
            None => Ok(None),
        }
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let finished = self.then.finish();
        self.filters.finish().and(finished)
    }
}
