//! The first reading of a file: all of it is checked before anything is sent.

use crate::{
    failure::{Failure, Result},
    input::{BadCommand, CommandReader, InputForm, Source},
};

/// How many bad commands are shown.
const SHOWN: usize = 20;

/// What the first reading of a file found. Only its beginning is remembered, however long the file is.
pub(super) struct Checked {
    pub(super) good_count: u64,
    pub(super) bad_count: u64,
    /// Something is so broken that what comes after it cannot be read.
    pub(super) is_cut_off: bool,
    first_bad: Vec<BadCommand>,
}

impl Checked {
    pub(super) fn read(source: &Source, form: InputForm) -> Result<Self> {
        let mut checked = Self { good_count: 0, bad_count: 0, is_cut_off: false, first_bad: Vec::new() };
        let unread = |error: std::io::Error| Failure::usage(format!("cannot read {}", source.name())).why(error);
        for next in CommandReader::new(form, source.read().map_err(unread)?) {
            match next.map_err(unread)? {
                Ok(_) => checked.good_count += 1,
                Err(bad) => {
                    checked.bad_count += 1;
                    checked.is_cut_off |= bad.ends_file;
                    if checked.first_bad.len() < SHOWN {
                        checked.first_bad.push(bad);
                    }
                }
            }
        }
        Ok(checked)
    }

    pub(super) fn has_bad(&self) -> bool {
        self.bad_count > 0
    }

    /// What is wrong, with line, column and rule.
    pub(super) fn failure(&self, source: &Source) -> Failure {
        let commands = match self.bad_count {
            1 => "a command cannot be sent".to_owned(),
            count => format!("{count} of {} commands cannot be sent", count + self.good_count),
        };
        let failure = Failure::usage(format!("{}: {commands}", source.name()));
        let failure = self.first_bad.iter().fold(failure, Failure::why);
        match self.bad_count.saturating_sub(self.first_bad.len() as u64) {
            0 => failure,
            more => failure.why(format!("and {more} more")),
        }
    }
}
