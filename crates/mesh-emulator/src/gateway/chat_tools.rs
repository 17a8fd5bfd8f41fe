//! Tools: which is called, with which arguments, and what was thought meanwhile ([protocol
//! reference, section 4.2](mesh_proto::protocol#42-response) and [section 4.4](mesh_proto::protocol#44-structured-output-and-tools)).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesh_proto::error::ErrorCode;
use serde_json::{Value, json};

use super::chat_turns::{Role, Turn};
use super::errors::Refused;
use super::ids::{Ids, fingerprint};
use super::structured;
use super::validate::{Fields, Problems};
use crate::vision::Sight;

/// The tools that a request offers.
#[derive(Debug)]
pub(super) struct Tools<'b> {
    functions: Vec<Function<'b>>,
    choice: Choice<'b>,
}

#[derive(Debug)]
struct Function<'b> {
    name: &'b str,
    description: &'b str,
    parameters: Option<&'b Value>,
}

/// `tool_choice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice<'b> {
    Auto,
    None,
    Required,
    Named(&'b str),
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// A JSON document.
    pub(super) arguments: String,
    pub(super) signature: Option<String>,
}

impl<'b> Tools<'b> {
    /// Reads `tools` and `tool_choice`.
    pub(super) fn read(fields: &Fields<'b>, problems: &mut Problems) -> Self {
        let tools = fields.list("tools", problems).unwrap_or_default();
        let mut functions = Vec::new();
        for (index, tool) in tools.iter().enumerate() {
            if problems.is_full() {
                break;
            }
            let tool = fields.item("tools", index, tool, problems);
            functions.extend(tool.and_then(|tool| function(&tool, problems)));
        }
        fields.boolean("parallel_tool_calls", problems);
        Self {
            functions,
            choice: choice(fields, problems),
        }
    }

    /// Whether none is offered.
    pub(super) fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    /// Whether a question without images asks for a tool, or one is forced. That tools are offered
    /// says nothing: some clients offer theirs with every question.
    pub(super) fn is_asked_for(&self, question: &str) -> bool {
        match self.choice {
            Choice::None => false,
            Choice::Required | Choice::Named(_) => true,
            Choice::Auto => self.asked_for(question).is_some(),
        }
    }

    fn asked_for(&self, question: &str) -> Option<&Function<'b>> {
        let nearest = || self.nearest(question).filter(|it| it.is_meant_by(question));
        self.named(question).or_else(nearest)
    }

    /// The function to call, if any: 400 where one must be called that is not offered.
    ///
    /// With `auto`, a question with images calls only a function that it names: questions about
    /// images contain words such as "image", "read" and "edit", which are also names of tools. A
    /// question without images may also ask for what a function does. None where a tool has just
    /// answered.
    fn chosen(
        &self,
        question: &str,
        turns: &[Turn<'_>],
        sights: &[Sight],
    ) -> Result<Option<&Function<'b>>, Refused> {
        let missing = |message: String| Err(Refused::because(ErrorCode::InvalidRequest, message));
        let has_answer = turns.last().is_some_and(|turn| turn.role == Role::Tool);
        match self.choice {
            Choice::None => Ok(None),
            Choice::Auto if has_answer => Ok(None),
            Choice::Auto if sights.is_empty() => Ok(self.asked_for(question)),
            Choice::Auto => Ok(self.functions.iter().find(|it| it.is_named_in(question))),
            Choice::Required => match self
                .named(question)
                .or_else(|| self.nearest(question))
                .or(self.functions.first())
            {
                Some(function) => Ok(Some(function)),
                None => missing("tool_choice is required, and there are no tools.".to_owned()),
            },
            Choice::Named(name) => match self.functions.iter().find(|it| it.name == name) {
                Some(function) => Ok(Some(function)),
                None => {
                    let short: String = name.chars().take(64).collect();
                    missing(format!(
                        "tool_choice names '{short}', which is none of the tools."
                    ))
                }
            },
        }
    }

    /// The first function whose name the question has, as it is or word by word.
    fn named(&self, question: &str) -> Option<&Function<'b>> {
        let asked = stems(question);
        let lower = question.to_lowercase();
        let words: BTreeSet<&str> = lower.split(|c: char| !is_of_name(c)).collect();
        self.functions.iter().find(|it| {
            let name = it.name.to_lowercase();
            let own = stems(it.name);
            words.contains(name.as_str()) || (!own.is_empty() && own.is_subset(&asked))
        })
    }

    /// The function whose name, description and parameters share most words with the question, the
    /// first of several; none where they share none.
    fn nearest(&self, question: &str) -> Option<&Function<'b>> {
        let asked = stems(question);
        let shared = |function: &Function<'_>| function.stems().intersection(&asked).count();
        let counted = self.functions.iter().rev().map(|it| (shared(it), it));
        let (count, nearest) = counted.max_by_key(|(count, _)| *count)?;
        (count > 0).then_some(nearest)
    }

    /// The call of a tool, if one is to be called: its arguments are what was measured and asked, as
    /// far as its parameters have places for it.
    pub(super) fn call(
        &self,
        question: &str,
        turns: &[Turn<'_>],
        sights: &[Sight],
        ids: Ids,
    ) -> Result<Option<ToolCall>, Refused> {
        let Some(function) = self.chosen(question, turns, sights)? else {
            return Ok(None);
        };
        let arguments = function.parameters.map_or_else(
            || json!({}),
            |schema| structured::fill(schema, sights, question.trim(), question),
        );
        Ok(Some(ToolCall {
            id: ids.id("call_", 3),
            name: function.name.to_owned(),
            arguments: arguments.to_string(),
            signature: None,
        }))
    }
}

impl Function<'_> {
    /// Whether a question names the function: it has all words of the name. A name of one word must
    /// also begin the question ("view this") or be marked as a tool: "use bash", "the bash tool",
    /// "`bash`", "`bash()`".
    fn is_named_in(&self, question: &str) -> bool {
        let start: String = question.chars().take(MOST_NAMED).collect();
        let start = start.to_lowercase();
        let name = self.name.to_lowercase();
        let parts: Vec<&str> = words(&name).collect();
        if parts.len() > 1 {
            let asked: Vec<&str> = words(&start).collect();
            let own = stems(self.name);
            return asked.windows(parts.len()).any(|it| it == parts)
                || (own.len() > 1 && own.is_subset(&stems(question)));
        }
        if name.is_empty() {
            return false;
        }
        start.match_indices(&name).any(|(place, found)| {
            let before = start.get(..place).unwrap_or_default();
            let after = start.get(place + found.len()..).unwrap_or_default();
            let is_word = !before.ends_with(is_of_name) && !after.starts_with(is_of_name);
            let mut earlier = words(before).rev();
            let verb = earlier.next().filter(|word| *word != "the");
            let verb = verb.or_else(|| earlier.next());
            let is_quoted = ['`', '"', '\'', '\u{201c}', '\u{2018}']
                .iter()
                .any(|quote| before.ends_with(*quote));
            is_word
                && (words(before).next().is_none()
                    || is_quoted
                    || after.starts_with('(')
                    || verb.is_some_and(|word| CALLS.contains(&word))
                    || words(after)
                        .next()
                        .is_some_and(|word| TOOLS.contains(&word)))
        })
    }

    /// Whether a question asks for what the function does: it has the thing that the name is about,
    /// or one word of the name and another one of the description.
    fn is_meant_by(&self, question: &str) -> bool {
        let asked = stems(question);
        let own = stems(self.name);
        let mut things = own.iter().filter(|it| !VERBS.contains(&it.as_str()));
        let shares_name = !own.is_disjoint(&asked);
        let has_things = own.len() > things.clone().count() && things.all(|it| asked.contains(it));
        shares_name && (has_things || self.stems().intersection(&asked).count() > 1)
    }

    fn stems(&self) -> BTreeSet<String> {
        let properties = self
            .parameters
            .and_then(|schema| schema.get("properties")?.as_object());
        let names = properties
            .into_iter()
            .flatten()
            .take(MOST_WORDS)
            .map(|(name, _)| name.as_str());
        let mut all = stems(self.name);
        all.extend(stems(self.description));
        all.extend(names.flat_map(stems));
        all
    }
}

impl ToolCall {
    /// The call with the mark by which it is known again.
    pub(super) fn signed(mut self) -> Self {
        self.signature = Some(mark(&[&self.id, &self.name, &self.arguments]));
        self
    }

    /// As messages have it.
    pub(super) fn whole(&self) -> Value {
        self.told(&self.arguments)
    }

    /// The same without its arguments, as a stream begins it.
    pub(super) fn opening(&self) -> Value {
        self.told("")
    }

    fn told(&self, arguments: &str) -> Value {
        let mut call = json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": arguments},
        });
        if let (Some(signature), Some(call)) = (&self.signature, call.as_object_mut()) {
            call.insert("thought_signature".to_owned(), signature.clone().into());
        }
        call
    }
}

/// What was thought, as `reasoning_details`, with the mark by which it is known again.
pub(super) fn thoughts(sights: &[Sight], question: &str) -> Value {
    let words = question.split_whitespace().count();
    let text = format!(
        "The question has {words} words, and there are {} pictures to measure. No model thinks here.",
        sights.len()
    );
    json!([{
        "type": "reasoning.text",
        "index": 0,
        "signature": mark(&["thought", &text]),
        "text": text,
    }])
}

/// Whether what was marked comes back as it went out: 400 where it does not.
pub(super) fn check_echo(turns: &[Turn<'_>]) -> Result<(), Refused> {
    let broken = |place: &str| {
        let message = format!("{place} must be sent back as it came.");
        Err(Refused::because(ErrorCode::InvalidRequest, message))
    };
    for turn in turns {
        for call in &turn.calls {
            let expected = mark(&[call.id, call.name, call.arguments]);
            if call.signature != Some(expected.as_str()) {
                return broken(&format!("{}.thought_signature", call.place));
            }
        }
        let thoughts = turn.thoughts.and_then(Value::as_array);
        for thought in thoughts.into_iter().flatten() {
            let text = |name: &str| thought.get(name).and_then(Value::as_str);
            let expected = text("text").map(|text| mark(&["thought", text]));
            if text("signature") != expected.as_deref() {
                return broken("reasoning_details");
            }
        }
    }
    Ok(())
}

/// What the tools answered that were called last, told in a sentence each.
pub(super) fn told_results(turns: &[Turn<'_>]) -> String {
    let results = turns.iter().rev().take_while(|it| it.role == Role::Tool);
    let mut names = BTreeMap::new();
    for call in turns.iter().flat_map(|it| &it.calls) {
        names.entry(call.id).or_insert(call.name);
    }
    let mut told: Vec<String> = results
        .map(|turn| {
            let name = turn.answers.and_then(|id| names.get(id));
            let name = name.copied().unwrap_or("A tool");
            let words = turn.texts.iter().flat_map(|it| it.split_whitespace());
            let joined: Vec<&str> = words.take(400).collect();
            let short: String = joined.join(" ").chars().take(400).collect();
            format!("{name} answered: {short}")
        })
        .collect();
    told.reverse();
    told.join("\n")
}

fn function<'b>(tool: &Fields<'b>, problems: &mut Problems) -> Option<Function<'b>> {
    if tool.required_text("type", problems)? != "function" {
        return None;
    }
    if !tool.has("function") {
        tool.missing("function", problems);
    }
    let function = tool.object("function", problems)?;
    let name = function.required_text("name", problems);
    if name.is_some_and(str::is_empty) {
        let message = "String should have at least 1 character";
        function.tell("name", message, "string_too_short", problems);
    }
    function.object("parameters", problems);
    Some(Function {
        name: name?,
        description: function.text("description", problems).unwrap_or_default(),
        parameters: function.get("parameters"),
    })
}

fn choice<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Choice<'b> {
    const NAME: &str = "tool_choice";
    match fields.get(NAME) {
        None => Choice::Auto,
        Some(Value::Object(_)) => {
            let Some(object) = fields.object(NAME, problems) else {
                return Choice::Auto;
            };
            object.required_text("type", problems);
            if !object.has("function") {
                object.missing("function", problems);
            }
            let name = object
                .object("function", problems)
                .and_then(|function| function.required_text("name", problems));
            name.map_or(Choice::Auto, Choice::Named)
        }
        Some(_) => {
            let choices = [
                ("auto", Choice::Auto),
                ("none", Choice::None),
                ("required", Choice::Required),
            ];
            fields
                .choice(NAME, &choices, problems)
                .unwrap_or(Choice::Auto)
        }
    }
}

/// Verbs of names that are about a thing: `get_current_weather`.
const VERBS: [&str; 6] = ["get", "fetch", "retri", "looku", "curre", "check"];

/// What stands before the name of a tool that is to be called.
const CALLS: [&str; 9] = [
    "call", "calling", "execute", "function", "invoke", "run", "tool", "use", "using",
];

/// What stands behind the name of a tool.
const TOOLS: [&str; 2] = ["function", "tool"];

/// How many characters of a question are searched for names.
const MOST_NAMED: usize = 20_000;

/// How many words of a text are read.
const MOST_WORDS: usize = 2000;

/// The beginnings of the words that mean something.
fn stems(text: &str) -> BTreeSet<String> {
    const MEANS_NOTHING: [&str; 17] = [
        "about", "and", "function", "from", "give", "have", "into", "please", "returns", "that",
        "the", "this", "tool", "what", "when", "with", "your",
    ];
    let words = text.split(|c: char| !c.is_alphanumeric()).take(MOST_WORDS);
    words
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 2 && !MEANS_NOTHING.contains(&word.as_str()))
        .map(|word| word.chars().take(5).collect())
        .collect()
}

/// The words of a text or a name, without what stands between them.
fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn mark(parts: &[&str]) -> String {
    let sum = fingerprint(&parts.join("\u{1f}"));
    STANDARD.encode(sum.to_be_bytes())
}
