use std::cell::Cell;

use super::*;

/// Says which assertion it is that an upstream gets.
struct Desk {
    known: Assertions,
    made: Cell<u32>,
    kid: Cell<&'static str>,
}

impl Desk {
    fn new() -> Self {
        Self {
            known: Assertions::default(),
            made: Cell::new(0),
            kid: Cell::new("first"),
        }
    }

    fn ask(&self, host: &str, portal_origin: Option<&str>, second: i64) -> String {
        let host = Host::parse(host.as_bytes()).unwrap();
        let hearer = Hearer {
            scheme: Scheme::Https,
            host: &host,
            portal_origin,
        };
        let now = Timestamp::from_second(second).unwrap();
        let mint = |issuer: &str| {
            self.made.set(self.made.get() + 1);
            Ok(format!("{} for {issuer}", self.made.get()))
        };
        let told = self
            .known
            .tell(hearer, (now, self.kid.get()), mint)
            .unwrap();
        told.to_str().unwrap().to_owned()
    }
}

#[test]
fn it_is_made_again_when_it_is_no_longer_fresh() {
    let desk = Desk::new();
    assert_eq!(desk.ask("a.test", None, 1000), "1 for https://a.test");
    assert_eq!(desk.ask("a.test", None, 1239), "1 for https://a.test");
    assert_eq!(desk.ask("a.test", None, 1240), "2 for https://a.test");
    assert_eq!(desk.ask("a.test", None, 1241), "2 for https://a.test");
    // The clock was set back.
    assert_eq!(desk.ask("a.test", None, 1000), "3 for https://a.test");
}

#[test]
fn it_is_made_again_when_another_key_signs() {
    let desk = Desk::new();
    assert_eq!(desk.ask("a.test", None, 1000), "1 for https://a.test");
    desk.kid.set("second");
    assert_eq!(desk.ask("a.test", None, 1000), "2 for https://a.test");
    assert_eq!(desk.ask("a.test", None, 1001), "2 for https://a.test");
    assert_eq!(desk.known.0.load().as_ref().unwrap().told().count(), 1);
}

#[test]
fn each_host_has_its_own() {
    let desk = Desk::new();
    for (host, portal, told) in [
        ("a.test", None, "1 for https://a.test"),
        ("b.test", None, "2 for https://b.test"),
        ("a.test:8443", None, "3 for https://a.test:8443"),
        ("a.test", Some("https://in.test"), "4 for https://in.test"),
        ("a.test", None, "1 for https://a.test"),
        ("b.test", None, "2 for https://b.test"),
        ("a.test:8443", None, "3 for https://a.test:8443"),
        ("a.test", Some("https://in.test"), "4 for https://in.test"),
    ] {
        assert_eq!(desk.ask(host, portal, 1000), told);
    }
}

#[test]
fn only_so_many_are_remembered() {
    let desk = Desk::new();
    for round in 0..3 {
        for host in 0..=HOSTS {
            let _ = desk.ask(&format!("{host}.test"), None, 1000 + round);
        }
    }
    assert_eq!(desk.known.0.load().as_ref().unwrap().told().count(), HOSTS);
    let made = desk.made.get();
    let _ = desk.ask(&format!("{HOSTS}.test"), None, 1003);
    assert_eq!(desk.made.get(), made, "the latest is among them");
}

#[test]
fn what_cannot_be_signed_is_not_remembered() {
    let desk = Desk::new();
    let host = Host::parse(b"a.test").unwrap();
    let hearer = Hearer {
        scheme: Scheme::Https,
        host: &host,
        portal_origin: None,
    };
    let now = Timestamp::from_second(1000).unwrap();
    let failed = desk.known.tell(hearer, (now, "first"), |_| {
        Err(Fault::broken("no key signs"))
    });
    assert!(failed.is_err());
    assert_eq!(desk.ask("a.test", None, 1000), "1 for https://a.test");
}
