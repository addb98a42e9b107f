//! Finding accounts, and the rows behind them.
//!
//! Owns every query on `account` and `account_role`. Must not know sessions: what has to follow a change is done by
//! [`change`](crate::change).

mod bulk;

use jiff::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait,
    PaginatorTrait, QueryFilter, QueryOrder, SqlErr,
};

pub use crate::account::Account;
use crate::database::entity::{account, account_role};
use crate::database::{Database, DatabaseTransaction, in_time};
use crate::form::{Details, Problem};
use crate::name::{EmailAddress, Login, Username};
use crate::password::PasswordHash;
use crate::role::{ADMIN, Role};
use crate::{AccountId, Fault};
pub(crate) use bulk::{Newcomer, find_taken, insert_all};

/// Finds accounts. Every answer is what the database held at one moment.
#[derive(Debug, Clone)]
pub struct Accounts {
    database: Database,
}

/// A row that is about to be made.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: AccountId,
    pub(crate) username: Option<Username>,
    pub(crate) email: EmailAddress,
    pub(crate) email_verified_at: Option<Timestamp>,
    pub(crate) details: Details,
    pub(crate) password_hash: Option<PasswordHash>,
    pub(crate) roles: Vec<Role>,
    pub(crate) created_at: Timestamp,
}

/// What came of making a row.
#[must_use]
pub(crate) enum Inserted {
    /// It is there, if the transaction is committed.
    Done,
    /// The database's own index has that name or address already.
    Taken(Problem),
}

impl Accounts {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The account with this id.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked, [`Fault::Broken`] when a row is damaged.
    pub async fn find(&self, id: AccountId) -> Result<Option<Account>, Fault> {
        find(self.database.reads(), id).await
    }

    /// The account of somebody who calls themselves that: with an `@` an e-mail address, without one a username, in
    /// any spelling of it.
    ///
    /// # Errors
    /// As [`Accounts::find`].
    pub async fn find_by_login(&self, login: &str) -> Result<Option<Account>, Fault> {
        self.find_named(&Login::parse(login)).await
    }

    pub(crate) async fn find_named(&self, login: &Login) -> Result<Option<Account>, Fault> {
        find_named(self.database.reads(), login).await
    }

    /// Every account, the oldest first.
    ///
    /// # Errors
    /// As [`Accounts::find`].
    pub async fn list(&self) -> Result<Vec<Account>, Fault> {
        load(self.database.reads(), Condition::all()).await
    }

    /// How many enabled accounts have the role `admin`.
    ///
    /// # Errors
    /// [`Fault::StoreAway`] when the database cannot be asked.
    pub async fn count_admins(&self) -> Result<u64, Fault> {
        count_admins(self.database.reads(), None).await
    }

    /// Puts a stronger hash of the same password in the place of `old`, unless somebody was quicker. No right
    /// changes, so the version stays.
    pub(crate) async fn replace_hash(
        &self,
        id: AccountId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), Fault> {
        let transaction = self.database.write().await?;
        account::Entity::update_many()
            .col_expr(account::Column::PasswordHash, Expr::value(new.as_str()))
            .filter(account::Column::Id.eq(id.as_bytes().to_vec()))
            .filter(account::Column::PasswordHash.eq(old.as_str()))
            .exec(&transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    id: AccountId,
) -> Result<Option<Account>, Fault> {
    let is_it = account::Column::Id.eq(id.as_bytes().to_vec());
    Ok(load(db, Condition::all().add(is_it)).await?.pop())
}

pub(crate) async fn find_named(
    db: &impl ConnectionTrait,
    login: &Login,
) -> Result<Option<Account>, Fault> {
    let named = match login {
        Login::Email(email) => account::Column::EmailCanonical.eq(email.canonical()),
        Login::Username(name) => account::Column::UsernameCanonical.eq(name.canonical()),
        Login::Nobody(_) => return Ok(None),
    };
    Ok(load(db, Condition::all().add(named)).await?.pop())
}

async fn load(db: &impl ConnectionTrait, which: Condition) -> Result<Vec<Account>, Fault> {
    let rows = account::Entity::find()
        .filter(which)
        .order_by_asc(account::Column::Id)
        .find_with_related(account_role::Entity)
        .all(db);
    in_time(rows)
        .await?
        .into_iter()
        .map(|(row, roles)| Account::read(row, roles))
        .collect()
}

/// How many enabled accounts but `except` have the role `admin`.
pub(crate) async fn count_admins(
    db: &impl ConnectionTrait,
    except: Option<AccountId>,
) -> Result<u64, Fault> {
    let mut admins = account::Entity::find()
        .inner_join(account_role::Entity)
        .filter(account_role::Column::Role.eq(ADMIN))
        .filter(account::Column::Enabled.eq(true));
    if let Some(except) = except {
        admins = admins.filter(account::Column::Id.ne(except.as_bytes().to_vec()));
    }
    in_time(admins.count(db)).await
}

/// Makes the row and its roles. The unique indexes decide who was first; nobody looks before.
pub(crate) async fn insert(
    transaction: &DatabaseTransaction,
    draft: Draft,
) -> Result<Inserted, Fault> {
    if let Err(error) = account::Entity::insert(row(&draft))
        .exec_without_returning(transaction)
        .await
    {
        return taken(error).map(Inserted::Taken);
    }
    for role in &draft.roles {
        add_role(transaction, draft.id, role).await?;
    }
    Ok(Inserted::Done)
}

fn row(draft: &Draft) -> account::ActiveModel {
    let username = draft.username.as_ref();
    account::ActiveModel {
        id: Set(draft.id.as_bytes().to_vec()),
        version: Set(1),
        username: Set(username.map(|name| name.as_str().to_owned())),
        username_canonical: Set(username.map(|name| name.canonical().to_owned())),
        email: Set(draft.email.as_str().to_owned()),
        email_canonical: Set(draft.email.canonical().to_owned()),
        email_verified_at: Set(draft.email_verified_at.map(Timestamp::as_millisecond)),
        first_name: Set(draft.details.first_name.clone()),
        last_name: Set(draft.details.last_name.clone()),
        date_of_birth: Set(draft.details.date_of_birth.map(|date| date.to_string())),
        password_hash: Set(draft
            .password_hash
            .as_ref()
            .map(|hash| hash.as_str().to_owned())),
        enabled: Set(true),
        created_at: Set(draft.created_at.as_millisecond()),
        two_factor_at: Set(None),
    }
}

/// Which field a violated unique index belongs to: its name, or on `SQLite` its column, ends the message. (What comes
/// before it may be what the person typed.)
fn taken(error: DbErr) -> Result<Problem, Fault> {
    let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err() else {
        return Err(error.into());
    };
    let message = message.trim_end_matches(['\'', '"', '`']);
    if message.ends_with("username_canonical") {
        Ok(Problem::username_taken())
    } else if message.ends_with("email_canonical") {
        Ok(Problem::email_taken())
    } else {
        Err(error.into())
    }
}

pub(crate) async fn add_role(
    db: &DatabaseTransaction,
    id: AccountId,
    role: &Role,
) -> Result<(), Fault> {
    account_role::Entity::insert(role_row(id, role))
        .exec_without_returning(db)
        .await?;
    Ok(())
}

fn role_row(id: AccountId, role: &Role) -> account_role::ActiveModel {
    account_role::ActiveModel {
        account_id: Set(id.as_bytes().to_vec()),
        role: Set(role.as_str().to_owned()),
    }
}

pub(crate) async fn remove_role(
    db: &DatabaseTransaction,
    id: AccountId,
    role: &Role,
) -> Result<(), Fault> {
    account_role::Entity::delete_by_id((id.as_bytes().to_vec(), role.as_str().to_owned()))
        .exec(db)
        .await?;
    Ok(())
}

pub(crate) async fn delete(db: &DatabaseTransaction, id: AccountId) -> Result<(), Fault> {
    account::Entity::delete_by_id(id.as_bytes().to_vec())
        .exec(db)
        .await?;
    Ok(())
}

/// Columns that a change sets. The version is raised in the same statement, whatever changes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Columns<'a> {
    /// None of the account's own: its roles changed.
    None,
    Enabled,
    Disabled,
    Password(&'a PasswordHash),
    Details(&'a Details),
    /// The address was proven then.
    Verified(Timestamp),
    /// Another password, by somebody who proved the address then.
    Recovered(&'a PasswordHash, Timestamp),
    /// Another address, and when it was proven, if it was.
    Email(&'a EmailAddress, Option<Timestamp>),
    /// Since when there is a second factor, if there is one.
    TwoFactor(Option<Timestamp>),
}

pub(crate) async fn update(
    db: &DatabaseTransaction,
    id: AccountId,
    columns: Columns<'_>,
) -> Result<(), Fault> {
    use account::Column;
    let raised = account::Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id.as_bytes().to_vec()));
    let update = match columns {
        Columns::None => raised,
        Columns::Enabled => raised.col_expr(Column::Enabled, Expr::value(true)),
        Columns::Disabled => raised.col_expr(Column::Enabled, Expr::value(false)),
        Columns::Password(hash) => {
            raised.col_expr(Column::PasswordHash, Expr::value(hash.as_str()))
        }
        Columns::TwoFactor(since) => raised.col_expr(
            Column::TwoFactorAt,
            Expr::value(since.map(Timestamp::as_millisecond)),
        ),
        Columns::Verified(at) => {
            raised.col_expr(Column::EmailVerifiedAt, Expr::value(at.as_millisecond()))
        }
        Columns::Recovered(hash, at) => raised
            .col_expr(Column::PasswordHash, Expr::value(hash.as_str()))
            .col_expr(Column::EmailVerifiedAt, Expr::value(at.as_millisecond())),
        Columns::Email(address, verified_at) => raised
            .col_expr(Column::Email, Expr::value(address.as_str()))
            .col_expr(Column::EmailCanonical, Expr::value(address.canonical()))
            .col_expr(
                Column::EmailVerifiedAt,
                Expr::value(verified_at.map(Timestamp::as_millisecond)),
            ),
        Columns::Details(details) => raised
            .col_expr(Column::FirstName, Expr::value(details.first_name.as_str()))
            .col_expr(Column::LastName, Expr::value(details.last_name.as_str()))
            .col_expr(
                Column::DateOfBirth,
                Expr::value(details.date_of_birth.map(|date| date.to_string())),
            ),
    };
    update.exec(db).await?;
    Ok(())
}
