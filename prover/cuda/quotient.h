// The quotient of the gates by Xⁿ − 1, coset by coset, as in `src/quotient.rs`, of whole columns.
#pragma once

#include "columns.h"
#include "transforms.h"

namespace quotient {

using machine::Array;
using machine::Pool;

// Rows that are worked on at once, each with registers of its own.
constexpr size_t ROWS = 1 << 16;

struct Expand {
    Cells cells;
    size_t length;
    const Scalar* tail;
    size_t tail_length;
    size_t rows;
    Scalar* to;

    DEVICE void operator()(size_t row) const {
        size_t start = rows - tail_length;
        if (row >= start) {
            to[row] = tail[row - start];
        } else {
            to[row] = row < length ? cells.element(row) : Scalar::zero();
        }
    }
};

struct Query {
    int32_t column;
    int32_t rotation;
};

struct Operation {
    uint32_t code, to, a, b;
};

// The program, on rows `index`, `index` + `lanes`, …, times `scale`.
struct Run {
    const Operation* operations;
    size_t count;
    const Query* queries;
    const Scalar* uniform;
    uint32_t uniform_count;
    const Scalar* columns;
    Scalar* registers;
    size_t lanes;
    size_t rows;
    uint32_t result;
    Scalar scale;
    Scalar* to;

    DEVICE Scalar value(uint32_t at, size_t index) const {
        return at < uniform_count ? uniform[at] : registers[(size_t)(at - uniform_count) * lanes + index];
    }

    DEVICE void operator()(size_t index) const {
        for (size_t row = index; row < rows; row += lanes) {
            for (size_t i = 0; i < count; i++) {
                const Operation operation = operations[i];
                Scalar made;
                if (operation.code == 0) {
                    const Query query = queries[operation.a];
                    // The rows' number is a power of 2.
                    size_t other = (row + (size_t)(int64_t)query.rotation) & (rows - 1);
                    made = columns[(size_t)query.column * rows + other];
                } else {
                    const Scalar a = value(operation.a, index), b = value(operation.b, index);
                    made = operation.code == 1 ? a + b : operation.code == 2 ? a - b : a * b;
                }
                registers[(size_t)(operation.to - uniform_count) * lanes + index] = made;
            }
            to[row] = value(result, index) * scale;
        }
    }
};

// Piece index / rows: Σ factor·residue.
struct Combine {
    const Scalar* residues;
    const Scalar* matrix;
    size_t count;
    size_t rows;
    Scalar* to;

    DEVICE void operator()(size_t index) const {
        const Scalar* factors = matrix + index / rows * count;
        Scalar sum = Scalar::zero();
        for (size_t i = 0; i < count; i++) sum = sum + factors[i] * residues[i * rows + index % rows];
        to[index] = sum;
    }
};

inline void pieces(Pool& pool, const ZkvQuotient& given, void* const* out) {
    const size_t rows = (size_t)1 << given.k, columns = given.column_count, cosets = given.coset_count;
    const Scalar* roots = (const Scalar*)given.roots;
    const Scalar scale = *(const Scalar*)given.scale;
    const Scalar* of_coset = (const Scalar*)given.cosets;
    const uint32_t uniform = (uint32_t)given.uniform_count;
    for (size_t i = 0; i < given.operation_count; i++) {
        const uint32_t* operation = given.operations + 4 * i;
        bool load = operation[0] == 0;
        bool right = operation[0] < 4 && operation[1] >= uniform && operation[1] < given.registers;
        right = right && operation[2] < (load ? given.query_count : given.registers);
        if (!right || (!load && operation[3] >= given.registers)) throw std::runtime_error("this is no program");
    }
    for (size_t i = 0; i < given.query_count; i++) {
        if (given.queries[2 * i] < 0 || (size_t)given.queries[2 * i] >= columns) {
            throw std::runtime_error("a query is of no column");
        }
    }
    if (given.result >= given.registers) throw std::runtime_error("this is no program");

    Array<Scalar> up(pool, rows / 2), down(pool, rows / 2);
    machine::launch(transforms::Powers{roots[0], up.at()}, rows / 2);
    machine::launch(transforms::Powers{roots[1], down.at()}, rows / 2);

    // Coefficients, bit-reversed, times n.
    Array<Scalar> coefficients(pool, columns * rows);
    for (size_t i = 0; i < columns; i++) {
        const ZkvColumn& column = given.columns[i];
        if (column.length > rows || column.tail_length > rows) throw std::runtime_error("a column is too long");
        Staged staged(pool, column);
        Array<Scalar> tail(pool, (const Scalar*)column.tail, column.tail_length);
        machine::launch(
            Expand{staged.cells(), column.length, tail.at(), column.tail_length, rows, coefficients.at(i * rows)}, rows);
    }
    transforms::forward(coefficients.at(), columns, down.at(), given.k);

    Array<Scalar> residues(pool, cosets * rows);
    Array<Scalar> factors(pool, rows);
    {
        const size_t lanes = rows < ROWS ? rows : ROWS;
        Array<Scalar> values(pool, columns * rows);
        Array<Scalar> registers(pool, (given.registers - uniform) * lanes);
        Array<Scalar> constants(pool, (const Scalar*)given.uniform, given.uniform_count);
        Array<Operation> operations(pool, (const Operation*)given.operations, given.operation_count);
        Array<Query> queries(pool, (const Query*)given.queries, given.query_count);
        for (size_t coset = 0; coset < cosets; coset++) {
            machine::launch(transforms::ReversedPowers{of_coset[3 * coset], scale, given.k, factors.at()}, rows);
            machine::launch(transforms::Scale{coefficients.at(), factors.at(), rows, values.at()}, columns * rows);
            transforms::backward(values.at(), columns, up.at(), given.k);
            machine::launch(Run{operations.at(), given.operation_count, queries.at(), constants.at(), uniform,
                                values.at(), registers.at(), lanes, rows, given.result, of_coset[3 * coset + 2],
                                residues.at(coset * rows)},
                            lanes);
        }
    }

    transforms::forward(residues.at(), cosets, down.at(), given.k);
    for (size_t coset = 0; coset < cosets; coset++) {
        machine::launch(transforms::ReversedPowers{of_coset[3 * coset + 1], scale, given.k, factors.at()}, rows);
        Scalar* residue = residues.at(coset * rows);
        machine::launch(transforms::Scale{residue, factors.at(), rows, residue}, rows);
    }
    Array<Scalar> matrix(pool, (const Scalar*)given.matrix, cosets * cosets);
    Array<Scalar> made(pool, cosets * rows);
    machine::launch(Combine{residues.at(), matrix.at(), cosets, rows, made.at()}, cosets * rows);
    transforms::backward(made.at(), cosets, up.at(), given.k);
    for (size_t piece = 0; piece < cosets; piece++) {
        machine::copy_out(out[piece], made.at(piece * rows), rows * sizeof(Scalar));
    }
}

}  // namespace quotient
