//! JPEG by libjpeg-turbo, loaded at run time: what libva took apart is put together again.

use std::ffi::{c_int, c_uchar, c_ulong, c_void};
use std::ptr::null;

use libloading::{Library, Symbol};

use crate::abi::{HuffmanJpeg, MatricesJpeg, PictureParametersJpeg, SliceParametersJpeg};
use crate::error::Error;
use crate::format::Planar;
use crate::surface::Surface;

/// Debian's package `libturbojpeg0`.
const LIBRARY: &str = "libturbojpeg.so.0";
/// `TJSAMP_*`, and how many luma samples share one of chroma, across and down.
const SAMPLINGS: [(c_int, (u32, u32)); 3] = [(0, (1, 1)), (1, (2, 1)), (2, (2, 2))];

type Init = unsafe extern "C" fn() -> *mut c_void;
type Destroy = unsafe extern "C" fn(*mut c_void) -> c_int;
type Header = unsafe extern "C" fn(
    *mut c_void,
    *const c_uchar,
    c_ulong,
    *mut c_int,
    *mut c_int,
    *mut c_int,
    *mut c_int,
) -> c_int;
type Planes = unsafe extern "C" fn(
    *mut c_void,
    *const c_uchar,
    c_ulong,
    *mut *mut c_uchar,
    c_int,
    *mut c_int,
    c_int,
    c_int,
) -> c_int;

/// A picture, as the reader's program handed it over.
pub(crate) struct Picture<'a> {
    pub(crate) parameters: PictureParametersJpeg,
    pub(crate) matrices: MatricesJpeg,
    pub(crate) huffman: HuffmanJpeg,
    pub(crate) slice: SliceParametersJpeg,
    pub(crate) data: &'a [u8],
}

/// Decodes a picture into `surface`.
pub(crate) fn decode(picture: &Picture<'_>, to: &mut Surface) -> Result<(), Error> {
    let file = file(picture);
    let (width, height) =
        (usize::from(picture.parameters.width), usize::from(picture.parameters.height));
    let shared = to.format.planes[1].shared;
    let chroma = (width.div_ceil(shared.0 as usize), height.div_ceil(shared.1 as usize));
    let mut planes =
        [vec![0; width * height], vec![0; chroma.0 * chroma.1], vec![0; chroma.0 * chroma.1]];
    decompress(&file, ((width, height), shared), &mut planes).map_err(|why| {
        eprintln!("zerohop-va: JPEG of {width}x{height}: {why}");
        Error::Decoding
    })?;
    let planes = planes.each_ref().map(|plane| &plane[..]);
    to.put(&Planar { planes, strides: [width, chroma.0, chroma.0], bits: 8, shared })
}

fn decompress(
    file: &[u8],
    (size, shared): ((usize, usize), (u32, u32)),
    planes: &mut [Vec<u8>; 3],
) -> Result<(), String> {
    // SAFETY: a library of the system, whose initialization has no demands.
    let library =
        unsafe { Library::new(LIBRARY) }.map_err(|err| format!("install libturbojpeg0: {err}"))?;
    let missing = |err: libloading::Error| err.to_string();
    // SAFETY: the types are those of `turbojpeg.h`, here and below.
    let init: Symbol<'_, Init> = unsafe { library.get(b"tjInitDecompress") }.map_err(missing)?;
    // SAFETY: as above.
    let destroy: Symbol<'_, Destroy> = unsafe { library.get(b"tjDestroy") }.map_err(missing)?;
    // SAFETY: as above.
    let header: Symbol<'_, Header> =
        unsafe { library.get(b"tjDecompressHeader3") }.map_err(missing)?;
    // SAFETY: as above.
    let decompress: Symbol<'_, Planes> =
        unsafe { library.get(b"tjDecompressToYUVPlanes") }.map_err(missing)?;
    // SAFETY: it has no arguments.
    let handle = unsafe { init() };
    if handle.is_null() {
        return Err("no decompressor".to_owned());
    }
    let length = file.len() as c_ulong;
    let [mut width, mut height, mut sampling, mut space] = [0; 4];
    // SAFETY: a live handle, the file's bytes, and four numbers of ours.
    let found = unsafe {
        header(handle, file.as_ptr(), length, &mut width, &mut height, &mut sampling, &mut space)
    };
    let fits = (width as usize, height as usize) == size && SAMPLINGS.contains(&(sampling, shared));
    let done = if found == 0 && fits {
        let mut pointers = planes.each_mut().map(|plane| plane.as_mut_ptr());
        let out = pointers.as_mut_ptr();
        // SAFETY: as above; the planes have the sizes of such a picture of that size, without
        // padding, and no scaling is asked for.
        unsafe {
            decompress(handle, file.as_ptr(), length, out, 0, null::<c_int>().cast_mut(), 0, 0)
        }
    } else {
        -1
    };
    // SAFETY: the handle is not used again.
    unsafe { destroy(handle) };
    match (fits, done) {
        (true, 0) => Ok(()),
        (true, _) => Err("the data is broken".to_owned()),
        (false, _) => Err(format!("{width}x{height} and sampling {sampling}, not as the surface")),
    }
}

/// The file again, of its pieces.
///
/// # References
///
/// ITU-T T.81, annex B.
fn file(picture: &Picture<'_>) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    let parameters = &picture.parameters;
    for (number, table) in (0_u8..).zip(&picture.matrices.tables) {
        if picture.matrices.load[usize::from(number)] != 0 {
            segment(&mut file, 0xdb, [&[number][..], table].concat());
        }
    }
    let mut frame = vec![8];
    frame.extend(parameters.height.to_be_bytes());
    frame.extend(parameters.width.to_be_bytes());
    frame.push(parameters.count);
    for [id, horizontal, vertical, table] in
        parameters.components.iter().take(parameters.count.into())
    {
        frame.extend([*id, horizontal << 4 | vertical & 15, *table]);
    }
    segment(&mut file, 0xc0, frame);
    for (number, pair) in (0_u8..).zip(&picture.huffman.tables) {
        if picture.huffman.load[usize::from(number)] != 0 {
            segment(&mut file, 0xc4, huffman(number, &pair.dc_codes, &pair.dc_values));
            segment(&mut file, 0xc4, huffman(0x10 | number, &pair.ac_codes, &pair.ac_values));
        }
    }
    let slice = &picture.slice;
    if slice.restart_interval > 0 {
        segment(&mut file, 0xdd, slice.restart_interval.to_be_bytes().to_vec());
    }
    let mut scan = vec![slice.count];
    for [component, dc, ac] in slice.components.iter().take(slice.count.into()) {
        scan.extend([*component, dc << 4 | ac & 15]);
    }
    scan.extend([0, 63, 0]);
    segment(&mut file, 0xda, scan);
    file.extend_from_slice(picture.data);
    file.extend([0xff, 0xd9]);
    file
}

fn segment(file: &mut Vec<u8>, marker: u8, bytes: Vec<u8>) {
    file.extend([0xff, marker]);
    file.extend((bytes.len() as u16 + 2).to_be_bytes());
    file.extend(bytes);
}

/// A table's class and number, how many codes there are of each length, and what they stand for.
fn huffman(number: u8, codes: &[u8; 16], values: &[u8]) -> Vec<u8> {
    let count: usize = codes.iter().map(|count| usize::from(*count)).sum();
    [&[number], &codes[..], &values[..count.min(values.len())]].concat()
}
