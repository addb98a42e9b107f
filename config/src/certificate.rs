//! A certificate and its key, as they lie in two PEM files.
//!
//! Owns reading them and saying which of the two is wrong. Must not know who is
//! served with them, nor what time it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Larger files are no certificates.
const MOST: u64 = 1 << 20;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// The certificate, then those that lead to its authority.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// That of the certificates.
    Chain,
    /// That of the key.
    Key,
}

/// What is wrong with a certificate or its key, and in which file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` {what}", file.display())]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// Which one that is.
    pub part: Part,
    /// What is wrong, behind the file's name.
    pub what: String,
}

/// The bytes of both files; equal bytes hash alike.
pub struct Files {
    from: Certificate,
    chain: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate that can be served.
#[derive(Debug)]
pub struct Pair {
    /// Chain and key, which belong together.
    pub certified: CertifiedKey,
    /// The host names that it is for, in lower case; some may begin with `*.`.
    pub names: Vec<String>,
    /// When it is not valid any more.
    pub ends: SystemTime,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn files(&self) -> Result<Files, Broken> {
        Ok(Files {
            from: self.clone(),
            chain: self.read(Part::Chain)?,
            key: self.read(Part::Key)?,
        })
    }

    /// Reads one of the files.
    ///
    /// # Errors
    /// It cannot be read, or is no file.
    pub(crate) fn read(&self, part: Part) -> Result<Vec<u8>, Broken> {
        let path = self.path(part);
        let unread = |error: std::io::Error| self.broken(part, format!("cannot be read: {error}"));
        let about = std::fs::metadata(path).map_err(unread)?;
        if !about.is_file() || about.len() > MOST {
            return Err(self.broken(part, format!("is no {part}")));
        }
        std::fs::read(path).map_err(unread)
    }

    fn path(&self, part: Part) -> &Path {
        match part {
            Part::Chain => &self.chain,
            Part::Key => &self.key,
        }
    }

    fn broken(&self, part: Part, what: impl Into<String>) -> Broken {
        Broken {
            file: self.path(part).to_owned(),
            part,
            what: what.into(),
        }
    }
}

impl Files {
    /// What is in them.
    ///
    /// # Errors
    /// One of them is not what it should be, or they do not belong together.
    pub fn pair(&self) -> Result<Pair, Broken> {
        let broken = |part, what: String| self.from.broken(part, what);
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.chain)
            .collect::<Result<_, _>>()
            .map_err(|error| broken(Part::Chain, format!("is not PEM: {error}")))?;
        let leaf = chain
            .first()
            .ok_or_else(|| broken(Part::Chain, "has no certificate in it".to_owned()))?;
        let (names, ends) = about(leaf)
            .ok_or_else(|| broken(Part::Chain, "begins with no certificate".to_owned()))?;
        if is_encrypted(&self.key) {
            let what = "is encrypted, and nobody is there to type its password";
            return Err(broken(Part::Key, what.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| broken(Part::Key, "has no private key in it".to_owned()))?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let certified = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                let chain = self.from.chain.display();
                broken(
                    Part::Key,
                    format!("does not belong to the certificate in `{chain}`"),
                )
            }
            other => broken(Part::Key, format!("cannot be used: {other}")),
        })?;
        Ok(Pair {
            certified,
            names,
            ends,
        })
    }
}

impl Hash for Files {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.chain.hash(state);
        self.key.hash(state);
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "certificate",
            Self::Key => "private key",
        })
    }
}

/// Both ways to encrypt a key: PKCS #8 (RFC 5958), and the older one (RFC 1421).
fn is_encrypted(pem: &[u8]) -> bool {
    let has = |mark: &[u8]| pem.windows(mark.len()).any(|window| window == mark);
    has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED")
}

/// Whom a certificate is for, and until when. Its common name counts nowhere any
/// more (RFC 9525, section 2).
fn about(certificate: &CertificateDer<'_>) -> Option<(Vec<String>, SystemTime)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| &extension.value.general_names);
    let names = names
        .into_iter()
        .flatten()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let ends = certificate.validity().not_after.timestamp();
    let ends = Duration::from_secs(u64::try_from(ends).unwrap_or(0));
    Some((names, SystemTime::UNIX_EPOCH.checked_add(ends)?))
}

#[cfg(test)]
mod tests;
