//! Everything secret that somebody types or is given in a whole life at the gate, looked for wherever something is
//! written down.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use doorward_tests::{Answer, Ask, MailServer, Stack, Visitor};
use serde_json::{Value, json};

use crate::api_keys;
use crate::two_factor::turn_on;

const FIRST: &str = "canary-Perch-1-violet-harbour";
const WRONG: &str = "canary-Perch-2-wrong-harbour";
const SECOND: &str = "canary-Perch-3-amber-lantern";
const THIRD: &str = "canary-Perch-4-copper-meadow";
const BEARER: &str = "canaryBearerThatIsNoToken0815";
const COOKIE: &str = "canaryCookieThatIsNoSession00000000000000000";

/// What must be nowhere, and every page that was shown on the way.
#[derive(Default)]
struct Trail {
    secrets: Vec<String>,
    pages: Vec<(String, String)>,
}

impl Trail {
    fn secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    fn shown(&mut self, what: &str, answer: &Answer) {
        self.pages.push((what.to_owned(), answer.text()));
    }

    /// The tokens that this browser has now.
    fn tokens(&mut self, visitor: &Visitor) {
        let cookies = visitor.cookies().unwrap_or_default();
        let values = cookies.split("; ").filter_map(|pair| pair.split_once('='));
        let new: Vec<_> = values.map(|(_, value)| value.to_owned()).collect();
        self.secrets.extend(new);
    }
}

const ADDRESS: &str = "canary@example.com";
const PATIENCE: Duration = Duration::from_secs(10);

/// Registers, proves the address, changes the password; each of it wrongly too.
async fn comes(stack: &Stack, server: &MailServer, trail: &mut Trail) -> Visitor {
    let mut visitor = stack.anon();
    let fields = [
        ("username", "canary"),
        ("email", ADDRESS),
        ("password", FIRST),
    ];
    assert_eq!(visitor.form("/_auth/register", &fields).await.status, 303);
    trail.tokens(&visitor);
    let code = server.letter(ADDRESS, PATIENCE).await.code();
    trail.secret(&code);
    let wrong = visitor.form("/_auth/verify", &[("code", "31415926")]).await;
    trail.shown("a wrong code", &wrong);
    let right = visitor.form("/_auth/verify", &[("code", &code)]).await;
    assert_eq!(right.status, 303);
    trail.tokens(&visitor);
    assert_eq!(visitor.page("/page").await.status, 200);

    let refused = stack.anon().try_sign_in("canary", WRONG).await;
    trail.shown("a wrong password", &refused);
    let fields = [
        ("username", "x"),
        ("email", "no address"),
        ("password", WRONG),
    ];
    let refused = stack.anon().form("/_auth/register", &fields).await;
    trail.shown("a refused registration", &refused);
    let fields = [("current", FIRST), ("password", SECOND)];
    let changed = visitor.form("/_auth/account/password", &fields).await;
    assert_eq!(changed.status, 303);
    trail.tokens(&visitor);
    let fields = [("current", WRONG), ("password", THIRD)];
    let refused = visitor.form("/_auth/account/password", &fields).await;
    trail.shown("a refused change", &refused);
    visitor
}

/// Turns two factors on, and signs in with either kind of code; two of the recovery codes are left for others.
async fn shows_both(stack: &Stack, visitor: &mut Visitor, trail: &mut Trail) -> Vec<String> {
    let (mut app, codes) = turn_on(visitor).await;
    for code in &codes {
        trail.secret(code);
    }
    trail.tokens(visitor);
    let step = app.code();
    trail.secret(&step);
    for right in [&step, &codes[0]] {
        let mut again = stack.anon();
        let sent = again.try_sign_in("canary", SECOND).await;
        assert_eq!(sent.location(), "/_auth/login/code");
        trail.tokens(&again);
        let wrong = again.form("/_auth/login/code", &[("code", "271828")]).await;
        trail.shown("a wrong step", &wrong);
        let answer = again.form("/_auth/login/code", &[("code", right)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        trail.tokens(&again);
        again.form("/_auth/logout", &[]).await;
    }
    codes
}

/// Forgets the password.
async fn recovers(stack: &Stack, server: &MailServer, trail: &mut Trail) {
    let mut lost = stack.anon();
    let asked = lost.form("/_auth/recover", &[("email", ADDRESS)]).await;
    assert_eq!(asked.status, 303);
    trail.tokens(&lost);
    let letter = doorward_tests::until("the code arrives", PATIENCE, async || {
        let mut letters = server.letters(ADDRESS);
        letters.retain(|letter| letter.header("Subject").contains(" is your "));
        (letters.len() > 1).then(|| letters.pop())?
    })
    .await;
    trail.secret(&letter.code());
    let shown = lost
        .form("/_auth/recover/code", &[("code", &letter.code())])
        .await;
    assert_eq!(shown.status, 303);
    trail.tokens(&lost);
    let set = lost
        .form("/_auth/recover/password", &[("password", THIRD)])
        .await;
    assert_eq!(set.status, 303);
}

/// A program's tokens, and what is no token.
async fn tokens(stack: &Stack, code: &str, trail: &mut Trail) {
    let document = json!({ "login": "canary", "password": SECOND, "code": code });
    let post = |path: &str, document: &Value| {
        Ask::new("POST", &format!("/_auth/api/{path}"))
            .header("Content-Type", "application/json")
            .body(document.to_string())
    };
    let mut program = stack.anon();
    let answer = program.send(&post("login", &document)).await;
    let mut said: Value = serde_json::from_slice(&answer.body).expect("JSON");
    for turn in 0..2 {
        for name in ["access_token", "refresh_token"] {
            trail.secret(said[name].as_str().expect("a token"));
        }
        let bearer = format!("Bearer {}", said["access_token"].as_str().expect("a token"));
        let page = program
            .send(&Ask::get("/page").header("Authorization", &bearer))
            .await;
        assert_eq!(page.status, 200);
        if turn == 0 {
            let refresh = json!({ "refresh_token": said["refresh_token"] });
            let answer = program.send(&post("refresh", &refresh)).await;
            said = serde_json::from_slice(&answer.body).expect("JSON");
        }
    }
    let key = api_keys::key(stack, "canary", &[]).await;
    trail.secret(&key);
    assert_eq!(api_keys::get(&mut program, &key, "/page").await.status, 200);
    let near = format!("{}x", &key[..46]);
    trail.secret(&near);
    let answer = api_keys::get(&mut program, &near, "/page").await;
    trail.shown("a bad key", &answer);
    let bad = Ask::page("/page").header("Authorization", &format!("Bearer {BEARER}"));
    let answer = program.send(&bad).await;
    trail.shown("a bad token", &answer);
    let mut thief = stack.anon();
    thief.keep("doorward", COOKIE);
    let answer = thief.page("/page").await;
    trail.shown("a bad cookie", &answer);
    let answer = thief
        .page("/_auth/recover/code?t=canaryLinkThatIsNoLink")
        .await;
    trail.shown("a bad link", &answer);
    let strange = Ask::new("TRACE", "/x").header("Cookie", &format!("doorward={COOKIE}"));
    if let Some(answer) = thief.try_send(&strange).await {
        trail.shown("a refused method", &answer);
    }
}

/// Every file below a folder; the letters aside.
fn files(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match std::fs::metadata(&path) {
            Ok(kind) if kind.is_dir() => files(&path, found),
            // Gone by now, perhaps.
            Ok(kind) if kind.is_file() => {
                let bytes = std::fs::read(&path).ok();
                found.extend(bytes.map(|bytes| (path, bytes)));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// The spellings in which a secret might be written down.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut all = vec![bytes.to_vec()];
    // Short ones are in any large file by chance, in these forms.
    if bytes.len() > 12 {
        all.push(URL_SAFE_NO_PAD.encode(bytes).into_bytes());
        all.push(STANDARD_NO_PAD.encode(bytes).into_bytes());
        all.push(hexadecimal(bytes));
        let bits = URL_SAFE_NO_PAD.decode(bytes).ok();
        let bits = bits.filter(|bits| bits.len() > 12);
        all.extend(bits.as_deref().map(hexadecimal));
        all.extend(bits);
    }
    all
}

fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits
        .map(|digit| b"0123456789abcdef"[usize::from(digit)])
        .collect()
}

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    hay.iter()
        .enumerate()
        .any(|(at, byte)| byte == first && hay[at..].starts_with(needle))
}

on_both_stores! {
    async fn nothing_secret_is_written_down(plan) {
        let server = MailServer::start().await;
        let mail = format!("[mail]\nsmtp = \"smtp://{}\"", server.address());
        let stack = plan.section(&mail).start().await;
        let mut trail = Trail::default();
        for secret in [FIRST, WRONG, SECOND, THIRD, BEARER, COOKIE, "canaryLinkThatIsNoLink", "31415926"] {
            trail.secret(secret);
        }
        let mut visitor = comes(&stack, &server, &mut trail).await;
        let codes = shows_both(&stack, &mut visitor, &mut trail).await;
        tokens(&stack, &codes[1], &mut trail).await;
        recovers(&stack, &server, &mut trail).await;
        assert!(trail.secrets.len() > 30, "{}", trail.secrets.len());

        let mut places = Vec::new();
        files(stack.folder(), &mut places);
        places.push(("metrics".into(), stack.gateway().admin("/metrics").await.body));
        places.push(("log".into(), stack.gateway().log().into_bytes()));
        if let Some(redis) = stack.find_redis() {
            places.push(("redis".into(), redis.files().await));
            places.push(("keys".into(), redis.keys().await.join(&b'\n')));
        }
        let database = places.iter().any(|(_, bytes)| holds(bytes, b"canary@example.com"));
        assert!(database || !stack.database().starts_with("sqlite"), "the files are the right ones");
        assert!(holds(stack.gateway().log().as_bytes(), b"sign_in.success"), "and the log");
        for secret in &trail.secrets {
            for spelling in spellings(secret) {
                // Six digits are in any file of numbers.
                let digits = secret.len() < 9 && secret.bytes().all(|byte| byte.is_ascii_digit());
                for (place, bytes) in &places {
                    let is_text = place.extension().is_none_or(|end| end == "log");
                    let found = (!digits || is_text) && holds(bytes, &spelling);
                    let text = String::from_utf8_lossy(bytes);
                    let line = || text.lines().find(|line| line.contains(secret.as_str()));
                    assert!(!found, "{secret} in {}: {:?}", place.display(), line());
                }
            }
            for (what, page) in &trail.pages {
                assert!(!page.contains(secret.as_str()), "{secret} on the page after {what}");
            }
        }
    }
}
