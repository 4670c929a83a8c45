//! The versions of the API that we speak.

use std::fmt;

/// A version of the API: what its header says.
///
/// A library speaks all versions up to its own, which [`newest_within`](Self::newest_within) finds
/// ours in. (12.2 and 13.1 exist as well; libraries of that age are spoken to in 12.1 and 13.0.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Drivers from 470.57 on. No AV1.
    V11_1,
    /// From 520.56 on.
    V12_0,
    /// From 530.41 on.
    V12_1,
    /// From 570.0 on.
    V13_0,
}

/// Structures that begin with a version word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "one for each structure of `sys`")]
pub enum Structure {
    FunctionList,
    OpenSession,
    Caps,
    PresetConfig,
    Config,
    RcParams,
    Initialize,
    Reconfigure,
    RegisterResource,
    MapInputResource,
    CreateBitstreamBuffer,
    Pic,
    LockBitstream,
}

/// Set in the words of structures that are read all the way to their end.
const WHOLE: u32 = 1 << 31;

impl Version {
    /// All of them, newest first.
    pub const ALL: [Self; 4] = [Self::V13_0, Self::V12_1, Self::V12_0, Self::V11_1];

    /// The newest one that a library of version `major`.`minor` speaks too.
    pub fn newest_within(major: u32, minor: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() <= (major, minor))
    }

    /// The next older one.
    pub fn older(self) -> Option<Self> {
        Self::ALL.into_iter().find(|version| *version < self)
    }

    /// Major and minor number.
    pub fn number(self) -> (u32, u32) {
        match self {
            Self::V11_1 => (11, 1),
            Self::V12_0 => (12, 0),
            Self::V12_1 => (12, 1),
            Self::V13_0 => (13, 0),
        }
    }

    /// `NVENCAPI_VERSION`.
    pub fn api(self) -> u32 {
        let (major, minor) = self.number();
        major | minor << 24
    }

    /// The word that `structure` begins with: `NVENCAPI_STRUCT_VERSION` of its own version.
    pub fn word(self, structure: Structure) -> u32 {
        let (own, whole) = self.own(structure);
        self.api() | own << 16 | 0x7 << 28 | if whole { WHOLE } else { 0 }
    }

    /// The version of `structure`, as `NV_ENC_*_VER` have it, and whether it is read as a whole.
    fn own(self, structure: Structure) -> (u32, bool) {
        let by = |of: [u32; 4]| of[self as usize];
        match structure {
            Structure::OpenSession
            | Structure::Caps
            | Structure::RcParams
            | Structure::CreateBitstreamBuffer => (1, false),
            Structure::FunctionList => (2, false),
            Structure::MapInputResource => (4, false),
            Structure::RegisterResource => (by([3, 4, 4, 5]), false),
            Structure::PresetConfig => (by([4, 4, 4, 5]), true),
            Structure::Config => (by([7, 8, 8, 9]), true),
            Structure::Initialize => (by([5, 5, 6, 7]), true),
            Structure::Reconfigure => (by([1, 1, 1, 2]), true),
            Structure::Pic => (by([4, 6, 6, 7]), true),
            Structure::LockBitstream => (by([1, 2, 1, 2]), self >= Self::V12_1),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.number();
        write!(f, "{major}.{minor}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_spoken_to_in_the_newest_version_that_both_know() {
        let spoken = |major, minor| Version::newest_within(major, minor);
        assert_eq!(spoken(13, 1), Some(Version::V13_0));
        assert_eq!(spoken(13, 0), Some(Version::V13_0));
        assert_eq!(spoken(12, 2), Some(Version::V12_1));
        assert_eq!(spoken(12, 0), Some(Version::V12_0));
        assert_eq!(spoken(11, 1), Some(Version::V11_1));
        assert_eq!(spoken(11, 0), None);
        assert_eq!(spoken(14, 0), Some(Version::V13_0));
    }

    #[test]
    fn versions_go_down_one_by_one() {
        let down: Vec<_> = std::iter::successors(Some(Version::V13_0), |it| it.older()).collect();
        assert_eq!(down, Version::ALL);
    }
}
