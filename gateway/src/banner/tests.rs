use doorward_config::{Config, PathGlob, Protocol, Redis, WebServer};

use super::*;

fn bound() -> Bound {
    Bound {
        public: Public {
            scheme: Scheme::Http,
            address: "[::]:8080".parse().unwrap(),
        },
        admin: "127.0.0.1:9180".parse().unwrap(),
    }
}

fn print(config: &Config, setup: Option<&str>) -> String {
    Banner {
        boot: &config.boot,
        live: &config.live,
        bound: bound(),
        setup: setup.map(str::to_owned),
    }
    .to_string()
}

fn before(site: Site) -> Config {
    let mut config = Config::default();
    config.live.sites = vec![site];
    config
}

fn app(upstream: &str) -> Site {
    Site::new(
        HostPattern::Any,
        Upstream::Web(vec![WebServer {
            protocol: Protocol::Http,
            host: upstream.to_owned(),
            port: 3000,
        }]),
    )
}

#[test]
fn with_nothing_configured_it_is_the_text_of_the_product_page() {
    let expected = format!(
        "doorward {}   accounts: data/doorward.db   sessions: embedded
  protecting   http://localhost:8080  →  files:protected/site      everything but / asks for sign-in
  admin        http://127.0.0.1:9180  (/metrics /livez /readyz)
  first admin  http://localhost:8080/_auth/setup?t=T0k3n   valid 30 minutes, once   (or: doorward user add --role admin EMAIL)
  mail         not configured: messages are written to data/outbox/
",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(print(&Config::default(), Some("T0k3n")), expected);
}

#[test]
fn without_a_token_there_is_no_line_about_the_first_admin() {
    let text = print(&Config::default(), None);
    assert!(
        !text.contains("first admin") && !text.contains("setup"),
        "{text}"
    );
}

#[test]
fn open_registration_in_front_of_a_foreign_site_is_warned_of() {
    let mut config = before(app("app.internal"));
    assert!(print(&config, None).contains("  warning      anybody can register"));
    config.live.registration.mode = RegistrationMode::Closed;
    assert!(!print(&config, None).contains("warning"));
    assert!(!print(&Config::default(), None).contains("warning"));
}

#[test]
fn rules_that_name_who_may_pass_need_no_warning() {
    let mut site = app("app.internal");
    site.rules = vec![Rule {
        allow: Allow::AnyOf(vec![doorward_config::Who::Role(
            doorward_config::Role::admin(),
        )]),
        ..Rule::signed_in()
    }];
    assert!(!print(&before(site), None).contains("warning"));
}

#[test]
fn a_site_that_nobody_may_ask_about_is_warned_of() {
    let mut site = app("app.internal");
    site.upstream = Upstream::None;
    let mut config = before(site);
    config.live.registration.mode = RegistrationMode::Closed;
    let text = print(&config, None);
    assert!(
        text.contains("nobody may ask: set server.trusted_proxies"),
        "{text}"
    );
    config.live.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    assert!(!print(&config, None).contains("warning"));
}

#[test]
fn what_is_open_is_said_as_it_is() {
    let open = |path: &str| Rule {
        path: Some(PathGlob::parse(path).unwrap()),
        allow: Allow::Anyone,
        ..Rule::signed_in()
    };
    let admins = Rule {
        allow: Allow::AnyOf(vec![doorward_config::Who::Role(
            doorward_config::Role::admin(),
        )]),
        ..Rule::signed_in()
    };
    let everything_open = Rule {
        allow: Allow::Anyone,
        ..Rule::signed_in()
    };
    for (rules, said) in [
        (vec![], "everything asks for sign-in"),
        (vec![Rule::signed_in()], "everything asks for sign-in"),
        (
            vec![open("/public/**"), Rule::signed_in()],
            "everything but /public/** asks for sign-in",
        ),
        (
            vec![open("/"), admins.clone()],
            "2 rules decide, the first that matches",
        ),
        (vec![admins], "one rule decides"),
        (vec![everything_open], "one rule decides"),
    ] {
        let mut site = app("app.internal");
        site.rules = rules;
        let text = print(&before(site), None);
        let line = text.lines().nth(1).unwrap();
        assert!(
            line.ends_with(&format!("http://app.internal:3000      {said}")),
            "{line}"
        );
    }
}

#[test]
fn the_passwords_of_redis_are_not_shown() {
    let nodes = |addresses: &[&str]| RedisNodes {
        addresses: addresses.iter().map(|text| Secret::from(*text)).collect(),
        username: Some("hunter2".to_owned()),
        password: Some("hunter2".into()),
    };
    let one = |url: &str| RedisServers::One(url.into());
    let many = ["redis://:hunter2@a", "redis://b", "redis://c", "redis://d"];
    for (servers, said) in [
        (
            one("redis://user:hunter2@cache.internal:6380/0"),
            "redis://cache.internal:6380\n",
        ),
        (one("rediss://:hunter2@cache"), "rediss://cache\n"),
        (
            one("unix:///run/r.sock?pass=hunter2"),
            "redis at /run/r.sock\n",
        ),
        (
            RedisServers::Cluster(nodes(&many)),
            "redis cluster of redis://a, redis://b, redis://c, …\n",
        ),
        (
            RedisServers::Sentinel {
                master: "mymaster".to_owned(),
                sentinels: nodes(&["redis://:hunter2@a:26379"]),
            },
            "redis mymaster, by sentinel at redis://a:26379\n",
        ),
    ] {
        let mut config = Config::default();
        config.boot.redis = Some(Redis {
            servers,
            authorities: None,
        });
        let text = print(&config, None);
        assert!(text.contains(&format!("sessions: {said}")), "{text}");
        assert!(!text.contains("hunter2"));
    }
}

#[test]
fn links_use_a_host_that_a_site_answers_to() {
    let mut site = app("app.internal");
    site.host = HostPattern::Exact("app.example.com".to_owned());
    let mut config = before(site);
    let text = print(&config, Some("t"));
    assert!(
        text.contains("http://app.example.com:8080/_auth/setup?t=t "),
        "{text}"
    );
    config.live.portal.url = Some("https://auth.example.com".parse().unwrap());
    let text = print(&config, Some("t"));
    assert!(
        text.contains("https://auth.example.com/_auth/setup?t=t "),
        "{text}"
    );
}

#[test]
fn with_tls_people_are_told_of_https() {
    for (port, host, said) in [
        (443, HostPattern::Any, "https://localhost  →"),
        (8443, HostPattern::Any, "https://localhost:8443  →"),
        (
            443,
            HostPattern::Exact("app.test".to_owned()),
            "https://app.test  →",
        ),
    ] {
        let mut config = Config::default();
        config.live.sites[0].host = host;
        let text = Banner {
            boot: &config.boot,
            live: &config.live,
            bound: Bound {
                public: Public {
                    scheme: Scheme::Https,
                    address: ([0, 0, 0, 0], port).into(),
                },
                ..bound()
            },
            setup: None,
        }
        .to_string();
        assert!(text.contains(said), "{text}");
        assert!(text.contains("http://127.0.0.1:9180"), "{text}");
    }
}

#[test]
fn addresses_are_those_that_were_bound() {
    for (bound, said) in [
        ("[::]:80", "http://localhost"),
        ("0.0.0.0:8081", "http://localhost:8081"),
        ("127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("[2001:db8::1]:8081", "http://[2001:db8::1]:8081"),
    ] {
        let public = Public {
            scheme: Scheme::Http,
            address: bound.parse().unwrap(),
        };
        assert_eq!(origin(public), said);
    }
}
