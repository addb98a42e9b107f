//! The file origin from outside: a real socket, a real folder, bytes on the wire.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod ranges;
#[cfg(test)]
mod site;
