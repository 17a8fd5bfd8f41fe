//! A bound on connections. When all seats are taken, the connection whose client has kept the server
//! waiting for longest makes place; one that is being answered keeps its seat.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::Notify;

/// All seats.
#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    guests: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    /// Since when the client is waited for; `None` while it is being answered.
    waiting: Option<Instant>,
    leave: Arc<Notify>,
}

/// A connection's seat, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    leave: Arc<Notify>,
}

impl Seats {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat; `None` if all are taken by connections that are being answered.
    pub(super) fn take(self: &Arc<Self>) -> Option<Seat> {
        let mut taken = self.taken();
        if taken.guests.len() >= self.most {
            let waiting = taken.guests.iter();
            let waiting = waiting.filter_map(|(number, it)| Some((it.waiting?, *number)));
            let (_, longest) = waiting.min()?;
            let guest = taken.guests.remove(&longest)?;
            guest.leave.notify_one();
        }
        let number = taken.next;
        taken.next = number.wrapping_add(1);
        let leave = Arc::new(Notify::new());
        let guest = Guest {
            waiting: Some(Instant::now()),
            leave: Arc::clone(&leave),
        };
        taken.guests.insert(number, guest);
        Some(Seat {
            seats: Arc::clone(self),
            number,
            leave,
        })
    }
}

impl Seat {
    /// Notes that from now on the client is waited for.
    pub(super) fn wait(&self) {
        self.set(Some(Instant::now()));
    }

    fn set(&self, waiting: Option<Instant>) {
        if let Some(guest) = self.seats.taken().guests.get_mut(&self.number) {
            guest.waiting = waiting;
        }
    }

    /// Ends when the seat was given to another connection.
    pub(super) async fn given_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().guests.remove(&self.number);
    }
}

/// As long as it lives, its connection is being answered.
pub(super) struct Busy(Arc<Seat>);

impl Busy {
    pub(super) fn new(seat: Arc<Seat>) -> Self {
        seat.set(None);
        Self(seat)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// Tells a client that there is no place for it.
pub(super) async fn turn_away(stream: TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 91\r\n\r\n{\"error\":{\"code\":\"overloaded\",\"message\":\"All connections are taken by others at present.\"}}";
    let told = async {
        stream.writable().await?;
        stream.try_write(FULL)?;
        socket2::SockRef::from(&stream).shutdown(Shutdown::Write)?;
        // What the client still sends is taken, so that it can read the answer.
        let mut taken = [0; 4096];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut taken) {
                Ok(0) => return Ok::<(), io::Error>(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    // A client that does not take it, or does not end, is not waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), told).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_kept_the_server_waiting_for_longest_makes_place() {
        let seats = Seats::new(2);
        let (first, second) = (seats.take().unwrap(), Arc::new(seats.take().unwrap()));
        let numbers = || seats.taken().guests.keys().copied().collect::<Vec<u64>>();
        first.wait();
        let third = seats.take().unwrap();
        assert_eq!(numbers(), [first.number, third.number]);
        let busy = Busy::new(Arc::new(third));
        drop(second);
        let fourth = seats.take().unwrap();
        assert_eq!(numbers(), [2, fourth.number]);
        let also_busy = Busy::new(Arc::new(fourth));
        assert!(seats.take().is_none());
        drop(busy);
        assert!(seats.take().is_some());
        drop(also_busy);
        drop(first);
    }
}
