//! What the library needs of CUDA: rows of a picture, copied to the CPU when a stream comes to them.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use libloading::Library;
use zerohop_cuda::abi::{Memcpy2d, Memcpy2dSide, RawArray, RawEvent, RawStream, TYPE_HOST};

type Code = c_int;

/// The driver, loaded already by whoever opened the context.
struct Driver {
    copy: unsafe extern "C" fn(*const Memcpy2d, RawStream) -> Code,
    lock: unsafe extern "C" fn(*mut c_void, usize, c_uint) -> Code,
    unlock: unsafe extern "C" fn(*mut c_void) -> Code,
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
            lock: symbol!("cuMemHostRegister_v2"),
            unlock: symbol!("cuMemHostUnregister"),
            create: symbol!("cuEventCreate"),
            destroy: symbol!("cuEventDestroy_v2"),
            record: symbol!("cuEventRecord"),
            query: symbol!("cuEventQuery"),
        }
    })
}

/// Rows of a picture on their way to the CPU.
pub(crate) struct Copied {
    event: RawEvent,
    bytes: Box<[u8]>,
}

// SAFETY: an event of the driver, which any thread may ask.
unsafe impl Send for Copied {}

impl Copied {
    /// Queues a copy of `rows` rows of `bytes` from `source` on `stream`.
    pub(crate) fn begin(
        source: Memcpy2dSide<*const c_void>,
        (rows, bytes): (usize, usize),
        stream: RawStream,
    ) -> Result<Self, String> {
        let driver = driver();
        let mut host = vec![0_u8; rows * bytes].into_boxed_slice();
        let start = host.as_mut_ptr().cast::<c_void>();
        // SAFETY: the memory stays until it is unlocked in our drop.
        done("cuMemHostRegister", unsafe { (driver.lock)(start, rows * bytes, 0) })?;
        let mut copied = Self { event: RawEvent::NULL, bytes: host };
        let target = Memcpy2dSide {
            x_in_bytes: 0,
            y: 0,
            kind: TYPE_HOST,
            host: start,
            device: 0,
            array: RawArray::NULL,
            pitch: bytes,
        };
        let copy = Memcpy2d { source, target, width_in_bytes: bytes, height: rows };
        // SAFETY: we keep the target, and the caller of the library what it has registered.
        done("cuMemcpy2DAsync", unsafe { (driver.copy)(&raw const copy, stream) })?;
        // SAFETY: the event is writable.
        let code = unsafe { (driver.create)(&raw mut copied.event, DISABLE_TIMING) };
        done("cuEventCreate", code)?;
        // SAFETY: both live.
        done("cuEventRecord", unsafe { (driver.record)(copied.event, stream) })?;
        Ok(copied)
    }

    /// The bytes, once they are there.
    pub(crate) fn wait(&self) -> Result<&[u8], String> {
        let begin = Instant::now();
        loop {
            // SAFETY: the event lives.
            match unsafe { (driver().query)(self.event) } {
                NOT_READY if begin.elapsed() > PATIENCE => {
                    return Err(format!("the stream did not come to it in {PATIENCE:?}"));
                }
                NOT_READY => thread::sleep(Duration::from_micros(200)),
                code => return done("cuEventQuery", code).map(|()| &*self.bytes),
            }
        }
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        if self.event != RawEvent::NULL {
            // SAFETY: ours.
            let _ = unsafe { (driver().destroy)(self.event) };
        }
        // SAFETY: locked by `begin`, and nothing writes to it any more: `wait` came before.
        let _ = unsafe { (driver().unlock)(self.bytes.as_mut_ptr().cast()) };
    }
}

fn done(call: &str, code: Code) -> Result<(), String> {
    if code == 0 { Ok(()) } else { Err(format!("{call} returned {code}")) }
}
