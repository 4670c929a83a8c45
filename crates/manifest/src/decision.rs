//! Whether the WSI layer answers for surfaces and swapchains in the driver's place.

use std::fmt;

/// The environment variable that forces it: `auto`, `always` or `never`.
pub const WSI_VARIABLE: &str = "ZEROHOP_WSI";

/// Whether a layer does what a driver may do itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takeover {
    /// Where the layer finds that the driver cannot.
    #[default]
    Auto,
    /// Also where it can.
    Always,
    /// Nowhere.
    Never,
}

impl Takeover {
    /// What a variable's value means. `None`: nothing.
    pub fn parse(value: &str) -> Option<Self> {
        match value {
            "auto" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

/// Whose surfaces and swapchains an application gets from one device, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WsiDecision {
    /// Whether they are the layer's.
    pub replaced: bool,
    /// Why, for people.
    pub why: &'static str,
}

impl WsiDecision {
    /// For a driver that lists `VK_KHR_swapchain` or not, and says that it presents to the X server
    /// at hand or not; `None` when there is none, or it was not asked.
    pub fn new(setting: Takeover, lists_swapchain: bool, presents: Option<bool>) -> Self {
        let (replaced, why) = match (setting, lists_swapchain, presents) {
            (Takeover::Never, ..) => (false, "ZEROHOP_WSI says never"),
            (Takeover::Always, ..) => (true, "ZEROHOP_WSI says always"),
            (Takeover::Auto, false, _) => (true, "the driver has no VK_KHR_swapchain"),
            (Takeover::Auto, true, Some(false)) => {
                (true, "the driver has VK_KHR_swapchain and cannot present to this X server")
            }
            // The layer is there to hand pictures to a host, which no driver does.
            (Takeover::Auto, true, _) => (true, "the driver hands no picture to a host"),
        };
        Self { replaced, why }
    }
}

impl fmt::Display for WsiDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.replaced { "the layer's own" } else { "the driver's" };
        write!(f, "{whose}: {}", self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(setting: &str, lists_swapchain: bool, presents: Option<bool>) -> String {
        let setting = Takeover::parse(setting).unwrap();
        WsiDecision::new(setting, lists_swapchain, presents).to_string()
    }

    #[test]
    fn each_decision_says_why() {
        let lacks = decide("auto", false, None);
        assert_eq!(lacks, "the layer's own: the driver has no VK_KHR_swapchain");
        assert!(decide("auto", true, Some(false)).contains("cannot present to this X server"));
        assert!(decide("auto", true, Some(true)).contains("hands no picture to a host"));
        assert_eq!(decide("auto", true, None), decide("auto", true, Some(true)));
        assert!(decide("always", false, None).contains("says always"));
    }

    #[test]
    fn never_leaves_the_driver_what_it_has_or_lacks() {
        for (lists, presents) in [(true, None), (false, None), (true, Some(false))] {
            let decision = WsiDecision::new(Takeover::Never, lists, presents);
            assert!(!decision.replaced, "{decision}");
        }
        assert_eq!(Takeover::parse("sometimes"), None);
    }
}
