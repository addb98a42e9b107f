//! Codes that prove an address: eight digits to type, and a link that does the same.
//!
//! Owns the rows of `one_time_code`: what a code is for, which browser and which address it belongs to, how often it
//! may be wrong, and that it counts once. Must not know how it is mailed, or what it lets somebody do.

#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    Select,
};
use subtle::ConstantTimeEq;

use crate::database::entity::one_time_code;
use crate::database::{DatabaseTransaction, in_time};
use crate::flow::FlowKey;
use crate::secret::Purpose as KeyPurpose;
use crate::session::Remembered;
use crate::{AccountId, EmailAddress, Fault, Identity};

pub(crate) use text::{Code, LinkToken};

/// How often a code may be wrong. The chance to guess one is one in twenty million.
pub(crate) const MOST_TRIES: i32 = 5;

/// What a code is for. One for something else means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An account becomes usable.
    VerifyEmail,
    /// A forgotten password is replaced: the code is exchanged for a permit.
    Recover,
    /// The permit: the password may be set. Nothing mailed leads to it but a code of `Recover`.
    SetPassword,
    /// An account gets another address.
    ChangeEmail,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::Recover => "recover",
            Self::SetPassword => "set_password",
            Self::ChangeEmail => "change_email",
        }
    }
}

/// What somebody shows who claims to read the mail of an address.
#[derive(Debug, Clone, Copy)]
pub enum Mailed<'a> {
    /// The code, as typed: spaces and hyphens do not count.
    Code(&'a str),
    /// The `t` of the link.
    Link(&'a str),
}

/// Whether a link or a permit would still work. Looking uses nothing up.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It would.
    Valid,
    /// It was used, its time is over, a newer one took its place, or it never was one.
    Gone,
}

/// A code to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) flow: FlowKey,
    /// Whom it is about. `None`: nobody, and then it must never be mailed; or whoever has the address when it is
    /// redeemed.
    pub(crate) account: Option<AccountId>,
    pub(crate) address: &'a EmailAddress,
    pub(crate) remembered: Remembered,
    pub(crate) life: Duration,
}

/// A code that was made: for one mail, and then for nobody.
pub(crate) struct Issued {
    pub(crate) code: Code,
    pub(crate) link: LinkToken,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
}

/// Makes a code; older ones of the same purpose for the same person are void from now on.
pub(crate) async fn issue(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    order: Order<'_>,
) -> Result<Issued, Fault> {
    let code = Code::generate(&*identity.random);
    let link = LinkToken::generate(&*identity.random);
    let row = one_time_code::ActiveModel {
        code_hash: Set(Some(hash_code(
            identity,
            (order.purpose, order.flow),
            order.address,
            &code,
        )?)),
        link_hash: Set(Some(hash_link(identity, order.purpose, &link)?)),
        ..row(identity, order)?
    };
    let expires_at = *row.expires_at.as_ref();
    one_time_code::Entity::delete_many()
        .filter(older(order))
        .exec(transaction)
        .await?;
    one_time_code::Entity::insert(row)
        .exec_without_returning(transaction)
        .await?;
    Ok(Issued {
        code,
        link,
        expires_at,
    })
}

/// Notes that the browser of `order.flow` may go on, without a code.
pub(crate) async fn permit(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    order: Order<'_>,
) -> Result<(), Fault> {
    one_time_code::Entity::delete_many()
        .filter(older(order))
        .exec(transaction)
        .await?;
    one_time_code::Entity::insert(row(identity, order)?)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

fn row(identity: &Identity, order: Order<'_>) -> Result<one_time_code::ActiveModel, Fault> {
    let expires_at = identity
        .clock
        .now()
        .checked_add(order.life)
        .map_err(|error| Fault::broken_by("the clock is at its end", error))?;
    Ok(one_time_code::ActiveModel {
        flow: Set(order.flow.to_vec()),
        purpose: Set(order.purpose.as_str().to_owned()),
        account_id: Set(order.account.map(|id| id.as_bytes().to_vec())),
        address: Set(order.address.canonical().to_owned()),
        address_shown: Set(order.address.as_str().to_owned()),
        code_hash: Set(None),
        link_hash: Set(None),
        tries: Set(0),
        remembered: Set(order.remembered == Remembered::Yes),
        expires_at: Set(expires_at.as_millisecond()),
    })
}

/// What a new code puts an end to. One that is nobody's ends none but that of its own browser: it was never mailed,
/// and must not be a way to disturb somebody.
fn older(order: Order<'_>) -> Condition {
    use one_time_code::Column;
    let same_flow = Column::Flow.eq(order.flow.to_vec());
    let kind = Column::Purpose.eq(order.purpose.as_str());
    let earlier = match (order.account, order.purpose) {
        (Some(id), _) => kind.and(Column::AccountId.eq(id.as_bytes().to_vec())),
        (None, Purpose::Recover) => kind.and(Column::Address.eq(order.address.canonical())),
        (None, _) => return Condition::all().add(same_flow),
    };
    Condition::any().add(same_flow).add(earlier)
}

/// A code that was right, and counts no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) account: Option<AccountId>,
    pub(crate) address: EmailAddress,
    pub(crate) remembered: Remembered,
}

/// What came of showing a code.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// It was right, and is used up if the transaction is committed.
    Right(Right),
    /// It was not. That is counted if the transaction is committed.
    Wrong,
    /// There is nothing (any more) that could be right.
    Gone,
}

/// Uses up what the browser of `flow` may redeem. The caller commits, whatever came of it.
pub(crate) async fn redeem(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    (purpose, flow): (Purpose, FlowKey),
    shown: Mailed<'_>,
) -> Result<Redeemed, Fault> {
    let found = take(identity, transaction, of_flow(purpose, flow)).await?;
    let Some(row) = found.filter(|row| row.tries < MOST_TRIES) else {
        return Ok(Redeemed::Gone);
    };
    let address = address_of(&row)?;
    let (expected, hash) = match shown {
        Mailed::Link(text) => match LinkToken::parse(text) {
            Some(link) => (&row.link_hash, hash_link(identity, purpose, &link)?),
            None => return Ok(Redeemed::Gone),
        },
        Mailed::Code(text) => match Code::parse(text) {
            Some(code) => {
                let hash = hash_code(identity, (purpose, flow), &address, &code)?;
                (&row.code_hash, hash)
            }
            // No code at all: nothing was guessed, so it costs no try.
            None => return Ok(Redeemed::Wrong),
        },
    };
    let is_right = expected
        .as_ref()
        .is_some_and(|expected| bool::from(expected.ct_eq(&hash)));
    match shown {
        _ if is_right => use_up(transaction, row).await,
        Mailed::Link(_) => Ok(Redeemed::Gone),
        Mailed::Code(_) => count_try(transaction, row).await,
    }
}

/// Uses up what a link stands for, whichever browser it was opened in. The caller commits.
pub(crate) async fn redeem_link(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    purpose: Purpose,
    link: &str,
) -> Result<Redeemed, Fault> {
    let Some(link) = LinkToken::parse(link) else {
        return Ok(Redeemed::Gone);
    };
    let hash = hash_link(identity, purpose, &link)?;
    match take(identity, transaction, of_link(purpose, hash)).await? {
        Some(row) => use_up(transaction, row).await,
        None => Ok(Redeemed::Gone),
    }
}

/// Uses up the permit of `flow`. The caller commits.
pub(crate) async fn redeem_permit(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    flow: FlowKey,
) -> Result<Redeemed, Fault> {
    match take(identity, transaction, of_flow(Purpose::SetPassword, flow)).await? {
        Some(row) => use_up(transaction, row).await,
        None => Ok(Redeemed::Gone),
    }
}

/// Whether a link would work.
pub(crate) async fn look_at_link(
    identity: &Identity,
    purpose: Purpose,
    link: &str,
) -> Result<Offer, Fault> {
    let Some(link) = LinkToken::parse(link) else {
        return Ok(Offer::Gone);
    };
    let hash = hash_link(identity, purpose, &link)?;
    let found =
        in_time(live(identity, of_link(purpose, hash)).one(identity.database.reads())).await?;
    Ok(found.map_or(Offer::Gone, |_| Offer::Valid))
}

/// What a browser may redeem, without redeeming it.
pub(crate) async fn look(
    identity: &Identity,
    (purpose, flow): (Purpose, FlowKey),
) -> Result<Option<Right>, Fault> {
    let found =
        in_time(live(identity, of_flow(purpose, flow)).one(identity.database.reads())).await?;
    found.map(|row| right(&row)).transpose()
}

/// Voids everything that was mailed to a person, or that they were permitted.
pub(crate) async fn void(
    transaction: &DatabaseTransaction,
    account: AccountId,
    address_canonical: &str,
) -> Result<(), Fault> {
    use one_time_code::Column;
    let theirs = Condition::any()
        .add(Column::AccountId.eq(account.as_bytes().to_vec()))
        .add(
            Column::Purpose
                .eq(Purpose::Recover.as_str())
                .and(Column::Address.eq(address_canonical)),
        );
    one_time_code::Entity::delete_many()
        .filter(theirs)
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets codes whose time is over.
///
/// # Errors
/// [`Fault::StoreAway`] when the database cannot be asked.
pub(crate) async fn prune(identity: &Identity) -> Result<(), Fault> {
    let now = identity.clock.now();
    identity
        .database
        .forget_over::<one_time_code::Entity>(one_time_code::Column::ExpiresAt, now)
        .await
}

fn of_flow(purpose: Purpose, flow: FlowKey) -> Condition {
    Condition::all()
        .add(one_time_code::Column::Flow.eq(flow.to_vec()))
        .add(one_time_code::Column::Purpose.eq(purpose.as_str()))
}

fn of_link(purpose: Purpose, hash: Vec<u8>) -> Condition {
    Condition::all()
        .add(one_time_code::Column::LinkHash.eq(hash))
        .add(one_time_code::Column::Purpose.eq(purpose.as_str()))
}

fn live(identity: &Identity, which: Condition) -> Select<one_time_code::Entity> {
    one_time_code::Entity::find()
        .filter(which)
        .filter(one_time_code::Column::ExpiresAt.gt(identity.clock.now().as_millisecond()))
}

/// Whoever finds it keeps others from finding it until the transaction ends.
async fn take(
    identity: &Identity,
    transaction: &DatabaseTransaction,
    which: Condition,
) -> Result<Option<one_time_code::Model>, Fault> {
    Ok(live(identity, which)
        .lock_exclusive()
        .one(transaction)
        .await?)
}

/// Whoever deletes the row has used it; nobody else can.
async fn use_up(
    transaction: &DatabaseTransaction,
    row: one_time_code::Model,
) -> Result<Redeemed, Fault> {
    let right = right(&row)?;
    let used = one_time_code::Entity::delete_by_id(row.flow)
        .exec(transaction)
        .await?;
    Ok(if used.rows_affected == 1 {
        Redeemed::Right(right)
    } else {
        Redeemed::Gone
    })
}

async fn count_try(
    transaction: &DatabaseTransaction,
    row: one_time_code::Model,
) -> Result<Redeemed, Fault> {
    use one_time_code::Column;
    use sea_orm::sea_query::Expr;
    one_time_code::Entity::update_many()
        .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
        .filter(Column::Flow.eq(row.flow))
        .exec(transaction)
        .await?;
    Ok(Redeemed::Wrong)
}

fn right(row: &one_time_code::Model) -> Result<Right, Fault> {
    let account = match &row.account_id {
        None => None,
        Some(id) => Some(
            AccountId::from_bytes(id)
                .ok_or_else(|| Fault::broken("one_time_code names no account"))?,
        ),
    };
    Ok(Right {
        account,
        address: address_of(row)?,
        remembered: if row.remembered {
            Remembered::Yes
        } else {
            Remembered::No
        },
    })
}

fn address_of(row: &one_time_code::Model) -> Result<EmailAddress, Fault> {
    EmailAddress::parse(&row.address_shown)
        .map_err(|error| Fault::broken_by("one_time_code names no address", error))
}

/// Bound to what it is for, the browser that asked and the address it goes to.
fn hash_code(
    identity: &Identity,
    (purpose, flow): (Purpose, FlowKey),
    address: &EmailAddress,
    code: &Code,
) -> Result<Vec<u8>, Fault> {
    let parts: [&[u8]; 5] = [
        b"code",
        purpose.as_str().as_bytes(),
        &flow.to_vec(),
        address.canonical().as_bytes(),
        code.as_str().as_bytes(),
    ];
    Ok(identity
        .secret
        .mac(KeyPurpose::OneTimeCode, &parts)?
        .to_vec())
}

fn hash_link(identity: &Identity, purpose: Purpose, link: &LinkToken) -> Result<Vec<u8>, Fault> {
    let parts: [&[u8]; 3] = [b"link", purpose.as_str().as_bytes(), link.as_bytes()];
    Ok(identity
        .secret
        .mac(KeyPurpose::OneTimeCode, &parts)?
        .to_vec())
}
