//! Secrets in files of their own.

use doorward_config::{Color, DatabaseUrl, Redis, RedisNodes, RedisServers, Secret};

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
        assert_eq!(config.boot.redis, Some(one("redis://:pw@cache/1")));
        assert!(!format!("{config:?}").contains("pw@"));
    }
    for url in [
        "redis+unix:///run/redis.sock",
        "unix:///run/redis.sock",
        "rediss://cache",
    ] {
        let config = load_text(&redis(&format!("url = {url:?}"))).unwrap();
        assert_eq!(config.boot.redis, Some(one(url)));
    }
}

fn one(url: &str) -> Redis {
    Redis {
        servers: RedisServers::One(Secret::from(url)),
        authorities: None,
    }
}

fn nodes(addresses: &[&str], username: Option<&str>, password: Option<&str>) -> RedisNodes {
    RedisNodes {
        addresses: addresses.iter().map(|text| Secret::from(*text)).collect(),
        username: username.map(str::to_owned),
        password: password.map(Secret::from),
    }
}

fn servers(lines: &str) -> RedisServers {
    let config = load_text(&redis(lines)).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(!format!("{config:?}").contains("s3cret"));
    config.boot.redis.unwrap().servers
}

#[test]
fn a_cluster_is_signed_in_to_by_its_addresses_or_by_keys() {
    let desk = Desk::new();
    let password = desk.write("password", "s3cret\n");
    let addresses = ["redis://:s3%2Fcret@a:6379", "redis://b"];
    let expected = nodes(&addresses, None, Some("s3/cret"));
    let found = servers(&format!("cluster = {addresses:?}"));
    assert_eq!(found, RedisServers::Cluster(expected));

    let addresses = ["rediss://a:6379", "rediss://b/"];
    let expected = nodes(&addresses, Some("door"), Some("s3cret"));
    let found = servers(&format!(
        "cluster = {addresses:?}\nusername = \"door\"\npassword_file = {password:?}"
    ));
    assert_eq!(found, RedisServers::Cluster(expected));
}

#[test]
fn sentinels_have_a_login_of_their_own_and_may_stand_in_a_file() {
    let desk = Desk::new();
    let addresses = ["redis://:s3cret-one@a/2", "redis://:s3cret-two@b/2"];
    let file = desk.write("sentinels", addresses.join("\n") + "\n");
    let expected = RedisServers::Sentinel {
        master: "mymaster".to_owned(),
        sentinels: nodes(&addresses, None, Some("s3cret")),
    };
    for known in [
        format!("nodes = {addresses:?}"),
        format!("nodes_file = {file:?}"),
    ] {
        let found = servers(&format!(
            "password = \"s3cret\"\nsentinel = {{ master = \"mymaster\", {known} }}"
        ));
        assert_eq!(found, expected);
    }
}

#[test]
fn certificates_of_ones_own_are_read() {
    let desk = Desk::new();
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let good = desk.write("ca.pem", pem);
    let empty = desk.write("empty.pem", "");
    let lines = |file: &std::path::Path| format!("url = \"rediss://cache\"\nca_file = {file:?}");
    let found = load_text(&redis(&lines(&good))).unwrap().boot.redis;
    assert_eq!(found.unwrap().authorities.as_deref(), Some(pem.trim_end()));
    for (file, said) in [
        (empty, "there is no certificate"),
        (desk.folder.path().join("missing"), "cannot be read"),
    ] {
        let problems = load_text(&redis(&lines(&file))).unwrap_err();
        let shown = problems.render(Color::Plain);
        assert_eq!(problems.len(), 1, "{shown}");
        assert!(shown.contains(said), "{shown}");
    }
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
    let bad = desk.write("bad", "rediss://:hunter2@cache/x");
    let empty = desk.write("empty", "\n");
    let missing = desk.folder.path().join("missing");
    for (lines, line, said) in [
        (
            format!("url = \"redis://a\"\nurl_file = {good:?}"),
            3,
            "both set",
        ),
        (format!("url_file = {bad:?}"), 2, "number of a database"),
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
