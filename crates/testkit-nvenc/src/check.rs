//! Answers, and the checks that every call begins with.

use zerohop_nvenc::{Structure, Version, sys};

use crate::journal::fault;

/// Why a call is not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: u32,
    pub(crate) text: String,
}

/// What a call comes to.
pub(crate) type Answer<T = ()> = Result<T, Refusal>;

/// What a real library may answer as well: nobody did anything wrong.
pub(crate) fn refuse<T>(code: u32, text: impl Into<String>) -> Answer<T> {
    Err(Refusal { code, text: text.into() })
}

/// The caller did something wrong: it is written down.
pub(crate) fn wrong<T>(code: u32, text: impl Into<String>) -> Answer<T> {
    let text = text.into();
    fault(&text);
    Err(Refusal { code, text })
}

/// The version word of a structure must be the one of the session's version.
pub(crate) fn word(version: Version, structure: Structure, found: u32) -> Answer {
    let wanted = version.word(structure);
    if found == wanted {
        return Ok(());
    }
    let text = format!("{structure:?} of NVENC {version} begins with {found:#x}, not {wanted:#x}");
    wrong(sys::NV_ENC_ERR_INVALID_VERSION, text)
}

/// What is reserved must be zero.
pub(crate) fn zeros<T: Copy + Into<u64>>(what: &str, reserved: &[T]) -> Answer {
    match reserved.iter().position(|word| (*word).into() != 0) {
        None => Ok(()),
        Some(at) => {
            let text = format!("reserved word {at} of {what} is not zero");
            wrong(sys::NV_ENC_ERR_INVALID_PARAM, text)
        }
    }
}

/// `is` must hold.
pub(crate) fn hold(is: bool, text: impl Into<String>) -> Answer {
    if is { Ok(()) } else { wrong(sys::NV_ENC_ERR_INVALID_PARAM, text) }
}
