//! NVIDIA's encoder, on the GPU that drew the pictures.

mod encoder;
mod inputs;
mod upload;

pub use encoder::Nvenc;
