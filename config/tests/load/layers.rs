//! Layers: what wins over what, and how the environment is read.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use doorward_config::{
    Color, Config, HostPattern, IdentityHeaders, Overrides, Protocol, Sources, Upstream, WebServer,
    load,
};

use crate::{Desk, SITE, env};

/// Loads a file under an environment.
fn under(text: &str, variables: &[(&str, &str)]) -> Result<Config, doorward_config::Problems> {
    let desk = Desk::new();
    load(&Sources {
        files: vec![desk.write("doorward.toml", text)],
        env: env(variables),
        overrides: Overrides::default(),
    })
}

fn address(text: &str) -> Vec<SocketAddr> {
    vec![text.parse().unwrap()]
}

#[test]
fn later_wins_tables_merge_and_lists_replace() {
    let desk = Desk::new();
    let first = desk.write(
        "first.toml",
        "[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\ndata_dir = \"first\"\ndrain = \"1s\"\n\
         [portal]\ntitle = \"First\"\n[[site]]\nhost = \"first\"\nupstream = \"none\"\n[[site]]\nupstream = \"none\"",
    );
    let second = desk.write(
        "second.toml",
        "[server]\nlisten = [\"127.0.0.1:3\"]\ndrain = \"2s\"\n[[site]]\nhost = \"second\"\nupstream = \"none\"",
    );
    let mut sources = Sources {
        files: vec![first, second],
        ..Sources::default()
    };

    let config = load(&sources).unwrap();
    assert_eq!(config.boot.listen, address("127.0.0.1:3"));
    assert_eq!(config.boot.data_dir.to_str(), Some("first"));
    assert_eq!(config.boot.drain, Duration::from_secs(2));
    assert_eq!(config.live.portal.title, "First");
    let hosts: Vec<_> = config
        .live
        .sites
        .iter()
        .map(|site| site.host.to_string())
        .collect();
    assert_eq!(hosts, ["second"]);

    sources.env = env(&[
        ("DOORWARD__SERVER__DRAIN", "3s"),
        ("DOORWARD__SERVER__LISTEN", "[\"127.0.0.1:4\"]"),
        ("PATH", "/usr/bin"),
        ("DOORWARD_LOG", "debug"),
    ]);
    let config = load(&sources).unwrap();
    assert_eq!(config.boot.drain, Duration::from_secs(3));
    assert_eq!(config.boot.listen, address("127.0.0.1:4"));

    sources.overrides.listen = Some("127.0.0.1:5".to_owned());
    sources.overrides.upstream = Some("http://localhost:3000".to_owned());
    let config = load(&sources).unwrap();
    assert_eq!(config.boot.listen, address("127.0.0.1:5"));
    assert_eq!(config.boot.data_dir.to_str(), Some("first"));
    let [site] = config.live.sites.as_slice() else {
        panic!("{:?}", config.live.sites);
    };
    assert_eq!(site.host, HostPattern::Any);
    assert_eq!(site.upstream.to_string(), "http://localhost:3000");
    assert!(site.rules.is_empty());
}

#[test]
fn variables_are_read_as_what_their_key_wants() {
    let config = under(
        SITE,
        &[
            ("DOORWARD__SERVER__THREADS", "3"),
            ("DOORWARD__PORTAL__TITLE", "2024"),
            ("DOORWARD__server__data_dir", "true"),
            (
                "DOORWARD__SERVER__TRUSTED_PROXIES",
                "[\"10.0.0.0/8\", \"fd00::/8\"]",
            ),
            ("DOORWARD__SESSION__IDLE", "5m"),
            ("DOORWARD__REGISTRATION__MODE", "closed"),
        ],
    )
    .unwrap();
    assert_eq!(config.boot.threads, NonZeroUsize::new(3));
    assert_eq!(config.live.portal.title, "2024");
    assert_eq!(config.boot.data_dir.to_str(), Some("true"));
    assert_eq!(config.live.trusted_proxies.len(), 2);
    assert_eq!(config.live.session.idle, Duration::from_mins(5));
}

#[test]
fn lists_of_texts_need_no_brackets() {
    let config = under(
        SITE,
        &[
            ("DOORWARD__SERVER__LISTEN", "127.0.0.1:8080 , [::1]:8080"),
            ("DOORWARD__SERVER__TRUSTED_PROXIES", ""),
            ("DOORWARD__REGISTRATION__DEFAULT_ROLES", "2024"),
            (
                "DOORWARD__SITE__0__WEBSOCKET_ORIGINS",
                "https://a.example,https://b.example",
            ),
        ],
    )
    .unwrap();
    let listen: Vec<_> = config.boot.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:8080", "[::1]:8080"]);
    assert!(config.live.trusted_proxies.is_empty());
    let roles: Vec<_> = config
        .live
        .registration
        .default_roles
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(roles, ["2024"]);
    let site = &config.live.sites[0];
    assert_eq!(
        site.websocket_origins,
        ["https://a.example", "https://b.example"]
    );
}

#[test]
fn variables_reach_into_sites() {
    let two =
        "[[site]]\nhost = \"a\"\nupstream = \"none\"\n[[site]]\nhost = \"b\"\nupstream = \"none\"";
    let config = under(
        two,
        &[
            ("DOORWARD__SITE__1__UPSTREAM", "http://b:1"),
            ("DOORWARD__SITE__2__UPSTREAM", "unix:/run/c.sock"),
            ("DOORWARD__SITE__2__IDENTITY__USER", "X-User"),
        ],
    )
    .unwrap();
    let upstreams: Vec<_> = config
        .live
        .sites
        .iter()
        .map(|site| &site.upstream)
        .collect();
    let unix = Upstream::Unix("/run/c.sock".into());
    let http = Upstream::Web(vec![WebServer {
        protocol: Protocol::Http,
        host: "b".to_owned(),
        port: 1,
    }]);
    assert_eq!(upstreams, [&Upstream::None, &http, &unix]);
    let own = IdentityHeaders {
        user: Some("X-User".to_owned()),
        ..IdentityHeaders::none()
    };
    assert_eq!(config.live.sites[2].identity, own);

    // Without a file the first one is made.
    let sources = Sources {
        env: env(&[("DOORWARD__SITE__0__UPSTREAM", "http://app:8000")]),
        ..Sources::default()
    };
    assert_eq!(load(&sources).unwrap().live.sites.len(), 1);
}

#[test]
fn wrong_variables_are_named_with_a_suggestion() {
    for (name, value, said) in [
        (
            "DOORWARD__SERVER__THREDS",
            "1",
            "did you mean DOORWARD__SERVER__THREADS?",
        ),
        (
            "DOORWARD__SEVER__THREADS",
            "1",
            "did you mean DOORWARD__SERVER__THREADS?",
        ),
        (
            "DOORWARD__SITE__0__ASSERTION",
            "perhaps",
            "expected true or false",
        ),
        (
            "DOORWARD__SERVER__THREADS",
            "many",
            "expected a whole number",
        ),
        ("DOORWARD__SERVER__LISTEN", "[::]:80", "TOML"),
        (
            "DOORWARD__SERVER__LISTEN",
            "127.0.0.1:80, 8080",
            "`8080` is not",
        ),
        ("DOORWARD__SERVER__LISTEN", "127.0.0.1:80,", "``"),
        ("DOORWARD__CERTIFICATE", "a.pem", "expected a list"),
        ("DOORWARD__SESSION__IDLE", "30", "\"30s\""),
        ("DOORWARD__SITE__5__UPSTREAM", "none", "from 0 to 1"),
        ("DOORWARD__SITE__UPSTREAM", "none", "`site` is a list"),
        ("DOORWARD__SERVER__", "x", "names no key"),
        ("DOORWARD__SERVER__DRAIN__X", "1", "a duration in quotes"),
    ] {
        let problems = under(SITE, &[(name, value)]).unwrap_err();
        let shown = problems.render(Color::Plain);
        assert_eq!(problems.len(), 1, "{shown}");
        assert!(shown.starts_with(&format!("{name}: ")), "{shown}");
        assert!(shown.contains(said), "no {said:?} in {shown}");
        assert!(problems.iter().all(|problem| problem.line().is_none()));
    }
}

#[test]
fn a_problem_in_a_merged_table_names_the_layer_it_is_in() {
    let desk = Desk::new();
    let problems = load(&Sources {
        files: vec![
            desk.write("a.toml", "[session]\nidle = \"1x\"\n[portal]\npath = \"/\""),
            desk.write(
                "b.toml",
                format!("\n\n[session]\nabsolute = \"1x\"\nidle = \"1h\"\n{SITE}"),
            ),
        ],
        env: env(&[("DOORWARD__SESSION__REMEMBER", "1x")]),
        overrides: Overrides::default(),
    })
    .unwrap_err();
    let places: Vec<_> = problems
        .iter()
        .map(|problem| problem.place().to_string())
        .map(|place| place.rsplit('/').next().unwrap().to_owned())
        .collect();
    // What the second file puts right is no problem any more.
    assert_eq!(
        places,
        ["a.toml:4:8", "b.toml:4:12", "DOORWARD__SESSION__REMEMBER"]
    );
}
