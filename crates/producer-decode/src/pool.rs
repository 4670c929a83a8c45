//! Memory that decoders write and hosts read: sealed memfds, mapped once and used again.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrayvec::ArrayVec;
use zerohop_frame::MAX_PLANES;
use zerohop_kernel::{MappingMut, Memfd};

/// How much lies between the planes of a surface, so that each begins at a page.
const PAGE: usize = 4096;

/// Bytes that a decoder may write past the end of a plane (`libavcodec/get_buffer.c` allows itself
/// 16 and an alignment).
const SLACK: usize = 256;

/// Surfaces of all pools so far.
static MADE: AtomicU64 = AtomicU64::new(0);

/// The planes that a decoder wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// FFmpeg's number for the format.
    pub(crate) format: i32,
    /// Bytes from one row to the next, and bytes in all, of each plane.
    pub(crate) planes: ArrayVec<(usize, usize), MAX_PLANES>,
}

impl Layout {
    /// Where each plane begins, and how long all of them are.
    fn places(&self) -> (ArrayVec<usize, MAX_PLANES>, usize) {
        let mut end = 0_usize;
        let mut places = ArrayVec::new();
        for (_, bytes) in &self.planes {
            places.push(end);
            end = (end + bytes + SLACK).next_multiple_of(PAGE);
        }
        (places, end)
    }
}

/// Names a surface for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SurfaceId(u64);

impl SurfaceId {
    /// One that was never there.
    pub(crate) fn next() -> Self {
        Self(MADE.fetch_add(1, Ordering::Relaxed))
    }
}

/// Memory of one picture.
pub(crate) struct Surface {
    pub(crate) id: SurfaceId,
    pub(crate) layout: Layout,
    /// Where each plane begins, in bytes.
    pub(crate) places: ArrayVec<usize, MAX_PLANES>,
    pub(crate) memfd: Memfd,
    mapping: MappingMut,
}

impl Surface {
    fn new(id: SurfaceId, layout: Layout) -> io::Result<Self> {
        let (places, size) = layout.places();
        let memfd = Memfd::create("zerohop-picture", size as u64)?;
        let mapping = MappingMut::new(&memfd)?;
        Ok(Self { id, layout, places, memfd, mapping })
    }

    /// Where it begins in this process.
    pub(crate) fn base(&self) -> *mut u8 {
        self.mapping.as_ptr()
    }

    /// How long it is, in bytes.
    pub(crate) fn size(&self) -> usize {
        // It is in our address space.
        self.memfd.size() as usize
    }
}

/// Surfaces of one layout at a time. Those that come back are lent again; when another layout is
/// asked for, those of the old one go.
#[derive(Default)]
pub(crate) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    layout: Option<Layout>,
    free: Vec<Arc<Surface>>,
    /// By the address where they begin.
    lent: BTreeMap<usize, Arc<Surface>>,
    /// Those that are gone since somebody asked.
    gone: Vec<SurfaceId>,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a surface of `layout`, which is nobody else's until it is given back.
    pub(crate) fn lend(&self, layout: &Layout) -> io::Result<Arc<Surface>> {
        let mut state = self.state();
        if state.layout.as_ref() != Some(layout) {
            let old = std::mem::take(&mut state.free);
            state.gone.extend(old.iter().map(|surface| surface.id));
            state.layout = Some(layout.clone());
        }
        let surface = match state.free.pop() {
            Some(surface) => surface,
            None => {
                let id = SurfaceId::next();
                Arc::new(Surface::new(id, layout.clone())?)
            }
        };
        state.lent.insert(surface.base() as usize, Arc::clone(&surface));
        Ok(surface)
    }

    /// Takes the surface that begins at `base` back.
    pub(crate) fn give_back(&self, base: usize) {
        let mut state = self.state();
        let Some(surface) = state.lent.remove(&base) else { return };
        if state.layout.as_ref() == Some(&surface.layout) {
            state.free.push(surface);
        } else {
            state.gone.push(surface.id);
        }
    }

    /// The surface that begins at `base` and is lent.
    pub(crate) fn find(&self, base: usize) -> Option<Arc<Surface>> {
        self.state().lent.get(&base).cloned()
    }

    /// Surfaces that nobody will see again.
    pub(crate) fn take_gone(&self) -> Vec<SurfaceId> {
        std::mem::take(&mut self.state().gone)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    fn layout(stride: usize) -> Layout {
        Layout { format: 0, planes: ArrayVec::from_iter([(stride, stride * 9), (stride, stride)]) }
    }

    #[test]
    fn a_surface_is_lent_again_when_it_came_back() {
        let pool = Pool::default();
        let first = pool.lend(&layout(64)).unwrap();
        let second = pool.lend(&layout(64)).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(pool.find(first.base() as usize).unwrap().id, first.id);
        pool.give_back(first.base() as usize);
        assert!(pool.find(first.base() as usize).is_none());
        assert_eq!(pool.lend(&layout(64)).unwrap().id, first.id);
        assert!(pool.take_gone().is_empty());
    }

    #[test]
    fn planes_have_room_for_what_a_decoder_writes_past_them() {
        let surface = Pool::default().lend(&layout(5000)).unwrap();
        assert_eq!(surface.places[..], [0, 45_056 + PAGE]);
        assert!(surface.size() >= surface.places[1] + 5000 + SLACK);
    }

    #[test]
    fn surfaces_of_an_old_layout_go() {
        let pool = Pool::default();
        let (here, away) = (pool.lend(&layout(64)).unwrap(), pool.lend(&layout(64)).unwrap());
        pool.give_back(here.base() as usize);
        let new = pool.lend(&layout(128)).unwrap();
        assert_eq!(pool.take_gone(), [here.id]);
        pool.give_back(away.base() as usize);
        assert_eq!(pool.take_gone(), [away.id]);
        assert_eq!(new.layout, layout(128));
    }
}
