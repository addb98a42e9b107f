//! Who may sign an upstream's certificate, as pingora wants them.

use std::sync::Arc;

use pingora_core::protocols::tls::CaType;
use pingora_core::utils::tls::{WrappedX509, parse_x509};
use rustls::pki_types::CertificateDer;

/// Puts certificates into pingora's clothes. They have to be those that
/// [`authorities`](doorward_config::authorities) found: pingora panics at any other.
pub(super) fn wrap(certificates: &[CertificateDer<'static>]) -> Arc<CaType> {
    certificates
        .iter()
        .map(|certificate| WrappedX509::new(certificate.to_vec(), parse_x509))
        .collect()
}
