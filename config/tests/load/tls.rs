//! Certificates: what is accepted, and at which line their files are complained about.

use std::time::Duration;

use doorward_config::{Certificate, Color, Origins, Sources, effective, load};
use rcgen::generate_simple_self_signed;

use crate::{Desk, SITE, right};

/// Two certificates, `a` and `b`, in a folder.
fn desk() -> Desk {
    let desk = Desk::new();
    for name in ["a", "b"] {
        let made = generate_simple_self_signed([format!("{name}.test")]).unwrap();
        desk.write(&format!("{name}.pem"), made.cert.pem());
        desk.write(&format!("{name}.key"), made.signing_key.serialize_pem());
    }
    desk
}

fn file(desk: &Desk, chain: &str, key: &str) -> Sources {
    let folder = desk.folder.path().display();
    let text = format!(
        "[server]\nlisten = []\nlisten_tls = [\"[::]:443\"]\nredirect_to_tls = true\n\
         [[certificate]]\nchain = \"{folder}/{chain}\"\nkey = \"{folder}/{key}\"\n{SITE}hsts = \"off\""
    );
    Sources {
        files: vec![desk.write("doorward.toml", text)],
        ..Sources::default()
    }
}

#[test]
fn a_certificate_and_where_it_serves() {
    let desk = desk();
    let config = load(&file(&desk, "a.pem", "a.key")).unwrap();
    assert!(config.boot.listen.is_empty());
    assert_eq!(config.boot.listen_tls, ["[::]:443".parse().unwrap()]);
    assert!(config.live.redirect_to_tls);
    let certificate = Certificate {
        chain: desk.folder.path().join("a.pem"),
        key: desk.folder.path().join("a.key"),
    };
    assert_eq!(config.live.certificates, [certificate]);
    assert_eq!(config.live.sites[0].hsts, None);
    let shown = effective(&file(&desk, "a.pem", "a.key")).unwrap();
    let shown = shown.print(Origins::Hidden);
    for line in ["[[certificate]]", "/a.pem\"", "/a.key\"", "hsts = \"off\""] {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
}

#[test]
fn where_the_sites_are_https_so_is_the_sign_in() {
    let desk = desk();
    let with = |url: &str| {
        let mut sources = file(&desk, "a.pem", "a.key");
        let portal = format!("[portal]\nurl = \"{url}\"");
        sources.files.push(desk.write("portal.toml", portal));
        load(&sources)
    };
    assert!(with("https://auth.example.com").is_ok());
    let problems = with("http://auth.example.com:8080").unwrap_err();
    let shown = problems.render(Color::Plain);
    assert_eq!(problems.len(), 1, "{shown}");
    assert!(shown.contains("portal.toml:2:"), "{shown}");
    for words in [
        "is not https",
        "did you mean \"https://auth.example.com:8080\"?",
    ] {
        assert!(shown.contains(words), "{words} in\n{shown}");
    }
}

#[test]
fn a_mistake_is_shown_at_the_line_of_its_file() {
    let desk = desk();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    desk.write("locked.key", locked);
    for (chain, key, line, words) in [
        ("a.pem", "b.key", 7, "does not belong to the certificate in"),
        ("a.pem", "locked.key", 7, "openssl pkey"),
        ("a.pem", "a.pem", 7, "no private key"),
        ("a.key", "a.key", 6, "no certificate"),
    ] {
        let problems = load(&file(&desk, chain, key)).unwrap_err();
        let shown = problems.render(Color::Plain);
        assert_eq!(problems.len(), 1, "{shown}");
        assert_eq!(
            problems.iter().next().unwrap().line(),
            Some(line),
            "{shown}"
        );
        assert!(shown.contains(words), "{shown}");
    }
    let both = load(&file(&desk, "gone.pem", "gone.key")).unwrap_err();
    assert_eq!(both.len(), 2, "{both}");
}

#[test]
fn one_address_is_listened_on_once() {
    let desk = desk();
    let mut sources = file(&desk, "a.pem", "a.key");
    for (listen, problems) in [("[::]:443", 1), ("[::]:80", 0)] {
        sources.overrides.listen = Some(listen.to_owned());
        let found = load(&sources).map_or_else(|problems| problems.len(), |_| 0);
        assert_eq!(found, problems, "{listen}");
    }
}

#[test]
fn load_balancers_and_browsers() {
    let config = right("[server]\nproxy_protocol = [\"::ffff:10.0.0.0/104\"]");
    assert_eq!(config.live.proxy_protocol[0].to_string(), "10.0.0.0/8");
    let year = Duration::from_hours(365 * 24);
    assert_eq!(config.live.sites[0].hsts, Some(year));
    let forget = right("[[site]]\nupstream = \"none\"\nhost = \"a.test\"\nhsts = \"0s\"");
    assert_eq!(forget.live.sites[0].hsts, Some(Duration::ZERO));
}
