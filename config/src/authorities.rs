//! Certificate authorities in a PEM file: whom an upstream's certificate may be signed by.

use std::io;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why a file holds no authorities.
#[derive(Debug, Error)]
pub enum NoAuthorities {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    Empty,
    /// Something in it is no certificate; counted from one.
    #[error("certificate {0} in it is broken")]
    Broken(usize),
}

/// The certificates of a PEM file, in DER (RFC 7468).
///
/// # Errors
/// The file cannot be read, or something in it is no certificate, or nothing is one.
pub fn authorities(file: &Path) -> Result<Vec<CertificateDer<'static>>, NoAuthorities> {
    let pem = std::fs::read(file)?;
    let mut store = RootCertStore::empty();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let broken = NoAuthorities::Broken(found.len() + 1);
        let Ok(certificate) = certificate else {
            return Err(broken);
        };
        // Whoever checks certificates reads them twice, in two ways.
        let is_one = store.add(certificate.clone()).is_ok()
            && X509Certificate::from_der(&certificate).is_ok();
        if !is_one {
            return Err(broken);
        }
        found.push(certificate);
    }
    if found.is_empty() {
        return Err(NoAuthorities::Empty);
    }
    Ok(found)
}
