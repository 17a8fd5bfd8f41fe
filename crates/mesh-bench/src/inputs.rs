//! What the work is done on: made by the program, from a seed, the same each time.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// How much of a body comes off the wire at a time.
pub(crate) const PIECE: usize = 16 << 10;

/// SplitMix64, whose stream is fixed by its definition.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A picture of `size` bytes, as far as its first bytes go: nothing in a client reads further.
pub(crate) fn picture(size: usize) -> Bytes {
    let mut random = Random(7);
    let mut bytes = Vec::with_capacity(size + 16);
    bytes.extend_from_slice(b"\x89PNG\r\n\x1a\n");
    while bytes.len() < size {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// The reply of the images endpoint with one picture of `size` bytes.
pub(crate) fn image_reply(size: usize) -> Vec<u8> {
    let text = STANDARD.encode(picture(size));
    let before = r#"{"created":1790000000,"data":[{"b64_json":""#;
    let after = r#""}],"size":"1024x1024","quality":"high","output_format":"png"}"#;
    [before, &text, after].concat().into_bytes()
}

/// The reply of a chat whose message has one picture of `size` bytes.
pub(crate) fn chat_reply_with_picture(size: usize) -> Vec<u8> {
    let text = STANDARD.encode(picture(size));
    let before = r#"{"id":"chatcmpl-01JB","object":"chat.completion","created":1790000000,"model":"google/gemini-2.5-flash-image","choices":[{"index":0,"message":{"role":"assistant","content":"Here it is.","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"#;
    let after = r#""}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":1290,"total_tokens":1304}}"#;
    [before, &text, after].concat().into_bytes()
}

/// The stream of one final picture of `size` bytes, in words that OpenAI's clients and ours read.
pub(crate) fn picture_event(size: usize) -> Bytes {
    let text = STANDARD.encode(picture(size));
    let before = r#"data: {"type":"image_generation.completed","created":1790000000,"created_at":1790000000,"b64_json":""#;
    let after = r#"","size":"1024x1024","quality":"high","background":"opaque","output_format":"png","usage":{"total_tokens":1304,"input_tokens":14,"output_tokens":1290,"input_tokens_details":{"text_tokens":14,"image_tokens":0}}}"#;
    [before, &text, after, "\n\ndata: [DONE]\n\n"]
        .concat()
        .into()
}

/// One chunk of a chat, as the data of an event.
fn chunk(word: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-01JB","object":"chat.completion.chunk","created":1790000000,"model":"openai/gpt-4o-mini","choices":[{{"index":0,"delta":{{"content":"{word}"}},"finish_reason":null}}]}}"#
    )
}

/// The words of a chat, one for each chunk.
fn words(count: usize) -> impl Iterator<Item = &'static str> {
    const WORDS: [&str; 8] = [
        " a", " picture", " of", " the", " launch", " at", " dawn", ".\\n",
    ];
    let mut random = Random(11);
    (0..count).map(move |_| {
        let place = usize::try_from(random.next() % 8).unwrap_or(0);
        WORDS.get(place).copied().unwrap_or_default()
    })
}

/// The data of each event of a stream of `count` chunks.
pub(crate) fn chunks(count: usize) -> Vec<Bytes> {
    words(count).map(|word| chunk(word).into()).collect()
}

/// The stream itself, up to and with its end mark.
pub(crate) fn chat_stream(count: usize) -> Bytes {
    let mut stream = String::new();
    for word in words(count) {
        // Writing to a text cannot fail.
        let _written = write!(stream, "data: {}\n\n", chunk(word));
    }
    stream.push_str("data: [DONE]\n\n");
    stream.into()
}

/// A body in the pieces that it arrives in.
pub(crate) fn pieces(body: &Bytes, size: usize) -> impl Iterator<Item = Bytes> + Send + use<> {
    let body = body.clone();
    (0..body.len())
        .step_by(size)
        .map(move |start| body.slice(start..body.len().min(start + size)))
}

/// A reply of 600 bytes.
pub(crate) fn small_reply() -> Vec<u8> {
    let reply = |text: &str| {
        format!(
            r#"{{"id":"chatcmpl-01JB","object":"chat.completion","created":1790000000,"model":"openai/gpt-4o-mini","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":14,"completion_tokens":60,"total_tokens":74}}}}"#
        )
    };
    let filler = "The meter reads 4711 kilowatt hours. ".repeat(20);
    let free = 600 - reply("").len();
    reply(filler.get(..free).unwrap_or_default()).into_bytes()
}

/// A catalogue of at least `size` bytes.
pub(crate) fn catalogue(size: usize) -> Vec<u8> {
    let mut rows = String::from("[");
    let mut number = 0;
    while rows.len() < size {
        if number > 0 {
            rows.push(',');
        }
        let _written = write!(
            rows,
            r#"{{"id":"provider-{}/model-{number}","name":"Model {number}","context_length":131072,"is_free":false,"pricing":{{"prompt_usd_per_1m":"0.15","completion_usd_per_1m":"0.60","image_output_usd_per_image":null,"pricing_unit":"per_1m_tokens"}},"model_type":"text","input_modalities":["text","image"],"output_modalities":["text"],"brand":"provider","provider":"provider-{}","description":"A model of the provider's, number {number} of its kind, for texts and pictures of any sort and length.","context_window":131072,"is_composite":false,"composite_models":[],"supports_thinking":false,"supports_completions_api":true,"supports_responses_api":true,"supports_realtime":false,"supports_embeddings":false,"supports_tools":true,"supports_structured_output":true,"supports_system_prompt":true,"supports_batching":false,"supports_background_response":false,"supports_video_generation":false,"supports_flex":false,"supports_image_edit":false,"supports_image_reference":false}}"#,
            number % 40,
            number % 40,
        );
        number += 1;
    }
    rows.push(']');
    rows.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_have_the_sizes_that_the_rows_state() {
        assert_eq!(small_reply().len(), 600);
        assert_eq!(picture(1000).len(), 1000);
        let stream = chat_stream(10);
        let in_pieces: Vec<u8> = pieces(&stream, 7).flatten().collect();
        assert_eq!(in_pieces, stream);
        assert!(catalogue(5000).len() >= 5000);
    }
}
