//! The file origin through the gate: ranges, conditions, and nothing outside the folder.

use std::path::Path;
use std::process::Command;

use doorward_tests::{Ask, Site, Stack, Visitor};

async fn shelf() -> (Stack, Visitor, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("root");
    let put = |name: &str, text: &str| {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    };
    put("index.html", "home");
    put("letters.txt", "abcdefghijklmnopqrstuvwxyz");
    put("style.css", "a{}");
    put("with space é.txt", "spaced");
    put("folder/index.html", "inside");
    put("bare/file.txt", "bare");
    put(".env", "hidden");
    put(".git/config", "hidden");
    std::fs::write(folder.path().join("outside.txt"), "outside").expect("written");
    let link =
        |to: &Path, name: &str| std::os::unix::fs::symlink(to, root.join(name)).expect("a link");
    link(&folder.path().join("outside.txt"), "way-out.txt");
    link(Path::new("/etc"), "etc");
    link(Path::new("../outside.txt"), "relative-way-out.txt");
    link(Path::new("letters.txt"), "inside-link.txt");
    let pipe = Command::new("mkfifo")
        .arg(root.join("pipe"))
        .status()
        .expect("mkfifo");
    assert!(pipe.success());
    let site = Site::new().upstream(&format!("files:{}", root.display()));
    let stack = Stack::new().site(site).start().await;
    let anna = stack.sign_in("anna").await;
    (stack, anna, folder)
}

#[tokio::test]
async fn pages_and_types() {
    let (stack, mut anna, _folder) = shelf().await;
    let expected = [
        ("/", "home", "text/html"),
        ("/index.html", "home", "text/html"),
        ("/letters.txt", "abcdefghijklmnopqrstuvwxyz", "text/plain"),
        ("/style.css", "a{}", "text/css"),
        ("/folder/", "inside", "text/html"),
        ("/with%20space%20%C3%A9.txt", "spaced", "text/plain"),
    ];
    for (path, text, kind) in expected {
        let answer = anna.get(path).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, text),
            "{path}"
        );
        let have = answer.header("content-type").unwrap_or_default();
        assert!(have.starts_with(kind), "{path}: {have}");
        let head = anna.send(&Ask::new("HEAD", path)).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(
            head.header("content-length"),
            answer.header("content-length"),
            "{path}"
        );
    }
    let folder = anna.get("/folder").await;
    assert!(
        matches!(folder.status, 301 | 302 | 307 | 308),
        "{}",
        folder.status
    );
    assert_eq!(folder.location(), "/folder/");
    assert_eq!(anna.form("/letters.txt", &[]).await.status, 405);
    assert_eq!(stack.anon().page("/letters.txt").await.status, 302);
}

#[tokio::test]
async fn a64_ranges() {
    let (_stack, mut anna, _folder) = shelf().await;
    let mut part = async |range: &str| {
        anna.send(&Ask::get("/letters.txt").header("Range", range))
            .await
    };
    for (range, text, content) in [
        ("bytes=0-0", "a", "bytes 0-0/26"),
        ("bytes=2-4", "cde", "bytes 2-4/26"),
        ("bytes=23-", "xyz", "bytes 23-25/26"),
        ("bytes=-2", "yz", "bytes 24-25/26"),
        ("bytes=20-100", "uvwxyz", "bytes 20-25/26"),
    ] {
        let answer = part(range).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (206, text),
            "{range}"
        );
        assert_eq!(answer.header("content-range"), Some(content), "{range}");
    }
    let beyond = part("bytes=26-").await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */26"))
    );
    for nonsense in ["bytes=5-1", "bytes=", "letters=0-1", "bytes=a-b"] {
        let status = part(nonsense).await.status;
        assert!(matches!(status, 200 | 416), "{nonsense}: {status}");
    }
    let many = part(&format!("bytes={}", "0-0,".repeat(1000))).await;
    assert!(
        matches!(many.status, 200 | 206 | 416) && many.body.len() < 4096,
        "{}",
        many.status
    );
    let whole = part("").await;
    assert_eq!((whole.status, whole.body.len()), (200, 26));
}

#[tokio::test]
async fn conditions() {
    let (_stack, mut anna, _folder) = shelf().await;
    let first = anna.get("/letters.txt").await;
    let tag = first.header("etag").expect("an ETag").to_owned();
    let date = first
        .header("last-modified")
        .expect("Last-Modified")
        .to_owned();
    let mut with = async |name: &str, value: &str| {
        anna.send(&Ask::get("/letters.txt").header(name, value))
            .await
    };
    let same = with("If-None-Match", &tag).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(with("If-Modified-Since", &date).await.status, 304);
    assert_eq!(with("If-None-Match", "\"another\"").await.status, 200);
    assert_eq!(
        with("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a63_nothing_outside_and_nothing_hidden() {
    let (_stack, mut anna, _folder) = shelf().await;
    let shut = [
        "/way-out.txt",
        "/relative-way-out.txt",
        "/etc/passwd",
        "/etc/hostname",
        "/.env",
        "/.git/config",
        "/%2egit/config",
        "/pipe",
        "/bare/",
        "/missing.txt",
        "/letters.txt/",
        "/letters.txt/x",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/letters.txt%00.html",
    ];
    for path in shut {
        let answer = anna.get(path).await;
        assert!(
            matches!(answer.status, 400 | 403 | 404),
            "{path}: {}",
            answer.status
        );
        let text = answer.text();
        assert!(
            !text.contains("outside") && !text.contains("hidden") && !text.contains("root:"),
            "{path}: {text}"
        );
    }
    assert_eq!(anna.get("/letters.txt").await.status, 200);
    assert_eq!(anna.get("/bare/file.txt").await.status, 200);
}
