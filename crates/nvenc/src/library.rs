//! `libnvidia-encode.so.1`.

use std::sync::OnceLock;

use libloading::Library;

use crate::sys::{
    NV_ENC_ERR_INVALID_VERSION, NV_ENC_SUCCESS, NV_ENCODE_API_FUNCTION_LIST,
    PNVENCODEAPICREATEINSTANCE, PNVENCODEAPIGETMAXSUPPORTEDVERSION,
};
use crate::{Error, Status, Structure, Version};

const LIBRARY: &str = "libnvidia-encode.so.1";

/// The table of one version of the API.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) version: Version,
    pub(crate) table: NV_ENCODE_API_FUNCTION_LIST,
}

/// The library's two symbols.
#[derive(Clone, Copy)]
struct Symbols {
    version: PNVENCODEAPIGETMAXSUPPORTEDVERSION,
    create: PNVENCODEAPICREATEINSTANCE,
}

/// The library, found once. It stays loaded until the process ends, as its threads would not
/// survive their code.
fn symbols() -> Result<Symbols, Error> {
    static LOADED: OnceLock<Symbols> = OnceLock::new();
    if let Some(symbols) = LOADED.get() {
        return Ok(*symbols);
    }
    // SAFETY: the driver's initialisers have no conditions.
    let library = unsafe { Library::new(LIBRARY) }.map_err(Error::Library)?;
    // SAFETY: the type is that of `nvEncodeAPI.h`.
    let version = unsafe { library.get(b"NvEncodeAPIGetMaxSupportedVersion\0") };
    let version = *version.map_err(Error::Library)?;
    // SAFETY: as above.
    let create = unsafe { library.get(b"NvEncodeAPICreateInstance\0") };
    let symbols = Symbols { version, create: *create.map_err(Error::Library)? };
    std::mem::forget(library);
    Ok(*LOADED.get_or_init(|| symbols))
}

/// The newest version that the library and we speak.
pub(crate) fn newest() -> Result<Version, Error> {
    let symbols = symbols()?;
    let mut word = 0;
    // SAFETY: `word` is writable.
    let status = unsafe { (symbols.version)(&raw mut word) };
    check("ask NVENC for its version", status)?;
    let (major, minor) = (word >> 4, word & 0xf);
    Version::newest_within(major, minor).ok_or(Error::TooOld { major, minor })
}

impl Api {
    /// The table of `version`.
    pub(crate) fn of(version: Version) -> Result<Self, Error> {
        let symbols = symbols()?;
        let word = version.word(Structure::FunctionList);
        let mut table = NV_ENCODE_API_FUNCTION_LIST { version: word, ..Default::default() };
        // SAFETY: the table has the length that its version word says.
        let status = unsafe { (symbols.create)(&raw mut table) };
        check("make an instance of NVENC", status)?;
        Ok(Self { version, table })
    }
}

/// Whether `err` says that the library does not know a version.
pub(crate) fn is_version(err: &Error) -> bool {
    let unknown = Status(NV_ENC_ERR_INVALID_VERSION);
    matches!(err, Error::Call { status, .. } | Error::Open { status, .. } if *status == unknown)
}

fn check(doing: &str, status: u32) -> Result<(), Error> {
    if status == NV_ENC_SUCCESS {
        return Ok(());
    }
    Err(Error::Call { doing: doing.into(), status: Status(status), said: String::new() })
}
