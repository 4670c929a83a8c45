//! Everything that the library remembers.

use std::collections::{HashMap, VecDeque};
use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use zerohop_frame::Extent;
use zerohop_nvenc::{Codec, Format, Version, sys};

use crate::behaviour::Behaviour;
use crate::check::{Answer, refuse, wrong};
use crate::cuda::Copied;
use crate::stream::{Setting, Stream};

/// What `NvEncInitializeEncoder` was told.
pub(crate) struct Begun {
    pub(crate) setting: Setting,
    pub(crate) most: Extent,
    pub(crate) preset: sys::GUID,
    pub(crate) tuning: u32,
    pub(crate) mode: u32,
    /// What decides the size of packets, in words.
    pub(crate) rate: String,
}

/// A registered surface.
pub(crate) struct Resource {
    pub(crate) kind: u32,
    pub(crate) handle: usize,
    pub(crate) extent: Extent,
    pub(crate) pitch: u32,
    pub(crate) format: Format,
    pub(crate) mapped: bool,
}

/// A mapped surface: which, and the picture that reads it.
pub(crate) struct Mapping {
    pub(crate) resource: usize,
    pub(crate) picture: Option<u64>,
}

/// A picture that was taken and not locked yet.
pub(crate) struct Job {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    pub(crate) key: bool,
    pub(crate) setting: Setting,
    pub(crate) format: Format,
    /// The size of its surface.
    pub(crate) registered: Extent,
    pub(crate) copied: Copied,
}

/// What a bitstream buffer holds.
pub(crate) enum Buffer {
    Free,
    Waiting(Box<Job>),
    Locking,
    Locked(#[allow(dead_code, reason = "the caller reads it")] Vec<u8>),
}

/// One encoder.
pub(crate) struct Session {
    pub(crate) number: u32,
    pub(crate) version: Version,
    pub(crate) presets: Vec<(Codec, sys::GUID, u32)>,
    pub(crate) begun: Option<Begun>,
    /// The address of the handle of the input stream.
    pub(crate) stream: usize,
    pub(crate) resources: HashMap<usize, Resource>,
    pub(crate) mappings: HashMap<usize, Mapping>,
    pub(crate) buffers: HashMap<usize, Buffer>,
    /// Bitstream buffers in the order in which they are to be locked.
    pub(crate) order: VecDeque<usize>,
    /// The last picture whose bitstream was given back.
    pub(crate) given_back: u64,
    /// The last picture that was unmapped.
    pub(crate) unmapped: u64,
    pub(crate) pictures: u64,
    pub(crate) timestamp: Option<u64>,
    pub(crate) forced: bool,
    pub(crate) ended: bool,
    /// Whether it has a picture that it encodes when others have come.
    pub(crate) deferred: bool,
    pub(crate) busy: u32,
    pub(crate) registered: u32,
    pub(crate) said: CString,
    pub(crate) out: Arc<Mutex<Stream>>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) sessions: HashMap<usize, Session>,
    opened: u32,
    names: usize,
    pub(crate) lost: bool,
}

/// The state of the process.
pub(crate) fn state() -> MutexGuard<'static, State> {
    static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// A name that nothing had before.
    pub(crate) fn name(&mut self) -> usize {
        self.names += 0x10;
        0x4e56_0000 + self.names
    }

    /// Opens a session.
    pub(crate) fn open(&mut self, version: Version) -> Answer<usize> {
        let most = Behaviour::get().sessions.unwrap_or(usize::MAX);
        if self.sessions.len() >= most {
            return refuse(sys::NV_ENC_ERR_OUT_OF_MEMORY, "");
        }
        self.opened += 1;
        let name = self.name();
        self.sessions.insert(name, Session::new(self.opened, version));
        Ok(name)
    }

    /// The session that `encoder` names.
    pub(crate) fn session(&mut self, encoder: *mut c_void) -> Answer<&mut Session> {
        match self.sessions.get_mut(&encoder.addr()) {
            Some(session) => Ok(session),
            None => wrong(sys::NV_ENC_ERR_INVALID_PTR, format!("{encoder:p} is no encoder")),
        }
    }
}

impl Session {
    fn new(number: u32, version: Version) -> Self {
        Self {
            number,
            version,
            presets: Vec::new(),
            begun: None,
            stream: 0,
            resources: HashMap::new(),
            mappings: HashMap::new(),
            buffers: HashMap::new(),
            order: VecDeque::new(),
            given_back: 0,
            unmapped: 0,
            pictures: 0,
            timestamp: None,
            forced: false,
            ended: false,
            deferred: false,
            busy: 0,
            registered: 0,
            said: CString::default(),
            out: Arc::default(),
        }
    }

    /// What it was initialized with.
    pub(crate) fn begun(&mut self) -> Answer<&mut Begun> {
        match &mut self.begun {
            Some(begun) => Ok(begun),
            None => {
                let text = "the encoder is not initialized";
                wrong(sys::NV_ENC_ERR_ENCODER_NOT_INITIALIZED, text)
            }
        }
    }

    /// What is left of a session that is to be destroyed, in words; nothing should be.
    pub(crate) fn left(&self) -> Option<String> {
        let (inputs, maps, buffers) =
            (self.resources.len(), self.mappings.len(), self.buffers.len());
        let left = inputs + maps + buffers > 0;
        left.then(|| format!("{inputs} surfaces, {maps} mappings, {buffers} bitstream buffers"))
    }
}

/// A name as the caller has it.
pub(crate) fn named(name: usize) -> *mut c_void {
    ptr::without_provenance_mut(name)
}
