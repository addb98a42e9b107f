use rcgen::{CertificateParams, CertifiedKey as Made, KeyPair, generate_simple_self_signed};
use tempfile::TempDir;

use super::*;

fn made(names: &[&str]) -> Made<KeyPair> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    generate_simple_self_signed(names).unwrap()
}

fn written(chain: &str, key: &str) -> (TempDir, Certificate) {
    let folder = tempfile::tempdir().unwrap();
    let certificate = Certificate {
        chain: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&certificate.chain, chain).unwrap();
    std::fs::write(&certificate.key, key).unwrap();
    (folder, certificate)
}

fn read(certificate: &Certificate) -> Result<Pair, Broken> {
    certificate.files()?.pair()
}

#[test]
fn a_certificate_says_whom_it_is_for_and_until_when() {
    let key = KeyPair::generate().unwrap();
    let names = ["App.test".to_owned(), "*.wild.test".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.not_after = rcgen::date_time_ymd(2001, 9, 9);
    let certificate = params.self_signed(&key).unwrap();
    let (_folder, files) = written(&certificate.pem(), &key.serialize_pem());
    let pair = read(&files).unwrap();
    assert_eq!(pair.names, ["app.test", "*.wild.test"]);
    let ends = pair.ends.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(ends.as_secs() / 86_400, 11_574);
    assert_eq!(pair.certified.cert.len(), 1);
}

#[test]
fn each_mistake_is_found_in_its_file() {
    let (one, other) = (made(&["a.test"]), made(&["b.test"]));
    let (chain, key) = (one.cert.pem(), one.signing_key.serialize_pem());
    let locked = key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE");
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n";
    let garbled = chain.replace("MII", "!!!");
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (chain, key, part, words) in [
        ("", key.as_str(), Part::Chain, "no certificate in it"),
        (key.as_str(), &key, Part::Chain, "no certificate in it"),
        (&garbled, &key, Part::Chain, "not PEM"),
        (no_certificate, &key, Part::Chain, "begins with no"),
        (&chain, "", Part::Key, "no private key"),
        (&chain, &chain, Part::Key, "no private key"),
        (&chain, &locked, Part::Key, "is encrypted"),
        (&chain, older, Part::Key, "is encrypted"),
        (
            &chain,
            &other.signing_key.serialize_pem(),
            Part::Key,
            "does not belong",
        ),
    ] {
        let (_folder, files) = written(chain, key);
        let broken = read(&files).unwrap_err();
        assert_eq!(broken.part, part, "{broken}");
        assert!(broken.to_string().contains(words), "{broken}");
        let file = match part {
            Part::Chain => "cert.pem",
            Part::Key => "key.pem",
        };
        assert!(broken.file.ends_with(file), "{broken}");
    }
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let one = made(&["a.test"]);
    let (folder, files) = written(&one.cert.pem(), &one.signing_key.serialize_pem());
    let gone = Certificate {
        key: folder.path().join("none.pem"),
        ..files.clone()
    };
    assert_eq!(read(&gone).unwrap_err().part, Part::Key);
    let folder = Certificate {
        chain: folder.path().to_owned(),
        ..files.clone()
    };
    assert_eq!(read(&folder).unwrap_err().part, Part::Chain);
    assert!(read(&files).is_ok());
}
