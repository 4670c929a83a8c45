//! Pictures in dma-bufs, drawn into textures that CUDA takes.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use zerohop_frame::{BufferId, Extent, Frame, SharedBuffer, SyncPoint, with_causes};

use crate::blit::Canvas;
use crate::program::{Order, Program};
use crate::{Context, Current, Error, Target, Texture};

/// Draws pictures into one RGBA8 texture of their size, one after the other.
///
/// A picture's buffer is imported when it is first seen, and let go when it is gone; one that could
/// not be imported is not tried again.
pub struct Blitter {
    programs: HashMap<(Target, Order), Program>,
    pictures: HashMap<BufferId, Entry>,
    canvas: Option<Canvas>,
    context: Context,
}

struct Entry {
    buffer: Weak<SharedBuffer>,
    texture: Result<Texture, String>,
}

/// A picture that was drawn.
#[derive(Debug)]
pub struct Blitted {
    /// The RGBA8 texture's name in OpenGL. Its bytes are those of the picture, but for the fourth
    /// byte of formats without alpha, which is 255.
    pub texture: u32,
    /// Its size.
    pub extent: Extent,
    /// Whether it is another texture than that of the picture before.
    pub fresh: bool,
    /// When it is drawn, and the picture's own memory read.
    pub done: SyncPoint,
    /// Whether the CPU had to wait, because fences do not pass in or out of this driver.
    pub waited: bool,
}

impl Blitter {
    /// In this context.
    pub fn new(context: Context) -> Self {
        let (programs, pictures) = (HashMap::new(), HashMap::new());
        Self { programs, pictures, canvas: None, context }
    }

    /// What it draws in.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The context, current: for whoever uses the texture to let go of it there.
    ///
    /// # Errors
    ///
    /// [`Error::Egl`].
    pub fn current(&mut self) -> Result<Current<'_>, Error> {
        self.context.current()
    }

    /// Whether a picture of `extent` is drawn into the texture of the one before. Where it is not,
    /// whoever uses that texture must let go of it first.
    pub fn keeps(&self, extent: Extent) -> bool {
        self.canvas.as_ref().is_some_and(|canvas| canvas.texture.extent == extent)
    }

    /// Draws the picture, and holds its buffer until that is done. The context is current as long
    /// as the first thing that is returned lives, for others (CUDA) to use the texture in.
    ///
    /// # Errors
    ///
    /// What does not fit: memory, format, modifier; [`Error::Latched`] when the same buffer did not
    /// fit before.
    pub fn blit(&mut self, frame: &Arc<Frame>) -> Result<(Current<'_>, Blitted), Error> {
        self.blit_to(frame, None)
    }

    /// As [`blit`](Self::blit), by a texture of `target`, which need not be what the driver prefers:
    /// for tests of what another driver would ask for.
    ///
    /// # Errors
    ///
    /// As [`blit`](Self::blit).
    pub fn blit_as(
        &mut self,
        frame: &Arc<Frame>,
        target: Target,
    ) -> Result<(Current<'_>, Blitted), Error> {
        self.blit_to(frame, Some(target))
    }

    fn blit_to(
        &mut self,
        frame: &Arc<Frame>,
        target: Option<Target>,
    ) -> Result<(Current<'_>, Blitted), Error> {
        let buffer = frame.buffer();
        let order = Order::of(buffer.descriptor().fourcc)?;
        let current = self.context.current()?;
        evict(&mut self.pictures, &current);
        let picture = import(&mut self.pictures, &current, buffer, target)?;
        let mut waited = current.wait(frame.acquire())?;
        let canvas = (&mut self.canvas, &mut self.programs);
        let (fresh, name) = draw(&current, picture, order, canvas)?;
        let done = current.fence(&mut waited)?;
        frame.hold_until(done.clone());
        let extent = buffer.descriptor().extent;
        let blitted = Blitted { texture: name, extent, fresh, done, waited };
        Ok((current, blitted))
    }

    /// As [`blit`](Self::blit), of a texture that [`Current::upload`] made of `bytes` in the order of
    /// a format: what is left to prove of the way where no dma-buf comes in.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Gl`].
    ///
    /// # Panics
    ///
    /// When `bytes` is not the whole picture.
    pub fn blit_bytes(
        &mut self,
        extent: Extent,
        bytes: &[u8],
    ) -> Result<(Current<'_>, Blitted), Error> {
        let current = self.context.current()?;
        let picture = current.upload(extent, bytes)?;
        let canvas = (&mut self.canvas, &mut self.programs);
        let drawn = draw(&current, &picture, Order::Same, canvas);
        current.delete(picture);
        let (fresh, texture) = drawn?;
        let mut waited = false;
        let done = current.fence(&mut waited)?;
        Ok((current, Blitted { texture, extent, fresh, done, waited }))
    }

    /// The bytes of what was drawn last, for comparisons: the CPU waits for the device and copies.
    ///
    /// # Errors
    ///
    /// [`Error::Gl`].
    pub fn read(&mut self) -> Result<Vec<u8>, Error> {
        let current = self.context.current()?;
        self.canvas.as_ref().map_or(Ok(Vec::new()), |canvas| current.read(canvas))
    }

    /// How many buffers are imported or known to fail.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }
}

/// Lets go of the buffers that are gone. What is still drawn keeps what it needs.
fn evict(pictures: &mut HashMap<BufferId, Entry>, current: &Current<'_>) {
    let gone = pictures.extract_if(|_, entry| entry.buffer.strong_count() == 0);
    for (_, entry) in gone {
        if let Ok(texture) = entry.texture {
            current.delete(texture);
        }
    }
}

fn import<'a>(
    pictures: &'a mut HashMap<BufferId, Entry>,
    current: &Current<'_>,
    buffer: &Arc<SharedBuffer>,
    target: Option<Target>,
) -> Result<&'a Texture, Error> {
    let entry = pictures.entry(buffer.id()).or_insert_with(|| {
        let texture = current.import(buffer.descriptor(), buffer.memory(), target);
        let texture = texture.map_err(|err| with_causes(&err));
        Entry { buffer: Arc::downgrade(buffer), texture }
    });
    entry.texture.as_ref().map_err(|why| Error::Latched(why.clone()))
}

/// Draws `picture` into the canvas, which is made anew when the size is another. Returns whether it
/// was, and the name of its texture.
fn draw(
    current: &Current<'_>,
    picture: &Texture,
    order: Order,
    (canvas, programs): (&mut Option<Canvas>, &mut HashMap<(Target, Order), Program>),
) -> Result<(bool, u32), Error> {
    let extent = picture.extent;
    let fits = canvas.as_ref().is_some_and(|canvas| canvas.texture.extent == extent);
    if !fits && let Some(old) = canvas.take() {
        current.end(old);
    }
    let to = match canvas {
        Some(canvas) => canvas,
        None => canvas.insert(current.canvas(extent)?),
    };
    let program = match programs.get(&(picture.target, order)) {
        Some(program) => *program,
        None => {
            let made = current.program(picture.target, order)?;
            programs.insert((picture.target, order), made);
            made
        }
    };
    current.blit(picture, program, to)?;
    Ok((!fits, to.texture.name))
}

impl Drop for Blitter {
    fn drop(&mut self) {
        // Images outlive contexts, so they are let go by name. Without a context there is no way.
        let Ok(current) = self.context.current() else { return };
        for (_, entry) in self.pictures.drain() {
            if let Ok(texture) = entry.texture {
                current.delete(texture);
            }
        }
        if let Some(canvas) = self.canvas.take() {
            current.end(canvas);
        }
    }
}
