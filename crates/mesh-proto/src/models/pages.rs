//! All pages of a search, one after another: what to ask for next, and when to stop.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};

use super::model::Model;
use super::page::ModelPage;
use crate::models::SearchModels;
use crate::row::OddRow;

/// The pages of a search as a state machine: it says what to ask for, is given the page, and gives
/// the models, each once. The clients' `models().search(..)` drive it; so can anything else.
///
/// It ends where a page is empty, where as many rows have come as the gateway says there are, and
/// where a page holds nothing but models that were there before: a gateway that does not know
/// `offset`, or repeats itself, ends the search and does not run in circles.
///
/// ```
/// use mesh_proto::Endpoint;
/// use mesh_proto::endpoint::SearchModels;
/// use mesh_proto::models::Pages;
///
/// # let answers = [
/// #     r#"{"items":[{"id":"a"},{"id":"b"}],"total":3,"limit":2,"offset":0,"brands":[]}"#,
/// #     r#"{"items":[{"id":"c"}],"total":3,"limit":2,"offset":2,"brands":[]}"#,
/// # ];
/// # let mut answers = answers.into_iter();
/// # let mut ask = |search: &SearchModels| search.read(http::Response::new(answers.next().expect("an answer").into()));
/// let mut pages = Pages::new(SearchModels::new());
/// let mut found = Vec::new();
/// while let Some(search) = pages.next_request() {
///     pages.take(ask(&search).expect("a page").into_value());
///     found.extend(std::iter::from_fn(|| pages.model()).map(|model| model.id));
/// }
/// assert_eq!(found, ["a", "b", "c"]);
/// ```
#[derive(Clone, Debug)]
pub struct Pages {
    /// What is asked for next, or none where there is nothing more to ask.
    next: Option<SearchModels>,
    /// How many rows have come, odd and repeated ones included.
    rows: u64,
    taken: u32,
    ready: VecDeque<Model>,
    seen: HashSet<String, BuildHasherDefault<DefaultHasher>>,
    odd: Vec<OddRow>,
    total: Option<u64>,
}

/// How many pages a search may have: far more than any catalogue, and an end to one that grows
/// faster than it is read.
const MOST_PAGES: u32 = 10_000;

impl Pages {
    /// All pages of `search`, from its `offset` on; its `limit` is the size of a page.
    pub fn new(search: SearchModels) -> Self {
        Self {
            next: Some(search),
            rows: 0,
            taken: 0,
            ready: VecDeque::new(),
            seen: HashSet::default(),
            odd: Vec::new(),
            total: None,
        }
    }

    /// The request for the next page, or none after the last. It stays the same until that page is
    /// taken, so that a request that failed can be repeated.
    pub fn next_request(&self) -> Option<SearchModels> {
        self.next.clone()
    }

    /// Takes the page that [`Pages::next_request`] asked for.
    pub fn take(&mut self, page: ModelPage) {
        let Some(search) = self.next.take() else {
            return;
        };
        let rows = page.rows() as u64;
        let before = usize::try_from(self.rows).unwrap_or(usize::MAX);
        self.odd.extend(page.odd.into_iter().map(|odd| OddRow {
            place: before.saturating_add(odd.place),
            ..odd
        }));
        let mut news = false;
        for model in page.items {
            if self.seen.insert(model.id.clone()) {
                news = true;
                self.ready.push_back(model);
            }
        }
        self.rows = self.rows.saturating_add(rows);
        self.taken += 1;
        self.total = page.total.or(self.total);

        let offset = search.offset.unwrap_or_default().saturating_add(rows);
        // A total below what has already come is wrong, and says nothing of what is still to come.
        let complete = page.total == Some(offset);
        if rows > 0 && news && !complete && self.taken < MOST_PAGES {
            self.next = Some(SearchModels {
                offset: Some(offset),
                ..search
            });
        }
    }

    /// The next model of the pages that were taken, or none until the next page is.
    pub fn model(&mut self) -> Option<Model> {
        self.ready.pop_front()
    }

    /// Asks for nothing more; what has come is still given.
    pub fn stop(&mut self) {
        self.next = None;
    }

    /// How many models the search finds, as the last page said.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The rows that could not be read, so far; their places are those within the whole search.
    pub fn odd(&self) -> &[OddRow] {
        &self.odd
    }
}
