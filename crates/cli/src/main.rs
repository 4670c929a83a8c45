//! zerohop.
fn main() {}
