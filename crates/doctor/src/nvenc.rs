//! NVIDIA's video encoder: whether the chip has one, and what it takes.

use std::error::Error;

use zerohop_cuda::{Cuda, Device, Stream};
use zerohop_nvenc::Session;

use crate::{Check, Trouble};

/// Opens a session, as an encoder would: a library alone says nothing, since chips without an encoder
/// have it too.
pub fn nvenc() -> Check {
    let todo = "nothing has to be done; pictures are encoded in software";
    let tried = open().map_err(|err| Trouble::of(&*err, todo));
    Check::useful("encode nvenc", tried)
}

fn open() -> Result<String, Box<dyn Error>> {
    let cuda = Cuda::load()?;
    let gpus = cuda.gpus()?;
    let gpu = gpus.first().ok_or("NVIDIA's driver knows no GPU")?;
    let stream = Stream::new(&Device::open(&cuda, gpu.uuid)?)?;
    let session = Session::open(&stream)?;
    let mut codecs = Vec::new();
    for codec in session.codecs()? {
        let caps = session.caps(codec)?;
        let (width, height) = (caps.most.width, caps.most.height);
        let formats: Vec<_> = caps.formats.iter().map(ToString::to_string).collect();
        codecs.push(format!("{codec} up to {width}x{height} from {}", formats.join(" ")));
    }
    Ok(format!("version {} on {}: {}", session.version(), session.gpu(), codecs.join(", ")))
}
