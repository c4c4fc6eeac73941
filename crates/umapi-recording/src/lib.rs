#![doc = include_str!("../README.md")]

mod description;
mod entry;
mod exchange;
mod facts;
mod json;
mod key;
mod message;
mod news;
mod pseudonym;
mod recorder;
mod recording;
mod replay;
mod sanitize;
mod time;

pub use entry::{Additions, Content, Empty, Entry, HarRequest, HarResponse, Omitted, Pair, PostData, Timings};
pub use exchange::{Exchange, Outcome, Response};
pub use facts::{Facts, ListOrder};
pub use key::RecordingKey;
pub use news::News;
pub use recorder::{Recorder, RecorderError};
pub use recording::{Recording, RecordingError};
pub use replay::{NoMatch, Replay, ReplayedResponse};
