use doorward_identity::SystemClock;
use rcgen::generate_simple_self_signed;
use tempfile::TempDir;

use super::*;

/// A folder with a certificate in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> (Self, Reread) {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        desk.write();
        let reread = Reread::open(&[desk.certificate()], Arc::new(SystemClock)).unwrap();
        (desk, reread)
    }

    fn certificate(&self) -> Certificate {
        Certificate {
            chain: self.folder.path().join("cert.pem"),
            key: self.folder.path().join("key.pem"),
        }
    }

    /// Writes another pair.
    fn write(&self) {
        let made = generate_simple_self_signed(["app.test".to_owned()]).unwrap();
        self.write_chain(&made.cert.pem());
        std::fs::write(self.certificate().key, made.signing_key.serialize_pem()).unwrap();
    }

    fn write_chain(&self, text: &str) {
        std::fs::write(self.certificate().chain, text).unwrap();
    }
}

fn shown(reread: &Reread) -> Arc<CertifiedKey> {
    reread.certificates().book().find(None).unwrap()
}

fn is_told(reread: &Reread) -> bool {
    matches!(reread.held()[0].trouble, Some(Trouble::Told(_)))
}

#[test]
fn a_new_pair_is_shown_and_the_same_one_left_alone() {
    let (desk, reread) = Desk::new();
    let before = shown(&reread);
    reread.look();
    assert!(Arc::ptr_eq(&before, &shown(&reread)));
    desk.write();
    reread.look();
    assert!(!Arc::ptr_eq(&before, &shown(&reread)));
}

#[test]
fn a_broken_pair_changes_nothing_and_is_told_once_it_stays_so() {
    let (desk, reread) = Desk::new();
    let before = shown(&reread);
    let other = generate_simple_self_signed(["app.test".to_owned()]).unwrap();
    desk.write_chain(&other.cert.pem());
    reread.look();
    assert!(!is_told(&reread), "the key may be about to follow");
    reread.look();
    assert!(is_told(&reread));
    assert!(Arc::ptr_eq(&before, &shown(&reread)));
    desk.write();
    reread.look();
    assert!(!is_told(&reread));
    assert!(!Arc::ptr_eq(&before, &shown(&reread)));
}

#[test]
fn a_file_that_is_gone_changes_nothing() {
    let (desk, reread) = Desk::new();
    let before = shown(&reread);
    std::fs::remove_file(desk.certificate().key).unwrap();
    reread.look();
    reread.look();
    assert!(is_told(&reread));
    assert!(Arc::ptr_eq(&before, &shown(&reread)));
}

#[test]
fn others_are_shown_only_if_they_are_all_good() {
    let (desk, reread) = Desk::new();
    let before = shown(&reread);
    let missing = Certificate {
        chain: desk.folder.path().join("none.pem"),
        ..desk.certificate()
    };
    assert!(reread.replace(&[desk.certificate(), missing]).is_err());
    assert!(Arc::ptr_eq(&before, &shown(&reread)));
    reread.replace(&[]).unwrap();
    assert!(Arc::ptr_eq(&before, &shown(&reread)));
    desk.write();
    reread.replace(&[desk.certificate()]).unwrap();
    assert!(!Arc::ptr_eq(&before, &shown(&reread)));
}
