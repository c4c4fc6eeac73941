//! The files that the pages load: one style sheet, one script, one icon.

/// A file of the console.
pub(super) struct Asset {
    name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) text: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset { name: "style.css", content_type: "text/css; charset=utf-8", text: include_str!("assets/style.css") },
    Asset { name: "script.js", content_type: "text/javascript; charset=utf-8", text: include_str!("assets/script.js") },
    Asset { name: "icon.svg", content_type: "image/svg+xml", text: include_str!("assets/icon.svg") },
];

pub(super) fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
