//! Text in pieces: a token is about a word.

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Stop,
    Length,
    ContentFilter,
    ToolCalls,
}

impl Ending {
    /// The finish reason.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
        }
    }
}

/// The most pieces of a streamed text, so that it takes no longer than a person waits.
const MOST_PIECES: usize = 120;

/// How many tokens a text has.
pub(super) fn count(text: &str) -> u64 {
    u64::try_from(words(text).count()).unwrap_or(u64::MAX)
}

/// The text up to the first of the stop sequences and to so many tokens.
pub(super) fn cut(text: String, stops: &[&str], most: Option<u64>) -> (String, Ending) {
    let mut text = text;
    if let Some(at) = stops.iter().filter_map(|stop| text.find(stop)).min() {
        text.truncate(at);
    }
    let most = most.and_then(|most| usize::try_from(most).ok());
    let Some(most) = most.filter(|most| words(&text).nth(*most).is_some()) else {
        return (text, Ending::Stop);
    };
    let kept: usize = words(&text).take(most).map(str::len).sum();
    text.truncate(kept);
    text.truncate(text.trim_end().len());
    (text, Ending::Length)
}

/// The text in the pieces of a stream: words with the space after them, several where there are
/// many, and long words in parts.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let fine: Vec<&str> = words(text).collect();
    let together = fine.len().div_ceil(MOST_PIECES).max(1);
    fine.chunks(together).map(<[&str]>::concat).collect()
}

/// Words with the space after them; of a long word, each part of 24 characters.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut in_word = false;
        let mut end = rest.len();
        for (count, (at, character)) in rest.char_indices().enumerate() {
            if count == 24 || (in_word && began_anew(rest, at, character)) {
                end = at;
                break;
            }
            in_word = true;
        }
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// Whether a word begins at this place: what is there is no space, and what is before it is one.
fn began_anew(text: &str, at: usize, character: char) -> bool {
    !character.is_whitespace()
        && text
            .get(..at)
            .is_some_and(|before| before.ends_with(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_are_cut_where_asked() {
        let text = || "one two three four".to_owned();
        for (stops, most, expected) in [
            (&[][..], None, ("one two three four", Ending::Stop)),
            (&[], Some(2), ("one two", Ending::Length)),
            (&[], Some(4), ("one two three four", Ending::Stop)),
            (&[" three", "four"], Some(3), ("one two", Ending::Stop)),
            (&["o"], None, ("", Ending::Stop)),
        ] {
            assert_eq!(
                cut(text(), stops, most),
                (expected.0.to_owned(), expected.1)
            );
        }
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "\\PC{0,300}") {
            let pieces = pieces(&text);
            prop_assert!(pieces.len() <= MOST_PIECES);
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty()));
            prop_assert_eq!(pieces.concat(), text);
        }
    }
}
