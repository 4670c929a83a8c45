//! What runs with the stand-ins in its process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use zerohop_cuda::Pitched;
use zerohop_frame::{Color, Extent, Fourcc};
use zerohop_nvenc::{
    Codec, Coded, Encoder, Error, Format, How, Input, Rate, Refresh, Session, Settings, Status,
    Version,
};

use crate::scene::{Anything, CORNER, REGION, SIZE, encoder, grey, picture, settings, stream};
use crate::stage::Outcome;

/// The next packet, within two seconds.
fn next(encoder: &mut Encoder<u32>) -> Anything<Coded<u32>> {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        if let Some(coded) = encoder.poll()? {
            return Ok(coded);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err("no packet".into())
}

/// Three images in turn, registered once each.
fn ring(
    encoder: &Encoder<u32>,
    stream: &zerohop_cuda::Stream,
    linear: bool,
) -> Anything<Vec<Arc<Input>>> {
    let input = |number| {
        let picture = picture(stream, (Fourcc::XRGB8888, SIZE), number, linear)?;
        Ok(encoder.register(picture, SIZE)?)
    };
    (0..3).map(input).collect()
}

fn encodes(linear: bool) -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let inputs = ring(&encoder, &stream, linear)?;
    let heard = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&heard);
    encoder.on_packet(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    for number in 0..30_u32 {
        let input = &inputs[number as usize % 3];
        encoder.encode(input, u64::from(number) + 1, How::default(), number)?;
        let coded = next(&mut encoder)?;
        assert_eq!((coded.token, coded.key), (number, number == 0), "in order");
        assert!(coded.data.starts_with(&[0, 0, 0, 1]), "Annex B");
    }
    encoder.flush()?;
    assert!(encoder.poll()?.is_none());
    assert_eq!(heard.load(Ordering::Relaxed), 30, "told of each");
    Ok(())
}

pub(crate) fn arrays() -> Outcome {
    encodes(false)
}

pub(crate) fn pointers() -> Outcome {
    encodes(true)
}

/// More pictures on their way than the encoder has room for, and none of them waited for.
pub(crate) fn pipelined() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let picture = |number| picture(&stream, (Fourcc::XRGB8888, SIZE), number, false);
    let inputs: Vec<_> = (0..12)
        .map(|number| Ok(encoder.register(picture(number)?, SIZE)?))
        .collect::<Anything<_>>()?;
    for (number, input) in (0_u32..).zip(&inputs) {
        let key = number == 7;
        encoder.encode(input, number.into(), How { key, refresh: None }, number)?;
    }
    encoder.flush()?;
    let mut tokens = Vec::new();
    while let Some(coded) = encoder.poll()? {
        assert_eq!(coded.key, [0, 7].contains(&coded.token));
        tokens.push(coded.token);
    }
    assert_eq!(tokens, Vec::from_iter(0..12));
    Ok(())
}

pub(crate) fn planes() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::NV12)?;
    let input = encoder.register(grey(&stream, 77)?, SIZE)?;
    encoder.encode(&input, 1, How::default(), 0)?;
    assert!(next(&mut encoder)?.key);
    Ok(())
}

/// A region of a picture, cropped on the stream to a surface of its own.
fn cropped(linear: bool) -> Outcome {
    let stream = stream()?;
    let (rows, row) = (REGION.height as usize, REGION.width as usize * 4);
    let settings = Settings { extent: REGION, ..settings(Codec::H264) };
    let format = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
    let mut encoder: Encoder<u32> = Session::open(&stream)?.start(settings, format)?;
    let whole = picture(&stream, (Fourcc::XRGB8888, SIZE), 3, linear)?;
    let part = Arc::new(Pitched::new(stream.device(), row, rows)?);
    let (x, y) = CORNER;
    stream.crop(&whole, (x * 4, y), &part)?;
    let beyond = stream.crop(&whole, (SIZE.width as usize * 4 - row + 4, 0), &part);
    assert!(beyond.is_err(), "past the right edge");
    let input = encoder.register(Arc::clone(&part) as _, REGION)?;
    encoder.encode(&input, 1, How::default(), 0)?;
    assert!(next(&mut encoder)?.key);
    let _ = stream.submit()?;
    Ok(())
}

pub(crate) fn cropped_array() -> Outcome {
    cropped(false)
}

pub(crate) fn cropped_pointer() -> Outcome {
    cropped(true)
}

/// Smaller, larger, with other bits: all in the same session.
pub(crate) fn resizes() -> Outcome {
    let stream = stream()?;
    let rate = Rate::Constant { bits: 1_000_000, buffer: None };
    let first = Settings { rate, ..settings(Codec::H264) };
    let format = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
    let mut encoder: Encoder<u32> = Session::open(&stream)?.start(first, format)?;
    let mut stamp = 0;
    for (number, (width, height)) in [(160, 96), (320, 192), (64, 64)].into_iter().enumerate() {
        let extent = Extent { width, height };
        assert!(encoder.reconfigure(Settings { extent, ..first })?);
        let input = encoder.register(
            picture(&stream, (Fourcc::XRGB8888, extent), number as u32, false)?,
            extent,
        )?;
        for again in 0..2 {
            stamp += 1;
            encoder.encode(&input, stamp, How::default(), 0)?;
            assert_eq!(next(&mut encoder)?.key, again == 0, "a new size starts anew");
        }
    }
    let extent = Extent { width: 64, height: 64 };
    let rate = Rate::Constant { bits: 2_000_000, buffer: None };
    assert!(encoder.reconfigure(Settings { extent, rate, ..first })?);
    assert_eq!(encoder.settings().rate, rate);
    let larger = Extent { width: 322, height: 192 };
    assert!(!encoder.reconfigure(Settings { extent: larger, rate, ..first })?, "too large");
    assert!(!encoder.reconfigure(Settings { codec: Codec::Hevc, extent, rate, ..first })?);
    Ok(())
}

/// A chip that cannot change its size says so, and keeps its own.
pub(crate) fn keeps_its_size() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    assert_eq!(encoder.settings().most, SIZE, "no memory for more");
    let extent = Extent { width: 64, height: 64 };
    assert!(!encoder.reconfigure(Settings { extent, ..settings(Codec::H264) })?);
    Ok(())
}

/// Each version of the API is spoken as its header has it.
pub(crate) fn every_codec() -> Outcome {
    let stream = stream()?;
    let codecs = Session::open(&stream)?.codecs()?;
    for codec in codecs {
        let mut encoder = encoder(&stream, codec, Fourcc::ABGR8888)?;
        let input =
            encoder.register(picture(&stream, (Fourcc::ABGR8888, SIZE), 0, false)?, SIZE)?;
        encoder.encode(&input, 1, How::default(), 0)?;
        assert!(next(&mut encoder)?.key, "{codec}");
    }
    Ok(())
}

pub(crate) fn ten_bits() -> Outcome {
    let stream = stream()?;
    for codec in [Codec::Hevc, Codec::Av1] {
        let settings = Settings { ten_bits: true, ..settings(codec) };
        let format = Format::of(Fourcc::XRGB2101010).ok_or("no format")?;
        let mut encoder: Encoder<u32> = Session::open(&stream)?.start(settings, format)?;
        let picture = picture(&stream, (Fourcc::XRGB2101010, SIZE), 0, false)?;
        let input = encoder.register(picture, SIZE)?;
        encoder.encode(&input, 1, How::default(), 0)?;
        assert!(next(&mut encoder)?.key, "{codec}");
    }
    let settings = Settings { ten_bits: true, ..settings(Codec::H264) };
    let format = Format::of(Fourcc::XRGB2101010).ok_or("no format")?;
    let refused = Session::open(&stream)?.start::<u32>(settings, format).err();
    assert!(matches!(refused, Some(Error::Unsupported { what: "10 bits", .. })), "{refused:?}");
    Ok(())
}

pub(crate) fn refreshes() -> Outcome {
    let stream = stream()?;
    let refresh = Some(Refresh { period: 30, pictures: 10 });
    for codec in Codec::ALL {
        let settings = Settings { refresh, ..settings(codec) };
        let format = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
        let session = Session::open(&stream)?;
        if session.version() < Version::V12_0 && codec == Codec::Av1 {
            continue;
        }
        let mut encoder: Encoder<u32> = session.start(settings, format)?;
        let input =
            encoder.register(picture(&stream, (Fourcc::XRGB8888, SIZE), 0, false)?, SIZE)?;
        encoder.encode(&input, 1, How { key: false, refresh: Some(5) }, 0)?;
        next(&mut encoder)?;
    }
    Ok(())
}

fn refused<T>(of: Result<T, Error>) -> Anything<Error> {
    of.err().ok_or_else(|| "it works".into())
}

pub(crate) fn no_chip() -> Outcome {
    let err = refused(Session::open(&stream()?))?;
    assert!(matches!(err, Error::NoEncoder { status: Status(2), .. }), "{err:?}");
    let said = err.to_string();
    assert!(said.ends_with("has no video encoder: NV_ENC_ERR_UNSUPPORTED_DEVICE (2)"), "{said}");
    Ok(())
}

pub(crate) fn too_old() -> Outcome {
    let err = refused(Session::open(&stream()?))?;
    let said = "the driver speaks NVENC 11.0, at least 11.1 is needed (driver 470.57)";
    assert_eq!(err.to_string(), said);
    Ok(())
}

pub(crate) fn oldest() -> Outcome {
    assert_eq!(Session::open(&stream()?)?.version(), Version::V11_1);
    every_codec()
}

pub(crate) fn older() -> Outcome {
    assert_eq!(Session::open(&stream()?)?.version(), Version::V12_0);
    every_codec()?;
    // AV1 and HEVC have their depths elsewhere than in 13.0; size and bits change elsewhere too.
    ten_bits()?;
    resizes()
}

pub(crate) fn between() -> Outcome {
    assert_eq!(Session::open(&stream()?)?.version(), Version::V12_1);
    every_codec()?;
    ten_bits()?;
    resizes()
}

pub(crate) fn one_codec() -> Outcome {
    let session = Session::open(&stream()?)?;
    let said = refused(session.caps(Codec::H264))?.to_string();
    assert!(said.ends_with("does not encode H.264; it encodes HEVC"), "{said}");
    Ok(())
}

pub(crate) fn limit() -> Outcome {
    let stream = stream()?;
    let first = Session::open(&stream)?;
    let said = refused(Session::open(&stream))?.to_string();
    assert!(said.contains("NV_ENC_ERR_OUT_OF_MEMORY (10) (GeForce drivers"), "{said}");
    drop(first);
    Session::open(&stream)?;
    Ok(())
}

pub(crate) fn lost() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let inputs = ring(&encoder, &stream, false)?;
    encoder.encode(&inputs[0], 1, How::default(), 0)?;
    encoder.encode(&inputs[1], 2, How::default(), 1)?;
    encoder.flush()?;
    let err = refused(encoder.encode(&inputs[2], 3, How::default(), 2))?;
    assert!(err.is_lost(), "{err}");
    let said = err.to_string();
    let wanted = "could not encode picture 2: NV_ENC_ERR_DEVICE_NOT_EXIST (5): the device is gone";
    assert_eq!(said, wanted);
    Ok(())
}

pub(crate) fn no_rgb() -> Outcome {
    let stream = stream()?;
    let caps = Session::open(&stream)?.caps(Codec::H264)?;
    let argb = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
    assert!(!caps.reads(argb) && caps.reads(Format::of(Fourcc::NV12).ok_or("no format")?));
    let encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let picture = picture(&stream, (Fourcc::XRGB8888, SIZE), 0, false)?;
    let said = refused(encoder.register(picture, SIZE))?.to_string();
    assert!(said.contains("register ARGB 160x96"), "{said}");
    assert!(said.ends_with("(12): the chip reads no ARGB"), "{said}");
    Ok(())
}

pub(crate) fn busy() -> Outcome {
    arrays()
}

pub(crate) fn extents() -> Outcome {
    let stream = stream()?;
    let format = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
    for (width, height) in [(30, 96), (802, 96)] {
        let extent = Extent { width, height };
        let settings = Settings { extent, most: extent, ..settings(Codec::H264) };
        let said = refused(Session::open(&stream)?.start::<()>(settings, format))?.to_string();
        let wanted = format!("the encoder takes H.264 from 32x16 to 800x600, not {width}x{height}");
        assert_eq!(said, wanted);
    }
    Ok(())
}

/// What is too small for the picture never reaches the library.
pub(crate) fn misfits() -> Outcome {
    let stream = stream()?;
    let encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let picture = picture(&stream, (Fourcc::XRGB8888, SIZE), 0, false)?;
    let extent = Extent { height: SIZE.height + 2, ..SIZE };
    let said = refused(encoder.register(picture, extent))?.to_string();
    let wanted = "a surface of 96 rows of 640 bytes, 640 apart, holds no ARGB of 160x98";
    assert_eq!(said, wanted);
    Ok(())
}

/// A chip that does not answer ends in an error, and nobody waits for it at the end.
pub(crate) fn stalled() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let inputs = ring(&encoder, &stream, false)?;
    encoder.encode(&inputs[0], 1, How::default(), 0)?;
    assert_eq!(refused(encoder.flush())?.to_string(), "the encoder gave no bitstream for 2000 ms");
    drop(encoder);
    // The chip may read it for ever, so nothing is given back: see the report of the stand-in.
    std::process::exit(0);
}

/// It is told to look at nothing ahead. If it does, the stream ends with what it has taken.
pub(crate) fn ahead() -> Outcome {
    let stream = stream()?;
    let mut encoder = encoder(&stream, Codec::H264, Fourcc::XRGB8888)?;
    let inputs = ring(&encoder, &stream, false)?;
    encoder.encode(&inputs[0], 1, How::default(), 0)?;
    next(&mut encoder)?;
    let err = refused(encoder.encode(&inputs[1], 2, How::default(), 1))?;
    assert!(matches!(err, Error::Deferred { picture: 1 }) && err.is_lost(), "{err:?}");
    assert!(err.to_string().contains("asked for no look-ahead"), "{err}");
    assert_eq!(next(&mut encoder)?.token, 1);
    Ok(())
}

/// A token as a picture is one: it tells when it is dropped.
struct Home(Sender<()>);

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// The encoder goes while the chip still reads: the picture does not come home before it is done.
pub(crate) fn slow() -> Outcome {
    let stream = stream()?;
    let format = Format::of(Fourcc::XRGB8888).ok_or("no format")?;
    let mut encoder: Encoder<Home> =
        Session::open(&stream)?.start(settings(Codec::H264), format)?;
    let picture = picture(&stream, (Fourcc::XRGB8888, SIZE), 0, false)?;
    let input = encoder.register(picture, SIZE)?;
    let (home, came) = channel();
    encoder.encode(&input, 1, How::default(), Home(home))?;
    drop(input);
    drop(encoder);
    assert_eq!(came.try_recv().err(), Some(TryRecvError::Empty), "it went home while it was read");
    came.recv_timeout(Duration::from_secs(20))?;
    // The thread lets go of the session after that.
    std::thread::sleep(Duration::from_millis(200));
    Ok(())
}

/// A stream's labels are what it was told, and what RGB becomes.
pub(crate) fn labels() -> Outcome {
    let stream = stream()?;
    let format = Format::of(Fourcc::NV12).ok_or("no format")?;
    let color = Color::BT709;
    let settings = Settings { color: Settings::converted(color), ..settings(Codec::H264) };
    let encoder: Encoder<u32> = Session::open(&stream)?.start(settings, format)?;
    assert_eq!(encoder.settings().color, color, "Y'CbCr stays what it is");
    Ok(())
}
