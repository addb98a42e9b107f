//! The stylesheet, the script and the icon, under names that change with their content.
//!
//! Owns `static/…`. Must not know the pages that use them.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// The stylesheet as text, for pages that carry it inside.
pub(crate) const STYLE: &str = include_str!("../static/style.css");

/// Every file that is served.
pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("style", "css", "text/css; charset=utf-8", STYLE),
    script: Asset::new(
        "script",
        "js",
        "text/javascript; charset=utf-8",
        include_str!("../static/script.js"),
    ),
    icon: Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_str!("../static/icon.svg"),
    ),
});

/// The files by what they are for.
pub(crate) struct Assets {
    pub(crate) style: Asset,
    pub(crate) script: Asset,
    pub(crate) icon: Asset,
}

/// One file.
pub(crate) struct Asset {
    /// File name with the first 64 bits of the content's SHA-256.
    pub(crate) name: String,
    kind: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, ending: &str, kind: &'static str, content: &'static str) -> Self {
        let mut name = format!("{stem}-");
        for byte in Sha256::digest(content).iter().take(8) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        name.push('.');
        name.push_str(ending);
        Self {
            name,
            kind,
            content,
        }
    }
}

/// Serves a file for a year: another content has another name.
pub(crate) async fn get(Path(name): Path<String>) -> Result<Response, Failure> {
    let Assets {
        style,
        script,
        icon,
    } = &*ASSETS;
    let asset = [style, script, icon]
        .into_iter()
        .find(|asset| asset.name == name)
        .ok_or(Failure::NotFound)?;
    let headers = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_stay_small() {
        assert!(ASSETS.style.content.len() < 10_000);
        assert!(ASSETS.script.content.len() < 5_000);
    }
}
