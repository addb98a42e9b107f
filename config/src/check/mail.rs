//! Mail, and what needs it. Messages about `smtp` never quote it: it may carry a password.

use std::time::Duration;

use url::{Host, Url};

use super::{lasting, net, plain, stores, take, take_each};
use crate::mail::VerifyEmailWord;
use crate::problem::{Fault, Findings};
use crate::raw;
use crate::{Mail, Recovery, Secret, Sender, Smtp, SmtpLogin, SmtpSecurity, VerifyEmail};

/// Longest name of a sender, in characters.
const NAME: usize = 100;

pub(super) fn check(mail: &raw::Mail, findings: &mut Findings<'_>) -> Mail {
    let from = take(
        mail.from.as_ref(),
        Sender::default(),
        |text| sender(text),
        findings,
    );
    let password = stores::secret(
        ("smtp_password", mail.smtp_password.as_ref()),
        ("smtp_password_file", mail.smtp_password_file.as_ref()),
        findings,
    );
    let Some(url) = &mail.smtp else {
        if let Some((_, span)) = password {
            let fault = Fault::new("a password for a mail server, but no mail server");
            findings.add(&span, fault.help("name it with `smtp`"));
        }
        return Mail { from, smtp: None };
    };
    let smtp = match smtp(url.get(), password.map(|(password, _)| password)) {
        Ok(smtp) => Some(smtp),
        Err(fault) => {
            findings.add(url.span(), fault);
            None
        }
    };
    Mail { from, smtp }
}

pub(super) fn recovery(recovery: &raw::Recovery, findings: &mut Findings<'_>) -> Recovery {
    Recovery {
        code_life: take(
            recovery.code_life.as_ref(),
            Recovery::default().code_life,
            |text| lasting(text, Duration::from_secs(1)..=Duration::from_hours(1)),
            findings,
        ),
    }
}

/// Whether addresses are verified. Goes by what is written, so that a mail server with a mistake in it is one problem
/// and not two.
pub(super) fn verification(file: &raw::File) -> VerifyEmail {
    match plain(
        file.registration.verify_email.as_ref(),
        VerifyEmailWord::Auto,
    ) {
        VerifyEmailWord::On => VerifyEmail::On,
        VerifyEmailWord::Auto if file.mail.smtp.is_some() => VerifyEmail::On,
        VerifyEmailWord::Auto | VerifyEmailWord::Off => VerifyEmail::Off,
    }
}

/// What to do about something that counts verified addresses only while none is verified.
pub(super) fn unverified(what: &str) -> Fault {
    Fault::new(format!(
        "{what} counts verified addresses only, and addresses are not verified"
    ))
    .help("set `smtp` in [mail], or verify_email = \"on\" in [registration]")
}

pub(super) fn allowed_domains(
    registration: &raw::Registration,
    verify: VerifyEmail,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let Some(list) = &registration.allowed_domains else {
        return Vec::new();
    };
    if verify == VerifyEmail::Off && !list.get().is_empty() {
        findings.add(list.span(), unverified("`allowed_domains`"));
    }
    take_each(list, domain, findings)
}

/// A domain as addresses have it: lower case, IDNA.
fn domain(text: &str) -> Result<String, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a domain")).help("as in \"example.com\"");
    let name = net::host(text).map_err(|_| fault())?;
    match Host::parse(&name) {
        Ok(Host::Domain(name)) => Ok(name),
        Ok(_) | Err(_) => Err(fault()),
    }
}

/// `email:` of a rule: an address in which `*` stands for anything.
pub(super) fn pattern(text: &str, verify: VerifyEmail) -> Result<String, Fault> {
    let fault = || {
        Fault::new(format!("`{text}` is no address and no pattern of one"))
            .help("as in \"email:anna@example.com\" or \"email:*@example.com\"")
    };
    let (local, domain_part) = text.split_once('@').ok_or_else(fault)?;
    let unseen = |c: char| c.is_whitespace() || c.is_control();
    if local.is_empty() || domain_part.contains('@') || text.chars().any(unseen) {
        return Err(fault());
    }
    if verify == VerifyEmail::Off {
        return Err(unverified("`email:`"));
    }
    if domain_part.contains('*') {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.*".contains(c);
        return if domain_part.chars().all(plain) {
            Ok(format!("{local}@{domain_part}"))
        } else {
            Err(fault())
        };
    }
    Ok(format!(
        "{local}@{}",
        domain(domain_part).map_err(|_| fault())?
    ))
}

fn sender(text: &str) -> Result<Sender, Fault> {
    let fault = |why: &str| {
        Fault::new(format!("`{text}` {why}"))
            .help("as in \"Example <no-reply@example.com>\" or \"no-reply@example.com\"")
    };
    let (name, address) = match text.trim().strip_suffix('>') {
        Some(rest) => {
            let (name, address) = rest
                .split_once('<')
                .ok_or_else(|| fault("is not a sender"))?;
            (Some(name.trim()), address)
        }
        None => (None, text.trim()),
    };
    let bad = |c: char| c.is_control() || "<>\"\\".contains(c);
    let name = name
        .map(|name| name.trim_matches('"'))
        .filter(|name| !name.is_empty());
    if name.is_some_and(|name| name.contains(bad) || name.chars().count() > NAME) {
        return Err(fault("has a name that cannot stand in a mail"));
    }
    let address = self::address(address).ok_or_else(|| fault("has no e-mail address in it"))?;
    Ok(Sender {
        name: name.map(str::to_owned),
        address,
    })
}

/// An ASCII address with a dot-atom on its left, its domain in lower case.
fn address(text: &str) -> Option<String> {
    let (local, domain_part) = text.split_once('@')?;
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_dot_atom = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(atext));
    let domain_part = domain(domain_part).ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let short = local.len() <= 64 && domain_part.len() <= 253;
    let whole = !domain_part.is_empty() && domain_part.chars().all(plain);
    (is_dot_atom && short && whole).then(|| format!("{local}@{domain_part}"))
}

fn smtp(text: &str, password: Option<Secret>) -> Result<Smtp, Fault> {
    const EXAMPLES: &str = "\"smtps://mail.example.com\", \"smtp://mail.example.com?tls=required\" for STARTTLS, \
                            or \"smtp://127.0.0.1:25\" for a server on this machine; a user name stands \
                            before the host, with an `@`";
    let no_server = || Fault::new("this is not the address of a mail server").help(EXAMPLES);
    let url = Url::parse(text).map_err(|_| no_server())?;
    let security = match (url.scheme(), url.query()) {
        ("smtps", None) => SmtpSecurity::Tls,
        ("smtp", None) => SmtpSecurity::Plain,
        ("smtp", Some("tls=required")) => SmtpSecurity::StartTls,
        _ => return Err(no_server()),
    };
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() || url.port() == Some(0) {
        return Err(no_server());
    }
    if url.password().is_some() {
        return Err(Fault::new("a password does not belong into the address")
            .help("put it into a file and name that by smtp_password_file"));
    }
    // Not a scheme whose hosts the parser knows: it has to be asked once more.
    let host = net::host(url.host_str().ok_or_else(no_server)?).map_err(|_| no_server())?;
    let host = host.trim_matches(['[', ']']).to_owned();
    let usual = match security {
        SmtpSecurity::Plain => 25,
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
    };
    Ok(Smtp {
        port: url.port().unwrap_or(usual),
        login: login(url.username(), password, security)?,
        host,
        security,
    })
}

fn login(
    user: &str,
    password: Option<Secret>,
    security: SmtpSecurity,
) -> Result<Option<SmtpLogin>, Fault> {
    let user = percent_decoded(user)?;
    let login = match (user.is_empty(), password) {
        (true, None) => return Ok(None),
        (true, Some(_)) => {
            return Err(
                Fault::new("there is a password for the mail server, but no user name")
                    .help("it stands before the host in `smtp`, with an `@`"),
            );
        }
        (false, None) => {
            return Err(Fault::new("there is no password for this user name")
                .help("put it into a file and name that by smtp_password_file"));
        }
        (false, Some(password)) => SmtpLogin { user, password },
    };
    if security == SmtpSecurity::Plain {
        return Err(
            Fault::new("the password would cross the network for everyone to read")
                .help("smtps://…, or smtp://…?tls=required"),
        );
    }
    Ok(Some(login))
}

/// User names are often addresses, whose `@` is `%40` in a URL.
pub(super) fn percent_decoded(text: &str) -> Result<String, Fault> {
    let fault = || Fault::new("the user name or password has a `%` in it that means nothing");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next(), rest.next()].map(|digit| {
            let digit = char::from(digit?).to_digit(16)?;
            u8::try_from(digit).ok()
        });
        let [Some(high), Some(low)] = digits else {
            return Err(fault());
        };
        bytes.push(high << 4 | low);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| fault())?;
    if decoded.chars().any(char::is_control) {
        return Err(fault());
    }
    Ok(decoded)
}
