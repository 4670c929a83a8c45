//! `vkQueuePresentKHR`.
//!
//! Everything that can fail is looked at first, then one batch waits for the application's
//! semaphores, whatever was found: a present that fails must use them up and signal its fences all
//! the same. With nobody listening, that batch is all that the device sees. When not even that one
//! can be submitted, nothing has happened; from then on every picture goes its way.

use std::sync::Arc;
use std::time::Duration;

use ash::vk;
use zerohop_frame::{Damage, MediaTime, SyncPoint};
use zerohop_kernel::clock_monotonic;
use zerohop_layer::{LayerError, Level, chain_line, guard, log};
use zerohop_wire::{FrameMessage, Point, WireBufferId};

use super::Swapchain;
use super::copier::Copier;
use super::gate::Fence;
use super::handover::Host;
use super::job::{Job, Task};
use super::line::Parcel;
use super::pace::Mode;
use super::place::Departure;
use super::request::{Asked, Request};
use super::ring::{Fences, Picture, Receiver};
use super::shown::Due;
use super::stream::Flow;
use super::submit::{Batch, submit};
use crate::device::{DeviceState, QueueState};
use crate::trace;

/// The part of a present that goes to one swapchain.
struct Present {
    swapchain: Arc<Swapchain>,
    index: usize,
    id: u64,
    mode: Mode,
    /// How it comes to the host. `None`: it is not handed over.
    departure: Option<Departure>,
    /// When its way out was submitted, from and to.
    left: (Duration, Duration),
}

/// One that can be done, and whether its fence will be signaled.
type Begun = (Result<Present, LayerError>, Result<(), LayerError>);

/// `vkQueuePresentKHR`. Takes the queue's lock itself.
///
/// # Errors
///
/// [`LayerError::Call`] when the semaphores could not be waited for. What happens to one swapchain
/// is in the result, the worst of all, and in `pResults`.
pub(crate) fn present(
    device: &Arc<DeviceState>,
    queue: &Arc<QueueState>,
    info: &vk::PresentInfoKHR<'_>,
) -> Result<vk::Result, LayerError> {
    let began = clock_monotonic();
    // SAFETY: `info` is what the command got.
    let mut request = unsafe { Request::new(info) };
    let begun = begin(device, queue, &request).inspect_err(|err| {
        (0..request.len()).for_each(|at| request.report(at, err.code()));
    })?;
    let mut worst = vk::Result::SUCCESS;
    for (at, (present, signaled)) in begun.into_iter().enumerate() {
        let result = guard("vkQueuePresentKHR", || {
            let present = present?;
            let damage = request.damage(at, present.swapchain.plan.image.size());
            let shown = present.finish(queue, damage, began)?;
            signaled.map(|()| shown)
        });
        request.report(at, result);
        worst = worse(worst, result);
    }
    trace::took("present", began);
    Ok(worst)
}

/// Submits what there is to submit.
///
/// # Errors
///
/// [`LayerError::Call`]; nothing was submitted.
fn begin(
    device: &Arc<DeviceState>,
    queue: &Arc<QueueState>,
    request: &Request<'_>,
) -> Result<Vec<Begun>, LayerError> {
    let mut waits = request.waits;
    let mut all = Vec::with_capacity(request.len());
    for at in 0..request.len() {
        let asked = request.asked(at);
        let mut present = Present::new(device, &asked);
        let left = present.as_mut().is_ok_and(|it| it.hand_out(queue, waits));
        if left {
            waits = &[];
        }
        let batch = Batch { waits, fence: asked.fence, ..Batch::default() };
        let signaled = match submit(device, queue, batch) {
            Err(err) if at == 0 && !left => return Err(err),
            other => other,
        };
        waits = &[];
        if let Ok(present) = &present {
            present.note_work(queue);
        }
        all.push((present, signaled));
    }
    Ok(all)
}

impl Present {
    /// What was asked, if it can be done.
    fn new(device: &DeviceState, asked: &Asked) -> Result<Self, LayerError> {
        let swapchain = device.swapchain(asked.swapchain)?;
        let index = asked.index as usize;
        let mode = swapchain.begin_present(index, asked.mode)?;
        Ok(Self { swapchain, index, id: asked.id, mode, departure: None, left: Default::default() })
    }

    /// Submits the image's way to the host, after `waits`. `false`: it stays here, and nothing was
    /// submitted; the picture is shown all the same, only not to the host.
    fn hand_out(&mut self, queue: &Arc<QueueState>, waits: &[vk::Semaphore]) -> bool {
        let swapchain = &self.swapchain;
        if !swapchain.outlet.still_listens() || swapchain.is_private() {
            return false;
        }
        let begin = clock_monotonic();
        let left = swapchain.places()[self.index].leave(swapchain, queue, self.index, waits);
        self.left = (begin, clock_monotonic());
        match left {
            Ok(departure) => {
                self.departure = departure;
                true
            }
            Err(err) => {
                let cost = "the host misses pictures";
                Host::get().fall_back("handover", &chain_line(&err), cost);
                false
            }
        }
    }

    /// Lets the application wait for the picture, if it may. All work of it is submitted.
    fn note_work(&self, queue: &QueueState) {
        let swapchain = &self.swapchain;
        let Some(drawn) = swapchain.drawn.as_ref().filter(|_| self.id != 0) else { return };
        if let Err(err) = drawn.note(&swapchain.device, queue, self.id) {
            // The picture goes its way all the same.
            log(Level::Debug, format_args!("present id {}: {}", self.id, chain_line(&err)));
        }
    }

    /// Puts the picture on the virtual screen, and sends it. The call began at `began`.
    fn finish(
        self,
        queue: &Arc<QueueState>,
        damage: Damage,
        began: Duration,
    ) -> Result<vk::Result, LayerError> {
        let swapchain = Arc::clone(&self.swapchain);
        swapchain.places()[self.index].queue = Some(Arc::clone(queue));
        let now = clock_monotonic();
        let mut flow = swapchain.stream.lock();
        // The picture goes after those that the thread still has.
        let missed = swapchain.ask_copier(Copier::overtake).unwrap_or(Some(nowhere()));
        let to = match self.receiver() {
            Receiver::Host if missed.is_none() => Receiver::Copier,
            to => to,
        };
        // A screen keeps time by keeping the image: not one that is only copied.
        let paced = to == Receiver::Host && swapchain.outlet.is_paced();
        let showing = match paced {
            true => flow.screen.pass_on(now),
            false => flow.screen.present(self.mode, now),
        };
        flow.sequence += 1;
        let sequence = flow.sequence;
        let picture = Picture { sequence, showing, to };
        let due = if paced { Due::Told(sequence) } else { Due::At(showing.at) };
        swapchain.rotation.present(self.index, picture, (self.id, due), now)?;

        let frame = FrameMessage {
            buffer: WireBufferId(0),
            sequence,
            timestamp: showing.at,
            presented: began,
            replaceable: self.mode == Mode::Mailbox || paced && self.mode == Mode::Immediate,
            damage: swapchain.damage(&mut flow, &damage, missed),
            media: MediaTime::default(),
            acquire: Point::Signaled,
        };
        self.go(&mut flow, frame, to);
        drop(flow);
        if to != Receiver::Nobody {
            // Now that the picture is on its way, what the host has said meanwhile.
            swapchain.outlet.listens();
        }
        swapchain.condition()
    }

    /// Lets the picture of `frame` go `to` where it goes.
    fn go(self, flow: &mut Flow, frame: FrameMessage, to: Receiver) {
        if to == Receiver::Host {
            // Pictures that the thread has may be overtaken, and look themselves.
            flow.passes(frame.sequence);
        }
        let damage = frame.damage.clone();
        let way = self.departure.map(|departure| (departure, to, self.left));
        let seen = way.is_some_and(|way| self.swapchain.hand_over(self.index, frame, way));
        flow.unseen = if seen { nowhere() } else { damage };
    }

    fn receiver(&self) -> Receiver {
        match self.departure {
            None => Receiver::Nobody,
            Some(Departure::At(_)) => Receiver::Host,
            Some(Departure::Copied(_) | Departure::Looked { .. }) => Receiver::Copier,
        }
    }
}

impl Swapchain {
    /// Where the next picture may differ from what the host got last: it is `damage` against the one before
    /// it, and pictures of which the host `missed` so much went before.
    fn damage(&self, flow: &mut Flow, damage: &Damage, missed: Option<Damage>) -> Damage {
        if !flow.is_of(self.key) {
            // What another swapchain has shown was asked for.
            self.stream.hint.end();
        }
        let damage = flow.damage(self.key, damage);
        missed.map_or(damage.clone(), |missed| missed.join(&damage))
    }

    /// Sends the picture in image `index`, or lets the thread do so. `false`: the host will not have it.
    fn hand_over(
        &self,
        index: usize,
        frame: FrameMessage,
        (departure, to, left): (Departure, Receiver, (Duration, Duration)),
    ) -> bool {
        let sequence = frame.sequence;
        let sent = match departure {
            Departure::At(acquire) if to == Receiver::Host => self.send(index, frame, acquire),
            Departure::At(acquire) => self.push(index, frame, Task::Send(acquire)),
            Departure::Looked { drawn, with, acquire } => {
                self.push(index, frame, Task::Look { drawn, with, acquire })
            }
            Departure::Copied(drawn) => self.copy(index, frame, drawn),
        };
        if sent {
            // Put into words only now that the picture is on its way.
            trace::took_for("submit", sequence, left);
        } else {
            self.rotation.release(index, sequence, Fences::new());
            self.rotation.tell(sequence);
        }
        sent
    }

    /// Sends the picture in image `index`. `false`: the host does not have it.
    fn send(&self, index: usize, frame: FrameMessage, acquire: SyncPoint) -> bool {
        let (image, sequence) = (&self.images[index], frame.sequence);
        let parcel = Parcel {
            stream: &self.stream,
            image: image.key(),
            rotation: &self.rotation,
            index,
            frame,
            acquire,
        };
        let sent = self.outlet.send(parcel, || image.export(&self.plan));
        if sent {
            trace::step("sent", sequence);
        }
        sent
    }

    /// Lets the picture in image `index` be copied and sent once `drawn` signals. `false`: it will
    /// not be.
    fn copy(&self, index: usize, frame: FrameMessage, drawn: Arc<Fence>) -> bool {
        let Ok(Some(staging)) = self.images[index].staging(&self.plan) else { return false };
        self.push(index, frame, Task::Copy(drawn, Arc::clone(staging)))
    }

    /// Lets the thread do `task` with the picture in image `index`. `false`: there is none.
    fn push(&self, index: usize, frame: FrameMessage, task: Task) -> bool {
        let job = Job {
            task,
            stream: Arc::clone(&self.stream),
            image: Arc::clone(&self.images[index]),
            plan: Arc::clone(&self.plan),
            rotation: Arc::clone(&self.rotation),
            index,
            frame,
            outlet: self.outlet.clone(),
            looks: Arc::clone(&self.looks),
        };
        self.copy_with("the host misses pictures", |copier| copier.push(job))
    }
}

fn nowhere() -> Damage {
    Damage::Rects(Default::default())
}

/// The worse of two results: an error before `SUBOPTIMAL`, a lost device before a lost surface
/// before one that is out of date.
fn worse(a: vk::Result, b: vk::Result) -> vk::Result {
    let rank = |result| match result {
        vk::Result::SUCCESS => 0,
        vk::Result::SUBOPTIMAL_KHR => 1,
        vk::Result::ERROR_OUT_OF_DATE_KHR => 2,
        vk::Result::ERROR_SURFACE_LOST_KHR => 3,
        vk::Result::ERROR_DEVICE_LOST => 5,
        _ => 4,
    };
    if rank(b) > rank(a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_result_is_returned() {
        let (ok, old) = (vk::Result::SUCCESS, vk::Result::ERROR_OUT_OF_DATE_KHR);
        assert_eq!(worse(vk::Result::SUBOPTIMAL_KHR, ok), vk::Result::SUBOPTIMAL_KHR);
        assert_eq!(worse(ok, old), old);
        assert_eq!(worse(vk::Result::ERROR_DEVICE_LOST, old), vk::Result::ERROR_DEVICE_LOST);
    }
}
