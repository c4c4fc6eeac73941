//! Lists that the service returns in pages, item by item or page by page.

mod item;
mod pager;
mod pages;
mod query;
mod read_ahead;
mod token;

pub use item::PageItem;
pub use pager::Pager;
pub use pages::{Changes, Page, Pages};
pub(crate) use query::{PageCall, Query, array_page};
pub use token::ResumeToken;
