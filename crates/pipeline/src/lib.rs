//! Source to sink, one thread, no pixel on the CPU.
#![forbid(unsafe_code)]

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};
use zerohop_frame::{
    BoxError, Extent, Fourcc, Frame, FrameDescriptor, FrameSink, Source, SourceEvent,
};

/// What happens to a picture between source and sink.
pub trait Stages {
    /// The pictures changed shape: drop what was built for the old one.
    ///
    /// # Errors
    ///
    /// The device cannot take the new shape.
    fn reshape(&mut self, descriptor: &FrameDescriptor) -> Result<(), BoxError>;

    /// The picture to hand on, or `None` when it is not worth it. What comes out may be the same
    /// frame, or one from the stage's own pool; either goes home by itself.
    ///
    /// # Errors
    ///
    /// The picture is lost, the next one may work.
    fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError>;
}

/// Why a pipeline stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source broke.
    #[error("the source failed")]
    Source(#[source] BoxError),
    /// A stage cannot take the shape that the source changed to.
    #[error("could not change to {fourcc} {}x{}", .extent.width, .extent.height)]
    Reshape {
        /// Size of the new pictures.
        extent: Extent,
        /// Their format.
        fourcc: Fourcc,
        /// Why.
        source: BoxError,
    },
    /// A stage broke.
    #[error("picture {sequence} failed")]
    Stage {
        /// Which picture.
        sequence: u64,
        /// Why.
        source: BoxError,
    },
    /// The sink broke.
    #[error("the sink failed")]
    Sink(#[source] BoxError),
    /// Waiting failed.
    #[error("could not wait for the source")]
    Wait(#[source] std::io::Error),
}

/// Runs until the source ends.
///
/// # Errors
///
/// The first [`Error`]. Frames in flight go home either way.
pub fn run(
    source: &mut dyn Source,
    stages: &mut dyn Stages,
    sink: &mut dyn FrameSink,
) -> Result<(), Error> {
    loop {
        match source.poll_event().map_err(Error::Source)? {
            None => wait(source)?,
            Some(SourceEvent::Ended) => return sink.finish().map_err(Error::Sink),
            Some(SourceEvent::Format(shape)) => stages.reshape(&shape).map_err(|source| {
                Error::Reshape { extent: shape.extent, fourcc: shape.fourcc, source }
            })?,
            Some(SourceEvent::Frame(frame)) => {
                let sequence = frame.info().sequence;
                let out = stages
                    .run(Arc::new(frame))
                    .map_err(|source| Error::Stage { sequence, source })?;
                if let Some(frame) = out {
                    sink.submit(frame).map_err(Error::Sink)?;
                }
            }
        }
    }
}

fn wait(source: &dyn Source) -> Result<(), Error> {
    let mut fds = [PollFd::from_borrowed_fd(source.readiness(), PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(err) => Err(Error::Wait(err.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::sync::Mutex;
    use std::time::Duration;

    use arrayvec::ArrayVec;
    use zerohop_frame::{
        Color, Damage, FrameInfo, MemoryHandle, Modifier, PlaneLayout, Recycle, Release,
        SharedBuffer, SyncPoint,
    };

    use super::*;

    #[derive(Default)]
    struct Home(Mutex<Vec<u64>>);

    impl Recycle for Home {
        fn recycle(&self, release: Release) {
            self.0.lock().unwrap().push(release.sequence);
        }
    }

    /// Makes pictures 0..count in one buffer.
    struct Pattern {
        buffer: Arc<SharedBuffer>,
        home: Arc<Home>,
        sent: u64,
        count: u64,
        ready: OwnedFd,
    }

    impl Pattern {
        fn new(count: u64) -> Self {
            let null = || std::fs::File::open("/dev/null").unwrap();
            let descriptor = FrameDescriptor {
                extent: Extent { width: 2, height: 2 },
                fourcc: Fourcc::XRGB8888,
                modifier: Modifier::LINEAR,
                planes: ArrayVec::from_iter([PlaneLayout { object: 0, offset: 0, stride: 8 }]),
                color: Color::SRGB,
            };
            let memory = ArrayVec::from_iter([MemoryHandle::Shm(null().into())]);
            let buffer = SharedBuffer::new(descriptor, memory).unwrap();
            Self { buffer, home: Arc::default(), sent: 0, count, ready: null().into() }
        }
    }

    impl Source for Pattern {
        fn poll_event(&mut self) -> Result<Option<SourceEvent>, BoxError> {
            if self.sent == self.count {
                return Ok(Some(SourceEvent::Ended));
            }
            let info = FrameInfo {
                sequence: self.sent,
                timestamp: Duration::ZERO,
                presented: Duration::ZERO,
                damage: Damage::Unknown,
            };
            self.sent += 1;
            let (buffer, home) = (Arc::clone(&self.buffer), Arc::clone(&self.home));
            Ok(Some(SourceEvent::Frame(Frame::new(buffer, info, SyncPoint::Signaled, home))))
        }

        fn readiness(&self) -> BorrowedFd<'_> {
            self.ready.as_fd()
        }
    }

    /// Lets every second picture through.
    struct Half;

    impl Stages for Half {
        fn reshape(&mut self, _: &FrameDescriptor) -> Result<(), BoxError> {
            Ok(())
        }

        fn run(&mut self, frame: Arc<Frame>) -> Result<Option<Arc<Frame>>, BoxError> {
            Ok(frame.info().sequence.is_multiple_of(2).then_some(frame))
        }
    }

    /// Keeps what it gets until it finishes, as an encoder with a deep queue does.
    #[derive(Default)]
    struct Hoard(Vec<Arc<Frame>>);

    impl FrameSink for Hoard {
        fn formats(&self) -> &[(Fourcc, Modifier)] {
            &[(Fourcc::XRGB8888, Modifier::LINEAR)]
        }

        fn submit(&mut self, frame: Arc<Frame>) -> Result<(), BoxError> {
            self.0.push(frame);
            Ok(())
        }

        fn finish(&mut self) -> Result<(), BoxError> {
            self.0.clear();
            Ok(())
        }
    }

    #[test]
    fn every_picture_goes_home_once() {
        let mut source = Pattern::new(5);
        let mut sink = Hoard::default();
        run(&mut source, &mut Half, &mut sink).unwrap();
        // 1 and 3 at once, the rest when the sink lets go.
        assert_eq!(*source.home.0.lock().unwrap(), [1, 3, 0, 2, 4]);
    }
}
