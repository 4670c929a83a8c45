//! What every Vulkan layer of ours shares: the loader's structures, the walk down the chain of
//! layers, tables from handles to state, the wall around every intercepted call, the configuration.
//!
//! There is no Vulkan command in here; those are in the layers (`layer-wsi`). How to add a hook is
//! in the README beside this crate.
#![allow(unsafe_code, reason = "this crate is the door to the Vulkan loader")]

pub mod abi;
pub mod chain;
pub mod config;
pub mod extensions;
pub mod link;

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

pub use commands::Hook;
pub use enumerate::{read_list, slice, write_list};
pub use error::{Doing, LayerError, chain_line};
pub use guard::{guard, guard_or, guard_void};
pub use log::{Level, log};
pub use negotiate::negotiate;
pub use rewrite::{Dependencies, Names, Substitution, rewrite, rewrite_dependencies};
pub use table::{DispatchKey, Table, handle_of};
