//! What kind of answer a client can use: a page or a document for programs.
//!
//! Owns reading `Accept` and `Sec-Fetch-Mode`. Must not know what is answered.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};

/// How a browser makes the request (Fetch Metadata).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchMode {
    /// Not said: an older browser, or none.
    Unsaid,
    /// A person goes somewhere.
    Navigate,
    /// A script or a page fetches something.
    Other,
}

/// Whether `text/html` is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Html {
    /// There is no `Accept`.
    Unsaid,
    /// Named in `Accept`.
    Wanted,
    /// Not named; `*/*` names nothing.
    NotNamed,
}

/// What the answer should be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Page,
    /// For programs.
    Problem,
}

/// How the request is made. Two different modes are none that anybody sends.
#[must_use]
pub fn fetch_mode(headers: &HeaderMap) -> FetchMode {
    let mut modes = headers.get_all("sec-fetch-mode").iter();
    match (modes.next().map(HeaderValue::as_bytes), modes.next()) {
        (None, _) => FetchMode::Unsaid,
        (Some(b"navigate"), None) => FetchMode::Navigate,
        (Some(_), _) => FetchMode::Other,
    }
}

/// Whether any `Accept` names `text/html` with a weight above zero (RFC 9110, section 12.5.1).
#[must_use]
pub fn html(headers: &HeaderMap) -> Html {
    let mut accepts = headers.get_all(ACCEPT).iter().peekable();
    if accepts.peek().is_none() {
        return Html::Unsaid;
    }
    let mut ranges = accepts.flat_map(|accept| accept.as_bytes().split(|byte| *byte == b','));
    if ranges.any(is_html) {
        Html::Wanted
    } else {
        Html::NotNamed
    }
}

/// What an answer of our own should be written in.
#[must_use]
pub fn format(headers: &HeaderMap) -> Format {
    match (fetch_mode(headers), html(headers)) {
        (FetchMode::Navigate, _) | (_, Html::Wanted) => Format::Page,
        (FetchMode::Unsaid | FetchMode::Other, Html::Unsaid | Html::NotNamed) => Format::Problem,
    }
}

fn is_html(range: &[u8]) -> bool {
    let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let named = parts
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"text/html"));
    let unwanted = |part: &[u8]| match part.split_at_checked(2) {
        Some((name, weight)) => {
            name.eq_ignore_ascii_case(b"q=") && weight.iter().all(|b| matches!(b, b'0' | b'.'))
        }
        None => false,
    };
    named && !parts.any(unwanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn who_wants_a_page() {
        const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (values, wanted) in [
            (&[][..], Html::Unsaid),
            (&[CHROME], Html::Wanted),
            (&["text/html"], Html::Wanted),
            (&["Text/HTML;q=0.1"], Html::Wanted),
            (&["application/json", "text/html"], Html::Wanted),
            (&["application/json , text/html ; level=1"], Html::Wanted),
            (&["*/*"], Html::NotNamed),
            (&["text/*"], Html::NotNamed),
            (&["application/json"], Html::NotNamed),
            (&["text/html;q=0"], Html::NotNamed),
            (&["text/html; q=0.000"], Html::NotNamed),
            (&["text/htmlx"], Html::NotNamed),
            (&["application/json;x=text/html"], Html::NotNamed),
            (&[""], Html::NotNamed),
        ] {
            assert_eq!(html(&headers("accept", values)), wanted, "{values:?}");
        }
    }

    #[test]
    fn how_it_is_fetched() {
        for (values, mode, written) in [
            (&[][..], FetchMode::Unsaid, Format::Problem),
            (&["navigate"], FetchMode::Navigate, Format::Page),
            (&["cors"], FetchMode::Other, Format::Problem),
            (&["no-cors"], FetchMode::Other, Format::Problem),
            (&["websocket"], FetchMode::Other, Format::Problem),
            (&["Navigate"], FetchMode::Other, Format::Problem),
            (&[""], FetchMode::Other, Format::Problem),
            (&["navigate", "navigate"], FetchMode::Other, Format::Problem),
        ] {
            let headers = headers("sec-fetch-mode", values);
            assert_eq!(fetch_mode(&headers), mode, "{values:?}");
            assert_eq!(format(&headers), written, "{values:?}");
        }
        assert_eq!(format(&headers("accept", &["text/html"])), Format::Page);
    }
}
