//! The functions of `cuda.h`.

mod array;
mod copy;
mod device;
mod event;
mod ffmpeg;
mod graphics;
mod host;
mod memory;
mod semaphore;
mod stream;
