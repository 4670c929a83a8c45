//! The cases.

mod foreign;
mod linear;
mod planes;
mod queries;
mod refusals;
mod sync;

use std::sync::Arc;

use zerohop_testkit::rig::Device;

use crate::Outcome;

/// One case.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// What it holds.
    pub(crate) name: &'static str,
    /// Whether it is about modifiers or sync files of ours, and not of the driver's.
    pub(crate) of_ours: bool,
    /// Whether the kernel must have dma-bufs, and cards that take them.
    pub(crate) on_cards: bool,
    /// Runs it.
    pub(crate) run: fn(&Arc<Device>) -> Outcome,
}

impl Case {
    /// One that holds whoever's the modifiers and sync files are.
    pub(crate) const fn new(name: &'static str, run: fn(&Arc<Device>) -> Outcome) -> Self {
        Self { name, of_ours: false, on_cards: false, run }
    }

    /// One that holds where the kernel makes dma-bufs of our memory, and has cards that take them.
    pub(crate) const fn on_cards(name: &'static str, run: fn(&Arc<Device>) -> Outcome) -> Self {
        Self { name, of_ours: false, on_cards: true, run }
    }

    /// One that holds where they are ours.
    pub(crate) const fn ours(name: &'static str, run: fn(&Arc<Device>) -> Outcome) -> Self {
        Self { name, of_ours: true, on_cards: false, run }
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    [linear::CASES, planes::CASES, foreign::CASES, queries::CASES, refusals::CASES, sync::CASES]
        .concat()
}

/// Fails with what was compared.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, has: T, wanted: T) -> Outcome {
    if has == wanted { Ok(()) } else { Err(format!("{what}: {has:?}, not {wanted:?}").into()) }
}

/// Fails with how many bytes differ.
pub(crate) fn same_bytes(what: &str, has: &[u8], wanted: &[u8]) -> Outcome {
    let wrong = has.iter().zip(wanted).filter(|(one, other)| one != other).count();
    if wrong == 0 && has.len() >= wanted.len() {
        return Ok(());
    }
    Err(format!("{what}: {wrong} of {} bytes are wrong", wanted.len()).into())
}
