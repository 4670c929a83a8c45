//! A session that asks, and does not encode yet.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use zerohop_cuda::Stream;

use crate::core::{Core, call};
use crate::library::{Api, is_version, newest};
use crate::sys::{
    GUID, NV_ENC_DEVICE_TYPE_CUDA, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, NV_ENC_SUCCESS,
};
use crate::{Caps, Codec, Error, Status, Structure, Version};

/// An open session on a GPU: proof that it has an encoder. Each takes one of the sessions that the
/// driver allows.
pub struct Session {
    core: Arc<Core>,
}

impl Session {
    /// Opens a session whose pictures are ready when `stream` comes to them.
    ///
    /// # Errors
    ///
    /// [`Error::Library`], [`Error::TooOld`]; [`Error::NoEncoder`] on a GPU without one;
    /// [`Error::Open`] when all sessions are taken, say.
    pub fn open(stream: &Arc<Stream>) -> Result<Self, Error> {
        let mut version = newest()?;
        loop {
            let opened = Api::of(version).and_then(|api| open(api, stream));
            match (opened, version.older()) {
                (Err(err), Some(older)) if is_version(&err) => version = older,
                (opened, _) => return opened.map(|core| Self { core: Arc::new(core) }),
            }
        }
    }

    /// The version of the API that it is spoken to in.
    pub fn version(&self) -> Version {
        self.core.api.version
    }

    /// The GPU's name.
    pub fn gpu(&self) -> &str {
        &self.core.device.gpu().name
    }

    /// What the chip encodes.
    ///
    /// # Errors
    ///
    /// [`Error::Call`].
    pub fn codecs(&self) -> Result<Vec<Codec>, Error> {
        let (core, mut count) = (&*self.core, 0);
        let doing = || "ask which codecs the chip encodes".to_owned();
        call!(core, doing, nvEncGetEncodeGUIDCount, &raw mut count)?;
        let mut all = vec![GUID::default(); count as usize];
        let mut filled = 0;
        // The library writes `count` names at most.
        call!(core, doing, nvEncGetEncodeGUIDs, all.as_mut_ptr(), count, &raw mut filled)?;
        all.truncate(filled as usize);
        Ok(Codec::ALL.into_iter().filter(|codec| all.contains(&codec.guid())).collect())
    }

    /// What the chip can do for `codec`.
    ///
    /// # Errors
    ///
    /// [`Error::Codec`] when it does not encode it; [`Error::Call`].
    pub fn caps(&self, codec: Codec) -> Result<Caps, Error> {
        let has = self.codecs()?;
        if has.contains(&codec) {
            return Caps::of(&self.core, codec);
        }
        let has: Vec<_> = has.iter().map(ToString::to_string).collect();
        Err(Error::Codec { gpu: self.gpu().to_owned(), codec, has: has.join(" and ") })
    }

    pub(crate) fn into_core(self) -> Arc<Core> {
        self.core
    }
}

fn open(api: Api, stream: &Arc<Stream>) -> Result<Core, Error> {
    let device = stream.device();
    let mut params = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
        version: api.version.word(Structure::OpenSession),
        deviceType: NV_ENC_DEVICE_TYPE_CUDA,
        device: device.context().0,
        apiVersion: api.version.api(),
        ..Default::default()
    };
    let name = "nvEncOpenEncodeSessionEx";
    let version = api.version;
    let open = api.table.nvEncOpenEncodeSessionEx.ok_or(Error::Missing { name, version })?;
    let mut raw: *mut c_void = ptr::null_mut();
    device.enter()?;
    // SAFETY: the context lives as long as `stream`, which the session holds.
    let code = unsafe { open(&raw mut params, &raw mut raw) };
    // "If the creation of encoder session fails, the client must call NvEncDestroyEncoder": `core`
    // does, when there is something to destroy.
    let core = (!raw.is_null()).then(|| Core::new(api, raw, stream));
    match (code, core) {
        (NV_ENC_SUCCESS, Some(core)) => Ok(core),
        (code, core) => {
            let said = core.map(|core| core.said()).unwrap_or_default();
            let (gpu, status) = (device.gpu().name.clone(), Status(code));
            Err(if status.is_no_encoder() {
                Error::NoEncoder { gpu, status, said }
            } else {
                Error::Open { gpu, status, said }
            })
        }
    }
}
