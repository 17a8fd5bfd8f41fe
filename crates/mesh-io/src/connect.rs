//! How a host is reached: which certificates are trusted, which addresses a name may stand for, and
//! how far a request has got on its way.

#[cfg(feature = "reqwest")]
pub mod reqwest;
mod routes;
mod trust;
#[cfg(feature = "ureq")]
pub mod ureq;

pub use self::routes::Routes;
pub use self::trust::Authorities;
