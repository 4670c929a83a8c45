//! `install LIBRARY FOLDER`: writes the layer's manifest, for programs that are started with
//! `VK_LAYER_PATH=FOLDER` and `VK_INSTANCE_LAYERS=VK_LAYER_ZEROHOP_hide`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let [_, library, folder] = &args[..] else {
        eprintln!("install LIBRARY FOLDER");
        return ExitCode::FAILURE;
    };
    match zerohop_layer_hide::install(Path::new(library), Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{folder}: {err}");
            ExitCode::FAILURE
        }
    }
}
