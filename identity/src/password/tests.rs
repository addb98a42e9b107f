use std::sync::Arc;

use doorward_config::{Hashing, PasswordPolicy};

use super::policy::Weakness;
use super::*;
use crate::SystemRandom;
use crate::tally::{Tally, Uncounted};

const CHEAP: Hashing = Hashing {
    memory_kib: 64,
    iterations: 1,
    lanes: 1,
    concurrency: 1,
};

fn start(hashing: Hashing) -> Passwords {
    let tally: Arc<dyn Tally> = Arc::new(Uncounted);
    Passwords::start(hashing, Arc::new(SystemRandom), &tally).unwrap()
}

fn typed(text: &str) -> Password {
    Password::typed(text).unwrap()
}

async fn hash(passwords: &Passwords, text: &str) -> PasswordHash {
    match passwords.hash(typed(text)).await.unwrap() {
        Hashed::Done(hash) => hash,
        Hashed::Busy { .. } => panic!("one password keeps nobody busy"),
    }
}

#[tokio::test]
async fn right_and_wrong() {
    let passwords = start(CHEAP);
    let stored = hash(&passwords, "orange tram 42").await;
    assert!(
        stored.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"),
        "{}",
        stored.as_str()
    );
    assert_ne!(
        stored,
        hash(&passwords, "orange tram 42").await,
        "each has a salt of its own"
    );
    for (text, expected) in [
        ("orange tram 42", Verified::Right(Rehash::NotDue)),
        ("orange tram 43", Verified::Wrong),
        ("Orange tram 42", Verified::Wrong),
        ("orange tram 42 ", Verified::Wrong),
        ("", Verified::Wrong),
    ] {
        let verified = passwords
            .verify(typed(text), Some(stored.clone()))
            .await
            .unwrap();
        assert_eq!(verified, expected, "{text:?}");
    }
    assert_eq!(
        passwords
            .verify(typed("orange tram 42"), None)
            .await
            .unwrap(),
        Verified::Wrong
    );
    assert_eq!(
        passwords.done(),
        8,
        "two hashed, five compared, one for nobody"
    );
    assert_eq!(passwords.waiting(), 0);
}

#[tokio::test]
async fn two_keyboards_type_one_password() {
    let passwords = start(CHEAP);
    let stored = hash(&passwords, "cafe\u{301} au lait").await;
    let verified = passwords
        .verify(typed("caf\u{e9} au lait"), Some(stored))
        .await
        .unwrap();
    assert_eq!(verified, Verified::Right(Rehash::NotDue));
}

#[tokio::test]
async fn known_hash_of_another_program() {
    // From the reference implementation: echo -n "password" | argon2 somesalt -t 2 -m 16 -p 1 -id
    let stored =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let passwords = start(CHEAP);
    let verified = passwords
        .verify(
            typed("password"),
            Some(PasswordHash::stored(stored.to_owned())),
        )
        .await;
    assert_eq!(verified.unwrap(), Verified::Right(Rehash::NotDue));
}

#[tokio::test]
async fn weaker_hashes_are_due_and_stronger_ones_are_not() {
    let weak = hash(&start(CHEAP), "orange tram 42").await;
    let strong = start(Hashing {
        memory_kib: 128,
        ..CHEAP
    });
    let verified = strong
        .verify(typed("orange tram 42"), Some(weak))
        .await
        .unwrap();
    assert_eq!(verified, Verified::Right(Rehash::Due));
    let stored = hash(&strong, "orange tram 42").await;
    let verified = start(CHEAP)
        .verify(typed("orange tram 42"), Some(stored))
        .await
        .unwrap();
    assert_eq!(verified, Verified::Right(Rehash::NotDue));
}

#[tokio::test]
async fn damaged_hash_is_a_fault_and_never_right() {
    let passwords = start(CHEAP);
    for stored in [
        "",
        "plain",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
        "$2b$12$abcdefghijklmnopqrstuv",
    ] {
        let stored = PasswordHash::stored(stored.to_owned());
        assert!(
            passwords
                .verify(typed("plain"), Some(stored))
                .await
                .is_err()
        );
    }
    let stored = hash(&passwords, "orange tram 42").await;
    assert!(
        passwords
            .verify(typed("orange tram 42"), Some(stored))
            .await
            .is_ok(),
        "the thread lives on"
    );
}

#[tokio::test]
async fn full_queue_is_busy_at_once_and_the_rest_is_answered() {
    let passwords = start(Hashing {
        memory_kib: 8 * 1024,
        ..CHEAP
    });
    let all =
        futures_util::future::join_all((0..40).map(|_| passwords.verify(typed("x"), None))).await;
    let busy = all
        .iter()
        .filter(|one| matches!(one, Ok(Verified::Busy { .. })))
        .count();
    let wrong = all
        .iter()
        .filter(|one| matches!(one, Ok(Verified::Wrong)))
        .count();
    assert_eq!(busy + wrong, 40);
    assert!(busy > 0, "sixteen may wait, one is being hashed");
    assert!(wrong >= 16, "{wrong}");
    assert_eq!(passwords.waiting(), 0);
}

#[test]
fn over_1024_bytes_is_no_password() {
    assert!(Password::typed(&"ä".repeat(512)).is_ok());
    assert_eq!(Password::typed(&"a".repeat(1025)).unwrap_err(), TooLong);
}

#[test]
fn printing_a_password_hides_it() {
    assert_eq!(
        format!("{:?}", typed("orange tram 42")),
        "Password([hidden])"
    );
    assert_eq!(
        format!("{:?}", PasswordHash::stored("x".into())),
        "PasswordHash([hidden])"
    );
}

#[test]
fn rules_for_a_new_one() {
    let anna = Person {
        username: "annika",
        email: "annika.berg@x.example",
        first_name: "Annika",
        last_name: "Bergström",
    };
    let policy = PasswordPolicy { min_length: 10 };
    let long = "x9".repeat(513);
    for (text, expected) in [
        ("orange tram 42", None),
        ("orange tram annika", None),
        ("ночной трамвай едет", None),
        ("🦀🌧🎻🧵🪐🫖🧭🥁🪵🛶", None),
        ("", Some(Weakness::Short(10))),
        ("kurz", Some(Weakness::Short(10))),
        (long.as_str(), Some(Weakness::Long)),
        ("Password123", Some(Weakness::Common)),
        ("1q2w3e4r5t6y", Some(Weakness::Common)),
        ("qwertyuiop!!", Some(Weakness::Common)),
        ("Annika1990", Some(Weakness::OwnName)),
        ("bergström-annika", Some(Weakness::OwnName)),
        ("annika.berg@x.example", Some(Weakness::OwnName)),
        ("aaaaaaaaaaaaaaaaaaaaa", Some(Weakness::Guessable)),
        ("september2019", Some(Weakness::Guessable)),
        ("doorward doorward", Some(Weakness::OwnName)),
    ] {
        let weakness = judge(text, anna, policy).err();
        assert_eq!(weakness, expected, "{text:?}");
    }
}

#[test]
fn judging_the_longest_password_is_quick_enough_to_do_in_a_request() {
    let mut seed = 1_u32;
    let text: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'!' + u8::try_from(seed >> 24).unwrap() % 94)
    })
    .take(1024)
    .collect();
    let begun = std::time::Instant::now();
    assert!(judge(&text, Person::default(), PasswordPolicy::default()).is_ok());
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}
