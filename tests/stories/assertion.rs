//! What upstreams are told in a signed form, and the verifiers that `docs/assertion.md` shows.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_tests::{Ask, Site, Stack, Visitor};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The header.
const ASSERTION: &str = "X-Doorward-Assertion";

/// What the upstream is told when this is asked.
async fn told(stack: &Stack, visitor: &mut Visitor, target: &str) -> Option<String> {
    assert_eq!(visitor.fetch(target).await.status, 200);
    stack.echo.last().one(ASSERTION)
}

/// Says what a token claims, whoever signed it.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("claims")
}

on_both_stores! {
    /// Everybody gets their own, each host another, strangers none, and nobody can bring one.
    async fn who_is_told_what(plan) {
        let stack = plan
            .site(Site::usual().host("one.test"))
            .site(Site::usual().host("two.test"))
            .site(Site::usual().host("plain.test").line("assertion = false"))
            .site(Site::new().host("127.0.0.1"))
            .start()
            .await;
        let mut anna = stack.sign_in("anna").await.on_host("one.test");
        let one = told(&stack, &mut anna, "/page").await.expect("an assertion");
        assert_eq!(told(&stack, &mut anna, "/page").await.as_ref(), Some(&one), "it is kept");
        let said = claims(&one);
        assert_eq!(said["iss"], "http://one.test", "{said}");
        assert_eq!(said["aud"], "one.test", "{said}");
        assert_eq!(said["preferred_username"], "anna", "{said}");
        assert_eq!(said["email"], "anna@example.com", "{said}");
        assert_eq!(said["roles"], json!(["user"]), "{said}");
        assert_eq!(said["amr"], json!(["pwd"]), "{said}");
        let numbers = ["iat", "exp", "auth_time"].map(|name| said[name].as_i64().expect("a number"));
        assert!(numbers[1] - numbers[0] <= 300 && numbers[2] <= numbers[0], "{said}");

        let mut there = anna.on_host("two.test");
        let two = told(&stack, &mut there, "/public/x").await.expect("one on open pages, too");
        assert_eq!(claims(&two)["aud"], "two.test");
        let mut plain = anna.on_host("plain.test");
        assert_eq!(told(&stack, &mut plain, "/page").await, None, "not where it is turned off");

        for name in [ASSERTION, "x_doorward_assertion", "X-Doorward.Assertion"] {
            for visitor in [&mut plain, &mut stack.anon().on_host("one.test")] {
                let ask = Ask::get("/public/x").header(name, &one);
                assert_eq!(visitor.send(&ask).await.status, 200);
                let seen = stack.echo.last();
                assert!(!seen.text().contains(&one), "{name} went through");
            }
        }
        let mut bearing = stack.anon().on_host("one.test");
        let ask = Ask::get("/page").header("Authorization", &format!("Bearer {one}"));
        assert_eq!(bearing.send(&ask).await.status, 401, "it opens nothing");
    }

    /// Rights that change are in the next one at once.
    async fn it_follows_the_account(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let before = told(&stack, &mut anna, "/page").await.expect("an assertion");
        let _ = stack.command(&["user", "grant", "anna", "editor"]).await.exits(0);
        let after = doorward_tests::until("the role is told", std::time::Duration::from_secs(2), async || {
            let token = told(&stack, &mut anna.clone(), "/page").await.expect("an assertion");
            (token != before).then_some(token)
        })
        .await;
        assert_eq!(claims(&after)["roles"], json!(["editor", "user"]));
    }
}

/// A verifier as the page shows it, in a folder of its own, with a program that asks it about each line.
struct Verifier {
    folder: TempDir,
    prepare: Vec<Vec<String>>,
    run: Vec<String>,
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The block of the page in this language, for the origin and host of a test.
fn shown(language: &str, origin: &str, host: &str) -> String {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let page = project.expect("the project").join("docs/assertion.md");
    let text = std::fs::read_to_string(page).expect("the page");
    let block = text.split(&format!("\n```{language}\n")).nth(1);
    let block = block.and_then(|rest| rest.split("\n```").next());
    block
        .expect("a block")
        .replace("https://app.example.com", origin)
        .replace("app.example.com", host)
}

impl Verifier {
    fn new(files: &[(&str, &str)], prepare: &[&str], run: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        Self {
            folder,
            prepare: prepare.iter().map(|command| words(command)).collect(),
            run: words(run),
        }
    }

    fn command(&self, command: &[String]) -> Command {
        let (program, arguments) = command.split_first().expect("a program");
        // What is in the folder is found there, everything else by the path.
        let here: PathBuf = self.folder.path().join(program);
        let mut command = Command::new(if here.exists() { here } else { program.into() });
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Each line's verdict.
    async fn asks(&self, tokens: &[&str]) -> Vec<String> {
        for prepare in &self.prepare {
            let ran = self.command(prepare).output().await.expect("it runs");
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.success(), "{prepare:?}:\n{said}");
        }
        let mut child = self
            .command(&self.run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut input = child.stdin.take().expect("its input");
        let lines = tokens.join("\n") + "\n";
        input.write_all(lines.as_bytes()).await.expect("written");
        drop(input);
        let ran = child.wait_with_output().await.expect("it ends");
        let out = String::from_utf8(ran.stdout).expect("text");
        out.lines().map(str::to_owned).collect()
    }
}

/// Runs the page's verifier in this language: it believes what it should, and nothing else.
async fn believes(language: &str, verifier: impl FnOnce(String) -> Verifier) {
    let stack = Stack::new().site(Site::usual()).start().await;
    let mut anna = stack.sign_in("anna").await;
    let port = stack.gateway().gate().port();
    let origin = format!("http://127.0.0.1:{port}");
    let mut here = anna.on_host(&format!("127.0.0.1:{port}"));
    let good = told(&stack, &mut here, "/page").await.expect("one");
    let mut elsewhere = anna.on_host("other.test");
    let foreign = told(&stack, &mut elsewhere, "/page").await.expect("one");
    // Another gateway with this name: everything but the key is right.
    let impostor = Stack::new().site(Site::usual()).start().await;
    anna = impostor.sign_in("anna").await;
    let mut here = anna.on_host(&format!("127.0.0.1:{port}"));
    let forged = told(&impostor, &mut here, "/page").await.expect("one");
    let (head, signature) = good.rsplit_once('.').expect("a signature");
    let (header, _) = head.split_once('.').expect("claims");
    let (_, other) = foreign.split_once('.').expect("claims");
    let (other, _) = other.rsplit_once('.').expect("a signature");
    let swapped = format!("{header}.{other}.{signature}");
    let unsigned = format!("{head}.");

    let verifier = verifier(shown(language, &origin, "127.0.0.1"));
    let tokens = [&good, &foreign, &forged, &swapped, &unsigned, &good];
    let said = verifier.asks(&tokens.map(String::as_str)).await;
    let expected = ["anna", "no", "no", "no", "no", "anna"];
    assert_eq!(said, expected, "{language}");
}

#[tokio::test]
async fn the_verifier_in_python() {
    const ASK: &str = "\
import sys
from verify import verify
for line in sys.stdin:
    try:
        print(verify(line.strip())['preferred_username'])
    except Exception:
        print('no')
";
    believes("python", |block| {
        Verifier::new(
            &[("verify.py", &block), ("ask.py", ASK)],
            &[
                "python3 -m venv room",
                "room/bin/pip install --quiet --disable-pip-version-check pyjwt[crypto]==2.15.1",
            ],
            "room/bin/python ask.py",
        )
    })
    .await;
}

#[tokio::test]
async fn the_verifier_in_node() {
    const ASK: &str = "\
import { createInterface } from 'node:readline';
import { verify } from './verify.mjs';
for await (const line of createInterface({ input: process.stdin })) {
  console.log(await verify(line).then((person) => person.preferred_username, () => 'no'));
}
";
    believes("js", |block| {
        Verifier::new(
            &[
                ("verify.mjs", &block),
                ("ask.mjs", ASK),
                ("package.json", "{}"),
            ],
            &["npm install --silent --no-fund --no-audit jose@6.2.17"],
            "node ask.mjs",
        )
    })
    .await;
}

#[tokio::test]
async fn the_verifier_in_go() {
    const ASK: &str = "\
package main

import (
	\"bufio\"
	\"fmt\"
	\"os\"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if person, err := verify(lines.Text()); err == nil {
			fmt.Println(person[\"preferred_username\"])
		} else {
			fmt.Println(\"no\")
		}
	}
}
";
    believes("go", |block| {
        Verifier::new(
            &[("verify.go", &block), ("ask.go", ASK)],
            &[
                "go mod init verifier",
                "go get github.com/go-jose/go-jose/v4@v4.1.8",
                "go build -o verifier .",
            ],
            "verifier",
        )
    })
    .await;
}
