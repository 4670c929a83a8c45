//! CUDA, and which of its GPUs is which Vulkan device.

use zerohop_cuda::{Cuda, Error, Gpu};

use crate::{Check, DeviceReport, Trouble};

/// What to do on a machine without it, where one may well be content.
const NONE: &str = "nothing, on a machine without an NVIDIA GPU; else install NVIDIA's driver";

/// The driver's version, and its GPUs beside the `devices` of Vulkan that they are.
pub(crate) fn check(devices: &[DeviceReport]) -> Check {
    let found = find().map_err(|err| Trouble::of(&err, todo(&err)));
    let found = found.and_then(|((major, minor), gpus)| {
        let known = gpus.iter().any(|gpu| name(gpu, devices).is_some());
        let gpus: Vec<_> = gpus.iter().map(|gpu| line(gpu, devices)).collect();
        let text = format!("libcuda.so.1 for CUDA {major}.{minor}; {}", gpus.join("; "));
        let todo = "install the Vulkan part of NVIDIA's driver; a container must be given it too";
        if known { Ok(text) } else { Err(Trouble::new(text, todo)) }
    });
    Check::useful("cuda", found)
}

fn find() -> Result<((i32, i32), Vec<Gpu>), Error> {
    let cuda = Cuda::load()?;
    match cuda.gpus()? {
        gpus if gpus.is_empty() => Err(Error::NoDevice),
        gpus => Ok((cuda.version(), gpus)),
    }
}

fn todo(err: &Error) -> &'static str {
    match err {
        Error::Library(_) | Error::NoDevice => NONE,
        _ => "see nvidia-smi; the kernel module and the library must be of one version",
    }
}

/// A GPU, and what Vulkan calls it.
fn line(gpu: &Gpu, devices: &[DeviceReport]) -> String {
    let Gpu { name: called, uuid, memory, .. } = gpu;
    let gib = *memory as f64 / f64::from(1 << 30);
    let vulkan = name(gpu, devices);
    let vulkan = vulkan.unwrap_or_else(|| "none of Vulkan's devices, by its UUID".into());
    format!("{called}, {gib:.0} GiB, {uuid}, is {vulkan}")
}

fn name(gpu: &Gpu, devices: &[DeviceReport]) -> Option<String> {
    let uuid = gpu.uuid.to_string().replace('-', "");
    let device = devices.iter().find(|device| device.uuid == uuid)?;
    Some(format!("Vulkan device {}", device.index))
}
