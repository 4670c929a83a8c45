//! What a virtual card puts out, by its checksum: vkms computes one of every picture that it shows.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a checksum may take to come.
const LIMIT: Duration = Duration::from_secs(20);

/// The debug folder of a card. Only root sees it.
///
/// # Panics
///
/// When there is no such device.
pub fn debug_folder(card: &Path) -> PathBuf {
    let number = rustix::fs::minor(fs::metadata(card).expect("a device").rdev());
    PathBuf::from(format!("/sys/kernel/debug/dri/{number}"))
}

/// The checksums of the pictures that a card puts out from now on, one for each vblank, whose CRTC is on.
///
/// # Panics
///
/// When the kernel does not tell them.
pub fn checksums(card: &Path) -> impl Iterator<Item = u32> + use<> {
    let folder = debug_folder(card).join("crtc-0/crc");
    fs::write(folder.join("control"), "auto").expect("a kernel that tells checksums");
    let data = File::open(folder.join("data")).expect("a CRTC that is on");
    BufReader::new(data).lines().map(|line| {
        let line = line.expect("a checksum");
        let crc = line.split_whitespace().nth(1).unwrap_or_default().trim_start_matches("0x");
        u32::from_str_radix(crc, 16).expect("a number")
    })
}

/// What the kernel says that a card shows: who made it, its size, and the mode.
///
/// # Panics
///
/// When it does not tell.
pub fn state(card: &Path) -> String {
    let state = fs::read_to_string(debug_folder(card).join("state")).expect("a state");
    let told = ["allocated by", "size=", "mode:", "active="];
    let lines = state.lines().map(str::trim);
    let lines = lines.filter(|line| told.iter().any(|word| line.starts_with(word)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Waits until the card puts out a picture whose checksum is `expected`.
///
/// # Errors
///
/// The last one that it put out, if it does not.
///
/// # Panics
///
/// As [`checksums`].
pub fn wait_for(card: &Path, expected: u32) -> Result<(), u32> {
    let (begin, mut last) = (Instant::now(), 0);
    for checksum in checksums(card) {
        last = checksum;
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
pub fn of(pixels: impl Iterator<Item = [u8; 4]>) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| (0..8).fold(byte, |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1))))
        .collect();
    pixels.fold(0, |crc, [blue, green, red, _]| {
        [255, red, green, blue].into_iter().fold(crc, |crc, byte| {
            (0..2).fold(crc, |crc, _| (crc >> 8) ^ table[((crc as u8) ^ byte) as usize])
        })
    })
}
