//! What a card says.

use std::time::Duration;

/// A flip is done: the picture is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flipped {
    /// The number that its call gave it.
    pub(crate) number: u64,
    /// When the first pixel left the card, on `CLOCK_MONOTONIC`.
    pub(crate) at: Duration,
}

/// The flips in what was read from a card. Other events are passed over.
///
/// # References
///
/// `struct drm_event` and `struct drm_event_vblank` in `include/uapi/drm/drm.h`.
pub(crate) fn flips(mut bytes: &[u8]) -> Vec<Flipped> {
    let mut found = Vec::new();
    while let (Some(kind), Some(length)) = (word(bytes, 0), word(bytes, 4)) {
        let length = length as usize;
        let Some(event) = bytes.get(..length).filter(|event| event.len() >= 8) else { break };
        if kind == drm_ffi::DRM_EVENT_FLIP_COMPLETE {
            found.extend(flip(event));
        }
        bytes = &bytes[length..];
    }
    found
}

fn flip(event: &[u8]) -> Option<Flipped> {
    let (seconds, micros) = (word(event, 16)?, word(event, 20)?);
    let at = Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into());
    let number = u64::from(word(event, 8)?) | u64::from(word(event, 12)?) << 32;
    Some(Flipped { number, at })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u32, seconds: u32, micros: u32, number: u64) -> Vec<u8> {
        let [low, high] = [number as u32, (number >> 32) as u32];
        let words = [kind, 32, low, high, seconds, micros, 7, 38];
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn flips_are_found_among_other_events() {
        let bytes = [event(1, 1, 1, 9), event(2, 5, 250, 38 << 30), event(99, 0, 0, 0)].concat();
        let at = Duration::from_micros(5_000_250);
        assert_eq!(flips(&bytes), [Flipped { number: 38 << 30, at }]);
    }

    #[test]
    fn half_an_event_is_none() {
        let whole = event(2, 5, 250, 38);
        for length in 0..whole.len() {
            assert!(flips(&whole[..length]).is_empty(), "{length}");
        }
        assert!(flips(&[0; 64]).is_empty(), "an event of no length does not repeat for ever");
    }
}
