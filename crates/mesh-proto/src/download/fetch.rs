//! A download from the first URL to wherever redirects lead.

use super::{Download, DownloadBounds, Reach};
use crate::address;
use crate::build_error::BuildError;
use crate::call::CallError;
use crate::call::{Call, Settings};
use crate::client_error::Error;
use crate::endpoint::Endpoint;
use crate::target::Target;
use crate::timing::Moment;

/// A download under way: a call after another, as long as each ends with a redirect.
#[derive(Debug)]
pub struct Fetch<E> {
    place: Place,
    endpoint: fn(Download) -> E,
    began: Moment,
}

#[derive(Debug)]
enum Place {
    /// A URL that the target has yet to resolve.
    Relative {
        url: String,
        bounds: DownloadBounds,
    },
    Resolved(Download),
}

impl<E: Endpoint> Fetch<E> {
    /// The picture at `url`, fetched whole with [`Download::whole`], or with
    /// [`Download::in_pieces`]. A URL that is relative is resolved against the target of the call,
    /// as [`Download::at`] does it.
    ///
    /// Errors as [`Download::new`] does.
    pub fn new(
        url: &str,
        bounds: DownloadBounds,
        endpoint: fn(Download) -> E,
        now: Moment,
    ) -> Result<Self, BuildError> {
        let place = if address::is_relative(url) {
            let url = url.to_owned();
            Place::Relative { url, bounds }
        } else {
            Place::Resolved(Download::new(url, bounds)?)
        };
        Ok(Self {
            place,
            endpoint,
            began: now,
        })
    }

    /// The call that is due, and where the transport has to send it.
    ///
    /// Errors where the URL leads where nothing may be fetched from.
    pub fn call(
        &mut self,
        target: &Target,
        client: &Settings,
        now: Moment,
        seed: u64,
    ) -> Result<(Reach, Call<E>), BuildError> {
        let download = match &self.place {
            Place::Relative { url, bounds } => Download::at(url, target.base(), *bounds)?,
            Place::Resolved(download) => download.clone(),
        };
        let settings = download.settings(client, now.since(self.began));
        let reach = download.reach(target);
        let endpoint = (self.endpoint)(download.clone());
        let call = Call::new(endpoint, target, &settings, now, seed)?;
        self.place = Place::Resolved(download);
        Ok((reach, call))
    }

    /// Goes on after `error`, where that is a redirect. Errors with what it is otherwise, and where
    /// [`Download::after`] does.
    pub fn follow(&mut self, error: CallError) -> Result<(), Error> {
        if let Place::Resolved(download) = &self.place
            && let Some(next) = download.after(&error)
        {
            self.place = Place::Resolved(next?);
            return Ok(());
        }
        Err(error.into())
    }
}
