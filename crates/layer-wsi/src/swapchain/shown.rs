//! Which present ids have been shown (`VK_KHR_present_id`, `VK_KHR_present_wait`).

use std::collections::VecDeque;
use std::time::Duration;

/// The present ids of one swapchain, in the order of their pictures.
#[derive(Debug, Default)]
pub(crate) struct ShownIds {
    shown: u64,
    waiting: VecDeque<(u64, Due)>,
    /// The last picture that a real screen has shown.
    on_screen: u64,
}

/// When a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// At this moment, on the virtual screen.
    At(Duration),
    /// When a real screen says so of the picture with this number, or of a later one.
    Told(u64),
}

/// Where the picture with an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// On screen, or gone from it.
    Shown,
    /// Presented, and shown then.
    Waits(Due),
    /// Not presented yet.
    Unknown,
}

impl ShownIds {
    /// A picture with this `id` is on its way. Ids only grow
    /// (`VUID-VkPresentIdKHR-presentIds-04999`); 0 stands for none.
    pub(crate) fn present(&mut self, id: u64, due: Due, now: Duration) {
        self.settle(now);
        match self.waiting.back_mut() {
            _ if id == 0 => {}
            Some((last, Due::At(before))) if matches!(due, Due::At(at) if *before >= at) => {
                *last = id.max(*last);
            }
            _ => self.waiting.push_back((id, due)),
        }
    }

    /// A real screen has shown picture `sequence`, and none of those before it will come any more.
    pub(crate) fn tell(&mut self, sequence: u64) {
        self.on_screen = self.on_screen.max(sequence);
    }

    /// Where the first picture with this `id` or a greater one is.
    pub(crate) fn find(&mut self, id: u64, now: Duration) -> Seen {
        self.settle(now);
        if id <= self.shown {
            return Seen::Shown;
        }
        let Some(place) = self.waiting.iter().position(|(waiting, _)| id <= *waiting) else {
            return Seen::Unknown;
        };
        // They come in their order, whichever screen they were for: the real one is asked first.
        let mut dues = self.waiting.iter().take(place + 1).map(|(_, due)| *due);
        let told = dues.find(|due| matches!(due, Due::Told(_)));
        Seen::Waits(told.unwrap_or(self.waiting[place].1))
    }

    fn settle(&mut self, now: Duration) {
        let reached = |due| match due {
            Due::At(at) => at <= now,
            Due::Told(sequence) => sequence <= self.on_screen,
        };
        while let Some(&(id, due)) = self.waiting.front()
            && reached(due)
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
        ids.present(1, Due::At(ms(10)), ms(0));
        ids.present(5, Due::At(ms(20)), ms(0));
        assert_eq!(ids.find(1, ms(9)), Seen::Waits(Due::At(ms(10))));
        assert_eq!(ids.find(1, ms(10)), Seen::Shown);
        assert_eq!(ids.find(3, ms(10)), Seen::Waits(Due::At(ms(20))), "a greater id will do");
        assert_eq!(ids.find(6, ms(30)), Seen::Unknown);
    }

    #[test]
    fn a_replaced_picture_counts_as_shown_with_its_successor() {
        let mut ids = ShownIds::default();
        (1..=1000).for_each(|id| ids.present(id, Due::At(ms(10)), ms(0)));
        assert_eq!(ids.waiting.len(), 1, "nothing grows between two vblanks");
        assert_eq!(ids.find(7, ms(0)), Seen::Waits(Due::At(ms(10))));
        assert_eq!(ids.find(1000, ms(10)), Seen::Shown);
    }

    #[test]
    fn a_picture_without_an_id_changes_nothing() {
        let mut ids = ShownIds::default();
        ids.present(0, Due::At(ms(10)), ms(0));
        assert_eq!(ids.find(1, ms(20)), Seen::Unknown);
        assert_eq!(ids.find(0, ms(0)), Seen::Shown);
    }

    #[test]
    fn an_id_for_a_real_screen_is_shown_when_it_says_so() {
        let mut ids = ShownIds::default();
        ids.present(1, Due::Told(7), ms(0));
        ids.present(2, Due::Told(8), ms(0));
        assert_eq!(ids.find(1, ms(1000)), Seen::Waits(Due::Told(7)), "no clock helps");
        ids.tell(7);
        assert_eq!(ids.find(1, ms(0)), Seen::Shown);
        assert_eq!(ids.find(2, ms(0)), Seen::Waits(Due::Told(8)));
        ids.tell(9);
        assert_eq!(ids.find(2, ms(0)), Seen::Shown, "a later picture has taken its place");
        ids.tell(8);
        assert_eq!(ids.find(2, ms(0)), Seen::Shown, "late news take nothing back");
    }

    #[test]
    fn a_picture_for_the_virtual_screen_follows_those_for_a_real_one() {
        let mut ids = ShownIds::default();
        ids.present(1, Due::Told(7), ms(0));
        ids.present(2, Due::At(ms(10)), ms(0));
        assert_eq!(ids.find(2, ms(20)), Seen::Waits(Due::Told(7)));
        ids.tell(7);
        assert_eq!(ids.find(2, ms(9)), Seen::Waits(Due::At(ms(10))));
        assert_eq!(ids.find(2, ms(10)), Seen::Shown);
    }
}
