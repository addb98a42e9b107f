use std::path::Path;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::account::Account;
use crate::testing::{PASSWORD, Room};

const HASHES: &[u8] = include_bytes!("fixtures/hashes.csv");
const USERS: &[u8] = include_bytes!("fixtures/users.yml");
const HTPASSWD: &[u8] = include_bytes!("fixtures/htpasswd");

/// An import and what was told about it: `LINE: REASON`.
async fn tried(room: &Room, input: &[u8], manner: Manner<'_>) -> (Imported, Vec<String>) {
    let mut told = Vec::new();
    let mut tell = |news: News<'_>| {
        if let News::Refused { line, reasons } = news {
            told.extend(reasons.iter().map(|reason| format!("{line}: {reason}")));
        }
    };
    let imported = import(&room.identity, &room.live, input, manner, &mut tell)
        .await
        .unwrap();
    (imported, told)
}

fn alone(format: Format) -> Manner<'static> {
    Manner {
        format,
        bad_row: BadRow::Alone,
        domain: None,
    }
}

/// Everything was read; how many rows were imported, and what was wrong with the others.
async fn done(room: &Room, input: &[u8], manner: Manner<'_>) -> (usize, Vec<String>) {
    let (imported, told) = tried(room, input, manner).await;
    let Imported::Done(summary) = imported else {
        panic!("{imported:?} {told:?}");
    };
    assert_eq!(summary.rows, summary.imported + summary.refused);
    (summary.imported, told)
}

async fn find(room: &Room, login: &str) -> Account {
    let found = room.identity.accounts.find_by_login(login).await.unwrap();
    found.unwrap_or_else(|| panic!("no {login}"))
}

async fn hash_of(room: &Room, login: &str) -> String {
    let hash = find(room, login).await.password_hash.unwrap();
    hash.as_str().to_owned()
}

#[tokio::test]
async fn every_kind_of_hash_signs_in_and_becomes_ours() {
    let room = Room::open().await;
    let (imported, told) = done(&room, HASHES, alone(Format::Csv)).await;
    assert_eq!((imported, told), (22, vec![]));
    for account in room.identity.accounts.list().await.unwrap() {
        let name = account.username.clone().unwrap();
        let before = hash_of(&room, &name).await;
        assert!(room.try_sign_in(&name, "anna likes trams").await.is_none());
        assert_eq!(
            hash_of(&room, &name).await,
            before,
            "{name}: a wrong password changes nothing"
        );
        let password = format!("{name} likes trams");
        assert!(room.try_sign_in(&name, &password).await.is_some(), "{name}");
        let after = hash_of(&room, &name).await;
        assert!(after.starts_with("$argon2id$v=19$m="), "{name}: {after}");
        assert_eq!(after == before, name.starts_with("argon2id"), "{name}");
        assert!(room.try_sign_in(&name, &password).await.is_some(), "{name}");
        assert_eq!(hash_of(&room, &name).await, after, "{name}");
    }
}

#[tokio::test]
async fn everything_in_a_row_is_taken_over() {
    let room = Room::open().await;
    let csv = "Email, username,password_hash,first_name,last_name,date_of_birth,roles,mfa_enabled,disabled,email_verified\r\n\
               Anna@Example.com,Anna,,\" Anna \",\"Berg, \"\"die\"\"\",1990-02-28,user;editor user,True,,\r\n\
               ben@example.com,,,,,,,0,yes,no\r\n";
    let json = r#"{"email":"Anna@Example.com","username":"Anna","first_name":"Anna","last_name":"Berg, \"die\"","date_of_birth":"1990-02-28","roles":["user","editor","user"],"mfa_enabled":true}

{"email":"ben@example.com","username":null,"roles":"","mfa_enabled":0,"disabled":"yes","email_verified":false}"#;
    for (text, format) in [(csv, Format::Csv), (json, Format::JsonLines)] {
        let room = Room::open().await;
        let (imported, told) = tried(&room, text.as_bytes(), alone(format)).await;
        let Imported::Done(summary) = imported else {
            panic!("{imported:?} {told:?}");
        };
        assert_eq!((summary.imported, summary.refused), (2, 0), "{told:?}");
        assert_eq!(
            (summary.without_password, summary.had_two_factor),
            (2, 1),
            "{format:?}"
        );
        let anna = find(&room, "anna").await;
        assert_eq!(anna.email, "Anna@example.com");
        assert_eq!(anna.name(), "Anna Berg, \"die\"");
        assert_eq!(anna.date_of_birth, Some(date(1990, 2, 28)));
        assert_eq!(anna.roles, ["editor", "user"]);
        assert!(anna.enabled && anna.email_verified && !anna.has_password());
        assert!(!anna.mfa_enabled(), "nobody can take secrets along");
        let ben = find(&room, "ben@example.com").await;
        assert_eq!(ben.username, None);
        assert!(ben.roles.is_empty(), "said to have none");
        assert!(!ben.enabled && !ben.email_verified);
    }
    let (imported, _) = done(&room, b"email\ncarol@example.com", alone(Format::Csv)).await;
    assert_eq!(imported, 1);
    let carol = find(&room, "carol@example.com").await;
    assert_eq!(
        carol.roles,
        ["user"],
        "nothing said: those of the configuration"
    );
    assert!(carol.enabled && carol.email_verified);
    let trail = room.identity.audit.list(carol.id, 10).await.unwrap();
    assert_eq!(trail.len(), 1);
    assert_eq!(trail[0].event, "account.imported");
    assert_eq!(trail[0].address, None);
}

#[tokio::test]
async fn authelias_users() {
    let room = Room::open().await;
    let (imported, told) = done(&room, USERS, alone(Format::Authelia)).await;
    assert_eq!((imported, told), (3, vec![]));
    let anna = find(&room, "anna").await;
    assert_eq!(anna.email, "anna@example.com");
    assert_eq!(
        (anna.first_name.as_str(), anna.last_name.as_str()),
        ("Anna", "Maria Berg")
    );
    assert_eq!(anna.roles, ["admins", "dev"]);
    assert!(room.try_sign_in("anna", "anna likes trams").await.is_some());
    let ben = find(&room, "ben").await;
    assert!(!ben.enabled && ben.roles.is_empty());
    assert_eq!(ben.date_of_birth, Some(date(1990, 2, 28)));
    assert!(room.try_sign_in("ben", "ben likes trams").await.is_none());
    let clara = find(&room, "clara").await;
    assert_eq!(clara.name(), "Clara van der Berg");
    assert_eq!(clara.roles, ["user"]);
    assert!(!clara.has_password());
}

#[tokio::test]
async fn a_group_that_is_no_role_is_named() {
    let room = Room::open().await;
    let users = "users:\n  anna:\n    displayname: Anna Berg\n    email: anna@example.com\n    \
                 groups: [dev, 'Domain Admins', ops]\n";
    let (imported, told) = done(&room, users.as_bytes(), alone(Format::Authelia)).await;
    assert_eq!(imported, 0);
    let [reason] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert!(
        reason.ends_with(
            "roles: `Domain Admins` is not a role: a role is 1 to 32 of a-z, 0-9, _ and -."
        ),
        "{reason}"
    );
}

#[tokio::test]
async fn htpasswd_needs_addresses() {
    let room = Room::open().await;
    let (imported, told) = done(&room, HTPASSWD, alone(Format::Htpasswd)).await;
    assert_eq!(imported, 1, "the one with an address");
    assert_eq!(
        told,
        [
            "2: email: This is needed.",
            "5: email: This is needed.",
            "5: password_hash: MD5: too weak to be kept.",
            "6: email: This is needed.",
            "6: password_hash: one round of SHA-1: too weak to be kept.",
            "7: a name, a colon and a hash are expected",
        ]
    );
    let manner = Manner {
        domain: Some("corp.example"),
        ..alone(Format::Htpasswd)
    };
    let (imported, told) = done(&room, HTPASSWD, manner).await;
    assert_eq!(imported, 1);
    assert_eq!(told.len(), 4, "{told:?}");
    let anna = find(&room, "anna").await;
    assert_eq!(anna.email, "anna@corp.example");
    assert!(room.try_sign_in("anna", "anna likes trams").await.is_some());
    assert!(
        room.try_sign_in("ben@example.com", "anna likes trams")
            .await
            .is_some()
    );
}

const BAD: &str = "username,email,password_hash,date_of_birth,roles,mfa_enabled\n\
    good,good@example.com,,,,\n\
    bad name,no address,plain text,28.02.1990,Admin,perhaps\n\
    \"two\nlines\",two@example.com,,,,\n\
    short,short@example.com\n\
    \n\
    admin,taken@example.com,,,,\n\
    ,ANNA@example.com,,,,\n\
    twin,twin@example.com,,,,\n\
    TWIN,twin@EXAMPLE.com,,,,\n\
    costly,costly@example.com,pbkdf2:sha256:9000000$salt$3220f04d5718b77d38fd37096d2fef619d8105338e354861af2784f0c1a2b3d4,,,\n\
    last,last@example.com,,,,\n";

const REASONS: [&str; 8] = [
    "3: mfa_enabled: true or false.",
    "4: username: Letters, digits, dots, hyphens and underscores only, the first one a letter or digit.",
    "6: 2 values for 6 columns",
    "12: password_hash: comparing with it would cost too much: PBKDF2 with 2,000,000 rounds at most.",
    "8: username: This username is taken.",
    "9: email: There is already an account with this address.",
    "11: username: This username is taken.",
    "11: email: There is already an account with this address.",
];

async fn with_some() -> Room {
    let room = Room::open().await;
    room.add("Admin", "anna@example.com").await;
    room
}

#[tokio::test]
async fn a_bad_row_is_named_by_its_line_and_the_rest_goes_on() {
    let room = with_some().await;
    let (imported, told) = done(&room, BAD.as_bytes(), alone(Format::Csv)).await;
    assert_eq!(told, REASONS);
    assert_eq!(imported, 3);
    for login in ["good", "twin", "last"] {
        find(&room, login).await;
    }
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 4);
    let other = with_some().await;
    let crlf = BAD.replace('\n', "\r\n");
    assert_eq!(
        done(&other, crlf.as_bytes(), alone(Format::Csv)).await,
        (3, told)
    );
    let (imported, told) = done(&room, BAD.as_bytes(), alone(Format::Csv)).await;
    assert_eq!(imported, 0, "a second time they are all there");
    assert!(told.contains(&"2: username: This username is taken.".to_owned()));
}

#[tokio::test]
async fn several_things_may_be_wrong_with_one_row() {
    let room = Room::open().await;
    let text = br#"{"username":"bad name","email":"no address","password_hash":"plain","first_name":"a\u0000b","date_of_birth":"28.02.1990","roles":["Admin"]}
{"email":"a@example.com","rolls":["admin"]}
["a@example.com"]
{"email":"a@example.com"
{"email":7}
{"email":"a@example.com","mfa_enabled":"perhaps"}
{"email":"a@example.com","roles":7}
"#;
    let text = [
        text.as_slice(),
        b"{\"email\":\"\xff@example.com\"}\n",
        &b"x".repeat(70_000),
        b"\n{\"email\":\"b@example.com\"}",
    ]
    .concat();
    let (imported, told) = done(&room, &text, alone(Format::JsonLines)).await;
    assert_eq!(imported, 1);
    let expected = [
        "1: username: Letters, digits",
        "1: email: This is not an e-mail address.",
        "1: first_name: Letters and spaces only.",
        "1: date_of_birth: A date like 1990-12-31.",
        "1: password_hash: this is no argon2, bcrypt, scrypt, PBKDF2 or SHA-crypt hash.",
        "1: roles: `Admin` is not a role: a role is 1 to 32 of a-z, 0-9, _ and -.",
        "2: unknown field `rolls`",
        "3: one object a line",
        "4: EOF while parsing an object",
        "5: invalid type: integer `7`",
        "6: a yes or no: true or false.",
        "7: a list of roles",
        "8: this is not UTF-8 text",
        "9: this line is too long",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} / {expected}");
    }
}

#[tokio::test]
async fn strict_is_all_or_nothing() {
    let strict = Manner {
        bad_row: BadRow::Stops,
        ..alone(Format::Csv)
    };
    let room = with_some().await;
    let (imported, told) = tried(&room, BAD.as_bytes(), strict).await;
    let Imported::Nothing(summary) = imported else {
        panic!("{imported:?}");
    };
    assert_eq!(
        (summary.rows, summary.imported, summary.refused),
        (10, 0, 7)
    );
    assert_eq!(told.len(), 8, "all of them are named: {told:?}");
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 1);
    let taken = "email\nben@example.com\nanna@example.com\n";
    let (imported, told) = tried(&room, taken.as_bytes(), strict).await;
    assert!(matches!(imported, Imported::Nothing(_)), "{imported:?}");
    assert_eq!(
        told,
        ["3: email: There is already an account with this address."]
    );
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 1);
    let good = "email\nben@example.com\nclara@example.com\n";
    let (imported, _) = tried(&room, good.as_bytes(), strict).await;
    assert!(matches!(imported, Imported::Done(_)), "{imported:?}");
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 3);
}

#[tokio::test]
async fn names_are_unique_across_batches() {
    for bad_row in [BadRow::Alone, BadRow::Stops] {
        let room = Room::open().await;
        let rows = (0..1200).map(|number| format!("p{}@example.com", number % 1100));
        let text = format!("email\n{}\n", rows.collect::<Vec<_>>().join("\n"));
        let manner = Manner {
            bad_row,
            ..alone(Format::Csv)
        };
        let (imported, told) = tried(&room, text.as_bytes(), manner).await;
        assert_eq!(told.len(), 100);
        assert!(told[0].starts_with("1102: email: "), "{}", told[0]);
        let there = room.identity.accounts.list().await.unwrap().len();
        match (bad_row, imported) {
            (BadRow::Alone, Imported::Done(summary)) => {
                assert_eq!((summary.imported, there), (1100, 1100));
            }
            (BadRow::Stops, Imported::Nothing(_)) => assert_eq!(there, 0),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_stops_there() {
    let room = Room::open().await;
    for (text, format, line, reason) in [
        ("", Format::Csv, 1, "nothing in it"),
        (
            "anna@example.com\n",
            Format::Csv,
            1,
            "no column `anna@example.com`",
        ),
        ("email,rolls\n", Format::Csv, 1, "no column `rolls`"),
        ("email,Email\n", Format::Csv, 1, "named twice"),
        ("first_name\nAnna\n", Format::Csv, 1, "no column email"),
        ("", Format::Authelia, 1, "no users"),
        ("users: 7\n", Format::Authelia, 1, "no users"),
        (
            "users:\n  anna: {email: a@example.com\n",
            Format::Authelia,
            3,
            "",
        ),
        (
            "a: &x 1\nusers:\n  anna: *x\n",
            Format::Authelia,
            3,
            "aliases",
        ),
    ] {
        let (imported, told) = tried(&room, text.as_bytes(), alone(format)).await;
        let Imported::Unreadable(unreadable, summary) = imported else {
            panic!("{text:?}: {imported:?} {told:?}");
        };
        assert_eq!(unreadable.line, Some(line), "{text:?}: {unreadable:?}");
        assert!(
            unreadable.reason.contains(reason),
            "{text:?}: {unreadable:?}"
        );
        assert_eq!(summary, Summary::default());
    }
    let deep = format!("users: {}1{}", "[".repeat(1000), "]".repeat(1000));
    let (imported, _) = tried(&room, deep.as_bytes(), alone(Format::Authelia)).await;
    assert!(matches!(imported, Imported::Unreadable(..)), "{imported:?}");
    let odd = "users:\n  anna: 7\n  ben: {email: [a], groups: a}\n  clara: {email: c@example.com, groups: [[a]]}\n  dora: {email: d@example.com}\n";
    let (imported, told) = done(&room, odd.as_bytes(), alone(Format::Authelia)).await;
    assert_eq!(imported, 1);
    assert_eq!(
        told,
        [
            "2: nothing is said about this user",
            "3: email: one text.",
            "4: groups: a list of names."
        ]
    );
}

#[tokio::test]
async fn quotes_that_are_not_closed_and_text_that_is_none() {
    let room = Room::open().await;
    let text = [
        b"email,first_name\nanna@example.com,\"Anna\nben@example.com,Ben\n".as_slice(),
        b"clara@example.com,\"Clara\"\n",
    ];
    let (imported, told) = done(&room, &text.concat(), alone(Format::Csv)).await;
    assert_eq!(
        (imported, told),
        (0, vec!["2: a quote is not closed".to_owned()])
    );
    let text = b"email,first_name\nanna@example.com,J\xfcrgen\nben@example.com,Ben\n";
    let (imported, told) = done(&room, text, alone(Format::Csv)).await;
    assert_eq!(
        (imported, told),
        (1, vec!["2: this is not UTF-8 text".to_owned()])
    );
    let text = b"email\ncarl@example.com\rdora@example.com\n";
    let (imported, told) = done(&room, text, alone(Format::Csv)).await;
    assert_eq!(imported, 0);
    assert!(
        told[0].starts_with("2: a line break that is none"),
        "{told:?}"
    );
}

#[tokio::test]
async fn an_import_is_no_way_around_what_is_there() {
    let room = with_some().await;
    let before = find(&room, "admin").await;
    let text = "username,email,password_hash,roles\nadmin,anna@example.com,,admin\n";
    let (imported, _) = done(&room, text.as_bytes(), alone(Format::Csv)).await;
    assert_eq!(imported, 0);
    assert_eq!(find(&room, "admin").await, before);
    assert!(room.try_sign_in("admin", PASSWORD).await.is_some());
}

#[test]
fn formats_are_told_apart() {
    use Format::{Authelia, Csv, Htpasswd, JsonLines};
    for (name, head, expected) in [
        ("people.csv", "", Some(Csv)),
        ("PEOPLE.CSV", "{", Some(Csv)),
        ("people.jsonl", "", Some(JsonLines)),
        ("people.json", "", Some(JsonLines)),
        ("users.yml", "", Some(Authelia)),
        ("users.yaml", "", Some(Authelia)),
        (".htpasswd", "", Some(Htpasswd)),
        ("/etc/nginx/htpasswd", "", Some(Htpasswd)),
        ("-", "\u{feff}username,email\n", Some(Csv)),
        ("-", "email\n", Some(Csv)),
        ("-", "\n  {\"email\":", Some(JsonLines)),
        ("-", "---\nusers:\n", Some(Authelia)),
        ("-", "# mine\nusers:\n", Some(Authelia)),
        ("-", "# mine\nanna:$2y$", Some(Htpasswd)),
        ("people.txt", "hello", None),
        ("-", "", None),
    ] {
        let found = Format::detect(Some(Path::new(name)), head.as_bytes());
        assert_eq!(found, expected, "{name} {head:?}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_a_reader_panic(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "(users:\n|email,roles\n|\\{\"email\":)?[a-z:,{}\\[\\]\"'&*|>\n -]{0,80}".prop_map(String::into_bytes),
        ],
    ) {
        for format in [Format::Csv, Format::JsonLines, Format::Authelia, Format::Htpasswd] {
            if let Ok(rows) = format.rows(bytes.as_slice()) {
                for entry in rows.take(1000) {
                    prop_assert!(entry.is_err() || entry.is_ok_and(|entry| entry.line > 0));
                }
            }
            let _format = Format::detect(None, &bytes);
        }
    }
}
