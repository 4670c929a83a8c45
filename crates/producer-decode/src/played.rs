//! What a whole file came to.

use crate::av::AvError;

/// What was counted from its first picture to its last.
#[derive(Default)]
pub(crate) struct Played {
    /// Pictures that the host got.
    pub(crate) pictures: u64,
    /// Those of them that the decoder made up in part.
    damaged: u64,
    /// Packets that could not be decoded, and other errors on the way.
    errors: u64,
    /// The first of them.
    first_error: Option<AvError>,
}

impl Played {
    /// A picture was handed over.
    pub(crate) fn passed(&mut self, damaged: bool) {
        self.pictures += 1;
        self.damaged += u64::from(damaged);
    }

    /// Something could not be read or decoded.
    pub(crate) fn failed(&mut self, err: AvError) {
        self.errors += 1;
        self.first_error.get_or_insert(err);
    }

    /// Why there is no picture.
    pub(crate) fn why_nothing(&self) -> String {
        self.first_error.as_ref().map_or("it has none".to_owned(), AvError::to_string)
    }

    /// What is to be said of a film that was played to its end.
    pub(crate) fn remark(&self) -> Option<String> {
        let Self { pictures, damaged, errors, .. } = self;
        let errors = self.first_error.as_ref().map(|first| {
            let s = if *errors == 1 { "" } else { "s" };
            format!("{errors} error{s} in the file, first: {first}")
        });
        let damaged =
            (*damaged > 0).then(|| format!("{damaged} of {pictures} pictures are damaged"));
        let said: Vec<_> = errors.into_iter().chain(damaged).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_went_wrong_is_said() {
        let mut played = Played::default();
        assert_eq!(played.why_nothing(), "it has none");
        played.passed(false);
        assert_eq!(played.remark(), None);
        played.passed(true);
        assert_eq!(played.remark().as_deref(), Some("1 of 2 pictures are damaged"));
        played.failed(AvError::END);
        let said =
            format!("1 error in the file, first: {}; 1 of 2 pictures are damaged", AvError::END);
        assert_eq!(played.remark(), Some(said));
    }
}
