//! The gateway's stable error codes ([protocol reference, section 7](crate::protocol#7-errors)).

use http::StatusCode;

use crate::open_enum::open_enum;

open_enum! {
    /// A stable error code of the gateway.
    pub enum ErrorCode {
        /// The request is not well formed.
        BadRequest = "bad_request",
        /// The request, or the picture in it, is refused by the provider.
        InvalidRequest = "invalid_request",
        /// A picture is broken or oversized.
        InvalidInput = "invalid_input",
        /// The model does not support the operation.
        UnsupportedOperation = "unsupported_operation",
        /// The model lacks the capability.
        ModelCapabilityNotSupported = "model_capability_not_supported",
        /// The conversation is longer than the model takes.
        ContextWindowExceeded = "context_window_exceeded",
        /// The dated contract is not served.
        InvalidApiVersion = "invalid_api_version",
        /// A batch names more than one model.
        MixedModels = "mixed_models",
        /// A catalogue filter is not understood.
        InvalidSearchParameter = "invalid_search_parameter",
        /// The content policy forbids it.
        ContentPolicyViolation = "content_policy_violation",
        /// The key is missing or wrong.
        Unauthorized = "unauthorized",
        /// The key's spending limit is reached.
        SpendLimitExceeded = "spend_limit_exceeded",
        /// The account has no credits left.
        InsufficientCredits = "insufficient_credits",
        /// The key may not do this.
        Forbidden = "forbidden",
        /// The key may not use the model.
        ModelExcluded = "model_excluded",
        /// The pinned provider does not serve the model.
        ModelNotAvailableOnPinnedProvider = "model_not_available_on_pinned_provider",
        /// No model has this id.
        ModelNotFound = "model_not_found",
        /// Nothing is there.
        NotFound = "not_found",
        /// The resource does not exist.
        ResourceNotFound = "resource_not_found",
        /// The request conflicts with the resource's state.
        Conflict = "conflict",
        /// A field breaks a rule.
        ValidationError = "validation_error",
        /// The request cannot be processed.
        UnprocessableEntity = "unprocessable_entity",
        /// The key's rate is used up.
        RateLimitExceeded = "rate_limit_exceeded",
        /// The provider's rate is used up.
        UpstreamRateLimitError = "upstream_rate_limit_error",
        /// Too many batches are open.
        BatchLimitExceeded = "batch_limit_exceeded",
        /// OpenAI's code for an exhausted quota, which gateways pass on.
        InsufficientQuota = "insufficient_quota",
        /// OpenAI's code for an account's limit that is reached, which gateways pass on.
        BillingHardLimitReached = "billing_hard_limit_reached",
        /// A gateway's code for a key's budget that is used up.
        BudgetExceeded = "budget_exceeded",
        /// OpenAI's code for a picture that its moderation stopped, which gateways pass on.
        ModerationBlocked = "moderation_blocked",
        /// Azure's code for what its filter stopped, which gateways pass on.
        ContentFilter = "content_filter",
        /// The provider failed.
        UpstreamError = "upstream_error",
        /// The gateway failed.
        InternalError = "internal_error",
        /// The provider's job failed; a repeat may start a second paid one.
        ProviderJobFailed = "provider_job_failed",
        /// The provider is not available.
        ProviderNotAvailable = "provider_not_available",
        /// The policy for the model is not available.
        ModelPolicyUnavailable = "model_policy_unavailable",
        /// The provider took too long.
        GatewayTimeout = "gateway_timeout",
        /// Not implemented.
        NotImplemented = "not_implemented",
        /// Every compared model failed.
        AllModelsFailed = "all_models_failed",
    }
}

impl ErrorCode {
    /// The status that usually goes with the code: what an error inside a stream, which has no
    /// status of its own, amounts to.
    pub fn usual_status(&self) -> Option<StatusCode> {
        let status = match self {
            Self::BadRequest
            | Self::InvalidRequest
            | Self::InvalidInput
            | Self::UnsupportedOperation
            | Self::ModelCapabilityNotSupported
            | Self::ContextWindowExceeded
            | Self::InvalidApiVersion
            | Self::MixedModels
            | Self::InvalidSearchParameter
            | Self::ContentPolicyViolation
            | Self::BillingHardLimitReached
            | Self::BudgetExceeded
            | Self::ModerationBlocked
            | Self::ContentFilter => 400,
            Self::Unauthorized => 401,
            Self::SpendLimitExceeded | Self::InsufficientCredits => 402,
            Self::Forbidden | Self::ModelExcluded | Self::ModelNotAvailableOnPinnedProvider => 403,
            Self::ModelNotFound | Self::NotFound | Self::ResourceNotFound => 404,
            Self::Conflict => 409,
            Self::ValidationError | Self::UnprocessableEntity => 422,
            Self::RateLimitExceeded
            | Self::UpstreamRateLimitError
            | Self::BatchLimitExceeded
            | Self::InsufficientQuota => 429,
            Self::UpstreamError | Self::AllModelsFailed => 502,
            Self::InternalError | Self::ProviderJobFailed => 500,
            Self::ProviderNotAvailable | Self::ModelPolicyUnavailable => 503,
            Self::GatewayTimeout => 504,
            Self::NotImplemented => 501,
            Self::Other(_) => return None,
        };
        StatusCode::from_u16(status).ok()
    }
}
