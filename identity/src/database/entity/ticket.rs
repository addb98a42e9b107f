//! `ticket`: what leads from the portal's host to another one, once.

use sea_orm::entity::prelude::*;

/// A row: one ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    /// Of the ticket.
    #[sea_orm(
        primary_key,
        auto_increment = false,
        column_type = "VarBinary(StringLen::N(32))"
    )]
    pub hash: Vec<u8>,
    /// Of the origin that it is for and the browser's challenge.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub bound_to: Vec<u8>,
    /// The portal's session that it comes from.
    #[sea_orm(column_type = "VarBinary(StringLen::N(32))")]
    pub session: Vec<u8>,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
