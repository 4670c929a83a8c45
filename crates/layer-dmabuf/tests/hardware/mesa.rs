//! What left the layer, in the hands of others: GBM and EGL, in a process that knows nothing of us.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use zerohop_frame::{BoxError, Fourcc, Frame, Modifier, SharedBuffer};
use zerohop_gl::{Blitter, Context, Gbm, platforms};

/// What the machine lacks for it: the need and the reason.
pub(crate) fn lacking() -> Option<(&'static str, String)> {
    let missing = |path: &&str| !Path::new(path).exists();
    let missing = ["/dev/udmabuf", "/dev/dri"].iter().find(|path| missing(path))?;
    Some(("dma_buf", format!("there is no {missing}")))
}

/// The bytes of the picture as the first card maps them that takes its memory.
pub(crate) fn by_gbm(buffer: &SharedBuffer) -> Result<Vec<u8>, BoxError> {
    let mut said = Vec::new();
    for entry in std::fs::read_dir("/dev/dri")? {
        let path = entry?.path();
        let card = File::options().read(true).write(true).open(&path)?;
        let seen =
            Gbm::new(card.into()).and_then(|gbm| gbm.read(buffer.descriptor(), buffer.memory()));
        match seen {
            Ok(seen) => return Ok(seen.bytes),
            Err(err) => said.push(format!("{}: {err}", path.display())),
        }
    }
    Err(format!("no card takes the memory: {}", said.join("; ")).into())
}

/// The bytes of the picture as the first driver draws them that takes such memory.
pub(crate) fn by_egl(frame: &Arc<Frame>) -> Result<Vec<u8>, BoxError> {
    let mut said = Vec::new();
    for platform in platforms()? {
        match Context::on(&platform) {
            Ok(context) if context.target(Fourcc::ARGB8888, Modifier::LINEAR).is_ok() => {
                let mut blitter = Blitter::new(context);
                blitter.blit(frame)?;
                return Ok(blitter.read()?);
            }
            Ok(_) => said.push(format!("{platform} takes no dma-bufs")),
            Err(err) => said.push(format!("{platform}: {err}")),
        }
    }
    Err(format!("no driver takes the memory: {}", said.join("; ")).into())
}
