// Σ cell·point, of many columns at once: digits are sorted into buckets, buckets summed by many threads each, and
// weighed by their digit. `src/msm` does the same; what a thread sums is never more than `STRETCH` points, however
// unequal the buckets are.
#pragma once

#include "columns.h"
#include "curve.h"

namespace sums {

using machine::Array;
using machine::Pool;

// Points that one thread adds up.
constexpr uint32_t STRETCH = 32;
// Buckets that one thread weighs.
constexpr uint32_t WEIGHED = 16;
// Numbers that one thread of a scan adds up.
constexpr uint32_t SCANNED = 32;

// A cell as an integer plus the offset; the highest bit says that it is negative.
struct Number {
    uint32_t words[8];
};

struct Shift {
    Cells cells;
    Number offset;
    Number* to;

    DEVICE void operator()(size_t row) const {
        Number number;
        uint32_t negative = 0;
        if (cells.kind == 3) {
            Scalar element = cells.element(row).canonical();
            UNROLL for (int i = 0; i < 8; i++) number.words[i] = element.words[i];
        } else {
            int64_t integer = cells.integer(row);
            negative = integer < 0;
            uint64_t size = negative ? 0 - (uint64_t)integer : (uint64_t)integer;
            UNROLL for (int i = 0; i < 8; i++) number.words[i] = 0;
            number.words[0] = (uint32_t)size;
            number.words[1] = (uint32_t)(size >> 32);
        }
        uint64_t carry = 0;
        UNROLL for (int i = 0; i < 8; i++) {
            carry += (uint64_t)number.words[i] + offset.words[i];
            number.words[i] = (uint32_t)carry;
            carry >>= 32;
        }
        number.words[7] |= negative << 31;
        to[row] = number;
    }
};

// A digit's place in the numbers of a column.
struct Window {
    const Number* numbers;
    uint32_t rows;
    uint32_t shift;
    uint32_t width;
    uint32_t last;
    // Bucket i is for digits of size i + 1.
    uint32_t bucket;

    DEVICE int32_t digit(size_t row) const {
        const Number& number = numbers[row];
        uint32_t word = shift / 32, bit = shift % 32;
        uint64_t words = number.words[word];
        if (word < 7) words |= (uint64_t)number.words[word + 1] << 32;
        // The sign is no part of the number.
        if (word == 7) words &= 0x7fffffff;
        if (word == 6) words &= 0x7fffffffffffffff;
        int32_t digit = (int32_t)((words >> bit) & ((1u << width) - 1));
        if (!last) digit -= 1 << (width - 1);
        return number.words[7] >> 31 ? -digit : digit;
    }
};

// Index i is row i % `rows` of window i / `rows`.
struct Sort {
    const Window* windows;
    size_t rows;
    // Of each bucket: what is in it, or where the next of it goes.
    uint32_t* places;
    // Rows, the highest bit set where the point is subtracted; counts alone without.
    uint32_t* entries;

    DEVICE void operator()(size_t index) const {
        const Window& window = windows[index / rows];
        uint32_t row = (uint32_t)(index % rows);
        if (row >= window.rows) return;
        int32_t digit = window.digit(row);
        if (digit == 0) return;
        uint32_t size = digit < 0 ? -digit : digit;
        uint32_t place = machine::increment(&places[window.bucket + size - 1]);
        if (entries) entries[place] = row | (digit < 0 ? 0x80000000u : 0u);
    }
};

// Sums of stretches, and then what is before each number, given what is before its stretch.
struct ScanUp {
    const uint32_t* from;
    size_t count;
    uint32_t* sums;

    DEVICE void operator()(size_t index) const {
        size_t end = (index + 1) * SCANNED < count ? (index + 1) * SCANNED : count;
        uint32_t sum = 0;
        for (size_t i = index * SCANNED; i < end; i++) sum += from[i];
        sums[index] = sum;
    }
};

struct ScanDown {
    const uint32_t* from;
    size_t count;
    const uint32_t* before;
    uint32_t* to;

    DEVICE void operator()(size_t index) const {
        size_t end = (index + 1) * SCANNED < count ? (index + 1) * SCANNED : count;
        uint32_t sum = before ? before[index] : 0;
        for (size_t i = index * SCANNED; i < end; i++) {
            // Both may be one array.
            uint32_t own = from[i];
            to[i] = sum;
            sum += own;
        }
    }
};

// Of each number, the sum of those before it.
inline void scan(Pool& pool, const uint32_t* from, size_t count, uint32_t* to) {
    size_t stretches = (count + SCANNED - 1) / SCANNED;
    if (stretches == 1) return machine::launch(ScanDown{from, count, nullptr, to}, 1);
    Array<uint32_t> sums(pool, stretches);
    machine::launch(ScanUp{from, count, sums.at()}, stretches);
    scan(pool, sums.at(), stretches, sums.at());
    machine::launch(ScanDown{from, count, sums.at(), to}, stretches);
}

// How many stretches each bucket has.
struct Stretches {
    const uint32_t* counts;
    uint32_t* to;

    DEVICE void operator()(size_t bucket) const { to[bucket] = (counts[bucket] + STRETCH - 1) / STRETCH; }
};

// What lies in buckets one after the other, and the stretches it is cut into.
struct Cut {
    const uint32_t* counts;
    const uint32_t* starts;
    const uint32_t* stretches;
    const uint32_t* first;
    uint32_t buckets;

    // The bounds of a stretch; false if there are not so many.
    DEVICE bool bounds(size_t index, uint32_t& begin, uint32_t& end) const {
        if (index >= first[buckets - 1] + stretches[buckets - 1]) return false;
        // The last bucket whose first stretch is at most this.
        uint32_t low = 0, high = buckets;
        while (high - low > 1) {
            uint32_t middle = (low + high) / 2;
            if (first[middle] <= index) {
                low = middle;
            } else {
                high = middle;
            }
        }
        uint32_t part = (uint32_t)index - first[low];
        begin = starts[low] + part * STRETCH;
        end = starts[low] + counts[low];
        if (end - begin > STRETCH) end = begin + STRETCH;
        return true;
    }
};

struct AddPoints {
    Cut cut;
    const Point* points;
    const uint32_t* entries;
    Sum* to;

    DEVICE void operator()(size_t index) const {
        uint32_t begin, end;
        if (!cut.bounds(index, begin, end)) return;
        Sum sum = Sum::infinity();
        for (uint32_t i = begin; i < end; i++) {
            uint32_t entry = entries[i];
            sum.add(points[entry & 0x7fffffff], entry >> 31);
        }
        to[index] = sum;
    }
};

struct AddSums {
    Cut cut;
    const Sum* from;
    Sum* to;

    DEVICE void operator()(size_t index) const {
        uint32_t begin, end;
        if (!cut.bounds(index, begin, end)) return;
        Sum sum = from[begin];
        for (uint32_t i = begin + 1; i < end; i++) sum.add(from[i]);
        to[index] = sum;
    }
};

// Σ size·bucket over some buckets of a window. Index i is part i % `parts` of window i / `parts`.
struct Weigh {
    const Window* windows;
    size_t parts;
    const uint32_t* counts;
    const uint32_t* starts;
    const Sum* sums;
    Sum* to;

    DEVICE void operator()(size_t index) const {
        const Window& window = windows[index / parts];
        uint32_t buckets = 1u << (window.width - 1);
        uint32_t begin = (uint32_t)(index % parts) * WEIGHED;
        uint32_t end = begin + WEIGHED < buckets ? begin + WEIGHED : buckets;
        Sum running = Sum::infinity();
        Sum weighed = Sum::infinity();
        for (uint32_t i = end; i > begin; i--) {
            uint32_t bucket = window.bucket + i - 1;
            if (counts[bucket]) running.add(sums[starts[bucket]]);
            weighed.add(running);
        }
        // Bucket begin + i has weight i + 1 so far.
        for (uint32_t bits = begin; bits && end > begin; bits >>= 1) {
            if (bits & 1) weighed.add(running);
            running.twice();
        }
        to[index] = weighed;
    }
};

// Σ of up to `WEIGHED` neighbours: part i % `parts` of window i / `parts`, of `before` that a window has.
struct Fold {
    const Sum* from;
    size_t before;
    size_t parts;
    Sum* to;

    DEVICE void operator()(size_t index) const {
        size_t begin = index % parts * WEIGHED;
        size_t end = begin + WEIGHED < before ? begin + WEIGHED : before;
        const Sum* window = from + index / parts * before;
        Sum sum = window[begin];
        for (size_t i = begin + 1; i < end; i++) sum.add(window[i]);
        to[index] = sum;
    }
};

// Writes Σ digit·point of each window, column by column.
inline void windows(Pool& pool, const Array<Point>& points, const ZkvSum* columns, size_t count, Sum* out) {
    std::vector<size_t> first(count);
    size_t numbers_length = 0, rows = 0;
    for (size_t i = 0; i < count; i++) {
        const ZkvSum& column = columns[i];
        // A digit is read from two words, and the last window's has no more bits than the others.
        if (column.width < 2 || column.width > 24 || (column.windows - 1) * column.width > 254) {
            throw std::runtime_error("these are no digits");
        }
        if (column.column.length > points.length) throw std::runtime_error("there are more cells than points");
        first[i] = numbers_length;
        numbers_length += column.column.length;
        if (column.column.length > rows) rows = column.column.length;
    }
    Array<Number> numbers(pool, numbers_length);
    std::vector<Window> list;
    size_t buckets = 0, entries_length = 0, widest = 0;
    for (size_t i = 0; i < count; i++) {
        const ZkvSum& column = columns[i];
        Number offset;
        std::memcpy(offset.words, column.offset, sizeof offset.words);
        Number* to = numbers.at(first[i]);
        {
            Staged staged(pool, column.column);
            machine::launch(Shift{staged.cells(), offset, to}, column.column.length);
        }
        for (uint32_t window = 0; window < column.windows; window++) {
            list.push_back({to, (uint32_t)column.column.length, window * column.width, column.width,
                            window + 1 == column.windows, (uint32_t)buckets});
            size_t own = (size_t)1 << (column.width - 1);
            buckets += own;
            if (own > widest) widest = own;
            entries_length += column.column.length;
        }
    }
    if (list.empty()) return;
    if (rows == 0) {
        for (size_t i = 0; i < list.size(); i++) out[i] = Sum::infinity();
        return;
    }
    if (entries_length >= (size_t)1 << 31 || buckets >= (size_t)1 << 31) {
        throw std::runtime_error("these are too many columns at once");
    }
    Array<Window> on_device(pool, list.data(), list.size());

    Array<uint32_t> counts(pool, buckets), starts(pool, buckets), more_counts(pool, buckets), more_starts(pool, buckets);
    Array<uint32_t> entries(pool, entries_length);
    counts.clear();
    machine::launch(Sort{on_device.at(), rows, counts.at(), nullptr}, rows * list.size());
    scan(pool, counts.at(), buckets, starts.at());
    machine::copy(more_starts.at(), starts.at(), buckets * sizeof(uint32_t));
    machine::launch(Sort{on_device.at(), rows, more_starts.at(), entries.at()}, rows * list.size());

    // Stretches of points, stretches of these sums, and so on until no bucket can have more than one.
    uint32_t *now_counts = counts.at(), *now_starts = starts.at(), *next_counts = more_counts.at(),
             *next_starts = more_starts.at();
    size_t bound = entries_length / STRETCH + buckets;
    Array<Sum> sums(pool, bound), more_sums(pool, bound / STRETCH + buckets);
    Sum *from = nullptr, *to = sums.at(), *other = more_sums.at();
    for (size_t most = rows; !from || most > 1; most = (most + STRETCH - 1) / STRETCH) {
        machine::launch(Stretches{now_counts, next_counts}, buckets);
        scan(pool, next_counts, buckets, next_starts);
        Cut cut{now_counts, now_starts, next_counts, next_starts, (uint32_t)buckets};
        if (from) {
            machine::launch(AddSums{cut, from, to}, bound);
        } else {
            machine::launch(AddPoints{cut, points.at(), entries.at(), to}, bound);
        }
        bound = bound / STRETCH + buckets;
        std::swap(now_counts, next_counts);
        std::swap(now_starts, next_starts);
        from = to;
        std::swap(to, other);
    }

    size_t parts = (widest + WEIGHED - 1) / WEIGHED;
    Array<Sum> weighed(pool, parts * list.size()), folded(pool, (parts + WEIGHED - 1) / WEIGHED * list.size());
    Sum *now = weighed.at(), *next = folded.at();
    machine::launch(Weigh{on_device.at(), parts, now_counts, now_starts, from, now}, parts * list.size());
    while (parts > 1) {
        size_t before = parts;
        parts = (parts + WEIGHED - 1) / WEIGHED;
        machine::launch(Fold{now, before, parts, next}, parts * list.size());
        std::swap(now, next);
    }
    machine::copy_out(out, now, list.size() * sizeof(Sum));
}

}  // namespace sums
