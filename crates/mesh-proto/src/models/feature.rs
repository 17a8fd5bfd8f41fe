//! What a model can do, as far as the catalogue says it.

use crate::open_enum::open_enum;

open_enum! {
    /// An ability that the catalogue has a field for: `supports_` and this name.
    pub enum Feature {
        /// Thinks before it answers.
        Thinking = "thinking",
        /// Answers at `POST /v1/chat/completions`.
        CompletionsApi = "completions_api",
        /// Answers at `POST /v1/responses`.
        ResponsesApi = "responses_api",
        /// Talks in real time.
        Realtime = "realtime",
        /// Makes vectors.
        Embeddings = "embeddings",
        /// Calls tools.
        Tools = "tools",
        /// Answers in JSON of a given schema.
        StructuredOutput = "structured_output",
        /// Heeds a system prompt.
        SystemPrompt = "system_prompt",
        /// Works in batches.
        Batching = "batching",
        /// Answers later.
        BackgroundResponse = "background_response",
        /// Makes moving pictures.
        VideoGeneration = "video_generation",
        /// Takes the service tier `flex`.
        Flex = "flex",
        /// Changes a picture.
        ImageEdit = "image_edit",
        /// Fills a part of a picture anew.
        ImageInpaint = "image_inpaint",
        /// Extends a picture beyond its edges.
        ImageOutpaint = "image_outpaint",
        /// Makes one picture of several.
        ImageMix = "image_mix",
        /// Puts a picture into another ratio.
        ImageReframe = "image_reframe",
        /// Enlarges a picture.
        ImageUpscale = "image_upscale",
        /// Takes the background away.
        ImageRemoveBackground = "image_remove_background",
        /// Draws by pictures to go by.
        ImageReference = "image_reference",
    }
}

/// What the catalogue says of an ability. It is known to err: advice, and no reason to refuse a
/// call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// It says yes.
    Yes,
    /// It says no.
    No,
    /// It does not say.
    Unknown,
}

impl Capability {
    pub(super) fn among<T: PartialEq>(known: &[T], wanted: &T) -> Self {
        if known.is_empty() {
            Self::Unknown
        } else {
            Self::from(Some(known.contains(wanted)))
        }
    }
}

impl From<Option<bool>> for Capability {
    fn from(said: Option<bool>) -> Self {
        match said {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }
}
