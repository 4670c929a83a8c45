//! Pictures in, packets out.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::Surface;
use zerohop_frame::Extent;

use crate::bitstream::Bitstream;
use crate::core::Core;
use crate::input::Mapped;
use crate::retrieve::{Filled, Notify, Retriever};
use crate::start::reconfigure;
use crate::submit::{Left, end, is_deferred, submit};
use crate::sys::{self, NV_ENC_PIC_PARAMS};
use crate::{Caps, Codec, Error, Format, Input, Settings, Structure};

/// Pictures that may be on their way at a time.
const DEPTH: usize = 4;
/// How long a bitstream may take, and a chip that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// A packet, and what came with its picture.
#[derive(Debug)]
pub struct Coded<T> {
    /// An access unit in Annex B form (H.264, HEVC), or a temporal unit of OBUs (AV1).
    pub data: Vec<u8>,
    /// Whether decoding can start here: an IDR picture, a key frame.
    pub key: bool,
    /// The mean quantizer of the picture.
    pub quantizer: u32,
    /// What was given to [`encode`](Encoder::encode).
    pub token: T,
}

/// How one picture is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// As one to start decoding at.
    pub key: bool,
    /// As the first of so many in which the picture is refreshed piece by piece.
    pub refresh: Option<u32>,
}

/// An encoder of one stream.
///
/// Each picture's token comes back with its packet, when the encoder has read the picture: a token
/// may hold its memory.
pub struct Encoder<T: Send + 'static> {
    core: Arc<Core>,
    caps: Caps,
    settings: Settings,
    format: Format,
    retriever: Retriever,
    free: Vec<Bitstream>,
    made: usize,
    flying: VecDeque<(Mapped, T)>,
    ready: VecDeque<Result<Coded<T>, Error>>,
    count: u32,
    /// Whether the library knows that no picture follows.
    ended: bool,
}

impl<T: Send + 'static> Encoder<T> {
    pub(crate) fn new(
        core: Arc<Core>,
        caps: Caps,
        settings: Settings,
        format: Format,
    ) -> Result<Self, Error> {
        let retriever = Retriever::start()?;
        let (free, flying, ready) = (Vec::new(), VecDeque::new(), VecDeque::new());
        let (made, count, ended) = (0, 0, false);
        Ok(Self {
            core,
            caps,
            settings,
            format,
            retriever,
            free,
            made,
            flying,
            ready,
            count,
            ended,
        })
    }

    /// What it was asked for, within what the chip can do.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the chip can do.
    pub fn caps(&self) -> &Caps {
        &self.caps
    }

    /// How its pictures lie.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Has `notify` called, from another thread, whenever [`poll`](Self::poll) has something.
    pub fn on_packet(&self, notify: impl Fn() + Send + 'static) {
        let notify: Notify = Box::new(notify);
        self.retriever.set_notify(notify);
    }

    /// Makes `surface` known, on which a picture of `extent` lies. Once for each surface: to be kept
    /// and given to [`encode`](Self::encode) for each of its pictures.
    ///
    /// # Errors
    ///
    /// [`Error::Surface`] for one that is too small, or is not on the device; [`Error::Call`].
    pub fn register(&self, surface: Arc<dyn Surface>, extent: Extent) -> Result<Arc<Input>, Error> {
        Input::register(&self.core, surface, extent, self.format)
    }

    /// Queues the picture that is on `input` when the stream comes here. `timestamp` is any number
    /// that grows. Blocks only while four pictures are on their way.
    ///
    /// # Errors
    ///
    /// [`Error::Call`]; [`Error::Stalled`] after two seconds without a packet. The token is dropped.
    /// [`Error::Deferred`]: the token comes back with its packet, and no picture may follow.
    ///
    /// # Panics
    ///
    /// When `input` is of another encoder.
    pub fn encode(
        &mut self,
        input: &Arc<Input>,
        timestamp: u64,
        how: How,
        token: T,
    ) -> Result<(), Error> {
        assert!(input.is_of(&self.core), "an input of this encoder");
        let bitstream = self.bitstream()?;
        let mapped = Mapped::new(input)?;
        let mut params = self.picture(&mapped, &bitstream, timestamp, how);
        let submitted = submit(&self.core, &mut params);
        let deferred = submitted.as_ref().is_err_and(is_deferred);
        if let Err(err) = submitted
            && !deferred
        {
            self.free.push(bitstream);
            return Err(err);
        }
        self.flying.push_back((mapped, token));
        // What was taken comes out at the end at the latest, and nothing else of it may be used before.
        let ended = if deferred { self.end() } else { Ok(()) };
        self.retriever.give(bitstream);
        self.count = self.count.wrapping_add(1);
        if deferred { ended.and(Err(Error::Deferred { picture: params.frameIdx })) } else { Ok(()) }
    }

    fn picture(
        &self,
        mapped: &Mapped,
        bitstream: &Bitstream,
        timestamp: u64,
        how: How,
    ) -> NV_ENC_PIC_PARAMS {
        let Extent { width, height } = self.settings.extent;
        let idr = sys::NV_ENC_PIC_FLAG_FORCEIDR | sys::NV_ENC_PIC_FLAG_OUTPUT_SPSPPS;
        let mut params = NV_ENC_PIC_PARAMS {
            version: self.core.word(Structure::Pic),
            inputWidth: width,
            inputHeight: height,
            inputPitch: mapped.input().pitch(),
            encodePicFlags: if how.key { idr } else { 0 },
            frameIdx: self.count,
            inputTimeStamp: timestamp,
            inputBuffer: mapped.raw(),
            outputBitstream: bitstream.raw(),
            bufferFmt: mapped.format,
            pictureStruct: sys::NV_ENC_PIC_STRUCT_FRAME,
            ..Default::default()
        };
        let at = if self.settings.codec == Codec::H264 { 4 } else { 3 };
        params.codecPicParams[at] = how.refresh.filter(|_| self.caps.refreshes).unwrap_or(0);
        params
    }

    /// A bitstream that is free; waits for one when all are out.
    fn bitstream(&mut self) -> Result<Bitstream, Error> {
        self.collect();
        if self.free.is_empty() && self.made < DEPTH {
            self.made += 1;
            return Bitstream::new(&self.core).inspect_err(|_| self.made -= 1);
        }
        if self.free.is_empty() {
            self.wait_one()?;
        }
        self.free.pop().ok_or(Error::Stalled { waited: PATIENCE })
    }

    /// Takes what the thread has.
    fn collect(&mut self) {
        while let Some(filled) = self.retriever.take(Duration::ZERO) {
            self.land(filled);
        }
    }

    fn wait_one(&mut self) -> Result<(), Error> {
        let filled = self.retriever.take(PATIENCE);
        self.land(filled.ok_or(Error::Stalled { waited: PATIENCE })?);
        Ok(())
    }

    /// The picture that was submitted first has been read: it is unmapped, and its packet is ready.
    fn land(&mut self, (bitstream, content): Filled) {
        self.free.push(bitstream);
        let Some((mapped, token)) = self.flying.pop_front() else { return };
        drop(mapped);
        self.ready.push_back(content.map(|content| Coded {
            data: content.data,
            key: content.key,
            quantizer: content.quantizer,
            token,
        }));
    }

    /// The next packet, if one is done. Never blocks.
    ///
    /// # Errors
    ///
    /// Why its picture was not encoded.
    pub fn poll(&mut self) -> Result<Option<Coded<T>>, Error> {
        self.collect();
        self.ready.pop_front().transpose()
    }

    /// Waits until all pictures are encoded: afterwards [`poll`](Self::poll) has all of them.
    ///
    /// # Errors
    ///
    /// [`Error::Stalled`].
    pub fn flush(&mut self) -> Result<(), Error> {
        while !self.flying.is_empty() {
            self.wait_one()?;
        }
        Ok(())
    }

    /// Changes to `settings`, with the next picture. One of another size is a key picture, which its
    /// decoder starts anew at. `false` when that takes a new encoder: see
    /// [`Settings::is_reconfigurable_to`], and what the chip can do.
    ///
    /// # Errors
    ///
    /// [`Error::Extent`], [`Error::Call`], after which the encoder is as it was.
    pub fn reconfigure(&mut self, settings: Settings) -> Result<bool, Error> {
        let settings = Settings { most: self.settings.most, ..settings };
        let resized = settings.extent != self.settings.extent;
        let can = (self.caps.resizes || !resized)
            && (self.caps.changes_rate || settings.rate == self.settings.rate)
            && self.settings.is_reconfigurable_to(&settings);
        if !can {
            return Ok(false);
        }
        self.caps.check(&settings)?;
        reconfigure(&self.core, &settings, &self.caps, (self.format, resized))?;
        self.settings = settings;
        Ok(true)
    }

    /// Says that no picture follows.
    fn end(&mut self) -> Result<(), Error> {
        self.ended = true;
        end(&self.core)
    }
}

impl<T: Send + 'static> Drop for Encoder<T> {
    fn drop(&mut self) {
        if self.flush().is_err() {
            // The thread waits for a chip that does not answer. It holds the session then, which
            // nobody destroys under it, and with it what the chip may be reading: the surfaces stay
            // mapped, and no picture goes home to be drawn over.
            let (core, pictures) = (Arc::clone(&self.core), mem::take(&mut self.flying));
            self.retriever.keep(Box::new(Left::new(core, pictures, self.ended)));
            return;
        }
        if !self.ended {
            let _ = self.end();
        }
        self.retriever.join();
    }
}
