//! How a host is reached: which proxy leads to it, which certificates are trusted, which addresses a name may stand for, and
//! how far a request has got on its way.

use std::net::IpAddr;
use std::sync::Arc;

mod fault;
mod proxy;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod routes;
mod trust;
#[cfg(feature = "ureq")]
pub mod ureq;

pub use self::fault::{ThroughProxy, certificate_fault};
pub use self::proxy::{Proxies, Proxy};
pub use self::routes::Routes;
pub use self::trust::Authorities;

/// Addresses of names that the system's resolver is not asked for; none for other names.
pub type Hosts = Arc<dyn Fn(&str) -> Vec<IpAddr> + Send + Sync>;
