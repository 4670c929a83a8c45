//! Work on pictures.
//!
//! [`Classify`] finds out what changed, by a hash for each 16x16 tile; [`Tracker`] learns from its
//! answers where a video plays; [`Convert`] writes what changed as Y'CbCr into a pool of its own,
//! [`Rgba`] as R'G'B', [`Luma`] its luma alone, [`Diff`] the luma of what changed, and [`Symbols`] the
//! luma as actions and trits. [`Fit`] writes R'G'B' in another size, into memory of others.
//! Each reads a picture once, and nothing of an unchanged one is read twice. [`Refresh`] is
//! [`Classify`] and [`Convert`] in one read.
//!
//! Every pass has a shader, `NAME.wgsl`, and a twin on the CPU, `cpu.rs` beside it, that computes
//! the same from the same codes, bit for bit. On a GPU the shader is the pass and the twin its
//! test. On a CPU device (llvmpipe) a shader would run on the same cores as the twin, slower: there
//! the twin is the pass, and reads `LINEAR` images in the memory that the application rendered to.
//! Nothing is copied either way.
//!
//! Deliberately absent: decisions. What to do about an unchanged picture is the pipeline's.
#![forbid(unsafe_code)]

mod classify;
mod convert;
mod diff;
mod error;
mod fit;
mod grid;
mod list;
mod luma;
mod paint;
mod refresh;
mod rgba;
mod route;
mod rows;
mod shader;
mod symbols;
mod tiles;
mod tracker;
mod verdict;
mod ycbcr;

pub use classify::Classify;
pub use convert::{Chroma, Convert};
pub use diff::{Diff, Difference};
pub use error::Error;
pub use fit::{Fit, FitShader, FitTarget};
pub use grid::{Grid, TILE};
pub use luma::Luma;
pub use refresh::{Refresh, Twin};
pub use rgba::Rgba;
pub use route::Route;
pub use rows::{Plain, Rows};
pub use symbols::{SymbolSettings, Symbols};
pub use tiles::TileSet;
pub use tracker::Tracker;
pub use verdict::Verdict;

/// Refuses a picture of another shape than a pass was made for.
fn check_shape(
    extent: zerohop_frame::Extent,
    format: zerohop_frame::Fourcc,
    image: &zerohop_vulkan::Image,
) -> Result<(), Error> {
    let (found, found_format) = (image.extent(), image.fourcc());
    if (found, found_format) == (extent, format) {
        return Ok(());
    }
    Err(Error::Shape { extent, format, found, found_format })
}
