//! Every format, size and shape, read in every way there is.
#![allow(dead_code, reason = "each program that includes this uses its own part")]

use std::sync::Arc;

use zerohop_frame::{Extent, Fourcc};
use zerohop_vulkan::{Buffer, Error, Image, Plane, Recording, Way, read_back};

use crate::common::{Machine, frame};
use crate::picture::{FEW, FORMATS, Make, Picture, SHAPES, shm};

/// The smallest, odd, even, wide.
pub(crate) const SIZES: [(u32, u32); 5] = [(1, 1), (7, 5), (64, 48), (130, 6), (33, 17)];

/// Reads the picture in every way there is: in place where the CPU can, and through the device.
pub(crate) fn check(
    machine: &Machine,
    picture: &Picture,
    image: Image,
    what: &str,
) -> Result<(), Error> {
    let image = Arc::new(image);
    let planes: u64 = image.planes().iter().map(Plane::bytes).sum();
    assert_eq!((image.bytes(), planes), (picture.planes.len() as u64, image.bytes()), "{what}");
    let read = read_back(&machine.queue, &frame(&picture.buffer, &Arc::default()), &image)?;
    assert!(read.bytes == picture.planes, "{what}: {:?}", first(&read.bytes, &picture.planes));
    for (places, size) in [image.tight(), image.padded()] {
        let copy = Arc::new(Buffer::read_back(&machine.device, size)?);
        let mut recording = Recording::begin(&machine.queue)?;
        recording.read(&frame(&picture.buffer, &Arc::default()), &image)?;
        recording.copy_out_to(&image, &copy, &places);
        let _ = recording.submit_and_wait()?;
        let mut found = Vec::new();
        for (plane, place) in image.planes().iter().zip(places) {
            for y in 0..u64::from(plane.extent().height) {
                let mut row = vec![0; plane.row_bytes()];
                let start = u64::from(place.offset) + y * u64::from(place.stride);
                copy.read_into(start, &mut row);
                found.extend(row);
            }
        }
        assert!(found == picture.planes, "{what}: {:?}", first(&found, &picture.planes));
    }
    Ok(())
}

pub(crate) fn first(found: &[u8], expected: &[u8]) -> Option<(usize, u8, u8)> {
    let mut both = found.iter().zip(expected).enumerate();
    both.find(|(_, (a, b))| a != b).map(|(at, (a, b))| (at, *a, *b))
}

pub(crate) fn sizes(make: Make) -> &'static [(u32, u32)] {
    if std::ptr::fn_addr_eq(make, shm as Make) { &SIZES } else { &FEW }
}

/// Every format, size and shape by the first of `ways` that takes it; how many there were.
pub(crate) fn each(machine: &Machine, make: Make, ways: &[Way]) -> Result<Vec<Way>, Error> {
    let mut came = Vec::new();
    let sizes = sizes(make);
    for name in FORMATS {
        let fourcc = Fourcc(u32::from_le_bytes(*name));
        for &(width, height) in sizes {
            for shape in SHAPES {
                let extent = Extent { width, height };
                let picture = Picture::new(fourcc, extent, shape, make);
                let what = format!("{fourcc} {width}x{height} {shape:?} as {ways:?}");
                match Image::import_by(&machine.device, &picture.buffer, ways) {
                    Ok(image) => {
                        came.push(image.way());
                        check(machine, &picture, image, &what)?;
                    }
                    Err(err) => assert!(is_expected(&err, &picture), "{what}: {err}: {err:?}"),
                }
            }
        }
    }
    Ok(came)
}

/// Whether the way is not for this picture, or the device does not know the format.
pub(crate) fn is_expected(err: &Error, picture: &Picture) -> bool {
    let descriptor = picture.buffer.descriptor();
    let odd = descriptor.extent.width % 2 + descriptor.extent.height % 2 > 0;
    match err {
        Error::Odd(_) => odd,
        Error::Unsupported(why) => {
            why.ends_with("by the ways that were asked for")
                || *why == "planes in several memory objects as one"
        }
        Error::Modifier { known, .. } => known == "none",
        Error::Format(_) | Error::MemoryPlanes { .. } | Error::NotImportable { .. } => true,
        Error::Feature { feature, .. } => *feature == "DISJOINT",
        _ => false,
    }
}
