//! The beginning of a text that somebody else wrote, fit to be shown: short, one line, no base64,
//! no key.

mod page;

use self::page::without_page;

/// How many characters an excerpt has at most.
const EXCERPT: usize = 240;

/// How many bytes an excerpt looks at: runs are cut before its length is counted.
pub(crate) const EXCERPT_WINDOW: usize = EXCERPT * 4;

/// How many characters a message has at most: it was written to be read, so it gets more room.
const MESSAGE: usize = 2_000;

/// A run of base64 characters from this length on is a picture or a token, not a word.
const RUN: usize = 48;

/// The beginning of `text`, of which nothing is known, in one line. A web page is its title.
pub(crate) fn excerpt(text: &[u8]) -> String {
    shorten(&without_page(text, EXCERPT_WINDOW), EXCERPT)
}

/// `text`, which somebody wrote as a message, in one line. A web page in it is its title.
pub(crate) fn message(text: &str) -> String {
    shorten(&without_page(text.as_bytes(), MESSAGE * 4), MESSAGE)
}

fn shorten(text: &[u8], length: usize) -> String {
    // Runs are cut before the length is counted, so a little more than an excerpt is looked at.
    let window = text.get(..text.len().min(length * 4)).unwrap_or_default();
    let mut shown = String::new();
    let mut run = String::new();
    let mut left = length;
    for character in String::from_utf8_lossy(window)
        .chars()
        .map(Some)
        .chain([None])
    {
        if let Some(character) = character.filter(|character| is_base64(*character)) {
            run.push(character);
            continue;
        }
        if run.len() >= RUN {
            run = format!("[{}+ characters of base64]", run.len());
        }
        for character in run
            .drain(..)
            .chain(character.into_iter().flat_map(shown_as))
        {
            if left == 0 {
                shown.push('…');
                return shown;
            }
            if !(character == ' ' && shown.ends_with(' ')) {
                shown.push(character);
                left -= 1;
            }
        }
    }
    if window.len() < text.len() {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Whether a character is not shown as itself, and may change how the text around it is shown: a
/// control character, or a format character such as those that turn the direction of text.
pub fn is_unprintable(character: char) -> bool {
    character.is_control() || is_format(character)
}

/// The format characters of Unicode (category Cf), and the separators of lines and paragraphs.
fn is_format(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}'
    )
}

/// A character in an excerpt: control characters are spaces, format characters are escaped.
fn shown_as(character: char) -> impl Iterator<Item = char> {
    let escaped = is_format(character).then(|| character.escape_unicode());
    let shown = if character.is_control() {
        ' '
    } else {
        character
    };
    let plain = escaped.is_none().then_some(shown);
    escaped.into_iter().flatten().chain(plain)
}

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_is_named_and_not_shown() {
        let text = format!(r#"{{"b64_json":"{}"}}"#, "iVBORw0KGgo".repeat(50));
        assert_eq!(
            excerpt(text.as_bytes()),
            r#"{"b64_json":"[550+ characters of base64]"}"#
        );
    }

    #[test]
    fn format_characters_are_escaped() {
        for (character, shown) in [
            ('\u{61c}', r"a\u{61c}b"),
            ('\u{200e}', r"a\u{200e}b"),
            ('\u{200f}', r"a\u{200f}b"),
            ('\u{202a}', r"a\u{202a}b"),
            ('\u{202e}', r"a\u{202e}b"),
            ('\u{2066}', r"a\u{2066}b"),
            ('\u{2069}', r"a\u{2069}b"),
            ('\u{2028}', r"a\u{2028}b"),
            ('\u{feff}', r"a\u{feff}b"),
            ('\u{e0041}', r"a\u{e0041}b"),
            ('\u{1b}', "a b"),
            ('\u{9b}', "a b"),
            ('é', "aéb"),
            ('字', "a字b"),
        ] {
            let text = format!("a{character}b");
            assert_eq!(excerpt(text.as_bytes()), shown);
            assert_eq!(message(&text), shown);
            assert_eq!(is_unprintable(character), !shown.contains(character));
        }
    }

    #[test]
    fn lines_become_one() {
        assert_eq!(excerpt(b"<html>\r\n\r\n  <body>502</body>"), "502");
    }

    proptest! {
        #[test]
        fn is_short_and_holds_no_long_run(text: Vec<u8>, tail in "[a-zA-Z0-9+/]{60,2000}") {
            let mut text = text;
            text.extend_from_slice(tail.as_bytes());
            let shown = excerpt(&text);
            prop_assert!(shown.chars().count() <= EXCERPT + 1);
            prop_assert!(shown.split(|character| !is_base64(character)).all(|run| run.len() < RUN));
        }
    }
}
