//! What is in force: every key, and read again it is the same configuration.

use std::collections::BTreeSet;

use doorward_config::{Effective, Origins, Overrides, STARTER, Sources, effective, load};

use crate::{Desk, SITE, env};

/// Prints what is in force, and reads it again.
fn comes_back(sources: &Sources) -> String {
    let desk = Desk::new();
    let config = load(sources).unwrap_or_else(|problems| panic!("{problems}"));
    let shown = effective(sources).unwrap();
    for origins in [Origins::Hidden, Origins::Shown] {
        let text = shown.print(origins);
        let again = Sources {
            files: vec![desk.write("printed.toml", &text)],
            ..Sources::default()
        };
        let read = load(&again).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        assert_eq!(read, config, "{text}");
    }
    shown.print(Origins::Shown)
}

impl Desk {
    fn with(&self, text: &str) -> Sources {
        Sources {
            files: vec![self.write("doorward.toml", text)],
            ..Sources::default()
        }
    }
}

const MUCH: &str = r#"
[server]
listen = ["127.0.0.1:1", "[::1]:2"]
trusted_proxies = ["10.0.0.0/8"]
data_dir = "else\"where"
threads = 0x10
[limits]
body = "1MiB"
[portal]
title = "Wächter \\ \"Tür\""
url = "https://auth.example.com"
[redis]
sentinel = { master = "mine", nodes = ["redis://a:26379", "redis://b:26379"] }
[registration]
verify_email = "on"
allowed_domains = ["example.com"]
reserved_names = []
[[site]]
host = "App.Example.com"
upstream = "http://[::1]:3000"
identity = { user = "X-User", groups = "X-Groups" }
websocket_origins = ["https://other.example.com"]
[[site.rule]]
path = "/a/**"
methods = ["GET"]
from = ["10.0.0.0/8", "fd00::/8"]
allow = ["role:admin", "email:*@example.com"]
require = "two_factor"
[[site.rule]]
allow = "signed_in"
[[site]]
host = "*.example.com"
name = "rest"
upstream = ["http://a:1", "http://b:2"]
health_check = { path = "/healthz", interval = "3s" }
body_limit = "unlimited"
"#;

#[test]
fn printed_and_read_again_it_is_the_same() {
    let desk = Desk::new();
    for text in [SITE, MUCH, STARTER] {
        comes_back(&desk.with(text));
    }
}

#[test]
fn every_key_is_there_set_or_not() {
    let desk = Desk::new();
    let text = comes_back(&desk.with(MUCH));
    let mut keys = BTreeSet::new();
    let mut section = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else if let Some(unset) = line.strip_prefix("# not set: ") {
            keys.extend(unset.split(", ").map(|key| format!("{section}.{key}")));
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{section}.{key}"));
        }
    }
    let schema = serde_json::to_value(doorward_config::schema()).unwrap();
    let defs = schema["$defs"].as_object().unwrap();
    let sections = schema["properties"].as_object().unwrap();
    // There is none by default, and one needs files: `tls` looks at it.
    for (section, shape) in sections.iter().filter(|(name, _)| *name != "certificate") {
        let name = shape["$ref"].as_str().unwrap_or("#/$defs/Site");
        let table = &defs[name.rsplit('/').next().unwrap()];
        for key in table["properties"].as_object().unwrap().keys() {
            let key = format!("{section}.{key}");
            assert!(
                key == "site.rule" || keys.contains(&key),
                "{key} in\n{text}"
            );
        }
    }
    assert!(keys.contains("site.rule.require"), "{keys:?}");
}

#[test]
fn each_value_says_where_it_comes_from() {
    let desk = Desk::new();
    let first = desk.write("first.toml", "[portal]\ntitle = \"First\"\n");
    let second = desk.write("second.toml", format!("[session]\n\nidle = \"1h\"\n{SITE}"));
    let sources = Sources {
        files: vec![first, second],
        env: env(&[
            ("DOORWARD__SESSION__ABSOLUTE", "3h"),
            ("DOORWARD__PORTAL__PATH", "/door"),
            ("DOORWARD__SITE__0__IDENTITY__USER", "X-User"),
        ]),
        overrides: Overrides {
            listen: Some("127.0.0.1:5".to_owned()),
            upstream: None,
        },
    };
    let text = comes_back(&sources);
    for (setting, place) in [
        ("title = \"First\"", "first.toml:2"),
        ("idle = \"1h\"", "second.toml:3"),
        ("absolute = \"3h\"", "DOORWARD__SESSION__ABSOLUTE"),
        ("remember = \"30d\"", "default"),
        ("path = \"/door\"", "DOORWARD__PORTAL__PATH"),
        ("listen = [\"127.0.0.1:5\"]", "--listen"),
        ("upstream = \"none\"", "second.toml:5"),
        (
            "identity = { user = \"X-User\" }",
            "DOORWARD__SITE__0__IDENTITY__USER",
        ),
        ("connect_timeout = \"5s\"", "default"),
        ("secret_file = \"data/secret.key\"", "default"),
    ] {
        let line = text.lines().find(|line| line.starts_with(setting));
        let line = line.unwrap_or_else(|| panic!("no {setting} in\n{text}"));
        let (_, said) = line.split_once("  # ").unwrap();
        assert!(
            said == place || said.ends_with(&format!("/{place}")),
            "{line}"
        );
    }
}

#[test]
fn secrets_are_hidden_and_their_files_are_named() {
    let desk = Desk::new();
    let text = format!(
        "[redis]\nurl = \"redis://anna:geheim@cache/1\"\n[mail]\nsmtp = \"smtps://anna@mail.example.com\"\nsmtp_password = \"geheim\"\n{SITE}"
    );
    let shown = effective(&desk.with(&text)).unwrap().print(Origins::Shown);
    assert!(!shown.contains("geheim"), "{shown}");
    assert!(shown.contains("redis://anna:hidden@cache/1"), "{shown}");
    assert!(shown.contains("smtp_password = \"[hidden]\""), "{shown}");
    assert!(load(&desk.with(&shown)).is_ok(), "{shown}");

    for (written, hidden) in [
        (
            "[redis]\ncluster = [\"redis://:geheim@a\", \"redis://:geheim@b\"]",
            "cluster = [\"redis://:hidden@a\", \"redis://:hidden@b\"]",
        ),
        (
            "[redis]\ncluster = [\"redis://a\"]\npassword = \"geheim\"",
            "password = \"[hidden]\"",
        ),
        (
            "[database]\nurl = \"postgres://anna:geheim@db/app?sslmode=disable\"",
            "url = \"postgres://anna:hidden@db/app?sslmode=disable\"",
        ),
    ] {
        let shown = effective(&desk.with(&format!("{written}\n{SITE}")));
        let shown = shown.unwrap_or_else(|problems| panic!("{problems}"));
        let shown = shown.print(Origins::Hidden);
        assert!(
            shown.contains(hidden) && !shown.contains("geheim"),
            "{shown}"
        );
    }

    let file = desk.write("redis", "redis://:geheim@cache");
    let text = format!("[redis]\nurl_file = \"{}\"\n{SITE}", file.display());
    let shown = comes_back(&desk.with(&text));
    assert!(
        shown.contains("url_file") && !shown.contains("geheim"),
        "{shown}"
    );
}

#[test]
fn rules_know_their_lines() {
    let desk = Desk::new();
    let sources = desk.with(MUCH);
    let shown: Effective = effective(&sources).unwrap();
    let line = |site, rule| {
        let place = shown.rule_place(site, rule)?.to_string();
        place.rsplit(':').nth(1)?.parse::<usize>().ok()
    };
    assert_eq!(line(0, 0), Some(23));
    assert_eq!(line(0, 1), Some(29));
    assert_eq!(line(0, 2), None);
    assert_eq!(line(1, 0), None);
}

#[test]
fn mistakes_are_said_instead() {
    let desk = Desk::new();
    let problems =
        effective(&desk.with(&format!("[server]\nthreads = \"four\"\n{SITE}"))).unwrap_err();
    assert_eq!(problems.iter().next().unwrap().line(), Some(2));
    // A sample site that is not here keeps nobody from looking.
    let nothing = desk.with("");
    assert!(load(&nothing).is_err());
    assert!(
        effective(&nothing)
            .unwrap()
            .print(Origins::Hidden)
            .contains("[[site]]")
    );
}
