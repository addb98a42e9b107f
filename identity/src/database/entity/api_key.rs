//! `api_key`: how programs get in.

use sea_orm::entity::prelude::*;

/// A row: one key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// Of its secret; the name of the session that stands for it.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub hash: Vec<u8>,
    /// What it is called in lists and commands.
    #[sea_orm(unique)]
    pub public_id: String,
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
    pub account_id: Vec<u8>,
    pub name: String,
    /// JSON.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub last_used_at: Option<i64>,
    /// Present: it is good no more, and its session has still to be ended.
    pub revoked_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
