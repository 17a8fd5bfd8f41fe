//! The plot of what a fleet's retries come to, as SVG.

use std::fmt::Write as _;
use std::time::Duration;

use crate::fleet::{Fleet, Health, Outcome, Pace, Patience, Timeline};

const SECOND: Duration = Duration::from_secs(1);

/// The colour of our clients, and that of those with a fixed delay.
const OURS: &str = "#0b6e4f";
const FIXED: &str = "#c8553d";
const PLAIN: &str = "#888888";

/// The plot: an outage, a hiccup, the end of a minute, and what a dead gateway sees of clients of any
/// size.
pub fn retries() -> String {
    let mut picture = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 1000\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"760\" height=\"1000\" fill=\"white\"/>\n",
    );
    let panels = [outage(), hiccup(), minute(), dead()];
    for (place, panel) in (0_u32..).zip(&panels) {
        panel.draw(f64::from(place) * 248.0 + 12.0, &mut picture);
    }
    picture += "</svg>\n";
    picture
}

/// Lines in one pair of axes.
struct Panel {
    title: &'static str,
    across: &'static str,
    lines: Vec<Line>,
    /// Marks of the horizontal axis, each with the place where it stands.
    marks: Vec<(f64, String)>,
    /// The end of the vertical axis.
    top: f64,
    /// Marks of the vertical axis.
    levels: Vec<(f64, &'static str)>,
}

struct Line {
    name: &'static str,
    colour: &'static str,
    /// Points, the horizontal axis being from 0 to 1.
    points: Vec<(f64, f64)>,
}

impl Panel {
    fn draw(&self, top: f64, picture: &mut String) {
        let (left, width, height) = (56.0, 680.0, 170.0);
        let base = top + 24.0 + height;
        let x = |share: f64| left + share * width;
        let y = |value: f64| base - (value / self.top).min(1.0) * height;
        let _ = writeln!(
            picture,
            "<text x=\"{left}\" y=\"{:.1}\" font-size=\"14\">{}</text>",
            top + 14.0,
            self.title
        );
        for (level, name) in &self.levels {
            let _ = writeln!(
                picture,
                "<line x1=\"{left}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#dddddd\"/><text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{name}</text>",
                x(1.0),
                y(*level),
                left - 6.0,
                y(*level) + 4.0,
            );
        }
        for (share, name) in &self.marks {
            let _ = writeln!(
                picture,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
                x(*share),
                base + 16.0,
            );
        }
        let _ = writeln!(
            picture,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{PLAIN}\">{}</text>",
            x(1.0),
            base + 32.0,
            self.across
        );
        let mut legend = left;
        for line in &self.lines {
            let points: Vec<String> = line
                .points
                .iter()
                .map(|(share, value)| format!("{:.1},{:.1}", x(*share), y(*value)))
                .collect();
            let _ = writeln!(
                picture,
                "<polyline fill=\"none\" stroke=\"{0}\" stroke-width=\"1.5\" points=\"{1}\"/><text x=\"{legend:.1}\" y=\"{2:.1}\" fill=\"{0}\">{3}</text>",
                line.colour,
                points.join(" "),
                base + 32.0,
                line.name,
            );
            legend += 170.0;
        }
    }
}

fn run(mut fleet: Fleet, patience: Patience, timeline: &Timeline) -> Outcome {
    fleet.patience = patience;
    fleet.run(timeline)
}

fn fleet(clients: usize, calls_each: usize, pace: Pace) -> Fleet {
    Fleet {
        clients,
        calls_each,
        pace,
        patience: Patience::Ours,
        seed: 7,
    }
}

/// Counts as points from left to right, each times `scale`.
fn curve(bins: &[usize], scale: f64) -> Vec<(f64, f64)> {
    let width = number(bins.len().max(1));
    let points = bins.iter().enumerate();
    points
        .map(|(place, count)| ((number(place) + 0.5) / width, number(*count) * scale))
        .collect()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "what is drawn is far below 2^52"
)]
fn number(count: usize) -> f64 {
    count as f64
}

fn seconds(from: u32, to: u32, step: u32) -> Vec<(f64, String)> {
    let marks = (from..=to).filter(|second| (second - from).is_multiple_of(step));
    marks
        .map(|second| {
            (
                f64::from(second - from) / f64::from(to - from),
                format!("{second} s"),
            )
        })
        .collect()
}

fn outage() -> Panel {
    let timeline = Timeline(vec![
        (Duration::ZERO, Health::Sheds(60)),
        (SECOND * 20, Health::Dead),
        (SECOND * 40, Health::Sheds(60)),
    ]);
    let line = |name, colour, patience| {
        let fleet = fleet(100, 300, Pace::Every(SECOND / 5));
        let outcome = run(fleet, patience, &timeline);
        let bins = outcome.sends(Duration::ZERO, SECOND * 60, SECOND / 2);
        Line {
            name,
            colour,
            points: curve(&bins, 2.0),
        }
    };
    Panel {
        title: "Requests per second: dead from 20 s to 40 s, 500 calls a second, room for 600",
        across: "time",
        lines: vec![
            line("mesh", OURS, Patience::Ours),
            line("1 s later, three times", FIXED, Patience::Fixed(SECOND)),
        ],
        marks: seconds(0, 60, 10),
        top: 2_200.0,
        levels: vec![(500.0, "500"), (1_000.0, "1000"), (2_000.0, "2000")],
    }
}

fn hiccup() -> Panel {
    let timeline = Timeline(vec![
        (Duration::ZERO, Health::Well),
        (SECOND * 10, Health::Unavailable),
        (SECOND * 10 + SECOND / 10, Health::Well),
    ]);
    let line = |name, colour, patience| {
        let outcome = run(fleet(2_000, 20, Pace::Every(SECOND)), patience, &timeline);
        let bins = outcome.retries(SECOND * 10, SECOND * 12, SECOND / 50);
        Line {
            name,
            colour,
            points: curve(&bins, 50.0),
        }
    };
    Panel {
        title: "Retries per second: 503 for a tenth of a second at 10 s, 2000 calls a second",
        across: "time",
        lines: vec![
            line("mesh", OURS, Patience::Ours),
            line("1 s later", FIXED, Patience::Fixed(SECOND)),
        ],
        marks: seconds(10, 12, 1),
        top: 2_800.0,
        levels: vec![(1_000.0, "1000"), (2_000.0, "2000")],
    }
}

fn minute() -> Panel {
    let timeline = Timeline(vec![
        (Duration::ZERO, Health::Well),
        (SECOND * 50, Health::RateLimited),
        (SECOND * 60, Health::Well),
    ]);
    let outcome = run(
        fleet(500, 80, Pace::Every(SECOND)),
        Patience::Ours,
        &timeline,
    );
    let from = SECOND * 45;
    let line = |name, colour, bins: &[usize]| Line {
        name,
        colour,
        points: curve(bins, 2.0),
    };
    let sends = outcome.sends(from, SECOND * 75, SECOND / 2);
    let retries = outcome.retries(from, SECOND * 75, SECOND / 2);
    Panel {
        title: "Requests per second: all rates used up from 50 s to the minute, 500 calls a second",
        across: "time",
        lines: vec![
            line("all requests of mesh", OURS, &sends),
            line("of which retries", PLAIN, &retries),
        ],
        marks: seconds(45, 75, 5),
        top: 3_000.0,
        levels: vec![(500.0, "500"), (1_000.0, "1000"), (2_000.0, "2000")],
    }
}

fn dead() -> Panel {
    let sizes = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 200, 500, 1_000];
    let place = |calls: usize| number(calls).log10() / 3.0;
    let line = |name, colour, pace| Line {
        name,
        colour,
        points: sizes
            .iter()
            .map(|calls| {
                let clients = (2_000 / calls).clamp(4, 200);
                let outcome = fleet(clients, *calls, pace).run(&Timeline::always(Health::Dead));
                (place(*calls), outcome.sends_per_call())
            })
            .collect(),
    };
    // Calls at one a second, whose time puts one retry back in ten seconds.
    let bound = |calls: usize| (1.0 + 10.0 / number(calls) + 0.1).min(3.0);
    let limit = Line {
        name: "10 and one in 10 s",
        colour: FIXED,
        points: sizes.iter().map(|it| (place(*it), bound(*it))).collect(),
    };
    Panel {
        title: "Requests per call to a dead gateway, by the number of calls that each client makes",
        across: "calls each",
        lines: vec![
            line("one after another", OURS, Pace::After(SECOND)),
            line("one every second", PLAIN, Pace::Every(SECOND)),
            limit,
        ],
        marks: [1, 5, 10, 20, 50, 100, 1_000]
            .iter()
            .map(|calls| (place(*calls), calls.to_string()))
            .collect(),
        top: 3.2,
        levels: vec![(1.0, "1"), (2.0, "2"), (3.0, "3")],
    }
}
