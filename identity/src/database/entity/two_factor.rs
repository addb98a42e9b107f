//! `two_factor`: what an authenticator app and we both know.

use sea_orm::entity::prelude::*;

/// A row: the secret of one account. It counts only if `account.two_factor_at` says so; else it waits to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "two_factor")]
pub struct Model {
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(16))"
    )]
    pub account_id: Vec<u8>,
    /// Encrypted with the server's secret, bound to the account.
    #[sea_orm(column_type = "VarBinary(StringLen::N(80))")]
    pub secret: Vec<u8>,
    /// The latest time step whose code was accepted: only later ones are.
    pub last_step: i64,
    /// SHA-256 of the token of whoever saw the secret, until it is confirmed.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))", nullable)]
    pub enrolment: Option<Vec<u8>>,
    pub begun_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
