use proptest::prelude::*;

use super::*;

fn username(typed: &str) -> Result<String, NameFault> {
    Username::parse(typed).map(|name| name.canonical().to_owned())
}

fn email(typed: &str) -> Result<String, NameFault> {
    EmailAddress::parse(typed).map(|address| address.canonical().to_owned())
}

#[test]
fn spellings_of_one_username_are_one_name() {
    for (typed, canonical) in [
        ("alice", "alice"),
        ("ALICE", "alice"),
        (" Alice\n", "alice"),
        ("ﬁona", "fiona"),
        ("ＡＮＮＡ", "anna"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("cafe\u{301}", "café"),
        ("Οδυσσεύς", "οδυσσεύσ"),
        ("анна", "анна"),
        ("a.b-c_9", "a.b-c_9"),
        ("山田はなこ", "山田はなこ"),
    ] {
        assert_eq!(username(typed).as_deref(), Ok(canonical), "{typed:?}");
    }
}

#[test]
fn what_is_no_username() {
    for (typed, fault) in [
        ("", NameFault::Empty),
        ("  ", NameFault::Empty),
        ("a\0b", NameFault::UsernameCharacter),
        ("a b", NameFault::UsernameCharacter),
        ("a\u{200d}b", NameFault::UsernameCharacter),
        ("a\u{202e}b", NameFault::UsernameCharacter),
        ("\u{feff}ab", NameFault::UsernameCharacter),
        ("a@b", NameFault::UsernameCharacter),
        ("a＠b.example", NameFault::UsernameCharacter),
        ("a,b", NameFault::UsernameCharacter),
        ("a:b", NameFault::UsernameCharacter),
        ("../b", NameFault::UsernameCharacter),
        ("-a", NameFault::UsernameCharacter),
        ("a℀", NameFault::UsernameCharacter),
        ("\u{430}dmin", NameFault::MixedScripts),
        ("\u{440}\u{430}\u{443}\u{440}\u{430}", NameFault::Lookalike),
        ("adm\u{131}n", NameFault::Lookalike),
    ] {
        assert_eq!(username(typed), Err(fault), "{typed:?}");
    }
    assert_eq!(username(&"a".repeat(65)), Err(NameFault::UsernameTooLong));
    assert_eq!(username(&"ß".repeat(33)), Err(NameFault::UsernameTooLong));
    assert!(username(&"a".repeat(64)).is_ok());
}

#[test]
fn resembling_a_reserved_name() {
    for typed in ["admin", "ADMIN", "adrnin"] {
        assert!(
            Username::parse(typed).unwrap().resembles("Admin"),
            "{typed}"
        );
    }
    assert!(!Username::parse("adam").unwrap().resembles("admin"));
}

#[test]
fn addresses_fold_and_show() {
    for (typed, shown, canonical) in [
        ("Anna@Example.COM", "Anna@example.com", "anna@example.com"),
        (" a+b@x.example ", "a+b@x.example", "a+b@x.example"),
        (
            "jörg@müller.example",
            "jörg@xn--mller-kva.example",
            "jörg@xn--mller-kva.example",
        ),
        (
            "JÖRG@MÜLLER.example",
            "JÖRG@xn--mller-kva.example",
            "jörg@xn--mller-kva.example",
        ),
        ("root@localhost", "root@localhost", "root@localhost"),
    ] {
        let address = EmailAddress::parse(typed).unwrap();
        assert_eq!(
            (address.as_str(), address.canonical()),
            (shown, canonical),
            "{typed:?}"
        );
    }
}

#[test]
fn what_is_no_address() {
    for typed in [
        "anna",
        "@x.example",
        "a@",
        "a@b@c.example",
        "a b@x.example",
        "a\r\nBcc: x@x.example",
        "a@x\r\n.example",
        "a\0@x.example",
        ".a@x.example",
        "a..b@x.example",
        "\"a\"@x.example",
        "a@[127.0.0.1]",
        "a@-x.example",
        "a@x..example",
        "a\u{200b}@x.example",
        "a@x_y.example",
        "<a@x.example>",
        "a,b@x.example",
        "a＠x.example",
        // Shown as typed: so a spelling that only folds into letters is none.
        "ﬁ@x.example",
    ] {
        assert_eq!(email(typed), Err(NameFault::NotAnAddress), "{typed:?}");
    }
    assert_eq!(email(""), Err(NameFault::Empty));
    assert_eq!(email("\u{430}nna@x.example"), Err(NameFault::MixedScripts));
    assert_eq!(
        email(&format!("{}@x.example", "a".repeat(65))),
        Err(NameFault::AddressTooLong)
    );
    assert!(email(&format!("{}@x.example", "a".repeat(64))).is_ok());
}

proptest! {
    #[test]
    fn usernames_never_panic_and_are_idempotent(typed in any::<String>()) {
        if let Ok(name) = Username::parse(&typed) {
            prop_assert!(!name.as_str().contains('@') && !name.canonical().contains('@'));
            for spelling in [name.as_str(), name.canonical()] {
                let again = Username::parse(spelling).unwrap();
                prop_assert_eq!(again.canonical(), name.canonical());
            }
        }
    }

    #[test]
    fn letters_of_all_kinds_fold_idempotently(typed in "[\\p{L}\\p{N}._-]{1,12}") {
        if let Ok(name) = Username::parse(&typed) {
            let again = Username::parse(name.canonical()).unwrap();
            prop_assert_eq!(again.canonical(), name.canonical());
        }
    }

    #[test]
    fn ascii_names_are_accepted_in_any_case(typed in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}") {
        let name = Username::parse(&typed).unwrap();
        prop_assert_eq!(name.canonical(), typed.to_ascii_lowercase());
        prop_assert_eq!(name.as_str(), typed);
    }

    #[test]
    fn addresses_never_panic_and_are_idempotent(local in any::<String>(), domain in "[\\p{L}0-9.-]{1,20}") {
        for typed in [format!("{local}@{domain}"), local] {
            if let Ok(address) = EmailAddress::parse(&typed) {
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
                for spelling in [address.as_str(), address.canonical()] {
                    let again = EmailAddress::parse(spelling).unwrap();
                    prop_assert_eq!(again.canonical(), address.canonical());
                }
            }
        }
    }

    #[test]
    fn plain_addresses_are_accepted(typed in "[a-z0-9+]{1,20}@[a-z]{1,10}\\.example") {
        prop_assert_eq!(email(&typed), Ok(typed));
    }
}
