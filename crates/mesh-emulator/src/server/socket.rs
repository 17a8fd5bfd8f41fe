//! A connection's socket: written to within a bound of time, and watched for a client that leaves.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A socket that can be watched while it is read from and written to.
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    /// How long a client may take nothing of what is written.
    most_wait: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: Arc<TcpStream>, most_wait: Duration) -> Self {
        Self {
            stream,
            most_wait,
            waiting: None,
        }
    }

    fn poll_writing(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.stream.poll_write_ready(context)?.is_pending() {
                let wait = self.most_wait;
                let timer = self
                    .waiting
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(wait)));
                ready!(timer.as_mut().poll(context));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.waiting = None;
                    return Poll::Ready(written);
                }
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_writing(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = socket2::SockRef::from(&*self.stream);
        Poll::Ready(socket.shutdown(std::net::Shutdown::Write))
    }
}

/// Ends when the client has left: at once if the connection is reset, and after a while if the
/// client has closed its half, for it may have closed both.
pub(super) async fn left(stream: &TcpStream, half_closed: Duration) {
    const NEXT_LOOK: Duration = Duration::from_millis(500);
    loop {
        match stream.peek(&mut [0]).await {
            Ok(0) => return tokio::time::sleep(half_closed).await,
            // Another request stands before the end.
            Ok(_) => tokio::time::sleep(NEXT_LOOK).await,
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        (client.unwrap(), listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (client, server) = pair().await;
        let mut socket = Socket::new(Arc::new(server), Duration::from_millis(20));
        let piece = vec![0; 1 << 20];
        let error = loop {
            let write =
                |context: &mut Context<'_>| Pin::new(&mut socket).poll_write(context, &piece);
            if let Err(error) = std::future::poll_fn(write).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn a_client_that_resets_or_closes_has_left() {
        for resets in [true, false] {
            let (client, server) = pair().await;
            if resets {
                let zero = Some(Duration::ZERO);
                socket2::SockRef::from(&client).set_linger(zero).unwrap();
            }
            drop(client);
            let wait = Duration::from_millis(u64::from(!resets));
            left(&server, wait).await;
        }
    }
}
