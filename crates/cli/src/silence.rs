//! Why an application showed nothing, as far as it can be seen from outside.

use std::fs;

use rustix::process::Pid;
use zerohop_manifest::LIBRARY;

/// What was seen in the application's processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sightings {
    looked: bool,
    loader: bool,
    layer: bool,
}

impl Sightings {
    /// Looks which libraries `pids` have loaded now. Loaded once is remembered.
    pub(crate) fn look(&mut self, pids: &[Pid]) {
        for pid in pids {
            let path = format!("/proc/{}/maps", pid.as_raw_nonzero());
            if let Ok(maps) = fs::read_to_string(path) {
                self.see(&maps);
            }
        }
    }

    /// Whether the layer was seen.
    pub(crate) fn saw_layer(&self) -> bool {
        self.layer
    }

    /// The likely reason of an application that ended with this code, if it did, and what to do.
    pub(crate) fn explain(&self, failed: Option<u8>) -> (String, &'static str) {
        let (why, todo) = match *self {
            Self { layer: true, .. } => (
                "the layer was loaded, but no swapchain was created",
                "let the application use a Vulkan device and open a window (see its own messages)",
            ),
            Self { loader: true, .. } => (
                "the Vulkan loader was loaded, but not the layer",
                "see its own messages; where it does get a Vulkan device, VK_LOADER_DEBUG=layer \
                 shows why: a program with raised privileges, or one that clears its environment, \
                 does not load layers",
            ),
            Self { looked: true, .. } => (
                "it did not load the Vulkan loader",
                "check that it renders with Vulkan (many need a flag), and that libvulkan.so.1 is \
                 there (Debian: apt-get install libvulkan1 mesa-vulkan-drivers)",
            ),
            _ => ("it was gone before it could be looked at", "see its own messages"),
        };
        let ended = failed.map(|code| format!("it ended with code {code}; ")).unwrap_or_default();
        (ended + why, todo)
    }

    fn see(&mut self, maps: &str) {
        let has = |name: &str| {
            maps.lines()
                .any(|line| line.rsplit('/').next().is_some_and(|file| file.starts_with(name)))
        };
        self.looked = true;
        self.loader |= has("libvulkan.so");
        self.layer |= has(LIBRARY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_loaded_decides_the_reason() {
        let mut seen = Sightings::default();
        assert!(seen.explain(None).0.contains("gone before"));
        seen.see("7f00-7f01 r-xp 00000000 08:01 42 /usr/lib/libc.so.6");
        assert!(seen.explain(None).0.contains("did not load the Vulkan loader"));
        seen.see("7f00-7f01 r-xp 00000000 08:01 42 /usr/lib/libvulkan.so.1.3.239");
        assert!(seen.explain(None).0.contains("but not the layer"));
        seen.see(&format!("7f00-7f01 r-xp 00000000 08:01 42 /opt/{LIBRARY}"));
        seen.see("");
        assert!(seen.explain(None).0.contains("no swapchain"), "what was seen once stays seen");
        let (why, _) = seen.explain(Some(3));
        assert!(why.starts_with("it ended with code 3; the layer was loaded"), "{why}");
    }
}
