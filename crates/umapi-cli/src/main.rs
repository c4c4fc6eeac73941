//! The command `umapi`.

use std::process::ExitCode;

fn main() -> ExitCode {
    umapi_cli::run()
}
