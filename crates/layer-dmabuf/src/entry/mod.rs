//! The functions that the loader calls, one module for each family of commands.
//!
//! Each turns raw pointers into references, finds our state, calls one function elsewhere, and
//! turns its result into what the command returns. No decision is made here.

pub(crate) mod buffer;
pub(crate) mod coherence;
pub(crate) mod device;
pub(crate) mod fence;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod memory;
pub(crate) mod physical;
pub(crate) mod queue;
pub(crate) mod semaphore;
