//! The words of `abi` against the C header `ffnvcodec/dynlink_cuda.h` (Debian: libffmpeg-nvenc-dev),
//! by a small C program that prints sizes, offsets and numbers.

use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use zerohop_cuda::abi::*;
use zerohop_needs::absent;

const HEADER: &str = "/usr/include/ffnvcodec/dynlink_cuda.h";

fn main() {
    let trials = vec![
        Trial::ignorable_test("structures_are_those_of_the_header", structures),
        Trial::ignorable_test("a_missing_driver_is_an_error_that_says_so", missing),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// One line for each fact: the C expression, and what we hold it to be.
fn facts() -> Vec<(&'static str, usize)> {
    let mut all = vec![
        ("sizeof(CUuuid)", size_of::<RawUuid>()),
        ("sizeof(CUdevice)", size_of::<Ordinal>()),
        ("sizeof(CUdeviceptr)", size_of::<DevicePointer>()),
        ("sizeof(CUresult)", size_of::<Code>()),
        ("sizeof(CUstream)", size_of::<RawStream>()),
    ];
    all.extend(structs());
    all.extend(copies());
    all.extend(numbers());
    all
}

/// Size of a structure and offsets of its fields: `C, Rust, { C field, Rust field }`.
macro_rules! of {
    ($c:ident, $rust:ty, { $($c_field:literal = $($field:ident).+),* }) => {
        [
            (concat!("sizeof(", stringify!($c), ")"), size_of::<$rust>()),
            $((
                concat!("offsetof(", stringify!($c), ", ", $c_field, ")"),
                offset_of!($rust, $($field).+),
            )),*
        ]
    };
}

fn structs() -> Vec<(&'static str, usize)> {
    let mut all = Vec::new();
    all.extend(of!(CUDA_EXTERNAL_MEMORY_HANDLE_DESC, MemoryHandleDesc, {
        "type" = kind, "handle" = handle, "handle.fd" = handle, "size" = size, "flags" = flags,
        "reserved" = reserved
    }));
    all.extend(of!(CUDA_EXTERNAL_MEMORY_BUFFER_DESC, BufferDesc, {
        "offset" = offset, "size" = size, "flags" = flags, "reserved" = reserved
    }));
    all.extend(of!(CUDA_ARRAY3D_DESCRIPTOR, ArrayDesc, {
        "Width" = width, "Height" = height, "Depth" = depth, "Format" = format,
        "NumChannels" = channels, "Flags" = flags
    }));
    all.extend(of!(CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC, MipmappedArrayDesc, {
        "offset" = offset, "arrayDesc" = array, "numLevels" = levels, "reserved" = reserved
    }));
    all.extend(of!(CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC, SemaphoreHandleDesc, {
        "type" = kind, "handle" = handle, "flags" = flags, "reserved" = reserved
    }));
    all.extend(of!(CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS, SemaphoreParams, {
        "params.fence.value" = value, "flags" = flags, "reserved" = reserved
    }));
    all
}

fn copies() -> impl IntoIterator<Item = (&'static str, usize)> {
    of!(CUDA_MEMCPY2D, Memcpy2d, {
        "srcXInBytes" = source.x_in_bytes, "srcY" = source.y, "srcMemoryType" = source.kind,
        "srcHost" = source.host, "srcDevice" = source.device, "srcArray" = source.array,
        "srcPitch" = source.pitch, "dstXInBytes" = target.x_in_bytes, "dstY" = target.y,
        "dstMemoryType" = target.kind, "dstHost" = target.host, "dstDevice" = target.device,
        "dstArray" = target.array, "dstPitch" = target.pitch, "WidthInBytes" = width_in_bytes,
        "Height" = height
    })
}

fn numbers() -> [(&'static str, usize); 15] {
    [
        ("CUDA_SUCCESS", SUCCESS as usize),
        ("CUDA_ERROR_NOT_READY", NOT_READY as usize),
        ("CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD", MEMORY_OPAQUE_FD as usize),
        ("CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD", SEMAPHORE_OPAQUE_FD as usize),
        ("CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD", SEMAPHORE_TIMELINE_FD as usize),
        ("CU_STREAM_NON_BLOCKING", STREAM_NON_BLOCKING as usize),
        ("CU_EVENT_DISABLE_TIMING", EVENT_DISABLE_TIMING as usize),
        ("CU_MEMORYTYPE_HOST", TYPE_HOST as usize),
        ("CU_MEMORYTYPE_DEVICE", TYPE_DEVICE as usize),
        ("CU_MEMORYTYPE_ARRAY", TYPE_ARRAY as usize),
        ("CU_AD_FORMAT_UNSIGNED_INT8", UINT8 as usize),
        ("CU_AD_FORMAT_UNSIGNED_INT16", UINT16 as usize),
        ("CU_AD_FORMAT_UNSIGNED_INT32", UINT32 as usize),
        ("CU_AD_FORMAT_HALF", HALF as usize),
        ("CU_GRAPHICS_REGISTER_FLAGS_READ_ONLY", GRAPHICS_READ_ONLY as usize),
    ]
}

fn structures() -> Result<Completion, Failed> {
    if !Path::new(HEADER).exists() {
        return absent("ffnvcodec", &format!("there is no {HEADER}"));
    }
    let folder = tempfile::tempdir()?;
    let (source, program) = (folder.path().join("facts.c"), folder.path().join("facts"));
    let lines = facts().into_iter().map(|(c, _)| format!("printf(\"%zu\\n\", (size_t)({c}));\n"));
    let lines: String = lines.collect();
    let text = format!("#include <stdio.h>\n#include \"{HEADER}\"\nint main(void) {{\n{lines}}}\n");
    std::fs::write(&source, text)?;
    let built = Command::new("cc").arg("-o").arg(&program).arg(&source).status()?;
    assert!(built.success(), "cc does not compile the header");
    let said = String::from_utf8(Command::new(&program).output()?.stdout)?;
    let theirs: Vec<usize> = said.lines().map(str::parse).collect::<Result<_, _>>()?;
    assert_eq!(theirs.len(), facts().len());
    for ((what, ours), theirs) in facts().into_iter().zip(theirs) {
        assert_eq!(ours, theirs, "{what}");
    }
    Ok(Completion::Completed)
}

fn missing() -> Result<Completion, Failed> {
    match zerohop_cuda::Cuda::load() {
        Err(err @ zerohop_cuda::Error::Library(_)) => {
            let said = "could not load libcuda.so.1, which comes with NVIDIA's driver";
            assert_eq!(err.to_string(), said);
            let cause = std::error::Error::source(&err).expect("what the linker says").to_string();
            assert!(cause.contains("libcuda.so.1"), "{cause}");
            Ok(Completion::Completed)
        }
        Ok(_) => Ok(Completion::ignored_with("NVIDIA's driver is here")),
        Err(err) => Ok(Completion::ignored_with(format!("NVIDIA's driver is here: {err}"))),
    }
}
