//! What the store sees: nothing that could be used to sign in, and nothing at all for a session that is known.

use doorward_tests::{Ask, Stack, Store, long};

/// Neither keys nor values nor the files on disk hold a token.
#[tokio::test]
async fn redis_holds_no_token() {
    let stack = Stack::new().store(Store::Redis).start().await;
    let mut tokens = Vec::new();
    for name in ["anna", "ben"] {
        let mut person = stack.sign_in(name).await;
        assert_eq!(person.page("/page").await.status, 200);
        tokens.push(person.token().to_owned());
    }
    let keys = stack.redis().keys().await;
    assert!(keys.len() >= 2, "the sessions are there: {keys:?}");
    let mut all = keys.concat();
    all.extend(stack.redis().files().await);
    assert!(
        contains(&all, b"anna@example.com"),
        "the files are the right ones"
    );
    no_token(&all, &tokens);
}

/// Nor does the database, nor any other file, nor the log.
#[tokio::test]
async fn the_disk_holds_no_token_and_no_password() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    assert_eq!(
        stack
            .anon()
            .try_sign_in("anna", "a-wrong-password-4711")
            .await
            .status,
        401
    );
    let mut all = Vec::new();
    let mut folders = vec![stack.folder().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match std::fs::metadata(&path) {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => all.extend(std::fs::read(&path).expect("a file")),
                // Sockets hold nothing; a file may be gone by now.
                Ok(_) | Err(_) => {}
            }
        }
    }
    assert!(
        contains(&all, b"anna@example.com"),
        "the files are the right ones"
    );
    no_token(&all, &[anna.token().to_owned()]);
    assert!(!contains(&all, doorward_tests::PASSWORD.as_bytes()));
    assert!(!contains(&all, b"a-wrong-password-4711"));
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}

fn no_token(all: &[u8], tokens: &[String]) {
    for token in tokens {
        assert_eq!(token.len(), 43, "256 bits: {token}");
        assert!(!contains(all, token.as_bytes()), "the token as it is");
        let bits = bits(token);
        assert!(!contains(all, &bits), "its bits");
        let hex = bits
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert!(
            !contains(&all.to_ascii_lowercase(), hex.as_bytes()),
            "its bits in hexadecimal"
        );
    }
}

/// base64url without padding.
fn bits(token: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bag, mut size) = (Vec::new(), 0_u32, 0);
    for letter in token.bytes() {
        let value = alphabet
            .iter()
            .position(|known| *known == letter)
            .expect("base64url");
        bag = (bag << 6) | u32::try_from(value).expect("six bits");
        size += 6;
        if size >= 8 {
            size -= 8;
            bytes.push((bag >> size).to_le_bytes()[0]);
        }
    }
    bytes
}

/// Thousands of requests of one known session: the tracker's PING and at most one `last_seen` a minute.
#[tokio::test]
async fn a_known_session_costs_the_store_nothing() {
    let stack = Stack::new().store(Store::Redis).start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let requests = if long() { 10_000 } else { 1_000 };
    let hashes = stack
        .gateway()
        .metric("doorward_password_hash_seconds_count")
        .await;
    let monitor = stack.redis().monitor().await;
    let bytes = anna.bytes(&Ask::get("/page"));
    let mut wire = anna.wire().await;
    for _ in 0..requests {
        let answer = wire.exchange(&bytes).await.expect("an answer");
        assert_eq!(answer.status, 200);
        if answer
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
        {
            wire = anna.wire().await;
        }
    }
    let commands = monitor.commands();
    let other: Vec<&String> = commands
        .iter()
        .filter(|command| !command.to_uppercase().starts_with("\"PING\""))
        .collect();
    let (touches, rest): (Vec<&String>, Vec<&String>) =
        other.into_iter().partition(|command| is_touch(command));
    assert!(
        commands.len() > touches.len() + rest.len(),
        "the tracker asks whether it is alive"
    );
    assert_eq!(
        rest,
        Vec::<&String>::new(),
        "{requests} requests of a known session"
    );
    assert!(touches.len() <= 1, "{touches:?}");
    doorward_tests::say(&format!(
        "{requests} requests of a known session: {} PINGs, {} touches, nothing else",
        commands.len() - touches.len(),
        touches.len()
    ));
    assert_eq!(
        hashes,
        stack
            .gateway()
            .metric("doorward_password_hash_seconds_count")
            .await
    );
}

fn is_touch(command: &str) -> bool {
    let command = command.to_lowercase();
    command.starts_with("\"set\"") && command.contains(":seen:")
}
