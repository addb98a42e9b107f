//! What is accepted, and what it then means.

use std::path::Path;
use std::time::Duration;

use doorward_config::{
    Allow, DatabaseUrl, HostPattern, IdentityHeaders, IdentityPreset, LogFormat, Method,
    OnUnauthenticated, PathStyle, Protocol, RegistrationMode, Require, Role, RoleList, Upstream,
    UsernameRule, WebServer, Who,
};

use crate::{load_text, right};

const EVERYTHING: &str = r#"
[server]
listen = ["127.0.0.1:0", "127.0.0.1:0", "[::1]:8443"]
admin_listen = "127.0.0.1:0"
trusted_proxies = ["10.0.0.7/8", "::ffff:192.0.2.0/120"]
data_dir = "/var/lib/doorward"
threads = 2
drain = "0s"
[limits]
header_bytes = "16KiB"
header_count = 50
header_timeout = "2s"
body = "10MiB"
connections_per_address = 5
requests_per_connection = 1
[portal]
path = "/door/pages"
title = "Haus"
url = "https://auth.example.com"
[session]
idle = "1h30m"
absolute = "1s"
remember = "400d"
outage_grace = "10s"
[registration]
mode = "invite"
username = "required"
reserved_names = []
default_roles = ["member", "team-blue_2"]
[password]
min_length = 12
memory = "64KiB"
iterations = 1
lanes = 2
concurrency = 3
[throttle]
account_failures = 1
address_failures = 2
[log]
format = "json""#;

#[test]
fn every_section_is_understood() {
    let config = right(EVERYTHING);
    assert_eq!(config.boot.listen.len(), 3);
    assert_eq!(
        config.boot.secret_file,
        Path::new("/var/lib/doorward/secret.key")
    );
    assert_eq!(
        config.boot.database,
        DatabaseUrl::Sqlite("/var/lib/doorward/doorward.db".into())
    );
    assert_eq!(config.boot.drain, Duration::ZERO);
    assert_eq!(config.boot.log, LogFormat::Json);
    let hashing = config.boot.hashing;
    assert_eq!(
        (hashing.memory_kib, hashing.lanes, hashing.concurrency),
        (64, 2, 3)
    );
    let live = config.live;
    let networks: Vec<_> = live
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["10.0.0.0/8", "192.0.2.0/24"]);
    assert_eq!(live.limits.body, Some(10 << 20));
    assert_eq!(live.limits.header_timeout, Duration::from_secs(2));
    assert_eq!(live.limits.connections_per_address, 5);
    assert_eq!(live.limits.requests_per_connection, 1);
    assert_eq!(live.portal.path, "/door/pages");
    assert_eq!(
        live.portal.url.unwrap().as_str(),
        "https://auth.example.com/"
    );
    assert_eq!(live.session.idle, Duration::from_mins(90));
    assert_eq!(live.registration.mode, RegistrationMode::Invite);
    assert_eq!(live.registration.username, UsernameRule::Required);
    let roles = live.registration.default_roles.iter();
    let roles: Vec<_> = roles.map(Role::as_str).collect();
    assert_eq!(roles, ["member", "team-blue_2"]);
    assert_eq!(live.throttle.account_failures, 1);
    assert_eq!(live.sites[0].body_limit, Some(10 << 20));
}

#[test]
fn databases_are_files() {
    for (url, path) in [
        ("sqlite:data/doorward.db", "data/doorward.db"),
        ("sqlite:///srv/doorward.db", "/srv/doorward.db"),
        ("sqlite:/srv/doorward.db", "/srv/doorward.db"),
    ] {
        let config = right(&format!("[database]\nurl = \"{url}\""));
        assert_eq!(
            config.boot.database,
            DatabaseUrl::Sqlite(path.into()),
            "{url}"
        );
    }
}

#[test]
fn databases_are_servers_whose_passwords_are_not_shown() {
    for (url, exposed, shown) in [
        (
            "postgres://anna:hunter2@db/app?sslmode=verify-full",
            "postgres://anna:hunter2@db/app?sslmode=verify-full",
            "postgres://db/app",
        ),
        (
            "postgresql://anna:hunter2@[::1]:5433/app",
            "postgres://anna:hunter2@[::1]:5433/app",
            "postgresql://[::1]:5433/app",
        ),
        (
            "postgres://anna:hunter2@%2Frun%2Fpostgresql/app",
            "postgres://anna:hunter2@%2Frun%2Fpostgresql/app",
            "postgres://(socket)/app",
        ),
        (
            "mysql://anna:hunter2@db:3307/app?socket=/run/mysqld/mysqld.sock",
            "mysql://anna:hunter2@db:3307/app?socket=/run/mysqld/mysqld.sock",
            "mysql://db:3307/app",
        ),
        (
            "mariadb://anna:hunter2%40@db/app?ssl-mode=REQUIRED",
            "mysql://anna:hunter2%40@db/app?ssl-mode=REQUIRED",
            "mariadb://db/app",
        ),
    ] {
        let config = right(&format!("[database]\nurl = \"{url}\""));
        let database = &config.boot.database;
        let (DatabaseUrl::Postgres(server) | DatabaseUrl::MySql(server)) = database else {
            panic!("{database:?}");
        };
        assert_eq!(
            matches!(database, DatabaseUrl::Postgres(_)),
            url.starts_with("postgres")
        );
        assert_eq!(server.expose(), exposed);
        assert_eq!(database.to_string(), shown);
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
    }
}

#[test]
fn a_site_with_everything() {
    let config = load_text(
        r#"
[[site]]
name = "app"
host = "*.Example.com"
upstream = "http://[::1]:3000"
identity = { user = "X-U", groups = "X-G" }
paths = "relaxed"
on_unauthenticated = "401"
websocket_origins = ["https://App.example.com:443"]
body_limit = "1MiB"
connect_timeout = "250ms"
response_timeout = "1h"
[[site.rule]]
path = "/admin/**"
methods = ["GET", "POST"]
from = ["10.0.0.0/8"]
allow = ["role:admin", "user:anna@example.com"]
require = "two_factor"
[[site.rule]]
path = "/admin/**"
allow = "nobody"
[[site.rule]]
allow = "anyone"
"#,
    )
    .unwrap();
    let site = &config.live.sites[0];
    assert_eq!(site.host, HostPattern::Under("example.com".to_owned()));
    assert_eq!(
        site.upstream,
        Upstream::Web(vec![WebServer {
            protocol: Protocol::Http,
            host: "::1".to_owned(),
            port: 3000
        }])
    );
    assert_eq!(site.upstream.to_string(), "http://[::1]:3000");
    assert_eq!(
        site.identity,
        IdentityHeaders {
            user: Some("X-U".to_owned()),
            groups: Some("X-G".to_owned()),
            ..IdentityHeaders::none()
        }
    );
    assert_eq!(site.paths, PathStyle::Relaxed);
    assert_eq!(site.on_unauthenticated, OnUnauthenticated::Unauthorized);
    assert_eq!(site.websocket_origins, ["https://app.example.com"]);
    assert_eq!(site.body_limit, Some(1 << 20));
    assert_eq!(site.connect_timeout, Duration::from_millis(250));
    let [first, second, third] = site.rules.as_slice() else {
        panic!("{:?}", site.rules);
    };
    assert_eq!(first.methods, Some(vec![Method::GET, Method::POST]));
    assert_eq!(
        first.allow,
        Allow::AnyOf(vec![
            Who::Role(Role::admin()),
            Who::User("anna@example.com".to_owned())
        ])
    );
    assert_eq!(first.require, Some(Require::TwoFactor));
    assert_eq!(
        (&second.allow, &third.allow),
        (&Allow::Nobody, &Allow::Anyone)
    );
}

#[test]
fn upstreams_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().display().to_string();
    for (upstream, shown) in [
        ("http://app".to_owned(), "http://app:80".to_owned()),
        ("http://app:8000/".to_owned(), "http://app:8000".to_owned()),
        (
            "unix:/run/app.sock".to_owned(),
            "unix:/run/app.sock".to_owned(),
        ),
        (format!("files://{files}"), format!("files:{files}")),
        ("none".to_owned(), "none".to_owned()),
    ] {
        let text = format!("[[site]]\nhost = \"App.example\"\nupstream = \"{upstream}\"");
        let config = load_text(&text).unwrap();
        let site = &config.live.sites[0];
        assert_eq!(site.upstream.to_string(), shown);
        assert_eq!(site.name, "app.example");
        assert_eq!(site.host, HostPattern::Exact("app.example".to_owned()));
        assert!(site.rules.is_empty());
    }
}

#[test]
fn presets_by_name() {
    for preset in IdentityPreset::ALL {
        let name = preset.as_str();
        let text = format!("[[site]]\nupstream = \"none\"\nidentity = \"{name}\"");
        let config = load_text(&text).unwrap();
        assert_eq!(config.live.sites[0].identity, preset.headers(), "{name}");
    }
    assert_eq!(IdentityPreset::None.headers().names().count(), 0);
    assert_eq!(
        IdentityPreset::XWebauth.headers().role_list,
        RoleList::First
    );
    let authentik = IdentityPreset::Authentik.headers();
    assert_eq!(authentik.role_list, RoleList::Joined('|'));
    assert_eq!(authentik.uid.as_deref(), Some("X-authentik-uid"));
}

#[test]
fn rules_that_can_decide_are_left_alone() {
    for rules in [
        // Narrow before wide, and the same path with other methods.
        "path = \"/a/b\"\nallow = \"anyone\"\n[[site.rule]]\npath = \"/a/**\"\nallow = \"nobody\"",
        "methods = [\"GET\"]\nallow = \"anyone\"\n[[site.rule]]\nallow = \"signed_in\"",
        "path = \"/a/**\"\nallow = \"anyone\"\n[[site.rule]]\npath = \"/ab\"\nallow = \"nobody\"",
        "path = \"/*\"\nallow = \"anyone\"\n[[site.rule]]\npath = \"/a/b\"\nallow = \"nobody\"",
    ] {
        let text = format!("[[site]]\nupstream = \"none\"\n[[site.rule]]\n{rules}");
        assert_eq!(
            load_text(&text).unwrap().live.sites[0].rules.len(),
            2,
            "{rules}"
        );
    }
}

#[test]
fn upstreams_of_every_kind() {
    let kinds = [
        ("\"http://app\"", "http://app:80"),
        ("\"https://app\"", "https://app:443"),
        (
            "\"https://[2001:db8::1]:8443\"",
            "https://[2001:db8::1]:8443",
        ),
        ("\"h2c://app:50051/\"", "h2c://app:50051"),
        ("\"h2c://app\"", "h2c://app:80"),
        (
            "[\"http://a:3000\", \"https://b\"]",
            "http://a:3000, https://b:443",
        ),
        ("[\"http://a\"]", "http://a:80"),
        ("\"unix:/run/app.sock\"", "unix:/run/app.sock"),
        ("\"none\"", "none"),
    ];
    for (written, meant) in kinds {
        let config = load_text(&format!("[[site]]\nupstream = {written}")).unwrap();
        assert_eq!(
            config.live.sites[0].upstream.to_string(),
            meant,
            "{written}"
        );
    }
}

#[test]
fn what_surrounds_an_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let named = vec!["ca.test".to_owned()];
    let ours = rcgen::generate_simple_self_signed(named).unwrap();
    std::fs::write(&ca, ours.cert.pem()).unwrap();
    let text = format!(
        "[[site]]\nupstream = \"https://app\"\nupstream_ca = \"{}\"\nhealth_check = {{ path = \"/healthz?full\", interval = \"500ms\" }}",
        ca.display()
    );
    let site = &load_text(&text).unwrap().live.sites[0];
    assert_eq!(site.upstream_ca.as_ref(), Some(&ca));
    assert_eq!(
        doorward_config::authorities(&ca).unwrap(),
        [ours.cert.der().clone()]
    );
    let check = site.health_check.as_ref().unwrap();
    assert_eq!(
        (check.path.as_str(), check.interval),
        ("/healthz?full", Duration::from_millis(500))
    );
    let text = "[[site]]\nupstream = \"http://app\"\nhealth_check = { path = \"/\" }";
    let site = &load_text(text).unwrap().live.sites[0];
    let check = site.health_check.as_ref().unwrap();
    assert_eq!(check.interval, Duration::from_secs(10));
    assert_eq!(site.upstream_ca, None);
}

#[test]
fn authorities_that_are_none_are_found_before_anybody_connects() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let ours = rcgen::generate_simple_self_signed(vec!["ca.test".to_owned()]).unwrap();
    for (pem, said) in [
        (broken.to_owned(), "certificate 1 in it is broken"),
        (ours.cert.pem() + broken, "certificate 2 in it is broken"),
        (ours.signing_key.serialize_pem(), "no certificate in it"),
    ] {
        std::fs::write(&ca, pem).unwrap();
        let path = ca.display();
        let text = format!("[[site]]\nupstream = \"https://app\"\nupstream_ca = \"{path}\"\n");
        let problems = load_text(&text).unwrap_err().to_string();
        assert!(problems.contains(said), "{problems}");
    }
}
