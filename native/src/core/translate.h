#pragma once

#include "core/error.h"

namespace automed {

/// What the exception in flight means to a caller. Call inside a catch block. LibTorch's backtraces are dropped, a
/// failed allocation becomes kOutOfMemory, a lost device kDeviceUnavailable; what is not ours becomes kInternal.
Error current_error();

}  // namespace automed
