//! A screen, driven without a display server: pictures in shared buffers become framebuffers of a
//! card, and are shown where they lie.
//!
//! ```text
//! Screen::open(spec) ─► formats, mode ─► accepts(buffer)? ─► show(frame) ─► poll_event: Shown
//! ```
//!
//! [`Screen`] is the door. It starts no thread and never blocks: whoever owns it polls its
//! descriptor. A frame that is shown is held until the next one has taken its place, and goes home
//! then. What a card refuses to show as it is can be copied into a [`Canvas`], a buffer of the
//! card's own, and shown from there.
//!
//! Atomic modesetting is used where the driver has it, with fences and damage; the older calls
//! where not. What was on the screen before is put back when the screen is dropped; for a process
//! that is killed, another one that holds the same descriptor can do it with [`Saved`].
//!
//! # References
//!
//! `Documentation/gpu/drm-kms.rst` and `drm-uapi.rst` in the kernel tree; `include/uapi/drm/drm.h`
//! and `drm_mode.h`.
#![allow(unsafe_code, reason = "this crate maps memory of graphics cards and calls their drivers")]

mod abilities;
mod again;
mod atomic;
mod canvas;
mod card;
mod choose;
mod connector;
mod error;
mod event;
mod flip;
mod formats;
mod framebuffer;
mod import;
mod legacy;
mod mode;
mod output;
mod pace;
mod placement;
mod plane;
mod properties;
mod saved;
mod screen;
mod spec;

pub use abilities::Abilities;
pub use canvas::Canvas;
pub use card::Card;
pub use connector::Connector;
pub use error::{Error, Refusal};
pub use mode::Mode;
pub use saved::Saved;
pub use screen::{Screen, Shown};
pub use spec::{Copier, ModeSpec, Spec, SpecError};
