//! The stages of a recording: import, classify, convert.

use std::sync::Arc;

use zerohop_frame::{
    BoxError, DeviceId, Direct, Fallback, Fourcc, Frame, FrameDescriptor, FrameSink, Kept,
    Observer as _, Stage, with_causes,
};
use zerohop_kernel::clock_monotonic;
use zerohop_passes::{Chroma, Classify, Refresh, Route, TileSet, Verdict};
use zerohop_vulkan::{Device, DeviceChoice, Image, InstanceOptions, PixelFormat};

use crate::look::Stillness;
use crate::machine::{Machine, owner};
use crate::{CudaView, Look, Measurements, Snapshots, Stages};

/// Pictures of more than eight bits.
const DEEP: [Fourcc; 6] = [
    Fourcc::XRGB2101010,
    Fourcc::ARGB2101010,
    Fourcc::XBGR2101010,
    Fourcc::ABGR2101010,
    Fourcc::XBGR16161616F,
    Fourcc::ABGR16161616F,
];
/// Why a picture is dropped that was perhaps drawn over.
const TAKEN_BACK: &str = "the application took it back while it was read";

/// Imports each picture, finds out what it is worth, and hands on what changed in the form that a
/// sink takes.
///
/// The device is opened when the first picture comes: opaque memory can be read by the device that
/// made it, and by no other.
pub struct Path {
    instance: InstanceOptions,
    choice: DeviceChoice,
    /// What the sink takes of Y'CbCr, best first; nothing of a sink that takes pictures as they are.
    chroma: Vec<Chroma>,
    /// What the sink reads where it was drawn.
    direct: Option<Arc<Direct>>,
    /// What takes the region that alone keeps changing.
    region: Option<Box<dyn FrameSink + Send>>,
    measurements: Arc<Measurements>,
    snapshots: Option<Snapshots>,
    view: Option<CudaView>,
    far: bool,
    stillness: Stillness,
    shape: Option<FrameDescriptor>,
    machine: Option<Machine>,
    passes: Option<Passes>,
}

/// What is made anew for each shape of picture.
enum Passes {
    /// For a sink that takes pictures as they are.
    Look(Classify),
    /// For one that takes Y'CbCr: both in one read.
    Convert(Refresh),
}

impl Passes {
    fn converts(&self) -> bool {
        matches!(self, Self::Convert(_))
    }

    /// Whether what comes out stays on the device.
    fn is_on_device(&self) -> bool {
        matches!(self, Self::Convert(refresh) if refresh.is_on_device())
    }

    /// Pictures that equal the one before were kept where they were made.
    fn keep(&mut self, kept: &Kept) {
        match self {
            Self::Look(classify) => classify.keep(kept),
            Self::Convert(refresh) => refresh.keep(kept),
        }
    }

    /// What was seen of the last picture came to nothing.
    fn forget(&mut self) {
        match self {
            Self::Look(classify) => classify.forget(),
            Self::Convert(refresh) => refresh.forget(),
        }
    }

    fn classify(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Verdict, BoxError> {
        Ok(match self {
            Self::Look(classify) => classify.classify(frame, image)?,
            Self::Convert(refresh) => refresh.classify(frame, image)?,
        })
    }
}

impl Path {
    /// The way to `sink`. `choice` is for memory that any device can read.
    pub fn to(sink: &dyn FrameSink, choice: DeviceChoice, measurements: Arc<Measurements>) -> Self {
        Self {
            instance: InstanceOptions::default(),
            choice,
            chroma: chroma(sink),
            direct: sink.direct(),
            region: None,
            measurements,
            snapshots: None,
            view: None,
            far: false,
            stillness: Stillness::new(Look::Host("nobody else was asked")),
            shape: None,
            machine: None,
            passes: None,
        }
    }

    /// Runs under the Khronos validation layer, if `validation` says so. What it says comes as an
    /// error at the end.
    #[must_use]
    pub fn with_validation(self, validation: bool) -> Self {
        Self { instance: InstanceOptions { validation }, ..self }
    }

    /// Shows pictures to a second sink on the way, before they are found to be worth anything.
    #[must_use]
    pub fn with_snapshots(self, snapshots: Option<Snapshots>) -> Self {
        Self { snapshots, ..self }
    }

    /// Hands pictures of which only the region changed to `region`, and to nobody else.
    #[must_use]
    pub fn with_region(self, region: Option<Box<dyn FrameSink + Send>>) -> Self {
        Self { region, ..self }
    }

    /// Shows pictures to CUDA on the way, before anybody else reads them.
    #[must_use]
    pub fn with_view(self, view: Option<CudaView>) -> Self {
        Self { view, ..self }
    }

    /// Says who looks at pictures that stand still: without it, the host.
    #[must_use]
    pub fn with_look(self, look: Look) -> Self {
        Self { stillness: Stillness::new(look), ..self }
    }

    /// Why the host looks at every picture; `None` where an application is asked to look while it stands
    /// still.
    pub fn host_looks(&self) -> Option<&'static str> {
        if self.view.is_some() {
            return Some("CUDA sees every picture");
        }
        if self.snapshots.is_some() {
            return Some("every picture is read as it came");
        }
        self.stillness.host_looks(self.is_on_cpu())
    }

    fn is_on_cpu(&self) -> bool {
        self.device().is_some_and(|device| device.is_cpu())
    }

    /// CUDA's part in it, if it had one.
    pub fn view(&self) -> Option<&CudaView> {
        self.view.as_ref()
    }

    /// As if the host's memory lay across a bus, and no picture could be read in place: for tests and
    /// measurements.
    #[must_use]
    pub fn with_far_host(self) -> Self {
        Self { far: true, ..self }
    }

    /// The device that reads the pictures, once there was one.
    pub fn device(&self) -> Option<&Arc<Device>> {
        self.machine.as_ref().map(|machine| &machine.device)
    }

    /// Opens the device that is most likely the right one, so that the first picture does not have
    /// to wait for it.
    pub fn prepare(&mut self) {
        // What fails here fails again with the first picture, where somebody hears of it.
        let _ = self.open(None);
    }

    /// Makes sure that the device is `owner`, or any when there is none.
    fn open(&mut self, owner: Option<DeviceId>) -> Result<(), BoxError> {
        if self.machine.as_ref().is_some_and(|machine| machine.fits(owner)) {
            return Ok(());
        }
        self.passes = None;
        let (choice, measurements) = (&self.choice, &self.measurements);
        self.machine = Some(Machine::open(self.instance, choice, owner, measurements)?);
        Ok(())
    }

    /// The image of the frame's buffer, made when it is seen for the first time.
    fn import(&mut self, frame: &Arc<Frame>) -> Result<Arc<Image>, BoxError> {
        self.open(owner(frame))?;
        let machine = self.machine.as_mut().ok_or("no device is open")?;
        let image = machine.import(frame, &self.measurements)?;
        if let Some(view) = &mut self.view {
            view.pass(&machine.queue, frame, &image)?;
        }
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.pass(&machine.queue, frame, &image);
        }
        Ok(image)
    }

    /// The passes for pictures of the frame's shape.
    fn passes(&mut self, frame: &Frame) -> Result<&mut Passes, BoxError> {
        let shape = frame.buffer().descriptor();
        let chroma = if self.is_direct(frame) { None } else { self.chroma_of(shape.fourcc) };
        let reads_rows = self.reads_rows();
        let fits = |passes: &Passes| {
            passes.converts() == chroma.is_some() && (reads_rows || !passes.is_on_device())
        };
        let passes = match self.passes.take().filter(fits) {
            Some(passes) => passes,
            None => {
                let device = &self.machine.as_ref().ok_or("no device is open")?.device;
                let observer = || Arc::clone(&self.measurements) as _;
                match chroma {
                    None => Passes::Look(Classify::new(device, shape, observer())?),
                    Some(chroma) => {
                        let refresh = || Refresh::new(device, shape, chroma, observer());
                        let far = |it: Refresh| it.with_route(Route::Gpu).with_far_host();
                        Passes::Convert(match self.on_device(device, refresh()?) {
                            Some(refresh) => refresh,
                            None if self.far => far(refresh()?),
                            None => refresh()?,
                        })
                    }
                }
            }
        };
        Ok(self.passes.insert(passes))
    }

    /// Whether the sink reads converted pictures on the device still.
    fn reads_rows(&self) -> bool {
        let uuid = self.machine.as_ref().map(|machine| machine.device.id().device_uuid);
        let reads = |(direct, uuid): (&Arc<Direct>, [u8; 16])| {
            direct.refused_rows().is_none() && direct.is_on(&uuid)
        };
        self.direct.as_ref().zip(uuid).is_some_and(reads)
    }

    /// The chroma that the sink takes of pictures of `fourcc`: ten bits where they have more than eight.
    fn chroma_of(&self, fourcc: Fourcc) -> Option<Chroma> {
        let first = |deep: bool| {
            let fits = |it: &&Chroma| (**it == Chroma::Deep) == deep;
            self.chroma.iter().find(fits).copied()
        };
        first(DEEP.contains(&fourcc)).or_else(|| self.chroma.first().copied())
    }

    /// `refresh` into memory of `device`, if the sink reads it there.
    fn on_device(&self, device: &Device, refresh: Refresh) -> Option<Refresh> {
        let direct = self.direct.as_ref()?;
        if direct.takes_rows(&device.id().device_uuid, refresh.descriptor().fourcc) {
            match refresh.on_device() {
                Ok(refresh) => return Some(refresh),
                Err(err) => direct.refuse_rows(with_causes(&err)),
            }
        }
        if let Some(why) = direct.refused_rows() {
            self.measurements.fallback(Fallback {
                what: "encode".into(),
                reason: format!("the encoder cannot read converted pictures on the GPU: {why}"),
                cost: "each goes down to the host and up to the encoder's memory".into(),
            });
        }
        None
    }

    /// Whether the sink reads the picture where it was drawn.
    fn is_direct(&self, frame: &Frame) -> bool {
        let Some(direct) = &self.direct else { return false };
        if let Some(why) = direct.refused() {
            self.measurements.fallback(Fallback {
                what: "encode".into(),
                reason: format!("the encoder cannot read pictures where they are drawn: {why}"),
                cost: "each is converted".into(),
            });
        }
        direct.takes(frame.buffer())
    }

    /// Whether somebody takes the region of a picture where it was drawn.
    fn takes_region(&self, frame: &Frame) -> bool {
        let Some(sink) = &self.region else { return false };
        let is_drawn = !self.passes.as_ref().is_some_and(Passes::converts);
        let takes = sink.direct().is_some_and(|direct| direct.takes(frame.buffer()));
        if !(is_drawn && takes) {
            self.measurements.fallback(Fallback {
                what: "region".into(),
                reason: "pictures are converted, and regions are read where they are drawn".into(),
                cost: "the region is in the other files, and not by itself".into(),
            });
        }
        is_drawn && takes
    }

    /// What the picture is worth; `None` when it was lost meanwhile.
    fn classify(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Option<Verdict>, BoxError> {
        let passes = self.passes(frame)?;
        let begin = clock_monotonic();
        let verdict = passes.classify(frame, image)?;
        let sequence = frame.info().sequence;
        self.measurements.span(sequence, Stage::Classify, begin, clock_monotonic());
        Ok(self.is_read(frame).then_some(verdict))
    }

    /// The picture as the sink takes it; `None` when it was lost meanwhile, or there is no room.
    fn convert(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        tiles: &TileSet,
    ) -> Result<Option<Arc<Frame>>, BoxError> {
        let Some(Passes::Convert(convert)) = &mut self.passes else {
            return Ok(Some(Arc::clone(frame)));
        };
        let (sequence, begin) = (frame.info().sequence, clock_monotonic());
        let Some(converted) = convert.convert(frame, image, tiles)? else {
            self.measurements.dropped(sequence, "the sink holds all converted pictures");
            self.lost(frame);
            return Ok(None);
        };
        self.measurements.span(sequence, Stage::Convert, begin, clock_monotonic());
        Ok(self.is_read(frame).then_some(converted))
    }

    /// Notes that `frame` came to nothing: the next one must come, and is converted as a whole, though it
    /// may equal this one.
    fn lost(&mut self, frame: &Frame) {
        self.stillness.lost(frame);
        if let Some(passes) = &mut self.passes {
            passes.forget();
        }
    }

    /// Takes a picture from its import to what the sink takes.
    fn pass(&mut self, frame: &Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        let image = self.import(frame)?;
        let Some(verdict) = self.classify(frame, &image)? else { return Ok(None) };
        self.measurements.verdict(frame.info().sequence, &verdict);
        if self.host_looks().is_none() {
            self.stillness.note(frame, &verdict, &self.measurements);
        }
        if let Verdict::Region { region, .. } = &verdict
            && self.takes_region(frame)
            && let Some(sink) = &mut self.region
        {
            sink.submit_region(Arc::clone(frame), *region)?;
            self.measurements.submitted();
            return Ok(None);
        }
        match verdict.tiles() {
            None => Ok(None),
            Some(tiles) => self.convert(frame, &image, tiles),
        }
    }

    /// Whether what was read of a picture is that picture, to be asked after each read. What the
    /// passes remember of one that was lost may be of the one that was drawn over it: they are made
    /// anew, so that the next picture is converted as a whole.
    fn is_read(&mut self, frame: &Frame) -> bool {
        let intact = frame.is_intact();
        if !intact {
            self.passes = None;
            self.measurements.dropped(frame.info().sequence, TAKEN_BACK);
        }
        intact
    }
}

impl Stages for Path {
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError> {
        // Refused here, by name, and not for each picture.
        PixelFormat::of(descriptor.fourcc)?;
        if self.shape.replace(descriptor.clone()).as_ref() != Some(descriptor) {
            self.passes = None;
        }
        Ok(())
    }

    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
        self.pass(&frame).inspect_err(|_| self.lost(&frame))
    }

    fn kept(&mut self, kept: &Kept) {
        if let Some(passes) = &mut self.passes {
            passes.keep(kept);
        }
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        let viewed = self.view.as_mut().map_or(Ok(()), CudaView::finish);
        let finished = self.snapshots.as_mut().map_or(Ok(()), Snapshots::finish).and(viewed);
        let finished = finished.and(self.region.as_mut().map_or(Ok(()), |sink| sink.finish()));
        self.passes = None;
        self.machine.as_ref().map_or(Ok(()), Machine::silence).and(finished)
    }
}

/// The chroma that `sink` takes, best first; nothing for a sink that takes pictures as they are.
fn chroma(sink: &dyn FrameSink) -> Vec<Chroma> {
    let of = |fourcc: Fourcc| match fourcc {
        Fourcc::NV12 => Some(Chroma::Interleaved),
        Fourcc::YUV420 => Some(Chroma::Planar),
        Fourcc::P010 => Some(Chroma::Deep),
        _ => None,
    };
    sink.formats().iter().filter_map(|(fourcc, _)| of(*fourcc)).collect()
}
