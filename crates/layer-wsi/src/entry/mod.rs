//! The functions that the loader calls, one module for each family of commands.
//!
//! Each turns raw pointers into references, finds our state, calls one function elsewhere, and
//! turns its result into what the command returns. No decision is made here.

pub(crate) mod device;
pub(crate) mod display;
pub(crate) mod host_copy;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod object;
pub(crate) mod queue;
pub(crate) mod render_pass;
pub(crate) mod surface;
pub(crate) mod swapchain;
pub(crate) mod window;

pub(crate) use zerohop_layer::slice;
