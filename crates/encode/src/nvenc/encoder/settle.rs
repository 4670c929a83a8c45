//! The GPU that encodes, and what its stream waits for.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use zerohop_cuda::{Cuda, Timelines, Uuid};
use zerohop_frame::{Fallback, Frame, SyncPoint, Timeline, with_causes};

use super::Nvenc;
use crate::nvenc::inputs::Inputs;
use crate::nvenc::place::{Place, maker};
use crate::{Error, Options};

/// How long a picture may take to be complete after it was handed over.
const COMPLETE_WITHIN: Duration = Duration::from_secs(2);

impl Nvenc {
    /// The GPU that encodes.
    pub(super) fn uuid(&self) -> Uuid {
        self.stream.device().gpu().uuid
    }

    /// Goes to the GPU that drew `frame`, the first picture, and stays there; where it cannot encode, the
    /// next ones come by way of the host.
    pub(super) fn settle(&mut self, frame: &Frame) {
        if mem::replace(&mut self.settled, true) {
            return;
        }
        if let Some(uuid) = maker(frame).filter(|uuid| *uuid != self.uuid())
            && self.uuids.contains(&uuid)
        {
            match Place::open(&self.cuda, uuid, &self.options) {
                Ok(place) => match place.lacks(&self.caps) {
                    None => self.move_to(place),
                    Some(what) => self.announce(format!("the GPU that draws ({uuid}) {what}")),
                },
                Err(err) => self.announce(format!(
                    "the GPU that draws ({uuid}) does not encode: {}",
                    with_causes(&err)
                )),
            }
        }
        self.direct.settle(self.uuid().0);
    }

    /// Nothing was encoded yet.
    fn move_to(&mut self, place: Place) {
        let Place { stream, session, caps } = place;
        self.timelines = Timelines::new(stream.device());
        self.inputs = Inputs::new(&stream);
        self.caps = caps;
        (self.session, self.stream) = (Some(session), stream);
    }

    /// Says that pictures come from another GPU.
    fn announce(&self, reason: String) {
        self.observer.fallback(Fallback {
            what: "encode".into(),
            reason,
            cost: "each picture goes to the one that encodes by way of the host, and the CPU waits for \
                   it"
                .into(),
        });
    }

    /// Has the chip wait until the picture is complete, unless it is: such a wait takes an H200 160 us, also
    /// for a value that is reached, and a look takes none.
    pub(super) fn wait(&mut self, frame: &Frame) -> Result<(), Error> {
        let sequence = frame.info().sequence;
        match frame.acquire() {
            point if matches!(point.wait(Duration::ZERO), Ok(true)) => Ok(()),
            SyncPoint::Timeline { which, value } if self.is_ours(which) => {
                let semaphore = self.timelines.get(which)?;
                Ok(self.stream.wait(&semaphore, *value)?)
            }
            other => match other.wait(COMPLETE_WITHIN) {
                Ok(true) => Ok(()),
                Ok(false) => Err(Error::NotReady { sequence, waited: COMPLETE_WITHIN }),
                Err(source) => Err(Error::Wait { sequence, source }),
            },
        }
    }

    /// Whether the GPU that encodes can wait for `timeline`.
    fn is_ours(&self, timeline: &Timeline) -> bool {
        let owner = Uuid(timeline.device().device_uuid);
        let ours = owner == self.uuid();
        if !ours {
            let gpu = &self.stream.device().gpu().name;
            self.announce(format!(
                "pictures come from another GPU ({owner}) than {gpu} encodes on"
            ));
        }
        ours
    }
}

/// The first GPU of `uuids` that encodes; else why the first does not.
pub(super) fn first(cuda: &Arc<Cuda>, uuids: &[Uuid], options: &Options) -> Result<Place, Error> {
    let mut why = None;
    for uuid in uuids {
        match Place::open(cuda, *uuid, options) {
            Ok(place) => return Ok(place),
            Err(err) => _ = why.get_or_insert(err),
        }
    }
    Err(why.unwrap_or(zerohop_cuda::Error::NoDevice.into()))
}
