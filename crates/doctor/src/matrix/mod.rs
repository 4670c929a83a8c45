//! Which pictures arrive where, to the last bit, and how long that takes: every format, as memory of
//! every kind that this machine makes, read by everybody who may have to read it.

mod seen;
mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use zerohop_bridge::Error as Refusal;
use zerohop_frame::{BoxError, Different, Extent, Fourcc, same};
use zerohop_vulkan::{Device, Instance, InstanceOptions, PhysicalDevice};

use seen::{CONSUMERS, Readers};
use sent::{Kind, Sent};

use crate::check::Trouble;

/// Even, as 4:2:0 needs it, and no multiple of what tiles and rows are aligned to.
const EXTENT: Extent = Extent { width: 1918, height: 1078 };

/// The formats of swapchains and of decoders.
const FORMATS: [Fourcc; 8] = [
    Fourcc::ARGB8888,
    Fourcc::ABGR8888,
    Fourcc::ARGB2101010,
    Fourcc::ABGR2101010,
    Fourcc::RGB565,
    Fourcc::ABGR16161616F,
    Fourcc::NV12,
    Fourcc::P010,
];

/// One picture's way from its maker to one reader.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The Vulkan device that owns the memory.
    pub device: String,
    /// The format, as in `AR24`.
    pub format: String,
    /// How the picture lies in memory: `OPTIMAL`, as the driver likes, `LINEAR`, or by the DRM
    /// modifier of that number (`drm_fourcc.h`).
    pub modifier: String,
    /// What the memory is handed over as: `opaque_fd`, `memfd` or `dma_buf`.
    pub handle: &'static str,
    /// Who reads it: `vulkan`; `gl`, by a drawing; `cuda array` and `cuda pointer`, without a copy; `cuda by copy` of
    /// Vulkan's, `cuda by gl`.
    pub consumer: &'static str,
    /// Whether all bits arrived.
    pub exact: bool,
    /// Whether the picture arrived with other bits, or its way was not taken since a known picture
    /// did. For CUDA's array of a tiling by modifier the latter is no fault: CUDA is told nothing of
    /// a tiling, and may have another.
    pub wrong: bool,
    /// Milliseconds to take the memory in, once for each buffer; for CUDA with a proof of the way,
    /// which is made once for each kind of picture.
    pub import_ms: Option<f64>,
    /// Milliseconds to read the picture into memory of the process, to compare it.
    pub read_ms: Option<f64>,
    /// Why it did not arrive.
    pub why: Option<String>,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// Pixels of each picture, across and down.
    pub extent: [u32; 2],
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// The cells, by device, format, kind of memory and reader.
    pub cells: Vec<Cell>,
}

/// How long a reader took.
pub(crate) struct Times {
    import: Duration,
    read: Duration,
}

impl Matrix {
    /// Tries everything on every device: seconds on a GPU, and about as long on a CPU.
    pub fn measure() -> Self {
        let begin = Instant::now();
        let instance = Instance::new(InstanceOptions::default());
        let devices = instance.and_then(|instance| instance.devices()).unwrap_or_default();
        let cells = devices.iter().flat_map(of_device).collect();
        let Extent { width, height } = EXTENT;
        Self { extent: [width, height], seconds: begin.elapsed().as_secs_f64(), cells }
    }
}

fn of_device(physical: &PhysicalDevice) -> Vec<Cell> {
    let Ok(device) = Device::open(physical) else { return Vec::new() };
    let mut readers = Readers::of(&device);
    let kinds = |format| Kind::all(&device, format).into_iter().map(move |kind| (format, kind));
    let all = FORMATS.into_iter().flat_map(kinds);
    all.flat_map(|(format, kind)| {
        let sent = kind.make(&device, format);
        let mut cell = |consumer: &seen::Consumer| {
            let tried = match &sent {
                Ok(sent) => (consumer.read)(&mut readers, sent),
                Err(why) => Err(why.to_string().into()),
            };
            Cell::new(&device, (format, &kind, consumer.name), tried)
        };
        CONSUMERS.iter().filter(|one| one.may_read(&kind)).map(&mut cell).collect::<Vec<_>>()
    })
    .collect()
}

impl Cell {
    fn new(
        device: &Arc<Device>,
        (format, kind, consumer): (Fourcc, &Kind, &'static str),
        tried: Result<Times, BoxError>,
    ) -> Self {
        let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        let times = tried.as_ref().ok();
        let todo = "";
        Self {
            device: device.physical().name(),
            format: format.to_string(),
            modifier: kind.layout(),
            handle: kind.handle,
            consumer,
            exact: tried.is_ok(),
            wrong: tried.as_ref().is_err_and(|err| is_wrong(kind, consumer, err)),
            import_ms: times.map(|times| ms(times.import)),
            read_ms: times.map(|times| ms(times.read)),
            why: tried.as_ref().err().map(|err| Trouble::of(&**err, todo).why),
        }
    }
}

/// Whether `err` says that other bits came than were sent, where those that were sent are expected.
fn is_wrong(kind: &Kind, consumer: &str, err: &BoxError) -> bool {
    let unproven = matches!(err.downcast_ref(), Some(Refusal::NoWay { wrong: true, .. }));
    err.is::<Different>() || unproven && !(kind.is_tiled() && consumer == seen::ARRAY)
}

/// Whether `bytes` are those that were sent.
fn compare(sent: &Sent, bytes: &[u8], times: Times) -> Result<Times, BoxError> {
    same(&sent.bytes, bytes)?;
    Ok(times)
}

impl fmt::Display for Matrix {
    /// What works as a table, then what does not, by reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.extent;
        for cells in self.cells.chunk_by(|one, other| one.device == other.device) {
            let device = cells.first().map_or("", |cell| &cell.device);
            writeln!(f, "\n{width}x{height} pictures on {device}, in milliseconds")?;
            let (a, b, c, d) = ("format", "layout", "memory", "reader");
            writeln!(f, "     {a:<8}{b:<20}{c:<11}{d:<14}{:>9}{:>9}", "import", "read")?;
            cells.iter().filter(|cell| cell.exact).try_for_each(|cell| writeln!(f, "{cell}"))?;
            for (why, cells) in refusals(cells) {
                let what = |of: fn(&Cell) -> &str| {
                    let words: BTreeSet<&str> = cells.iter().map(|cell| of(cell)).collect();
                    words.into_iter().collect::<Vec<_>>().join(", ")
                };
                let (memory, readers) = (what(|cell| cell.handle), what(|cell| cell.consumer));
                writeln!(
                    f,
                    "no   {}: {memory}, read by {readers}: {why}",
                    what(|cell| &cell.format)
                )?;
            }
        }
        writeln!(f, "\n{} ways tried in {:.1} s", self.cells.len(), self.seconds)
    }
}

/// What does not work, by its reason.
fn refusals(cells: &[Cell]) -> BTreeMap<&str, Vec<&Cell>> {
    let mut all: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
    for cell in cells {
        if let Some(why) = &cell.why {
            all.entry(why).or_default().push(cell);
        }
    }
    all
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, modifier, handle, consumer, import_ms, read_ms, why, .. } = self;
        let sign = if self.exact { "yes" } else { "no" };
        write!(f, "{sign:<5}{format:<8}{modifier:<20}{handle:<11}{consumer:<14}")?;
        match (import_ms, read_ms, why) {
            (Some(import), Some(read), _) => write!(f, "{import:>9.3}{read:>9.3}"),
            (_, _, why) => write!(f, "  {}", why.as_deref().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zerohop_frame::Modifier;

    use super::*;

    #[test]
    fn a_cell_says_how_long_it_took_or_why_it_did_not_work() {
        let cell = Cell {
            device: "a".into(),
            format: "AR24".into(),
            modifier: "OPTIMAL".into(),
            handle: "opaque_fd",
            consumer: "cuda array",
            exact: true,
            wrong: false,
            import_ms: Some(0.17),
            read_ms: Some(2.0),
            why: None,
        };
        let text = cell.to_string();
        assert_eq!(
            text,
            "yes  AR24    OPTIMAL             opaque_fd  cuda array        0.170    2.000"
        );
        let why = Some("no CUDA".to_owned());
        let lost = Cell { exact: false, import_ms: None, read_ms: None, why, ..cell };
        assert!(lost.to_string().ends_with("cuda array      no CUDA"), "{lost}");
        let other = Cell { format: "AB24".into(), ..lost.clone() };
        let matrix = Matrix { extent: [2, 1], seconds: 1.0, cells: vec![lost, other] };
        let text = matrix.to_string();
        assert!(text.contains("no   AB24, AR24: opaque_fd, read by cuda array: no CUDA"), "{text}");
    }

    #[test]
    fn a_way_that_failed_its_proof_by_other_bits_is_wrong_but_for_an_array_of_a_tiling() {
        let refused = |wrong| -> BoxError {
            let (fourcc, refusals) = (Fourcc::ARGB8888, String::new());
            Refusal::NoWay { fourcc, handle: "opaque_fd", refusals, wrong }.into()
        };
        let (plain, tiled) = (Kind::of(None), Kind::of(Some(Modifier(0x0300_0000_0060_6015))));
        let rows = Kind::of(Some(Modifier::LINEAR));
        for kind in [&plain, &rows] {
            assert!(is_wrong(kind, "cuda array", &refused(true)), "{}", kind.layout());
            assert!(!is_wrong(kind, "cuda array", &refused(false)), "{}", kind.layout());
        }
        assert!(!is_wrong(&tiled, "cuda array", &refused(true)));
        assert!(is_wrong(&tiled, "cuda by copy", &refused(true)));
        let came: BoxError = same(&[1], &[2]).unwrap_err().into();
        assert!(is_wrong(&tiled, "cuda array", &came), "it was proven, and comes otherwise");
    }

    #[test]
    fn wherever_there_is_vulkan_its_own_memory_arrives() {
        let matrix = Matrix::measure();
        let own = |cell: &&Cell| cell.handle == "opaque_fd" && cell.format == "AR24";
        let ours = matrix.cells.iter().filter(own).filter(|cell| cell.consumer == "vulkan");
        for cell in ours {
            assert!(cell.exact, "{cell}");
        }
    }
}
