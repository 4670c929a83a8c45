//! Says which FFmpeg this is built against, where a field of its structures depends on it.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(before_ffmpeg_6)");
    println!("cargo:rerun-if-changed=build.rs");
    // `AVCodecContext::thread_safe_callbacks` went, and `AVFrame::duration` came.
    let newer = std::env::var("DEP_FFMPEG_FFMPEG_6_0").is_ok_and(|found| found == "true");
    if !newer {
        println!("cargo:rustc-cfg=before_ffmpeg_6");
    }
}
