//! What the library needs of CUDA: rows of a picture, copied to the CPU when a stream comes to them.

use std::ffi::{c_int, c_uint};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use libloading::Library;
use zerohop_cuda::abi::{Memcpy2d, RawEvent, RawStream};

type Code = c_int;

/// The driver, loaded already by whoever opened the context.
struct Driver {
    copy: unsafe extern "C" fn(*const Memcpy2d, RawStream) -> Code,
    create: unsafe extern "C" fn(*mut RawEvent, c_uint) -> Code,
    destroy: unsafe extern "C" fn(RawEvent) -> Code,
    record: unsafe extern "C" fn(RawEvent, RawStream) -> Code,
    query: unsafe extern "C" fn(RawEvent) -> Code,
}

/// `CUDA_ERROR_NOT_READY`.
const NOT_READY: Code = 600;
/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: c_uint = 2;
/// How long a stream may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn driver() -> &'static Driver {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    DRIVER.get_or_init(|| {
        // SAFETY: it is loaded already, so no initialiser runs.
        let library = unsafe { Library::new("libcuda.so.1") }.expect("a CUDA driver");
        let library = Box::leak(Box::new(library));
        macro_rules! symbol {
            ($name:literal) => {{
                // SAFETY: the type of the field is that of `cuda.h`.
                let symbol = unsafe { library.get(concat!($name, "\0").as_bytes()) };
                *symbol.expect($name)
            }};
        }
        Driver {
            copy: symbol!("cuMemcpy2DAsync_v2"),
            create: symbol!("cuEventCreate"),
            destroy: symbol!("cuEventDestroy_v2"),
            record: symbol!("cuEventRecord"),
            query: symbol!("cuEventQuery"),
        }
    })
}

/// A moment of a stream.
pub(crate) struct Event(RawEvent);

impl Event {
    /// Queues `copy` on `stream`, and remembers when it is done. What it writes to must stay until
    /// then.
    pub(crate) fn after_copy(copy: &Memcpy2d, stream: RawStream) -> Result<Self, String> {
        let driver = driver();
        // SAFETY: the caller keeps both ends.
        done("cuMemcpy2DAsync", unsafe { (driver.copy)(copy, stream) })?;
        let mut event = RawEvent::NULL;
        // SAFETY: `event` is writable.
        done("cuEventCreate", unsafe { (driver.create)(&raw mut event, DISABLE_TIMING) })?;
        let event = Self(event);
        // SAFETY: both live.
        done("cuEventRecord", unsafe { (driver.record)(event.0, stream) })?;
        Ok(event)
    }

    /// Waits until the moment has come.
    pub(crate) fn wait(&self) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            // SAFETY: the event lives.
            match unsafe { (driver().query)(self.0) } {
                NOT_READY if begin.elapsed() > PATIENCE => {
                    return Err(format!("the stream did not come to it in {PATIENCE:?}"));
                }
                NOT_READY => thread::sleep(Duration::from_micros(200)),
                code => return done("cuEventQuery", code),
            }
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: ours.
        let _ = unsafe { (driver().destroy)(self.0) };
    }
}

fn done(call: &str, code: Code) -> Result<(), String> {
    if code == 0 { Ok(()) } else { Err(format!("{call} returned {code}")) }
}
