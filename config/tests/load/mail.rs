//! Mail, and what works only with it.

use std::time::Duration;

use doorward_config::{
    Allow, Color, Secret, Sender, Smtp, SmtpLogin, SmtpSecurity, VerifyEmail, Who,
};

use crate::{Desk, SITE, load_text, right};

fn smtp(url: &str, password: bool) -> Smtp {
    let password = if password {
        "smtp_password = \"pw\""
    } else {
        ""
    };
    let config = right(&format!("[mail]\nsmtp = \"{url}\"\n{password}"));
    config.live.mail.smtp.unwrap()
}

#[test]
fn mail_servers() {
    let login = |user: &str| {
        Some(SmtpLogin {
            user: user.to_owned(),
            password: Secret::from("pw"),
        })
    };
    for (url, host, port, security, user) in [
        (
            "smtps://anna@mail.example.com:465",
            "mail.example.com",
            465,
            SmtpSecurity::Tls,
            Some("anna"),
        ),
        (
            "smtps://Mail.Example.com",
            "mail.example.com",
            465,
            SmtpSecurity::Tls,
            None,
        ),
        (
            "smtp://127.0.0.1:2525",
            "127.0.0.1",
            2525,
            SmtpSecurity::Plain,
            None,
        ),
        (
            "smtp://localhost/",
            "localhost",
            25,
            SmtpSecurity::Plain,
            None,
        ),
        ("smtp://[::1]:25", "::1", 25, SmtpSecurity::Plain, None),
        (
            "smtp://a%40b.c@mail?tls=required",
            "mail",
            587,
            SmtpSecurity::StartTls,
            Some("a@b.c"),
        ),
        (
            "smtps://bücher.example",
            "xn--bcher-kva.example",
            465,
            SmtpSecurity::Tls,
            None,
        ),
    ] {
        let expected = Smtp {
            host: host.to_owned(),
            port,
            security,
            login: user.and_then(login),
        };
        assert_eq!(smtp(url, user.is_some()), expected, "{url}");
    }
}

#[test]
fn senders() {
    for (from, name, address) in [
        ("no-reply@example.com", None, "no-reply@example.com"),
        ("<a.b@Example.COM>", None, "a.b@example.com"),
        (
            "Haus & Co. <x@localhost>",
            Some("Haus & Co."),
            "x@localhost",
        ),
        (
            "Bücher <x@bücher.example>",
            Some("Bücher"),
            "x@xn--bcher-kva.example",
        ),
    ] {
        let config = right(&format!("[mail]\nfrom = \"{from}\""));
        let expected = Sender {
            name: name.map(str::to_owned),
            address: address.to_owned(),
        };
        assert_eq!(config.live.mail.from, expected, "{from}");
    }
}

#[test]
fn verification_follows_the_mail_server_unless_said_otherwise() {
    const SMTP: &str = "[mail]\nsmtp = \"smtp://127.0.0.1\"\n";
    for (text, expected) in [
        (String::new(), VerifyEmail::Off),
        (SMTP.to_owned(), VerifyEmail::On),
        (
            format!("{SMTP}[registration]\nverify_email = \"auto\""),
            VerifyEmail::On,
        ),
        (
            format!("{SMTP}[registration]\nverify_email = \"off\""),
            VerifyEmail::Off,
        ),
        (
            "[registration]\nverify_email = \"on\"".to_owned(),
            VerifyEmail::On,
        ),
    ] {
        assert_eq!(
            right(&text).live.registration.verify_email,
            expected,
            "{text}"
        );
    }
}

#[test]
fn what_counts_verified_addresses_is_fine_with_verification() {
    let text = "[recovery]\ncode_life = \"90s\"\n[registration]\nverify_email = \"on\"\n\
                allowed_domains = [\"Example.com\", \"bücher.example\"]\n\
                [[site]]\nupstream = \"none\"\n[[site.rule]]\n\
                allow = [\"email:*@example.com\", \"email:anna@bücher.example\", \"email:*@*.example.com\"]";
    let live = load_text(text).unwrap().live;
    assert_eq!(
        live.registration.allowed_domains,
        ["example.com", "xn--bcher-kva.example"]
    );
    assert_eq!(live.recovery.code_life, Duration::from_secs(90));
    let email = |pattern: &str| Who::Email(pattern.to_owned());
    assert_eq!(
        live.sites[0].rules[0].allow,
        Allow::AnyOf(vec![
            email("*@example.com"),
            email("anna@xn--bcher-kva.example"),
            email("*@*.example.com"),
        ])
    );
}

/// The file, the line it is on, what must be said.
fn mistakes() -> Vec<(String, usize, &'static str)> {
    [in_mail(), elsewhere()].concat()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn in_mail() -> Vec<(String, usize, &'static str)> {
    let mail = |line: &str| format!("[mail]\n{line}\n{SITE}");
    vec![
        (
            mail("smtp = \"mail.example.com\""),
            2,
            "not the address of a mail server",
        ),
        (
            mail("smtp = \"http://mail.example.com\""),
            2,
            "not the address of a mail server",
        ),
        (
            mail("smtp = \"smtp://mail.example.com?tls=maybe\""),
            2,
            "not the address of a mail server",
        ),
        (
            mail("smtp = \"smtps://mail.example.com?tls=required\""),
            2,
            "not the address of a mail server",
        ),
        (
            mail("smtp = \"smtps://mail.example.com/inbox\""),
            2,
            "not the address of a mail server",
        ),
        (
            mail("smtp = \"smtps://anna:hunter2@mail.example.com\""),
            2,
            "smtp_password_file",
        ),
        (
            mail("smtp = \"smtps://anna@mail.example.com\""),
            2,
            "no password for this user",
        ),
        (
            mail("smtp = \"smtps://mail\"\nsmtp_password = \"hunter2\""),
            2,
            "no user name",
        ),
        (
            mail("smtp = \"smtp://anna@mail\"\nsmtp_password = \"hunter2\""),
            2,
            "for everyone to read",
        ),
        (mail("smtp_password = \"hunter2\""), 2, "no mail server"),
        (
            mail("smtp_password_file = \"/nowhere/at/all\""),
            2,
            "cannot be read",
        ),
        (mail("from = \"Example\""), 2, "no e-mail address"),
        (mail("from = \"Example <>\""), 2, "no e-mail address"),
        (mail("from = \"a@b@c\""), 2, "no e-mail address"),
        (mail("from = \"x <a@b>>\""), 2, "no e-mail address"),
        (
            mail("from = \"x\\r\\nBcc: y <a@b>\""),
            2,
            "cannot stand in a mail",
        ),
    ]
}

fn elsewhere() -> Vec<(String, usize, &'static str)> {
    const VERIFIED: &str =
        "[registration]\nverify_email = \"on\"\n[[site]]\nupstream = \"none\"\n[[site.rule]]\n";
    vec![
        (
            format!("[registration]\nallowed_domains = [\"example.com\"]\n{SITE}"),
            2,
            "not verified",
        ),
        (
            format!("[registration]\nverify_email = \"on\"\nallowed_domains = [\"a b\"]\n{SITE}"),
            3,
            "not a domain",
        ),
        (
            format!(
                "[registration]\nverify_email = \"on\"\nallowed_domains = [\"127.0.0.1\"]\n{SITE}"
            ),
            3,
            "not a domain",
        ),
        (
            format!("[recovery]\ncode_life = \"2h\"\n{SITE}"),
            2,
            "too long",
        ),
        (
            format!("{VERIFIED}allow = [\"email:anna\"]"),
            6,
            "no pattern of one",
        ),
        (
            format!("{VERIFIED}allow = [\"email:anna@b c\"]"),
            6,
            "no pattern of one",
        ),
        (
            format!("{VERIFIED}allow = [\"email:@example.com\"]"),
            6,
            "no pattern of one",
        ),
    ]
}

#[test]
fn mistakes_are_told_without_the_password() {
    for (text, line, said) in mistakes() {
        let problems = load_text(&text).unwrap_err();
        let shown = problems.render(Color::Plain);
        assert_eq!(problems.len(), 1, "{text}\n{shown}");
        assert_eq!(
            problems.iter().next().unwrap().line(),
            Some(line),
            "{shown}"
        );
        assert!(shown.contains(said), "{text}\n{shown}");
        assert!(!shown.contains("hunter2"), "{text}\n{shown}");
    }
}

#[test]
fn a_password_may_stand_in_a_file() {
    let desk = Desk::new();
    let file = desk.write("password", "hunter2\n");
    let config = right(&format!(
        "[mail]\nsmtp = \"smtps://anna@mail\"\nsmtp_password_file = {file:?}"
    ));
    assert!(!format!("{config:?}").contains("hunter2"));
    let login = config.live.mail.smtp.unwrap().login.unwrap();
    assert_eq!(login.password.expose(), "hunter2");
}
