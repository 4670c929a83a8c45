//! Source to sink, one thread, no pixel on the CPU.
//!
//! ```text
//! Source ──Frame──► run ──► Stages (Path: import, classify, convert) ──Frame──► FrameSink
//!                    │        ├─ Filtered: rgba, luma, diff, before any of them
//!                    │        ├─ Tap: Scanout (a copy where a screen needs one) ──Frame──► a screen
//!                    │        ├─ Plain (read back where the CPU cannot read it as it is)
//!                    │        ├─ CudaView: as CUDA sees it, by a copy ──Frame──► a third
//!                    │        └─ Snapshots ──Frame in plain memory──► a second FrameSink
//!                    └─► Measurements ──► Report (JSON, table)
//!                                    └──► Trace  (Chrome trace format)
//! ```
//!
//! [`run()`] moves pictures and knows nothing of what they are. [`Stages`] are what happens to them;
//! [`Path`] is the one for recordings. Policy is not here: no environment, no signals, no files
//! but the trace.
#![forbid(unsafe_code)]

mod counts;
mod films;
mod filters;
mod histogram;
mod look;
mod machine;
mod measurements;
mod path;
mod plain;
mod report;
mod run;
mod scanout;
mod snapshots;
mod stages;
mod table;
mod tap;
mod trace;
mod view;

pub use counts::{Copies, Counts, Region, Verdicts};
pub use films::Films;
pub use filters::{Filter, Filtered, Filters};
pub use histogram::Percentiles;
pub use look::{Look, Looked};
pub use measurements::Measurements;
pub use path::Path;
pub use plain::Plain;
pub use report::{Application, Facts, FallbackLine, Refused, Report, SCHEMA, Stream};
pub use run::{Ending, Error, Limits, Stop, run};
pub use scanout::Scanout;
pub use snapshots::Snapshots;
pub use stages::{Stages, Straight};
pub use tap::Tap;
pub use trace::Trace;
pub use view::{CudaReport, CudaView};
