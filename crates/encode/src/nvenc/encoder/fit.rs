//! The chip's stream, which fits the pictures.

use zerohop_frame::{Color, Extent, FrameDescriptor};
use zerohop_nvenc::{Encoder as Chip, Format, Session, Settings};

use super::{Flight, Nvenc};
use crate::{Error, Options, Rate};

/// The size that a stream may grow to in place at least.
const ROOM: Extent = Extent { width: 1920, height: 1080 };

impl Nvenc {
    /// Sees to it that the chip encodes pictures such as this one; whether it begins anew.
    pub(super) fn fit(
        &mut self,
        descriptor: &FrameDescriptor,
        extent: Extent,
    ) -> Result<(), Error> {
        let format = Format::of(descriptor.fourcc).ok_or(Error::Format(descriptor.fourcc))?;
        let color = (Settings::converted(descriptor.color), format.has_ten_bits());
        let wanted = settings(&self.options, extent, color);
        if let Some(chip) = self.chip.as_mut().filter(|chip| chip.format() == format) {
            let same = Settings { most: chip.settings().most, ..wanted } == *chip.settings();
            if same || chip.reconfigure(wanted)? {
                return Ok(());
            }
        }
        self.end()?;
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(&self.stream)?,
        };
        let chip = session.start(wanted, format)?;
        if let Some(notify) = self.notify.clone() {
            chip.on_packet(move || notify());
        }
        self.chip = Some(chip);
        Ok(())
    }

    /// Ends the stream that the chip encodes, if any. What it has left is among the packets.
    fn end(&mut self) -> Result<(), Error> {
        let Some(chip) = self.chip.take() else { return Ok(()) };
        let ended = self.drain(chip);
        // They are registered with the chip that has gone, however it went.
        self.inputs.clear();
        (self.upload, self.crops) = (None, None);
        ended
    }

    fn drain(&mut self, mut chip: Chip<Flight>) -> Result<(), Error> {
        let flushed = chip.flush();
        while let Some(coded) = chip.poll()? {
            self.take(coded);
        }
        Ok(flushed?)
    }
}

/// What is asked of the chip for pictures of `extent`.
pub(in crate::nvenc) fn settings(
    options: &Options,
    extent: Extent,
    (color, ten_bits): (Color, bool),
) -> Settings {
    let Options { codec, hertz, preset, tuning, refresh, .. } = *options;
    let rate = match options.rate {
        Rate::Quantizer(quantizer) => zerohop_nvenc::Rate::Quantizer(quantizer),
        Rate::Variable { bits, most, buffer } => {
            let most = most.unwrap_or(bits.saturating_add(bits / 2));
            zerohop_nvenc::Rate::Variable { bits, most, buffer }
        }
        Rate::Constant { bits, buffer } => zerohop_nvenc::Rate::Constant { bits, buffer },
    };
    let most =
        Extent { width: extent.width.max(ROOM.width), height: extent.height.max(ROOM.height) };
    Settings { codec, extent, most, ten_bits, color, hertz, preset, tuning, rate, refresh }
}
