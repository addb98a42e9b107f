use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use doorward_config::Hashing;
use proptest::prelude::*;

use super::Match;
use crate::SystemRandom;
use crate::password::stored::Stored;
use crate::password::{Password, Passwords, Rehash, Unusable, Verified};
use crate::tally::{Tally, Uncounted};

fn start() -> Passwords {
    let hashing = Hashing {
        memory_kib: 64,
        iterations: 1,
        lanes: 1,
        concurrency: 1,
    };
    let tally: Arc<dyn Tally> = Arc::new(Uncounted);
    Passwords::start(hashing, Arc::new(SystemRandom), &tally).unwrap()
}

/// Names and hashes made by Werkzeug, bcrypt, argon2-cffi and passlib: `tests/import/people.py --fixture`.
fn fixture() -> Vec<(String, String)> {
    let table = include_bytes!("../../import/fixtures/hashes.csv");
    let rows: Vec<_> = csv::Reader::from_reader(table.as_slice())
        .into_records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), row[2].to_owned()))
        .collect();
    assert!(rows.len() > 20);
    rows
}

async fn verify(passwords: &Passwords, text: &str, hash: &str) -> Verified {
    let hash = passwords.take_over(hash).unwrap();
    passwords
        .verify(Password::typed(text).unwrap(), Some(hash))
        .await
        .unwrap()
}

#[tokio::test]
async fn what_other_programs_made() {
    let passwords = start();
    for (name, hash) in fixture() {
        let before = passwords.done();
        let right = verify(&passwords, &format!("{name} likes trams"), &hash).await;
        // The cheapest of ours is all that this test asks for, so only argon2id is good enough to stay.
        let rehash = if name.starts_with("argon2id") {
            Rehash::NotDue
        } else {
            Rehash::Due
        };
        assert_eq!(right, Verified::Right(rehash), "{name}");
        let wrong = verify(&passwords, &format!("{name} likes tramS"), &hash).await;
        assert_eq!(wrong, Verified::Wrong, "{name}");
        assert_eq!(passwords.done() - before, 2, "{name}: one hash a try");
    }
}

#[tokio::test]
async fn what_bcrypt_never_saw_does_not_become_the_password() {
    let passwords = start();
    let first = "x".repeat(71);
    let hash = bcrypt::hash_with_salt(format!("{first}yz"), 4, [7; 16])
        .unwrap()
        .to_string();
    for (typed, expected) in [
        (format!("{first}y"), Verified::Right(Rehash::Due)),
        (format!("{first}yz"), Verified::Right(Rehash::NotDue)),
        (
            format!("{first}y and more"),
            Verified::Right(Rehash::NotDue),
        ),
        (format!("{first}z"), Verified::Wrong),
        (first.clone(), Verified::Wrong),
    ] {
        assert_eq!(verify(&passwords, &typed, &hash).await, expected, "{typed}");
    }
}

#[tokio::test]
async fn others_hashed_what_was_typed() {
    let passwords = start();
    let decomposed = "cafe\u{301} au lait";
    let mut key = [0; 32];
    pbkdf2::pbkdf2_hmac_with_params(
        decomposed.as_bytes(),
        b"salt",
        pbkdf2::Algorithm::Pbkdf2Sha256,
        pbkdf2::Params::new(1000).unwrap(),
        &mut key,
    );
    let [salt, key] = [b"salt".as_slice(), &key].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    let hash = format!("$pbkdf2-sha256$1000${salt}${key}");
    assert_eq!(
        verify(&passwords, decomposed, &hash).await,
        Verified::Right(Rehash::Due)
    );
    assert_eq!(
        verify(&passwords, "caf\u{e9} au lait", &hash).await,
        Verified::Wrong,
        "it never was that"
    );
}

/// Of "password" with the salt "somesalt", from the reference implementation.
const ARGON: &str = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const PARTS: [(&str, &str); 6] = [
    ("ARGON", ARGON),
    (
        "BCRYPT",
        "e4M9nRQn.zL3.Yvji7CFJe4JjxiqkdSxCqDQeXiwfRhRQwfFacQye",
    ),
    (
        "HEX",
        "3220f04d5718b77d38fd37096d2fef619d8105338e354861af2784f0c1a2b3d4",
    ),
    (
        "BASE64",
        "c29tZXNhbHQ$i6kFtshHHXVPx3W4x98/KXWRD0ZR9U..F/1uQwOiUHA",
    ),
    ("SHA256", "bhOxPkuGlQONqDcbVqkNSF/9h0o1/VjXgNMPE0kTIwD"),
    (
        "SHA512",
        "54RcC5Pbqp8bQWcptxE8KaDwrzfG2RNjCsCXzY3gGZ9GxF6GQdP7qswaDsXUDwpPgjq2IN3pqFRpU8z7eWa1V1",
    ),
];

/// `text` with its parts filled in.
fn filled(text: &str) -> String {
    PARTS.iter().fold(text.to_owned(), |text, (name, part)| {
        text.replace(name, part)
    })
}

const MD5: Unusable = Unusable::Weak("MD5");
const BCRYPT: Unusable = Unusable::Damaged("bcrypt");
const PBKDF2: Unusable = Unusable::Damaged("PBKDF2");
const SCRYPT: Unusable = Unusable::Damaged("scrypt");
const SHA_CRYPT: Unusable = Unusable::Damaged("SHA-crypt");
const ARGON2: Unusable = Unusable::Damaged("argon2");
const COSTLY_ARGON2: Unusable = Unusable::Costly("1 GiB, filled twice,");
const COSTLY_SCRYPT: Unusable = Unusable::Costly("scrypt with N times r times p of 1,048,576");

const REFUSED: [(&str, Unusable); 43] = [
    ("", Unusable::Unknown),
    ("orange tram 42", Unusable::Unknown),
    ("$9$a$b", Unusable::Unknown),
    ("rqXexS6ZhobKA", Unusable::Unknown),
    ("$bcrypt-sha256$v=2,t=2b,r=12$a$b", Unusable::Unknown),
    ("$apr1$salt$hash", MD5),
    ("$1$salt$hash", MD5),
    ("md5$salt$hash", MD5),
    (
        "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        Unusable::Weak("one round of SHA-1"),
    ),
    ("sha256$salt$HEX", Unusable::Weak("one round of SHA-2")),
    ("$2b$", BCRYPT),
    ("$2x$04$BCRYPT", Unusable::Weak("bcrypt of a faulty kind")),
    ("$2y$03$BCRYPT", BCRYPT),
    ("$2y$04$BCRYPTx", BCRYPT),
    ("$2y$99$BCRYPT", BCRYPT),
    ("$2y$15$BCRYPT", Unusable::Costly("bcrypt with cost 14")),
    ("pbkdf2:sha256$salt$HEX", PBKDF2),
    ("pbkdf2:sha256:+9000$salt$HEX", PBKDF2),
    ("pbkdf2:sha256:99999999999$salt$HEX", PBKDF2),
    ("pbkdf2:md5:9000$salt$HEX", PBKDF2),
    ("pbkdf2:sha256:9000$$HEX", PBKDF2),
    ("pbkdf2:sha256:9000$salt$HEX00", PBKDF2),
    ("pbkdf2:sha256:9000$salt$3220f04d", PBKDF2),
    ("pbkdf2:sha256:9000$salt$HEXg", PBKDF2),
    ("$pbkdf2-sha256$9000$BASE64!", PBKDF2),
    (
        "pbkdf2:sha256:999$salt$HEX",
        Unusable::Weak("PBKDF2 with less than 1000 rounds"),
    ),
    (
        "pbkdf2:sha256:2000001$salt$HEX",
        Unusable::Costly("PBKDF2 with 2,000,000 rounds"),
    ),
    ("scrypt:32768:8$salt$HEX", SCRYPT),
    ("scrypt:32767:8:1$salt$HEX", SCRYPT),
    ("scrypt:1:8:1$salt$HEX", SCRYPT),
    ("scrypt:0:8:1$salt$HEX", SCRYPT),
    ("scrypt:1024:0:1$salt$HEX", SCRYPT),
    ("scrypt:262144:8:1$salt$HEX", COSTLY_SCRYPT),
    ("scrypt:131072:8:2$salt$HEX", COSTLY_SCRYPT),
    ("$scrypt$ln=63,r=8,p=1$BASE64", COSTLY_SCRYPT),
    (
        "$scrypt$ln=16,r=4294967295,p=4294967295$BASE64",
        COSTLY_SCRYPT,
    ),
    (
        "$6$rounds=700001$salt$SHA512",
        Unusable::Costly("SHA-crypt with 700,000 rounds"),
    ),
    ("$6$rounds=999$salt$SHA512", SHA_CRYPT),
    ("$6$salt$SHA256", SHA_CRYPT),
    ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", ARGON2),
    ("$argon2x$v=19$m=64,t=1,p=1$ARGON", ARGON2),
    ("$argon2id$v=19$m=1048577,t=1,p=1$ARGON", COSTLY_ARGON2),
    ("$argon2id$v=19$m=65536,t=33,p=1$ARGON", COSTLY_ARGON2),
];

#[test]
fn what_is_refused_and_why() {
    let passwords = start();
    for (text, expected) in REFUSED {
        let hash = filled(text);
        let refused = passwords.take_over(&hash).unwrap_err();
        assert_eq!(refused, expected, "{hash}");
        assert!(hash.is_empty() || !refused.to_string().contains(&hash));
    }
    let long = filled(&format!("pbkdf2:sha256:9000${}$HEX", "s".repeat(600)));
    assert_eq!(passwords.take_over(&long), Err(Unusable::Unknown));
    let short = &filled("$argon2id$v=19$m=64,t=1,p=1$ARGON")[..56];
    assert_eq!(passwords.take_over(short), Err(ARGON2));
}

#[test]
fn the_most_that_is_taken() {
    let passwords = start();
    for text in [
        "pbkdf2:sha256:2000000$salt$HEX",
        "scrypt:131072:8:1$salt$HEX",
        "$scrypt$ln=17,r=8,p=1$BASE64",
        "$argon2id$v=19$m=1048576,t=2,p=4$ARGON",
        "$2y$14$BCRYPT",
        "$6$rounds=700000$salt$SHA512",
        "$5$salt$SHA256",
    ] {
        let hash = filled(text);
        let taken = passwords.take_over(&hash).unwrap();
        assert_eq!(taken.as_str(), hash, "as it is");
    }
}

#[test]
fn as_costly_as_ours_is_never_too_costly() {
    let ours = argon2::Params::new(2 * 1024 * 1024, 3, 1, Some(32)).unwrap();
    let others = format!("$argon2id$v=19$m=2097152,t=3,p=1${ARGON}");
    assert!(Stored::take(&others, &ours).is_ok());
    assert_eq!(
        Stored::take(&others.replace("t=3", "t=4"), &ours).unwrap_err(),
        Unusable::Costly("1 GiB, filled twice,")
    );
}

proptest! {
    /// Whatever is taken can be compared with; nothing else is ever stored.
    #[test]
    fn reading_never_panics(
        text in r"(\$?(argon2id|argon2i|2b|2y|5|6|scrypt|pbkdf2-sha256|pbkdf2)[:$]|)[a-z0-9=,.:$/+é]{0,60}",
    ) {
        drop(Stored::read(&text));
    }

    #[test]
    fn cheap_ones_are_computed(rounds in 1000..1010_u32, salt in "[a-zA-Z0-9]{1,16}", key in "[0-9a-f]{64}") {
        for text in [
            format!("pbkdf2:sha256:{rounds}${salt}${key}"),
            format!("scrypt:2:1:1${salt}${key}"),
        ] {
            let Ok(Stored::Foreign(foreign)) = Stored::read(&text) else {
                panic!("{text}");
            };
            prop_assert_eq!(foreign.compare(b"orange tram 42").unwrap(), Match::No);
        }
    }
}
