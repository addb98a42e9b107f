//! TLS towards clients: what is spoken, and which certificate is shown to whom.
//!
//! Owns the certificates in use; [`reread`] keeps them as the files are. The name that a client asks for chooses a
//! certificate and nothing else: which site it is, and who may see it, the request itself says.

pub mod reread;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use doorward_config::Pair;
use pingora_core::listeners::tls::Acceptor;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use reread::Reread;

/// The certificates in use, chosen by name.
#[derive(Default)]
pub struct Certificates(RwLock<Arc<Book>>);

/// Certificates by the names they are for.
#[derive(Default)]
struct Book {
    first: Option<Arc<CertifiedKey>>,
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By the name below which each covers one label (RFC 9525, section 6.3).
    wild: HashMap<String, Arc<CertifiedKey>>,
}

impl Book {
    /// Of two for one name the first counts.
    fn of<'p>(pairs: impl IntoIterator<Item = (&'p [String], Arc<CertifiedKey>)>) -> Self {
        let mut book = Self::default();
        for (names, key) in pairs {
            book.first.get_or_insert_with(|| Arc::clone(&key));
            for name in names {
                let (by_name, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut book.wild, parent),
                    None => (&mut book.exact, name.as_str()),
                };
                by_name
                    .entry(name.to_owned())
                    .or_insert_with(|| Arc::clone(&key));
            }
        }
        book
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let named = name.map(str::to_ascii_lowercase).and_then(|name| {
            let parent = || name.split_once('.').map(|(_, parent)| parent);
            self.exact
                .get(&name)
                .or_else(|| self.wild.get(parent()?))
                .cloned()
        });
        named.or_else(|| self.first.clone())
    }
}

impl Certificates {
    /// From now on new connections are shown these.
    fn show<'p>(&self, pairs: impl IntoIterator<Item = (&'p [String], Arc<CertifiedKey>)>) {
        let book = Arc::new(Book::of(pairs));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = book;
    }

    fn book(&self) -> Arc<Book> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Certificates {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.book().exact.keys()).finish()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.book().find(hello.server_name())
    }
}

/// What accepts TLS 1.2 and 1.3, for HTTP/2 and 1.1.
///
/// # Errors
/// The cryptography cannot be had, which is a defect.
pub fn acceptor(certificates: Arc<Certificates>) -> Result<Acceptor, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(Acceptor::from_server_config(Arc::new(config)))
}

/// A pair's names and its key to be shared.
fn shared(pair: Pair) -> (Vec<String>, Arc<CertifiedKey>) {
    (pair.names, Arc::new(pair.certified))
}

#[cfg(test)]
mod tests;
