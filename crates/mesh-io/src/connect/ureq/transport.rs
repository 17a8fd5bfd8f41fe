//! The one transport between ureq and its socket or TLS session: keeps a call's limits, takes out
//! interim responses and trailers, and lets a call be cancelled.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, ShutdownHandle,
    Transport, time,
};
use ureq::{Error, Timeout};

use super::cancel::{Cancelled, Interrupt};
use super::framing::{Framing, Head, find_line_end};
use super::resolver::ReachResolver;
use super::scope::{Scope, after};

/// How many bytes of trailers are read after the last chunk.
const MAX_TRAILERS: usize = 16 << 10;

/// How long trailers may take after the last chunk.
const TRAILERS_WITHIN: Duration = Duration::from_secs(5);

/// How much is shown to ureq at once: as much as a driver reads.
const PIECE: usize = 64 << 10;

/// The longest that a socket is asked to wait at once.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// The response's head is over [`MAX_RESPONSE_HEADERS`](mesh_proto::call::MAX_RESPONSE_HEADERS) or
/// [`MAX_RESPONSE_HEAD_BYTES`](mesh_proto::call::MAX_RESPONSE_HEAD_BYTES).
#[derive(Debug)]
pub struct HeadTooLarge;

impl fmt::Display for HeadTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many response headers")
    }
}

impl StdError for HeadTooLarge {}

/// Connects as ureq does, within the limits of the call, and wraps the transport.
#[derive(Debug)]
pub(super) struct ScopedConnector {
    /// Asked for the addresses of proxies alone.
    pub(super) resolver: ReachResolver,
    pub(super) connector: Arc<DefaultConnector>,
}

impl Connector for ScopedConnector {
    type Out = ScopedTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<ScopedTransport>, Error> {
        let scope = Scope::current();
        let sockets = Sockets::default();
        let dial = Dial {
            connector: self.connector.clone(),
            resolver: self.resolver.clone(),
            uri: details.uri.clone(),
            config: details.config.clone(),
            addrs: details.addrs.clone(),
        };
        let connect = {
            let (sockets, request_level) = (sockets.clone(), details.request_level);
            let current_time = details.current_time.clone();
            let register = details.register_shutdown.clone();
            move || {
                let details = ConnectionDetails {
                    uri: &dial.uri,
                    addrs: dial.addrs.clone(),
                    config: &dial.config,
                    request_level,
                    resolver: &dial.resolver,
                    now: current_time(),
                    timeout: dial.timeout(),
                    current_time,
                    run_connector: dial.connector_to_proxies(),
                    register_shutdown: Arc::new(move |handle| {
                        sockets.add(handle.clone());
                        register(handle)
                    }),
                };
                dial.connector.connect(&details, None)
            }
        };
        let connected = if scope.cancel.is_some() {
            let sockets = sockets.clone();
            scope.on_a_thread(move || sockets.shut_down(), connect)
        } else {
            connect()
        };
        let Some(inner) = connected? else {
            return Ok(None);
        };
        // The body of a request must not leave once its call has given up on the connection.
        if Instant::now() >= scope.connected_by() {
            return Err(Error::Timeout(Timeout::Connect));
        }
        Ok(Some(ScopedTransport::new(
            inner,
            Arc::new(move || sockets.shut_down()),
        )))
    }
}

/// What a connection is made from.
struct Dial {
    connector: Arc<DefaultConnector>,
    resolver: ReachResolver,
    uri: Uri,
    config: Config,
    addrs: ResolvedSocketAddrs,
}

type ProxyConnector =
    dyn Fn(&ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> + Send + Sync;

impl Dial {
    /// The limit for connecting. ureq divides it between the addresses and rounds each part down to
    /// a millisecond: with one more for each, the call's own limit has passed when ureq's has.
    fn timeout(&self) -> NextTimeout {
        let left = Scope::current()
            .connected_by()
            .saturating_duration_since(Instant::now());
        let rounding = Duration::from_millis(1 + self.addrs.len() as u64);
        NextTimeout {
            after: time::Duration::Exact(left + rounding),
            reason: Timeout::Connect,
            ..NextTimeout::default()
        }
    }

    /// Connects to a proxy: what goes over that connection is no HTTP of the call.
    fn connector_to_proxies(&self) -> Arc<ProxyConnector> {
        let connector = self.connector.clone();
        Arc::new(move |details| {
            connector
                .connect(details, None)?
                .ok_or(Error::ConnectionFailed)
        })
    }
}

/// The sockets of one connection, which another thread can shut down.
#[derive(Clone, Default)]
struct Sockets(Arc<Mutex<Vec<Weak<dyn ShutdownHandle>>>>);

impl Sockets {
    fn add(&self, socket: Weak<dyn ShutdownHandle>) {
        let mut sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sockets.push(socket);
    }

    fn shut_down(&self) {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for socket in sockets.iter().filter_map(Weak::upgrade) {
            socket.shutdown();
        }
    }
}

/// A transport that keeps the limits of the call that uses it.
pub(super) struct ScopedTransport {
    inner: Box<dyn Transport>,
    interrupt: Interrupt,
    phase: Phase,
    /// What ureq may read of the response. What else was received stays in `inner`.
    shown: Vec<u8>,
    /// How much of `shown` ureq has read.
    read: usize,
    /// Whether ureq has not looked at `shown` yet, or could use some of it.
    is_usable: bool,
}

#[derive(Debug)]
enum Phase {
    /// No request was sent, or its response is over.
    Idle,
    /// A request is sent, since when and until when, or its head is waited for.
    Head { began: Instant, sent: Instant },
    /// The response's head was received.
    Body(Framing),
}

impl ScopedTransport {
    pub(super) fn new(inner: Box<dyn Transport>, interrupt: Interrupt) -> Self {
        Self {
            inner,
            interrupt,
            phase: Phase::Idle,
            shown: Vec::new(),
            read: 0,
            is_usable: false,
        }
    }

    /// Shows ureq what it may read of the input, and returns whether there is more than before.
    fn show(&mut self, waits_for: Timeout) -> Result<bool, Error> {
        loop {
            let input = self.inner.buffers().input();
            let framing = match &mut self.phase {
                Phase::Idle => &mut Framing::Unknown,
                Phase::Head { .. } => match Head::read(input) {
                    Head::Incomplete => return Ok(false),
                    Head::TooLarge => return Err(Error::Other(HeadTooLarge.into())),
                    Head::Interim { length, status } => {
                        self.inner.buffers().input_consume(length);
                        if status == 100 && waits_for == Timeout::Await100 {
                            // To ureq, which reads no 100 with headers, the end of the wait is the
                            // same as the go-ahead.
                            return Err(Error::Timeout(Timeout::Await100));
                        }
                        continue;
                    }
                    Head::Final { length, framing } => {
                        self.move_input(length);
                        self.phase = Phase::Body(framing);
                        self.show(waits_for)?;
                        return Ok(true);
                    }
                },
                Phase::Body(framing) => framing,
            };
            if let Framing::Trailers { length, .. } = framing {
                match find_line_end(input) {
                    Some(0) => {
                        *framing = Framing::Ended;
                        self.move_input(2);
                        return Ok(true);
                    }
                    Some(end) if *length + end < MAX_TRAILERS => {
                        *length += end + 2;
                        self.inner.buffers().input_consume(end + 2);
                        continue;
                    }
                    None if *length + input.len() < MAX_TRAILERS => return Ok(false),
                    _ => return Err(closed()),
                }
            }
            let piece = input.get(..input.len().min(PIECE)).unwrap_or_default();
            let count = framing.follow(piece);
            self.move_input(count);
            return Ok(count > 0);
        }
    }

    /// Moves bytes from the input of the transport beneath to what ureq may read.
    fn move_input(&mut self, count: usize) {
        let buffers = self.inner.buffers();
        self.shown.drain(..self.read);
        self.read = 0;
        let input = buffers.input().get(..count).unwrap_or_default();
        self.shown.extend_from_slice(input);
        buffers.input_consume(count);
        self.is_usable = true;
    }

    /// When the phase is over.
    fn limit(&self, scope: &Scope) -> Instant {
        let idle = scope.until(scope.entered, scope.idle);
        match &self.phase {
            Phase::Head { sent, .. } => scope.until(*sent, scope.head),
            Phase::Body(Framing::Trailers { since, .. }) => {
                scope.until(*since, TRAILERS_WITHIN).min(idle)
            }
            Phase::Idle | Phase::Body(_) => idle,
        }
    }

    /// Reads once from the transport beneath, and returns whether something was received.
    fn receive(&mut self, scope: &Scope, until: Instant, reason: Timeout) -> Result<bool, Error> {
        loop {
            let timeout = timeout(until, reason)?;
            let inner = &mut self.inner;
            match scope.interruptible(&self.interrupt, || inner.await_input(timeout)) {
                // Sockets round their limits.
                Err(Error::Timeout(_)) => {}
                received => return received,
            }
        }
    }
}

/// What is left until an instant.
fn timeout(until: Instant, reason: Timeout) -> Result<NextTimeout, Error> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::Timeout(reason));
    }
    Ok(NextTimeout {
        after: time::Duration::Exact(left.min(LONGEST_WAIT)),
        reason,
        ..NextTimeout::default()
    })
}

impl Transport for ScopedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, ureqs: NextTimeout) -> Result<(), Error> {
        let scope = Scope::current();
        let began = match self.phase {
            Phase::Head { began, .. } => began,
            Phase::Idle | Phase::Body(_) => Instant::now(),
        };
        let timeout = timeout(scope.until(began, scope.head), ureqs.reason)?;
        let inner = &mut self.inner;
        scope.interruptible(&self.interrupt, || inner.transmit_output(amount, timeout))?;
        self.phase = Phase::Head {
            began,
            sent: Instant::now(),
        };
        Ok(())
    }

    fn await_input(&mut self, ureqs: NextTimeout) -> Result<bool, Error> {
        let scope = Scope::current();
        // ureq's own limit is that of the wait for the go-ahead; others are not set.
        let asked = after(Instant::now(), *ureqs.after);
        while !self.show(ureqs.reason)? {
            let until = self.limit(&scope).min(asked);
            let received = self.receive(&scope, until, ureqs.reason);
            match (&self.phase, received) {
                (_, Ok(true)) => {}
                // Nothing is missing of the body, so the end of the connection is the end of it.
                (Phase::Body(Framing::Trailers { .. }), received)
                    if !received.as_ref().is_err_and(is_cancelled) =>
                {
                    return Err(closed());
                }
                (Phase::Head { .. }, Ok(false)) => {
                    return Err(closed());
                }
                (_, received) => return received,
            }
        }
        Ok(true)
    }

    fn is_open(&mut self) -> bool {
        self.inner.buffers().input().is_empty() && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// What ureq takes for the end of the connection.
fn closed() -> Error {
    Error::Io(io::ErrorKind::UnexpectedEof.into())
}

fn is_cancelled(error: &Error) -> bool {
    matches!(error, Error::Other(error) if error.is::<Cancelled>())
}

impl Buffers for ScopedTransport {
    fn output(&mut self) -> &mut [u8] {
        self.inner.buffers().output()
    }

    fn input(&self) -> &[u8] {
        self.shown.get(self.read..).unwrap_or_default()
    }

    /// Only the transport beneath appends.
    fn input_append_buf(&mut self) -> &mut [u8] {
        &mut []
    }

    fn input_appended(&mut self, _amount: usize) {}

    fn input_consume(&mut self, amount: usize) {
        self.is_usable = amount > 0;
        self.read = self.shown.len().min(self.read + amount);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.inner.buffers().tmp_and_output()
    }

    fn can_use_input(&self) -> bool {
        self.is_usable && !self.input().is_empty()
    }
}

// What was received may be an image or have the key in it.
impl fmt::Debug for ScopedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedTransport").field(&self.inner).finish()
    }
}
