//! Lists that come in pages: item by item, or page by page.

mod changes;
mod item;
mod items;
mod page;
mod pages;
mod query;
mod resume;
mod seen;

pub use changes::Changes;
pub use item::PageItem;
pub use items::Pager;
pub use page::Page;
pub use pages::Pages;
pub(crate) use query::{Query, array_page};
pub use resume::ResumeToken;
