//! What every Vulkan layer of ours shares: the loader's structures, the walk down the chain of
//! layers, tables from handles to state, the wall around every intercepted call, the configuration.
//!
//! The Vulkan commands are in the layers (`layer-wsi`), but for those that two of them hook alike. How to add a hook is
//! in the README beside this crate.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

pub mod abi;
pub mod chain;
pub mod config;
pub mod extensions;
pub mod link;
pub mod thin;

mod barriers;
mod commands;
mod enumerate;
mod error;
mod guard;
mod log;
mod negotiate;
mod newer;
mod rewrite;
mod sizes;
mod table;

pub use barriers::{Barriers, Replacing};
pub use commands::Hook;
pub use enumerate::{read_list, slice, write_list};
pub use error::{Doing, LayerError, chain_line};
pub use guard::{guard, guard_or, guard_void};
pub use log::{Level, log};
pub use negotiate::negotiate;
pub use rewrite::{Dependencies, Names, Substitution, rewrite, rewrite_dependencies};
pub use table::{DispatchKey, Table, handle_of};
