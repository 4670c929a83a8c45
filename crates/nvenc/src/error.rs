//! Why there is no encoder, or no packet.

use std::time::Duration;

use zerohop_frame::Extent;

use crate::{Codec, Status, Version};

/// What can go wrong between a GPU and a bitstream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// NVIDIA's encoder library is not there, or not one.
    #[error("could not load libnvidia-encode.so.1, which comes with NVIDIA's driver")]
    Library(#[source] libloading::Error),
    /// The driver is older than the oldest API that we speak.
    #[error(
        "the driver speaks NVENC {major}.{minor}, at least {} is needed (driver 470.57)",
        Version::V11_1
    )]
    TooOld {
        /// Its major version.
        major: u32,
        /// Its minor version.
        minor: u32,
    },
    /// The GPU has no video encoder, such as A100, H100 and H200.
    #[error("{gpu} has no video encoder: {status}{}", words(.said))]
    NoEncoder {
        /// Its name.
        gpu: String,
        /// What the driver returned.
        status: Status,
        /// What it said besides.
        said: String,
    },
    /// No session could be opened.
    #[error("could not open an encoding session on {gpu}: {status}{}{}", words(.said), limit(*.status))]
    Open {
        /// The GPU's name.
        gpu: String,
        /// What the driver returned.
        status: Status,
        /// What it said besides.
        said: String,
    },
    /// A call failed.
    #[error("could not {doing}: {status}{}", words(.said))]
    Call {
        /// What it was part of.
        doing: String,
        /// What the driver returned.
        status: Status,
        /// What it said besides.
        said: String,
    },
    /// The driver's table lacks a call.
    #[error("the driver's table of NVENC {version} has no {name}")]
    Missing {
        /// Which one.
        name: &'static str,
        /// The version that was asked for.
        version: Version,
    },
    /// The chip does not encode this.
    #[error("{gpu} does not encode {codec}; it encodes {has}")]
    Codec {
        /// The GPU's name.
        gpu: String,
        /// What was asked for.
        codec: Codec,
        /// What there is instead.
        has: String,
    },
    /// The chip takes no pictures of this size.
    #[error(
        "the encoder takes {codec} from {}x{} to {}x{}, not {}x{}",
        .least.width, .least.height, .most.width, .most.height, .extent.width, .extent.height
    )]
    Extent {
        /// What is encoded.
        codec: Codec,
        /// What was asked for.
        extent: Extent,
        /// The smallest size.
        least: Extent,
        /// The largest size.
        most: Extent,
    },
    /// The chip cannot do it.
    #[error("the encoder has no {what} for {codec}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What is encoded.
        codec: Codec,
    },
    /// A surface is not as large as the picture that is said to be on it.
    #[error("a surface of {rows} rows of {row_bytes} bytes, {pitch} apart, holds no {format} of {}x{}", .extent.width, .extent.height)]
    Surface {
        /// Size of the picture.
        extent: Extent,
        /// Its format.
        format: crate::Format,
        /// Rows that are there.
        rows: usize,
        /// Their bytes.
        row_bytes: usize,
        /// From one to the next.
        pitch: usize,
    },
    /// The library keeps a picture until others come, as with look-ahead and B pictures, which it was
    /// told to leave out.
    #[error(
        "the encoder took picture {picture} and wants others before it encodes it \
         (NV_ENC_ERR_NEED_MORE_INPUT), although it was asked for no look-ahead and no B pictures"
    )]
    Deferred {
        /// Its number.
        picture: u32,
    },
    /// No bitstream came.
    #[error("the encoder gave no bitstream for {} ms", .waited.as_millis())]
    Stalled {
        /// How long it was waited for.
        waited: Duration,
    },
    /// There is no thread to wait for bitstreams.
    #[error("could not start the thread that waits for bitstreams")]
    Thread(#[source] std::io::Error),
    /// CUDA failed on the way.
    #[error(transparent)]
    Cuda(#[from] zerohop_cuda::Error),
}

impl Error {
    /// Whether the GPU or the encoder is gone, so that nothing that was made on it is of use.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Call { status, .. } | Self::Open { status, .. } => status.is_lost(),
            Self::Cuda(err) => err.is_lost(),
            Self::Stalled { .. } | Self::Deferred { .. } => true,
            _ => false,
        }
    }
}

fn words(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Drivers name no status of its own for it.
fn limit(status: Status) -> &'static str {
    let limits =
        [crate::sys::NV_ENC_ERR_OUT_OF_MEMORY, crate::sys::NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY];
    if limits.contains(&status.0) {
        " (GeForce drivers allow a few sessions at a time: close another recording)"
    } else {
        ""
    }
}
