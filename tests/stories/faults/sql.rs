//! Somebody else holds `SQLite`'s lock for writing: no outage. Who is signed in goes on; what must be written is refused
//! in time, and is not there by half.

use std::process::Stdio;
use std::time::{Duration, Instant};

use doorward_tests::{PASSWORD, Stack, Visitor, long, until, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

/// Within this everything is answered.
const NOTICED: Duration = Duration::from_secs(2);

const HOLDER: &str = "
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
file.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()
";

/// Another process that holds the lock until it is told to let go.
struct Holder(Child);

impl Holder {
    async fn take(stack: &Stack) -> Self {
        let path = stack.database().trim_start_matches("sqlite:");
        let mut child = Command::new("python3")
            .args(["-c", HOLDER, path])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 is installed (./run tests does it)");
        let out = child.stdout.take().expect("piped");
        let mut lines = BufReader::new(out).lines();
        let held = within(
            "the lock is held",
            Duration::from_secs(15),
            lines.next_line(),
        );
        assert_eq!(held.await.expect("a line").as_deref(), Some("held"));
        Self(child)
    }

    async fn let_go(mut self) {
        let mut input = self.0.stdin.take().expect("piped");
        let _ = input.shutdown().await;
        drop(input);
        let ended = within("it ends", Duration::from_secs(15), self.0.wait());
        assert!(ended.await.expect("waited for").success());
    }
}

async fn post(visitor: &mut Visitor, target: &str, fields: &[(&str, &str)]) -> u16 {
    let asked = Instant::now();
    let answer = visitor.form(target, fields).await;
    let took = asked.elapsed();
    assert!(took < NOTICED, "{target}: answered after {took:?}");
    if answer.status == 503 {
        assert!(answer.header("retry-after").is_some(), "{target}");
    }
    answer.status
}

on_both_stores! {
    async fn locked(plan) {
        let stack = plan.section("[throttle]\naddress_failures = 1000").start().await;
        if !stack.database().starts_with("sqlite:") {
            return;
        }
        let mut anna = stack.sign_in("anna").await;
        let mut fresh = stack.again("anna").await;
        assert_eq!(anna.page("/page").await.status, 200);
        let login = [("login", "anna"), ("password", PASSWORD)];
        let ghost = [("username", "ghost"), ("email", "ghost@example.com"), ("password", PASSWORD)];
        let change = [("current", PASSWORD), ("password", "quite-another-77-umbrella")];

        let holder = Holder::take(&stack).await;
        let held = Instant::now();
        let most = Duration::from_secs(if long() { 30 } else { 4 });
        while held.elapsed() < most {
            for visitor in [&mut anna, &mut fresh] {
                for _ in 0..10 {
                    let asked = Instant::now();
                    assert_eq!(visitor.page("/page").await.status, 200, "after {:?}", held.elapsed());
                    assert!(asked.elapsed() < NOTICED);
                    assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("anna"));
                }
            }
            let before = stack.echo.count();
            let mut newcomer = stack.anon();
            assert_eq!(post(&mut newcomer, "/_auth/login", &login).await, 503);
            assert!(!newcomer.has_token());
            assert_eq!(post(&mut newcomer, "/_auth/register", &ghost).await, 503);
            assert_eq!(post(&mut anna, "/_auth/account/password", &change).await, 503);
            assert_eq!(stack.echo.count(), before, "the site saw nothing");
            assert_eq!(stack.anon().page("/public/page").await.status, 200);
            assert_eq!(stack.anon().page("/page").await.status, 302);
        }
        holder.let_go().await;

        until("somebody can sign in again", Duration::from_secs(5), async || {
            (post(&mut stack.anon(), "/_auth/login", &login).await == 303).then_some(())
        })
        .await;
        let people = stack.command(&["user", "list", "--json"]).await.exits(0);
        assert!(!people.out.contains("ghost"), "{}", people.out);
        assert_eq!(post(&mut stack.anon(), "/_auth/register", &ghost).await, 303);
        assert_eq!(post(&mut anna, "/_auth/account/password", &change).await, 303);
        assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
    }
}
