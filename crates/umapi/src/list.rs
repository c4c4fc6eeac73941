//! Lists that come in pages: item by item, or page by page.

mod changes;
mod item;
mod page;
mod pager;
mod pages;
mod query;
mod seen;
mod token;

pub use changes::Changes;
pub use item::PageItem;
pub use page::Page;
pub use pager::Pager;
pub use pages::Pages;
pub(crate) use query::{Query, array_page};
pub use token::ResumeToken;
