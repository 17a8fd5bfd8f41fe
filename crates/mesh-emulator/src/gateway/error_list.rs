//! `GET /v1/errors`: the catalogue of error codes ([protocol reference, section 7](mesh_proto::protocol#7-errors)).

use mesh_proto::error::ErrorCode;
use serde_json::{Value, json};

/// Whether a repeat may help, and what a code means.
const CODES: [(ErrorCode, bool, &str); 34] = [
    (
        ErrorCode::BadRequest,
        false,
        "The request is not well formed.",
    ),
    (
        ErrorCode::InvalidRequest,
        false,
        "The request, or the picture in it, is refused by the provider.",
    ),
    (
        ErrorCode::InvalidInput,
        false,
        "A picture is broken or oversized.",
    ),
    (
        ErrorCode::UnsupportedOperation,
        false,
        "The model does not support the operation.",
    ),
    (
        ErrorCode::ModelCapabilityNotSupported,
        false,
        "The model lacks the capability.",
    ),
    (
        ErrorCode::ContextWindowExceeded,
        false,
        "The conversation is longer than the model takes.",
    ),
    (
        ErrorCode::InvalidApiVersion,
        false,
        "The dated contract is not served.",
    ),
    (
        ErrorCode::MixedModels,
        false,
        "A batch names more than one model.",
    ),
    (
        ErrorCode::InvalidSearchParameter,
        false,
        "A catalogue filter is not understood.",
    ),
    (
        ErrorCode::ContentPolicyViolation,
        false,
        "The content policy forbids it.",
    ),
    (
        ErrorCode::Unauthorized,
        false,
        "The key is missing or wrong.",
    ),
    (
        ErrorCode::SpendLimitExceeded,
        false,
        "The key's spending limit is reached.",
    ),
    (
        ErrorCode::InsufficientCredits,
        false,
        "The account has no credits left.",
    ),
    (ErrorCode::Forbidden, false, "The key may not do this."),
    (
        ErrorCode::ModelExcluded,
        false,
        "The key may not use the model.",
    ),
    (
        ErrorCode::ModelNotAvailableOnPinnedProvider,
        false,
        "The pinned provider does not serve the model.",
    ),
    (ErrorCode::ModelNotFound, false, "No model has this id."),
    (ErrorCode::NotFound, false, "Nothing is there."),
    (
        ErrorCode::ResourceNotFound,
        false,
        "The resource does not exist.",
    ),
    (
        ErrorCode::Conflict,
        false,
        "The request conflicts with the resource's state.",
    ),
    (ErrorCode::ValidationError, false, "A field breaks a rule."),
    (
        ErrorCode::UnprocessableEntity,
        false,
        "The request cannot be processed.",
    ),
    (
        ErrorCode::RateLimitExceeded,
        true,
        "The key's rate is used up.",
    ),
    (
        ErrorCode::UpstreamRateLimitError,
        true,
        "The provider's rate is used up.",
    ),
    (
        ErrorCode::BatchLimitExceeded,
        false,
        "Too many batches are open.",
    ),
    (ErrorCode::UpstreamError, true, "The provider failed."),
    (ErrorCode::InternalError, true, "The gateway failed."),
    (
        ErrorCode::ProviderJobFailed,
        false,
        "The provider's job failed; a repeat may start a second paid one.",
    ),
    (
        ErrorCode::ProviderNotAvailable,
        true,
        "The provider is not available.",
    ),
    (
        ErrorCode::ModelPolicyUnavailable,
        true,
        "The policy for the model is not available.",
    ),
    (
        ErrorCode::GatewayTimeout,
        true,
        "The provider took too long.",
    ),
    (ErrorCode::NotImplemented, false, "This is not implemented."),
    (
        ErrorCode::AllModelsFailed,
        false,
        "Every compared model failed; each tells why.",
    ),
    (
        ErrorCode::InsufficientQuota,
        false,
        "The provider's quota is used up.",
    ),
];

/// The catalogue.
pub(super) fn catalogue() -> Value {
    let rows = CODES.iter().map(|(code, retryable, description)| {
        json!({
            "code": code.as_str(),
            "status": code.usual_status().map(|status| status.as_u16()),
            "retryable": retryable,
            "description": description,
        })
    });
    json!({ "errors": rows.collect::<Vec<_>>() })
}
