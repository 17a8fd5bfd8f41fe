//! One switch for each point that the protocol reference leaves open (section 11).

use std::fmt;
use std::str::FromStr;

/// How a gateway behaves where the protocol reference leaves a point open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Switches {
    /// Where chat puts the pictures that it draws (open point 1).
    pub chat_picture: ChatPictureShape,
    /// The bodies that edits take (open point 2).
    pub edits_body: EditsBody,
    /// How an edit that a model does not support is refused (open point 3).
    pub unsupported_edit: UnsupportedEdit,
    /// Whether chat tells its cost (open point 4).
    pub cost: Cost,
    /// The form of the models list (open point 5).
    pub model_list: ModelListShape,
    /// Whether the lists are still there that `?free=` replaces.
    pub withdrawn_lists: WithdrawnLists,
    /// Whether the gateway lists its versions.
    pub api_versions: ApiVersions,
    /// Whether the `response_format` of pictures counts (open point 7).
    pub response_format: ResponseFormat,
    /// The pricing fields of the models list (open point 8).
    pub pricing: Pricing,
    /// The form of errors (open point 9).
    pub errors: ErrorForm,
    /// The form of the errors of single routes (open point 9).
    pub route_errors: RouteErrors,
    /// The header that tells the version that served a call (open point 10).
    pub version_echo: VersionEcho,
    /// Whether chat tells what it thought, and wants it back.
    pub thoughts: Thoughts,
    /// How the pieces of a streamed tool call are told apart.
    pub tool_pieces: ToolPieces,
    /// Whether a stream has a picture of chat in one piece (section 6, row 12).
    pub picture_pieces: PicturePieces,
    /// Whether chat answers the same question twice from what it kept.
    pub response_cache: ResponseCache,
    /// How a 429 says when to come again.
    pub retry_after: RetryAfter,
    /// How a prompt that the policy forbids is declined.
    pub refusal: Refusal,
    /// What an images answer has instead of a picture that is declined without an error.
    pub refused_picture: RefusedPicture,
    /// How a stream of pictures tells of their earlier states (open point 6).
    pub partial_images: PartialImages,
}

/// The form of the errors of single routes, where it is not that of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteErrors {
    /// Of `/v1/chat/…`.
    pub chat: Option<ErrorForm>,
    /// Of `/v1/images/generations`.
    pub generations: Option<ErrorForm>,
    /// Of `/v1/images/edits`.
    pub edits: Option<ErrorForm>,
    /// Of `/v1/models…`.
    pub models: Option<ErrorForm>,
}

impl Switches {
    /// The form of errors at a path.
    pub(super) fn error_form(&self, path: &str) -> ErrorForm {
        let routes = self.route_errors;
        let own = [
            ("/v1/chat/", routes.chat),
            ("/v1/images/generations", routes.generations),
            ("/v1/images/edits", routes.edits),
            ("/v1/models", routes.models),
        ];
        let own = own.into_iter().find(|(start, _)| path.starts_with(start));
        own.and_then(|(_, form)| form).unwrap_or(self.errors)
    }
}

/// A switch: a closed list of choices, each with a name for command lines.
pub trait Switch: Copy + fmt::Display + FromStr<Err = UnknownChoice> + 'static {
    /// Every choice, the default first.
    const ALL: &'static [Self];

    /// The choice's name, in kebab case.
    fn name(self) -> &'static str;
}

/// A text that names no choice of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownChoice;

impl fmt::Display for UnknownChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no such choice")
    }
}

impl std::error::Error for UnknownChoice {}

macro_rules! switch {
    ($(#[$outer:meta])* $name:ident { $(#[$first_doc:meta])* $first:ident = $first_text:literal, $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$doc])* $variant,)*
        }

        impl Switch for $name {
            const ALL: &'static [Self] = &[Self::$first, $(Self::$variant),*];

            fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownChoice;

            fn from_str(text: &str) -> Result<Self, UnknownChoice> {
                Self::ALL.iter().copied().find(|choice| choice.name() == text).ok_or(UnknownChoice)
            }
        }
    };
}

switch! {
    /// Where a chat answer has its pictures ([protocol reference, section 6](mesh_proto::protocol#6-image-results-a-client-must-accept), rows 7 to 12). A
    /// stream has the same in its deltas.
    ChatPictureShape {
        /// `message.images[]` of `{type, image_url: {url}}`, or of `{b64_json}` where base64 was
        /// asked for (row 7).
        Images = "images",
        /// `message.images[]` of bare strings (row 7).
        ImageStrings = "image-strings",
        /// `message.images[]` of `{url}` (row 7).
        ImageUrls = "image-urls",
        /// `message.images[]` of `{b64_json}`, whatever was asked for (row 7).
        ImageBase64 = "image-base64",
        /// `message.content[]` with `image_url` parts (row 8).
        ImageUrlParts = "image-url-parts",
        /// `message.content[]` with `output_image` parts (row 9).
        OutputImageParts = "output-image-parts",
        /// `message.content[]` with `inline_data` parts (row 9).
        InlineDataParts = "inline-data-parts",
        /// `message.content[]` with `image` parts that have a `source` (row 9).
        ImageParts = "image-parts",
        /// `message.content` is one URL (row 10).
        UrlText = "url-text",
        /// `message.content` is Markdown (row 10).
        MarkdownText = "markdown-text",
        /// `message.content` is the JSON text of an image response (row 10).
        JsonText = "json-text",
        /// `data[]` beside `choices` (row 11).
        Data = "data",
        /// `data[]` instead of `choices` (row 11).
        DataAlone = "data-alone",
    }
}

switch! {
    /// The bodies that `POST /v1/images/edits` takes ([protocol reference, section 5.3](mesh_proto::protocol#53-image-edits)).
    EditsBody {
        /// JSON and `multipart/form-data`.
        Either = "either",
        /// JSON, as all official SDKs send it.
        Json = "json",
        /// `multipart/form-data`, as one guide has it.
        Multipart = "multipart",
        /// None: the route answers 404, as it did in May 2026.
        Absent = "absent",
    }
}

switch! {
    /// How an edit is refused whose operation the model does not support, or nobody knows.
    UnsupportedEdit {
        /// 422 with `{"detail": "text"}`.
        Detail = "detail",
        /// 400 `model_capability_not_supported`.
        BadRequest = "bad-request",
        /// 501 `not_implemented`.
        NotImplemented = "not-implemented",
        /// 400 `not_implemented`.
        NotImplementedBadRequest = "not-implemented-bad-request",
    }
}

switch! {
    /// Whether chat tells its cost.
    Cost {
        /// It does not.
        Absent = "absent",
        /// As a decimal string beside `usage`, at the catalogue's prices.
        Reported = "reported",
    }
}

switch! {
    /// The form of the models list ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).
    ModelListShape {
        /// The form that the client reads, as far as its headers tell which one it is: an object
        /// for OpenAI's clients and those built on them, a bare array for all others.
        ByClient = "by-client",
        /// A bare array.
        Array = "array",
        /// An object with the array as `data`.
        Data = "data",
    }
}

switch! {
    /// Whether `GET /v1/models/free` and `GET /v1/models/paid` answer, which are being withdrawn.
    WithdrawnLists {
        /// They answer as `GET /v1/models?free=` does: official SDKs still ask them.
        Served = "served",
        /// They are gone: 404.
        Gone = "gone",
    }
}

switch! {
    /// Whether `GET /v1/api-versions` answers ([protocol reference, section 2](mesh_proto::protocol#2-dated-versions)).
    ApiVersions {
        /// It lists the versions.
        Served = "served",
        /// 404, as older deployments have it.
        Absent = "absent",
    }
}

switch! {
    /// Whether the `response_format` of pictures counts: of `image` in chat, and at the images
    /// endpoint.
    ResponseFormat {
        /// Pictures come as asked: hosted where `url` is given, base64 where `b64_json` is. At the
        /// images endpoint the model counts too: `openai/*` has a data URL for `url`, Imagen has
        /// base64 for all.
        Honoured = "honoured",
        /// Whatever is asked, chat has data URLs and the images endpoint the model's own form.
        Ignored = "ignored",
    }
}

switch! {
    /// The pricing fields of the models list ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).
    Pricing {
        /// `pricing_unit` with prices per unit.
        Current = "current",
        /// The retired `*_usd_per_1k` and `image_usd_per_image`.
        Legacy = "legacy",
    }
}

switch! {
    /// The form of errors ([protocol reference, section 7](mesh_proto::protocol#7-errors)).
    ErrorForm {
        /// The standard envelope, and FastAPI's list for what validation finds.
        Documented = "documented",
        /// The standard envelope for all.
        Envelope = "envelope",
        /// `{"detail": "text"}` for all.
        DetailText = "detail-text",
        /// `{"message": "text"}` for all.
        MessageOnly = "message-only",
        /// `{"error": "text"}` for all.
        ErrorText = "error-text",
    }
}

switch! {
    /// The header that tells the version that served a call.
    VersionEcho {
        /// `X-Mesh-Version`.
        XMeshVersion = "x-mesh-version",
        /// `Mesh-Version`, as some deployments have it.
        MeshVersion = "mesh-version",
    }
}

switch! {
    /// How a prompt that the policy forbids is declined. The policy forbids prompts with the words
    /// `refuse this`.
    Refusal {
        /// 200: in chat a `refusal` in the message and the finish reason `content_filter`, at the
        /// images endpoint an answer without pictures ([`RefusedPicture`]).
        InMessage = "in-message",
        /// 400 `content_policy_violation`.
        AsError = "as-error",
        /// As with `in-message`, and in chat the content says it in prose, as if it were an answer.
        InProse = "in-prose",
    }
}

switch! {
    /// Whether chat tells what it thought ([protocol reference, section 4.2](mesh_proto::protocol#42-response)).
    Thoughts {
        /// It does not.
        Absent = "absent",
        /// Messages have `reasoning_details`, and tool calls a `thought_signature`. Both must come
        /// back as they went out: a tool call without its signature is refused with 400.
        Told = "told",
    }
}

switch! {
    /// How the pieces of a streamed tool call are told apart ([protocol reference, section 4.3](mesh_proto::protocol#43-streams)).
    ToolPieces {
        /// Each has the call's index, the first the id.
        Indexed = "indexed",
        /// Each has the id, none an index.
        ById = "by-id",
        /// The first has the id, none an index.
        Bare = "bare",
    }
}

switch! {
    /// Whether a stream has a picture of chat in one piece, where `images` or parts have it.
    PicturePieces {
        /// Each picture is in one chunk.
        Whole = "whole",
        /// The text of each picture goes on in a second chunk, under the same `index`.
        Split = "split",
    }
}

switch! {
    /// Whether chat keeps its last answers, each for the key that asked ([protocol reference,
    /// section 1](mesh_proto::protocol#1-transport-authentication-headers) and [section 4.3](mesh_proto::protocol#43-streams)). Requests with tools, with `cache: false` or with
    /// `X-Mesh-Cache: no-store` pass it by.
    ResponseCache {
        /// It keeps none.
        Off = "off",
        /// The same question gets the same answer, with `x-cache: HIT` and an id that begins
        /// `chatcmpl-cached-`; a stream has it in one chunk.
        On = "on",
    }
}

switch! {
    /// How a 429 says when to come again, beside `retry_after_seconds` in its body.
    RetryAfter {
        /// `Retry-After` in seconds.
        Seconds = "seconds",
        /// `Retry-After` as a date.
        Date = "date",
        /// Not at all.
        BodyAlone = "body-alone",
    }
}

switch! {
    /// What an images answer has instead of a picture that is declined without an error ([protocol
    /// reference, section 6](mesh_proto::protocol#6-image-results-a-client-must-accept), row 5).
    RefusedPicture {
        /// `data` is empty.
        EmptyData = "empty-data",
        /// `data` has an item for each picture, without `url` and `b64_json`.
        BareItem = "bare-item",
    }
}

switch! {
    /// How a stream of pictures tells of their earlier states, where `partial_images` asks for them
    /// and the model is one of `openai/*` ([protocol reference, section 5.2](mesh_proto::protocol#52-streamed-generations)).
    PartialImages {
        /// Chunks with the status `partial`, a `partial_image_index` and `data[]`.
        Chunks = "chunks",
        /// `OpenAI`'s events: `image_generation.partial_image`, and `image_generation.completed`
        /// for each picture in place of the last chunk.
        OpenAiEvents = "open-ai-events",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_name_reads_back<S: Switch + PartialEq + fmt::Debug + Default>() {
        assert_eq!(S::ALL.first(), Some(&S::default()));
        for choice in S::ALL {
            assert_eq!(choice.name().parse(), Ok(*choice));
        }
        assert_eq!(S::from_str("nonsense"), Err(UnknownChoice));
    }

    #[test]
    fn names_read_back() {
        every_name_reads_back::<ChatPictureShape>();
        every_name_reads_back::<EditsBody>();
        every_name_reads_back::<UnsupportedEdit>();
        every_name_reads_back::<Cost>();
        every_name_reads_back::<ModelListShape>();
        every_name_reads_back::<WithdrawnLists>();
        every_name_reads_back::<ApiVersions>();
        every_name_reads_back::<ResponseFormat>();
        every_name_reads_back::<Pricing>();
        every_name_reads_back::<ErrorForm>();
        every_name_reads_back::<VersionEcho>();
        every_name_reads_back::<Thoughts>();
        every_name_reads_back::<ToolPieces>();
        every_name_reads_back::<PicturePieces>();
        every_name_reads_back::<ResponseCache>();
        every_name_reads_back::<RetryAfter>();
        every_name_reads_back::<Refusal>();
        every_name_reads_back::<RefusedPicture>();
        every_name_reads_back::<PartialImages>();
    }
}
