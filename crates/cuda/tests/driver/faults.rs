//! What goes wrong in the driver: each call fails once, and nothing is left after it.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use zerohop_cuda::{Cuda, Picture, Pinned, Semaphore, SemaphoreKind, Stream};
use zerohop_layer_timeline::Counter;

use crate::buffers::{SIZE, open, sound};
use crate::stage::{Outcome, UUID, spawn, spawn_with};

/// One of everything.
const EVERYTHING: &str = "everything";

/// Pictures until CUDA is lost.
const UNTIL_LOST: &str = "until lost";

/// A driver that has next to nothing.
const OLD: &str = "old";

/// What that driver is made of.
const OLD_SOURCE: &str = "int cuInit(unsigned f) { return 0; }\n\
                          int cuDriverGetVersion(int *v) { *v = 4000; return 0; }\n";

/// Every call of [`everything`], and what was not possible when it fails.
const CALLS: &[(&str, &str)] = &[
    ("cuInit", "could not initialise CUDA"),
    ("cuDriverGetVersion", "could not ask CUDA for its version"),
    ("cuDeviceGetCount", "could not count the GPUs"),
    ("cuDeviceGetUuid", "could not look at GPU 0"),
    ("cuDevicePrimaryCtxRetain", "could not open a context on stand-in 0"),
    ("cuCtxSetCurrent", "could not create a stream"),
    ("cuStreamCreate", "could not create a stream"),
    ("cuImportExternalMemory", "could not import 576 bytes of opaque memory, dedicated: true"),
    ("cuExternalMemoryGetMappedMipmappedArray", "could not map 576 bytes of memory as"),
    ("cuMipmappedArrayGetLevel", "could not take level 0 of"),
    ("cuMemHostRegister_v2", "could not lock 480 bytes in memory"),
    ("cuImportExternalSemaphore", "could not import a semaphore (Timeline)"),
    ("cuWaitExternalSemaphoresAsync", "could not wait for value 1 of a semaphore (Timeline)"),
    ("cuMemcpy2DAsync_v2", "could not copy 3 rows of 160 bytes"),
    ("cuSignalExternalSemaphoresAsync", "could not signal value 2 of a semaphore (Timeline)"),
    ("cuEventCreate", "could not create an event"),
    ("cuEventRecord", "could not record an event"),
    ("cuEventQuery", "could not ask how far a stream is"),
];

pub(crate) fn case(name: &str) -> Option<fn() -> Outcome> {
    match name {
        EVERYTHING => Some(everything),
        UNTIL_LOST => Some(until_lost),
        OLD => Some(old),
        _ => None,
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::ignorable_test("a_call_that_fails_is_named_and_leaves_nothing", each),
        Trial::ignorable_test("after_an_error_for_good_cuda_is_lost_with_one_reason", lost),
        Trial::ignorable_test("a_function_that_an_old_driver_lacks_is_named", lacking),
    ]
}

fn everything() -> Outcome {
    let device = open()?;
    let stream = Stream::new(&device)?;
    let picture = Arc::new(Picture::import(&device, &*sound()?, None)?);
    let (row, rows) = (SIZE.width as usize * 4, SIZE.height as usize);
    let target = Arc::new(Pinned::new(&device, row, rows)?);
    let counter = Counter::new(1)?;
    let fd = std::os::fd::AsFd::as_fd(&counter);
    let semaphore = Semaphore::import(&device, fd, SemaphoreKind::Timeline)?;
    stream.wait(&semaphore, 1)?;
    stream.copy(&picture, &target)?;
    stream.signal(&semaphore, 2)?;
    stream.submit()?.wait("everything", Duration::from_secs(20))?;
    Ok(())
}

fn each() -> Result<Completion, Failed> {
    let (output, report) = spawn(EVERYTHING, UUID, "")?;
    assert!(output.status.success() && report.faults().is_empty(), "{report:?}");
    for (call, wanted) in CALLS {
        assert!(report.count(call) > 0, "{call} is not called at all");
        let (output, report) = spawn(EVERYTHING, UUID, &format!("{call}:1=2"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{call} failed and nobody said so");
        assert!(said.starts_with(wanted), "{call}: {said}");
        assert!(said.trim_end().ends_with(": CUDA_ERROR_OUT_OF_MEMORY (2)"), "{call}: {said}");
        assert_eq!(report.faults(), Vec::<String>::new(), "after {call} failed");
    }
    Ok(Completion::Completed)
}

fn until_lost() -> Outcome {
    let device = open()?;
    let stream = Stream::new(&device)?;
    let picture = Arc::new(Picture::import(&device, &*sound()?, None)?);
    let (row, rows) = (SIZE.width as usize * 4, SIZE.height as usize);
    let target = Arc::new(Pinned::new(&device, row, rows)?);
    let copy = || {
        stream.copy(&picture, &target)?;
        stream.submit()?.wait("a copy", Duration::from_secs(20))
    };
    let first = loop {
        match copy() {
            Ok(()) => {}
            Err(err) if err.is_lost() => break err,
            Err(err) => return Err(err.into()),
        }
    };
    let again = copy().expect_err("nothing works after it");
    assert!(again.is_lost() && again.to_string() == first.to_string(), "{again}");
    assert!(device.free_memory().is_err_and(|err| err.is_lost()));
    assert!(Cuda::load().is_err(), "a new one has the same driver");
    Err(first.into())
}

fn lost() -> Result<Completion, Failed> {
    let (output, report) = spawn(UNTIL_LOST, UUID, "cuMemcpy2DAsync_v2:5=700")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted = "CUDA is lost for this process since it could not copy 3 rows of 160 bytes; start \
                  it again: cuMemcpy2DAsync_v2: CUDA_ERROR_ILLEGAL_ADDRESS (700)";
    assert_eq!(said.trim_end(), wanted);
    assert_eq!(report.count("cuMemcpy2DAsync_v2"), 5, "it is not asked again");
    Ok(Completion::Completed)
}

fn old() -> Outcome {
    let cuda = Cuda::load()?;
    assert_eq!(cuda.version(), (4, 0));
    cuda.gpus()?;
    Ok(())
}

fn lacking() -> Result<Completion, Failed> {
    let folder = tempfile::tempdir()?;
    let (source, library) = (folder.path().join("old.c"), folder.path().join("old.so"));
    std::fs::write(&source, OLD_SOURCE)?;
    let mut cc = Command::new("cc");
    let built = cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status()?;
    assert!(built.success(), "cc made no library");
    let (output, _) = spawn_with(&library, OLD, UUID, "")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let wanted =
        "could not count the GPUs: libcuda.so.1 has no cuDeviceGetCount: the driver is too old";
    assert_eq!(said.trim_end(), wanted);
    Ok(Completion::Completed)
}
