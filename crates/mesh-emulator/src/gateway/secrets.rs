//! Keys: which are taken, and that none is ever told.

use std::borrow::Cow;

/// What an `Authorization` header holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential<'h> {
    /// A key of the documented form for inference: `rsk_` and at least 6 letters or digits.
    Inference(&'h str),
    /// A key for the administration of keys: `mak_…`.
    Administration,
    /// A token of the dashboard: a JWT, which reads the catalogue.
    Dashboard(&'h str),
    /// Nothing, or of another form.
    Unknown,
}

impl<'h> Credential<'h> {
    /// What the header's value is.
    pub(super) fn read(value: Option<&'h str>) -> Self {
        let key = value
            .and_then(|value| value.trim().split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim());
        match key {
            Some(key) if key.starts_with("mak_") => Self::Administration,
            Some(key) if key.strip_prefix("rsk_").is_some_and(is_secret) => Self::Inference(key),
            Some(token) if is_jwt(token) => Self::Dashboard(token),
            _ => Self::Unknown,
        }
    }
}

/// Three parts of URL-safe base64, the first of which is that of a JSON object.
fn is_jwt(token: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    token.starts_with("eyJ") && token.split('.').count() == 3 && token.split('.').all(is_part)
}

fn is_secret(text: &str) -> bool {
    text.len() >= 6 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The text with whatever looks like a key taken out.
pub(super) fn without_keys(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut clean = String::new();
    while let Some((before, key)) = ["rsk_", "mak_"]
        .iter()
        .filter_map(|prefix| rest.split_once(prefix))
        .min_by_key(|(before, _)| before.len())
    {
        clean.push_str(before);
        clean.push_str("(key)");
        rest = key.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    }
    if clean.is_empty() && rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_documented_form() {
        for (value, expected) in [
            (
                Some("Bearer rsk_abc123"),
                Credential::Inference("rsk_abc123"),
            ),
            (
                Some("bearer  rsk_abc123 "),
                Credential::Inference("rsk_abc123"),
            ),
            (Some("Bearer rsk_abc12"), Credential::Unknown),
            (Some("Bearer rsk_abc-123"), Credential::Unknown),
            (Some("Bearer sk-abc123"), Credential::Unknown),
            (Some("Basic rsk_abc123"), Credential::Unknown),
            (Some("rsk_abc123"), Credential::Unknown),
            (Some("Bearer mak_1"), Credential::Administration),
            (None, Credential::Unknown),
        ] {
            assert_eq!(Credential::read(value), expected, "{value:?}");
        }
    }

    #[test]
    fn keys_are_taken_out_of_texts() {
        assert_eq!(
            without_keys("a rsk_1aB, b mak_x rsk_"),
            "a (key), b (key) (key)"
        );
        assert_eq!(without_keys("nothing"), "nothing");
    }
}
