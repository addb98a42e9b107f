//! TLS: the certificates, and what needs them.

use std::path::PathBuf;

use super::plain;
use crate::problem::{Fault, Findings};
use crate::raw::{self, At};
use crate::{Broken, Certificate, Part};

pub(super) fn check(file: &raw::File, findings: &mut Findings<'_>) -> Vec<Certificate> {
    if let Some(listen) = &file.server.listen_tls
        && !listen.get().is_empty()
        && file.certificate.is_empty()
        && !findings.is_damaged(&crate::origin::NOWHERE)
    {
        let fault = Fault::new("`listen_tls` needs a certificate, and there is none");
        let help = "add [[certificate]] with chain = \"cert.pem\" and key = \"key.pem\"";
        findings.add(listen.span(), fault.help(help));
    }
    let certificates = file.certificate.iter();
    certificates
        .filter_map(|certificate| one(certificate, findings))
        .collect()
}

/// Whether plain http is sent elsewhere, which must then be there.
pub(super) fn redirect(server: &raw::Server, findings: &mut Findings<'_>) -> bool {
    let redirect = plain(server.redirect_to_tls.as_ref(), false);
    let nowhere = server
        .listen_tls
        .as_ref()
        .is_none_or(|list| list.get().is_empty());
    if let Some(written) = &server.redirect_to_tls
        && redirect
        && nowhere
    {
        let fault = Fault::new("`redirect_to_tls` without `listen_tls` leads nowhere");
        findings.add(
            written.span(),
            fault.help("for example listen_tls = [\"[::]:8443\"], with a [[certificate]]"),
        );
    }
    redirect
}

fn one(raw: &At<raw::Certificate>, findings: &mut Findings<'_>) -> Option<Certificate> {
    let written = raw.get();
    let mut named = |name: &str, file: &Option<At<String>>| {
        if file.is_none() && !findings.is_damaged(raw.span()) {
            let fault = Fault::new(format!("this certificate has no `{name}`"));
            findings.add(raw.span(), fault.help("it needs both: chain and key"));
        }
        file.as_ref().map(|file| PathBuf::from(file.get()))
    };
    let (chain, key) = (named("chain", &written.chain), named("key", &written.key));
    let certificate = Certificate {
        chain: chain?,
        key: key?,
    };
    for broken in mistakes(&certificate) {
        let at = match broken.part {
            Part::Chain => &written.chain,
            Part::Key => &written.key,
        };
        let span = at.as_ref().map_or(raw.span(), At::span);
        findings.add(span, fault(&broken));
    }
    Some(certificate)
}

fn mistakes(certificate: &Certificate) -> Vec<Broken> {
    let read = [Part::Chain, Part::Key].map(|part| certificate.read(part).err());
    let unread: Vec<_> = read.into_iter().flatten().collect();
    if !unread.is_empty() {
        return unread;
    }
    let pair = certificate.files().and_then(|files| files.pair());
    pair.err().into_iter().collect()
}

fn fault(broken: &Broken) -> Fault {
    let fault = Fault::new(broken.to_string());
    if broken.what.starts_with("is encrypted") {
        return fault.help("openssl pkey -in KEY -out key.pem writes it without");
    }
    fault
}
