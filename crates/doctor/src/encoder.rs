//! Whether a picture can be encoded.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use zerohop_encode::{ASSEMBLY, Encoder as _, Nvenc, OpenH264, Options, Packet};
use zerohop_frame::{
    Color, Damage, Extent, Fourcc, Frame, FrameDescriptor, FrameInfo, MemoryHandle, Modifier,
    PlaneLayout, Recycle, Release, SharedBuffer, SyncPoint,
};
use zerohop_kernel::{Memfd, clock_monotonic};

use crate::{Check, Trouble};

/// Rows and columns of the picture that is encoded.
const SIDE: u32 = 64;

/// The encoder that a recording would use, with a picture encoded by it.
pub(crate) fn check() -> Vec<Check> {
    let begin = clock_monotonic();
    let encoded = encode().map(|packet| {
        let took = (clock_monotonic() - begin).as_micros();
        format!(
            "OpenH264, H.264: {} bytes for a {SIDE}x{SIDE} picture, {took} us",
            packet.data.len()
        )
    });
    let assembly = if ASSEMBLY {
        Ok("the encoder was built with nasm".to_owned())
    } else {
        let why = "the encoder was built without nasm and is about three times slower";
        Err(Trouble::new(why, "install nasm (Debian: apt-get install nasm) and build again"))
    };
    let nvenc = Nvenc::survey().map_err(|err| {
        let todo = "recordings are encoded on the CPU; GPUs with an encoder are those with NVENC in \
                    NVIDIA's list of video codecs, and A100, H100 and H200 are not";
        Trouble::of(&err, todo)
    });
    vec![
        Check::required("encoder", encoded),
        Check::useful("encoder assembly", assembly),
        Check::useful("nvenc", nvenc),
    ]
}

/// A film of one picture, H.264 in its plainest form (Annex B): something that any decoder takes.
///
/// # Errors
///
/// The encoder fails, which a report says in its own words.
pub fn film() -> Result<Vec<u8>, Trouble> {
    encode().map(|packet| packet.data)
}

/// Nobody waits for the picture.
struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

fn encode() -> Result<Packet, Trouble> {
    let failed = |err: &(dyn std::error::Error + 'static)| {
        Trouble::of(err, "the encoder is part of zerohop: build it again, or report it")
    };
    let mut encoder = OpenH264::new(Options::default());
    let frame = frame().map_err(|err| failed(&*err))?;
    encoder.encode(Arc::new(frame), true).map_err(|err| failed(&err))?;
    encoder.flush().map_err(|err| failed(&err))?;
    let packet = encoder.poll_packet().map_err(|err| failed(&err))?;
    packet.ok_or_else(|| Trouble::new("it gave no packet", "report it"))
}

/// A dark green picture.
fn frame() -> Result<Frame, zerohop_frame::BoxError> {
    let (luma, chroma) = (SIDE * SIDE, SIDE * SIDE / 4);
    let planes = [(0, SIDE), (luma, SIDE / 2), (luma + chroma, SIDE / 2)];
    let planes = planes.map(|(offset, stride)| PlaneLayout { object: 0, offset, stride });
    let descriptor = FrameDescriptor {
        extent: Extent { width: SIDE, height: SIDE },
        fourcc: Fourcc::YUV420,
        modifier: Modifier::LINEAR,
        planes: ArrayVec::from_iter(planes),
        color: Color::BT709,
    };
    let memfd = Memfd::create("zerohop-doctor", u64::from(luma + 2 * chroma))?;
    let memory = ArrayVec::from_iter([MemoryHandle::Shm(memfd.into())]);
    let buffer = SharedBuffer::new(descriptor, memory)?;
    let info = FrameInfo {
        sequence: 0,
        timestamp: Duration::ZERO,
        presented: Duration::ZERO,
        damage: Damage::Unknown,
    };
    Ok(Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoder_in_the_binary_encodes() {
        let checks = check();
        assert!(checks[0].ok, "{}", checks[0]);
    }
}
