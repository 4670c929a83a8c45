//! The one way of pixels to the CPU, and its reverse for tests and patterns.

use std::sync::Arc;

use zerohop_frame::{Frame, Observer};

use crate::{Buffer, Error, Image, Plane, Queue, Recording};

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

/// Copies a picture to the CPU: for a sink of numbered pictures and for tests. Slow, and reports
/// what it copied.
///
/// # Errors
///
/// [`Error::Call`]; the image lacks `TRANSFER_SRC` or its device failed.
pub fn read_back(
    queue: &Arc<Queue>,
    frame: &Arc<Frame>,
    image: &Arc<Image>,
) -> Result<ReadBack, Error> {
    let mut bytes = vec![0; usize::try_from(image.bytes()).unwrap_or(0)];
    let mut copies = Copies::default();
    let in_place: Option<Vec<_>> = image.planes().iter().map(Plane::pixels).collect();
    let mut left = &mut bytes[..];
    if let Some(planes) = in_place {
        queue.device().wait_on_cpu(frame.acquire())?;
        for (plane, pixels) in image.planes().iter().zip(planes) {
            let out = left.split_off_mut(..plane.bytes() as usize).unwrap_or_default();
            for (y, row) in out.chunks_exact_mut(plane.row_bytes()).enumerate() {
                pixels.read_into(y, 0, row);
            }
        }
    } else {
        let (places, needs) = image.tight();
        let buffer = Arc::new(Buffer::read_back(queue.device(), needs)?);
        let mut recording = Recording::begin(queue)?;
        recording.read(frame, image)?;
        recording.copy_out(image, &buffer);
        recording.submit_and_wait()?;
        for (plane, place) in image.planes().iter().zip(places) {
            let out = left.split_off_mut(..plane.bytes() as usize).unwrap_or_default();
            buffer.read_into(place.offset.into(), out);
        }
        copies = image.copies();
        copies.gpu += 1;
    }
    copies.cpu_bytes += bytes.len() as u64;
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
