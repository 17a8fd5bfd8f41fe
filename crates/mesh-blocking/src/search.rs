//! What a search finds, as an iterator.

use mesh_proto::Error;
use mesh_proto::endpoint::SearchModels;
use mesh_proto::models::{Model, OddRow, Pages};

use crate::client::Client;

/// Every model that a search finds, each once. A page is asked for when its first model is.
///
/// An error ends the iteration.
#[derive(Debug)]
pub struct ModelSearch {
    client: Client,
    pages: Pages,
}

impl ModelSearch {
    pub(crate) fn new(client: &Client, search: SearchModels) -> Self {
        Self {
            client: client.clone(),
            pages: Pages::new(search),
        }
    }

    /// How many models there are, as the last page said.
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// The rows that could not be read, so far.
    pub fn odd(&self) -> &[OddRow] {
        self.pages.odd()
    }
}

impl Iterator for ModelSearch {
    type Item = Result<Model, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(model) = self.pages.model() {
                return Some(Ok(model));
            }
            match self.client.send(self.pages.next_request()?) {
                Ok(page) => self.pages.take(page.into_value()),
                Err(error) => {
                    self.pages.stop();
                    return Some(Err(error));
                }
            }
        }
    }
}
