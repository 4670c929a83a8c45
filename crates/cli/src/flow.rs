//! What happens to the pictures of a run between their source and the places they go to.

use std::sync::Arc;

use zerohop_frame::{FrameSink, Source};
use zerohop_pipeline::{
    CudaReport, Ending, Error, Filtered, Filters, Limits, Look, Measurements, Path, Plain, Scanout,
    Stages, Straight, Tap, run,
};
use zerohop_vulkan::{Device, DeviceChoice, InstanceOptions};

use crate::opened::Shown;
use crate::outputs::Outputs;

/// The stages and the last sink of a run, and what the report says of them.
pub(crate) struct Flow {
    pub(crate) measurements: Arc<Measurements>,
    /// The encoder's name, if there is one.
    pub(crate) encoder: Option<String>,
    /// Files and folders that are written.
    pub(crate) names: Vec<String>,
    filters: Option<Filters>,
    way: Way,
    sink: Box<dyn FrameSink + Send>,
}

/// The ways there are.
enum Way {
    /// To files: looked at and converted.
    Recorded(Path),
    /// To a screen: as they are.
    Shown(Scanout),
    /// Both.
    Both(Tap<Path>),
    /// To whom does not look at them.
    Straight(Straight),
    /// To whom reads rows.
    Plain(Plain),
}

impl Way {
    /// To those who look at nothing, or at rows.
    fn straight(
        reads_rows: bool,
        choice: DeviceChoice,
        options: InstanceOptions,
        measurements: Arc<Measurements>,
    ) -> Self {
        if reads_rows {
            return Self::Plain(Plain::new(choice, options, measurements));
        }
        Self::Straight(Straight)
    }
}

impl Flow {
    /// The way to `outputs`. `choice` is for memory that any device can read.
    // Long because everything that a run writes to is handed out here.
    pub(crate) fn new(
        outputs: Outputs,
        choice: DeviceChoice,
        validation: bool,
        look: Look,
    ) -> Self {
        let Outputs {
            filters,
            measurements,
            sink,
            snapshots,
            region,
            view,
            screen,
            is_recorded,
            is_straight,
            reads_rows,
            encoder,
            names,
        } = outputs;
        let options = InstanceOptions { validation };
        let unread = screen.is_none() && is_straight && !reads_rows;
        let filters = (!filters.is_empty()).then(|| {
            let observer = Arc::clone(&measurements);
            Filters::new(filters, choice.clone(), options, observer).staying(unread)
        });
        let path = || {
            let path = Path::to(&*sink, choice.clone(), Arc::clone(&measurements));
            let mut path = path.with_snapshots(snapshots).with_view(view).with_region(region);
            path = path.with_validation(validation).with_look(look);
            path.prepare();
            path
        };
        let scanout = |shown: &Shown| {
            let (screen, choice) = (Arc::clone(&shown.screen), choice.clone());
            Scanout::new(screen, choice, options, Arc::clone(&measurements))
        };
        let (way, sink) = match screen {
            None if is_straight => {
                let observer = Arc::clone(&measurements);
                (Way::straight(reads_rows, choice.clone(), options, observer), sink)
            }
            None => (Way::Recorded(path()), sink),
            Some(shown) if !is_recorded => (Way::Shown(scanout(&shown)), shown.sink),
            Some(shown) => {
                let (scanout, observer) = (scanout(&shown), Arc::clone(&measurements));
                (Way::Both(Tap::new(scanout, shown.sink, path(), observer)), sink)
            }
        };
        Self { measurements, encoder, names, filters, way, sink }
    }

    /// Moves the pictures until the source ends or a limit is reached.
    pub(crate) fn run(
        &mut self,
        source: &mut dyn Source,
        limits: Limits<'_>,
    ) -> Result<Ending, Error> {
        let stages: &mut dyn Stages = match &mut self.way {
            Way::Recorded(path) => path,
            Way::Shown(scanout) => scanout,
            Way::Both(tap) => tap,
            Way::Straight(straight) => straight,
            Way::Plain(plain) => plain,
        };
        match &mut self.filters {
            None => run(source, stages, &mut *self.sink, limits, &self.measurements),
            Some(filters) => {
                let mut filtered = Filtered { filters, then: stages };
                run(source, &mut filtered, &mut *self.sink, limits, &self.measurements)
            }
        }
    }

    /// CUDA's part in it, if it had one.
    pub(crate) fn cuda(&self) -> Option<CudaReport> {
        let path = match &self.way {
            Way::Recorded(path) => path,
            Way::Both(tap) => tap.rest(),
            Way::Shown(_) | Way::Straight(_) | Way::Plain(_) => return None,
        };
        path.view()?.report().cloned()
    }

    /// Why the host looked at every picture; `None` where the application may have.
    pub(crate) fn host_looks(&self) -> Option<&'static str> {
        match &self.way {
            Way::Recorded(path) => path.host_looks(),
            Way::Shown(_) | Way::Both(_) => Some("a screen shows every picture"),
            Way::Straight(_) | Way::Plain(_) => Some("every picture is handed on"),
        }
    }

    /// The device that read the pictures, if one did.
    pub(crate) fn device(&self) -> Option<&Arc<Device>> {
        if let Some(filters) = &self.filters {
            return filters.device();
        }
        match &self.way {
            Way::Recorded(path) => path.device(),
            Way::Shown(scanout) => scanout.device(),
            Way::Both(tap) => tap.rest().device(),
            Way::Plain(plain) => plain.device(),
            Way::Straight(_) => None,
        }
    }
}
