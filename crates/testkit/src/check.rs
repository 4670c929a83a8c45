//! Finds what is wrong with captured pictures of the pattern.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use zerohop_frame::Extent;

use crate::pattern::{Scene, frame_of_row};
use crate::{Layout, Pixel};

/// The most pictures that are named in each line of a report.
const NAMED: usize = 8;

/// One captured picture, row after row.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its size.
    pub extent: Extent,
    /// `extent.width * extent.height` pixels.
    pub pixels: Vec<Pixel>,
    /// How many of the top bits of each channel are to be compared; 0 leaves a channel out.
    pub bits: [u32; 4],
}

impl Picture {
    /// A picture from tightly packed memory in a swapchain format.
    ///
    /// # Panics
    ///
    /// When `memory` is too short.
    pub fn unpack(layout: Layout, extent: Extent, memory: &[u8]) -> Self {
        let count = extent.width as usize * extent.height as usize;
        assert!(memory.len() >= count * layout.bytes, "{} bytes for {extent:?}", memory.len());
        let pixels = memory.chunks_exact(layout.bytes).take(count);
        let pixels = pixels.map(|pixel| layout.unpack(pixel)).collect();
        Self { extent, pixels, bits: layout.bits() }
    }

    /// The same without its alpha, for a capture that does not carry it.
    #[must_use]
    pub fn opaque(mut self) -> Self {
        self.bits[3] = 0;
        self
    }
}

/// A picture with rows of several numbers, or pixels of none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which captured picture, from 0.
    pub index: usize,
    /// The numbers that its rows carry.
    pub frames: Vec<u32>,
    /// Pixels that are not those of their row's number.
    pub wrong: usize,
    /// The first of them, as column and row.
    pub first: Option<(u32, u32)>,
}

/// What was seen of the pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many pictures were taken.
    pub taken: usize,
    /// Different numbers among them.
    pub seen: usize,
    /// Numbers that were asked for and never seen.
    pub missing: Vec<u32>,
    /// Numbers seen more than once.
    pub twice: Vec<u32>,
    /// Numbers that came after a higher one.
    pub backwards: Vec<u32>,
    /// Numbers that nobody asked for.
    pub foreign: Vec<u32>,
    /// Pictures of several numbers.
    pub torn: Vec<Flaw>,
    /// Pictures with wrong pixels.
    pub wrong: Vec<Flaw>,
}

impl Report {
    /// Whether every number was seen once, in order, and every pixel was right.
    pub fn is_perfect(&self) -> bool {
        self.is_true() && self.missing.is_empty() && self.twice.is_empty()
    }

    /// Whether what was seen was right and in order, though perhaps not all of it, or repeated.
    pub fn is_true(&self) -> bool {
        self.backwards.is_empty()
            && self.foreign.is_empty()
            && self.torn.is_empty()
            && self.wrong.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pictures, {} different", self.taken, self.seen)?;
        let lists = [
            ("missing", &self.missing),
            ("twice", &self.twice),
            ("backwards", &self.backwards),
            ("foreign", &self.foreign),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            let some = &list[..list.len().min(NAMED)];
            write!(f, ", {} {name} {some:?}", list.len())?;
        }
        for flaw in self.torn.iter().take(NAMED) {
            write!(f, ", picture {} torn between {:?}", flaw.index, flaw.frames)?;
        }
        for flaw in self.wrong.iter().take(NAMED) {
            let (x, y) = flaw.first.unwrap_or_default();
            write!(f, ", picture {} has {} wrong pixels", flaw.index, flaw.wrong)?;
            write!(f, " from ({x}, {y}) on")?;
        }
        Ok(())
    }
}

/// Takes captured pictures in the order of their capture.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    scene: Scene,
    taken: usize,
    seen: BTreeMap<u32, usize>,
    last: Option<u32>,
    report: Report,
}

impl Checker {
    /// A checker for pictures of `scene`.
    pub fn new(scene: Scene) -> Self {
        Self { scene, ..Self::default() }
    }

    /// Looks at one picture. Returns the number that it carries, unless it is torn.
    pub fn take(&mut self, picture: &Picture) -> Option<u32> {
        let flaw = look(self.scene, picture, self.taken);
        self.taken += 1;
        if flaw.wrong > 0 {
            self.report.wrong.push(flaw.clone());
        }
        let [frame] = flaw.frames[..] else {
            self.report.torn.push(flaw);
            return None;
        };
        *self.seen.entry(frame).or_default() += 1;
        if self.last.is_some_and(|last| last > frame) {
            self.report.backwards.push(frame);
        }
        self.last = Some(frame);
        Some(frame)
    }

    /// What was seen, against the numbers that should have been.
    pub fn report(&self, asked: Range<u32>) -> Report {
        let mut report = self.report.clone();
        report.taken = self.taken;
        report.seen = self.seen.len();
        report.missing = asked.clone().filter(|frame| !self.seen.contains_key(frame)).collect();
        let twice = self.seen.iter().filter(|(_, times)| **times > 1);
        report.twice = twice.map(|(frame, _)| *frame).collect();
        report.foreign = self.seen.keys().copied().filter(|f| !asked.contains(f)).collect();
        report
    }
}

/// Compares a picture row by row with the number that each row carries.
fn look(scene: Scene, picture: &Picture, index: usize) -> Flaw {
    let mut flaw = Flaw { index, frames: Vec::new(), wrong: 0, first: None };
    let masks = picture.bits.map(|bits| u16::try_from(!(0xffff_u32 >> bits) & 0xffff).unwrap_or(0));
    let width = picture.extent.width as usize;
    for (y, line) in (0..).zip(picture.pixels.chunks_exact(width)) {
        let frame = frame_of_row(line);
        if scene.row_moves(y) && !flaw.frames.contains(&frame) {
            flaw.frames.push(frame);
        }
        for ((x, seen), want) in (0..).zip(line).zip(scene.row(frame, y)) {
            if (0..4).any(|i| (seen[i] ^ want[i]) & masks[i] != 0) {
                flaw.wrong += 1;
                flaw.first.get_or_insert((x, y));
            }
        }
    }
    flaw
}

#[cfg(test)]
mod tests {
    use ash::vk;
    use zerohop_frame::Rect;

    use super::*;

    const EXTENT: Extent = Extent { width: 5, height: 4 };

    fn picture(scene: Scene, frame: u32) -> Picture {
        let layout = Layout::of(vk::Format::R5G6B5_UNORM_PACK16).unwrap();
        let mut memory = vec![0; 40];
        for (i, pixel) in (0..20).zip(memory.chunks_exact_mut(2)) {
            layout.pack(scene.pixel(frame, i % 5, i / 5), pixel);
        }
        Picture::unpack(layout, EXTENT, &memory)
    }

    #[test]
    fn whole_pictures_in_order_are_perfect() {
        let scene = Scene { moving: Some(Rect { x: 0, y: 1, width: 2, height: 2 }), plain: false };
        let mut checker = Checker::new(scene);
        for frame in 3..6 {
            assert_eq!(checker.take(&picture(scene, frame)), Some(frame));
        }
        assert!(checker.report(3..6).is_perfect());
        assert_eq!(checker.report(2..6).to_string(), "3 pictures, 3 different, 1 missing [2]");
    }

    #[test]
    fn a_repeat_and_a_step_back_are_named() {
        let mut checker = Checker::default();
        for frame in [1, 2, 2, 1] {
            checker.take(&picture(Scene::default(), frame));
        }
        let report = checker.report(1..3);
        assert_eq!((report.twice, report.backwards), (vec![1, 2], vec![1]));
    }

    #[test]
    fn a_torn_picture_and_a_wrong_pixel_are_found() {
        let mut torn = picture(Scene::default(), 1);
        torn.pixels.truncate(10);
        torn.pixels.extend_from_slice(&picture(Scene::default(), 2).pixels[10..]);
        let mut wrong = picture(Scene::default(), 3);
        wrong.pixels[7][1] ^= 0x0400;
        let mut checker = Checker::default();
        checker.take(&torn);
        checker.take(&wrong);
        let report = checker.report(1..4);
        assert_eq!((report.torn[0].frames.clone(), report.torn[0].wrong), (vec![1, 2], 0));
        assert_eq!((report.wrong[0].wrong, report.wrong[0].first), (1, Some((2, 1))));
    }

    #[test]
    fn the_lowest_bit_that_a_format_lacks_is_not_compared() {
        let mut seen = picture(Scene::default(), 3);
        seen.pixels[7][0] ^= 1;
        let mut checker = Checker::default();
        checker.take(&seen);
        assert!(checker.report(3..4).is_perfect());
    }
}
