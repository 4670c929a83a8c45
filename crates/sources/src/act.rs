//! What each message of a producer does.

use std::sync::Arc;

use zerohop_frame::{Fallback, SyncPoint};
use zerohop_kernel::clock_monotonic;
use zerohop_wire::{Error, FrameMessage, KeptMessage, Text, ToHost};

use crate::election::{StreamKey, elect};
use crate::io::Io;
use crate::peers::{Arrival, Connected, handover};
use crate::report::MAX_KEPT;

/// The most messages of one producer before the others have their turn.
const TURN: usize = 64;

/// The most different fallbacks that are passed on.
const MAX_FALLBACKS: usize = 64;

impl Io {
    /// Takes a turn's worth of messages from one producer.
    pub(crate) fn hear(&mut self, number: u64) {
        let Some(connected) = self.peers.get(&number) else { return };
        let peer = Arc::clone(&connected.peer);
        // A failure ends the connection, which the poll below finds.
        let _ = peer.flush();
        for _ in 0..TURN {
            match peer.poll() {
                Ok(None) => return,
                Ok(Some(message)) => self.act(number, message),
                Err(err) => return self.lose(number, &err),
            }
        }
    }

    /// Forgets a producer whose connection is over. Whether its pictures on their way stay valid is
    /// for their [`Home`](crate::home::Home) to say.
    fn lose(&mut self, number: u64, why: &Error) {
        let Some(gone) = self.peers.remove(&number) else { return };
        let reason = match why {
            Error::Closed => None,
            Error::Violation(violation) => Some(violation.to_string()),
            other => Some(other.to_string()),
        };
        if let Some(reason) = reason {
            self.refused(gone.peer.credentials().pid, &gone.name, reason);
        }
        self.elect();
    }

    fn act(&mut self, number: u64, message: ToHost) {
        let Some(connected) = self.peers.get_mut(&number) else { return };
        match message {
            ToHost::Hello { name, .. } => connected.name = name.to_string(),
            ToHost::OpenStream { stream, name, clock } => {
                self.opened += 1;
                connected.open(stream, &name, clock, self.opened);
            }
            ToHost::CloseStream { stream } => {
                connected.close(stream);
                self.elect();
            }
            ToHost::Announce { .. } => match connected.announce(message, &self.shared) {
                Ok(()) => self.make_room(),
                Err(reason) => self.dismiss(number, reason),
            },
            ToHost::Retire { buffer } => connected.retire(buffer),
            ToHost::Frame(frame) => self.frame(number, frame),
            ToHost::Fallback { what, reason, cost } => self.fallback(what, reason, cost),
            // The peer keeps it in mind, and the end of the connection follows.
            ToHost::Reclaim => {}
            ToHost::Timeline(announced) => {
                let Connected { peer, name, promises, .. } = connected;
                promises.announce(announced, peer, name, &self.shared);
                self.make_room();
            }
            ToHost::RetireTimeline { timeline } => connected.promises.retire(timeline),
            ToHost::Kept(kept) => self.keep(number, kept),
        }
    }

    fn dismiss(&mut self, number: u64, reason: String) {
        let Some(gone) = self.peers.remove(&number) else { return };
        gone.peer.dismiss(&reason);
        self.refused(gone.peer.credentials().pid, &gone.name, reason);
        self.elect();
    }

    /// When there are too few descriptors for all, whoever has most of them goes.
    fn make_room(&mut self) {
        let objects = |(number, connected): (&u64, &Connected)| {
            (connected.peer.objects() + connected.promises.descriptors(), *number)
        };
        let all: usize = self.peers.iter().map(|one| objects(one).0).sum();
        if all <= self.room {
            return;
        }
        if let Some((most, number)) = self.peers.iter().map(objects).max() {
            let room = self.room;
            self.dismiss(
                number,
                format!(
                    "{most} descriptors of memory and timelines are too many, {room} are for all"
                ),
            );
        }
    }

    fn frame(&mut self, number: u64, message: FrameMessage) {
        let Some(connected) = self.peers.get_mut(&number) else { return };
        let arrival = connected.arrive(message, clock_monotonic());
        // Dropped unread when nobody wants it.
        let Some(arrival) = arrival.filter(|_| self.watch.wants()) else { return };
        let key = StreamKey { peer: number, stream: arrival.stream };
        if arrival.resized {
            self.elect();
        }
        let main = self.watch.main() == Some(key);
        self.count(key, &arrival, main);
        if main && let Some(connected) = self.peers.get(&number) {
            let buffers = || connected.buffers_of(arrival.stream);
            self.watch.take(key, arrival.picture, arrival.replaceable, buffers);
        }
    }

    fn count(&mut self, key: StreamKey, arrival: &Arrival, main: bool) {
        let Some(connected) = self.peers.get_mut(&key.peer) else { return };
        let Some(stream) = connected.streams.get(&key.stream) else { return };
        let frame = &arrival.picture.frame;
        let mut report = self.shared.report();
        let place = stream.reported.unwrap_or(report.streams.len());
        if place == report.streams.len() && place < MAX_KEPT {
            report.streams.push(connected.report_of(stream, frame));
        }
        if let Some(line) = report.streams.get_mut(place) {
            let descriptor = frame.buffer().descriptor();
            (line.extent, line.fourcc) = (descriptor.extent, descriptor.fourcc);
            line.handover = handover(frame);
            line.frames += 1;
            match frame.acquire() {
                SyncPoint::Signaled => line.frames_signaled += 1,
                SyncPoint::Timeline { .. } => line.frames_timeline += 1,
                _ => {}
            }
            line.was_main |= main;
        }
        if main {
            report.frames_presented += 1;
            report.frames_unsent += arrival.unsent;
        } else {
            report.frames_of_other_streams += 1;
        }
        drop(report);
        if let Some(stream) = connected.streams.get_mut(&key.stream) {
            stream.reported = Some(place);
        }
    }

    /// Takes in that pictures did not change and were not sent.
    fn keep(&mut self, number: u64, message: KeptMessage) {
        let Some(connected) = self.peers.get_mut(&number) else { return };
        let Some((kept, unsent)) = connected.keep(message) else { return };
        if !self.watch.wants() {
            return;
        }
        let key = StreamKey { peer: number, stream: message.stream };
        let main = self.watch.shows(key);
        let mut report = self.shared.report();
        let place = connected.streams.get(&key.stream).and_then(|stream| stream.reported);
        if let Some(line) = place.and_then(|place| report.streams.get_mut(place)) {
            line.frames_kept += kept.count;
        }
        if main {
            report.frames_presented += kept.count;
            report.frames_kept += kept.count;
            report.frames_unsent += unsent;
        } else {
            report.frames_of_other_streams += kept.count;
        }
        drop(report);
        if main {
            self.watch.keep(kept);
        }
    }

    fn elect(&mut self) {
        let streams = self.peers.iter().flat_map(|(peer, connected)| {
            connected.streams.iter().map(|(stream, found)| {
                (StreamKey { peer: *peer, stream: *stream }, found.opened, found.extent)
            })
        });
        let main = elect(streams);
        if self.watch.follow(main)
            && let Some(StreamKey { peer, stream }) = main
            && let Some(connected) = self.peers.get(&peer)
        {
            // What it showed before went home unread, or was followed by another's.
            let _ = connected.peer.say_still(stream, false);
        }
    }

    fn fallback(&mut self, what: Text, reason: Text, cost: Text) {
        if self.fallbacks.len() < MAX_FALLBACKS && self.fallbacks.insert((what, reason)) {
            self.shared.observer.fallback(Fallback {
                what: what.to_string().into(),
                reason: reason.to_string(),
                cost: cost.to_string().into(),
            });
        }
    }
}
