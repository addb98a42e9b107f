use super::*;
use crate::SystemRandom;
use crate::testing::Room;

fn random() -> Arc<dyn Random> {
    Arc::new(SystemRandom)
}

async fn made(folder: &Path) -> ServerSecret {
    ServerSecret::load_or_make(&folder.join("keys/secret.key"), random())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_file_is_made_once_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let one = made(folder.path()).await;
    let other = made(folder.path()).await;
    assert_eq!(one.bytes, other.bytes);
    let file = folder.path().join("keys/secret.key");
    let metadata = std::fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 32);
    let left = std::fs::read_dir(folder.path().join("keys")).unwrap();
    assert_eq!(left.count(), 1, "no drafts are left");
}

#[tokio::test]
async fn a_file_that_is_no_secret_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret.key");
    for content in [
        "",
        "31 bytes, which is one too few",
        "thirty-two bytes and a line's end\n",
    ] {
        std::fs::write(&file, content).unwrap();
        let fault = ServerSecret::load_or_make(&file, random())
            .await
            .unwrap_err();
        assert!(fault.to_string().contains("secret.key"), "{fault}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn only_the_same_purpose_and_owner_open_what_was_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let secret = made(folder.path()).await;
    let sealed = secret.seal(Purpose::Outbox, b"row 1", b"hello").unwrap();
    let open = |purpose, aad: &[u8], sealed: &[u8]| secret.open_sealed(purpose, aad, sealed);
    assert_eq!(
        **open(Purpose::Outbox, b"row 1", &sealed).unwrap(),
        *b"hello"
    );
    assert!(open(Purpose::Outbox, b"row 2", &sealed).is_err());
    assert!(open(Purpose::OneTimeCode, b"row 1", &sealed).is_err());
    assert!(open(Purpose::Outbox, b"row 1", b"short").is_err());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(
            open(Purpose::Outbox, b"row 1", &changed).is_err(),
            "byte {at}"
        );
    }
    let again = secret.seal(Purpose::Outbox, b"row 1", b"hello").unwrap();
    assert_ne!(sealed, again);
}

#[tokio::test]
async fn hashes_differ_by_purpose_secret_and_parts() {
    let one = made(tempfile::tempdir().unwrap().path()).await;
    let two = made(tempfile::tempdir().unwrap().path()).await;
    let hash = one.mac(Purpose::OneTimeCode, &[b"ab", b"c"]).unwrap();
    assert_eq!(hash, one.mac(Purpose::OneTimeCode, &[b"ab", b"c"]).unwrap());
    assert_ne!(hash, one.mac(Purpose::OneTimeCode, &[b"a", b"bc"]).unwrap());
    assert_ne!(hash, one.mac(Purpose::Check, &[b"ab", b"c"]).unwrap());
    assert_ne!(hash, two.mac(Purpose::OneTimeCode, &[b"ab", b"c"]).unwrap());
}

#[tokio::test]
async fn debug_hides_it() {
    let secret = made(tempfile::tempdir().unwrap().path()).await;
    assert_eq!(format!("{secret:?}"), "ServerSecret([hidden])");
}

#[tokio::test]
async fn a_database_starts_with_its_own_secret_only() {
    let room = Room::open().await;
    let file = room.boot.secret_file.clone();
    let right = std::fs::read(&file).unwrap();
    let start = || crate::Identity::open(&room.boot, room.clock.clone(), random());

    std::fs::write(&file, [7; 32]).unwrap();
    let fault = start().await.err().unwrap().to_string();
    assert!(
        fault.contains("not the secret that this database was made with"),
        "{fault}"
    );

    std::fs::remove_file(&file).unwrap();
    let fault = start().await.err().unwrap().to_string();
    assert!(fault.contains("is missing"), "{fault}");
    assert!(!file.exists(), "no new one in its place");

    std::fs::write(&file, right).unwrap();
    assert!(start().await.is_ok());
}
