//! `refresh_token`: what programs get a new access token for.

use sea_orm::entity::prelude::*;

/// A row: one token. Those of one session are one family.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub hash: Vec<u8>,
    /// The session behind it.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub session: Vec<u8>,
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
    pub account_id: Vec<u8>,
    /// Whether it was exchanged for another.
    pub used: bool,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
