#include "core/translate.h"

#include <torch/torch.h>

#include <new>
#include <string>

namespace automed {

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const c10::OutOfMemoryError& error) {
    return {ErrorCode::kOutOfMemory, error.what_without_backtrace()};
  } catch (const c10::Error& error) {
    std::string text = error.what_without_backtrace();
    // The CPU allocator reports through a plain c10::Error.
    if (text.find("can't allocate memory") != std::string::npos) return {ErrorCode::kOutOfMemory, text};
    if (text.find("CUDA error") != std::string::npos) return {ErrorCode::kDeviceUnavailable, text};
    return {ErrorCode::kInternal, text};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kOutOfMemory, "out of memory"};
  } catch (const std::exception& error) {
    return {ErrorCode::kInternal, *error.what() != '\0' ? error.what() : "exception without a message"};
  } catch (...) {
    return {ErrorCode::kInternal, "exception of unknown type"};
  }
}

}  // namespace automed
