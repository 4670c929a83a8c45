//! The shader that looks at pictures against its twin, on whatever device there is, under the
//! validation layer with synchronization validation where it is installed: any message fails a test.
#![allow(unsafe_code, reason = "a device of our own is driven by hand")]

mod codes;
mod easel;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, io};

use ash::vk;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_frame::{BoxError, Extent};
use zerohop_layer_wsi::look::cpu;
use zerohop_needs::absent;
use zerohop_testkit::layers::{self, VALIDATION};
use zerohop_testkit::rig::{Device, DeviceOptions, Instance};

use codes::{Codes, noise};
use easel::Easel;

/// Odd, tiny, whole blocks and cut ones.
const SIZES: [(u32, u32); 5] = [(1, 1), (33, 17), (64, 64), (130, 2), (97, 65)];

/// What images have, and what they are viewed as.
const FORMATS: [(vk::Format, vk::Format); 10] = [
    (vk::Format::B8G8R8A8_UNORM, vk::Format::B8G8R8A8_UNORM),
    (vk::Format::B8G8R8A8_SRGB, vk::Format::B8G8R8A8_UNORM),
    (vk::Format::R8G8B8A8_UNORM, vk::Format::R8G8B8A8_UNORM),
    (vk::Format::A2R10G10B10_UNORM_PACK32, vk::Format::A2R10G10B10_UNORM_PACK32),
    (vk::Format::A2B10G10R10_UNORM_PACK32, vk::Format::A2B10G10R10_UNORM_PACK32),
    (vk::Format::R5G6B5_UNORM_PACK16, vk::Format::R5G6B5_UNORM_PACK16),
    (vk::Format::R16G16B16A16_SFLOAT, vk::Format::R16G16B16A16_SFLOAT),
    (vk::Format::B8G8R8A8_SRGB, vk::Format::R32_UINT),
    (vk::Format::A2B10G10R10_UNORM_PACK32, vk::Format::R32_UINT),
    (vk::Format::R16G16B16A16_SFLOAT, vk::Format::R32G32_UINT),
];

type Test = fn(&Arc<Device>) -> Result<(), BoxError>;

const TESTS: [(&str, Test); 3] = [
    ("every_format_and_size_is_hashed_as_by_the_twin", |device| {
        each(device, hashed_as_by_the_twin)
    }),
    ("one_bit_anywhere_is_found_and_the_same_picture_is_the_same", |device| each(device, one_bit)),
    ("a_nan_is_the_same_as_itself_and_hides_nothing", nan),
];

fn main() -> ExitCode {
    if env::var("VK_INSTANCE_LAYERS").ok().as_deref() != Some(VALIDATION) {
        eprintln!("look: {}", again());
        return ExitCode::FAILURE;
    }
    let device = open();
    let trials = TESTS.map(|(name, test)| {
        let device = device.clone();
        Trial::ignorable_test(name, move || match &device {
            Err(why) => absent("device", why),
            Ok(device) => {
                test(device).map_err(Failed::from)?;
                match &device.instance().messages()[..] {
                    [] => Ok(Completion::Completed),
                    said => Err(format!("{} messages: {}", said.len(), said[0]).into()),
                }
            }
        })
    });
    let mut arguments = Arguments::from_args();
    // What the validation layer says is of one test.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// Begins this program anew, with the validation layer.
fn again() -> io::Error {
    let begin = || {
        let mut again = Command::new(env::current_exe()?);
        let folder = zerohop_testkit::scratch(env!("CARGO_TARGET_TMPDIR")).join("look");
        layers::stack(&mut again, &folder, &[VALIDATION])?;
        Err(again.args(env::args_os().skip(1)).exec())
    };
    begin().unwrap_or_else(|err: io::Error| err)
}

fn open() -> Result<Arc<Device>, String> {
    let open = || Device::new(&Instance::new()?, &DeviceOptions::default());
    open().map_err(|err| err.to_string())
}

/// Lets `test` draw in each format, on each size.
fn each(
    device: &Arc<Device>,
    test: impl Fn(&mut Easel, &Codes) -> Result<(), BoxError>,
) -> Result<(), BoxError> {
    for (format, view) in FORMATS {
        for (width, height) in SIZES {
            let size = Extent { width, height };
            let what = format!("{format:?} as {view:?} of {width}x{height}");
            let Some(mut easel) = Easel::new(device, format, view, size)? else {
                return Err(format!("the device cannot sample {what}").into());
            };
            test(&mut easel, &Codes { format, view }).map_err(|err| format!("{what}: {err}"))?;
        }
    }
    Ok(())
}

fn hashed_as_by_the_twin(easel: &mut Easel, codes: &Codes) -> Result<(), BoxError> {
    for seed in 1..3 {
        let picture = noise(codes.bytes(easel.size()), seed, codes.format);
        let (_, found) = easel.look(&picture)?;
        let size = easel.size();
        let pixel = |x, y| codes.words(&picture, (y * size.width + x) as usize);
        let expected = cpu::hashes(easel.looker().keys(), size, pixel);
        if found != expected {
            let block = found.iter().zip(&expected).position(|(one, two)| one != two);
            return Err(format!("block {block:?} of {} differs", expected.len()).into());
        }
    }
    Ok(())
}

fn one_bit(easel: &mut Easel, codes: &Codes) -> Result<(), BoxError> {
    let mut picture = noise(codes.bytes(easel.size()), 7, codes.format);
    easel.look(&picture)?;
    let last = picture.len() - 1;
    let places = [0, last / 3, last / 2, last - last / 7, last];
    for (place, bit) in places.into_iter().zip([0, 5, 1, 7, 2]) {
        if easel.look(&picture)?.0 {
            return Err("the same picture is found to differ".into());
        }
        // Of a half this makes another number: noise has none at the edges of what there is.
        picture[place] ^= 1 << if codes.is_half() { bit % 3 } else { bit };
        if !easel.look(&picture)?.0 {
            return Err(format!("bit {bit} of byte {place} was not seen").into());
        }
    }
    Ok(())
}

fn nan(device: &Arc<Device>) -> Result<(), BoxError> {
    let (format, size) = (vk::Format::R16G16B16A16_SFLOAT, Extent { width: 40, height: 3 });
    for view in [format, vk::Format::R32G32_UINT] {
        let mut easel = Easel::new(device, format, view, size)?.ok_or("no halves")?;
        let nan = [0x00, 0x7e].repeat(4 * 40 * 3);
        easel.look(&nan)?;
        if easel.look(&nan)?.0 {
            return Err(format!("{view:?}: a NaN differs from itself").into());
        }
        // A number, an infinity, zeros of both signs.
        let mut picture = nan;
        for half in [0x3c00_u16, 0x7c00, 0x0000, 0x8000] {
            picture[480..482].copy_from_slice(&half.to_le_bytes());
            if !easel.look(&picture)?.0 {
                return Err(format!("{view:?}: {half:#x} was not seen").into());
            }
        }
    }
    Ok(())
}
