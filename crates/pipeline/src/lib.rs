//! Source to sink, one thread, no pixel on the CPU.
//!
//! ```text
//! Source ──Frame──► run ──► Stages ──Frame──► FrameSink
//!                    │        └─ Tap ──Frame──► a second FrameSink
//!                    └─► Measurements ──► Report (JSON, table)
//!                                    └──► Trace  (Chrome trace format)
//! ```
//!
//! [`run`] moves pictures and knows nothing of what they are. [`Stages`] are what happens to them:
//! import, classification and conversion. Policy is not here: no environment, no signals, no files
//! but the trace.
#![forbid(unsafe_code)]

mod histogram;
mod measurements;
mod report;
mod run;
mod stages;
mod tap;
mod trace;

pub use histogram::Percentiles;
pub use measurements::{Copies, Counts, Measurements, Verdict, Verdicts};
pub use report::{Application, Facts, FallbackLine, Refused, Report, SCHEMA, Stream};
pub use run::{Ending, Error, Limits, Stop, run};
pub use stages::{Stages, Straight};
pub use tap::Tap;
pub use trace::Trace;
