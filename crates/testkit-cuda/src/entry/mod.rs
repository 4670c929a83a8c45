//! The functions of `cuda.h`.

mod array;
mod copy;
mod device;
mod event;
mod graphics;
mod host;
mod memory;
mod semaphore;
mod stream;
