//! Secrets in files of their own.

use doorward_config::{Color, DatabaseUrl, Secret};

use crate::{Desk, SITE, load_text};

fn redis(lines: &str) -> String {
    format!("[redis]\n{lines}\n{SITE}")
}

#[test]
fn a_secret_may_stand_in_the_file_or_beside_it() {
    let desk = Desk::new();
    for text in [
        "redis://:pw@cache/1",
        "redis://:pw@cache/1\n",
        "redis://:pw@cache/1\r\n",
    ] {
        let file = desk.write("url", text);
        let config = load_text(&redis(&format!("url_file = {file:?}"))).unwrap();
        assert_eq!(config.boot.redis, Some(Secret::from("redis://:pw@cache/1")));
        assert!(!format!("{config:?}").contains("pw@"));
    }
    let config = load_text(&redis("url = \"redis+unix:///run/redis.sock\"")).unwrap();
    assert_eq!(
        config.boot.redis,
        Some(Secret::from("redis+unix:///run/redis.sock"))
    );
}

#[test]
fn the_database_may_stand_in_a_file_too() {
    let desk = Desk::new();
    let file = desk.write("url", "postgres://anna:hunter2@db/app\n");
    let config = load_text(&format!("[database]\nurl_file = {file:?}\n{SITE}")).unwrap();
    assert_eq!(config.boot.database.to_string(), "postgres://db/app");
    let DatabaseUrl::Postgres(server) = config.boot.database else {
        panic!("{:?}", config.boot.database);
    };
    assert_eq!(server.expose(), "postgres://anna:hunter2@db/app");
}

#[test]
fn both_neither_and_broken() {
    let desk = Desk::new();
    let good = desk.write("good", "redis://cache");
    let bad = desk.write("bad", "rediss://:hunter2@cache");
    let empty = desk.write("empty", "\n");
    let missing = desk.folder.path().join("missing");
    for (lines, line, said) in [
        (
            format!("url = \"redis://a\"\nurl_file = {good:?}"),
            3,
            "both set",
        ),
        (format!("url_file = {bad:?}"), 2, "rediss:// (TLS)"),
        (
            format!("url_file = {empty:?}"),
            2,
            "not the address of a Redis",
        ),
        (format!("url_file = {missing:?}"), 2, "cannot be read"),
    ] {
        let problems = load_text(&redis(&lines)).unwrap_err();
        let shown = problems.render(Color::Plain);
        assert_eq!(problems.len(), 1, "{shown}");
        assert_eq!(
            problems.iter().next().unwrap().line(),
            Some(line),
            "{shown}"
        );
        assert!(shown.contains(said), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(load_text(SITE).unwrap().boot.redis, None);
}
