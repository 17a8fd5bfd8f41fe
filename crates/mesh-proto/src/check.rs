//! A request held against what the catalogue says of a model, and against the gateway's limits,
//! before it is sent and without a network.
//!
//! A [`Report`] advises and never blocks: the catalogue is known to err ([protocol reference, section
//! 9](crate::protocol#9-models-catalogue)), and what it does not say is passed over in silence.
//!
//! ```
//! use mesh_proto::ChatRequest;
//! use mesh_proto::check::Severity;
//! use mesh_proto::image::Image;
//! use mesh_proto::models::Model;
//!
//! let model: Model = serde_json::from_str(r#"{"id":"acme/reader","input_modalities":["text"]}"#)?;
//! let photo = Image::from_url("https://example.com/image.jpg")?;
//! let report = ChatRequest::new("acme/reader").user(("What is this?", photo)).check(&model);
//! assert_eq!(report.worst(), Some(Severity::Warning));
//! assert_eq!(report.findings()[0].field, "messages[0].content[1]");
//! println!("{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chat;
mod cost;
mod edit;
mod image;
mod picture;

use std::borrow::Cow;
use std::fmt;

pub use self::cost::Cost;
use crate::body::{Body, Splice};
use crate::build_error::BuildError;
use crate::call::check_size;
use crate::chat::Modality;
use crate::limits::Limits;
use crate::models::{Capability, Feature, Model};
use crate::wire::{Manner, Wire, Written};

/// What there is to say of a request to a model: see [`ChatRequest::check`](crate::ChatRequest::check),
/// [`ImageRequest::check`](crate::images::ImageRequest::check) and
/// [`EditRequest::check`](crate::images::EditRequest::check).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    findings: Vec<Finding>,
    body_bytes: Option<u64>,
    pictures: usize,
    cost: Option<Cost>,
}

impl Report {
    /// What was found, in the order of the request's fields.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The severest of what was found; none where nothing was.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// The size of the request's body in bytes, base64 growth included; none where it cannot be
    /// written.
    pub fn body_bytes(&self) -> Option<u64> {
        self.body_bytes
    }

    /// How many pictures the request has.
    pub fn pictures(&self) -> usize {
        self.pictures
    }

    /// What the call would cost by the catalogue; none where it does not allow an honest estimate.
    pub fn cost(&self) -> Option<&Cost> {
        self.cost.as_ref()
    }
}

/// One finding a line, and nothing where there is none.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

/// Something to know about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The field on the wire, such as `messages[2].content[1]`; `body` for the whole.
    pub field: Cow<'static, str>,
    /// What was found, and what can be done. None of the request's own text is in it.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.field, self.text)
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It would work better otherwise.
    Advice,
    /// It may fail, or not do what is meant: the catalogue or a known habit of providers speaks
    /// against it.
    Warning,
    /// It is refused, by the gateway or before it is sent.
    Problem,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Problem => "problem",
        })
    }
}

/// A report in the making: what the checks of all kinds of requests have in common.
struct Examination<'m> {
    model: &'m Model,
    report: Report,
}

/// How many pictures pass without a word; the protocol reference names no limit.
const MANY_PICTURES: usize = 10;

impl<'m> Examination<'m> {
    fn new(model: &'m Model) -> Self {
        Self {
            model,
            report: Report::default(),
        }
    }

    fn find(
        &mut self,
        severity: Severity,
        field: impl Into<Cow<'static, str>>,
        text: impl Into<String>,
    ) {
        self.report.findings.push(Finding {
            severity,
            field: field.into(),
            text: text.into(),
        });
    }

    /// What would keep the request from being built.
    fn built(&mut self, result: Result<(), BuildError>) {
        match result {
            Ok(()) => {}
            Err(BuildError::Invalid { field, rule }) => self.find(Severity::Problem, field, rule),
            Err(error) => self.find(Severity::Problem, "body", error.to_string()),
        }
    }

    /// The body of the request, as it would be sent.
    fn body(&mut self, request: &impl Wire) {
        let splice = Splice::new();
        self.whole(splice.body(&Written(request, Manner::spliced(&splice))));
    }

    fn whole(&mut self, body: Result<Body, BuildError>) {
        let limit = Limits::default().request;
        self.report.body_bytes = body.as_ref().ok().map(Body::len);
        self.built(body.and_then(|body| check_size(&body, limit)));
    }

    /// The model that the request names.
    fn model(&mut self, named: Option<&str>) {
        let text = match named {
            Some("auto") => "the gateway chooses the model, and this report is of one of them",
            Some(id) if id == self.model.id => return,
            Some(id) if id.eq_ignore_ascii_case(&self.model.id) => {
                "ids are case-sensitive, and the catalogue writes this one otherwise"
            }
            Some(_) => "this report is of another model",
            None => "the key's default model answers, and this report may be of another",
        };
        self.find(Severity::Advice, "model", text);
    }

    /// A field that needs an ability.
    fn needs(&mut self, field: impl Into<Cow<'static, str>>, feature: &Feature, consequence: &str) {
        if self.model.supports(feature) == Capability::No {
            self.find(
                Severity::Warning,
                field,
                format!(
                    "the catalogue says that the model does not support {feature}: {consequence}"
                ),
            );
        }
    }

    /// A field that is input of a kind.
    fn input(&mut self, field: impl Into<Cow<'static, str>>, modality: &Modality) {
        if self.model.takes(modality) == Capability::No {
            self.find(
                Severity::Warning,
                field,
                format!("the catalogue says that the model takes no {modality}"),
            );
        }
    }

    /// A field that asks for output of a kind.
    fn output(&mut self, field: impl Into<Cow<'static, str>>, modality: &Modality) {
        if self.model.gives(modality) == Capability::No {
            self.find(
                Severity::Warning,
                field,
                format!("the catalogue says that the model gives no {modality}"),
            );
        }
    }

    /// A field that only one maker's models know.
    fn made_by(&mut self, field: &'static str, maker: &str, severity: Severity, consequence: &str) {
        let other = self
            .model
            .maker()
            .is_some_and(|it| !it.eq_ignore_ascii_case(maker));
        if other {
            self.find(
                severity,
                field,
                format!("only {maker}'s models know it: {consequence}"),
            );
        }
    }

    fn finish(mut self) -> Report {
        if self.report.pictures > MANY_PICTURES {
            self.find(
                Severity::Advice,
                "body",
                format!(
                    "{} pictures, and providers differ in how many they take",
                    self.report.pictures
                ),
            );
        }
        self.report
    }
}
