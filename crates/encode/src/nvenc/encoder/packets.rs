//! What the chip gives back.

use zerohop_nvenc::{Coded, Settings};

use super::{Flight, Nvenc};
use crate::Packet;

impl Nvenc {
    /// A packet, unless its picture was drawn over while it was read: then none is of use before the
    /// next key picture.
    pub(super) fn take(&mut self, coded: Coded<Flight>) {
        let Coded { data, key, token: Flight { frame, extent }, .. } = coded;
        let info = frame.info();
        if !frame.is_intact() {
            self.observer
                .dropped(info.sequence, "the application took it back while it was encoded");
            self.is_broken = true;
            return;
        }
        if self.is_broken && !key {
            self.observer.dropped(info.sequence, "the picture before it was lost in the encoder");
            return;
        }
        self.is_broken = false;
        let color = frame.buffer().descriptor().color;
        self.done.push_back(Packet {
            codec: self.options.codec,
            data,
            pts: info.timestamp,
            key,
            sequence: info.sequence,
            extent,
            color: Settings::converted(color),
        });
    }
}
