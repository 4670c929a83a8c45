//! NVIDIA's encoder, on the GPU that drew the pictures.

mod crop;
mod encoder;
mod inputs;
mod place;
mod ring;
mod survey;
mod upload;

pub use encoder::Nvenc;
