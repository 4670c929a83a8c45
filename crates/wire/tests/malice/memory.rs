//! Buffers that are not what their announcement says.

use std::os::fd::{AsFd, OwnedFd};

use zerohop_frame::{DeviceId, MemoryHandle, Modifier, OpaqueImage, PlaneLayout};
use zerohop_wire::ToHost;

use crate::common::{announce_with, descriptor, say, shm};
use crate::{null, refused_announce, refused_later};

#[test]
fn numbers_outside_their_range_are_refused() {
    refused_announce("the width is 0, not 1 to 16384", 20, 0);
    refused_announce("the height is 16385, not 1 to 16384", 24, 16385);
    refused_announce("the number of planes is 5, not 0 to 4", 44, 5);
    refused_later("the XR24 picture has no plane", |socket| {
        let mut flat = descriptor();
        flat.planes.clear();
        say(socket, &announce_with(1, flat, shm(64)));
    });
    refused_announce("plane 0 is in object 7, but the buffer has 1", 48, 7);
    refused_announce("byte 60 of announce is not used and not zero", 60, 1);
    refused_announce("byte 64 of announce is not used and not zero", 64, 1);
    refused_announce("byte 224 of announce is not used and not zero", 224, 1);
    refused_announce("a bit of copies 4 is unknown", 228, 4);
    refused_announce("memory kind 9 is unknown", 112, 9);
    refused_announce("the number of memory objects is 5, not 0 to 4", 116, 5);
    refused_announce("colour range 2 is unknown", 40, 0x0200_0000);
    refused_announce("for this memory, modifier 1 is unknown", 32, 1);
}

#[test]
fn an_unknown_format_is_taken_and_its_shape_still_checked() {
    refused_announce("plane 0 ends at byte 80 of object 0, which has 64", 56, 20);
    let mut unknown = descriptor();
    unknown.fourcc = zerohop_frame::Fourcc(u32::from_le_bytes(*b"????"));
    refused_later("plane 0 ends at byte 68 of object 0, which has 64", |socket| {
        say(socket, &announce_with(1, unknown.clone(), shm(64)));
        unknown.planes[0].stride = 17;
        say(socket, &announce_with(2, unknown, shm(64)));
    });
}

#[test]
fn memory_that_is_too_small_is_refused() {
    refused_later("plane 0 ends at byte 64 of object 0, which has 63", |socket| {
        say(socket, &announce_with(1, descriptor(), shm(63)));
    });
    refused_announce("plane 0 has a stride of 15 bytes, and its rows have 16", 56, 15);
    refused_announce("plane 0 ends at byte 4294967359 of object 0, which has 64", 52, u32::MAX);
    refused_announce("plane 0 ends at byte 17179869180 of object 0, which has 64", 56, u32::MAX);
}

#[test]
fn memory_that_can_shrink_is_refused() {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    refused_later(
        "object 0 is a memfd of 4096 bytes that is not sealed against shrinking",
        |socket| {
            let loose = memfd_create("loose", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC);
            let loose = loose.unwrap();
            ftruncate(&loose, 4096).unwrap();
            say(socket, &announce_with(1, descriptor(), MemoryHandle::Shm(loose)));
        },
    );
}

#[test]
fn a_descriptor_of_another_kind_is_refused() {
    let wrong = |expected: &str, memory: &dyn Fn() -> MemoryHandle| {
        refused_later(expected, |socket| say(socket, &announce_with(1, descriptor(), memory())));
    };
    wrong("object 0 is not a memfd but Other", &|| MemoryHandle::Shm(null()));
    wrong("object 0 is not a dma-buf but Other", &|| MemoryHandle::DmaBuf(null()));
    wrong("object 0 is not a dma-buf but Memfd { size: 64, keeps_size: true }", &|| {
        let MemoryHandle::Shm(memfd) = shm(64) else { unreachable!("shm makes a memfd") };
        MemoryHandle::DmaBuf(memfd)
    });
    wrong("object 0 is not a memfd but Other", &|| {
        MemoryHandle::Shm(std::fs::File::open("/dev/shm").unwrap().into())
    });
}

#[test]
fn opaque_memory_is_checked_as_far_as_it_can_be() {
    let wrong = |expected: &str, change: &dyn Fn(&mut OpaqueImage, &mut PlaneLayout)| {
        refused_later(expected, |socket| {
            let MemoryHandle::Shm(fd) = shm(64) else { unreachable!("shm makes a memfd") };
            say(socket, &opaque(fd, change));
        });
    };
    wrong("object 0 has 64 bytes, not 65", &|_, _| ());
    refused_later(
        "object 0 is a memfd of 0 bytes that is not sealed against shrinking",
        |socket| {
            let flags = rustix::fs::MemfdFlags::CLOEXEC;
            let fd = rustix::fs::memfd_create("unsealable", flags).unwrap();
            say(socket, &opaque(fd, &|_, _| ()));
        },
    );
    wrong("the image tiling is 2, not 0 to 1", &|image, _| image.tiling = 2);
    wrong("the number of array layers is 0, not 1 to 2048", &|image, _| image.array_layers = 0);
    wrong("the image format is 0, not 1 to 4294967295", &|image, _| image.format = 0);
    wrong("the stride of opaque memory is 16, not 0 to 0", &|_, plane| plane.stride = 16);
}

#[test]
fn opaque_rows_lie_in_their_memory_and_are_no_image() {
    let wrong = |expected: &str, image: OpaqueImage, offset: u32| {
        refused_later(expected, |socket| {
            let MemoryHandle::Shm(fd) = shm(65) else { unreachable!("shm makes a memfd") };
            let ToHost::Announce { mut descriptor, memory, .. } = opaque(fd, &|_, _| ()) else {
                unreachable!("an announcement")
            };
            descriptor.modifier = Modifier::LINEAR;
            descriptor.planes[0] = PlaneLayout { offset, ..self::descriptor().planes[0] };
            let fd = memory[0].as_fd().try_clone_to_owned().unwrap();
            let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
            let memory = MemoryHandle::OpaqueFd { fd, device, size: 65, memory_type: 0, image };
            say(socket, &announce_with(1, descriptor, memory));
        });
    };
    let image = OpaqueImage { usage: 1, ..Default::default() };
    wrong("opaque memory with modifier LINEAR holds rows and no image", image, 0);
    wrong("plane 0 ends at byte 66 of object 0, which has 65", OpaqueImage::default(), 2);
}

/// Opaque memory of 65 bytes, changed.
fn opaque(fd: OwnedFd, change: &dyn Fn(&mut OpaqueImage, &mut PlaneLayout)) -> ToHost {
    let mut shape = descriptor();
    shape.modifier = Modifier::INVALID;
    shape.planes[0].stride = 0;
    let mut image = OpaqueImage { format: 44, usage: 1, array_layers: 1, ..Default::default() };
    change(&mut image, &mut shape.planes[0]);
    let device = DeviceId { device_uuid: [1; 16], driver_uuid: [2; 16] };
    let memory = MemoryHandle::OpaqueFd { fd, device, size: 65, memory_type: 0, image };
    announce_with(1, shape, memory)
}
