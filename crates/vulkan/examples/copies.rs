//! What it costs to have a picture elsewhere than where it was drawn: in the memory of the process, or in
//! a buffer near the device. What the GPU path is compared to.
//!
//! `copies [WIDTHxHEIGHT [COUNT]]` prints a line of JSON, in microseconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerohop_frame::{BoxError, Extent, Fourcc};
use zerohop_vulkan::{
    Buffer, Device, DeviceChoice, Image, Instance, InstanceOptions, PixelFormat, Queue, Recording,
    opaque_of,
};

mod still;

fn main() -> Result<(), BoxError> {
    let mut words = std::env::args().skip(1);
    let size = words.next().unwrap_or_else(|| "3840x2160".to_owned());
    let (width, height) = size.split_once('x').ok_or("a size is as in 3840x2160")?;
    let extent = Extent { width: width.parse()?, height: height.parse()? };
    let count: usize = words.next().map_or(Ok(200), |count| count.parse())?;

    let instance = Instance::new(InstanceOptions::default())?;
    let device = Device::open(&DeviceChoice::Any.pick(&instance)?)?;
    let queue = Queue::new(&device);
    let format = PixelFormat::of(Fourcc::XRGB8888)?;
    let image = Arc::new(Image::create(&device, extent, format, &opaque_of(format))?);
    let (host, near) = (
        Arc::new(Buffer::read_back(&device, image.bytes())?),
        Arc::new(Buffer::new(&device, image.bytes())?),
    );
    let mut process = vec![0; usize::try_from(image.bytes())?];
    let copy = |buffer| -> Result<(), BoxError> {
        let mut recording = Recording::begin(&queue)?;
        recording.read(&Arc::new(still::frame(&image)?), &image)?;
        recording.copy_out(&image, buffer);
        recording.submit_and_wait()?;
        Ok(())
    };
    let (mut through_cpu, mut on_device) = (Vec::new(), Vec::new());
    for turn in 0..count + 10 {
        let begin = Instant::now();
        copy(&host)?;
        host.read_into(0, &mut process);
        let first = begin.elapsed();
        let begin = Instant::now();
        copy(&near)?;
        // The first ones pay for what is made once.
        if turn >= 10 {
            through_cpu.push(first);
            on_device.push(begin.elapsed());
        }
    }
    println!("{{{}, {}}}", figures("through_cpu", through_cpu), figures("on_device", on_device));
    Ok(())
}

fn figures(name: &str, mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let of = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    let of = |percent| format!("\"{name}_p{percent}\": {:.1}", of(percent).as_secs_f64() * 1e6);
    [50, 95, 99].map(of).join(", ")
}
