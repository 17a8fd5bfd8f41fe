//! What the codes and phrases of gateways and providers mean, each in a table.

use super::ErrorCode;

/// What a code says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The account has nothing left: waiting does not help.
    Quota,
    /// The key is missing or wrong.
    Auth,
    /// Something is not permitted, which providers say of keys and of empty accounts.
    Permission,
    /// The content policy forbids it.
    Policy,
    /// The request breaks a rule.
    Validation,
    /// The key asks too fast: waiting helps.
    RateLimit,
    /// Something is used up, which providers say of rates and of empty accounts.
    Exhausted,
    /// Nobody took the work up.
    NotBegun,
    /// Work failed, or may have been going on when it was given up.
    Began,
}

impl Meaning {
    /// Whether it says that the request was refused, and that a retry cannot help.
    pub(super) fn refuses(self) -> bool {
        matches!(
            self,
            Self::Quota | Self::Auth | Self::Permission | Self::Policy | Self::Validation
        )
    }

    /// Whether it says by itself that no work was begun.
    pub(super) fn is_before_work(self) -> bool {
        matches!(self, Self::NotBegun | Self::RateLimit | Self::Exhausted)
    }
}

impl ErrorCode {
    /// What the code means, if that is known.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        Some(match self {
            Self::InsufficientCredits
            | Self::SpendLimitExceeded
            | Self::BatchLimitExceeded
            | Self::InsufficientQuota
            | Self::BillingHardLimitReached
            | Self::BudgetExceeded => Meaning::Quota,
            Self::Unauthorized => Meaning::Auth,
            Self::Forbidden | Self::ModelExcluded => Meaning::Permission,
            Self::ContentPolicyViolation | Self::ModerationBlocked | Self::ContentFilter => {
                Meaning::Policy
            }
            Self::BadRequest
            | Self::InvalidRequest
            | Self::InvalidInput
            | Self::UnsupportedOperation
            | Self::ModelCapabilityNotSupported
            | Self::ContextWindowExceeded
            | Self::InvalidApiVersion
            | Self::MixedModels
            | Self::InvalidSearchParameter
            | Self::ModelNotAvailableOnPinnedProvider
            | Self::ModelNotFound
            | Self::NotFound
            | Self::ResourceNotFound
            | Self::ValidationError
            | Self::UnprocessableEntity => Meaning::Validation,
            Self::RateLimitExceeded | Self::UpstreamRateLimitError => Meaning::RateLimit,
            Self::ProviderNotAvailable | Self::ModelPolicyUnavailable => Meaning::NotBegun,
            Self::UpstreamError
            | Self::InternalError
            | Self::ProviderJobFailed
            | Self::GatewayTimeout
            | Self::AllModelsFailed => Meaning::Began,
            Self::Conflict | Self::NotImplemented => return None,
            Self::Other(code) => return meaning_of(code),
        })
    }
}

/// Codes, types, statuses and reasons of others, in lower case and without what stands between the
/// words: `InvalidApiKey`, `invalid_api_key` and `INVALID_API_KEY` are one.
const CODES: &[(Meaning, &[&str])] = &[
    (
        Meaning::Quota,
        &[
            // one-api and new-api.
            "insufficientuserquota",
            "insufficienttokenquota",
            "preconsumetokenquotafailed",
            "preconsumequotafailed",
            "quotanotenough",
            "userquotanotenough",
            "tokenquotanotenough",
            "balancenotenough",
            // OpenAI and Anthropic.
            "billingnotactive",
            "billingerror",
            "creditbalancetoolow",
            "usagelimitreached",
            // Moonshot, DashScope, Volcengine, Google.
            "exceededcurrentquotaerror",
            "exceededcurrentquota",
            "arrearage",
            "accountoverdueerror",
            "accountoverdue",
            "allocationquotafreetieronly",
            "setlimitexceeded",
            "billingdisabled",
            // Spellings of gateways.
            "insufficientbalance",
            "insufficientbalanceerror",
            "insufficientcredit",
            "insufficientfunds",
            "insufficientquotaerror",
            "paymentrequired",
            "paymentrequirederror",
            "quotaexceeded",
            "quotaexceedederror",
            "quotaexhausted",
            "exceededquota",
            "outofcredits",
            "nocredits",
            "creditserror",
            "creditsexhausted",
            "creditlimitexceeded",
            "creditlimitreached",
            "spendinglimitreached",
            "spendinglimitexceeded",
            "spendlimitreached",
            "budgetexceedederror",
            "servicequotaexceededexception",
        ],
    ),
    (
        Meaning::Auth,
        &[
            "invalidapikey",
            "invalidapikeyerror",
            "incorrectapikey",
            "incorrectapikeyerror",
            "missingapikey",
            "noapikey",
            "expiredapikey",
            "apikeyexpired",
            "apikeynotfound",
            "invalidkey",
            "authenticationerror",
            "authenticationfailed",
            "autherror",
            "invalidauthentication",
            "invalidauthenticationerror",
            "invalidtoken",
            "tokenexpired",
            "tokeninvalid",
            "unauthenticated",
            "unauthorizederror",
            "unauthorizedexception",
            "unrecognizedclientexception",
            "expiredtokenexception",
            "invalidsignatureexception",
            // Google's reasons.
            "apikeyinvalid",
            "apikeyserviceblocked",
            "apikeyhttpreferrerblocked",
            "apikeyipaddressblocked",
            "apikeyandroidappblocked",
            "apikeyiosappblocked",
            "accesstokenexpired",
            "accesstokenscopeinsufficient",
            "accesstokentypeunsupported",
            "accountstateinvalid",
            "credentialsmissing",
            "consumerinvalid",
            "consumersuspended",
        ],
    ),
    (
        Meaning::Permission,
        &[
            "permissiondenied",
            "permissiondeniederror",
            "permissionerror",
            "permissiondeniedexception",
            "accessdenied",
            "accessdeniedexception",
            "forbiddenerror",
            "thecallerdoesnothavepermissiontoexecutethespecifiedoperation",
        ],
    ),
    (
        Meaning::Policy,
        &[
            "contentpolicyerror",
            "contentpolicyviolationerror",
            "contentfiltererror",
            "contentmoderation",
            "datainspectionfailed",
            "moderationerror",
            "prohibitedcontent",
            "promptblocked",
            "responsibleaipolicyviolation",
            "safetyviolation",
            "sensitivewordsdetected",
        ],
    ),
    (
        Meaning::Validation,
        &[
            "badrequesterror",
            "clientspecifiedaninvalidargument",
            "contextlengthexceeded",
            "failedprecondition",
            "invalidargument",
            "invalidparameter",
            "invalidparametererror",
            "invalidrequesterror",
            "invalidvalue",
            "invalidimage",
            "invalidimageformat",
            "modelnotfounderror",
            "notfounderror",
            "outofrange",
            "requesttoolarge",
            "unprocessableentityerror",
            "unsupportedparameter",
            "unsupportedvalue",
            "validationexception",
        ],
    ),
    (
        Meaning::RateLimit,
        &[
            "ratelimit",
            "ratelimited",
            "ratelimiterror",
            "ratelimitreached",
            "ratelimitreachederror",
            "ratelimitexceedederror",
            "slowdown",
            "throttled",
            "throttling",
            "throttlingerror",
            "throttlingexception",
            "toomanyrequests",
            "toomanyrequestserror",
            "toomanyrequestsexception",
        ],
    ),
    (Meaning::Exhausted, &["resourceexhausted"]),
    (
        Meaning::Began,
        &[
            "aborted",
            "badgateway",
            "cancelled",
            "canceled",
            "clientclosedrequest",
            "deadlineexceeded",
            "gatewaytimeouterror",
            "internal",
            "internalerrorexception",
            "internalfailure",
            "internalservererror",
            "internalserverexception",
            "internalserviceerror",
            "jobfailed",
            "modelerrorexception",
            "modeltimeoutexception",
            "requestcancelled",
            "requestcanceled",
            "requesttimeout",
            "requesttimeouterror",
            "servererror",
            "timeout",
            "timeouterror",
            "upstreamtimeout",
        ],
    ),
];

/// What a machine-readable word means, if that is known.
pub(super) fn meaning_of(code: &str) -> Option<Meaning> {
    // AWS writes a namespace before its codes, and where they are explained after them.
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    // Seedream's, for what goes in and for what comes out.
    if code.contains("SensitiveContentDetected") {
        return Some(Meaning::Policy);
    }
    if code.len() > LONGEST_CODE {
        return None;
    }
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let known = CODES
        .iter()
        .find(|(_, codes)| codes.contains(&plain.as_str()));
    known.map(|(meaning, _)| *meaning).or_else(|| {
        // The gateway's own codes in another spelling.
        let own = snake_case(code);
        match ErrorCode::from(own.as_str()) {
            ErrorCode::Other(_) => None,
            known => known.meaning(),
        }
    })
}

/// The longest word that is looked up.
const LONGEST_CODE: usize = 96;

/// `InvalidRequest`, `INVALID_REQUEST` and `invalid-request` as `invalid_request`.
fn snake_case(code: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for character in code.chars() {
        if character.is_ascii_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = character.is_ascii_lowercase();
        snake.push(match character {
            '-' | '.' | ' ' => '_',
            character => character.to_ascii_lowercase(),
        });
    }
    snake
}

/// What a phrase says that stands where a provider gives no code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phrase {
    Quota,
    /// Google says it of rates, too, with a wait.
    QuotaUnlessHinted,
    Auth,
}

/// Phrases in lower case, and who writes them.
const PHRASES: &[(&str, Phrase)] = &[
    // new-api and one-api.
    ("quota is not enough", Phrase::Quota),
    ("\u{989d}\u{5ea6}\u{4e0d}\u{8db3}", Phrase::Quota),
    ("\u{989d}\u{5ea6}\u{5df2}\u{7528}\u{5c3d}", Phrase::Quota),
    // Zhipu and others.
    ("\u{4f59}\u{989d}\u{4e0d}\u{8db3}", Phrase::Quota),
    // xAI.
    ("run out of credits", Phrase::Quota),
    ("used all available credits", Phrase::Quota),
    ("monthly spending limit", Phrase::Quota),
    // Anthropic.
    ("credit balance is too low", Phrase::Quota),
    // DeepSeek, OpenCode, Moonshot.
    ("insufficient balance", Phrase::Quota),
    // SiliconFlow.
    ("balance is insufficient", Phrase::Quota),
    // fal.
    ("exhausted balance", Phrase::Quota),
    // Together, Replicate.
    ("insufficient credit", Phrase::Quota),
    ("credit limit exceeded", Phrase::Quota),
    // Hugging Face.
    ("monthly included credits", Phrase::Quota),
    // Google.
    ("prepayment credits are depleted", Phrase::Quota),
    ("exceeded your current quota", Phrase::QuotaUnlessHinted),
    // Cloudflare's Workers AI.
    ("daily free allocation", Phrase::Quota),
    // xAI, OpenAI, Mistral, Groq.
    ("incorrect api key", Phrase::Auth),
    ("invalid api key", Phrase::Auth),
    // Google.
    ("api key not valid", Phrase::Auth),
    ("api key not found", Phrase::Auth),
    ("api key expired", Phrase::Auth),
    ("api key was reported as leaked", Phrase::Auth),
    // Anthropic.
    ("invalid x-api-key", Phrase::Auth),
    // DashScope.
    ("invalid api-key", Phrase::Auth),
    // OpenRouter.
    ("no auth credentials found", Phrase::Auth),
    // one-api.
    ("\u{65e0}\u{6548}\u{7684}\u{4ee4}\u{724c}", Phrase::Auth),
];

/// The first phrase of the table that stands in a message.
pub(super) fn phrase_in(message: &str) -> Option<Phrase> {
    let message = message.to_lowercase();
    let found = PHRASES.iter().find(|(words, _)| message.contains(words));
    found.map(|(_, phrase)| *phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_the_same_however_it_is_spelled() {
        for (code, meaning) in [
            ("insufficient_user_quota", Some(Meaning::Quota)),
            ("InsufficientBalance", Some(Meaning::Quota)),
            ("AllocationQuota.FreeTierOnly", Some(Meaning::Quota)),
            ("INSUFFICIENT_CREDITS", Some(Meaning::Quota)),
            ("API_KEY_INVALID", Some(Meaning::Auth)),
            ("invalid-api-key", Some(Meaning::Auth)),
            ("PERMISSION_DENIED", Some(Meaning::Permission)),
            ("DataInspectionFailed", Some(Meaning::Policy)),
            (
                "OutputImageSensitiveContentDetected.PolicyViolation",
                Some(Meaning::Policy),
            ),
            (
                "Client specified an invalid argument",
                Some(Meaning::Validation),
            ),
            ("InvalidRequest", Some(Meaning::Validation)),
            ("RateLimitExceeded", Some(Meaning::RateLimit)),
            (
                "com.amazon.coral#ThrottlingException:http://a.b/",
                Some(Meaning::RateLimit),
            ),
            ("RESOURCE_EXHAUSTED", Some(Meaning::Exhausted)),
            ("ProviderNotAvailable", Some(Meaning::NotBegun)),
            ("server_error", Some(Meaning::Began)),
            ("InternalServerError", Some(Meaning::Began)),
            ("DEADLINE_EXCEEDED", Some(Meaning::Began)),
            ("UNAVAILABLE", None),
            ("overloaded_error", None),
            ("503", None),
            ("", None),
        ] {
            assert_eq!(ErrorCode::from(code).meaning(), meaning, "{code}");
        }
    }

    #[test]
    fn no_code_of_the_table_is_written_twice_or_in_capitals() {
        let all: Vec<&str> = CODES
            .iter()
            .flat_map(|(_, codes)| *codes)
            .copied()
            .collect();
        for code in &all {
            assert_eq!(
                all.iter().filter(|other| other == &code).count(),
                1,
                "{code}"
            );
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase()), "{code}");
        }
        for (phrase, meaning) in PHRASES {
            assert_eq!(phrase.to_lowercase(), *phrase);
            assert_eq!(
                phrase_in(&format!("So: {phrase}.")),
                Some(*meaning),
                "{phrase}"
            );
        }
    }
}
