#pragma once

namespace automed {

/// Has MKL choose its kernels of vector math (sin, cos, sqrt, exp, ...) now, on one thread. oneMKL before 2025.0
/// chooses at a function's first call, and when the threads of one operation make that call together, one of them can
/// compute its share with the kernel of low accuracy: sin was then wrong by 1.5e-4, in one call of a process's life
/// (https://github.com/pytorch/pytorch/issues/188792). To be called before a process's first operation on a tensor.
void resolve_vector_math();

}  // namespace automed
