//! How surfaces lie in memory, and how they are described: as the environment says, so that a
//! reader can be shown every shape that the field knows.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `ZEROHOP_VA_OBJECTS` | `one` for all planes, or `planes`: one for each | `one` |
//! | `ZEROHOP_VA_LAYERS` | `composed`, `separate`, or `asked`: as the reader asks | `asked` |
//! | `ZEROHOP_VA_STRIDE` | rows begin at multiples of so many bytes | 64 |
//! | `ZEROHOP_VA_PADDING` | so many rows lie between the planes, and so many bytes before the first | 0 |
//! | `ZEROHOP_VA_LIE` | `size`: objects are said to be twice as large as they are; `small`: they are half as large as they must be; `modifier`: one that nobody knows | none |
//! | `ZEROHOP_VA_MEMORY` | `udmabuf`, `memfd`, or `best`: udmabuf where there is one | `best` |

use std::env;

/// Environment variables, read once for each display.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Each plane has an object of its own.
    pub(crate) object_per_plane: bool,
    /// `None`: as the reader asks.
    pub(crate) composed: Option<bool>,
    /// In bytes.
    pub(crate) stride: u32,
    /// In rows, and in bytes.
    pub(crate) padding: u32,
    pub(crate) lie: Lie,
    pub(crate) memory: Memory,
}

/// What is said that is not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    Size,
    Small,
    Modifier,
}

/// What surfaces are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    Best,
    Udmabuf,
    Memfd,
}

impl Shape {
    /// As the environment says.
    ///
    /// # Errors
    ///
    /// Which variable says what it may not.
    pub(crate) fn from_env() -> Result<Self, String> {
        Self::read(|name| env::var(name).ok())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let choose = |name: &str, words: &[&str]| match get(name) {
            None => Ok(0),
            Some(word) => words
                .iter()
                .position(|one| *one == word)
                .ok_or_else(|| format!("{name}={word}: {}", words.join(", "))),
        };
        let number = |name: &str, default: u32, most: u32| match get(name) {
            None => Ok(default),
            Some(word) => word
                .parse()
                .ok()
                .filter(|number| *number <= most)
                .ok_or_else(|| format!("{name}={word}: a number up to {most}")),
        };
        let layers = choose("ZEROHOP_VA_LAYERS", &["asked", "composed", "separate"])?;
        let lies = [Lie::None, Lie::Size, Lie::Small, Lie::Modifier];
        let memories = [Memory::Best, Memory::Udmabuf, Memory::Memfd];
        Ok(Self {
            object_per_plane: choose("ZEROHOP_VA_OBJECTS", &["one", "planes"])? == 1,
            composed: [None, Some(true), Some(false)][layers],
            stride: number("ZEROHOP_VA_STRIDE", 64, 1 << 16)?.max(1),
            padding: number("ZEROHOP_VA_PADDING", 0, 1 << 12)?,
            lie: lies[choose("ZEROHOP_VA_LIE", &["none", "size", "small", "modifier"])?],
            memory: memories[choose("ZEROHOP_VA_MEMORY", &["best", "udmabuf", "memfd"])?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_means_nothing_is_told_with_those_that_do() {
        let err = Shape::read(|name| (name == "ZEROHOP_VA_LIE").then(|| "much".to_owned()));
        assert_eq!(err.unwrap_err(), "ZEROHOP_VA_LIE=much: none, size, small, modifier");
        let err = Shape::read(|name| (name == "ZEROHOP_VA_STRIDE").then(|| "-1".to_owned()));
        assert_eq!(err.unwrap_err(), "ZEROHOP_VA_STRIDE=-1: a number up to 65536");
    }
}
