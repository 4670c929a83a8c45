//! Fixed little-endian layouts, read and written field by field.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::kind::{HEADER, Kind};
use crate::{MAX_MESSAGE, MAX_TEXT, Text, Violation};

/// Writes the fields of one message in order.
pub(crate) struct Writer(ArrayVec<u8, MAX_MESSAGE>);

impl Writer {
    /// The header of a message.
    pub(crate) fn new(kind: Kind) -> Self {
        let mut writer = Self(ArrayVec::new());
        writer.u32(kind.number);
        writer.u32(kind.length as u32);
        writer
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.try_extend_from_slice(bytes).expect("no kind of message is longer than MAX_MESSAGE");
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    /// Nanoseconds; what is too far to be said is as far as can be.
    pub(crate) fn time(&mut self, time: Duration) {
        self.u64(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn zero(&mut self, count: usize) {
        self.0.extend(std::iter::repeat_n(0, count));
    }

    pub(crate) fn text(&mut self, text: &Text) {
        self.u32(text.len() as u32);
        self.bytes(text.as_bytes());
        self.zero(MAX_TEXT - text.len());
    }

    /// The message.
    pub(crate) fn done(self, kind: Kind) -> ArrayVec<u8, MAX_MESSAGE> {
        debug_assert_eq!(self.0.len(), kind.length, "{}", kind.name);
        self.0
    }
}

/// Reads the fields of one message in order.
pub(crate) struct Reader<'a> {
    kind: Kind,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Finds the kind of a message among `kinds`, and checks its length.
    pub(crate) fn new(bytes: &'a [u8], kinds: &[Kind]) -> Result<Self, Violation> {
        let Some((header, _)) = bytes.split_at_checked(HEADER) else {
            return Err(Violation::Short(bytes.len()));
        };
        let number = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let declared = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let kind = kinds.iter().find(|kind| kind.number == number);
        let kind = *kind.ok_or(Violation::Type(number))?;
        if bytes.len() != kind.length || declared as usize != kind.length {
            return Err(Violation::Length {
                kind: kind.name,
                expected: kind.length,
                declared,
                received: bytes.len(),
            });
        }
        Ok(Self { kind, bytes, at: HEADER })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The next `N` bytes. [`Reader::new`] saw to it that the message is as long as its fields.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(N));
        array
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(crate) fn time(&mut self) -> Duration {
        Duration::from_nanos(self.u64())
    }

    /// A number of `0..=most`.
    pub(crate) fn count(&mut self, what: &'static str, most: usize) -> Result<usize, Violation> {
        let value = self.u32();
        if value as usize > most {
            let (value, most) = (u64::from(value), most as u64);
            return Err(Violation::Range { what, value, least: 0, most });
        }
        Ok(value as usize)
    }

    /// A number of `1..=most`.
    pub(crate) fn range(&mut self, what: &'static str, most: usize) -> Result<u32, Violation> {
        match self.count(what, most)? {
            0 => Err(Violation::Range { what, value: 0, least: 1, most: most as u64 }),
            value => Ok(value as u32),
        }
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self, what: &'static str) -> Result<bool, Violation> {
        self.count(what, 1).map(|value| value == 1)
    }

    /// `count` bytes that have no meaning.
    pub(crate) fn zero(&mut self, count: usize) -> Result<(), Violation> {
        let from = self.at;
        match self.slice(count).iter().position(|&byte| byte != 0) {
            None => Ok(()),
            Some(at) => Err(Violation::NotZero { kind: self.kind.name, offset: from + at }),
        }
    }

    pub(crate) fn text(&mut self) -> Result<Text, Violation> {
        let length = self.count("the length of a text", MAX_TEXT)?;
        let text = str::from_utf8(self.slice(length)).ok();
        let text = text.filter(|text| !text.contains(char::is_control));
        let text = text.and_then(|text| Text::from(text).ok());
        let text = text.ok_or(Violation::Text(self.kind.name))?;
        self.zero(MAX_TEXT - length)?;
        Ok(text)
    }

    fn slice(&mut self, length: usize) -> &'a [u8] {
        let slice = &self.bytes[self.at..self.at + length];
        self.at += length;
        slice
    }

    /// Checks that every byte was read.
    pub(crate) fn done(self) {
        debug_assert_eq!(self.at, self.bytes.len(), "{}", self.kind.name);
    }
}
