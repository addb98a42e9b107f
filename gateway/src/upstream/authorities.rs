//! Who may sign an upstream's certificate: the PEM file of a site.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use pingora_core::protocols::tls::CaType;
use pingora_core::utils::tls::{WrappedX509, parse_x509};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// The certificates of a PEM file, in DER.
///
/// # Errors
/// The file cannot be read, or holds no certificate, or something that is none.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let about = || format!("the authorities in {}", file.display());
    let mut store = RootCertStore::empty();
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_file_iter(file).with_context(about)? {
        let certificate = certificate.with_context(about)?;
        // Whatever pingora would stumble over when it connects is found now.
        store.add(certificate.clone()).with_context(about)?;
        x509_parser::parse_x509_certificate(&certificate).with_context(about)?;
        found.push(certificate);
    }
    if found.is_empty() {
        bail!("{}: there is no certificate", about());
    }
    Ok(found)
}

/// As pingora wants them.
pub(super) fn wrap(certificates: &[CertificateDer<'static>]) -> Arc<CaType> {
    certificates
        .iter()
        .map(|certificate| WrappedX509::new(certificate.to_vec(), parse_x509))
        .collect()
}
