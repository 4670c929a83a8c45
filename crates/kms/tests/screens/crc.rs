//! What a virtual card puts out, by its checksum: vkms computes one of every picture that it shows.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a checksum may take to come.
const LIMIT: Duration = Duration::from_secs(20);

/// The debug folder of a card.
pub(crate) fn debug_folder(card: &Path) -> PathBuf {
    let number = rustix::fs::minor(fs::metadata(card).unwrap().rdev());
    PathBuf::from(format!("/sys/kernel/debug/dri/{number}"))
}

/// Waits until the card puts out a picture whose checksum is `expected`. The last one that it put
/// out, if it does not.
pub(crate) fn wait_for(card: &Path, expected: u32) -> Result<(), u32> {
    let folder = debug_folder(card).join("crtc-0/crc");
    fs::write(folder.join("control"), "auto").unwrap();
    let lines = BufReader::new(File::open(folder.join("data")).unwrap()).lines();
    let begin = Instant::now();
    let mut last = 0;
    for line in lines {
        let line = line.unwrap();
        let crc = line.split_whitespace().nth(1).unwrap().trim_start_matches("0x");
        last = u32::from_str_radix(crc, 16).unwrap();
        if last == expected {
            return Ok(());
        }
        if begin.elapsed() > LIMIT {
            break;
        }
    }
    Err(last)
}

/// The checksum that vkms computes of rows of opaque `pixels`, B, G, R and anything.
///
/// `compute_crc` in `drivers/gpu/drm/vkms/vkms_composer.c`: `crc32_le` from 0 on over each row of
/// 16-bit numbers alpha, red, green, blue; 8 bits become 16 by multiplication with 257.
pub(crate) fn of(pixels: impl Iterator<Item = [u8; 4]>) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| (0..8).fold(byte, |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))))
        .collect();
    pixels.fold(0, |crc, [blue, green, red, _]| {
        [255, red, green, blue].into_iter().fold(crc, |crc, byte| {
            (0..2).fold(crc, |crc, _| (crc >> 8) ^ table[((crc as u8) ^ byte) as usize])
        })
    })
}
