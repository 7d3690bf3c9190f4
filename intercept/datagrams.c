#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>

int lanyard_connect_datagrams(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name,
                              socklen_t length) {
  (void)socket;
  (void)destination;
  return (int)SYS3(SYS_connect, fd, name, length);
}
