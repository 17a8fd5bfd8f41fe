//! Answers that are kept, for whoever asks the same again.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

/// How many answers are kept, and of how many bytes of requests; the oldest go first.
const MOST_ANSWERS: usize = 64;
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// What an answer is the answer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The fingerprint of the caller's key: nobody gets what another one was told.
    caller: u64,
    body: String,
}

/// An answer to keep.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) question: Question,
    pub(super) document: Value,
}

/// The answers that are kept, the oldest first. A clone is a snapshot and costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache(Arc<VecDeque<Kept>>);

impl Question {
    /// A body, without what does not change its answer.
    pub(super) fn of(caller: u64, body: &Value) -> Self {
        const OTHER: [&str; 5] = ["stream", "cache", "user", "session_id", "timeout"];
        let mut body = body.clone();
        if let Some(fields) = body.as_object_mut() {
            fields.retain(|name, _| !OTHER.contains(&name.as_str()));
        }
        Self {
            caller,
            body: body.to_string(),
        }
    }
}

impl Cache {
    /// The document that answered the same before.
    pub(super) fn find(&self, question: &Question) -> Option<&Value> {
        let mut kept = self.0.iter().rev();
        kept.find(|kept| kept.question == *question)
            .map(|kept| &kept.document)
    }

    /// Keeps another answer.
    pub(super) fn keep(&mut self, answer: Kept) {
        let kept = Arc::make_mut(&mut self.0);
        kept.push_back(answer);
        let mut bytes: usize = kept.iter().map(|it| it.question.body.len()).sum();
        while kept.len() > MOST_ANSWERS || (bytes > MOST_BYTES && kept.len() > 1) {
            bytes -= kept.pop_front().map_or(0, |it| it.question.body.len());
        }
    }
}
