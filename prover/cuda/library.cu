// The library that the feature `cuda` loads: a key's points on the device, sums of their multiples, quotients.
// `script/cuda.sh` builds it. One call at a time for each key.

#include "quotient.h"
#include "sums.h"

namespace {

struct Key {
    machine::Pool pool;
    machine::Array<Point> points;

    Key(const Point* from, size_t count) : points(pool, from, count) {}
};

// Runs what may fail; without success, says why.
template <class Work>
int attempt(char* message, size_t size, const Work& work) {
    std::string why;
    try {
        work();
        return 0;
    } catch (const std::exception& error) {
        why = error.what();
    } catch (...) {
        why = "an error without a name";
    }
    if (size) {
        size_t length = why.size() < size - 1 ? why.size() : size - 1;
        std::memcpy(message, why.data(), length);
        message[length] = 0;
    }
    return 1;
}

}  // namespace

extern "C" {

// Of the structures in `interface.h` and the functions here.
uint32_t zkv_version() { return 1; }

// The device's name.
int zkv_name(char* name, size_t length, char* message, size_t size) {
    return attempt(message, size, [=] {
        std::string found = machine::name();
        if (found.size() + 1 > length) found.resize(length - 1);
        std::memcpy(name, found.c_str(), found.size() + 1);
    });
}

int zkv_open(const void* points, size_t count, void** key, char* message, size_t size) {
    return attempt(message, size, [=] {
        machine::name();
        *key = new Key((const Point*)points, count);
    });
}

void zkv_close(void* key) { delete (Key*)key; }

// Writes four coordinates of each window: x·zz, y·zzz, zz, zzz.
int zkv_sums(void* key, const struct ZkvSum* columns, size_t count, void* out, char* message, size_t size) {
    return attempt(message, size, [=] {
        Key& of = *(Key*)key;
        sums::windows(of.pool, of.points, columns, count, (Sum*)out);
    });
}

// Writes each piece's values on the rows.
int zkv_pieces(void* key, const struct ZkvQuotient* given, void* const* out, char* message, size_t size) {
    return attempt(message, size, [=] { quotient::pieces(((Key*)key)->pool, *given, out); });
}
}
