// Opaque, see ../context.h: devices are made by LibTorch and passed back to it.

#pragma once

namespace gloo::transport {

class Device;

class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};

}  // namespace gloo::transport
