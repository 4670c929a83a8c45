//! What the environment asks of the stand-in.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

/// UUIDs of the GPUs there are, 32 hexadecimal digits each, separated by commas. None without it.
pub const UUIDS: &str = "ZEROHOP_CUDA_UUIDS";

/// The file that the [`Report`](crate::Report) is written to.
pub const REPORT: &str = "ZEROHOP_CUDA_REPORT";

/// Errors on demand: `cuMemcpy2DAsync_v2:3=700` lets the third call of it answer 700; several are
/// separated by commas. After an error that is for good every later call answers it as well.
pub const FAIL: &str = "ZEROHOP_CUDA_FAIL";

/// Microseconds that each piece of a stream's work takes longer.
pub const SLOW: &str = "ZEROHOP_CUDA_SLOW";

/// Set to anything, copies may be from and to memory of the process that is not locked, as FFmpeg
/// makes them. Each is waited for in the call.
pub const PAGEABLE: &str = "ZEROHOP_CUDA_PAGEABLE";

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) uuids: Vec<[u8; 16]>,
    pub(crate) report: Option<PathBuf>,
    /// What the Nth call of a function answers, counted from 1.
    pub(crate) failures: HashMap<(String, u64), u32>,
    pub(crate) slow: Duration,
    pub(crate) pageable: bool,
}

impl Plan {
    /// What this process's environment asks for.
    pub(crate) fn get() -> &'static Self {
        static PLAN: OnceLock<Plan> = OnceLock::new();
        PLAN.get_or_init(|| {
            let text = |name| std::env::var(name).unwrap_or_default();
            Self {
                uuids: text(UUIDS).split(',').filter_map(uuid).collect(),
                report: std::env::var_os(REPORT).map(PathBuf::from),
                failures: text(FAIL).split(',').filter_map(failure).collect(),
                slow: Duration::from_micros(text(SLOW).parse().unwrap_or(0)),
                pageable: std::env::var_os(PAGEABLE).is_some(),
            }
        })
    }
}

/// A UUID as [`UUIDS`] wants it.
pub fn hex(uuid: [u8; 16]) -> String {
    uuid.map(|byte| format!("{byte:02x}")).concat()
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let mut uuid = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (index, byte) in uuid.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(uuid)
}

fn failure(text: &str) -> Option<((String, u64), u32)> {
    let (call, rest) = text.split_once(':')?;
    let (nth, code) = rest.split_once('=')?;
    Some(((call.to_owned(), nth.parse().ok()?), code.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let all = std::array::from_fn(|index| index as u8 * 17);
        assert_eq!(uuid(&hex(all)), Some(all));
        assert_eq!(uuid("12"), None);
        assert_eq!(failure("cuInit:2=100"), Some((("cuInit".into(), 2), 100)));
        assert_eq!(failure("cuInit=100"), None);
    }
}
