use super::{Found, find};
use crate::path;
use crate::root::Root;
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// `outside/secret.txt` beside `site/`, which has every kind of thing in it.
fn house() -> TempDir {
    let house = tempfile::tempdir().unwrap();
    let at = |path: &str| house.path().join(path);
    fs::create_dir_all(at("outside")).unwrap();
    fs::create_dir_all(at("site/sub/empty")).unwrap();
    fs::create_dir_all(at("site/.git")).unwrap();
    fs::create_dir_all(at("site/.well-known")).unwrap();
    fs::create_dir_all(at("site/odd/index.html")).unwrap();
    fs::write(at("outside/secret.txt"), "outside").unwrap();
    for name in [
        "index.html",
        "a.txt",
        "sub/index.html",
        "sub/b.txt",
        ".env",
        ".git/config",
        ".well-known/x",
    ] {
        fs::write(at("site").join(name), format!("inside {name}")).unwrap();
    }
    for (to, name) in [
        ("a.txt", "link-in"),
        ("../a.txt", "sub/link-up"),
        ("sub", "link-folder"),
        ("../outside/secret.txt", "link-out"),
        ("/etc/passwd", "link-passwd"),
        ("../outside", "link-out-folder"),
        ("link-out", "link-twice"),
        ("..", "link-parent"),
        ("link-loop", "link-loop"),
        ("/proc/self/root", "link-magic"),
        ("nowhere", "link-dangling"),
    ] {
        symlink(to, at("site").join(name)).unwrap();
    }
    mknodat(CWD, at("site/fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    symlink("fifo", at("site/link-fifo")).unwrap();
    std::os::unix::net::UnixListener::bind(at("site/socket")).unwrap();
    house
}

fn root(house: &TempDir) -> Root {
    Root::open(&house.path().join("site")).unwrap()
}

fn look(root: &Root, path: &str) -> String {
    let Some(wanted) = path::parse(path) else {
        return "unreadable path".into();
    };
    match find(root, &wanted).unwrap() {
        Found::File(mut opened) => {
            let mut text = String::new();
            opened.file.read_to_string(&mut text).unwrap();
            text
        }
        Found::Folder => "folder".into(),
        Found::Nothing => "nothing".into(),
        Found::Unreadable => "unreadable".into(),
        Found::Away(_) => "away".into(),
    }
}

#[test]
fn what_is_inside_is_found() {
    let house = house();
    let root = root(&house);
    for (path, found) in [
        ("/", "inside index.html"),
        ("/index.html", "inside index.html"),
        ("/a.txt", "inside a.txt"),
        ("/sub", "folder"),
        ("/sub/", "inside sub/index.html"),
        ("/sub/b.txt", "inside sub/b.txt"),
        ("/.well-known/x", "inside .well-known/x"),
        ("/link-in", "inside a.txt"),
        ("/sub/link-up", "inside a.txt"),
        ("/link-folder", "folder"),
        ("/link-folder/b.txt", "inside sub/b.txt"),
    ] {
        assert_eq!(look(&root, path), found, "{path}");
    }
}

#[test]
fn what_is_outside_or_no_file_is_not() {
    let house = house();
    let root = root(&house);
    let long = format!("/{}", "x".repeat(300));
    let deep = "/sub".repeat(2000);
    for path in [
        "/link-out",
        "/link-passwd",
        "/link-out-folder",
        "/link-out-folder/secret.txt",
        "/link-twice",
        "/link-parent",
        "/link-parent/outside/secret.txt",
        "/link-loop",
        "/link-magic",
        "/link-magic/etc/passwd",
        "/link-dangling",
        "/fifo",
        "/link-fifo",
        "/socket",
        "/fifo/x",
        "/missing",
        "/sub/missing",
        "/a.txt/",
        "/a.txt/x",
        "/sub/empty",
        "/sub/empty/",
        "/odd",
        "/odd/",
        "/.well-known",
        "/.well-known/",
        "/%ff",
        &long,
        &deep,
    ] {
        assert_eq!(look(&root, path), "nothing", "{path}");
    }
    for path in [
        "/.env",
        "/.git/config",
        "/a%00.txt",
        "/../outside/secret.txt",
        "/sub/..%2f..%2foutside",
    ] {
        assert_eq!(look(&root, path), "unreadable path", "{path}");
    }
}

#[test]
fn the_folder_may_be_built_again() {
    let house = house();
    let site = house.path().join("site");
    let root = root(&house);
    fs::rename(&site, house.path().join("old")).unwrap();
    assert_eq!(look(&root, "/a.txt"), "away");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("a.txt"), "new").unwrap();
    assert_eq!(look(&root, "/a.txt"), "new");
}

#[test]
fn only_a_folder_can_be_a_root() {
    let house = house();
    assert!(Root::open(&house.path().join("site")).is_ok());
    assert!(Root::open(&house.path().join("missing")).is_err());
    assert!(Root::open(&house.path().join("site/a.txt")).is_err());
    assert!(Root::open(Path::new("")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_path_leads_outside(
        paths in prop::collection::vec(prop::collection::vec(prop::sample::select(vec![
            "sub", "a.txt", "outside", "secret.txt", "..", "%2e%2e", ".%2e", ".", "", "%2f", "%5c", "\\", "%00",
            "link-in", "link-folder", "link-out", "link-out-folder", "link-parent", "link-magic", "link-up",
            ".env", "etc", "passwd", "proc", "self", "root", "fifo", "index.html",
        ]), 0..6), 32),
    ) {
        let house = house();
        let root = root(&house);
        for parts in paths {
            let path = format!("/{}", parts.join("/"));
            let found = look(&root, &path);
            let known = ["nothing", "folder", "unreadable path"].contains(&&*found);
            prop_assert!(known || found.starts_with("inside "), "{} gave {}", path, found);
        }
    }
}
