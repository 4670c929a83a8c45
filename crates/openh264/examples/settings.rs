//! What OpenH264's settings cost and give, on pictures like those it is used for.
//!
//! `cargo run --release -p zerohop-openh264 --example settings [FILE.yuv WIDTH HEIGHT]`
//!
//! Encodes raw YU12 pictures (or, without a file, a scene drawn here) with one setting changed at a
//! time, and prints the processor time and the bits per picture and the PSNR of luma. A file comes
//! from, say, `ffmpeg -f x11grab -framerate 60 -i :0 -t 5 -pix_fmt yuv420p FILE.yuv`.

use std::env;
use std::error::Error;
use std::time::Duration;

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use rustix::time::{ClockId, clock_gettime};
use zerohop_frame::{Color, Extent};
use zerohop_openh264::{Complexity, Content, Encoder, Picture, Rate, Settings};

/// What `zerohop-encode` asks for, at its default quality.
fn chosen(extent: Extent) -> Settings {
    Settings {
        extent,
        color: Color::BT709,
        hertz: 60,
        rate: Rate::Quantizer(24),
        content: Content::Camera,
        complexity: Complexity::Low,
        loop_filter: false,
        arithmetic: false,
        background: false,
        threads: 1,
    }
}

/// One change to [`chosen`].
type Change = fn(&mut Settings);

const CHANGES: [(&str, Change); 11] = [
    ("as chosen", |_| {}),
    ("quantizer 20", |settings| settings.rate = Rate::Quantizer(20)),
    ("quantizer 28", |settings| settings.rate = Rate::Quantizer(28)),
    ("loop filter", |settings| settings.loop_filter = true),
    ("arithmetic coding", |settings| settings.arithmetic = true),
    ("screen content", |settings| settings.content = Content::Screen),
    ("medium complexity", |settings| settings.complexity = Complexity::Medium),
    ("high complexity", |settings| settings.complexity = Complexity::High),
    ("two threads", |settings| settings.threads = 2),
    ("background", |settings| settings.background = true),
    ("4 Mbit/s", |settings| settings.rate = Rate::Bits(4_000_000)),
];

/// Pictures one after the other, packed YU12.
struct Pictures {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let pictures = match &arguments[..] {
        [] => scene(),
        [file, width, height] => {
            let (width, height) = (width.parse()?, height.parse()?);
            Pictures { width, height, bytes: std::fs::read(file)? }
        }
        _ => return Err("usage: settings [FILE.yuv WIDTH HEIGHT]".into()),
    };
    println!("{:<20} {:>10} {:>10} {:>9}", "", "cpu ms", "kbit", "psnr dB");
    for (name, change) in CHANGES {
        let mut settings = chosen(pictures.extent());
        change(&mut settings);
        let (cpu, bits, psnr) = measure(&pictures, &settings)?;
        println!("{name:<20} {:>10.2} {:>10.1} {psnr:>9.2}", cpu.as_secs_f64() * 1e3, bits / 1e3);
    }
    Ok(())
}

/// Processor time, bits and PSNR per picture.
fn measure(
    pictures: &Pictures,
    settings: &Settings,
) -> Result<(Duration, f64, f64), Box<dyn Error>> {
    let mut encoder = Encoder::new(settings)?;
    let mut decoder = Decoder::new()?;
    let (mut cpu, mut bits, mut squares, mut count) = (Duration::ZERO, 0, 0, 0);
    for picture in pictures.bytes.chunks_exact(pictures.size()) {
        let begin = processor_time();
        let packet = encoder.encode(&pictures.planes(picture), Duration::ZERO)?.data;
        cpu += processor_time() - begin;
        bits += packet.len() * 8;
        let decoded = decoder.decode(&packet)?.ok_or("a packet without a picture")?;
        squares += pictures.squares(picture, &decoded);
        count += 1;
    }
    let mean = squares as f64 / (count as usize * pictures.width * pictures.height) as f64;
    Ok((cpu / count, bits as f64 / f64::from(count), 10.0 * (255.0 * 255.0 / mean).log10()))
}

/// What all threads of this process have used.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Pictures {
    fn size(&self) -> usize {
        self.width * self.height * 3 / 2
    }

    fn extent(&self) -> Extent {
        Extent { width: self.width as u32, height: self.height as u32 }
    }

    fn planes<'a>(&self, picture: &'a [u8]) -> Picture<'a> {
        let (luma, chroma) = picture.split_at(self.width * self.height);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        Picture { planes: [luma, u, v], strides: [self.width as u32, self.width as u32 / 2] }
    }

    /// The sum of the squared differences of luma.
    fn squares(&self, picture: &[u8], decoded: &impl YUVSource) -> u64 {
        let rows = picture.chunks(self.width).zip(decoded.y().chunks(decoded.strides().0));
        let codes = rows.take(self.height).flat_map(|(a, b)| a.iter().zip(b));
        codes.map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum()
    }
}

/// 120 pictures of 1280x720: a patterned square that turns before a still gradient.
fn scene() -> Pictures {
    let (width, height) = (1280, 720);
    let mut bytes = Vec::new();
    for n in 0..120 {
        let (sin, cos) = (f64::from(n) * 0.02).sin_cos();
        for at in 0..width * height {
            let (x, y) = ((at % width) as f64 - 640.0, (at / width) as f64 - 360.0);
            let (u, v) = (x * cos - y * sin, x * sin + y * cos);
            let inside = u.abs() < 180.0 && v.abs() < 180.0;
            let ring = ((u * u + v * v).sqrt() / 9.0) as usize % 2;
            let code = if inside { 70 + 90 * ring } else { 50 + at / width / 16 };
            bytes.push(code as u8);
        }
        bytes.resize(bytes.len() + width * height / 2, 128);
    }
    Pictures { width, height, bytes }
}
