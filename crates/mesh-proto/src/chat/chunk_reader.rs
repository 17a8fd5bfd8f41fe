//! Reading the chunks of one stream. Real streams tell the same id, model and choice in every chunk,
//! so most chunks are the one before but for a text: such a one is made from that one, and only its
//! text is read.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;

use super::chunk::ChatChunk;
use super::content::Content;

/// Reads the chunks of one stream: each as `serde_json` alone would.
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
#[derive(Deserialize)]
struct Texts<'f> {
    #[serde(borrow)]
    choices: [ChoiceTexts<'f>; 1],
    /// What OpenAI hides the length of a text with.
    #[serde(default)]
    obfuscation: Option<&'f str>,
}

#[derive(Deserialize)]
struct ChoiceTexts<'f> {
    #[serde(borrow)]
    delta: DeltaTexts<'f>,
}

#[derive(Deserialize)]
struct DeltaTexts<'f> {
    #[serde(default)]
    content: Option<&'f str>,
    #[serde(default)]
    reasoning: Option<&'f str>,
    #[serde(default)]
    reasoning_content: Option<&'f str>,
    #[serde(default, borrow)]
    tool_calls: Option<[CallTexts<'f>; 1]>,
}

#[derive(Deserialize)]
struct CallTexts<'f> {
    #[serde(borrow)]
    function: FunctionTexts<'f>,
}

#[derive(Deserialize)]
struct FunctionTexts<'f> {
    arguments: &'f str,
}

const TEXTS: usize = 5;

impl<'f> Texts<'f> {
    fn of(frame: &'f str) -> Option<impl Iterator<Item = (Place, &'f str)>> {
        let Self {
            choices: [ChoiceTexts { delta }],
            obfuscation,
        } = serde_json::from_str(frame).ok()?;
        let arguments = delta.tool_calls.map(|[call]| call.function.arguments);
        let texts: [_; TEXTS] = [
            (Place::Content, delta.content),
            (Place::Arguments, arguments),
            (Place::Delta("reasoning"), delta.reasoning),
            (Place::Delta("reasoning_content"), delta.reasoning_content),
            (Place::Chunk("obfuscation"), obfuscation),
        ];
        let texts = texts.into_iter();
        Some(texts.filter_map(|(place, text)| Some((place, text?))))
    }
}

#[cfg(test)]
mod tests;
