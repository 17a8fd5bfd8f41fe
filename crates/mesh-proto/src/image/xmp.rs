//! The orientation in an XMP packet (ISO 16684-1), read without an XML library: tags, attributes and
//! the prefixes that stand for the namespace of TIFF properties.

use memchr::{memchr, memmem};

use super::Orientation;

const TIFF: &[u8] = b"http://ns.adobe.com/tiff/1.0/";

/// How many prefixes of the namespace are kept. A packet declares one.
const MOST_PREFIXES: usize = 8;

/// Returns `tiff:Orientation` of the image that a packet describes, as an attribute or an element,
/// under whatever prefix. What the packet says of other images, such as ingredients, does not
/// count.
pub(super) fn orientation(packet: &[u8]) -> Option<Orientation> {
    // The conventional prefix counts even where it is not declared.
    let mut prefixes: Vec<&[u8]> = vec![b"tiff"];
    let mut depth = 0_usize;
    let mut rdf = None;
    let mut rest = packet;
    loop {
        rest = rest.get(memchr(b'<', rest)?..)?;
        if let Some(end) = end_of_other(rest) {
            let at = memmem::find(rest, end)?;
            rest = rest.get(at.checked_add(end.len())?..)?;
            continue;
        }
        let (tag, after) = tag(rest)?;
        rest = after;
        if tag.starts_with(b"/") {
            depth = depth.saturating_sub(1);
            continue;
        }
        let is_empty = tag.ends_with(b"/");
        let (name, attributes) = split_name(tag);
        for (name, value) in Attributes(attributes) {
            declare(&mut prefixes, name, value);
        }
        depth = depth.saturating_add(1);
        if rdf.is_none() && local(name) == b"RDF" {
            rdf = Some(depth);
        }
        let found = match rdf.map(|rdf| depth.saturating_sub(rdf)) {
            Some(1) => Attributes(attributes)
                .find(|(name, _)| name.contains(&b':') && is_orientation(name, &prefixes))
                .and_then(|(_, value)| number(value)),
            Some(2) if is_orientation(name, &prefixes) => {
                rest.get(..memchr(b'<', rest)?).and_then(number)
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        if is_empty {
            depth = depth.saturating_sub(1);
        }
    }
}

/// What ends the comment, character data, processing instruction or declaration that begins here.
fn end_of_other(rest: &[u8]) -> Option<&'static [u8]> {
    let ends: [(&[u8], &[u8]); 4] = [
        (b"<!--", b"-->"),
        (b"<![CDATA[", b"]]>"),
        (b"<?", b"?>"),
        (b"<!", b">"),
    ];
    let found = ends.iter().find(|(begin, _)| rest.starts_with(begin));
    found.map(|(_, end)| *end)
}

/// The inside of a tag, and what follows it. A quoted `>` does not end it.
fn tag(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let inside = rest.get(1..)?;
    let mut quote = None;
    let end = inside.iter().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        quote.is_none() && *byte == b'>'
    })?;
    Some((inside.get(..end)?, inside.get(end.checked_add(1)?..)?))
}

fn split_name(tag: &[u8]) -> (&[u8], &[u8]) {
    let end = tag
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        .unwrap_or(tag.len());
    tag.split_at_checked(end).unwrap_or((tag, b""))
}

/// The names and values of a tag's attributes.
struct Attributes<'p>(&'p [u8]);

impl<'p> Iterator for Attributes<'p> {
    type Item = (&'p [u8], &'p [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.0.split_at_checked(memchr(b'=', self.0)?)?;
        let rest = rest.get(1..)?.trim_ascii_start();
        let (quote, rest) = rest.split_first()?;
        if !matches!(quote, b'"' | b'\'') {
            return None;
        }
        let (value, rest) = rest.split_at_checked(memchr(*quote, rest)?)?;
        self.0 = rest.get(1..)?;
        Some((name.trim_ascii(), value))
    }
}

/// Takes note of a declaration of a prefix; the last one of a prefix counts.
fn declare<'p>(prefixes: &mut Vec<&'p [u8]>, name: &'p [u8], value: &[u8]) {
    let prefix = match name.strip_prefix(b"xmlns") {
        Some(b"") => name.get(..0).unwrap_or_default(),
        Some([b':', prefix @ ..]) => prefix,
        _ => return,
    };
    prefixes.retain(|it| *it != prefix);
    if value.trim_ascii() == TIFF && prefixes.len() < MOST_PREFIXES {
        prefixes.push(prefix);
    }
}

fn is_orientation(name: &[u8], prefixes: &[&[u8]]) -> bool {
    let prefix = name
        .strip_suffix(b"Orientation")
        .map(|it| it.strip_suffix(b":").unwrap_or(it));
    local(name) == b"Orientation" && prefix.is_some_and(|it| prefixes.contains(&it))
}

fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

fn number(value: &[u8]) -> Option<Orientation> {
    match value.trim_ascii() {
        [digit @ b'1'..=b'8'] => Orientation::from_number(digit - b'0'),
        _ => None,
    }
}
