#include "support/process_group.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace automed::test {

std::int64_t free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  if (!bound) throw Failure("there is no free port");
  return ntohs(address.sin_port);
}

}  // namespace automed::test
