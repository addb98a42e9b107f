//! Parts of files (RFC 9110 §14).

use crate::client::{Answer, Origin};

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz";

fn alphabet() -> Origin {
    let origin = Origin::start();
    origin.put("abc.txt", ALPHABET);
    origin
}

async fn range(origin: &Origin, value: &str) -> Answer {
    origin.ask("GET /abc.txt", &[("Range", value)]).await
}

#[tokio::test]
async fn one_part() {
    let origin = alphabet();
    for (value, content_range, text) in [
        ("bytes=0-0", "bytes 0-0/26", "a"),
        ("bytes=2-4", "bytes 2-4/26", "cde"),
        ("bytes=-3", "bytes 23-25/26", "xyz"),
        ("bytes=24-", "bytes 24-25/26", "yz"),
        ("bytes=0-999", "bytes 0-25/26", ALPHABET),
        ("bytes=0-1,99-", "bytes 0-1/26", "ab"),
    ] {
        let answer = range(&origin, value).await;
        assert_eq!(answer.status, 206, "{value}");
        assert_eq!(answer.header("content-range"), content_range);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("content-length"), text.len().to_string());
        assert_eq!(answer.body, text.as_bytes());
    }
}

#[tokio::test]
async fn several_parts() {
    let origin = alphabet();
    let answer = range(&origin, "bytes=0-1, -2, 5-7").await;
    assert_eq!((answer.status, answer.header("content-range")), (206, ""));
    let boundary = answer
        .header("content-type")
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let part = |range: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes {range}/26\r\n\r\n{text}"
        )
    };
    let expected = [
        part("0-1", "ab"),
        part("24-25", "yz"),
        part("5-7", "fgh"),
        format!("\r\n--{boundary}--\r\n"),
    ];
    assert_eq!(String::from_utf8(answer.body).unwrap(), expected.concat());
}

#[tokio::test]
async fn what_is_not_understood_gets_everything() {
    let origin = alphabet();
    let thousand = format!("bytes={}", "0-0,".repeat(1000));
    for value in [
        "bytes=5-1",
        "bytes=",
        "bytes=a-b",
        "lines=1-2",
        "bytes=0-,0-,0-",
        &thousand,
    ] {
        let answer = range(&origin, value).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, ALPHABET.as_bytes()),
            "{value}"
        );
    }
    let twice = origin
        .ask(
            "GET /abc.txt",
            &[("Range", "bytes=0-0"), ("Range", "bytes=1-1")],
        )
        .await;
    assert_eq!(twice.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_416() {
    let origin = alphabet();
    for value in [
        "bytes=26-",
        "bytes=99-100",
        "bytes=-0",
        "bytes=18446744073709551616-",
    ] {
        let answer = range(&origin, value).await;
        assert_eq!(
            (answer.status, answer.header("content-range")),
            (416, "bytes */26"),
            "{value}"
        );
        assert_ne!(answer.body, ALPHABET.as_bytes());
    }
    origin.put("empty", "");
    let empty = origin.ask("GET /empty", &[("Range", "bytes=0-")]).await;
    assert_eq!(
        (empty.status, empty.header("content-range")),
        (416, "bytes */0")
    );
}

#[tokio::test]
async fn if_range_sends_everything_when_the_file_changed() {
    let origin = alphabet();
    let whole = origin.get("/abc.txt").await;
    let (etag, modified) = (whole.header("etag"), whole.header("last-modified"));
    let weak = format!("W/{etag}");
    for (value, status) in [
        (etag, 206),
        (modified, 206),
        ("\"other\"", 200),
        (&*weak, 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
    ] {
        let headers = [("Range", "bytes=0-0"), ("If-Range", value)];
        assert_eq!(
            origin.ask("GET /abc.txt", &headers).await.status,
            status,
            "{value}"
        );
    }
    let headers = [("Range", "bytes=0-0"), ("If-None-Match", etag)];
    assert_eq!(
        origin.ask("GET /abc.txt", &headers).await.status,
        304,
        "preconditions come first"
    );
}

#[tokio::test]
async fn the_end_of_a_file_larger_than_four_gigabytes() {
    use std::os::unix::fs::FileExt;
    let origin = Origin::start();
    let size = 5_u64 << 30;
    origin
        .put_sparse("large.bin", size)
        .write_all_at(b"the end", size - 7)
        .unwrap();
    let head = origin.ask("HEAD /large.bin", &[]).await;
    assert_eq!(head.header("content-length"), "5368709120");
    for value in [
        "bytes=-7",
        "bytes=5368709113-",
        "bytes=5368709113-5368709119",
    ] {
        let answer = origin.ask("GET /large.bin", &[("Range", value)]).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (206, &b"the end"[..]),
            "{value}"
        );
        assert_eq!(
            answer.header("content-range"),
            "bytes 5368709113-5368709119/5368709120"
        );
    }
}
