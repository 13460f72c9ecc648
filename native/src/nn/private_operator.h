#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>

namespace automed::nn {

/// An operator of LibTorch that is no part of its interface, found by name; nothing where this LibTorch has none for
/// the CPU. Throws c10::Error where it takes other arguments.
template <typename Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find_cpu_operator(const char* name) {
  const auto schema = c10::Dispatcher::singleton().findSchema({name, ""});
  if (!schema || !schema->hasKernelForDispatchKey(c10::DispatchKey::CPU)) return std::nullopt;
  return schema->typed<Signature>();
}

}  // namespace automed::nn
