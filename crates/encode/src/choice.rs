//! The best encoder there is.

use std::sync::Arc;

use zerohop_cuda::Uuid;
use zerohop_frame::{Fallback, Observer, with_causes};
use zerohop_nvenc::Codec;

use crate::{Encoder, Error, Nvenc, OpenH264, Options};

/// Which encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best that works.
    #[default]
    Auto,
    /// NVIDIA's, or none.
    Nvenc,
    /// OpenH264.
    OpenH264,
}

/// The encoder that is `choice`, for pictures that the GPU `gpu` draws, if it is known. Where a better
/// one was not taken on a machine that has NVIDIA's driver, `observer` hears why.
///
/// # Errors
///
/// Why the one that was asked for does not work; of [`Choice::Auto`], why none does.
pub fn open(
    choice: Choice,
    options: Options,
    gpu: Option<Uuid>,
    observer: &Arc<dyn Observer>,
) -> Result<Box<dyn Encoder>, Error> {
    let nvenc = || Nvenc::open(options, gpu, Arc::clone(observer));
    let why = match choice {
        Choice::OpenH264 => return software(options),
        Choice::Nvenc => return Ok(Box::new(nvenc()?)),
        Choice::Auto => match nvenc() {
            Ok(nvenc) => return Ok(Box::new(nvenc)),
            Err(why) => why,
        },
    };
    if options.codec != Codec::H264 {
        // Nobody else makes it: what NVENC says is what is wrong.
        return Err(why);
    }
    if !is_without_driver(&why) {
        observer.fallback(Fallback {
            what: "encode".into(),
            reason: format!("NVENC was not taken: {}", with_causes(&why)),
            cost: "the CPU encodes, with OpenH264".into(),
        });
    }
    software(options)
}

fn software(options: Options) -> Result<Box<dyn Encoder>, Error> {
    if options.codec != Codec::H264 {
        return Err(Error::Codec { encoder: "OpenH264", codec: options.codec });
    }
    Ok(Box::new(OpenH264::new(options)))
}

/// Whether the machine has nothing of NVIDIA's, so that nothing of it is missing.
fn is_without_driver(err: &Error) -> bool {
    matches!(err, Error::Cuda(zerohop_cuda::Error::Library(_) | zerohop_cuda::Error::NoDevice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_makes_h264_and_says_so() {
        let options = Options { codec: Codec::Hevc, ..Options::default() };
        let refused = software(options).map(|encoder| encoder.name()).unwrap_err();
        assert_eq!(refused.to_string(), "OpenH264 makes no HEVC");
    }
}
