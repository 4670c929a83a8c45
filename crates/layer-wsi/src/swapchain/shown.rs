//! Which present ids have been shown (`VK_KHR_present_id`, `VK_KHR_present_wait`).

use std::collections::VecDeque;
use std::time::Duration;

/// The present ids of one swapchain, in the order of their pictures.
#[derive(Debug, Default)]
pub(crate) struct ShownIds {
    shown: u64,
    waiting: VecDeque<(u64, Duration)>,
}

/// Where the picture with an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// On screen, or gone from it.
    Shown,
    /// Presented, and shown at this moment.
    At(Duration),
    /// Not presented yet.
    Unknown,
}

impl ShownIds {
    /// A picture with this `id` will be shown at `at`. Ids only grow
    /// (`VUID-VkPresentIdKHR-presentIds-04999`); 0 stands for none.
    pub(crate) fn present(&mut self, id: u64, at: Duration, now: Duration) {
        self.settle(now);
        match self.waiting.back_mut() {
            _ if id == 0 => {}
            Some((last, last_at)) if *last_at >= at => *last = id.max(*last),
            _ => self.waiting.push_back((id, at)),
        }
    }

    /// Where the first picture with this `id` or a greater one is.
    pub(crate) fn find(&mut self, id: u64, now: Duration) -> Seen {
        self.settle(now);
        if id <= self.shown {
            return Seen::Shown;
        }
        let found = self.waiting.iter().find(|(waiting, _)| id <= *waiting);
        found.map_or(Seen::Unknown, |(_, at)| Seen::At(*at))
    }

    fn settle(&mut self, now: Duration) {
        while let Some(&(id, at)) = self.waiting.front()
            && at <= now
        {
            self.shown = self.shown.max(id);
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[test]
    fn an_id_is_shown_at_its_vblank() {
        let mut ids = ShownIds::default();
        assert_eq!(ids.find(1, ms(0)), Seen::Unknown);
        ids.present(1, ms(10), ms(0));
        ids.present(5, ms(20), ms(0));
        assert_eq!(ids.find(1, ms(9)), Seen::At(ms(10)));
        assert_eq!(ids.find(1, ms(10)), Seen::Shown);
        assert_eq!(ids.find(3, ms(10)), Seen::At(ms(20)), "a greater id will do");
        assert_eq!(ids.find(6, ms(30)), Seen::Unknown);
    }

    #[test]
    fn a_replaced_picture_counts_as_shown_with_its_successor() {
        let mut ids = ShownIds::default();
        (1..=1000).for_each(|id| ids.present(id, ms(10), ms(0)));
        assert_eq!(ids.waiting.len(), 1, "nothing grows between two vblanks");
        assert_eq!(ids.find(7, ms(0)), Seen::At(ms(10)));
        assert_eq!(ids.find(1000, ms(10)), Seen::Shown);
    }

    #[test]
    fn a_picture_without_an_id_changes_nothing() {
        let mut ids = ShownIds::default();
        ids.present(0, ms(10), ms(0));
        assert_eq!(ids.find(1, ms(20)), Seen::Unknown);
        assert_eq!(ids.find(0, ms(0)), Seen::Shown);
    }
}
