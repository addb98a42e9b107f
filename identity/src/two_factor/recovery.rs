//! Recovery codes: ten at a time, each good once, for the day when the phone is lost.
//!
//! Owns their form and the table of those not used yet, in which only hashes stand. Must not know who uses them.

use std::fmt;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use zeroize::Zeroizing;

use crate::account::Account;
use crate::audit::{By, Event};
use crate::database::entity::recovery_code::{ActiveModel, Column, Entity};
use crate::database::{DatabaseTransaction, in_time};
use crate::mail::{self, Asked, Content, Letter, Recipient};
use crate::secret::Purpose;
use crate::{AccountId, Client, Fault, Identity, Random};

/// How many there are in a set.
pub const RECOVERY_CODES: usize = 10;
/// Letters and digits of a code: 60 bits.
pub(super) const LENGTH: usize = 12;
/// Five bits each; none that is easily taken for another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A code as it is shown, once. Wiped from memory when dropped.
pub struct RecoveryCode(Zeroizing<String>);

/// A code as it is kept: HMAC-SHA-256 with the server's secret, of the account and the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeHash([u8; 32]);

impl RecoveryCode {
    /// A new set, and what to keep of it.
    pub(super) fn generate_set(
        identity: &Identity,
        account: AccountId,
    ) -> Result<(Vec<Self>, Vec<CodeHash>), Fault> {
        let one = |_| {
            let code = Self::generate(&*identity.random);
            let hash = CodeHash::of(identity, account, &code.0)?;
            Ok((code, hash))
        };
        (0..RECOVERY_CODES).map(one).collect()
    }

    fn generate(random: &dyn Random) -> Self {
        let mut drawn = Zeroizing::new([0_u8; LENGTH]);
        random.fill(drawn.as_mut_slice());
        let letters = drawn.iter().filter_map(|byte| {
            let letter = ALPHABET.get(usize::from(byte & 0x1f));
            letter.copied().map(char::from)
        });
        Self(Zeroizing::new(letters.collect()))
    }

    /// As it is written down: `abcd-efgh-jkmn`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(LENGTH + 2);
        for (index, letter) in self.0.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([hidden])")
    }
}

impl CodeHash {
    /// Of a code in its folded form, without dashes.
    pub(super) fn of(identity: &Identity, account: AccountId, code: &str) -> Result<Self, Fault> {
        identity
            .secret
            .mac(
                Purpose::RecoveryCode,
                &[account.as_bytes(), code.as_bytes()],
            )
            .map(Self)
    }
}

/// What a letter is read as.
pub(super) fn fold(c: char) -> char {
    match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        c => c,
    }
}

pub(super) fn is_in_alphabet(byte: u8) -> bool {
    ALPHABET.contains(&byte)
}

/// How many codes of an account were not used yet.
pub(super) async fn count(identity: &Identity, account: AccountId) -> Result<u64, Fault> {
    let unused = Entity::find().filter(Column::AccountId.eq(account.as_bytes().to_vec()));
    in_time(unused.count(identity.database.reads())).await
}

/// Whether a code of the account was there; it is no more.
pub(super) async fn use_up(
    transaction: &DatabaseTransaction,
    account: AccountId,
    code: &CodeHash,
) -> Result<bool, Fault> {
    let gone = Entity::delete_many()
        .filter(Column::Hash.eq(code.0.to_vec()))
        .filter(Column::AccountId.eq(account.as_bytes().to_vec()))
        .exec(transaction)
        .await?;
    Ok(gone.rows_affected == 1)
}

/// Notes that a code of the account was used, and tells its owner: whoever holds the codes may be somebody else.
pub(crate) async fn tell(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (account, client): (&Account, &Client),
) -> Result<(), Fault> {
    let used = Event::RecoveryCodeUsed;
    let by = By::Client(client);
    identity
        .audit
        .record_in(transaction, &used, Some(account.id), by)
        .await?;
    if !account.email_verified {
        return Ok(());
    }
    let of_account = Column::AccountId.eq(account.id.as_bytes().to_vec());
    let left = Entity::find().filter(of_account).count(transaction).await?;
    let letter = Letter {
        to: Recipient::Address(account.email.clone()),
        content: Content::RecoveryCodeUsed { left },
        asked: Some(Asked::from(client)),
    };
    mail::push(identity, transaction, &letter).await
}

/// Puts a new set in the place of the old one.
pub(crate) async fn replace(
    transaction: &DatabaseTransaction,
    account: AccountId,
    codes: &[CodeHash],
) -> Result<(), Fault> {
    forget(transaction, account).await?;
    let row = |code: &CodeHash| ActiveModel {
        hash: Set(code.0.to_vec()),
        account_id: Set(account.as_bytes().to_vec()),
    };
    Entity::insert_many(codes.iter().map(row))
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

/// Voids whatever codes there are.
pub(crate) async fn forget(
    transaction: &DatabaseTransaction,
    account: AccountId,
) -> Result<(), Fault> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(account.as_bytes().to_vec()))
        .exec(transaction)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::typed::Typed;
    use super::*;
    use crate::SystemRandom;

    #[test]
    fn codes_read_back_in_the_form_they_are_shown_in() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let code = RecoveryCode::generate(&SystemRandom);
            let text = code.text();
            assert_eq!(text.len(), 14, "{text}");
            assert!(text.split('-').all(|part| part.len() == 4), "{text}");
            assert_eq!(Typed::parse(&text), Typed::Recovery(code.0.to_string()));
            assert_eq!(
                Typed::parse(&text.to_uppercase()),
                Typed::Recovery(code.0.to_string())
            );
            assert_eq!(format!("{code:?}"), "RecoveryCode([hidden])");
            assert!(seen.insert(text));
        }
    }
}
