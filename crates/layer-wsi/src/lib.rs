//! layer-wsi.
