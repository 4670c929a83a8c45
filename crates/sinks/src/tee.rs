//! One picture to several places.

use std::sync::Arc;

use zerohop_frame::{BoxError, Direct, Fourcc, Frame, FrameSink, Modifier};

/// Hands each picture to several sinks, which share the frame. It goes home when the last of them
/// lets go.
///
/// A sink that fails gets no more pictures; the others do. Its error comes from the call in which
/// it failed.
pub struct Tee {
    formats: Vec<(Fourcc, Modifier)>,
    direct: Option<Arc<Direct>>,
    sinks: Vec<Box<dyn FrameSink + Send>>,
}

impl Tee {
    /// Joins `sinks`. The tee reads the formats that all of them read, in the order of the first;
    /// a sink without a format reads anything.
    pub fn new(sinks: Vec<Box<dyn FrameSink + Send>>) -> Self {
        let choosy = || sinks.iter().map(|sink| sink.formats()).filter(|all| !all.is_empty());
        let common = |one: &&(Fourcc, Modifier)| choosy().all(|formats| formats.contains(*one));
        let first = choosy().next().unwrap_or_default();
        let formats = first.iter().filter(common).copied().collect();
        // Two that are choosy need not like the same pictures; others read anything.
        let mut picky = sinks.iter().filter(|sink| !sink.formats().is_empty());
        let direct = match (picky.next(), picky.next()) {
            (Some(one), None) => one.direct(),
            _ => None,
        };
        Self { formats, direct, sinks }
    }

    /// The first error of what `work` does with each sink. Sinks that fail are left out from then
    /// on.
    fn each(
        &mut self,
        mut work: impl FnMut(&mut dyn FrameSink) -> Result<(), BoxError>,
    ) -> Result<(), BoxError> {
        let mut first = Ok(());
        self.sinks.retain_mut(|sink| {
            let done = work(sink.as_mut());
            let keep = done.is_ok();
            if first.is_ok() {
                first = done;
            }
            keep
        });
        first
    }
}

impl FrameSink for Tee {
    fn formats(&self) -> &[(Fourcc, Modifier)] {
        &self.formats
    }

    fn direct(&self) -> Option<Arc<Direct>> {
        self.direct.clone()
    }

    fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
        self.each(|sink| sink.submit(Arc::clone(&frame)))
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        self.each(|sink| sink.finish())
    }
}
