//! The cases, by what they are about.

mod acquire;
mod display;
mod images;
mod maintenance1;
mod pacing;
mod present;
mod present_id;
mod present_id2;
mod procedures;
mod surface;
mod swapchain;
mod window;

use std::{fmt, ptr};

use ash::vk;

use crate::bench::{Bench, Outcome};
use crate::ensure;

/// One thing that is asked of window system integration.
pub(crate) struct Case {
    /// As in `surface::formats`.
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Bench) -> Outcome,
    /// Takes long.
    pub(crate) slow: bool,
    /// Nothing is to be learned from the validation layer above: the case breaks valid usage on
    /// purpose to see an error, or needs what the layer of Debian 12 does not survive.
    pub(crate) without_validation: bool,
}

impl Case {
    pub(crate) const fn new(name: &'static str, run: fn(&Bench) -> Outcome) -> Self {
        Self { name, run, slow: false, without_validation: false }
    }

    pub(crate) const fn without_validation(self) -> Self {
        Self { without_validation: true, ..self }
    }

    /// Whether pictures are shown.
    pub(crate) fn presents(&self) -> bool {
        !["surface::", "display::", "procedures::"].iter().any(|group| self.name.starts_with(group))
    }

    pub(crate) const fn slow(self) -> Self {
        Self { slow: true, ..self }
    }
}

/// Every case.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [
        surface::CASES,
        display::CASES,
        swapchain::CASES,
        acquire::CASES,
        present::CASES,
        present_id::CASES,
        present_id2::CASES,
        maintenance1::CASES,
        images::CASES,
        window::CASES,
        pacing::CASES,
        procedures::CASES,
    ]
    .into_iter()
    .flatten()
}

/// Asks a query in every way that the two-call idiom allows, and gives what it lists: the count
/// alone; too little room (`VK_INCOMPLETE`, and no element beyond it is touched); just enough;
/// too much.
pub(crate) fn listing<T: Default + Copy + PartialEq + fmt::Debug>(
    query: impl Fn(&mut u32, *mut T) -> vk::Result,
) -> Outcome<Vec<T>> {
    let mut total = 0;
    query(&mut total, ptr::null_mut()).result()?;
    let mut whole = vec![T::default(); total as usize];
    query(&mut total, whole.as_mut_ptr()).result()?;
    ensure!(total as usize == whole.len(), "{total} at the second look");
    for room in 0..=total + 2 {
        let mut some = vec![T::default(); room.max(total) as usize + 1];
        let mut count = room;
        let code = query(&mut count, some.as_mut_ptr());
        let want = if room < total { vk::Result::INCOMPLETE } else { vk::Result::SUCCESS };
        ensure!(code == want, "{code:?} with room for {room} of {total}");
        ensure!(count == room.min(total), "count {count} with room for {room} of {total}");
        let (given, rest) = some.split_at(count as usize);
        ensure!(given == &whole[..given.len()], "{given:?} begins otherwise than {whole:?}");
        ensure!(rest.iter().all(|one| *one == T::default()), "written beyond {count}: {rest:?}");
    }
    Ok(whole)
}
