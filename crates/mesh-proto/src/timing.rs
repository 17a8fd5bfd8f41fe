//! Time as the call knows it: moments that the driver gives, and limits between them.

use std::fmt;
use std::time::Duration;

/// A point in time, as a duration since an origin that the driver picks and keeps for the whole
/// call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The origin itself.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// The moment this long after the origin.
    pub const fn after_origin(duration: Duration) -> Self {
        Self(duration)
    }

    /// How long after the origin this is.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this is: zero where it is not.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment this much later, or the last there is.
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// How long a call may take, phase by phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// From the first attempt to the end of the reply, waits included. None by default: a healthy
    /// stream may be long.
    pub total: Option<Duration>,
    /// To establish a connection, TLS included. 10 s by default.
    pub connect: Duration,
    /// From the request's last byte to the response's head. By default the request's own `timeout`
    /// and 30 s more, or 330 s: image models take up to 207 s, and the gateway waits 300.
    pub head: Option<Duration>,
    /// Between two pieces of a response; a comment in a stream counts. 300 s by default.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            total: None,
            connect: Duration::from_secs(10),
            head: None,
            idle: Duration::from_secs(300),
        }
    }
}

impl Deadlines {
    /// The limit for the head, for a request that asks the gateway to wait for `upstream`.
    pub fn head_for(&self, upstream: Option<Duration>) -> Duration {
        let waited = upstream.unwrap_or(Duration::from_secs(300));
        self.head
            .unwrap_or_else(|| waited.saturating_add(Duration::from_secs(30)))
    }
}

/// A limit of [`Deadlines`] that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// The limit for the whole call.
    Total(Duration),
    /// The limit for connecting.
    Connect(Duration),
    /// The limit for the response's head, or for sending the request.
    Head(Duration),
    /// The limit between two pieces of a response.
    Idle(Duration),
}

impl Deadline {
    /// How long the limit was.
    pub fn limit(self) -> Duration {
        match self {
            Self::Total(limit) | Self::Connect(limit) | Self::Head(limit) | Self::Idle(limit) => {
                limit
            }
        }
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total(limit) => {
                write!(f, "the call took longer than its {} s", limit.as_secs_f64())
            }
            Self::Connect(limit) => write!(f, "no connection within {} s", limit.as_secs_f64()),
            Self::Head(limit) => write!(f, "no response within {} s", limit.as_secs_f64()),
            Self::Idle(limit) => {
                write!(f, "the response stood still for {} s", limit.as_secs_f64())
            }
        }
    }
}
