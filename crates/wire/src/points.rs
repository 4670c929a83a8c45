//! The points of one release, as few as they can be.

use std::sync::Arc;

use arrayvec::ArrayVec;
use zerohop_frame::{SyncPoint, Timeline};
use zerohop_kernel::SyncFile;

use crate::{Error, MAX_POINTS, Violation};

/// Leaves out what is reached already, keeps the latest value of each timeline, and merges the fences
/// that do not fit into a message.
///
/// # Errors
///
/// [`Error::Invalid`] for more timelines than fit, [`Error::Io`] when fences cannot be merged.
pub(crate) fn join(after: Vec<SyncPoint>) -> Result<ArrayVec<SyncPoint, MAX_POINTS>, Error> {
    let mut timelines: Vec<(Arc<Timeline>, u64)> = Vec::new();
    let mut files: Vec<Arc<SyncFile>> = Vec::new();
    for point in after {
        match point {
            SyncPoint::Signaled => {}
            SyncPoint::SyncFile(file) => files.push(file),
            SyncPoint::Timeline { which, value } => {
                match timelines.iter_mut().find(|(one, _)| one.id() == which.id()) {
                    Some((_, latest)) => *latest = value.max(*latest),
                    None => timelines.push((which, value)),
                }
            }
            _ => return Err(Error::Invalid(Violation::Unsendable("this kind of sync point"))),
        }
    }
    let room = MAX_POINTS.saturating_sub(timelines.len());
    if timelines.len() > MAX_POINTS || (room == 0 && !files.is_empty()) {
        return Err(Error::Invalid(Violation::Unsendable("a release with so many timelines")));
    }
    while files.len() > room {
        let last = files.pop().filter(|_| room > 0);
        let Some((last, to)) = last.zip(files.last_mut()) else { break };
        *to = Arc::new(to.merge(&last).map_err(unmerged)?);
    }
    let timelines =
        timelines.into_iter().map(|(which, value)| SyncPoint::Timeline { which, value });
    Ok(timelines.chain(files.into_iter().map(SyncPoint::SyncFile)).collect())
}

fn unmerged(source: std::io::Error) -> Error {
    Error::Io { doing: "merge two fences", source }
}
