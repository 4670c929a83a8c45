//! A run from the start of its application to the exit code.

use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitStatus, getpid, kill_process};
use zerohop_kernel::clock_monotonic;
use zerohop_pipeline::{Counts, Ending, Films};

use crate::application;
use crate::args::Capture;
use crate::failure::{FAILED, Failure};
use crate::guard::Guard;
use crate::interrupts::Interrupts;
use crate::processes::{Processes, below};
use crate::recorder::Recorder;
use crate::report_file::ReportFile;
use crate::screen::{BEAT, Screen};
use crate::screen_guard::ScreenGuard;
use crate::silence::Sightings;
use crate::subject::Subject;
use crate::track::Track;

/// What ended a run first.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The application did, by itself.
    Application(WaitStatus),
    /// `--frames` or `--seconds`.
    Limit,
    /// Somebody wanted us to end.
    Signal(Signal),
}

/// Every process of a run.
#[derive(Debug)]
pub(crate) struct Cast {
    /// All that were started, and theirs.
    pub(crate) processes: Processes,
    /// The application.
    pub(crate) application: Pid,
    /// Watches over the others.
    pub(crate) guard: Guard,
    /// Watches over the screen, if pictures are shown on one.
    pub(crate) screen_guard: Option<ScreenGuard>,
    /// The private display, while there is one.
    pub(crate) server: Option<Pid>,
}

impl Cast {
    /// The processes that are ours and not the application's.
    fn ours(&self) -> Vec<Pid> {
        let screen = self.screen_guard.as_ref().map(|guard| guard.pid);
        self.server.into_iter().chain([self.guard.pid]).chain(screen).collect()
    }
}

/// A run, while the application lives.
pub(crate) struct Session<'a> {
    options: &'a Capture,
    subject: Subject,
    interrupts: Interrupts,
    cast: Cast,
    /// What is recorded beside each other: one for an application, or for each film.
    tracks: Vec<Track>,
    screen: Screen,
    sightings: Sightings,
    /// When the recording began, on `CLOCK_MONOTONIC`.
    begin: Duration,
}

impl<'a> Session<'a> {
    /// A run that begins now.
    pub(crate) fn new(
        options: &'a Capture,
        subject: Subject,
        interrupts: Interrupts,
        cast: Cast,
        tracks: Vec<Track>,
    ) -> Self {
        Self {
            options,
            subject,
            interrupts,
            cast,
            tracks,
            screen: Screen::new(!options.no_progress),
            sightings: Sightings::default(),
            begin: clock_monotonic(),
        }
    }

    /// Waits for the end, ends what is left, and says what happened. Returns the exit code.
    pub(crate) fn conduct(mut self, report: ReportFile) -> u8 {
        let end = self.watch();
        self.end_application(end);
        self.finish(end);
        if let Some(server) = self.cast.server {
            self.cast.processes.end(server, &|| self.interrupts.hurry());
        }
        let counts = self.counts();
        self.screen.show(clock_monotonic(), &counts);
        self.explain_silence(end);
        let recorded = !self.tracks.iter().any(Track::has_failed);
        let reported = self.write_report(report);
        let code = match end {
            End::Application(status) => self.ended(status),
            End::Limit => self.failed_before(),
            End::Signal(signal) => {
                self.failed_before();
                u8::try_from(128 + signal.as_raw()).unwrap_or(FAILED)
            }
        };
        if recorded && reported { code } else { FAILED }
    }

    /// Says what is to be said of a program that ended by itself. Returns our exit code.
    fn ended(&mut self, status: WaitStatus) -> u8 {
        let (code, said) = self.subject.ended(status);
        said.into_iter().for_each(|said| self.screen.say(said));
        code
    }

    /// Says what had failed by itself before we ended the rest. Returns our exit code.
    fn failed_before(&mut self) -> u8 {
        let said = self.subject.failed();
        let code = if said.is_empty() { 0 } else { FAILED };
        said.into_iter().for_each(|said| self.screen.say(said));
        code
    }

    /// Waits until something ends the run.
    fn watch(&mut self) -> End {
        loop {
            self.wait();
            if let Some(signal) = self.interrupts.ending() {
                return End::Signal(signal);
            }
            self.cast.processes.reap();
            if let Some(status) = self.cast.processes.status(self.cast.application) {
                return End::Application(status);
            }
            if self.conclude() || self.is_over() {
                return End::Limit;
            }
            self.beat();
        }
    }

    /// Waits for a signal, for the end of the pipeline, or for the next beat.
    fn wait(&self) {
        let signals = PollFd::new(&self.interrupts, PollFlags::IN);
        let mut fds = vec![signals];
        let each = self.recorders().map(|one| PollFd::from_borrowed_fd(one.as_fd(), PollFlags::IN));
        fds.extend(each);
        // Many programs that present nothing are gone soon: they are looked at often at first.
        let young = clock_monotonic().saturating_sub(self.begin) < Duration::from_secs(1);
        let beat = if young && !self.sightings.saw_layer() { BEAT / 8 } else { BEAT };
        // A failure is `EINTR`, and then there is something to do.
        let _ = poll(&mut fds, Timespec::try_from(beat).ok().as_ref());
    }

    /// What is done four times a second.
    fn beat(&mut self) {
        let counts = self.counts();
        if counts.taken == 0 {
            let mut pids = below(getpid());
            let ours = self.cast.ours();
            pids.retain(|pid| !ours.contains(pid));
            self.sightings.look(&pids);
        }
        self.screen.show(clock_monotonic(), &counts);
        if self.subject.is_gone() {
            // It cannot do anything about any other signal. Fails when it has just ended.
            let _ = kill_process(self.cast.application, Signal::KILL);
        }
        if let Some(status) = self.cast.server.and_then(|server| self.cast.processes.status(server))
        {
            self.cast.server = None;
            let why = format!("Xvfb ended with code {}", application::code(status));
            let todo = "the application's windows are gone";
            self.screen.say(Failure::new("the private display", why, todo));
        }
        for trace in self.tracks.iter().filter_map(|track| track.measurements.trace()) {
            // Said at the end, with the report.
            let _ = trace.flush();
        }
    }

    /// Ends the application, if it did not end by itself, and what it left behind.
    fn end_application(&mut self, end: End) {
        let hurry = || self.interrupts.hurry();
        if let End::Signal(_) = end {
            self.recorders().for_each(Recorder::stop);
        }
        self.cast.processes.end(self.cast.application, &hurry);
        let spared = self.cast.ours();
        let left = self.cast.processes.end_others(&spared, &hurry);
        if !left.is_empty() {
            let pids: Vec<_> = left.iter().map(|pid| pid.as_raw_nonzero().to_string()).collect();
            let why = format!("processes {} do not end", pids.join(", "));
            self.screen.say(Failure::new("the application", why, "see what they wait for"));
        }
    }

    /// Lets the pipelines write what they have. A hurried user does not wait for it.
    fn finish(&mut self, end: End) {
        for recorder in self.recorders() {
            match end {
                End::Application(_) => recorder.application_ended(),
                _ => recorder.stop(),
            }
        }
        loop {
            self.conclude();
            if self.recorders().next().is_none() || self.interrupts.hurry() {
                return;
            }
            self.wait();
            self.beat();
        }
    }

    /// Keeps what pipelines did that have ended. A failure is said at once: the application may go on for
    /// long. Returns whether nothing is left to record.
    fn conclude(&mut self) -> bool {
        // An application has its pictures back, and may go on unrecorded; a film has nobody else.
        let decoded = matches!(self.subject, Subject::Decoder(_));
        let runs = self.cast.processes.status(self.cast.application).is_none();
        let mut now = false;
        for track in &mut self.tracks {
            let Some(ended) = track.conclude() else { continue };
            if decoded {
                track.send_away();
            }
            now |= match ended {
                // The program ends by itself.
                Ok(Ending::Source) => false,
                Ok(_) => true,
                Err(failure) if runs && !decoded => {
                    self.screen.say(failure.and("the application goes on unrecorded"));
                    false
                }
                Err(failure) => {
                    self.screen.say(failure);
                    true
                }
            };
        }
        now && self.recorders().next().is_none()
    }

    /// Whether the time is over of an application that goes on unrecorded.
    fn is_over(&self) -> bool {
        let until = self.options.seconds.map(|seconds| self.begin + seconds);
        self.recorders().next().is_none() && until.is_some_and(|until| clock_monotonic() >= until)
    }

    /// What still records.
    fn recorders(&self) -> impl Iterator<Item = &Recorder> {
        self.tracks.iter().filter_map(|track| track.recorder.as_ref())
    }

    /// What was counted of all tracks up to now.
    fn counts(&self) -> Counts {
        let each: Vec<_> = self.tracks.iter().map(Track::counts).collect();
        if let [one] = &each[..] { one.clone() } else { Counts::sum(&each) }
    }

    /// Says why nothing was recorded, if nothing was and that is not said of its `end`.
    fn explain_silence(&mut self, end: End) {
        let Subject::Application(command) = &self.subject else { return };
        let code = match end {
            End::Application(status) if status.signaled() => return,
            End::Application(status) => Some(application::code(status)),
            End::Limit | End::Signal(_) => None,
        };
        if self.counts().taken == 0 && !self.interrupts.hurry() {
            let (why, todo) = self.sightings.explain(code.filter(|code| *code > 0));
            let why = format!("presented nothing: {why}");
            self.screen.say(Failure::new(command[0].to_string_lossy(), why, todo));
        }
    }

    /// Says what came of it all, and writes it where it is wanted. Returns whether it could be written.
    fn write_report(&mut self, file: ReportFile) -> bool {
        let status = self.cast.processes.status(self.cast.application);
        let applications = self.subject.applications(status);
        let tracks = self.tracks.iter_mut().zip(applications);
        let reports = tracks.map(|(track, application)| track.report(application, self.begin));
        let films = Films::new(reports.collect());
        self.screen.clear();
        if self.options.table {
            self.screen.write(&films);
        } else if films.frames_presented() > 0 {
            films.summary().into_iter().for_each(|line| self.screen.say(line));
        }
        let reported = file.write(|| films.to_json());
        let traced = self.tracks.iter().map(Track::write_trace);
        let failed: Vec<_> =
            std::iter::once(reported).chain(traced).filter_map(Result::err).collect();
        failed.iter().for_each(|failure| self.screen.say(failure));
        failed.is_empty()
    }
}
