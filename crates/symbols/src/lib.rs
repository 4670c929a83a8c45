//! A picture's luma as symbols: for each block an action, and balanced-ternary planes of what changed.
//!
//! The format is in `SYMBOLS.md`. A pass writes it (`zerohop_passes::Symbols`) into two buffers, one
//! of actions and one of trits; a [`Packet`] is both with their [`Header`], and a [`Reader`] makes
//! pictures of packets again, each pixel within half a step of what it was. Packets may come from
//! anywhere: what breaks a rule is refused by its name and numbers ([`Violation`]).
//!
//! Deliberately absent: entropy coding and a container. The header has a place for either.
#![forbid(unsafe_code)]

mod action;
mod header;
mod packet;
mod reader;
mod trits;
mod violation;

pub use action::{Action, Kind};
pub use header::{Header, MAX_SIDE};
pub use packet::Packet;
pub use reader::Reader;
pub use trits::{PER_WORD, digits, pack, planes_for, reach, unpack};
pub use violation::Violation;
