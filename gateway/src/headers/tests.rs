use std::net::IpAddr;

use doorward_config::{IdentityHeaders, IdentityPreset, RoleList};
use doorward_identity::session::{Amr, Record, Remembered};
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::client::{self, TrustedProxies};
use crate::names::MethodOverride;
use crate::scheme::Scheme;

fn record() -> Record {
    Record {
        account: "0190b3c2-7c4e-7000-8000-000000000001".parse().unwrap(),
        user: "alice".to_owned(),
        email: Some("alice@example.com".to_owned()),
        name: "Älice Example".to_owned(),
        roles: vec!["editor".to_owned(), "user".to_owned()],
        opened_at: Timestamp::UNIX_EPOCH,
        ends_at: Timestamp::UNIX_EPOCH,
        remembered: Remembered::No,
        amr: vec![Amr::Password],
        auth_time: Timestamp::UNIX_EPOCH,
        device: String::new(),
        address: IpAddr::from([192, 0, 2, 1]),
        generation: 1,
    }
}

fn request(fields: &[(&'static str, &str)]) -> RequestHeader {
    let mut request = RequestHeader::build("GET", b"/", None).unwrap();
    for (name, value) in fields {
        request.append_header(*name, *value).unwrap();
    }
    request
}

/// The fields that the upstream would read, as they go over the wire.
fn wire(request: &RequestHeader) -> Vec<String> {
    let mut bytes = Vec::new();
    request.header_to_h1_wire(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn strip_all(request: &mut RequestHeader) -> Stripped {
    strip(request, &StripSet::new(["X-Own"], MethodOverride::Pass))
}

#[test]
fn what_a_client_may_not_say_is_removed() {
    let mut request = request(&[
        ("Host", "app.test"),
        ("X_Auth-Request.User", "bob"),
        ("remote-user", "bob"),
        ("Remote-User", "bob"),
        ("REMOTE_USER", "bob"),
        ("X-Own", "bob"),
        ("x_own", "bob"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-For", "10.0.0.2"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Original-URL", "/public/x"),
        ("Forwarded", "for=10.0.0.1"),
        ("Cookie", "k=v"),
        ("Authorization", "Basic eA=="),
        ("traceparent", "00-x"),
    ]);
    let stripped = strip_all(&mut request);
    assert_eq!(
        stripped,
        Stripped {
            identity: 6,
            other: 5
        }
    );
    assert_eq!(
        wire(&request),
        [
            "Authorization: Basic eA==",
            "Cookie: k=v",
            "Host: app.test",
            "traceparent: 00-x"
        ]
    );
    assert_eq!(strip_all(&mut request), Stripped::default());
}

fn told(preset: &IdentityHeaders, record: &Record) -> Vec<String> {
    let values = IdentityValues::new(&IdentityNames::new(preset), record).unwrap();
    let mut request = request(&[]);
    values.insert_into(&mut request).unwrap();
    wire(&request)
}

#[test]
fn every_preset_in_its_own_spelling() {
    for (preset, lines) in [
        (
            IdentityPreset::Remote,
            &[
                "Remote-Email: alice@example.com",
                "Remote-Groups: editor,user",
                "Remote-Name: Älice Example",
                "Remote-User: alice",
            ][..],
        ),
        (
            IdentityPreset::XForwarded,
            &[
                "X-Forwarded-Email: alice@example.com",
                "X-Forwarded-Groups: editor,user",
                "X-Forwarded-Preferred-Username: alice",
                "X-Forwarded-User: alice",
            ],
        ),
        (
            IdentityPreset::XAuthRequest,
            &[
                "X-Auth-Request-Email: alice@example.com",
                "X-Auth-Request-Groups: editor,user",
                "X-Auth-Request-Preferred-Username: alice",
                "X-Auth-Request-User: alice",
            ],
        ),
        (
            IdentityPreset::XWebauth,
            &[
                "X-WEBAUTH-EMAIL: alice@example.com",
                "X-WEBAUTH-NAME: Älice Example",
                "X-WEBAUTH-ROLE: editor",
                "X-WEBAUTH-USER: alice",
            ],
        ),
        (
            IdentityPreset::Authentik,
            &[
                "X-authentik-email: alice@example.com",
                "X-authentik-groups: editor|user",
                "X-authentik-name: Älice Example",
                "X-authentik-uid: 0190b3c2-7c4e-7000-8000-000000000001",
                "X-authentik-username: alice",
            ],
        ),
        (IdentityPreset::None, &[]),
    ] {
        assert_eq!(
            told(&preset.headers(), &record()),
            lines,
            "{}",
            preset.as_str()
        );
    }
}

#[test]
fn what_there_is_nothing_to_say_about_is_empty_not_absent() {
    let nobody_much = Record {
        email: None,
        name: String::new(),
        roles: Vec::new(),
        ..record()
    };
    assert_eq!(
        told(&IdentityPreset::Remote.headers(), &nobody_much),
        [
            "Remote-Email: ",
            "Remote-Groups: ",
            "Remote-Name: ",
            "Remote-User: alice"
        ]
    );
    let role = told(&IdentityPreset::XWebauth.headers(), &nobody_much);
    assert!(role.contains(&"X-WEBAUTH-ROLE: ".to_owned()));
}

#[test]
fn a_value_that_would_arrive_changed_is_refused() {
    let names = IdentityNames::new(&IdentityPreset::Authentik.headers());
    let with = |change: fn(&mut Record)| {
        let mut record = record();
        change(&mut record);
        IdentityValues::new(&names, &record).map(|_| ())
    };
    assert_eq!(with(|_| ()), Ok(()));
    for change in [
        (|record| record.user = "a\r\nRemote-User: bob".to_owned()) as fn(&mut Record),
        |record| record.user = "a\0".to_owned(),
        |record| record.user = " alice".to_owned(),
        |record| record.user = "a\u{85}b".to_owned(),
        |record| record.name = "a\nb".to_owned(),
        |record| record.email = Some("a\rb".to_owned()),
        |record| record.roles = vec!["a\tb".to_owned()],
        |record| record.roles = vec!["user ".to_owned(), "x".to_owned()],
        |record| record.roles = vec!["user|admin".to_owned()],
    ] {
        assert!(with(change).is_err());
    }
    // The comma is a separator elsewhere only.
    assert_eq!(with(|record| record.roles = vec!["a,b".to_owned()]), Ok(()));
    let comma = IdentityNames::new(&IdentityPreset::Remote.headers());
    let two = Record {
        roles: vec!["a,b".to_owned()],
        ..record()
    };
    let refused = IdentityValues::new(&comma, &two).map(|_| ());
    assert_eq!(refused, Err(Unspeakable::Separator));
}

fn pass_on(request: &mut RequestHeader, headers: &HeaderMap, identity: Option<&IdentityValues>) {
    let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let client = client::identify(
        IpAddr::from([10, 0, 0, 1]),
        Scheme::Https,
        headers,
        &trusted,
    )
    .unwrap();
    let host = Host::parse(b"App.Test:8443").unwrap();
    let forwarded = Forwarded {
        client: &client,
        host: &host,
        request_id: "r1",
    };
    set(request, &forwarded, identity).unwrap();
}

#[test]
fn exactly_one_of_each_is_set() {
    let mut request = request(&[
        ("Host", "App.Test:8443"),
        ("X-Forwarded-For", "192.0.2.7"),
        ("X-Real-Ip", "6.6.6.6"),
        ("x-request-id", "forged"),
        ("Remote-User", "bob"),
        ("remote-user", "bob"),
        ("Remote_Groups", "admin"),
    ]);
    let before = request.headers.clone();
    strip_all(&mut request);
    let names = IdentityNames::new(&IdentityPreset::Remote.headers());
    let values = IdentityValues::new(&names, &record()).unwrap();
    pass_on(&mut request, &before, Some(&values));
    assert_eq!(
        wire(&request),
        [
            "Host: app.test:8443",
            "Remote-Email: alice@example.com",
            "Remote-Groups: editor,user",
            "Remote-Name: Älice Example",
            "Remote-User: alice",
            "X-Forwarded-For: 192.0.2.7, 10.0.0.1",
            "X-Forwarded-Host: app.test:8443",
            "X-Forwarded-Port: 8443",
            "X-Forwarded-Proto: https",
            "X-Real-IP: 192.0.2.7",
            "X-Request-Id: r1",
        ]
    );
}

#[test]
fn without_a_session_nobody_is_named() {
    let mut request = request(&[("Host", "app.test:8443"), ("X-Forwarded-User", "bob")]);
    let before = request.headers.clone();
    strip_all(&mut request);
    pass_on(&mut request, &before, None);
    assert!(wire(&request).iter().all(|line| !line.contains("bob")));
    assert!(wire(&request).contains(&"X-Forwarded-For: 10.0.0.1".to_owned()));
}

#[test]
fn own_names_and_lists() {
    let own = IdentityHeaders {
        user: Some("X_U".to_owned()),
        groups: Some("x-G".to_owned()),
        role_list: RoleList::Joined(';'),
        ..IdentityHeaders::none()
    };
    assert_eq!(told(&own, &record()), ["X_U: alice", "x-G: editor;user"]);
}

proptest! {
    #[test]
    fn no_value_can_begin_another_header(user in ".{0,12}", name in ".{0,12}", role in ".{0,12}") {
        let record = Record { user, name, roles: vec![role], ..record() };
        let names = IdentityNames::new(&IdentityPreset::Remote.headers());
        if let Ok(values) = IdentityValues::new(&names, &record) {
            let mut request = request(&[]);
            values.insert_into(&mut request).unwrap();
            let mut bytes = Vec::new();
            request.header_to_h1_wire(&mut bytes);
            prop_assert_eq!(bytes.split(|b| *b == b'\n' || *b == b'\r').filter(|l| !l.is_empty()).count(), 4);
        }
    }

    #[test]
    fn nothing_of_a_forged_name_is_left(
        name in "(?i)remote[-_.]user|x[-_.](own|user|real[-_.]ip|forwarded[-_.][a-z]{1,5})",
    ) {
        prop_assume!(name.is_ascii());
        let set = StripSet::new(["X-Own", "x-user"], MethodOverride::Pass);
        let mut request = RequestHeader::build("GET", b"/", None).unwrap();
        request.append_header(name.clone(), "bob").unwrap();
        request.append_header(name.clone(), "eve").unwrap();
        strip(&mut request, &set);
        prop_assert!(request.headers.is_empty(), "{}", name);
    }
}
