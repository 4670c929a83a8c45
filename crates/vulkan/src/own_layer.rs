//! Keeps `VK_LAYER_ZEROHOP_wsi` out of the process that serves it.
//!
//! The layer presents to a host; a host that loads it into itself would be its own client. The
//! loader reads the environment, and has no other way to refuse a layer.

use std::env;
use std::sync::Once;

use zerohop_manifest::{ENABLE_ENVIRONMENT as IMPLICIT, LAYER_NAME as LAYER};

/// Lists explicit layers, separated by colons (`Vulkan-Loader docs/LoaderInterfaceArchitecture.md`).
const EXPLICIT: &str = "VK_INSTANCE_LAYERS";

/// Takes our layer out of the environment, once per process. Does nothing when it is not there.
pub(crate) fn keep_out() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Some(others) = env::var(EXPLICIT).ok().and_then(|names| without_ours(&names)) {
            // SAFETY: the variable exists, so glibc swaps one pointer and keeps the old text
            // (`setenv` never frees it): a reader in another thread sees the old or the new one.
            unsafe { env::set_var(EXPLICIT, others) };
        }
        if env::var_os(IMPLICIT).is_some() {
            // SAFETY: as above.
            unsafe { env::set_var(IMPLICIT, "0") };
        }
    });
}

/// The list without our layer; `None` when it is not in there.
fn without_ours(names: &str) -> Option<String> {
    let others: Vec<_> = names.split(':').filter(|name| *name != LAYER).collect();
    (others.len() < names.split(':').count()).then(|| others.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_layer_is_taken_out() {
        let list = format!("VK_LAYER_A:{LAYER}:VK_LAYER_B");
        assert_eq!(without_ours(&list).as_deref(), Some("VK_LAYER_A:VK_LAYER_B"));
        assert_eq!(without_ours(LAYER).as_deref(), Some(""));
        assert_eq!(without_ours("VK_LAYER_A:VK_LAYER_B"), None);
    }
}
