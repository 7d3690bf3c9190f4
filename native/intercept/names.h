// Addresses in the forms that programs, the system and the service use.
#ifndef LANYARD_NAMES_H
#define LANYARD_NAMES_H

#include "protocol.h"
#include <stdbool.h>
#include <sys/socket.h>

struct lanyard_name {
  struct sockaddr_storage storage;
  socklen_t length;
};

// The kind of a socket. Raw and other sockets are not redirected.
struct lanyard_socket {
  int domain; // AF_INET, AF_INET6, or 0: not redirected.
  int type;   // SOCK_STREAM, which is TCP, or SOCK_DGRAM, which is UDP.
};

struct lanyard_socket lanyard_socket_of(int fd);

// Reads an address. Returns false if it is neither IPv4 nor IPv6. An IPv4-mapped IPv6 address becomes an IPv4 address.
bool lanyard_read_name(const struct sockaddr *name, socklen_t length, struct lanyard_endpoint *endpoint);

// Writes an address in the form of a socket's domain.
void lanyard_write_name(const struct lanyard_endpoint *endpoint, int domain, struct lanyard_name *name);

// Copies a name to a program's memory as system calls do: truncates the name, and sets *length to its full length. Does nothing if either pointer is NULL.
void lanyard_copy_name(const struct sockaddr_storage *from, socklen_t full, void *name, socklen_t *length);

// Copies an endpoint, in the form of a socket's domain, like lanyard_copy_name.
void lanyard_give_name(const struct lanyard_endpoint *endpoint, int domain, struct sockaddr *name, socklen_t *length);

bool lanyard_is_unspecified(const struct lanyard_endpoint *endpoint);

// Whether an address is in 127.0.0.0/8 or ::1, and not a loopback alias address.
bool lanyard_is_loopback(const struct lanyard_endpoint *endpoint);

bool lanyard_is_near(const struct lanyard_endpoint *endpoint);
bool lanyard_is_far(const struct lanyard_endpoint *endpoint);

// Asks the kernel for a name of a socket. Returns false if the kernel reports none.
bool lanyard_near_name(int fd, struct lanyard_endpoint *endpoint);
bool lanyard_far_name(int fd, struct lanyard_endpoint *endpoint);

#endif
