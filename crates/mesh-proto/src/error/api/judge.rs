//! What an error is about, and what it says of the work.
//!
//! Codes and reasons for machines go first, the phrases of providers that have none second, and the
//! status last.

use http::StatusCode;

use super::ApiError;
use crate::error::ErrorCode;
use crate::error::meaning::{Meaning, Phrase, phrase_in};

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Quota,
    RateLimit,
    Auth,
    ContentPolicy,
}

impl ApiError {
    /// Whether this is about how fast the key asks: waiting helps.
    pub fn is_rate_limit(&self) -> bool {
        self.subject() == Some(Subject::RateLimit)
    }

    /// Whether this is about what the account has left: waiting does not help.
    pub fn is_quota(&self) -> bool {
        self.subject() == Some(Subject::Quota)
    }

    /// Whether the key is missing, wrong, or may not do this. The code decides where it is known:
    /// providers answer 403 for other reasons, too, and so do web servers that take a program for
    /// an attacker.
    pub fn is_auth(&self) -> bool {
        self.subject() == Some(Subject::Auth)
    }

    /// Whether the content policy forbade it.
    pub fn is_content_policy(&self) -> bool {
        self.subject() == Some(Subject::ContentPolicy)
    }

    fn subject(&self) -> Option<Subject> {
        if self.is_challenge {
            return None;
        }
        let code = self.meaning();
        // What the code says of the work leaves no room for what stands beside it.
        let is_settled = matches!(
            code,
            Some(Meaning::RateLimit | Meaning::NotBegun | Meaning::Began)
        );
        let is_unknown = matches!(self.code, Some(ErrorCode::Other(_)) | None);
        let by_words = [
            (Meaning::Quota, Subject::Quota),
            (Meaning::Policy, Subject::ContentPolicy),
            (Meaning::Auth, Subject::Auth),
        ];
        let by_code = by_words.iter().find(|(meaning, _)| code == Some(*meaning));
        let by_sign = by_words
            .iter()
            .find(|(meaning, _)| !is_settled && self.signs.has(|sign| sign == *meaning));
        if let Some((_, subject)) = by_code.or(by_sign) {
            return Some(*subject);
        }
        if is_unknown && self.is_flagged {
            return Some(Subject::ContentPolicy);
        }
        // Of a failing server it may be about the gateway's own account with a provider.
        if !is_settled && !self.status.is_server_error() {
            match phrase_in(&self.message) {
                Some(Phrase::Auth) => return Some(Subject::Auth),
                Some(Phrase::Quota) => return Some(Subject::Quota),
                Some(Phrase::QuotaUnlessHinted) if self.retry_after.is_none() => {
                    return Some(Subject::Quota);
                }
                Some(Phrase::QuotaUnlessHinted) | None => {}
            }
        }
        self.subject_by_status(code, is_unknown)
    }

    fn subject_by_status(&self, code: Option<Meaning>, is_unknown: bool) -> Option<Subject> {
        let is_limit = |meaning| matches!(meaning, Meaning::RateLimit | Meaning::Exhausted);
        if self.is_at(StatusCode::PAYMENT_REQUIRED) {
            Some(Subject::Quota)
        } else if code.is_some_and(is_limit)
            || (is_unknown && self.signs.has(is_limit))
            || self.is_at(StatusCode::TOO_MANY_REQUESTS)
        {
            Some(Subject::RateLimit)
        } else if code == Some(Meaning::Permission)
            || (is_unknown
                && (self.signs.has(|sign| sign == Meaning::Permission)
                    || self.is_at(StatusCode::UNAUTHORIZED)
                    || self.is_at(StatusCode::FORBIDDEN)))
        {
            Some(Subject::Auth)
        } else {
            None
        }
    }

    fn meaning(&self) -> Option<Meaning> {
        self.code.as_ref()?.meaning()
    }

    /// Whether the status line or the body has this status.
    fn is_at(&self, status: StatusCode) -> bool {
        self.status == status
            || self.told_status == Some(status)
            || self.effective_status() == Some(status)
    }

    /// The status, or for an error inside a success the one that it tells of itself, or that its
    /// code usually goes with.
    pub(crate) fn effective_status(&self) -> Option<StatusCode> {
        if self.status.is_success() {
            let usual = || self.code.as_ref().and_then(ErrorCode::usual_status);
            self.told_status.or_else(usual)
        } else {
            Some(self.status)
        }
    }

    /// The status that says whether work was done. Gateways pass the status of a provider on in the
    /// body, under 503 or a status of their own choice.
    pub(crate) fn decisive_status(&self) -> Option<StatusCode> {
        match (self.status.as_u16(), self.told_status) {
            (503, Some(told)) => Some(told),
            (401..=403 | 429, _) => Some(self.status),
            (400..=499, Some(told)) if told.is_server_error() => Some(told),
            _ => self.effective_status(),
        }
    }

    /// Whether a code says that the request was refused, whatever the status.
    pub(crate) fn refuses(&self) -> bool {
        match self.meaning() {
            Some(Meaning::Validation | Meaning::Permission) => !self.was_given_up(),
            Some(meaning) => meaning.refuses(),
            None => !self.signs.began && !self.was_given_up() && self.signs.has(Meaning::refuses),
        }
    }

    /// Whether someone stopped waiting for the work: 408 or 499, wherever the number stands.
    pub(crate) fn was_given_up(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 499) || self.signs.was_given_up
    }

    /// Whether a code says that the work failed or timed out, so that it had begun.
    pub(crate) fn says_work_began(&self) -> bool {
        matches!(
            self.code,
            Some(ErrorCode::ProviderJobFailed | ErrorCode::GatewayTimeout)
        )
    }

    /// Whether it says that no work was begun: by its code, or by asking for a retry of a 503 where
    /// no code in the body says otherwise.
    pub(crate) fn says_nothing_began(&self) -> bool {
        if self.meaning().is_some_and(Meaning::is_before_work) {
            return true;
        }
        let is_asked =
            self.asks_for_retry && self.decisive_status() == Some(StatusCode::SERVICE_UNAVAILABLE);
        !self.signs.began && (is_asked || self.signs.has(Meaning::is_before_work))
    }

    /// The body was cut short: a code that contradicts a request for a retry may have been lost.
    pub(crate) fn doubt_hint(&mut self) {
        self.asks_for_retry = false;
    }

    /// Whether a retry cannot help, or harms, whatever the status: paid work that may have begun,
    /// and limits that only a person lifts.
    pub(crate) fn forbids_repeating(&self) -> bool {
        let is_told_otherwise = self.status == StatusCode::SERVICE_UNAVAILABLE
            && self.told_status.is_some_and(|told| {
                told.is_client_error() && told != StatusCode::TOO_MANY_REQUESTS
            })
            && !self.was_given_up();
        self.is_challenge
            || self.code == Some(ErrorCode::ProviderJobFailed)
            || self.is_quota()
            || self.is_auth()
            || self.is_content_policy()
            || self.refuses()
            || is_told_otherwise
    }
}
