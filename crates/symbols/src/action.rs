//! What is done for a block.

use crate::Violation;

/// What is done for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It is as it was.
    Skip = 0,
    /// Steps are added to what it was.
    Delta = 1,
    /// Steps are added to a base.
    Intra = 2,
    /// It is the base everywhere.
    Flat = 3,
}

/// The action of a block: one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    /// What is done.
    pub kind: Kind,
    /// How many trit planes follow: none of `Skip` and `Flat`, one at least of the others.
    pub planes: u32,
    /// The base of `Intra` and `Flat`; 0 of the others.
    pub base: u8,
}

impl Action {
    /// The word: kind, planes, base, and a zero byte, from the lowest on.
    pub fn word(self) -> u32 {
        self.kind as u32 | self.planes << 8 | u32::from(self.base) << 16
    }

    /// The action of a word of block `block`, in a picture of at most `most` planes.
    ///
    /// # Errors
    ///
    /// [`Violation::Action`].
    pub fn of(word: u32, block: usize, most: u32) -> Result<Self, Violation> {
        let [kind, planes, base, zero] = word.to_le_bytes();
        let planes = u32::from(planes);
        let (kind, sound) = match kind {
            0 => (Kind::Skip, planes == 0 && base == 0),
            1 => (Kind::Delta, (1..=most).contains(&planes) && base == 0),
            2 => (Kind::Intra, (1..=most).contains(&planes)),
            3 => (Kind::Flat, planes == 0),
            _ => (Kind::Skip, false),
        };
        if !sound || zero != 0 {
            return Err(Violation::Action { block, word });
        }
        Ok(Self { kind, planes, base })
    }

    /// Whether it needs the picture before.
    pub fn refers(self) -> bool {
        matches!(self.kind, Kind::Skip | Kind::Delta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_actions_are_one_to_one() {
        let mut sound = 0;
        for word in (0..1 << 26).step_by(251).chain(0..2048) {
            if let Ok(action) = Action::of(word, 3, 4) {
                assert_eq!(action.word(), word);
                sound += 1;
            }
        }
        assert!(sound > 10, "{sound}");
        let err = Action::of(0x0000_0501, 3, 4).unwrap_err();
        assert_eq!(err.to_string(), "block 3 has action word 0x00000501");
    }
}
