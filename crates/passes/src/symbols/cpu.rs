//! The twin of `symbols.wgsl`: the same words from the same luma.

use zerohop_kernel::{VectorWork, vectorized};
use zerohop_symbols::{Action, Header, Kind, PER_WORD, digits, pack, planes_for};

/// The luma of a picture, and what a reader has of the one before. Both have rows of `stride` bytes
/// and room for whole blocks.
pub(super) struct Job<'a> {
    pub(super) header: &'a Header,
    pub(super) luma: &'a [u8],
    pub(super) luma_stride: usize,
    pub(super) known: &'a mut [u8],
    pub(super) stride: usize,
}

/// The actions and the trits of a picture; afterwards `known` is what a reader has.
pub(super) fn write(job: Job<'_>) -> (Vec<u32>, Vec<u32>) {
    vectorized(job)
}

/// The part of a block that is in the picture.
struct Block {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl VectorWork for Job<'_> {
    type Output = (Vec<u32>, Vec<u32>);

    #[inline(always)]
    fn run(mut self) -> Self::Output {
        let (mut actions, mut trits) = (Vec::new(), Vec::new());
        let side = self.header.block as usize;
        for index in 0..self.header.blocks() {
            let columns = self.header.columns();
            let (left, top) = (index % columns * side, index / columns * side);
            let width = side.min(self.header.width as usize - left);
            let height = side.min(self.header.height as usize - top);
            let block = Block { left, top, width, height };
            let action = self.decide(&block);
            actions.push(action.word());
            self.put(&block, action, &mut trits);
        }
        (actions, trits)
    }
}

impl Job<'_> {
    /// A difference in steps, to the nearest.
    #[inline(always)]
    fn steps(&self, difference: u32) -> u32 {
        (difference + self.header.step / 2) / self.header.step
    }

    #[inline(always)]
    fn rows(&self, block: &Block, y: usize) -> (&[u8], &[u8]) {
        let luma = (block.top + y) * self.luma_stride + block.left;
        let known = (block.top + y) * self.stride + block.left;
        (&self.luma[luma..luma + block.width], &self.known[known..known + block.width])
    }

    #[inline(always)]
    fn decide(&self, block: &Block) -> Action {
        let (mut change, mut low, mut high) = (0, 255, 0);
        for y in 0..block.height {
            let (luma, known) = self.rows(block, y);
            for (luma, known) in luma.iter().zip(known) {
                change = change.max(luma.abs_diff(*known));
                low = low.min(*luma);
                high = high.max(*luma);
            }
        }
        let (change, low, high) = (u32::from(change), u32::from(low), u32::from(high));
        let (bound, refers) = (self.header.step / 2, !self.header.key);
        if refers && change <= bound {
            return Action { kind: Kind::Skip, planes: 0, base: 0 };
        }
        let middle = (low + high).div_ceil(2);
        let (spread, base) = ((high - middle).max(middle - low), middle as u8);
        if spread <= bound {
            return Action { kind: Kind::Flat, planes: 0, base };
        }
        let (delta, intra) = (planes_for(self.steps(change)), planes_for(self.steps(spread)));
        if refers && delta <= intra {
            return Action { kind: Kind::Delta, planes: delta, base: 0 };
        }
        Action { kind: Kind::Intra, planes: intra, base }
    }

    /// Writes the trits of a block, and what a reader makes of them.
    #[inline(always)]
    fn put(&mut self, block: &Block, action: Action, trits: &mut Vec<u32>) {
        if action.kind == Kind::Skip {
            return;
        }
        let side = self.header.block as usize;
        let mut steps = vec![0_i32; side * side];
        for y in 0..block.height {
            let (luma, known) = self.rows(block, y);
            for (x, (luma, known)) in luma.iter().zip(known).enumerate() {
                let from = if action.refers() { *known } else { action.base };
                let size = self.steps(luma.abs_diff(from).into()).cast_signed();
                steps[y * side + x] = if *luma < from { -size } else { size };
            }
        }
        // A base without steps is the base everywhere.
        if action.kind == Kind::Flat {
            steps.fill(0);
        }
        for plane in (0..action.planes).rev() {
            trits.extend(steps.chunks(PER_WORD).map(|some| {
                let mut codes = [0; PER_WORD];
                for (code, value) in codes.iter_mut().zip(some) {
                    *code = digits(*value, plane);
                }
                pack(&codes)
            }));
        }
        self.remember(block, action, &steps);
    }

    #[inline(always)]
    fn remember(&mut self, block: &Block, action: Action, steps: &[i32]) {
        let (side, step) = (self.header.block as usize, self.header.step.cast_signed());
        for y in 0..block.height {
            let start = (block.top + y) * self.stride + block.left;
            let known = &mut self.known[start..start + block.width];
            for (known, steps) in known.iter_mut().zip(&steps[y * side..]) {
                let from = if action.refers() { *known } else { action.base };
                *known = (i32::from(from) + steps * step).clamp(0, 255) as u8;
            }
        }
    }
}
