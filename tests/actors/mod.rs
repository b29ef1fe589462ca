//! Who the promises are told with: a library, its browsers, its vendors, its operator.
//! What a promise says is in the modules beside; how an actor does its part is here.

mod apache;
mod beside;
mod browser;
mod chromium;
mod clock;
mod ear;
mod engine;
mod fleet;
mod helm;
mod liar;
mod library;
mod mellon;
mod oneroster;
mod openidc;
mod operator;
mod parts;
mod postgres;
mod press;
mod primary;
mod process;
mod reading_room;
mod redis;
mod replicas;
mod roster;
#[path = "../clients/rust/conversation.rs"]
mod rust_conversation;
#[path = "../clients/rust/sip2_vendor.rs"]
mod rust_sip2_vendor;
#[path = "../clients/rust/library.rs"]
mod rust_vendor;
mod saml;
mod school;
mod scrape;
mod sip2;
mod sip2_vendor;
mod slapd;
mod small_disk;
mod sp;
mod stock;
mod trial;
mod vendor;

pub use browser::{Arrival, Browser, CHANGED_PIN, Page};
pub use chromium::{Chromium, Look};
pub use clock::SteppedClock;
pub use ear::{Ear, verified};
pub use engine::{Engine, count};
pub use fleet::{Fleet, Founding};
pub use helm::{Helm, kubernetes_takes, pod_of, queries};
pub use liar::{CLIENT, Discovery, Liar, Lies, Signed, Token, words_of};
pub use library::{Declared, Library, Patron, RelyingParty};
pub use mellon::Mellon;
pub use oneroster::{CLIENT as SYSTEMS_CLIENT, Moods, OneRosterService, SECRET};
pub use openidc::Openidc;
pub use operator::{Done, Operator, run as operate};
pub use parts::{Folder, free_port as parts_free_port, part, skip};
pub use press::Press;
pub use primary::{Primary, pictures_of};
pub use reading_room::ReadingRoom;
pub use redis::{Redis, Sentinel};
pub use replicas::Replicas;
pub use roster::{Delivery, Person};
pub use saml::{Identity, Peer, Question, ServiceProvider, roam};
pub use school::{School, people};
pub use scrape::Scrape;
pub use sip2::{Doors, Message, Sip2, address_of as sip2_address, with_trailer};
pub use sip2_vendor::{Account, Sip2Peer, Sip2Vendor};
pub use slapd::{BASE, Colleague, READER, READER_PASSWORD, SIZE_LIMIT, Slapd};
pub use small_disk::SmallDisk;
pub use sp::{Answer, Shape, Sp, id as saml_id, keys_of, message_in, now as saml_now, posted_fields};
pub use stock::{Stock, StockClient};
pub use vendor::{
    Challenge, OidcVendor, basic, carry, challenge_of, json_of, payload_of, query as query_of, random_word,
};

/// Tells one promise on SQLite and on PostgreSQL, as `NAME::sqlite` and `NAME::postgres`.
///
/// `shared` uses the one demo that all such promises share, and so may sign in, click and declare vendors of its own,
/// but never guess PINs or change patrons. `own` has a demo to itself; `founded` a library with a configuration and a
/// roster of the test's own and no patron yet.
macro_rules! promise {
    ($kind:ident, async fn $name:ident($library:ident) $body:block) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            #[allow(unused_mut)]
            async fn told(mut $library: promise!(@type $kind)) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                if let Some(library) = promise!(@make $kind, crate::actors::Engine::Sqlite) {
                    told(library).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(library) = promise!(@make $kind, crate::actors::Engine::Postgres) {
                    told(library).await;
                }
            }
        }
    };
    (@type shared) => { &'static crate::actors::Library };
    (@type own) => { crate::actors::Library };
    (@type founded) => { crate::actors::Library };
    (@make shared, $engine:expr) => { crate::actors::Library::shared($engine) };
    (@make own, $engine:expr) => { crate::actors::Library::demo($engine) };
    (@make founded, $engine:expr) => { crate::actors::Library::founded($engine) };
}
pub(crate) use promise;
