//! What a picture costs the processor in a host that does nothing with it: a thread that hears a message
//! and answers it, and one that has the device do something in between, by commands that were recorded
//! before.
//!
//! `floor RATE SECONDS` prints a line of JSON, in microseconds of that thread for each message. With a
//! rate of 0 each message follows the answer to the one before.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use zerohop_frame::{BoxError, Extent, Fourcc, Frame};
use zerohop_vulkan::{
    Device, DeviceChoice, Image, Instance, InstanceOptions, PixelFormat, Prepared, Queue, opaque_of,
};

mod still;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Messages that are not counted.
const WARM: u32 = 20;

fn main() -> Result<(), BoxError> {
    let mut words = std::env::args().skip(1);
    let rate: u32 = words.next().ok_or("a rate in Hz, or 0")?.parse()?;
    let seconds: f64 = words.next().map_or(Ok(2.0), |seconds| seconds.parse())?;
    let asks = Asks { rate, lasting: Duration::from_secs_f64(seconds) };
    let (mut prepared, frame) = prepared()?;
    let answers = asks.cost(|| Ok(()))?;
    let submits = asks.cost(|| Ok(prepared.run(&frame)?))?;
    println!("{{\"answers_us\": {:.1}, \"submits_us\": {:.1}}}", micros(answers), micros(submits));
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Somebody who sends messages.
struct Asks {
    rate: u32,
    lasting: Duration,
}

impl Asks {
    /// The processor's time of a thread for each message that it hears, does `work` for and answers.
    fn cost(
        &self,
        mut work: impl FnMut() -> Result<(), BoxError> + Send,
    ) -> Result<Duration, BoxError> {
        let (here, there) = UnixDatagram::pair()?;
        here.set_read_timeout(Some(PATIENCE))?;
        there.set_read_timeout(Some(PATIENCE))?;
        thread::scope(|scope| {
            let host = scope.spawn(move || answer(&there, &mut work));
            self.ask(&here)?;
            // An empty message: it was the last.
            here.send(&[])?;
            host.join().map_err(|_| "the thread that answers has panicked")?
        })
    }

    fn ask(&self, socket: &UnixDatagram) -> Result<(), BoxError> {
        let begin = Instant::now();
        for message in 0.. {
            if begin.elapsed() >= self.lasting && message > WARM {
                break;
            }
            if let Some(period) = Duration::from_secs(1).checked_div(self.rate) {
                let due = begin + period * message;
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            socket.send(&[0])?;
            socket.recv(&mut [0])?;
        }
        Ok(())
    }
}

fn answer(
    socket: &UnixDatagram,
    work: &mut impl FnMut() -> Result<(), BoxError>,
) -> Result<Duration, BoxError> {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let (mut before, mut messages) = (Duration::ZERO, 0);
    while socket.recv(&mut [0])? > 0 {
        if messages == WARM {
            before = used();
        }
        messages += 1;
        work()?;
        socket.send(&[0])?;
    }
    let counted = messages.checked_sub(WARM).filter(|counted| *counted > 0);
    Ok(used().saturating_sub(before) / counted.ok_or("too few messages")?)
}

/// Commands that take a small picture and give it back, and such a picture.
fn prepared() -> Result<(Prepared, Arc<Frame>), BoxError> {
    let instance = Instance::new(InstanceOptions::default())?;
    let device = Device::open(&DeviceChoice::Any.pick(&instance)?)?;
    let format = PixelFormat::of(Fourcc::XRGB8888)?;
    let extent = Extent { width: 64, height: 64 };
    let image = Arc::new(Image::create(&device, extent, format, &opaque_of(format))?);
    let prepared = Prepared::new(&Queue::new(&device), &image, |_| Ok::<_, BoxError>(()))?;
    Ok((prepared, Arc::new(still::frame(&image)?)))
}
