//! What is answered to whom: files, folders, refusals, validators.

use crate::client::Origin;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

#[tokio::test]
async fn a_file_comes_with_its_type_and_validators() {
    let origin = Origin::start();
    origin.put("notes/ä b.txt", "Grüße\n");
    let answer = origin.get("/notes/%C3%A4%20b.txt").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "Grüße\n".as_bytes());
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("content-length"), "8");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("etag").starts_with("\"8-"));
    assert!(answer.header("last-modified").ends_with(" GMT"));
    assert_eq!(answer.header("cache-control"), "", "the gateway's to set");
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let origin = Origin::start();
    origin.put("index.html", "<h1>front</h1>");
    origin.put("empty", "");
    origin.put("sub/index.html", "sub");
    origin.put_sparse("large.bin", 6 << 30);
    for path in [
        "/",
        "/index.html",
        "/empty",
        "/sub",
        "/sub/",
        "/missing",
        "/large.bin",
    ] {
        let head = origin.ask(&format!("HEAD {path}"), &[]).await;
        let mut connection = origin.connect().await;
        connection.send(&format!("GET {path}"), &[]).await;
        let get = connection.head().await.unwrap();
        assert_eq!(
            (head.status, head.headers),
            (get.status, get.headers),
            "{path}"
        );
    }
    let ranged = origin
        .ask("HEAD /index.html", &[("Range", "bytes=0-1")])
        .await;
    assert_eq!(
        (ranged.status, ranged.header("content-length")),
        (200, "14"),
        "Range is for GET"
    );
}

#[tokio::test]
async fn a_head_leaves_nothing_on_the_connection() {
    let origin = Origin::start();
    origin.put("a", "first");
    origin.put("b", "second");
    let mut connection = origin.connect().await;
    for line in ["HEAD /a", "GET /b", "HEAD /missing", "GET /a"] {
        connection.send(line, &[]).await;
        let answer = connection.answer(line.starts_with("HEAD")).await.unwrap();
        assert_eq!(
            answer.status,
            if line == "HEAD /missing" { 404 } else { 200 }
        );
        match line {
            "GET /b" => assert_eq!(answer.body, b"second"),
            "GET /a" => assert_eq!(answer.body, b"first"),
            _ => assert!(answer.body.is_empty()),
        }
    }
}

#[tokio::test]
async fn folders() {
    let origin = Origin::start();
    origin.put("index.html", "front");
    origin.put("sub/index.html", "sub");
    origin.put("bare/file", "x");
    assert_eq!(origin.get("/?q=1").await.body, b"front");
    assert_eq!(origin.get("/sub/?q=1").await.body, b"sub");
    let redirect = origin.get("/sub?a=b&c=%2F").await;
    assert_eq!(
        (redirect.status, redirect.header("location")),
        (308, "/sub/?a=b&c=%2F")
    );
    for path in ["/bare", "/bare/"] {
        let answer = origin.get(path).await;
        assert_eq!(answer.status, 404, "no listing at {path}");
        assert!(!String::from_utf8(answer.body).unwrap().contains("file"));
    }
}

#[tokio::test]
async fn what_is_hidden_outside_or_no_file_is_not_served() {
    let origin = Origin::start();
    origin.put("a.txt", "inside");
    origin.put(".env", "SECRET");
    origin.put(".git/config", "SECRET");
    origin.put(".well-known/security.txt", "inside");
    fs::write(origin.folder.path().join("secret"), "SECRET").unwrap();
    symlink("a.txt", origin.path("in")).unwrap();
    symlink("../secret", origin.path("out")).unwrap();
    symlink("/etc/passwd", origin.path("passwd")).unwrap();
    mknodat(CWD, origin.path("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    for path in ["/a.txt", "/in", "/.well-known/security.txt", "/%61.txt"] {
        let answer = origin.get(path).await;
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &b"inside"[..]),
            "{path}"
        );
    }
    for path in [
        "/out",
        "/passwd",
        "/.env",
        "/.git/config",
        "/%2eenv",
        "/a%00.txt",
        "/../secret",
        "/%2e%2e/secret",
        "/x/..%2f../secret",
        "//a.txt",
        "/a.txt/",
        "/a.txt%5c",
        "/fifo",
        "/%",
        "/\u{e9}",
    ] {
        let answer = origin.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!String::from_utf8(answer.body).unwrap().contains("SECRET"));
    }
}

#[tokio::test]
async fn a_file_without_permission_is_403() {
    let origin = Origin::start();
    origin.put("shut", "x");
    fs::set_permissions(origin.path("shut"), fs::Permissions::from_mode(0o000)).unwrap();
    // Who may read everything (root) has nothing to see here.
    let expected = if fs::read(origin.path("shut")).is_ok() {
        200
    } else {
        403
    };
    assert_eq!(origin.get("/shut").await.status, expected);
}

#[tokio::test]
async fn methods() {
    let origin = Origin::start();
    origin.put("a", "x");
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get",
    ] {
        let answer = origin
            .ask(&format!("{method} /a"), &[("Content-Length", "0")])
            .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
    assert_eq!(origin.ask("OPTIONS *", &[]).await.status, 405);
    assert_eq!(
        origin
            .ask("GET /a", &[("Content-Length", "0")])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn validators_come_back() {
    let origin = Origin::start();
    origin.put("a.txt", "one");
    let first = origin.get("/a.txt").await;
    let (etag, modified) = (first.header("etag"), first.header("last-modified"));
    for (name, value, status) in [
        ("If-None-Match", etag, 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", modified, 304),
        ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("If-Match", etag, 200),
        ("If-Match", "\"other\"", 412),
        ("If-Unmodified-Since", modified, 200),
        ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 412),
    ] {
        let answer = origin.ask("GET /a.txt", &[(name, value)]).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status != 412 {
            assert_eq!(
                (answer.header("etag"), answer.header("last-modified")),
                (etag, modified)
            );
        }
        let head = origin.ask("HEAD /a.txt", &[(name, value)]).await;
        assert_eq!(head.status, status, "HEAD {name}: {value}");
    }
    fs::remove_file(origin.path("a.txt")).unwrap();
    origin.put("a.txt", "two");
    let changed = origin.ask("GET /a.txt", &[("If-None-Match", etag)]).await;
    assert_eq!((changed.status, &*changed.body), (200, &b"two"[..]));
}

#[tokio::test]
async fn times_that_http_cannot_say_are_left_out() {
    let origin = Origin::start();
    let day = Duration::from_hours(24);
    for time in [
        SystemTime::UNIX_EPOCH - 365 * day,
        SystemTime::UNIX_EPOCH + 365 * 9_000 * day,
    ] {
        let file = origin.put_sparse("odd", 3);
        file.set_modified(time).unwrap();
        if file.metadata().unwrap().modified().unwrap() != time {
            continue; // this file system cannot say it either
        }
        let answer = origin.get("/odd").await;
        assert_eq!((answer.status, answer.header("last-modified")), (200, ""));
        assert_ne!(answer.header("etag"), "");
    }
}

#[tokio::test]
async fn a_missing_folder_is_503_until_it_is_back() {
    let origin = Origin::start();
    origin.put("a", "x");
    fs::rename(origin.path(""), origin.folder.path().join("elsewhere")).unwrap();
    let answer = origin.get("/a").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    fs::rename(
        origin.folder.path().join("elsewhere"),
        origin.folder.path().join("site"),
    )
    .unwrap();
    assert_eq!(origin.get("/a").await.status, 200);
}
