//! What can go wrong between a frame and its packet.

use std::io;
use std::time::Duration;

use zerohop_frame::{Color, Fourcc};
use zerohop_kernel::SealError;
use zerohop_nvenc::Codec;

/// Why a picture was not compressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The picture is not what the encoder reads.
    #[error("the encoder does not read {0} where it lies")]
    Format(Fourcc),
    /// The picture does not lie in one memfd.
    #[error("the encoder reads pictures in one memfd, this one lies in {0}")]
    Memory(&'static str),
    /// A plane is longer than the memory.
    #[error("plane {plane} of the picture ends at byte {end} of {size}")]
    Plane {
        /// Which one.
        plane: usize,
        /// Where it would end.
        end: u64,
        /// Bytes of memory.
        size: u64,
    },
    /// The planes lie in a way that the encoder cannot read.
    #[error("the planes have strides {strides:?} at a width of {width}")]
    Strides {
        /// Bytes from row to row.
        strides: Vec<u32>,
        /// Pixels.
        width: u32,
    },
    /// There is no way to say this in the bitstream.
    #[error(
        "no bitstream code for primaries {}, transfer {}, matrix {}",
        .0.primaries, .0.transfer, .0.matrix
    )]
    Color(Color),
    /// The picture was not complete in time.
    #[error("picture {sequence} was not complete after {} ms", .waited.as_millis())]
    NotReady {
        /// Which one.
        sequence: u64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Waiting for the picture failed.
    #[error("could not wait for picture {sequence}")]
    Wait {
        /// Which one.
        sequence: u64,
        /// Why.
        source: io::Error,
    },
    /// The memfd is not to be trusted.
    #[error("refused the picture's memory")]
    Memfd(#[source] SealError),
    /// The memory cannot be mapped.
    #[error("could not map the picture's memory")]
    Map(#[source] io::Error),
    /// An encoder makes something else.
    #[error("{encoder} makes no {codec}")]
    Codec {
        /// Which one.
        encoder: &'static str,
        /// What was asked for.
        codec: Codec,
    },
    /// An encoder takes whole pictures only.
    #[error("{0} encodes no part of a picture")]
    Region(&'static str),
    /// There is no CUDA, or it failed.
    #[error("CUDA failed")]
    Cuda(#[from] zerohop_cuda::Error),
    /// There is no NVENC, or it failed.
    #[error("NVENC failed")]
    Nvenc(#[from] zerohop_nvenc::Error),
    /// OpenH264 refused what it was asked for.
    #[error(transparent)]
    Settings(zerohop_openh264::Error),
    /// OpenH264 failed.
    #[error("OpenH264 failed on picture {sequence}")]
    Encode {
        /// Which one.
        sequence: u64,
        /// Its words.
        source: zerohop_openh264::Error,
    },
}
