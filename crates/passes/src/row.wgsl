// Eight pixels of a row as words.
struct Row {
    // The first four pixels, and the other four.
    a: vec4<u32>,
    b: vec4<u32>,
#if HALF
    // Their second words: B and A.
    c: vec4<u32>,
    d: vec4<u32>,
#endif
}

// The rows of eight by two pixels.
struct Block {
    top: Row,
    low: Row,
}
