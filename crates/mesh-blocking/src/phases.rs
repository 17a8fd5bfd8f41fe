//! What ureq does not tell apart: the phases of an exchange.
//!
//! A transport wrapped in [`Phased`] knows whether the response's head has come. It lifts the limit
//! per read until then: that wait is a long one. It keeps a request's head back until the body, or
//! what there is of it, can go with it: one packet and one system call instead of two, and a server
//! that is woken once. It also hands a head that is there already to whoever waits for one: after
//! `Expect: 100-continue` ureq waits for more of a refusal that it has whole, for as long as the
//! server keeps the connection.

use std::cell::Cell;
use std::io::Read;
use std::time::Duration;

use ureq::unversioned::transport::time;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};
use ureq::{BodyReader, Error};

thread_local! {
    /// Whether what is read on this thread is needed by nobody.
    static LETS_GO: Cell<bool> = const { Cell::new(false) };
}

/// How long the end of a body is waited for of which everything that matters has come.
const PATIENCE: Duration = Duration::from_millis(1);

/// Lets go of a response. Where its end is at hand, the connection is kept: a stream's reply is
/// whole some bytes before its body is.
pub(crate) fn let_go(mut body: BodyReader<'_>) {
    LETS_GO.set(true);
    // With anything but its end, the connection is closed.
    let _rest = body.read(&mut [0; 64]);
    LETS_GO.set(false);
}

/// A transport that knows whether the response's head has come.
#[derive(Debug)]
pub(crate) struct Phased<T> {
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
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            head: Head::Offered,
            held: Vec::new(),
        }
    }

    /// Transmits what was held.
    fn release(&mut self, timeout: NextTimeout) -> Result<(), Error> {
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
        if LETS_GO.get() {
            timeout.after = timeout.after.min(time::Duration::Exact(PATIENCE));
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
    use super::*;

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
