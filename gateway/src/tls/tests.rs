use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivateKeyDer;

use super::*;

/// A key of its own, and for whom it is.
fn key(names: &[&str]) -> (Vec<String>, Arc<CertifiedKey>) {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let made = generate_simple_self_signed(names.clone()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let chain = vec![made.cert.der().clone()];
    let certified = CertifiedKey::from_der(chain, key, &ring::default_provider()).unwrap();
    (names, Arc::new(certified))
}

#[test]
fn the_most_exact_certificate_is_shown_and_the_first_to_all_others() {
    let all = [
        key(&["first.test"]),
        key(&["*.app.test", "app.test"]),
        key(&["x.app.test"]),
        key(&["x.app.test", "only.test"]),
    ];
    let pairs = all
        .iter()
        .map(|(names, key)| (names.as_slice(), Arc::clone(key)));
    let book = Book::of(pairs);
    for (name, index) in [
        (Some("first.test"), 0),
        (Some("app.test"), 1),
        (Some("APP.test"), 1),
        (Some("y.app.test"), 1),
        (Some("x.app.test"), 2),
        (Some("only.test"), 3),
        (Some("z.y.app.test"), 0),
        (Some("test"), 0),
        (Some("evil.test"), 0),
        (Some(""), 0),
        (None, 0),
    ] {
        let found = book.find(name).unwrap();
        assert!(Arc::ptr_eq(&found, &all[index].1), "{name:?}");
    }
    assert!(Book::default().find(Some("app.test")).is_none());
}

#[test]
fn it_speaks_http_2_and_1_1_over_tls() {
    let certificates = Arc::new(Certificates::default());
    let (names, key) = key(&["app.test"]);
    certificates.show([(names.as_slice(), key)]);
    assert!(format!("{certificates:?}").contains("app.test"));
    assert!(acceptor(certificates).is_ok());
}
