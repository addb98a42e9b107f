//! `login_flow`: sign-ins that stopped half-way, before the second factor.

use sea_orm::entity::prelude::*;

/// A row: one of them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_flow")]
pub struct Model {
    /// SHA-256 of the token.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub hash: Vec<u8>,
    #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
    pub account_id: Vec<u8>,
    /// The account's version when the first factor was right: any change since ends the flow.
    pub version: i64,
    /// Whether "stay signed in" was asked for.
    pub remembered: bool,
    /// How many codes were tried.
    pub tries: i32,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
