//! The pages as a browser meets them, on a real embedded identity.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what does not hold by failing"
)]

mod account;
mod addresses;
mod again;
mod api;
mod app;
mod browser;
mod cookies;
mod delete;
mod email;
mod front_door;
mod guard;
mod hosts;
mod house;
mod keys;
mod login;
mod logout;
mod outage;
mod register;
mod second_step;
mod setup;
mod two_factor;
