// Columns' cells as elements or as integers.
#pragma once

#include "field.h"
#include "interface.h"

inline size_t cell_bytes(uint32_t kind) {
    const size_t bytes[4] = {1, 4, 8, sizeof(Scalar)};
    if (kind > 3) throw std::runtime_error("there is no such kind of cells");
    return bytes[kind];
}

// A column's cells on the device.
struct Cells {
    const uint8_t* memory;
    uint32_t kind;

    DEVICE int64_t integer(size_t row) const {
        switch (kind) {
            case 0: return memory[row];
            case 1: return ((const int32_t*)memory)[row];
            default: return ((const int64_t*)memory)[row];
        }
    }

    DEVICE Scalar element(size_t row) const {
        return kind == 3 ? ((const Scalar*)memory)[row] : Scalar::of_integer(integer(row));
    }
};

// Copies cells to the device.
class Staged {
    machine::Array<uint8_t> memory;
    uint32_t kind;

public:
    Staged(machine::Pool& pool, const ZkvColumn& column)
        : memory(pool, (const uint8_t*)column.cells, column.length * cell_bytes(column.kind)), kind(column.kind) {}

    Cells cells() const { return {memory.at(), kind}; }
};
