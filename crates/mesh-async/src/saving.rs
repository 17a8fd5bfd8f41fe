//! A picture on its way into a file, off the runtime.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use mesh_proto::download::Piece;
use mesh_proto::image::{Destination, GeneratedImage};
use mesh_save::{Draft, SaveError, Saved};
use tokio::task::spawn_blocking;

/// A draft between two turns of writing. A turn owns it, so that it is dropped, and its file with
/// it, wherever whoever saves stops.
pub(crate) struct Saving {
    draft: Option<Draft>,
    path: PathBuf,
    /// Gone once nobody waits any longer.
    waiting: Arc<()>,
}

impl Saving {
    pub(crate) async fn begin(to: Destination) -> Result<Self, SaveError> {
        let mut saving = Self {
            draft: None,
            path: to.path().to_owned(),
            waiting: Arc::new(()),
        };
        saving.draft = Some(saving.off_runtime(|| Draft::create(to)).await?);
        Ok(saving)
    }

    /// Takes the next piece, and writes when there are enough.
    pub(crate) async fn take(&mut self, piece: Piece) -> Result<(), SaveError> {
        match &mut self.draft {
            Some(draft) => draft.push(piece),
            None => return Err(self.stopped(io::ErrorKind::Interrupted)),
        }
        if self.draft.as_ref().is_some_and(Draft::is_full) {
            self.turn(Draft::flush).await?;
        }
        Ok(())
    }

    /// Writes a picture whose bytes are there.
    pub(crate) async fn copy(&mut self, image: GeneratedImage) -> Result<(), SaveError> {
        let mut reader = self.turn(move |draft| draft.begin(&image)).await?;
        loop {
            let copied = self.turn(|draft| Ok((draft.copy(&mut reader)?, reader)));
            let (next, rest) = copied.await?;
            if next.is_break() {
                return Ok(());
            }
            reader = rest;
        }
    }

    /// Puts the picture into its place.
    pub(crate) async fn finish(mut self) -> Result<Saved, SaveError> {
        // This may take long, and nothing can be stopped while it does.
        self.turn(Draft::settle).await?;
        match self.draft.take() {
            Some(draft) => self.off_runtime(|| draft.finish()).await,
            None => Err(self.stopped(io::ErrorKind::Interrupted)),
        }
    }

    async fn turn<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Draft) -> Result<T, SaveError> + Send + 'static,
    ) -> Result<T, SaveError> {
        let Some(mut draft) = self.draft.take() else {
            return Err(self.stopped(io::ErrorKind::Interrupted));
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
        let (waiting, stopped) = (
            Arc::downgrade(&self.waiting),
            self.stopped(io::ErrorKind::Interrupted),
        );
        let work = spawn_blocking(move || match waiting.strong_count() {
            0 => Err(stopped),
            _ => work(),
        });
        work.await.unwrap_or_else(|error| Err(self.stopped(error)))
    }

    fn stopped(&self, error: impl Into<io::Error>) -> SaveError {
        SaveError::File {
            path: self.path.clone(),
            error: error.into(),
        }
    }
}
