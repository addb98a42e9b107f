//! E-mail addresses.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::NameFault;
use super::fold::{canonical, check_scripts, is_foreign_letter, is_unseen};

/// Longest address and longest local part, in bytes (RFC 5321 §4.5.3.1, erratum 1690).
const LENGTH: usize = 254;
const LOCAL_LENGTH: usize = 64;

/// An e-mail address: `local@domain` with a dot-atom on the left (RFC 5322 §3.2.3, RFC 6531) and a domain on the
/// right. No quoted local parts, no address literals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    shown: String,
    canonical: String,
}

impl EmailAddress {
    /// Reads what was typed; white space around it does not count.
    ///
    /// # Errors
    /// [`NameFault`]: its text says what to change.
    pub fn parse(typed: &str) -> Result<Self, NameFault> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(NameFault::Empty);
        }
        if typed.len() > LENGTH * 4 {
            return Err(NameFault::AddressTooLong);
        }
        let (local, domain) = typed.split_once('@').ok_or(NameFault::NotAnAddress)?;
        let domain = domain_to_ascii(domain)?;
        let local: String = local.nfc().collect();
        let folded = canonical(&local);
        for form in [&local, &folded] {
            check_local(form)?;
        }
        let address = Self {
            shown: format!("{local}@{domain}"),
            canonical: format!("{folded}@{domain}"),
        };
        if address.shown.len() > LENGTH || address.canonical.len() > LENGTH {
            return Err(NameFault::AddressTooLong);
        }
        Ok(address)
    }

    /// As the person wrote it, the domain in its ASCII form (RFC 5891).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// As it is compared and kept unique: the local part folded too, which mail servers need not do, but two people
    /// whose addresses differ in nothing else do not exist.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

fn domain_to_ascii(domain: &str) -> Result<String, NameFault> {
    if domain.chars().any(|c| c == '@' || is_unseen(c)) {
        return Err(NameFault::NotAnAddress);
    }
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| NameFault::NotAnAddress)
}

fn check_local(local: &str) -> Result<(), NameFault> {
    if local.len() > LOCAL_LENGTH {
        return Err(NameFault::AddressTooLong);
    }
    let is_dot_atom = local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(may_stand));
    if !is_dot_atom {
        return Err(NameFault::NotAnAddress);
    }
    check_scripts(local)
}

/// `atext` of RFC 5322 §3.2.3, with letters of other scripts as RFC 6531 §3.3 has them.
fn may_stand(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_foreign_letter(c)
}
