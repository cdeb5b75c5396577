//! The program `hotdeskd`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    hotdeskd::cli::run()
}
