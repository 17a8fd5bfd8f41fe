//! What ureq does not tell apart: the phases of an exchange.
//!
//! A transport wrapped in [`Phased`] knows whether the response's head has come. It lifts the limit
//! per read until then: that wait is a long one. It keeps a request's head back until the body, or
//! what there is of it, can go with it: one packet and one system call instead of two, and a server
//! that is woken once. It also hands a head that is there already to whoever waits for one: after
//! `Expect: 100-continue` ureq waits for more of a refusal that it has whole, for as long as the
//! server keeps the connection.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use ureq::unversioned::transport::time;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use ureq::{BodyReader, Error, Timeout};

thread_local! {
    /// How long a read on this thread may take, where a response is let go of.
    static HASTE: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// How long the end of a body is waited for of which everything that matters has come.
const PATIENCE: Duration = Duration::from_millis(1);

/// Lets go of a response. Where its end is at hand, or comes with the next read, the connection is
/// kept: a stream's reply is whole some bytes before its body is.
pub fn let_go(mut body: BodyReader<'_>) {
    struct Haste;
    impl Drop for Haste {
        fn drop(&mut self) {
            HASTE.set(None);
        }
    }
    HASTE.set(Some(PATIENCE));
    let _haste = Haste;
    // With anything but its end, the connection is closed.
    let _rest = body.read(&mut [0; 64]);
}

/// A transport that knows whether the response's head has come.
pub(super) struct Phased<T> {
    inner: T,
    head: Head,
    /// The beginning of a request, to go with what follows.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Awaited,
    /// It lies in the buffer whole.
    Here,
    /// Whoever asks has been told that it is there, or nobody has asked for one.
    Offered,
}

/// How much memory a kept connection keeps for the heads of requests, in bytes.
const HELD: usize = 4 << 10;

impl<T: Transport> Phased<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            head: Head::Offered,
            held: Vec::new(),
        }
    }

    /// Transmits what was held.
    fn release(&mut self, mut timeout: NextTimeout) -> Result<(), Error> {
        // When a wait for the go-ahead takes too long, ureq goes on, and must not on half a head.
        timeout.reason = Timeout::SendRequest;
        let room = self.inner.buffers().output().len().max(1);
        for piece in self.held.chunks(room) {
            if let Some(output) = self.inner.buffers().output().get_mut(..piece.len()) {
                output.copy_from_slice(piece);
            }
            self.inner.transmit_output(piece.len(), timeout)?;
        }
        self.held.clear();
        self.held.shrink_to(HELD);
        Ok(())
    }
}

// What is held has the key in it.
impl<T: fmt::Debug> fmt::Debug for Phased<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Phased").field(&self.inner).finish()
    }
}

impl<T: Transport> Transport for Phased<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        // What has come and is not read yet keeps ureq from waiting, and so from releasing.
        let begins = self.head != Head::Awaited && self.inner.buffers().input().is_empty();
        self.head = Head::Awaited;
        if !begins && self.held.is_empty() {
            return self.inner.transmit_output(amount, timeout);
        }
        let output = self.inner.buffers().output();
        self.held
            .extend_from_slice(output.get(..amount).unwrap_or_default());
        if begins {
            Ok(())
        } else {
            self.release(timeout)
        }
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        self.release(timeout)?;
        if let Some(left) = HASTE.get() {
            if left.is_zero() {
                return Err(Error::Timeout(timeout.reason));
            }
            HASTE.set(Some(Duration::ZERO));
            timeout.after = timeout.after.min(time::Duration::Exact(left));
        }
        if self.head == Head::Here {
            self.head = Head::Offered;
            if has_final_head(self.inner.buffers().input()) {
                return Ok(true);
            }
        }
        if self.head == Head::Offered {
            return self.inner.await_input(timeout);
        }
        let timeout = NextTimeout {
            per_read: None,
            ..timeout
        };
        let made_progress = self.inner.await_input(timeout)?;
        if has_final_head(self.inner.buffers().input()) {
            self.head = Head::Here;
        }
        Ok(made_progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Whether `input` begins with the whole head of a response that is not an interim one (RFC 9110,
/// section 15.2).
fn has_final_head(input: &[u8]) -> bool {
    let is_response = input.starts_with(b"HTTP/1.");
    let is_interim = input.get(9) == Some(&b'1');
    is_response && !is_interim && input.windows(4).any(|window| window == b"\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    struct Wire(LazyBuffers, Vec<Vec<u8>>);

    impl fmt::Debug for Wire {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Wire")
        }
    }

    impl Transport for Wire {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.0
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            let sent = self.0.output().get(..amount).unwrap().to_vec();
            self.1.push(sent);
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            let head = b"HTTP/1.1 200 OK\r\n\r\n";
            let input = self.0.input_append_buf();
            input.get_mut(..head.len()).unwrap().copy_from_slice(head);
            self.0.input_appended(head.len());
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn write(phased: &mut Phased<Wire>, bytes: &[u8]) {
        let output = phased.buffers().output();
        output
            .get_mut(..bytes.len())
            .unwrap()
            .copy_from_slice(bytes);
        let timeout = NextTimeout::default();
        phased.transmit_output(bytes.len(), timeout).unwrap();
    }

    #[test]
    fn a_head_waits_for_what_follows_and_is_not_shown() {
        let mut phased = Phased::new(Wire(LazyBuffers::new(64, 8), Vec::new()));
        for _ in 0..2 {
            write(&mut phased, b"head");
            assert!(phased.inner.1.is_empty());
            assert_eq!(format!("{phased:?}"), "Phased(Wire)");
            write(&mut phased, b"-and-bo");
            write(&mut phased, b"dy");
            let sent: Vec<_> = phased.inner.1.drain(..).collect();
            assert_eq!(sent, [&b"head-and"[..], b"-bo", b"dy"]);

            assert!(phased.await_input(NextTimeout::default()).unwrap());
            let length = phased.buffers().input().len();
            phased.buffers().input_consume(length);
        }
        write(&mut phased, b"head");
        assert!(phased.await_input(NextTimeout::default()).unwrap());
        assert_eq!(phased.inner.1, [b"head"]);
    }

    #[test]
    fn a_final_head_is_whole_and_not_interim() {
        for (input, expected) in [
            (
                &b"HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\n<html>"[..],
                true,
            ),
            (b"HTTP/1.1 200 OK\r\n\r\n", true),
            (b"HTTP/1.1 200 OK\r\nx: y\r\n", false),
            (b"HTTP/1.1 100 Continue\r\n\r\n", false),
            (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", false),
            (b"5\r\nhello\r\n\r\n", false),
            (b"", false),
        ] {
            assert_eq!(
                has_final_head(input),
                expected,
                "{:?}",
                String::from_utf8_lossy(input)
            );
        }
    }
}
