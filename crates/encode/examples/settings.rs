//! What OpenH264's settings cost and give, on pictures like those it is used for.
//!
//! `cargo run --release -p zerohop-encode --example settings [FILE.yuv WIDTH HEIGHT]`
//!
//! Encodes raw YU12 pictures (or, without a file, a scene drawn here) with one setting changed at a
//! time, and prints the processor time and the bits per picture and the PSNR of luma. A file comes
//! from, say, `ffmpeg -f x11grab -framerate 60 -i :0 -t 5 -pix_fmt yuv420p FILE.yuv`.

use std::env;
use std::error::Error;
use std::time::Duration;

use openh264::decoder::Decoder;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, QpRange, RateControlMode,
    UsageType,
};
use openh264::formats::{YUVSlices, YUVSource};
use openh264::{OpenH264API, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// What the crate asks for by default.
fn chosen() -> EncoderConfig {
    EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .complexity(Complexity::Low)
        .num_threads(1)
        .scene_change_detect(false)
        .adaptive_quantization(false)
        .background_detection(false)
        .max_frame_rate(FrameRate::from_hz(60.0))
        .rate_control_mode(RateControlMode::Bufferbased)
        .qp(QpRange::new(24, 24))
}

/// One change to [`chosen`].
type Change = fn(EncoderConfig) -> EncoderConfig;

const CHANGES: [(&str, Change); 11] = [
    ("as chosen", |config| config),
    ("quantizer 20", |config| config.qp(QpRange::new(20, 20))),
    ("quantizer 28", |config| config.qp(QpRange::new(28, 28))),
    ("screen content", |config| config.usage_type(UsageType::ScreenContentRealTime)),
    ("medium complexity", |config| config.complexity(Complexity::Medium)),
    ("high complexity", |config| config.complexity(Complexity::High)),
    ("two threads", |config| config.num_threads(2)),
    ("scene changes", |config| config.scene_change_detect(true)),
    ("adaptive quantizer", |config| config.adaptive_quantization(true)),
    ("background", |config| config.background_detection(true)),
    ("4 Mbit/s", |config| {
        let config = config.rate_control_mode(RateControlMode::Bitrate).qp(QpRange::new(0, 51));
        config.bitrate(BitRate::from_bps(4_000_000))
    }),
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
        let (cpu, bits, psnr) = measure(&pictures, change(chosen()))?;
        println!("{name:<20} {:>10.2} {:>10.1} {psnr:>9.2}", cpu.as_secs_f64() * 1e3, bits / 1e3);
    }
    Ok(())
}

/// Processor time, bits and PSNR per picture.
fn measure(
    pictures: &Pictures,
    config: EncoderConfig,
) -> Result<(Duration, f64, f64), Box<dyn Error>> {
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
    let mut decoder = Decoder::new()?;
    let (mut cpu, mut bits, mut squares, mut count) = (Duration::ZERO, 0, 0, 0);
    for picture in pictures.bytes.chunks_exact(pictures.size()) {
        let begin = processor_time();
        let packet = loop {
            let packet = encoder.encode_at(&pictures.planes(picture), Timestamp::ZERO)?;
            if packet.frame_type() != FrameType::Skip {
                break packet.to_vec();
            }
        };
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

    fn planes<'a>(&self, picture: &'a [u8]) -> YUVSlices<'a> {
        let (luma, chroma) = picture.split_at(self.width * self.height);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let strides = (self.width, self.width / 2, self.width / 2);
        YUVSlices::new((luma, u, v), (self.width, self.height), strides)
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
