//! What a web page in place of an error message says: its title.

use std::borrow::Cow;

/// How much of a page is looked at, in bytes.
const LONGEST: usize = 64 << 10;

/// The text of which at most `window` bytes will be shown, with a web page in it replaced by the
/// page's title. A page may follow a few words, as where a gateway quotes a proxy.
pub(super) fn without_page(text: &[u8], window: usize) -> Cow<'_, [u8]> {
    let shown = text.get(..text.len().min(window)).unwrap_or_default();
    let Some(start) = page_start(shown) else {
        return Cow::Borrowed(text);
    };
    let (before, page) = text.split_at(start);
    let page = page.get(..page.len().min(LONGEST)).unwrap_or_default();
    let page = String::from_utf8_lossy(page);
    let lower = page.to_ascii_lowercase();
    let end = lower
        .find("</html>")
        .map_or(page.len(), |at| at + "</html>".len());
    let (page, after) = page.split_at(end);
    let mut summary = match std::str::from_utf8(before) {
        Ok(blank)
            if blank
                .trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
                .is_empty() =>
        {
            Vec::new()
        }
        _ => before.to_vec(),
    };
    summary.extend_from_slice(title(page).as_bytes());
    summary.extend_from_slice(after.as_bytes());
    Cow::Owned(summary)
}

/// The title of a page, or its first heading, or its visible text.
fn title(page: &str) -> String {
    let page = without_elements(page);
    let named = ["title", "h1", "message"]
        .iter()
        .filter_map(|name| element(&page, name))
        .find(|text| !text.is_empty());
    named.unwrap_or_else(|| visible(&page))
}

/// Where a page begins: at its document type or root anywhere, or at any of its elements at the
/// beginning of the text.
fn page_start(text: &[u8]) -> Option<usize> {
    const OPENINGS: [&str; 16] = [
        "!--", "!doctype", "?xml", "body", "center", "div", "error", "h1", "h2", "head", "meta",
        "p", "pre", "script", "style", "title",
    ];
    let lower = text.to_ascii_lowercase();
    let mark = if lower.starts_with("\u{feff}".as_bytes()) {
        3
    } else {
        0
    };
    let first = mark
        + lower
            .get(mark..)?
            .iter()
            .position(|it| !it.is_ascii_whitespace())?;
    if let Some(name) = lower.get(first..)?.strip_prefix(b"<") {
        let is_page = OPENINGS.iter().any(|opening| {
            name.strip_prefix(opening.as_bytes()).is_some_and(|rest| {
                let is_mark = opening.starts_with(['!', '?']);
                is_mark || !rest.first().is_some_and(u8::is_ascii_alphanumeric)
            })
        });
        if is_page {
            return Some(first);
        }
    }
    let root = |name: &str| memchr::memmem::find(&lower, name.as_bytes());
    [root("<!doctype html"), root("<html")]
        .into_iter()
        .flatten()
        .min()
}

/// The page without comments, and without elements whose text nobody sees.
fn without_elements(page: &str) -> String {
    const UNSEEN: [(&str, &str); 4] = [
        ("<!--", "-->"),
        ("<script", "</script>"),
        ("<style", "</style>"),
        ("<svg", "</svg>"),
    ];
    let lower = page.to_ascii_lowercase();
    let mut kept = String::new();
    let mut from = 0;
    while let Some(rest) = lower.get(from..) {
        let next = UNSEEN
            .iter()
            .filter_map(|(open, close)| Some((rest.find(open)?, open, close)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, open, close)) = next else {
            break;
        };
        kept.push_str(page.get(from..from + at).unwrap_or_default());
        let inner = at + open.len();
        from = match rest.get(inner..).and_then(|rest| rest.find(close)) {
            Some(length) => from + inner + length + close.len(),
            None => page.len(),
        };
    }
    kept.push_str(page.get(from..).unwrap_or_default());
    kept
}

/// The text of the first element of a name.
fn element(page: &str, name: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let open = format!("<{name}");
    let mut from = 0;
    loop {
        let at = from + lower.get(from..)?.find(&open)?;
        from = at + open.len();
        // `<header>` is no `<head>`.
        if lower.get(from..)?.starts_with(['>', ' ', '\t', '\r', '\n']) {
            break;
        }
    }
    let begin = from + lower.get(from..)?.find('>')? + 1;
    let rest = lower.get(begin..)?;
    let end = begin + rest.find(&format!("</{name}")).unwrap_or(rest.len());
    Some(visible(page.get(begin..end)?))
}

/// The text between tags, in one line.
fn visible(page: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for character in page.chars() {
        match character {
            '<' => {
                is_tag = true;
                text.push(' ');
            }
            '>' if is_tag => is_tag = false,
            _ if is_tag => {}
            _ => text.push(character),
        }
    }
    let text = unescaped(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text without the entities that titles are written with.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        plain.push_str(before);
        let meant = entity
            .get(1..)
            .and_then(|entity| entity.split_once(';'))
            .and_then(|(name, after)| Some((character(name)?, after)));
        rest = match meant {
            Some((character, after)) => {
                plain.push(character);
                after
            }
            None => {
                plain.push('&');
                entity.get(1..).unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "middot" => '\u{b7}',
        "hellip" => '\u{2026}',
        "raquo" => '\u{bb}',
        "copy" => '\u{a9}',
        _ => {
            let number = entity.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        String::from_utf8(without_page(text.as_bytes(), 960).into_owned()).unwrap()
    }

    #[test]
    fn a_page_is_its_title() {
        let late = format!("<html><!--{}--><title>late</title>", "x".repeat(5_000));
        for (text, expected) in [
            ("<html><h1>413</h1>\n</html>", "413"),
            (
                "<!DOCTYPE html><html><head><TITLE lang=en>\n502 Bad\n Gateway</TITLE>",
                "502 Bad Gateway",
            ),
            (
                "<!-- <title>no</title> --><title>a &amp; b &#8211; c&#x21;</title>",
                "a & b \u{2013} c!",
            ),
            (
                "\u{feff} <html><title></title><body><h1>Not <b>here</b></h1>",
                "Not here",
            ),
            (
                "<html><script>var title = '<title>no</title>';</script><p>seen</p>",
                "seen",
            ),
            (
                "<html><svg><title>logo</title></svg><title>page</title>",
                "page",
            ),
            ("<html><head><header>x</header><title>cut of", "cut of"),
            (
                "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>",
                "Reduce your rate",
            ),
            (
                "upstream said: <!DOCTYPE html><html><title>Down</title></html> (503)",
                "upstream said: Down (503)",
            ),
            ("<html>", ""),
            ("<html><title>a &unknown; & b", "a &unknown; & b"),
            (&late, "late"),
            // No pages.
            ("<nil> is not allowed", "<nil> is not allowed"),
            ("<pretty> is odd", "<pretty> is odd"),
            ("n must be < 10 and > 1", "n must be < 10 and > 1"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(parts in proptest::collection::vec(prop_oneof![
            Just("<html>"), Just("<title>"), Just("</title>"), Just("<!--"), Just("-->"),
            Just("<script"), Just("</script>"), Just("&"), Just("&#x"), Just(";"), Just("\u{e9}"),
            Just("<"), Just(">"), Just(" "), Just("</html>"), Just("x"),
        ], 0..40)) {
            let _ = shown(&parts.concat());
        }
    }
}
