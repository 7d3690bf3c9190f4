#include "names.h"
#include "system.h"
#include <netinet/in.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  for (size_t i = 0; i < count; i++)
    ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

void *memset(void *to, int value, size_t count) {
  for (size_t i = 0; i < count; i++)
    ((char *)to)[i] = (char)value;
  return to;
}

int memcmp(const void *a, const void *b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int difference = ((const uint8_t *)a)[i] - ((const uint8_t *)b)[i];
    if (difference != 0)
      return difference;
  }
  return 0;
}

static int option_of(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  return SYS5(SYS_getsockopt, fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

struct lanyard_socket lanyard_socket_of(int fd) {
  struct lanyard_socket socket = {0, 0};
  int domain = option_of(fd, SO_DOMAIN);
  if (domain != AF_INET && domain != AF_INET6)
    return socket;
  int type = option_of(fd, SO_TYPE);
  int protocol = option_of(fd, SO_PROTOCOL);
  if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP))
    socket.type = SOCK_STREAM;
  else if (type == SOCK_DGRAM && protocol == IPPROTO_UDP)
    socket.type = SOCK_DGRAM;
  else
    return socket;
  socket.domain = domain;
  return socket;
}

static uint32_t number_of(const uint8_t *address) {
  return (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 | address[3];
}

static uint16_t swapped(uint16_t port) { return (uint16_t)(port << 8 | port >> 8); }

static const uint8_t mapped_start[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t zeros[16];

bool lanyard_read_name(const struct sockaddr *name, socklen_t length, struct lanyard_endpoint *endpoint) {
  memset(endpoint, 0, sizeof *endpoint);
  if (name == NULL || length < (socklen_t)sizeof(sa_family_t))
    return false;
  sa_family_t family;
  memcpy(&family, name, sizeof family);
  if (family == AF_INET && length >= (socklen_t)sizeof(struct sockaddr_in)) {
    struct sockaddr_in v4;
    memcpy(&v4, name, sizeof v4);
    endpoint->family = 4;
    endpoint->port = swapped(v4.sin_port);
    memcpy(endpoint->address, &v4.sin_addr, 4);
    return true;
  }
  // The scope may be missing.
  const socklen_t shortest = offsetof(struct sockaddr_in6, sin6_scope_id);
  if (family != AF_INET6 || length < shortest)
    return false;
  struct sockaddr_in6 v6;
  memset(&v6, 0, sizeof v6);
  memcpy(&v6, name, length < (socklen_t)sizeof v6 ? length : sizeof v6);
  endpoint->port = swapped(v6.sin6_port);
  const uint8_t *address = v6.sin6_addr.s6_addr;
  if (memcmp(address, mapped_start, sizeof mapped_start) == 0) {
    endpoint->family = 4;
    memcpy(endpoint->address, address + sizeof mapped_start, 4);
    return true;
  }
  endpoint->family = 6;
  endpoint->scope = v6.sin6_scope_id;
  memcpy(endpoint->address, address, 16);
  return true;
}

void lanyard_write_name(const struct lanyard_endpoint *endpoint, int domain, struct lanyard_name *name) {
  memset(&name->storage, 0, sizeof name->storage);
  if (domain == AF_INET) {
    struct sockaddr_in v4;
    memset(&v4, 0, sizeof v4);
    v4.sin_family = AF_INET;
    v4.sin_port = swapped(endpoint->port);
    if (endpoint->family == 4)
      memcpy(&v4.sin_addr, endpoint->address, 4);
    memcpy(&name->storage, &v4, sizeof v4);
    name->length = sizeof v4;
    return;
  }
  struct sockaddr_in6 v6;
  memset(&v6, 0, sizeof v6);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = swapped(endpoint->port);
  v6.sin6_scope_id = endpoint->scope;
  if (endpoint->family == 6)
    memcpy(&v6.sin6_addr, endpoint->address, 16);
  else if (endpoint->family == 4 && memcmp(endpoint->address, zeros, 4) != 0) {
    memcpy(v6.sin6_addr.s6_addr, mapped_start, sizeof mapped_start);
    memcpy(v6.sin6_addr.s6_addr + sizeof mapped_start, endpoint->address, 4);
  }
  memcpy(&name->storage, &v6, sizeof v6);
  name->length = sizeof v6;
}

void lanyard_copy_name(const struct sockaddr_storage *from, socklen_t full, void *name, socklen_t *length) {
  if (name == NULL || length == NULL)
    return;
  // The kernel treats the length as an int; nothing fits into a negative length.
  int room = (int)*length;
  if (room > 0)
    memcpy(name, from, (socklen_t)room < full ? (socklen_t)room : full);
  *length = full;
}

void lanyard_give_name(const struct lanyard_endpoint *endpoint, int domain, struct sockaddr *name, socklen_t *length) {
  struct lanyard_name full;
  lanyard_write_name(endpoint, domain, &full);
  lanyard_copy_name(&full.storage, full.length, name, length);
}

bool lanyard_is_unspecified(const struct lanyard_endpoint *endpoint) {
  return memcmp(endpoint->address, zeros, endpoint->family == 4 ? 4 : 16) == 0;
}

static bool is_in(const struct lanyard_endpoint *endpoint, uint32_t first) {
  return endpoint->family == 4 && (number_of(endpoint->address) & LANYARD_RANGE_MASK) == first;
}

bool lanyard_is_near(const struct lanyard_endpoint *endpoint) { return is_in(endpoint, LANYARD_NEAR_FIRST); }

bool lanyard_is_far(const struct lanyard_endpoint *endpoint) { return is_in(endpoint, LANYARD_FAR_FIRST); }

bool lanyard_is_loopback(const struct lanyard_endpoint *endpoint) {
  if (endpoint->family == 4)
    return endpoint->address[0] == 127 && !lanyard_is_near(endpoint) && !lanyard_is_far(endpoint);
  return memcmp(endpoint->address, zeros, 15) == 0 && endpoint->address[15] == 1;
}

static bool system_name(long call, int fd, struct lanyard_endpoint *endpoint) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  return SYS3(call, fd, &storage, &length) == 0 && lanyard_read_name((struct sockaddr *)&storage, length, endpoint);
}

bool lanyard_near_name(int fd, struct lanyard_endpoint *endpoint) { return system_name(SYS_getsockname, fd, endpoint); }

bool lanyard_far_name(int fd, struct lanyard_endpoint *endpoint) { return system_name(SYS_getpeername, fd, endpoint); }
