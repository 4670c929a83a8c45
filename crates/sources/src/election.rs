//! Which of the streams is watched.

use zerohop_frame::Extent;
use zerohop_wire::StreamId;

/// Names a stream among all producers, in the order they opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamKey {
    /// Counts the producers.
    pub(crate) peer: u64,
    /// The producer's own name for it.
    pub(crate) stream: StreamId,
}

/// The largest of the streams that have shown a picture; of equals, the one that opened first.
/// `opened` counts the streams as they open.
pub(crate) fn elect(
    streams: impl Iterator<Item = (StreamKey, u64, Option<Extent>)>,
) -> Option<StreamKey> {
    streams
        .filter_map(|(key, opened, extent)| Some((key, opened, extent?)))
        .max_by_key(|(_, opened, extent)| (area(*extent), u64::MAX - opened))
        .map(|(key, ..)| key)
}

fn area(extent: Extent) -> u64 {
    u64::from(extent.width) * u64::from(extent.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_of(sides: &[Option<(u32, u32)>]) -> Option<u64> {
        let keys = (0..).map(|peer| StreamKey { peer, stream: StreamId(0) });
        let keys: Vec<_> = keys.take(sides.len()).collect();
        let extent = |side: &(u32, u32)| Extent { width: side.0, height: side.1 };
        let streams = keys.into_iter().zip(sides);
        elect(streams.map(|(key, side)| (key, key.peer, side.as_ref().map(extent))))
            .map(|key| key.peer)
    }

    #[test]
    fn the_largest_wins_and_of_equals_the_earliest() {
        assert_eq!(main_of(&[Some((1, 1)), Some((64, 64)), Some((640, 480))]), Some(2));
        assert_eq!(main_of(&[Some((4, 2)), Some((2, 4))]), Some(0));
    }

    #[test]
    fn what_shows_nothing_is_not_watched() {
        assert_eq!(main_of(&[None, Some((1, 1)), None]), Some(1));
        assert_eq!(main_of(&[None]), None);
    }
}
