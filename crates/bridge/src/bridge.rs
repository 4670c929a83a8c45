//! Each picture by the best way that works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_cuda::{Cuda, Device, ImportCache, Pinned, Rows, Stream, Uuid};
use zerohop_frame::{
    BoxError, Claim, Fallback, Fourcc, Frame, FrameDescriptor, Modifier, PlaneLayout, Proofs,
    SyncPoint, Verdict, same, with_causes,
};
use zerohop_vulkan::{Copies, Image, Plane, Queue, wait_on_cpu};

use crate::copier::Copier;
use crate::crossed::{Crossed, Source, copied, packed};
use crate::host::Host;
use crate::sample::Sample;
use crate::textures::Textures;
use crate::{Error, Near, Way};

/// How long a proof may take to come to its end.
const WITHIN: Duration = Duration::from_secs(10);

/// The way of pictures into CUDA, on one device.
pub struct Bridge {
    parts: Parts,
    proofs: &'static Proofs,
    /// The claim about the picture at hand.
    claim: Claim,
    /// What was said already.
    announced: Vec<(Fourcc, Modifier, &'static str, Way)>,
    /// Which ways may be taken.
    ways: &'static [Way],
}

/// What the ways are made of.
struct Parts {
    queue: Arc<Queue>,
    stream: Arc<Stream>,
    pictures: ImportCache,
    copier: Copier,
    host: Host,
    near: Near,
    textures: Option<Result<Textures, String>>,
}

impl Bridge {
    /// From the device of `queue` to the same one in CUDA.
    ///
    /// # Errors
    ///
    /// [`Error::Cuda`]: no driver, or it does not know the device.
    pub fn open(queue: &Arc<Queue>) -> Result<Self, Error> {
        let uuid = Uuid(queue.device().id().device_uuid);
        let stream = Stream::new(&Device::open(&Cuda::load()?, uuid)?)?;
        Ok(Self::on(queue, &stream))
    }

    /// The same, with a stream that is there.
    pub fn on(queue: &Arc<Queue>, stream: &Arc<Stream>) -> Self {
        let physical = queue.device().physical();
        let driver = format!("{}, {}", physical.driver_name().trim(), physical.name());
        let parts = Parts {
            queue: Arc::clone(queue),
            stream: Arc::clone(stream),
            pictures: ImportCache::new(stream.device()),
            copier: Copier::new(queue),
            host: Host::new(queue, stream.device()),
            near: Near::new(stream.device()),
            textures: None,
        };
        let (fourcc, modifier) = (Fourcc::XRGB8888, Modifier::LINEAR);
        let claim = Claim { driver, fourcc, modifier, handle: "", way: "" };
        let (proofs, announced) = (Proofs::of_process(), Vec::new());
        Self { parts, proofs, claim, announced, ways: &Way::ALL }
    }

    /// Takes only some of the ways: for tests and for the doctor.
    #[must_use]
    pub fn by(self, ways: &'static [Way]) -> Self {
        Self { ways, ..self }
    }

    /// The stream that maps textures, and that is to read the pictures.
    pub fn stream(&self) -> &Arc<Stream> {
        &self.parts.stream
    }

    /// Brings a picture into CUDA, which Vulkan has as `image`. The first of each kind waits for the
    /// proofs of its ways.
    ///
    /// # Errors
    ///
    /// [`Error::NoWay`] with the reason of each; what went wrong with this picture. A way that fails
    /// is not taken again.
    pub fn cross(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<Crossed<'_>, Error> {
        let (way, refusals) = self.choose(frame, image)?;
        let fallback = self.announce(way, refusals);
        let Self { parts, claim, proofs, .. } = self;
        let crossed = parts.by(way, frame, image).inspect_err(|err| {
            if err.is_of_the_way() {
                proofs.latch(claim, err);
            }
        })?;
        Ok(Crossed { fallback, ..crossed })
    }

    /// The best proven way, and why no better one is. Leaves its claim in `self`.
    fn choose(&mut self, frame: &Arc<Frame>, image: &Arc<Image>) -> Result<(Way, String), Error> {
        let buffer = frame.buffer();
        let handle = buffer.memory().first().map_or("nothing", |memory| memory.kind());
        let Self { parts, claim, proofs, ways, .. } = self;
        (claim.fourcc, claim.modifier) = (buffer.descriptor().fourcc, buffer.descriptor().modifier);
        claim.handle = handle;
        let (mut refusals, mut wrong) = (String::new(), false);
        for way in ways.iter().filter(|way| way.serves(buffer.memory())) {
            claim.way = way.claimed(image);
            let verdict = proofs.prove(claim, || parts.prove(*way, frame, image))?;
            if verdict.is_proven() {
                return Ok((*way, refusals));
            }
            wrong |= matches!(verdict, Verdict::Wrong(_));
            let separator = if refusals.is_empty() { "" } else { "; " };
            refusals += &format!("{separator}not by {way}, {verdict}");
        }
        if refusals.is_empty() {
            refusals.push_str("none is for it");
        }
        Err(Error::NoWay { fourcc: claim.fourcc, handle, refusals, wrong })
    }

    /// What to say of `way`, unless it was said before.
    fn announce(&mut self, way: Way, refusals: String) -> Option<Fallback> {
        let Claim { fourcc, modifier, handle, .. } = self.claim;
        let kind = (fourcc, modifier, handle, way);
        if self.announced.contains(&kind) {
            return None;
        }
        self.announced.push(kind);
        let better = if refusals.is_empty() {
            format!("CUDA imports opaque memory of its own device, not a {handle}")
        } else {
            refusals
        };
        way.fallback(better)
    }
}

impl Parts {
    /// Brings a picture over by `way`, whatever is known of it.
    fn by(
        &mut self,
        way: Way,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Crossed<'_>, Error> {
        let nothing = Copies::default();
        let (ready, mut copy, mut imported) = (frame.acquire().clone(), None, None);
        let mut shape = copied(frame.buffer().descriptor(), image);
        let (source, ready, copies) = match way {
            Way::Opaque | Way::Locked => {
                let rows = image.opaque_rows().map(|(offset, pitch)| Rows { offset, pitch });
                let cached = self.pictures.get(frame.buffer(), rows)?;
                imported = cached.imported;
                let source = match way {
                    Way::Locked => Source::Locked(cached.picture, &self.near),
                    _ => Source::Picture(cached.picture),
                };
                (source, ready, nothing)
            }
            Way::Vulkan => {
                let (made, copies) = self.copier.copy(frame, image)?;
                let cached = self.pictures.get(made.buffer(), None)?;
                imported = cached.imported;
                shape = copied(made.buffer().descriptor(), image);
                let ready = made.acquire().clone();
                copy = Some(made);
                (Source::Picture(cached.picture), ready, copies)
            }
            Way::Gl => {
                let textures = opened(&mut self.textures, &self.queue, &self.stream)?;
                let (mapped, current, _) = textures.draw(frame)?;
                let drawn = Copies { cpu_bytes: 0, gpu: 1 };
                (Source::Texture(mapped, current), SyncPoint::Signaled, drawn)
            }
            Way::Host => {
                let (pinned, copies) = self.host.copy(frame, image)?;
                shape.planes = packed(image);
                (Source::Host(pinned), SyncPoint::Signaled, copies)
            }
        };
        Ok(Crossed { way, source, shape, ready, copies, imported, fallback: None, _copy: copy })
    }

    /// Tries `way`. What went wrong with this picture alone is an error, and says nothing of the way.
    fn prove(
        &mut self,
        way: Way,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Result<Duration, BoxError>, Error> {
        let tried = self.twice(way, frame, image);
        // The sample may be the picture itself.
        if tried.is_err() && !frame.is_intact() {
            let why = format!("the picture was lost while {way} was tried");
            return Err(zerohop_vulkan::Error::Forsaken(why).into());
        }
        match tried.map_err(|err| err.downcast::<Error>()) {
            Err(Ok(err)) if !err.is_of_the_way() => Err(*err),
            other => Ok(other.map_err(|err| err.map_or_else(|err| err, |err| err as BoxError))),
        }
    }

    /// Sends a known picture by `way`, twice, and compares what CUDA has then. Returns how long the
    /// second one took.
    fn twice(
        &mut self,
        way: Way,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
    ) -> Result<Duration, BoxError> {
        let sample = Sample::like(&self.queue, frame, image)?;
        let mut sent = sample.bytes.clone();
        let fourcc = frame.buffer().descriptor().fourcc;
        // What is drawn is opaque where there is no alpha.
        if way == Way::Gl && matches!(fourcc, Fourcc::XRGB8888 | Fourcc::XBGR8888) {
            sent.iter_mut().skip(3).step_by(4).for_each(|byte| *byte = 255);
        }
        self.once(way, &sample, &sent)?;
        self.once(way, &sample, &sent)
    }

    fn once(&mut self, way: Way, sample: &Sample, sent: &[u8]) -> Result<Duration, BoxError> {
        let stream = Arc::clone(&self.stream);
        let begin = Instant::now();
        let crossed = self.by(way, &sample.frame, &sample.image)?;
        let made = begin.elapsed();
        let (row, rows) = crossed.size();
        let target = Arc::new(Pinned::new(stream.device(), row, rows)?);
        let begin = Instant::now();
        wait_on_cpu(&crossed.ready)?;
        crossed.copy(&stream, &target)?;
        stream.submit()?.wait("a proof", WITHIN)?;
        let took = made + begin.elapsed();
        let seen = rows_of(&sample.image, &crossed.shape, target.bytes());
        drop(crossed);
        same(sent, &seen)?;
        Ok(took)
    }
}

/// All rows of all planes of a copy of `shape`, without padding.
fn rows_of(image: &Image, shape: &FrameDescriptor, bytes: &[u8]) -> Vec<u8> {
    let of = |(plane, layout): (&Plane, &PlaneLayout)| {
        let (start, stride) = (layout.offset as usize, layout.stride as usize);
        let row = plane.row_bytes();
        (0..plane.extent().height as usize)
            .flat_map(move |y| bytes.get(start + y * stride..).and_then(|rest| rest.get(..row)))
            .flatten()
            .copied()
    };
    image.planes().iter().zip(&shape.planes).flat_map(of).collect()
}

/// EGL's part, opened when it is first needed.
fn opened<'a>(
    textures: &'a mut Option<Result<Textures, String>>,
    queue: &Arc<Queue>,
    stream: &Arc<Stream>,
) -> Result<&'a mut Textures, Error> {
    let opened = textures.get_or_insert_with(|| {
        let uuid = queue.device().id().device_uuid;
        Textures::open(uuid, stream).map_err(|err| with_causes(&err))
    });
    opened.as_mut().map_err(|why| Error::NoGl(why.clone()))
}
