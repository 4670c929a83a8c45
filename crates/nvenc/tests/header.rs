//! What `sys` says of `nvEncodeAPI.h`, compared with that header by a C program.
//!
//! The header is Debian's `libffmpeg-nvenc-dev` (11.1 in Debian 12, 12.1 in Debian 13), and those
//! that `NVENC_HEADERS` names, separated by colons.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_needs::absent;
use zerohop_nvenc::sys::*;
use zerohop_nvenc::{Structure, Version};

const DEBIAN: &str = "/usr/include/ffnvcodec/nvEncodeAPI.h";

fn main() {
    let named = std::env::var("NVENC_HEADERS").unwrap_or_default();
    let named = named.split(':').filter(|path| !path.is_empty()).map(str::to_owned);
    let trials = named.chain([DEBIAN.to_owned()]).map(|path| {
        let name = format!("structures_lie_as_in::{path}");
        Trial::ignorable_test(name, move || compare(Path::new(&path))).with_kind("ffnvcodec")
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// What Rust says, line by line, next to the C that says the same.
#[derive(Default)]
struct Table {
    c: String,
    rust: Vec<String>,
}

impl Table {
    fn line(&mut self, name: &str, c: &str, rust: impl Into<u64>) {
        writeln!(self.c, "  printf(\"{name} %llu\\n\", (unsigned long long)({c}));")
            .expect("a String takes it");
        self.rust.push(format!("{name} {}", rust.into()));
    }

    /// C alone: code of its own that prints one line, `expected`.
    fn code(&mut self, code: &str, expected: String) {
        writeln!(self.c, "  {code}").expect("a String takes it");
        self.rust.push(expected);
    }
}

/// Offsets and sizes of fields, and that C's structure is not longer than ours.
macro_rules! layouts {
    ($table:ident: $($structure:ident { $($field:ident),* $(,)? })*) => { $(
        let size = std::mem::size_of::<$structure>();
        let name = stringify!($structure);
        $table.line(&format!("{name} fits"), &format!("sizeof({name}) <= {size}"), 1u64);
        $(
            let field = stringify!($field);
            let offset = std::mem::offset_of!($structure, $field) as u64;
            $table.line(&format!("{name}.{field}"), &format!("offsetof({name}, {field})"), offset);
        )*
    )* };
}

// Long because it is a list.
fn layouts(table: &mut Table, major: u32) {
    layouts! { table:
        NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS { version, deviceType, device, apiVersion }
        NV_ENC_CAPS_PARAM { version, capsToQuery }
        NV_ENC_INITIALIZE_PARAMS {
            version, encodeGUID, presetGUID, encodeWidth, encodeHeight, darWidth, darHeight,
            frameRateNum, frameRateDen, enableEncodeAsync, enablePTD, encodeConfig, maxEncodeWidth,
            maxEncodeHeight, tuningInfo, bufferFormat,
        }
        NV_ENC_RECONFIGURE_PARAMS { version, reInitEncodeParams }
        NV_ENC_REGISTER_RESOURCE {
            version, resourceType, width, height, pitch, subResourceIndex, resourceToRegister,
            registeredResource, bufferFormat, bufferUsage,
        }
        NV_ENC_MAP_INPUT_RESOURCE { version, registeredResource, mappedResource, mappedBufferFmt }
        NV_ENC_CREATE_BITSTREAM_BUFFER { version, bitstreamBuffer }
        NV_ENC_PIC_PARAMS {
            version, inputWidth, inputHeight, inputPitch, encodePicFlags, frameIdx, inputTimeStamp,
            inputDuration, inputBuffer, outputBitstream, completionEvent, bufferFmt, pictureStruct,
            pictureType, codecPicParams,
        }
        NV_ENC_LOCK_BITSTREAM {
            version, outputBitstream, sliceOffsets, frameIdx, hwEncodeStatus, bitstreamSizeInBytes,
            outputTimeStamp, bitstreamBufferPtr, pictureType, pictureStruct, frameAvgQP,
        }
        NV_ENC_PRESET_CONFIG { version, presetCfg }
        NV_ENC_CONFIG {
            version, profileGUID, gopLength, frameIntervalP, frameFieldMode, rcParams,
            encodeCodecConfig,
        }
        NV_ENC_RC_PARAMS {
            version, rateControlMode, constQP, averageBitRate, maxBitRate, vbvBufferSize,
            vbvInitialDelay, minQP, maxQP, targetQuality, lowDelayKeyFrameScale, multiPass,
        }
        NV_ENC_CONFIG_H264 {
            level, idrPeriod, entropyCodingMode, intraRefreshPeriod, intraRefreshCnt, sliceMode,
            h264VUIParameters, chromaFormatIDC, maxTemporalLayers, useBFramesAsRef, numRefL0, numRefL1,
        }
        NV_ENC_CONFIG_H264_VUI_PARAMETERS {
            videoSignalTypePresentFlag, videoFormat, videoFullRangeFlag,
            colourDescriptionPresentFlag, colourPrimaries, transferCharacteristics, colourMatrix,
        }
        NV_ENC_CONFIG_HEVC {
            level, tier, idrPeriod, intraRefreshPeriod, intraRefreshCnt, hevcVUIParameters,
        }
        NV_ENCODE_API_FUNCTION_LIST {
            version, nvEncGetEncodeGUIDCount, nvEncGetEncodeGUIDs, nvEncGetInputFormatCount,
            nvEncGetInputFormats, nvEncGetEncodeCaps, nvEncInitializeEncoder,
            nvEncCreateBitstreamBuffer, nvEncDestroyBitstreamBuffer, nvEncEncodePicture,
            nvEncLockBitstream, nvEncUnlockBitstream, nvEncMapInputResource,
            nvEncUnmapInputResource, nvEncDestroyEncoder, nvEncOpenEncodeSessionEx,
            nvEncRegisterResource, nvEncUnregisterResource, nvEncReconfigureEncoder,
            nvEncGetLastErrorString, nvEncSetIOCudaStreams, nvEncGetEncodePresetConfigEx,
        }
    }
    if major >= 12 {
        layouts! { table:
            NV_ENC_CONFIG_AV1 {
                level, idrPeriod, intraRefreshPeriod, intraRefreshCnt, colorPrimaries,
                transferCharacteristics, matrixCoefficients, colorRange, chromaSamplePosition,
            }
        }
    }
    if major >= 13 {
        layouts! { table:
            NV_ENC_CONFIG_H264 { outputBitDepth, inputBitDepth }
            NV_ENC_CONFIG_HEVC { outputBitDepth, inputBitDepth }
            NV_ENC_CONFIG_AV1 { outputBitDepth, inputBitDepth }
        }
    }
}

/// The words that structures begin with.
fn words(table: &mut Table, version: Version) {
    for (name, structure) in [
        ("NV_ENCODE_API_FUNCTION_LIST_VER", Structure::FunctionList),
        ("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER", Structure::OpenSession),
        ("NV_ENC_CAPS_PARAM_VER", Structure::Caps),
        ("NV_ENC_PRESET_CONFIG_VER", Structure::PresetConfig),
        ("NV_ENC_CONFIG_VER", Structure::Config),
        ("NV_ENC_RC_PARAMS_VER", Structure::RcParams),
        ("NV_ENC_INITIALIZE_PARAMS_VER", Structure::Initialize),
        ("NV_ENC_RECONFIGURE_PARAMS_VER", Structure::Reconfigure),
        ("NV_ENC_REGISTER_RESOURCE_VER", Structure::RegisterResource),
        ("NV_ENC_MAP_INPUT_RESOURCE_VER", Structure::MapInputResource),
        ("NV_ENC_CREATE_BITSTREAM_BUFFER_VER", Structure::CreateBitstreamBuffer),
        ("NV_ENC_PIC_PARAMS_VER", Structure::Pic),
        ("NV_ENC_LOCK_BITSTREAM_VER", Structure::LockBitstream),
    ] {
        table.line(name, &format!("(uint32_t){name}"), version.word(structure));
    }
    table.line("NVENCAPI_VERSION", "NVENCAPI_VERSION", version.api());
}

/// Enumerators and GUIDs, but for those that the header is too old for.
fn names(table: &mut Table, major: u32) {
    let is_there = |name: &str| major >= 12 || !name.contains("AV1");
    for (name, value) in NUMBERS.iter().filter(|(name, _)| is_there(name)) {
        table.line(name, &format!("(uint32_t){name}"), *value);
    }
    for (name, guid) in GUIDS.iter().filter(|(name, _)| is_there(name)) {
        let format = "%08x-%04x-%04x-%02x%02x%02x%02x%02x%02x%02x%02x";
        let bytes: Vec<_> = (0..8).map(|i| format!("{name}.Data4[{i}]")).collect();
        let code = format!(
            "printf(\"{name} {format}\\n\", {name}.Data1, {name}.Data2, {name}.Data3, {});",
            bytes.join(", ")
        );
        let tail: String = guid.Data4.iter().map(|byte| format!("{byte:02x}")).collect();
        let GUID { Data1, Data2, Data3, .. } = guid;
        table.code(&code, format!("{name} {Data1:08x}-{Data2:04x}-{Data3:04x}-{tail}"));
    }
}

/// Bit fields: set in C, found at their offset.
fn bits(table: &mut Table, (major, is_13): (u32, bool)) {
    let reconfigure = NV_ENC_RECONFIGURE_PARAMS::default();
    let base = (&raw const reconfigure).addr();
    let at = if is_13 {
        (&raw const reconfigure.reInitEncodeParams.reserved2[63]).addr() - base
    } else {
        (&raw const reconfigure.flags).addr() - base
    };
    let own = [
        ("NV_ENC_RECONFIGURE_PARAMS", at, "resetEncoder", NV_ENC_RECONFIGURE_PARAMS::RESET_ENCODER),
        ("NV_ENC_RECONFIGURE_PARAMS", at, "forceIDR", NV_ENC_RECONFIGURE_PARAMS::FORCE_IDR),
    ];
    let newer = |structure: &str, field: &str| {
        structure.contains("AV1") || structure.contains("HEVC") && field == "outputRecoveryPointSEI"
    };
    let known = BITS.iter().copied();
    let known = known.filter(|(structure, _, field, _)| major >= 12 || !newer(structure, field));
    for (structure, offset, field, bits) in known.chain(own) {
        let code = format!(
            "{{ {structure} t; uint32_t w; memset(&t, 0, sizeof t); t.{field} = ~0u; \
             memcpy(&w, (char *)&t + {offset}, 4); printf(\"{structure}.{field} %x\\n\", w); }}"
        );
        table.code(&code, format!("{structure}.{field} {bits:x}"));
    }
    let old_depth = [
        ("NV_ENC_CONFIG_HEVC", "pixelBitDepthMinus8", depth::HEVC_PIXEL),
        ("NV_ENC_CONFIG_AV1", "pixelBitDepthMinus8", depth::AV1_PIXEL),
        ("NV_ENC_CONFIG_AV1", "inputPixelBitDepthMinus8", depth::AV1_INPUT),
    ];
    let here = |one: &&(&str, &str, u32)| !is_13 && (major >= 12 || one.0 != "NV_ENC_CONFIG_AV1");
    for (structure, field, bits) in old_depth.iter().filter(here) {
        let code = format!(
            "{{ {structure} t; uint32_t w; memset(&t, 0, sizeof t); t.{field} = 7; \
             memcpy(&w, (char *)&t + 16, 4); printf(\"{structure}.{field} %x\\n\", w); }}"
        );
        table.code(&code, format!("{structure}.{field} {bits:x}"));
    }
}

/// Where `codecPicParams` has `forceIntraRefreshWithFrameCnt`.
fn intra_refresh(table: &mut Table, major: u32) {
    let all = [("h264PicParams", 4u64), ("hevcPicParams", 3), ("av1PicParams", 3)];
    for (codec, word) in
        all.into_iter().filter(|(codec, _)| major >= 12 || *codec != "av1PicParams")
    {
        let field = format!("codecPicParams.{codec}.forceIntraRefreshWithFrameCnt");
        let c = format!("offsetof(NV_ENC_PIC_PARAMS, {field})");
        let offset = std::mem::offset_of!(NV_ENC_PIC_PARAMS, codecPicParams) as u64;
        table.line(&field, &c, offset + 4 * word);
    }
}

/// Compiles and runs a C program that includes `header` and prints what `body` prints.
fn run(header: &Path, body: &str) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    let (source, program) = (folder.path().join("said.c"), folder.path().join("said"));
    let includes =
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n";
    let header = header.display();
    std::fs::write(
        &source,
        format!("{includes}#include \"{header}\"\nint main(void) {{\n{body}  return 0;\n}}\n"),
    )?;
    let compiled = Command::new("cc").arg("-w").arg("-o").arg(&program).arg(&source).output()?;
    if !compiled.status.success() {
        return Err(String::from_utf8_lossy(&compiled.stderr).into_owned().into());
    }
    Ok(String::from_utf8(Command::new(&program).output()?.stdout)?)
}

fn compare(header: &Path) -> Result<Completion, Failed> {
    if !header.exists() {
        let why = format!("there is no {}: install libffmpeg-nvenc-dev", header.display());
        return absent("ffnvcodec", &why);
    }
    let said =
        run(header, "  printf(\"%d %d\", NVENCAPI_MAJOR_VERSION, NVENCAPI_MINOR_VERSION);\n")?;
    let (major, minor) = said.split_once(' ').ok_or("no version")?;
    let number = (major.parse()?, minor.parse()?);
    let version = Version::ALL.into_iter().find(|version| version.number() == number);
    let version = version.ok_or_else(|| format!("we do not speak {number:?}"))?;
    let mut table = Table::default();
    layouts(&mut table, number.0);
    words(&mut table, version);
    names(&mut table, number.0);
    bits(&mut table, (number.0, version >= Version::V13_0));
    intra_refresh(&mut table, number.0);
    let said = run(header, &table.c)?;
    let wrong: Vec<_> = said.lines().zip(&table.rust).filter(|(c, rust)| c != rust).collect();
    if wrong.is_empty() && said.lines().count() == table.rust.len() && table.rust.len() > 200 {
        return Ok(Completion::Completed);
    }
    Err(format!(
        "{} lines, {} of ours; C and Rust: {wrong:?}",
        said.lines().count(),
        table.rust.len()
    )
    .into())
}
