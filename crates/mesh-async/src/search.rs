//! What a search finds, as a [`Stream`].

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use mesh_proto::Error;
use mesh_proto::endpoint::SearchModels;
use mesh_proto::models::{Model, OddRow, Pages};

use crate::client::Client;
use crate::stream::EventStream;

/// Every model that a search finds, each once. A page is asked for when its first model is; dropping
/// it cancels the question.
///
/// An error ends the stream.
#[derive(Debug)]
pub struct ModelSearch {
    client: Client,
    pages: Pages,
    asked: Option<EventStream<SearchModels>>,
}

impl ModelSearch {
    pub(crate) fn new(client: &Client, search: SearchModels) -> Self {
        Self {
            client: client.clone(),
            pages: Pages::new(search),
            asked: None,
        }
    }

    /// The next model, or `None` at the end. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<Result<Model, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// How many models there are, as the last page said.
    pub fn total(&self) -> Option<u64> {
        self.pages.total()
    }

    /// The rows that could not be read, so far.
    pub fn odd(&self) -> &[OddRow] {
        self.pages.odd()
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Model, Error>>> {
        self.pages.stop();
        self.asked = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for ModelSearch {
    type Item = Result<Model, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(model) = this.pages.model() {
                return Poll::Ready(Some(Ok(model)));
            }
            let Some(asked) = &mut this.asked else {
                let Some(search) = this.pages.next_request() else {
                    return Poll::Ready(None);
                };
                match this.client.stream(search) {
                    Ok(asked) => this.asked = Some(asked),
                    Err(error) => return this.fail(error),
                }
                continue;
            };
            match ready!(Pin::new(asked).poll_next(context)) {
                Some(Ok(event)) => match event {},
                Some(Err(error)) => return this.fail(error),
                None => match this.asked.take().and_then(EventStream::into_partial) {
                    Some(page) => this.pages.take(page),
                    None => this.pages.stop(),
                },
            }
        }
    }
}
