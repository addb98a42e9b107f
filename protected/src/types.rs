//! Content types by file name.
//!
//! Must not look into the file: a guess from content is what `nosniff` forbids browsers to make.

use http::HeaderValue;
use std::path::Path;

const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The type of a file of this name; text is declared UTF-8; an unknown ending is a download.
pub(crate) fn content_type(path: &Path) -> HeaderValue {
    let Some(guess) = mime_guess::from_path(path).first_raw() else {
        return UNKNOWN;
    };
    if guess.starts_with("text/") {
        HeaderValue::from_str(&format!("{guess}; charset=utf-8")).unwrap_or(UNKNOWN)
    } else {
        HeaderValue::from_static(guess)
    }
}

#[cfg(test)]
mod tests {
    use super::content_type;
    use std::path::Path;

    #[test]
    fn names_decide() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("site.css", "text/css; charset=utf-8"),
            ("site.js", "text/javascript; charset=utf-8"),
            ("guide.txt", "text/plain; charset=utf-8"),
            ("data.json", "application/json"),
            ("scene.svg", "image/svg+xml"),
            ("photo.jpg", "image/jpeg"),
            ("font.woff2", "font/woff2"),
            ("module.wasm", "application/wasm"),
            ("q3.pdf", "application/pdf"),
            ("film.mp4", "video/mp4"),
            ("a.tar.gz", "application/gzip"),
            ("README", "application/octet-stream"),
            ("a.unheard-of", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }
}
