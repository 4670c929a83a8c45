//! What must hold.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use zerohop_testkit::host::{Host, Manner};

use crate::children::{Nursery, Outcome};

/// One test.
pub(crate) struct Test {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Nursery) -> Outcome,
    pub(crate) slow: bool,
    pub(crate) xcb: bool,
}

const fn quick(name: &'static str, run: fn(&Nursery) -> Outcome) -> Test {
    Test { name, run, slow: false, xcb: false }
}

pub(crate) const ALL: &[Test] = &[
    quick("ten_thousand_pictures_with_a_resize_every_hundred_are_flat", |nursery| {
        flat(nursery, "flat", "--window headless", 10_000)
    }),
    Test {
        name: "ten_thousand_pictures_in_a_window_are_flat",
        run: |nursery| flat(nursery, "flat-xcb", "--window xcb", 10_000),
        slow: false,
        xcb: true,
    },
    Test {
        name: "two_hundred_thousand_pictures_are_flat",
        run: |nursery| flat(nursery, "flat-long", "--window headless", 200_000),
        slow: true,
        xcb: false,
    },
    quick("a_killed_host_is_followed_by_the_next", host_killed),
    quick("a_stopped_host_does_not_slow_fifo", |nursery| {
        host_stopped(nursery, "stopped-fifo", "--present-mode fifo --frames 240", 60, 0.9)
    }),
    quick("a_stopped_host_does_not_stop_immediate", |nursery| {
        let line = "--present-mode immediate --rate-limit 400 --frames 1600";
        host_stopped(nursery, "stopped-immediate", line, 400, 0.7)
    }),
    quick("a_killed_application_leaves_the_host_to_the_next", application_killed),
    quick("eight_applications_into_eight_hosts", eight),
    Test { name: "four_windows_in_one_process", run: four_windows, slow: false, xcb: true },
];

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or(f64::NAN)
}

/// Descriptors and memory are the same after all pictures as after a few.
fn flat(nursery: &Nursery, name: &str, window: &str, frames: u32) -> Outcome {
    let socket = nursery.socket(name);
    let host = Host::start(&socket, Manner::Prompt).map_err(|err| err.to_string())?;
    let line = format!(
        "{window} --size 160x90 --present-mode immediate --resize-every 100 --watch-every 200 \
         --frames {frames}"
    );
    let reports = nursery.application(&socket, &line)?.finish()?;
    let watches: Vec<_> =
        reports.iter().filter(|report| report.get("presents").is_some()).collect();
    let [_, first, .., last] = &watches[..] else {
        return Err(format!("{} reports", watches.len()));
    };
    println!("{name}: after 400 pictures {first}, after all {last}");
    let (before, after) = (number(first, "descriptors"), number(last, "descriptors"));
    // The last connection of a window's own may come and go.
    if after > before + 1.0 {
        return Err(format!("{before} descriptors after 400 pictures, {after} after {frames}"));
    }
    let (before, after) = (number(first, "memory_kib"), number(last, "memory_kib"));
    if after > before * 1.1 + 2048.0 {
        return Err(format!("{before} KiB after 400 pictures, {after} KiB after {frames}"));
    }
    let heard = host.heard();
    if heard.frames.len() * 10 < frames as usize * 9 || !heard.refused.is_empty() {
        return Err(format!("{} pictures heard, {:?}", heard.frames.len(), heard.refused));
    }
    Ok(())
}

fn host_killed(nursery: &Nursery) -> Outcome {
    let socket = nursery.socket("killed");
    let first = nursery.host(&socket)?;
    let line = "--present-mode fifo --frames 300 --watch-every 60";
    let mut application = nursery.application(&socket, line)?;
    application.report()?.ok_or("no report")?;
    first.kill()?;
    application.report()?.ok_or("no report")?;
    let second = Host::start(&socket, Manner::Prompt).map_err(|err| err.to_string())?;
    let reports = application.finish()?;
    let rate = reports.last().map_or(0.0, |report| number(report, "fps"));
    if !(50.0..70.0).contains(&rate) {
        return Err(format!("{rate:.1} pictures a second at 60 Hz"));
    }
    let heard = second.heard();
    // It looks for a host every second, and has two left to show.
    if heard.frames.len() < 60 || heard.announced == 0 || !heard.refused.is_empty() {
        return Err(format!("the second host heard {heard:?}"));
    }
    Ok(())
}

/// The application's pace from one report to the next, before and after its host stops.
fn host_stopped(nursery: &Nursery, name: &str, line: &str, every: u32, least: f64) -> Outcome {
    let socket = nursery.socket(name);
    let host = nursery.host(&socket)?;
    let line = format!("{line} --size 160x90 --watch-every {every}");
    let mut application = nursery.application(&socket, &line)?;
    let mut next = || -> Outcome<f64> {
        let report = application.report()?.ok_or("the application has ended")?;
        Ok(number(&report, "seconds"))
    };
    let (start, running) = (next()?, next()?);
    host.signal(Signal::STOP)?;
    // The time in which the stop was noticed does not count, but must not be long.
    let (noticed, stopped) = (next()?, next()?);
    host.signal(Signal::CONT)?;
    application.finish()?;
    let (before, after) = (running - start, stopped - noticed);
    println!(
        "{name}: {:.1} pictures a second before, {:.1} after, {:.3} s to notice",
        f64::from(every) / before,
        f64::from(every) / after,
        noticed - running - before
    );
    if before / after < least {
        return Err(format!(
            "{before:.3} s for {every} pictures before the stop, {after:.3} after"
        ));
    }
    if noticed - running > before + 1.0 {
        return Err(format!("the stop took {:.3} s to notice", noticed - running - before));
    }
    Ok(())
}

fn application_killed(nursery: &Nursery) -> Outcome {
    let socket = nursery.socket("orphan");
    let host = Host::start(&socket, Manner::Hoarding(1)).map_err(|err| err.to_string())?;
    for turn in 1..=3 {
        let line = "--present-mode fifo --frames 10000 --watch-every 10";
        let mut application = nursery.application(&socket, line)?;
        application.report()?.ok_or("no report")?;
        application.kill()?;
        let heard = host.heard();
        if heard.connections != turn || heard.frames.is_empty() {
            return Err(format!("application {turn}: {} connections", heard.connections));
        }
    }
    let frames = host.heard().frames.len();
    nursery.application(&socket, "--present-mode fifo --frames 20")?.finish()?;
    if host.wait(Duration::from_secs(2), |heard| heard.frames.len() == frames + 20) {
        Ok(())
    } else {
        Err(format!("{} of 20 pictures after the kills", host.heard().frames.len() - frames))
    }
}

fn eight(nursery: &Nursery) -> Outcome {
    let mut all = Vec::new();
    for i in 0..8 {
        let socket = nursery.socket(&format!("eight-{i}"));
        let host = Host::start(&socket, Manner::Prompt).map_err(|err| err.to_string())?;
        let line = "--present-mode fifo --size 64x36 --frames 60";
        all.push((host, nursery.application(&socket, line)?));
    }
    for (host, application) in all {
        application.finish()?;
        let all = host.wait(Duration::from_secs(5), |heard| heard.frames.len() == 60);
        let heard = host.heard();
        if !all || heard.connections != 1 || !heard.refused.is_empty() {
            return Err(format!("{} pictures, {:?}", heard.frames.len(), heard.refused));
        }
    }
    Ok(())
}

fn four_windows(nursery: &Nursery) -> Outcome {
    let socket = nursery.socket("four");
    let host = Host::start(&socket, Manner::Prompt).map_err(|err| err.to_string())?;
    let line = "--window xcb --windows 4 --size 64x36 --present-mode mailbox --frames 50 \
                --resize-every 10";
    nursery.application(&socket, line)?.finish()?;
    thread::sleep(Duration::from_millis(50));
    let heard = host.heard();
    let good = (heard.connections, heard.opened, heard.closed) == (1, 4, 4);
    if good && heard.frames.len() == 200 && heard.refused.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} connections, {} streams opened, {} closed, {} pictures, {:?}",
        heard.connections,
        heard.opened,
        heard.closed,
        heard.frames.len(),
        heard.refused
    ))
}
