//! Reading the chunks of one stream. Real streams tell the same id, model and choice in every chunk,
//! so most chunks are the one before but for a text: such a one is made from that one, and only its
//! text is read.

use std::fmt;
use std::ops::Range;

use serde_core::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::chunk::ChatChunk;
use super::content::Content;
use crate::wire::{Name, quoted};

/// Reads the chunks of one stream: each as `serde_json` alone would, but for texts that were written
/// as numbers or booleans.
#[derive(Default)]
pub(super) struct ChunkReader {
    known: Option<Known>,
    /// How often in a row what was remembered was of no use.
    misses: u32,
    /// How many more chunks are read before another one is remembered.
    pause: u32,
}

/// The longest pause is this power of two: what a stream costs that never tells anything again.
const LONGEST_PAUSE: u32 = 7;

impl ChunkReader {
    /// The chunk that `frame` is.
    pub(super) fn read(&mut self, frame: &str) -> Result<ChatChunk, serde_json::Error> {
        if let Some(chunk) = self.known.as_ref().and_then(|known| known.again(frame)) {
            self.misses = 0;
            return Ok(chunk);
        }
        let quoted = quoted(frame);
        let frame = quoted.as_deref().unwrap_or(frame);
        let chunk = serde_json::from_str(frame)?;
        if self.pause > 0 {
            self.pause -= 1;
        } else {
            self.known = Known::of(frame, &chunk);
            // A stream begins with chunks of several kinds.
            self.pause = (1 << self.misses.saturating_sub(2)) - 1;
            self.misses = (self.misses + 1).min(2 + LONGEST_PAUSE);
        }
        Ok(chunk)
    }
}

// What is remembered is what the model said.
impl fmt::Debug for ChunkReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkReader").finish_non_exhaustive()
    }
}

/// A frame that was read in full.
struct Known {
    frame: String,
    /// What stands in the frame between its quotes at each place, in the order of the frame.
    texts: Vec<(Place, Range<usize>)>,
    /// The chunk, empty at these places.
    chunk: ChatChunk,
}

/// Where a text stands that differs from chunk to chunk.
#[derive(Clone, Copy)]
enum Place {
    Content,
    /// The arguments of the only tool call.
    Arguments,
    /// A field of the delta that is not modelled.
    Delta(&'static str),
    /// A field of the chunk that is not modelled.
    Chunk(&'static str),
}

impl Place {
    /// The text at this place of a chunk with one choice.
    fn of(self, chunk: &mut ChatChunk) -> Option<&mut String> {
        let [choice] = chunk.choices.as_mut_slice() else {
            return None;
        };
        let value = match self {
            Self::Content => match &mut choice.delta.content {
                Some(Content::Text(text)) => return Some(text),
                _ => return None,
            },
            Self::Arguments => match choice.delta.tool_calls.as_mut_slice() {
                [piece] => return Some(&mut piece.call.function.arguments),
                _ => return None,
            },
            Self::Delta(name) => choice.delta.extra.get_mut(name),
            Self::Chunk(name) => chunk.extra.get_mut(name),
        };
        match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

impl Known {
    fn of(frame: &str, chunk: &ChatChunk) -> Option<Self> {
        let mut chunk = chunk.clone();
        let mut texts = Vec::new();
        for (place, text) in Texts::of(frame)? {
            // Only where what is known of the chunk came from this very place.
            if let Some(told) = place.of(&mut chunk).filter(|told| *told == text) {
                *told = String::new();
                let start = text.as_ptr().addr().checked_sub(frame.as_ptr().addr())?;
                texts.push((place, start..start + text.len()));
            }
        }
        texts.sort_by_key(|(_, range)| range.start);
        (!texts.is_empty()).then(|| Self {
            frame: frame.to_owned(),
            texts,
            chunk,
        })
    }

    /// The chunk that `frame` is, where it is the known one with other texts between the same
    /// quotes. As all else is the same to the byte, nothing else can be read from it.
    fn again(&self, frame: &str) -> Option<ChatChunk> {
        let mut told: [&str; TEXTS] = [""; TEXTS];
        let (mut known, mut rest) = (0, frame);
        for ((_, range), told) in self.texts.iter().zip(&mut told) {
            rest = rest.strip_prefix(self.frame.get(known..range.start)?)?;
            (*told, rest) = rest.split_at_checked(length(rest)?)?;
            known = range.end;
        }
        if rest != self.frame.get(known..)? {
            return None;
        }
        let mut chunk = self.chunk.clone();
        for ((place, _), told) in self.texts.iter().zip(told) {
            *place.of(&mut chunk)? = unescaped(told)?;
        }
        Some(chunk)
    }
}

/// How long a text is, up to its closing quote.
fn length(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => {
                bytes.next();
            }
            ..0x20 => return None,
            _ => {}
        }
    }
    None
}

fn unescaped(text: &str) -> Option<String> {
    if text.contains('\\') {
        serde_json::from_str(&format!("\"{text}\"")).ok()
    } else {
        Some(text.to_owned())
    }
}

/// The texts of a frame that differ from chunk to chunk, where no escape stands in them and the
/// frame has one choice. What is read twice or is no text is an error, as it should be.
#[derive(Default)]
struct Texts<'f> {
    content: Option<&'f str>,
    reasoning: Option<&'f str>,
    reasoning_content: Option<&'f str>,
    arguments: Option<&'f str>,
    /// What OpenAI hides the length of a text with.
    obfuscation: Option<&'f str>,
}

const TEXTS: usize = 5;

impl<'f> Texts<'f> {
    fn of(frame: &'f str) -> Option<impl Iterator<Item = (Place, &'f str)>> {
        let mut found = Self::default();
        let mut frame = serde_json::Deserializer::from_str(frame);
        let read = Within(Level::Chunk, &mut found).deserialize(&mut frame);
        read.and_then(|()| frame.end()).ok()?;
        let texts: [_; TEXTS] = [
            (Place::Content, found.content),
            (Place::Arguments, found.arguments),
            (Place::Delta("reasoning"), found.reasoning),
            (Place::Delta("reasoning_content"), found.reasoning_content),
            (Place::Chunk("obfuscation"), found.obfuscation),
        ];
        let texts = texts.into_iter();
        Some(texts.filter_map(|(place, text)| Some((place, text?))))
    }
}

/// Where in a frame the texts are looked for.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Chunk,
    Choices,
    Choice,
    Delta,
    /// The list of calls, or null.
    Calls,
    Call,
    Function,
}

impl Level {
    /// What stands within it, and whether it has to.
    fn within(self) -> Option<(&'static str, Self, Need)> {
        Some(match self {
            Self::Chunk => ("choices", Self::Choices, Need::Must),
            Self::Choice => ("delta", Self::Delta, Need::Must),
            Self::Delta => ("tool_calls", Self::Calls, Need::May),
            Self::Call => ("function", Self::Function, Need::Must),
            Self::Choices | Self::Calls | Self::Function => return None,
        })
    }

    fn is_list(self) -> bool {
        matches!(self, Self::Choices | Self::Calls)
    }

    /// Where the text under `name` is put.
    fn text<'t, 'f>(self, name: &str, texts: &'t mut Texts<'f>) -> Option<&'t mut Option<&'f str>> {
        match (self, name) {
            (Self::Chunk, "obfuscation") => Some(&mut texts.obfuscation),
            (Self::Delta, "content") => Some(&mut texts.content),
            (Self::Delta, "reasoning") => Some(&mut texts.reasoning),
            (Self::Delta, "reasoning_content") => Some(&mut texts.reasoning_content),
            (Self::Function, "arguments") => Some(&mut texts.arguments),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Need {
    Must,
    May,
}

/// Reads one level into the texts.
struct Within<'t, 'f>(Level, &'t mut Texts<'f>);

impl<'f> DeserializeSeed<'f> for Within<'_, 'f> {
    type Value = ();

    fn deserialize<D: Deserializer<'f>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Level::Calls => deserializer.deserialize_option(self),
            level if level.is_list() => deserializer.deserialize_seq(self),
            _ => deserializer.deserialize_map(self),
        }
    }
}

impl<'f> Visitor<'f> for Within<'_, 'f> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chunk with one choice")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'f>>(self, some: D) -> Result<(), D::Error> {
        some.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'f>>(self, mut items: A) -> Result<(), A::Error> {
        let within = match self.0 {
            Level::Choices => Level::Choice,
            _ => Level::Call,
        };
        let one = items.next_element_seed(Within(within, self.1))?;
        one.ok_or_else(|| A::Error::invalid_length(0, &"one"))
    }

    fn visit_map<A: MapAccess<'f>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self(level, texts) = self;
        let (inner, mut has_come) = (level.within(), false);
        while let Some(Name(name)) = fields.next_key()? {
            if let Some((known, within, _)) = inner
                && name == known
            {
                if std::mem::replace(&mut has_come, true) {
                    return Err(A::Error::duplicate_field(known));
                }
                fields.next_value_seed(Within(within, texts))?;
            } else if let Some(text) = level.text(&name, texts) {
                if text.is_some() {
                    return Err(A::Error::custom("a text that is told twice"));
                }
                *text = fields.next_value()?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        match inner {
            Some((known, _, Need::Must)) if !has_come => Err(A::Error::missing_field(known)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
