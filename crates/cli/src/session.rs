//! A run from the start of its application to the exit code.

use std::cell::Cell;
use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitStatus, getpid, kill_process};
use zerohop_kernel::{Signals, clock_monotonic};
use zerohop_pipeline::{Counts, Ending, Films};

use crate::application;
use crate::args::Capture;
use crate::failure::{FAILED, Failure};
use crate::guard::Guard;
use crate::outputs::{ReportFile, unwritable};
use crate::processes::{Processes, below};
use crate::recorder::Recorder;
use crate::screen::{BEAT, Screen};
use crate::screen_guard::ScreenGuard;
use crate::silence::Sightings;
use crate::subject::Subject;
use crate::track::Track;

/// The signals that end a run; the one that says that a child has ended; and the one that would
/// kill us for a file longer than allowed, which is as good as a full disk.
pub(crate) fn catch() -> Result<Signals, Failure> {
    let ending = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];
    let signals: Vec<_> = ending.into_iter().chain([Signal::CHILD, Signal::XFSZ]).collect();
    Signals::catch(&signals)
        .map_err(|err| Failure::new("signals", err, "raise the limit on open files"))
}

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
    signals: Signals,
    /// Whether the user does not want to wait.
    hurry: Cell<bool>,
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
        signals: Signals,
        cast: Cast,
        tracks: Vec<Track>,
    ) -> Self {
        Self {
            options,
            subject,
            signals,
            hurry: Cell::new(false),
            cast,
            tracks,
            screen: Screen::new(!options.no_progress),
            sightings: Sightings::default(),
            begin: clock_monotonic(),
        }
    }

    /// Waits for the end, ends what is left, and says what happened. Returns the exit code.
    pub(crate) fn conduct(mut self, report: ReportFile) -> Result<u8, Failure> {
        let end = self.watch();
        self.end_application(end);
        self.finish(end);
        if let Some(server) = self.cast.server {
            self.cast.processes.end(server, &|| self.hurry.get());
        }
        let counts = self.counts();
        self.screen.show(clock_monotonic(), &counts);
        self.explain_silence();
        let failed = self.tracks.iter().any(Track::has_failed);
        self.write_report(report)?;
        Ok(match end {
            _ if failed => FAILED,
            End::Application(status) => self.ended(status),
            End::Limit => self.failed_before(),
            End::Signal(signal) => {
                self.failed_before();
                u8::try_from(128 + signal.as_raw()).unwrap_or(FAILED)
            }
        })
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
            if let Some(signal) = ending_signal(&self.signals) {
                return End::Signal(signal);
            }
            self.cast.processes.reap();
            if let Some(status) = self.cast.processes.status(self.cast.application) {
                return End::Application(status);
            }
            if self.conclude() {
                return End::Limit;
            }
            self.beat();
        }
    }

    /// Waits for a signal, for the end of the pipeline, or for the next beat.
    fn wait(&self) {
        let signals = PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN);
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
        let hurry = || hurried(&self.signals, &self.hurry);
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
            if self.recorders().next().is_none() || hurried(&self.signals, &self.hurry) {
                return;
            }
            self.wait();
            self.beat();
        }
    }

    /// Keeps what pipelines did that have ended. A failure is said at once: the application may go on for
    /// long. Returns whether nothing is left to record.
    fn conclude(&mut self) -> bool {
        let several = self.tracks.len() > 1;
        let mut now = false;
        for track in &mut self.tracks {
            let Some(ended) = track.conclude() else { continue };
            if several {
                track.send_away();
            }
            now |= match ended {
                // The program ends by itself.
                Ok(Ending::Source) => false,
                Ok(_) => true,
                Err(failure) => {
                    self.screen.say(failure);
                    // An application goes on unrecorded, and has its pictures back; a film has nobody else.
                    several
                }
            };
        }
        now && self.recorders().next().is_none()
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

    /// Says why nothing was recorded, if nothing was.
    fn explain_silence(&mut self) {
        let Subject::Application(command) = &self.subject else { return };
        if self.counts().taken == 0 && !self.hurry.get() {
            let (why, todo) = self.sightings.explain();
            let what = command[0].to_string_lossy();
            self.screen.say(Failure::new(what, format!("presented nothing: {why}"), todo));
        }
    }

    fn write_report(&mut self, file: ReportFile) -> Result<(), Failure> {
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
        file.write(|| films.to_json())?;
        self.write_traces()
    }

    fn write_traces(&self) -> Result<(), Failure> {
        for track in &self.tracks {
            let Some((trace, path)) = track.measurements.trace().zip(track.trace.as_deref()) else {
                continue;
            };
            for part in parts(path) {
                trace.absorb(&fs::read(&part).unwrap_or_default());
                let _ = fs::remove_file(part);
            }
            trace.flush().map_err(|err| unwritable(path, &err))?;
        }
        Ok(())
    }
}

/// What the processes of the application have written beside the trace at `path`: the same name, with
/// the number of each behind it.
fn parts(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let files = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_part = |file: &PathBuf| {
        let found = file.file_name().unwrap_or_default().to_string_lossy();
        let rest = found.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|pid| !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()))
    };
    files.map(|file| file.path()).filter(is_part).collect()
}

/// The next signal that wants us to end.
fn ending_signal(signals: &Signals) -> Option<Signal> {
    let ends = |signal: &Signal| ![Signal::CHILD, Signal::XFSZ].contains(signal);
    std::iter::from_fn(|| signals.poll_signal()).find(ends)
}

/// Whether another such signal came by now.
fn hurried(signals: &Signals, flag: &Cell<bool>) -> bool {
    flag.set(flag.get() || ending_signal(signals).is_some());
    flag.get()
}
