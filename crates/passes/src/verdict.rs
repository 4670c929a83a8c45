//! What a picture is worth.

use zerohop_frame::Rect;

use crate::TileSet;

/// What became of a picture since the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changed, and nothing needs to be done.
    Unchanged,
    /// Something changed.
    Changed {
        /// The tiles that did.
        tiles: TileSet,
        /// The smallest rectangle of tiles around them, in pixels.
        rect: Rect,
    },
    /// Only the region changed that alone keeps changing: a video, say.
    Region {
        /// The tiles that did, all of them inside.
        tiles: TileSet,
        /// The region, as the [`Tracker`](crate::Tracker) has learned it, in pixels.
        region: Rect,
    },
}

impl Verdict {
    /// The tiles that changed; `None` when none did.
    pub fn tiles(&self) -> Option<&TileSet> {
        match self {
            Self::Unchanged => None,
            Self::Changed { tiles, .. } | Self::Region { tiles, .. } => Some(tiles),
        }
    }

    /// Its name in reports: `unchanged`, `changed` or `region`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Changed { .. } => "changed",
            Self::Region { .. } => "region",
        }
    }
}
