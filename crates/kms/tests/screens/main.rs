//! Pictures on the screens of virtual cards. Needs root and the kernel's debug files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod machine;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arrayvec::ArrayVec;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use machine::{Home, Picture, card, frame, open, screen, wait};
use zerohop_frame::{Extent, Fourcc, Frame, FrameDescriptor, MemoryHandle, Modifier, SharedBuffer};
use zerohop_kernel::{Memfd, udmabuf};
use zerohop_kms::{Error, Screen};
use zerohop_needs::absent;
use zerohop_testkit::vkms::{self, state};

/// What a card is tried for.
type Test = fn(&Path);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A card has one master.
    arguments.test_threads = Some(1);
    let tests: [(&'static str, &'static str, Test); 12] = [
        ("vkms", "shared_memory_is_scanned_out_to_the_last_bit", exact),
        ("vkms", "what_is_drawn_later_into_the_same_pages_is_seen", same_pages),
        ("vkms", "alpha_is_not_shown", alpha),
        ("vkms", "a_smaller_picture_is_in_the_middle", centred),
        ("vkms", "the_older_calls_show_the_same", legacy),
        ("vkms", "a_picture_goes_home_when_another_has_taken_its_place", held),
        ("vkms", "what_was_on_the_screen_comes_back", restored),
        ("vkms", "a_second_master_is_refused_by_name", second_master),
        ("vkms", "a_mode_that_is_not_there_is_answered_with_those_that_are", no_mode),
        ("vkms", "memory_that_is_too_small_and_a_strange_modifier_are_refused", lies),
        ("virtio_gpu", "foreign_memory_is_refused_and_a_canvas_is_not", canvas),
        ("cirrus", "a_card_that_is_unplugged_is_an_error_and_no_wait", unplugged),
    ];
    let trials = tests.map(|(driver, name, test)| Trial::ignorable_test(name, on(driver, test)));
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

fn on(driver: &'static str, test: Test) -> impl FnOnce() -> Result<Completion, Failed> {
    move || match card(driver) {
        Err(why) => absent("kms", &why),
        Ok(card) => {
            test(&card);
            Ok(Completion::Completed)
        }
    }
}

/// Shows the picture, and waits until it is there.
fn show(screen: &mut Screen, frame: Arc<Frame>) {
    let sequence = frame.info().sequence;
    screen.show(frame).unwrap();
    assert!(screen.is_busy());
    assert_eq!(wait(screen).unwrap().sequence, sequence);
    assert!(!screen.is_busy());
}

/// Shows a picture of `extent` through `screen`; its checksum must be put out.
fn show_exactly(card: &Path, screen: &mut Screen, extent: Extent, fourcc: Fourcc) -> Picture {
    let mut picture = Picture::new(extent, fourcc);
    let expected = picture.draw(7, screen.mode().extent());
    show(screen, picture.frame(1, &Arc::default()));
    assert_eq!(vkms::wait_for(card, expected), Ok(()), "not the same pixels");
    picture
}

fn exact(card: &Path) {
    let mut screen = screen(card, "");
    assert!(screen.takes_fences() && screen.has_vblanks());
    let extent = screen.mode().extent();
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
}

fn same_pages(card: &Path) {
    let mut screen = screen(card, "");
    let extent = screen.mode().extent();
    let mut picture = show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
    // Nothing is shown anew: there is no copy that would have to be made again.
    let expected = picture.draw(12345, extent);
    assert_eq!(vkms::wait_for(card, expected), Ok(()), "the screen shows other pages");
}

fn alpha(card: &Path) {
    let mut screen = screen(card, "");
    let extent = screen.mode().extent();
    show_exactly(card, &mut screen, extent, Fourcc::ARGB8888);
}

fn centred(card: &Path) {
    let mut screen = screen(card, "");
    let extent = Extent { width: 322, height: 218 };
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
}

fn legacy(card: &Path) {
    let mut screen = screen(card, "api=legacy,mode=800x600");
    assert!(!screen.takes_fences());
    let extent = Extent { width: 800, height: 600 };
    assert_eq!(screen.mode().extent(), extent);
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
    // The second one is a page flip.
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
    let small = Picture::new(Extent { width: 64, height: 64 }, Fourcc::XRGB8888);
    let refused = screen.accepts(&small.buffer).unwrap_err().to_string();
    assert!(refused.starts_with("the card does not put 64x64 pixels on 800x600"), "{refused}");
}

fn held(card: &Path) {
    let mut screen = screen(card, "");
    let (home, extent) = (Arc::<Home>::default(), screen.mode().extent());
    let pictures = [(); 2].map(|()| Picture::new(extent, Fourcc::XRGB8888));
    show(&mut screen, pictures[0].frame(1, &home));
    screen.show(pictures[1].frame(2, &home)).unwrap();
    let busy = screen.show(pictures[0].frame(3, &home));
    assert!(matches!(busy, Err(Error::Busy)));
    assert_eq!(home.came(), [3], "it was not taken, and the first is still on the screen");
    let first = wait(&mut screen).unwrap();
    assert_eq!((first.sequence, home.came()), (2, vec![3, 1]));
    show(&mut screen, pictures[0].frame(4, &home));
    assert_eq!(home.came(), [3, 1, 2]);
    drop(screen);
    assert_eq!(home.came(), [3, 1, 2, 4]);
}

fn restored(card: &Path) {
    let before = state(card);
    for more in ["mode=800x600", "mode=640x480,api=legacy"] {
        let mut screen = screen(card, more);
        let extent = screen.mode().extent();
        show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
        assert_ne!(state(card), before);
        drop(screen);
        assert_eq!(state(card), before, "after {more}");
    }
    // Another process puts it back through the same open card.
    let mut screen = screen(card, "mode=800x600");
    let saved: zerohop_kms::Saved = screen.saved().to_string().parse().unwrap();
    let extent = screen.mode().extent();
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
    saved.restore(std::os::fd::AsFd::as_fd(&screen)).unwrap();
    assert_eq!(state(card), before);
}

fn second_master(card: &Path) {
    let _first = screen(card, "");
    let err = open(card, "").err().unwrap();
    let said = err.to_string();
    let us = format!("(process {})", std::process::id());
    assert!(matches!(err, Error::Master { .. }), "{said}");
    assert!(said.contains(&*card.to_string_lossy()) && said.contains(&us), "{said}");
}

fn no_mode(card: &Path) {
    let err = open(card, "mode=123x45").err().unwrap().to_string();
    assert!(err.contains("no mode 123x45") && err.contains("1024x768@60"), "{err}");
    let err = open(card, "connector=DP-77").err().unwrap().to_string();
    assert!(err.contains("no connector DP-77") && err.contains("(connected)"), "{err}");
}

/// The descriptor says what the memory has not, and is told the difference.
fn lies(card: &Path) {
    let mut screen = screen(card, "");
    let extent = screen.mode().extent();
    let before = fs::read_dir("/proc/self/fd").unwrap().count();
    let picture = Picture::new(extent, Fourcc::XRGB8888);
    let tall = Extent { height: extent.height + 1, ..extent };
    let larger = FrameDescriptor { extent: tall, ..picture.buffer.descriptor().clone() };
    let tiled = Modifier(0x0100_0000_0000_0001);
    let tiled = FrameDescriptor { modifier: tiled, ..picture.buffer.descriptor().clone() };
    for (descriptor, why) in
        [(larger, "the card makes no XR24 framebuffer"), (tiled, "modifier 0x1")]
    {
        let MemoryHandle::Shm(fd) = &picture.buffer.memory()[0] else { unreachable!() };
        let dma_buf = udmabuf(&Memfd::try_from(fd.try_clone().unwrap()).unwrap()).unwrap();
        let memory = ArrayVec::from_iter([MemoryHandle::DmaBuf(dma_buf)]);
        let buffer = SharedBuffer::new(descriptor, memory).unwrap();
        let refused = screen.accepts(&buffer).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    drop(picture);
    assert_eq!(fs::read_dir("/proc/self/fd").unwrap().count(), before, "nothing is left open");
    show_exactly(card, &mut screen, extent, Fourcc::XRGB8888);
}

fn canvas(card: &Path) {
    let mut screen = screen(card, "");
    let extent = screen.mode().extent();
    assert!(!screen.has_vblanks(), "its pictures are paced by the mode");
    let picture = Picture::new(extent, Fourcc::XRGB8888);
    let refused = screen.accepts(&picture.buffer).unwrap_err().to_string();
    assert!(refused.starts_with("virtio_gpu imports no foreign memory"), "{refused}");
    let mut canvas = screen.canvas(extent, Fourcc::XRGB8888).unwrap();
    assert!(canvas.stride() >= extent.width as usize * 4);
    canvas.bytes_mut().fill(0x55);
    screen.accepts(canvas.buffer()).unwrap();
    let begin = std::time::Instant::now();
    for sequence in 1..=4 {
        show(&mut screen, frame(canvas.buffer(), sequence, &Arc::default()));
    }
    assert!(begin.elapsed() >= screen.mode().period() * 3, "four pictures take three periods");
}

fn unplugged(card: &Path) {
    let mut screen = screen(card, "mode=640x480");
    let extent = screen.mode().extent();
    let pictures = [(); 2].map(|()| Picture::new(extent, Fourcc::XRGB8888));
    let home = Arc::<Home>::default();
    show(&mut screen, pictures[0].frame(1, &home));
    let name = card.file_name().unwrap().to_string_lossy();
    let device = fs::canonicalize(format!("/sys/class/drm/{name}/device")).unwrap();
    let driver = fs::canonicalize(device.join("driver")).unwrap();
    let address = device.file_name().unwrap().to_string_lossy().into_owned();
    fs::write(driver.join("unbind"), &address).unwrap();
    let err = screen.show(pictures[1].frame(2, &home)).unwrap_err();
    assert!(matches!(err, Error::Lost { .. }), "{err:?}");
    screen.accepts(&pictures[1].buffer).unwrap();
    drop(screen);
    assert_eq!(home.came(), [2, 1], "nothing is kept");
    fs::write(driver.join("bind"), &address).unwrap();
}
