//! What a program does that has its pictures in memory of its own: copies each into a buffer of the
//! card, and shows that. `canvas SCREEN COUNT` prints pictures a second and CPU milliseconds each.

use std::error::Error;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};
use zerohop_frame::{Damage, Fourcc, Frame, FrameInfo, Recycle, Release, SyncPoint};
use zerohop_kernel::clock_monotonic;
use zerohop_kms::Screen;

struct Nobody;

impl Recycle for Nobody {
    fn recycle(&self, _: Release) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let mut screen = Screen::open(&words.next().unwrap_or_default().parse()?)?;
    let count: u64 = words.next().map_or(Ok(100), |word| word.parse())?;
    let extent = screen.mode().extent();
    let mut canvases = Vec::new();
    for _ in 0..3 {
        canvases.push(screen.canvas(extent, Fourcc::XRGB8888)?);
    }
    let picture = vec![0x7f; extent.width as usize * extent.height as usize * 4];
    let (begin, busy) = (Instant::now(), cpu());
    for sequence in 1..=count {
        let place = usize::try_from(sequence % 3)?;
        let stride = canvases[place].stride();
        let rows = canvases[place].bytes_mut().chunks_exact_mut(stride);
        for (to, from) in rows.zip(picture.chunks_exact(extent.width as usize * 4)) {
            to[..from.len()].copy_from_slice(from);
        }
        let now = clock_monotonic();
        let info = FrameInfo { sequence, timestamp: now, presented: now, damage: Damage::Unknown };
        let buffer = Arc::clone(canvases[place].buffer());
        let frame = Frame::new(buffer, info, SyncPoint::Signaled, Arc::new(Nobody));
        screen.show(Arc::new(frame))?;
        while screen.poll_event()?.is_none() {
            let left = screen.deadline().map(|at| at.saturating_sub(clock_monotonic()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let card = PollFd::from_borrowed_fd(screen.as_fd(), PollFlags::IN);
            poll(&mut [card], timeout.as_ref())?;
        }
    }
    let rate = count as f64 / begin.elapsed().as_secs_f64();
    let cost = (cpu() - busy).as_secs_f64() * 1000.0 / count as f64;
    println!("{rate:.2} {cost:.3}");
    Ok(())
}

/// What this process has used of a CPU.
fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
