//! A head whose names have one spelling, pingora's own: lower case, but for the most usual.
//!
//! pingora keeps each name a second time, as it was written, and parses and copies it whenever one is set: for twelve
//! fields a request that was a fifth of what this gateway added to it. Names mean the same in any case (RFC 9110,
//! section 5.1), and HTTP/2 has lower case only.

use http::header::{CONNECTION, TE};
use http::request::Parts;
use http::{HeaderMap, Version};
use pingora_error::Result;
use pingora_http::{RequestHeader, ResponseHeader};

use super::MOST;

/// Changes the fields of a request, and leaves everything else of it as it is.
///
/// # Errors
/// Its target would not be the same any more; then it may not be sent.
pub fn edit<T>(request: &mut RequestHeader, change: impl FnOnce(&mut HeaderMap) -> T) -> Result<T> {
    let ends = request.send_end_stream();
    // What no URI can say, as it came.
    let verbatim = is_verbatim(request).then(|| request.raw_path().to_vec());
    let mut parts = Parts::from(std::mem::replace(request, nothing()));
    let changed = change(&mut parts.headers);
    *request = RequestHeader::from(parts);
    if let Some(target) = verbatim {
        request.set_raw_path(&target)?;
    }
    if let Some(ends) = ends {
        request.set_send_end_stream(ends);
    }
    Ok(changed)
}

/// A copy of a request for its upstream, as HTTP/1.1, with the fields changed that it has then; without `Connection` and
/// `TE`, which are between the client and us.
///
/// # Errors
/// Its target would not be the same.
pub fn copy<T>(
    request: &RequestHeader,
    change: impl FnOnce(&mut HeaderMap) -> T,
) -> Result<(RequestHeader, T)> {
    let mut parts = http::Request::new(()).into_parts().0;
    parts.method = request.method.clone();
    parts.uri = request.uri.clone();
    parts.version = Version::HTTP_11;
    parts.headers.clone_from(&request.headers);
    parts.headers.reserve(MOST);
    parts.headers.remove(CONNECTION);
    parts.headers.remove(TE);
    let changed = change(&mut parts.headers);
    let mut copy = RequestHeader::from(parts);
    if is_verbatim(request) {
        copy.set_raw_path(request.raw_path())?;
    }
    Ok((copy, changed))
}

/// A copy of an answer; its reason is the upstream's own.
///
/// # Errors
/// Its reason is none.
pub fn answer(answer: &ResponseHeader) -> Result<ResponseHeader> {
    let mut copy = ResponseHeader::from(answer.as_owned_parts());
    copy.set_reason_phrase(answer.get_reason_phrase())?;
    Ok(copy)
}

fn is_verbatim(request: &RequestHeader) -> bool {
    let target = request.uri.path_and_query();
    target.is_none_or(|target| target.as_str().as_bytes() != request.raw_path())
}

/// What stands in a request's place for a moment; nothing is allocated.
fn nothing() -> RequestHeader {
    RequestHeader::from(http::Request::new(()).into_parts().0)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn all_but_the_fields_stays() {
        for target in ["/a?b=c", "*", "http://app.test/a", "/\u{e4}", "//a"] {
            for ends in [true, false] {
                let mut request = RequestHeader::build("PUT", target.as_bytes(), Some(1)).unwrap();
                request.set_version(Version::HTTP_2);
                request.set_send_end_stream(ends);
                request.insert_header("X-Kept", "1").unwrap();
                let (uri, raw) = (request.uri.clone(), request.raw_path().to_vec());
                edit(&mut request, |headers| {
                    headers.insert(
                        HeaderName::from_static("x-new"),
                        HeaderValue::from_static("2"),
                    )
                })
                .unwrap();
                assert_eq!(request.method, "PUT");
                assert_eq!(request.raw_path(), raw, "{target}");
                assert_eq!(request.uri, uri);
                assert_eq!(request.version, Version::HTTP_2);
                assert_eq!(request.send_end_stream(), Some(ends));
                assert_eq!(request.headers.len(), 2);
                assert!(!request.has_case());
            }
        }
    }

    #[test]
    fn an_answer_keeps_its_reason() {
        for (status, reason) in [
            (200, Some("Fine")),
            (200, None),
            (299, None),
            (299, Some("x")),
        ] {
            let mut said = ResponseHeader::build(status, None).unwrap();
            said.set_reason_phrase(reason).unwrap();
            said.append_header("X-Same", "1").unwrap();
            said.append_header("x-same", "2").unwrap();
            let copy = answer(&said).unwrap();
            assert_eq!(copy.status, said.status);
            assert_eq!(copy.get_reason_phrase(), said.get_reason_phrase());
            assert_eq!(copy.headers, said.headers);
            assert!(said.has_case() && !copy.has_case());
        }
    }

    #[test]
    fn a_copy_has_all_but_what_is_between_the_client_and_us() {
        for target in ["/a?b=c", "/\u{e4}", "//a"] {
            let mut request = RequestHeader::build("HEAD", target.as_bytes(), Some(4)).unwrap();
            for (name, value) in [
                ("X-Same", "1"),
                ("Connection", "keep-alive"),
                ("TE", "trailers"),
                ("X-Same", "2"),
                ("Host", "app.test"),
            ] {
                request.append_header(name, value).unwrap();
            }
            let (copy, fields) = copy(&request, |headers| headers.len()).unwrap();
            assert_eq!(fields, 3);
            assert_eq!(copy.method, "HEAD");
            assert_eq!(
                (copy.raw_path(), &copy.uri),
                (request.raw_path(), &request.uri)
            );
            assert_eq!(copy.version, Version::HTTP_11);
            let same: Vec<_> = copy.headers.get_all("x-same").iter().collect();
            assert_eq!(same, ["1", "2"]);
            assert_eq!(copy.headers.len(), 3);
            assert!(!copy.headers.contains_key(CONNECTION) && !copy.headers.contains_key(TE));
        }
    }
}
