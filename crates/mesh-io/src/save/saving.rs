//! A picture on its way into a file, off a runtime of tokio.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mesh_proto::destination::Destination;
use mesh_proto::download::Piece;
use mesh_proto::image::GeneratedImage;
use tokio::task::spawn_blocking;

use super::{Draft, SaveError, Saved};

/// A [`Draft`] for asynchronous code: its file is touched on threads that may block. Dropped before
/// the picture is put into its place, it leaves nothing, at the latest when the turn of writing
/// ends that is under way.
#[derive(Debug)]
pub struct Saving {
    /// Between two turns: a turn owns it, so that it is dropped wherever whoever saves stops.
    draft: Option<Draft>,
    path: PathBuf,
    /// Gone once nobody waits any longer.
    waiting: Arc<()>,
}

impl Saving {
    /// As [`Draft::create`].
    pub async fn create(to: impl Into<Destination>) -> Result<Self, SaveError> {
        let to = to.into();
        let mut saving = Self {
            draft: None,
            path: to.path().to_owned(),
            waiting: Arc::new(()),
        };
        saving.draft = Some(saving.off_runtime(|| Draft::create(to)).await?);
        Ok(saving)
    }

    /// Takes the next piece, and writes when there are enough. Errors as [`Draft::flush`] does.
    pub async fn take(&mut self, piece: Piece) -> Result<(), SaveError> {
        let Some(draft) = &mut self.draft else {
            return Err(self.failed(io::ErrorKind::Interrupted));
        };
        draft.push(piece);
        if draft.is_full() {
            self.turn(Draft::flush).await?;
        }
        Ok(())
    }

    /// Writes a picture whose bytes are there. Errors as [`Draft::begin`] and [`Draft::copy`] do.
    pub async fn copy(&mut self, picture: GeneratedImage) -> Result<(), SaveError> {
        let mut reader = self.turn(move |draft| draft.begin(&picture)).await?;
        loop {
            let copied = self.turn(|draft| Ok((draft.copy(&mut reader)?, reader)));
            let (next, rest) = copied.await?;
            if next.is_break() {
                return Ok(());
            }
            reader = rest;
        }
    }

    /// As [`Draft::finish`].
    pub async fn finish(mut self) -> Result<Saved, SaveError> {
        // A turn of its own: what takes long can be given up, and the last turn cannot.
        self.turn(Draft::settle).await?;
        match self.draft.take() {
            Some(draft) => self.off_runtime(|| draft.finish()).await,
            None => Err(self.failed(io::ErrorKind::Interrupted)),
        }
    }

    async fn turn<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Draft) -> Result<T, SaveError> + Send + 'static,
    ) -> Result<T, SaveError> {
        let Some(mut draft) = self.draft.take() else {
            return Err(self.failed(io::ErrorKind::Interrupted));
        };
        let done = self.off_runtime(|| work(&mut draft).map(|value| (draft, value)));
        let (draft, value) = done.await?;
        self.draft = Some(draft);
        Ok(value)
    }

    async fn off_runtime<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SaveError> + Send + 'static,
    ) -> Result<T, SaveError> {
        let waiting = Arc::downgrade(&self.waiting);
        let given_up = self.failed(io::ErrorKind::Interrupted);
        let work = spawn_blocking(move || match waiting.strong_count() {
            0 => Err(given_up),
            _ => work(),
        });
        work.await.unwrap_or_else(|error| Err(self.failed(error)))
    }

    fn failed(&self, error: impl Into<io::Error>) -> SaveError {
        SaveError::File {
            path: self.path.clone(),
            error: error.into(),
        }
    }
}
