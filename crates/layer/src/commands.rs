//! Tables from the name of a command to our hook.

/// A hook without its type.
pub type Hook = unsafe extern "system" fn();

/// Tables `name | alias => hook, type`, so that each hook is checked against the command's own type.
///
/// Each becomes a function `fn table(name: &[u8]) -> Option<Hook>`, or one of the type in whose `impl` it is.
#[macro_export]
macro_rules! hooks {
    ($(#[$doc:meta])* $vis:vis $table:ident: $($($name:literal)|+ => $hook:expr, $pfn:ty;)*) => {
        $(#[$doc])*
        $vis fn $table(name: &[u8]) -> Option<$crate::Hook> {
            match name {
                $($($name)|+ => {
                    let hook: $pfn = $hook;
                    // SAFETY: function pointers have one size; the caller casts back by name.
                    Some(unsafe { ::std::mem::transmute::<$pfn, $crate::Hook>(hook) })
                })*
                _ => None,
            }
        }
    };
}
