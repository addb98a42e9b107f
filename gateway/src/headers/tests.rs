use std::net::IpAddr;

use doorward_config::{IdentityHeaders, IdentityPreset, RoleList};
use doorward_identity::session::{Amr, Record, Remembered};
use jiff::Timestamp;
use pingora_http::RequestHeader;
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
        grant: None,
        family: None,
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
    let set = StripSet::new(["X-Own"], MethodOverride::Pass);
    strip(request, &set).unwrap()
}

fn names(headers: &IdentityHeaders) -> IdentityNames {
    IdentityNames::new(headers).unwrap()
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
            "Host: app.test",
            "authorization: Basic eA==",
            "cookie: k=v",
            "traceparent: 00-x"
        ]
    );
    assert_eq!(strip_all(&mut request), Stripped::default());
}

fn told(preset: &IdentityHeaders, record: &Record) -> Vec<String> {
    let values = IdentityValues::new(&names(preset), record.into()).unwrap();
    let mut request = request(&[]);
    edit(&mut request, |headers| values.insert_into(headers)).unwrap();
    wire(&request)
}

#[test]
fn every_preset_by_its_own_names() {
    for (preset, lines) in [
        (
            IdentityPreset::Remote,
            &[
                "remote-email: alice@example.com",
                "remote-groups: editor,user",
                "remote-name: Älice Example",
                "remote-user: alice",
            ][..],
        ),
        (
            IdentityPreset::XForwarded,
            &[
                "x-forwarded-email: alice@example.com",
                "x-forwarded-groups: editor,user",
                "x-forwarded-preferred-username: alice",
                "x-forwarded-user: alice",
            ],
        ),
        (
            IdentityPreset::XAuthRequest,
            &[
                "x-auth-request-email: alice@example.com",
                "x-auth-request-groups: editor,user",
                "x-auth-request-preferred-username: alice",
                "x-auth-request-user: alice",
            ],
        ),
        (
            IdentityPreset::XWebauth,
            &[
                "x-webauth-email: alice@example.com",
                "x-webauth-name: Älice Example",
                "x-webauth-role: editor",
                "x-webauth-user: alice",
            ],
        ),
        (
            IdentityPreset::Authentik,
            &[
                "x-authentik-email: alice@example.com",
                "x-authentik-groups: editor|user",
                "x-authentik-name: Älice Example",
                "x-authentik-uid: 0190b3c2-7c4e-7000-8000-000000000001",
                "x-authentik-username: alice",
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
            "remote-email: ",
            "remote-groups: ",
            "remote-name: ",
            "remote-user: alice"
        ]
    );
    let role = told(&IdentityPreset::XWebauth.headers(), &nobody_much);
    assert!(role.contains(&"x-webauth-role: ".to_owned()));
}

#[test]
fn a_value_that_would_arrive_changed_is_refused() {
    let fields = names(&IdentityPreset::Authentik.headers());
    let with = |change: fn(&mut Record)| {
        let mut record = record();
        change(&mut record);
        IdentityValues::new(&fields, Named::from(&record)).map(|_| ())
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
    let comma = names(&IdentityPreset::Remote.headers());
    let two = Record {
        roles: vec!["a,b".to_owned()],
        ..record()
    };
    let refused = IdentityValues::new(&comma, Named::from(&two)).map(|_| ());
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
    let told = identity.map(|identity| Told {
        identity: Arc::new(identity.clone()),
        assertion: Some(HeaderValue::from_static("a.b.c")),
    });
    edit(request, |headers| set(headers, &forwarded, told))
        .unwrap()
        .unwrap();
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
        ("X_Doorward_Assertion", "forged"),
        ("x-doorward-assertion", "forged"),
    ]);
    let before = request.headers.clone();
    strip_all(&mut request);
    let fields = names(&IdentityPreset::Remote.headers());
    let values = IdentityValues::new(&fields, Named::from(&record())).unwrap();
    pass_on(&mut request, &before, Some(&values));
    assert_eq!(
        wire(&request),
        [
            "Host: app.test:8443",
            "remote-email: alice@example.com",
            "remote-groups: editor,user",
            "remote-name: Älice Example",
            "remote-user: alice",
            "x-doorward-assertion: a.b.c",
            "x-forwarded-for: 192.0.2.7, 10.0.0.1",
            "x-forwarded-host: app.test:8443",
            "x-forwarded-port: 8443",
            "x-forwarded-proto: https",
            "x-real-ip: 192.0.2.7",
            "x-request-id: r1",
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
    assert!(wire(&request).contains(&"x-forwarded-for: 10.0.0.1".to_owned()));
}

#[test]
fn own_names_and_lists() {
    let own = IdentityHeaders {
        user: Some("X_U".to_owned()),
        groups: Some("x-G".to_owned()),
        role_list: RoleList::Joined(';'),
        ..IdentityHeaders::none()
    };
    assert_eq!(told(&own, &record()), ["x-g: editor;user", "x_u: alice"]);
}

proptest! {
    #[test]
    fn no_value_can_begin_another_header(user in ".{0,12}", name in ".{0,12}", role in ".{0,12}") {
        let record = Record { user, name, roles: vec![role], ..record() };
        let fields = names(&IdentityPreset::Remote.headers());
        if let Ok(values) = IdentityValues::new(&fields, Named::from(&record)) {
            let mut request = request(&[]);
            edit(&mut request, |headers| values.insert_into(headers)).unwrap();
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
        strip(&mut request, &set).unwrap();
        prop_assert!(request.headers.is_empty(), "{}", name);
    }
}
