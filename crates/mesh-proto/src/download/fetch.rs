//! A download from the first URL to wherever redirects lead.

use super::{Download, DownloadBounds, Reach};
use crate::call::{Call, Moment, Settings};
use crate::endpoint::Endpoint;
use crate::error::{BuildError, CallError, Error};
use crate::target::Target;

/// A download under way: a call after another, as long as each ends with a redirect.
#[derive(Debug)]
pub struct Fetch<E> {
    download: Download,
    endpoint: fn(Download) -> E,
    began: Moment,
}

impl<E: Endpoint> Fetch<E> {
    /// The picture at `url`, fetched whole with [`Download::whole`], or with
    /// [`Download::in_pieces`].
    ///
    /// Errors as [`Download::new`] does.
    pub fn new(
        url: &str,
        bounds: DownloadBounds,
        endpoint: fn(Download) -> E,
        now: Moment,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            download: Download::new(url, bounds)?,
            endpoint,
            began: now,
        })
    }

    /// The call that is due, and where the transport has to send it.
    ///
    /// Errors where the URL leads where nothing may be fetched from.
    pub fn call(
        &self,
        target: &Target,
        client: &Settings,
        now: Moment,
        seed: u64,
    ) -> Result<(Reach, Call<E>), BuildError> {
        let settings = self.download.settings(client, now.since(self.began));
        let endpoint = (self.endpoint)(self.download.clone());
        let call = Call::new(endpoint, target, &settings, now, seed)?;
        Ok((self.download.reach(target), call))
    }

    /// Goes on after `error`, where that is a redirect. Errors with what it is otherwise, and where
    /// [`Download::after`] does.
    pub fn follow(&mut self, error: CallError) -> Result<(), Error> {
        match self.download.after(&error) {
            Some(next) => self.download = next?,
            None => return Err(error.into()),
        }
        Ok(())
    }
}
