//! `invite`: who may make an account, and was not here yet.

use sea_orm::entity::prelude::*;

/// A row: one invitation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    /// Of what the link carries.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub hash: Vec<u8>,
    /// Whose it is, as compared.
    #[sea_orm(unique)]
    pub address: String,
    /// The same as it was typed.
    pub address_shown: String,
    /// Joined by commas; empty means those of the configuration.
    #[sea_orm(column_type = "Text")]
    pub roles: String,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
