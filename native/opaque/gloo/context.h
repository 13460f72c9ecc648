// Declarations of gloo's types, opaque: LibTorch holds gloo and exports c10d's process group on it, but ships no header
// of gloo, and c10d's header names these types. Nothing here is ever laid out, called or derived from by our code: the
// group is made by functions that LibTorch exports and used through c10d::Backend, whose headers do come with LibTorch.
// CONTRIBUTING.md ("Data-parallel training") has the reasons.

#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
