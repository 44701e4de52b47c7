// What code runs on: a CUDA device, or, compiled by any C++ compiler, this processor, one index after the other.
//
// Kernels are functions of an index and never wait for each other, so that both run the same source and the tests of
// the second hold for the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define DEVICE __host__ __device__ __forceinline__
#define UNROLL _Pragma("unroll")
#else
#define DEVICE inline
#define UNROLL
#endif

namespace machine {

#ifdef __CUDACC__

inline void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
    }
}

inline std::string name() {
    int count = 0;
    check(cudaGetDeviceCount(&count), "looking for devices");
    if (count == 0) throw std::runtime_error("there is no device");
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, 0), "asking what the device is");
    return properties.name;
}

inline void* allocate(size_t bytes) {
    void* memory = nullptr;
    // An error that stays would be taken for that of the next kernel.
    if (cudaMalloc(&memory, bytes) != cudaSuccess) {
        cudaGetLastError();
        return nullptr;
    }
    return memory;
}

inline void release(void* memory) { cudaFree(memory); }
inline void zero(void* memory, size_t bytes) { check(cudaMemset(memory, 0, bytes), "clearing memory"); }
inline void copy_in(void* to, const void* from, size_t bytes) {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copying to the device");
}
inline void copy_out(void* to, const void* from, size_t bytes) {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copying from the device");
}
inline void copy(void* to, const void* from, size_t bytes) {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice), "copying on the device");
}

template <class Kernel>
__global__ void run(Kernel kernel, size_t count) {
    size_t index = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (index < count) kernel(index);
}

template <class Kernel>
void launch(const Kernel& kernel, size_t count) {
    const size_t block = 128;
    if (count == 0) return;
    run<<<(unsigned)((count + block - 1) / block), block>>>(kernel, count);
    check(cudaGetLastError(), "starting a kernel");
}

#else

inline std::string name() { return "this processor, as if it were a device"; }
inline void* allocate(size_t bytes) { return std::malloc(bytes); }
inline void release(void* memory) { std::free(memory); }
inline void zero(void* memory, size_t bytes) { std::memset(memory, 0, bytes); }
inline void copy_in(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
inline void copy_out(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
inline void copy(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

template <class Kernel>
void launch(const Kernel& kernel, size_t count) {
    for (size_t index = 0; index < count; index++) kernel(index);
}

#endif

// The number at an address before one is added.
DEVICE uint32_t increment(uint32_t* at) {
#ifdef __CUDA_ARCH__
    return atomicAdd(at, 1u);
#else
    return (*at)++;
#endif
}

// Memory that is taken and given back often: it is asked for once.
class Pool {
    struct Block {
        void* memory;
        size_t bytes;
        bool taken;
    };
    std::vector<Block> blocks;

    // What it held may be a witness.
    static void drop(const Block& block) {
        try {
            zero(block.memory, block.bytes);
        } catch (const std::exception&) {
            // The device is gone, and its memory with it.
        }
        release(block.memory);
    }

    void drop_free() {
        std::vector<Block> kept;
        for (const Block& block : blocks) {
            if (block.taken) {
                kept.push_back(block);
            } else {
                drop(block);
            }
        }
        blocks = kept;
    }

public:
    Pool() = default;
    Pool(const Pool&) = delete;

    ~Pool() {
        for (const Block& block : blocks) drop(block);
    }

    void* take(size_t bytes) {
        Block* best = nullptr;
        for (Block& block : blocks) {
            bool fits = !block.taken && block.bytes >= bytes && block.bytes / 2 <= bytes;
            if (fits && (!best || block.bytes < best->bytes)) best = &block;
        }
        if (best) {
            best->taken = true;
            return best->memory;
        }
        void* memory = allocate(bytes);
        if (!memory) {
            drop_free();
            memory = allocate(bytes);
        }
        if (!memory) throw std::runtime_error("the device has not enough memory");
        blocks.push_back({memory, bytes, true});
        return memory;
    }

    void give_back(void* memory) {
        for (Block& block : blocks) {
            if (block.memory == memory) block.taken = false;
        }
    }
};

// An array on the device.
template <class T>
class Array {
    Pool& pool;
    T* memory;

public:
    const size_t length;

    Array(Pool& from, size_t wanted)
        : pool(from), memory((T*)from.take((wanted ? wanted : 1) * sizeof(T))), length(wanted) {}
    Array(Pool& from, const T* values, size_t count) : Array(from, count) { copy_in(memory, values, count * sizeof(T)); }
    Array(const Array&) = delete;
    ~Array() { pool.give_back(memory); }

    T* at(size_t index = 0) const { return memory + index; }
    void clear() { zero(memory, length * sizeof(T)); }
};

}  // namespace machine
