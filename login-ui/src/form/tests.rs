use std::fmt::Write;

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use http::HeaderValue;
use http_body::Frame;
use proptest::prelude::*;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

async fn read(kind: Option<&'static str>, body: impl Into<Body>) -> Result<Fields, Unread> {
    let mut headers = HeaderMap::new();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Fields::read(&headers, body.into()).await
}

#[tokio::test]
async fn fields_are_read_as_typed() {
    let fields = read(
        Some(FORM),
        "login=anna%40example.com&password=+a%2Bb%26c%3D+%F0%9F%9A%AA+&empty=&bare&&",
    )
    .await
    .unwrap();
    assert_eq!(fields.get("login"), "anna@example.com");
    assert_eq!(fields.get("password"), " a+b&c= 🚪 ");
    assert_eq!(fields.get("empty"), "");
    assert_eq!(fields.get("bare"), "");
    assert_eq!(fields.get("missing"), "");
}

#[tokio::test]
async fn the_type_may_carry_a_charset() {
    assert!(
        read(
            Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
            "a=b"
        )
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn other_types_are_refused() {
    for kind in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "",
    ] {
        assert_eq!(
            read(Some(kind), "a=b").await,
            Err(Unread::WrongType),
            "{kind:?}"
        );
    }
    assert_eq!(read(None, "a=b").await, Err(Unread::WrongType));
    assert_eq!(read(None, "").await, Ok(Fields::default()));
}

#[tokio::test]
async fn a_compressed_form_is_refused() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(
        Fields::read(&headers, "a=b".into()).await,
        Err(Unread::WrongType)
    );
}

#[tokio::test]
async fn the_limit_is_64_kibibytes() {
    let body = |length: usize| format!("a={}", "x".repeat(length - 2));
    assert!(read(Some(FORM), body(LIMIT)).await.is_ok());
    assert_eq!(
        read(Some(FORM), body(LIMIT + 1)).await,
        Err(Unread::TooLarge)
    );
    assert_eq!(
        read(Some(FORM), body(LIMIT + OVERFLOW + 1)).await,
        Err(Unread::TooLarge)
    );
}

/// A body of which nothing ever comes.
struct Silence;

impl HttpBody for Silence {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_for_ever() {
    assert_eq!(
        read(Some(FORM), Body::new(Silence)).await,
        Err(Unread::TooSlow)
    );
}

#[tokio::test]
async fn broken_text_and_doubled_fields_are_refused() {
    for body in ["a=%ff", "%ff=a", "a=1&a=2", "a=1&%61=1", "a&a"] {
        assert_eq!(
            read(Some(FORM), body).await,
            Err(Unread::Malformed),
            "{body:?}"
        );
    }
}

proptest! {
    #[test]
    fn what_was_typed_arrives(values in prop::collection::btree_map("[a-z]{1,4}", ".*", 0..5)) {
        let mut body = String::new();
        for (name, value) in &values {
            let encoded = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            write!(body, "&{name}={encoded}").unwrap();
        }
        let fields = Fields::parse(body.as_bytes()).unwrap();
        for (name, value) in &values {
            prop_assert_eq!(fields.get(name), value);
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _outcome = Fields::parse(&bytes);
    }
}
