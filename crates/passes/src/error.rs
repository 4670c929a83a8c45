//! What can go wrong in a pass.

use zerohop_frame::Extent;

/// A pass cannot be made, or failed on a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device failed, or cannot do what the pass needs.
    #[error("the device failed")]
    Device(#[from] zerohop_vulkan::Error),
    /// A pool buffer's shape does not hold together.
    #[error("could not describe the converted picture")]
    Descriptor(#[from] zerohop_frame::DescriptorError),
    /// A picture of another shape than the pass was made for.
    #[error(
        "a {}x{} {found_format} picture for a pass over {}x{} {format} ones",
        .found.width, .found.height, .extent.width, .extent.height
    )]
    Shape {
        /// Size that the pass was made for.
        extent: Extent,
        /// Format that the pass was made for.
        format: zerohop_frame::Fourcc,
        /// Size of the picture.
        found: Extent,
        /// Format of the picture.
        found_format: zerohop_frame::Fourcc,
    },
    /// A picture that is not Y'CbCr, for a pass over such.
    #[error("a {0} picture is not Y'CbCr of several planes")]
    NotYCbCr(zerohop_frame::Fourcc),
    /// A colour matrix that no pass knows: ITU-T H.273, `MatrixCoefficients`.
    #[error(
        "no pass knows the colour matrix {0} of H.273; 1 (BT.709), 5 and 6 (BT.601) and 9 (BT.2020) are known"
    )]
    Matrix(u8),
    /// A picture in buffers, for a shader that reads images.
    #[error("no shader reads {0} pictures in buffers")]
    Sight(zerohop_frame::Fourcc),
    /// Settings of symbols that are none.
    #[error("could not write symbols")]
    Symbols(#[from] zerohop_symbols::Violation),
    /// A picture without colour for a pass over R'G'B' ones.
    #[error("a {0} picture is not R'G'B'")]
    NotRgb(zerohop_frame::Fourcc),
    /// A picture so large that its sizes do not fit what hardware counts with.
    #[error("pictures of {}x{} pixels are too large", .0.width, .0.height)]
    TooLarge(Extent),
}
