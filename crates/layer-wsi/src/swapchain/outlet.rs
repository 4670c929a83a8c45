//! Where the pictures of a swapchain go: to the host, or onto a screen that the application drives
//! itself, through us.

use std::sync::Arc;
use std::time::Duration;

use zerohop_layer::LayerError;

use super::drive::Drive;
use super::handover::Host;
use super::hint::Asking;
use super::line::{Exported, Parcel};
use super::stream::{Key, Stream};

/// See the module. Both hold images for a while and give them back to their rotation; nobody runs
/// but who presents, or waits for an image.
#[derive(Clone)]
pub(crate) enum Outlet {
    /// The host of this process, if there is one.
    Host,
    /// A screen of ours.
    Screen(Arc<Drive>),
}

impl Outlet {
    /// Whether pictures can be sent now. Takes in what has happened since.
    pub(crate) fn listens(&self) -> bool {
        match self {
            Self::Host => Host::get().listens(),
            Self::Screen(drive) => drive.look(),
        }
    }

    /// The same, but what has happened is left for later where pictures could be sent before: the present
    /// at hand does not wait for it.
    pub(crate) fn still_listens(&self) -> bool {
        match self {
            Self::Host => Host::get().still_listens() || Host::get().listens(),
            Self::Screen(drive) => drive.look(),
        }
    }

    /// Whether it keeps time, by giving each image back when the next one has taken its place.
    pub(crate) fn is_paced(&self) -> bool {
        match self {
            Self::Host => Host::get().is_paced(),
            Self::Screen(_) => true,
        }
    }

    /// Sends a picture. `false`: nobody has it.
    pub(crate) fn send(
        &self,
        parcel: Parcel<'_>,
        export: impl FnOnce() -> Result<Exported, LayerError>,
    ) -> bool {
        match self {
            Self::Host => Host::get().send(parcel, export),
            Self::Screen(drive) => drive.send(parcel, export),
        }
    }

    /// Counts the picture with this number and time as one that the reader has, because it was sent the
    /// same one for this `asking`. `false`: that holds no more.
    pub(crate) fn keep(&self, stream: &Stream, asking: Asking, picture: (u64, Duration)) -> bool {
        match self {
            Self::Host => Host::get().keep(stream, asking, picture),
            // Nothing was asked.
            Self::Screen(_) => false,
        }
    }

    /// When images that are held since `since` are ours again though nobody gave them back. `None`:
    /// they are.
    pub(crate) fn stall(&self, since: Duration) -> Option<Duration> {
        match self {
            Self::Host => Host::get().stall(since),
            Self::Screen(drive) => drive.stall(),
        }
    }

    /// Goes on without a reader whose fence was not reached in time. A screen keeps its own buffers, and
    /// none of it is told.
    pub(crate) fn forsake(&self, why: &'static str) {
        match self {
            Self::Host => Host::get().forsake(why),
            Self::Screen(_) => {
                let cost = "a picture may be drawn while the screen reads it";
                Host::get().fall_back("screen", why, cost);
            }
        }
    }

    /// Whether there is somebody to [`wait`](Self::wait) for.
    pub(crate) fn is_connected(&self) -> bool {
        match self {
            Self::Host => Host::get().is_connected(),
            Self::Screen(_) => true,
        }
    }

    /// Sleeps until something may have happened, `until` at the latest, and takes it in.
    pub(crate) fn wait(&self, until: Duration) {
        match self {
            Self::Host => Host::get().wait(until),
            Self::Screen(drive) => drive.wait(until),
        }
    }

    /// The images will not be sent again.
    pub(crate) fn retire(&self, images: impl Iterator<Item = Key>) {
        match self {
            Self::Host => Host::get().retire(images),
            Self::Screen(drive) => drive.retire(images),
        }
    }
}
