// What the prover passes: the same structures are in `src/device/library.rs`.
#pragma once

#include <cstdint>

extern "C" {

// Cells from row 0 on, then zeros, then the tail on the last rows.
struct ZkvColumn {
    const void* cells;
    uint64_t length;
    // Elements, in Montgomery form.
    const void* tail;
    uint64_t tail_length;
    // 0: unsigned bytes; 1: signed, 32 bits; 2: signed, 64 bits; 3: elements.
    uint32_t kind;
};

// A column whose cells, as integers, plus `offset` are cut into `windows` digits of `width` bits; from all but the
// last, 2^(width − 1) is taken.
struct ZkvSum {
    struct ZkvColumn column;
    uint32_t offset[8];
    uint32_t width;
    uint32_t windows;
};

// A gates' program over 2^k rows. Elements are in Montgomery form, eight words each.
struct ZkvQuotient {
    const struct ZkvColumn* columns;
    // Pairs: a column, how many rows further on.
    const int32_t* queries;
    // Fours: 0 load, 1 add, 2 subtract, 3 multiply; the register that takes it; a query, or two registers.
    const uint32_t* operations;
    // The first registers.
    const void* uniform;
    // ω and 1/ω.
    const void* roots;
    // 1/n.
    const void* scale;
    // Of each coset c·⟨ω⟩: c, 1/c, 1/(cⁿ − 1).
    const void* cosets;
    // From the cosets' residues to pieces, row by row.
    const void* matrix;
    uint64_t column_count;
    uint64_t query_count;
    uint64_t operation_count;
    uint64_t uniform_count;
    uint64_t coset_count;
    uint32_t k;
    uint32_t registers;
    uint32_t result;
};
}
