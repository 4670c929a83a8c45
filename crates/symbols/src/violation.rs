//! What a packet does that the format does not allow.

/// A broken rule, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Fewer bytes than the header, or another number than it says.
    #[error("the packet has {found} bytes, not {needed}")]
    Length {
        /// Bytes that it should have.
        needed: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// It begins with something else.
    #[error("the packet begins with {0:#010x}, not with ZHSY")]
    Magic(u32),
    /// A number outside its range.
    #[error("{what} is {value}, not {least} to {most}")]
    Range {
        /// What the number counts.
        what: &'static str,
        /// The number.
        value: u64,
        /// The smallest allowed.
        least: u64,
        /// The largest allowed.
        most: u64,
    },
    /// A number that stands for nothing.
    #[error("{what} {value} is unknown")]
    Unknown {
        /// What the number is for.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// Bytes without a meaning that are not zero.
    #[error("byte {0} is not used and not zero")]
    NotZero(usize),
    /// Trits that do not reach every difference.
    #[error("{planes} planes reach {reach} steps of {step}, and a difference may be 255")]
    Reach {
        /// The planes.
        planes: u32,
        /// The largest number of steps that they hold.
        reach: u32,
        /// The step.
        step: u32,
    },
    /// An action that does not go with its numbers.
    #[error("block {block} has action word {word:#010x}")]
    Action {
        /// The block.
        block: usize,
        /// Its word.
        word: u32,
    },
    /// An action that needs the picture before, in one that has none.
    #[error("block {0} of a key picture refers to the one before")]
    KeyRefers(usize),
    /// Another number of words than the actions say.
    #[error("the actions need {needed} words of trits, the header says {declared}")]
    Words {
        /// What the actions need.
        needed: u64,
        /// What the header says.
        declared: u64,
    },
    /// A byte that is no five trits, or trits past the end of a block that are not 0.
    #[error("word {word} of the trits is {value:#010x}")]
    Trits {
        /// Its place.
        word: usize,
        /// What is there.
        value: u32,
    },
    /// A picture that refers to one that was not read.
    #[error("picture {found} refers to the one before, and the last one read is {last:?}")]
    Gap {
        /// The picture.
        found: u64,
        /// The last one read, of the same shape.
        last: Option<u64>,
    },
}
