//! A database file that somebody else has locked.

use std::process::Stdio;
use std::time::{Duration, Instant};

use doorward_tests::{Ask, Numbers, PASSWORD, Stack, Visitor, long, until};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// Takes the turn to write, and keeps it while its standard input is open.
const LOCK: &str = "import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute('BEGIN IMMEDIATE')
print('locked', flush=True)
sys.stdin.read()
file.execute('ROLLBACK')
";

async fn lock(path: &str) -> Child {
    let mut thief = Command::new("python3")
        .args(["-c", LOCK, path])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3");
    let mut said = [0; 6];
    let mut out = thief.stdout.take().expect("piped");
    out.read_exact(&mut said).await.expect("locked");
    thief.stdout = Some(out);
    thief
}

/// Is told to come again, in time; how long that took.
async fn waits(stack: &Stack, what: &str, ask: &Ask) -> Duration {
    let start = Instant::now();
    let mut visitor = stack.anon();
    let answer = visitor.send(ask).await;
    let took = start.elapsed();
    assert_eq!(answer.status, 503, "{what}");
    assert!(answer.header("retry-after").is_some(), "{what}");
    assert!(took < Duration::from_secs(2), "{what}: {took:?}");
    assert!(!visitor.has_token(), "{what}");
    took
}

/// Whoever holds the turn to write to the file keeps it: those inside go on, the others are told to wait.
#[tokio::test]
async fn a68_a_locked_file() {
    let stack = Stack::new().start().await;
    let Some(path) = stack.database().strip_prefix("sqlite:") else {
        // `sql_away` is about servers.
        return;
    };
    let mut anna = stack.sign_in("anna").await;
    let mut quiet = stack.again("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let mut thief = lock(path).await;
    let login = Ask::form("/_auth/login", &[("login", "anna"), ("password", PASSWORD)]);
    let ghost = [
        ("username", "ghost"),
        ("email", "ghost@example.com"),
        ("password", PASSWORD),
    ];
    let inside = async |visitors: [&mut Visitor; 2]| {
        for visitor in visitors {
            for _ in 0..20 {
                assert_eq!(visitor.page("/page").await.status, 200, "signed in");
            }
        }
    };
    let register = Ask::form("/_auth/register", &ghost);
    let held = Duration::from_secs(if long() { 30 } else { 0 });
    let start = Instant::now();
    let mut numbers = Numbers::default();
    loop {
        let (one, other, ()) = tokio::join!(
            waits(&stack, "signing in", &login),
            waits(&stack, "registering", &register),
            inside([&mut anna, &mut quiet]),
        );
        numbers.add(one);
        numbers.add(other);
        if start.elapsed() >= held {
            break;
        }
    }
    numbers.report("the file is locked: 503 to who signs in or registers");
    drop(thief.stdin.take());
    assert!(thief.wait().await.expect("ended").success());
    let again = async || {
        let answer = stack.anon().try_sign_in("anna", PASSWORD).await;
        (answer.status == 303).then_some(())
    };
    until("somebody can sign in again", Duration::from_secs(5), again).await;
    let people = stack.command(&["user", "list", "--json"]).await.exits(0);
    assert!(!people.out.contains("ghost"), "{}", people.out);
    assert_eq!(anna.page("/page").await.status, 200);
}
