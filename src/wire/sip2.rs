//! SIP2 as bytes: the 3M Standard Interchange Protocol version 2.00, by which vendors and self-service stations ask a
//! library whether a card and PIN are good. Here lines are cut out of a stream, messages are read and written, and
//! nothing else happens: sockets, timeouts, patrons and what is answered to whom belong to the listener.
//!
//! The way of a message: `Framer` cuts a line, `Request::read` understands it, the listener decides, `Response::write`
//! says it. A vendor's side has `Request::write` and `Reply::read`.
//!
//! A message is a code of two digits, a part of fixed width, fields of two letters and a value that ends with `|`, and
//! perhaps a trailer that guards against errors of the line (`checksum`).

pub mod charset;
pub mod checksum;
pub mod code;
mod compose;
pub mod date;
pub mod frame;
mod parts;
pub mod patron;
mod refusal;
pub mod reply;
pub mod request;
pub mod response;
#[cfg(test)]
mod tests;

pub use charset::Charset;
pub use checksum::Trailer;
pub use code::Code;
pub use date::{Date, Zone};
pub use frame::{Framer, TooLong};
pub use reply::Reply;
pub use request::{Incoming, Request};
pub use response::Response;

/// Why a line is not taken. Its texts are for logs and never hold anything of the line: it may be a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The line was damaged on its way, or its trailer is not one. The standard answers 96, which asks for it again.
    #[error("the checksum does not fit the message")]
    WrongChecksum,
    /// Sending it again would not help.
    #[error("the message is malformed: {0}")]
    Malformed(&'static str),
}
