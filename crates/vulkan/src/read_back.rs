//! The one way of pixels to the CPU, and its reverse for tests and patterns.

use std::sync::Arc;

use zerohop_frame::{Frame, Observer};

use crate::{Buffer, Error, Image, Place, Queue, Recording};

/// A picture as bytes.
pub struct ReadBack {
    /// The raw codes, plane after plane, rows without padding:
    /// [`PixelFormat::bytes`](crate::PixelFormat::bytes) for each sample.
    pub bytes: Vec<u8>,
    /// What it cost.
    pub copies: Copies,
}

/// Copies of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// How many bytes the CPU copied.
    pub cpu_bytes: u64,
    /// How many times the device copied the picture.
    pub gpu: u32,
}

impl Copies {
    /// Tells `observer` about them, if there were any.
    pub fn report(&self, frame: &Frame, observer: &dyn Observer, why: &'static str) {
        let sequence = frame.info().sequence;
        if self.cpu_bytes > 0 {
            observer.cpu_copy(sequence, self.cpu_bytes, why);
        }
        for _ in 0..self.gpu {
            observer.gpu_copy(sequence, why);
        }
    }
}

/// Copies pictures to the CPU, one after the other. What they go through is kept for the next of the
/// same size, and the queue keeps the commands.
pub struct Reader {
    queue: Arc<Queue>,
    buffer: Option<Arc<Buffer>>,
}

impl Reader {
    /// One that has no memory yet.
    pub fn new(queue: &Arc<Queue>) -> Self {
        Self { queue: Arc::clone(queue), buffer: None }
    }

    /// Waits for the picture and copies it to `out`, as in [`ReadBack::bytes`]. Returns what it cost.
    ///
    /// # Errors
    ///
    /// [`Error::Call`]; the image lacks `TRANSFER_SRC` or its device failed. Those of
    /// [`Recording::read`] and [`Recording::submit_and_wait`].
    ///
    /// # Panics
    ///
    /// When `out` has not as many bytes as the picture ([`Image::bytes`]).
    pub fn read_into(
        &mut self,
        frame: &Arc<Frame>,
        image: &Arc<Image>,
        out: &mut [u8],
    ) -> Result<Copies, Error> {
        let cpu_bytes = image.bytes();
        assert_eq!(out.len() as u64, cpu_bytes, "room for a whole picture");
        if image.planes().iter().all(|plane| plane.pixels().is_some()) {
            self.queue.device().wait_on_cpu(frame.acquire())?;
            in_place(image, out);
            return Ok(Copies { cpu_bytes, gpu: 0 });
        }
        let (places, needs) = image.padded();
        // Not kept when this fails: the device may still write to it.
        let buffer = match self.buffer.take().filter(|buffer| buffer.size() == needs) {
            Some(buffer) => buffer,
            None => Arc::new(Buffer::read_back(self.queue.device(), needs)?),
        };
        let mut recording = Recording::begin(&self.queue)?;
        recording.read(frame, image)?;
        recording.copy_out_to(image, &buffer, &places);
        recording.submit_and_wait()?;
        unpad(image, &buffer, &places, out);
        self.buffer = Some(buffer);
        let before = image.copies();
        Ok(Copies { cpu_bytes: before.cpu_bytes + cpu_bytes, gpu: before.gpu + 1 })
    }
}

/// Copies a picture that the CPU sees.
fn in_place(image: &Image, mut out: &mut [u8]) {
    for plane in image.planes() {
        let to = out.split_off_mut(..plane.bytes() as usize).unwrap_or_default();
        let Some(pixels) = plane.pixels() else { continue };
        for (y, row) in to.chunks_exact_mut(plane.row_bytes()).enumerate() {
            pixels.read_into(y, 0, row);
        }
    }
}

/// Copies a picture whose planes are at `places` of `buffer`.
fn unpad(image: &Image, buffer: &Buffer, places: &[Place], mut out: &mut [u8]) {
    for (plane, at) in image.planes().iter().zip(places) {
        let to = out.split_off_mut(..plane.bytes() as usize).unwrap_or_default();
        if at.stride as usize == plane.row_bytes() {
            buffer.read_into(at.offset.into(), to);
            continue;
        }
        for (y, row) in to.chunks_exact_mut(plane.row_bytes()).enumerate() {
            buffer.read_into(u64::from(at.offset) + y as u64 * u64::from(at.stride), row);
        }
    }
}

/// Copies a picture to the CPU: for tests, and where there is one of a kind. Slow, and reports what it
/// copied. For many of a shape there is a [`Reader`].
///
/// # Errors
///
/// As [`Reader::read_into`].
pub fn read_back(
    queue: &Arc<Queue>,
    frame: &Arc<Frame>,
    image: &Arc<Image>,
) -> Result<ReadBack, Error> {
    let mut bytes = vec![0; usize::try_from(image.bytes()).unwrap_or(0)];
    let copies = Reader::new(queue).read_into(frame, image, &mut bytes)?;
    Ok(ReadBack { bytes, copies })
}

/// Fills an image of our own with raw codes, rows without padding, and hands it over in the
/// handover state.
///
/// # Errors
///
/// [`Error::Call`].
///
/// # Panics
///
/// When `bytes` is not the whole picture.
pub fn write_picture(queue: &Arc<Queue>, image: &Arc<Image>, bytes: &[u8]) -> Result<(), Error> {
    assert_eq!(bytes.len() as u64, image.bytes(), "bytes of a whole picture");
    let (places, size) = image.tight();
    let buffer = Arc::new(Buffer::read_back(queue.device(), size)?);
    let mut left = bytes;
    for (plane, place) in image.planes().iter().zip(places) {
        let (plane, rest) = left.split_at(plane.bytes() as usize);
        buffer.write(place.offset.into(), plane);
        left = rest;
    }
    let mut recording = Recording::begin(queue)?;
    recording.copy_in(&buffer, image);
    recording.submit_and_wait().map(drop)
}
