//! How long the device takes for single commands, for benches: timestamps around each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ash::vk;

use crate::error::Doing;
use crate::{Device, Error};

/// The most commands of one submission that are measured.
const MOST: u32 = 16;

/// What was measured on a device, once somebody asked for it.
#[derive(Default)]
pub(crate) struct Measured(Mutex<Option<Vec<Duration>>>);

impl Device {
    /// Measures every dispatch from now on, in each queue that is made afterwards. It costs a wait
    /// between commands that could overlap: for benches.
    pub fn measure_dispatches(&self) {
        self.measured().get_or_insert_default();
    }

    /// What dispatches took since the last call, in the order in which their submissions were found
    /// to be done. Nothing without [`measure_dispatches`](Self::measure_dispatches), and on a device
    /// without timestamps.
    pub fn take_measured(&self) -> Vec<Duration> {
        self.measured().as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn measured(&self) -> std::sync::MutexGuard<'_, Option<Vec<Duration>>> {
        self.measured.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_measured(&self) -> bool {
        self.measured().is_some() && self.capabilities().timestamps.is_some()
    }
}

/// The timestamps of one command buffer, two for each command.
pub(crate) struct Laps {
    device: Arc<Device>,
    pool: vk::QueryPool,
    used: u32,
}

impl Laps {
    /// `None` on a device that is not measured.
    pub(crate) fn new(device: &Arc<Device>) -> Result<Option<Self>, Error> {
        if !device.is_measured() {
            return Ok(None);
        }
        let info = vk::QueryPoolCreateInfo::default()
            .query_type(vk::QueryType::TIMESTAMP)
            .query_count(2 * MOST);
        // SAFETY: the device has timestamps on its compute queues.
        let pool = unsafe { device.raw().create_query_pool(&info, None) };
        let pool = pool.doing("make a query pool")?;
        Ok(Some(Self { device: Arc::clone(device), pool, used: 0 }))
    }

    /// Starts anew, in a command buffer that has just begun recording.
    pub(crate) fn begin(&self, commands: vk::CommandBuffer) {
        // SAFETY: recording; the results of the last use were read, or nobody wants them.
        unsafe { self.device.raw().cmd_reset_query_pool(commands, self.pool, 0, 2 * MOST) };
    }

    /// Marks a moment at which everything recorded before is done.
    pub(crate) fn mark(&mut self, commands: vk::CommandBuffer) {
        if self.used == 2 * MOST {
            return;
        }
        let stage = vk::PipelineStageFlags::BOTTOM_OF_PIPE;
        // SAFETY: recording, and `begin` reset the queries.
        unsafe { self.device.raw().cmd_write_timestamp(commands, stage, self.pool, self.used) };
        self.used += 1;
    }

    /// Reads what a submission took that is done, once.
    pub(crate) fn read(&mut self) {
        self.peek();
        self.used = 0;
    }

    /// The same, of commands that will be submitted again.
    pub(crate) fn peek(&self) {
        let Some(period) = self.device.capabilities().timestamps.filter(|_| self.used > 0) else {
            return;
        };
        let mut ticks = vec![0_u64; self.used as usize];
        let flags = vk::QueryResultFlags::TYPE_64;
        // SAFETY: these queries were written by a submission that is done.
        let found =
            unsafe { self.device.raw().get_query_pool_results(self.pool, 0, &mut ticks, flags) };
        let mut measured = self.device.measured();
        let (Ok(()), Some(all)) = (found, measured.as_mut()) else { return };
        let of = |two: &[u64; 2]| two[1].saturating_sub(two[0]).saturating_mul(period.into());
        all.extend(ticks.as_chunks().0.iter().map(|two| Duration::from_nanos(of(two))));
    }
}

impl Drop for Laps {
    fn drop(&mut self) {
        // SAFETY: the command buffer that used it is done: its owner waited.
        unsafe { self.device.raw().destroy_query_pool(self.pool, None) };
    }
}
