#!/usr/bin/env bash
# Makes the library with which the feature `cuda` proves on a CUDA device, target/cuda/libzkverdict_cuda.so, with the
# `nvcc` that there is, or else with that of NVIDIA's packages on PyPI. No device is needed for it.
#   script/cuda.sh            (CUDA_ARCH=90,120 makes it for these alone)
# Then, with the device: ZKVERDICT_CUDA=$PWD/target/cuda/libzkverdict_cuda.so cargo test -p zkverdict-prover device
set -euo pipefail
cd "$(dirname "$0")/.."
to=target/cuda
mkdir -p "$to"

if command -v nvcc >/dev/null; then
    nvcc=nvcc
    libraries=()
else
    if [ ! -e "$to/venv/ready" ]; then
        python3 -m venv "$to/venv"
        "$to/venv/bin/pip" install --quiet nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
            nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
        touch "$to/venv/ready"
    fi
    root=$(echo "$PWD/$to"/venv/lib/python3*/site-packages/nvidia/cu13)
    nvcc=$root/bin/nvcc
    libraries=("-L$root/lib")
fi

IFS=, read -ra archs <<<"${CUDA_ARCH:-75,80,86,89,90,100,120}"
targets=()
for arch in "${archs[@]}"; do
    targets+=(-gencode "arch=compute_$arch,code=sm_$arch")
done
# Newer devices compile it when it is loaded.
targets+=(-gencode "arch=compute_$arch,code=compute_$arch")
"$nvcc" -std=c++17 -O3 --threads 0 "${targets[@]}" -shared -Xcompiler -fPIC -cudart static "${libraries[@]}" \
    -o "$to/libzkverdict_cuda.so" prover/cuda/library.cu
echo "$to/libzkverdict_cuda.so: beside the program, or where ZKVERDICT_CUDA says"
