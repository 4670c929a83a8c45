//! Everything there is in this process, behind one lock.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::objects::{Object, Range};
use crate::plan::Plan;
use crate::report::Report;

/// The driver's memory of what happened.
pub(crate) struct State {
    pub(crate) initialised: bool,
    /// How often each GPU's primary context is retained.
    pub(crate) retained: BTreeMap<i32, u64>,
    /// The error that all calls answer.
    pub(crate) lost: Option<u32>,
    /// By handle. Handles are never used again.
    pub(crate) objects: BTreeMap<usize, Object>,
    next: usize,
    /// Memory of the device, by its first byte.
    pub(crate) memory: BTreeMap<usize, Range>,
    /// Memory of the process that is locked, by its first byte.
    pub(crate) pinned: BTreeMap<usize, Range>,
    pub(crate) report: Report,
}

static STATE: Mutex<State> = Mutex::new(State {
    initialised: false,
    retained: BTreeMap::new(),
    lost: None,
    objects: BTreeMap::new(),
    next: 0x1000,
    memory: BTreeMap::new(),
    pinned: BTreeMap::new(),
    report: Report {
        calls: BTreeMap::new(),
        live: BTreeMap::new(),
        most: BTreeMap::new(),
        complaints: Vec::new(),
        copied: 0,
    },
});

/// Rules that are broken more often than this are not told of any more.
const MOST_COMPLAINTS: usize = 100;

impl State {
    pub(crate) fn lock() -> MutexGuard<'static, Self> {
        STATE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `object` under a new handle.
    pub(crate) fn add(&mut self, object: Object) -> usize {
        let handle = self.next;
        self.next += 0x10;
        self.born(object.kind());
        self.objects.insert(handle, object);
        handle
    }

    /// Forgets an object.
    pub(crate) fn remove(&mut self, handle: usize) {
        if let Some(object) = self.objects.remove(&handle) {
            self.died(object.kind());
        }
    }

    pub(crate) fn born(&mut self, kind: &'static str) {
        let live = self.report.live.entry(kind.into()).or_default();
        *live += 1;
        let most = self.report.most.entry(kind.into()).or_default();
        *most = (*most).max(*live);
    }

    pub(crate) fn died(&mut self, kind: &'static str) {
        *self.report.live.entry(kind.into()).or_default() -= 1;
    }

    /// Notes a broken rule, and returns `code` for the caller.
    pub(crate) fn complain(&mut self, call: &str, what: impl std::fmt::Display, code: u32) -> u32 {
        if self.report.complaints.len() < MOST_COMPLAINTS {
            self.report.complaints.push(format!("{call}: {what}"));
        }
        code
    }

    /// Writes the report, if one was asked for.
    pub(crate) fn write_report(&self) {
        if let Some(path) = &Plan::get().report {
            // Nobody to tell when it fails: the test will miss it.
            let _ = std::fs::write(path, self.report.text());
        }
    }
}

/// At the end of the process, whatever is left.
pub(crate) extern "C" fn at_exit() {
    State::lock().write_report();
}
