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

// What a socket is. Raw and other sockets are none of ours.
struct lanyard_socket {
  int domain; // AF_INET, AF_INET6, or 0: not ours.
  int type;   // SOCK_STREAM, which is TCP, or SOCK_DGRAM, which is UDP.
};

struct lanyard_socket lanyard_socket_of(int fd);

// False where the address is neither IPv4 nor IPv6. An IPv4 address in an IPv6 one counts as IPv4.
bool lanyard_read_name(const struct sockaddr *name, socklen_t length, struct lanyard_endpoint *endpoint);

// In the form that a socket of a domain uses.
void lanyard_write_name(const struct lanyard_endpoint *endpoint, int domain, struct lanyard_name *name);

// Copies a name to a program's memory as system calls do: what does not fit is cut off, and *length becomes the whole. Nothing where either is NULL.
void lanyard_copy_name(const struct sockaddr_storage *from, socklen_t full, void *name, socklen_t *length);

// The same, of an endpoint in the form of a socket's domain.
void lanyard_give_name(const struct lanyard_endpoint *endpoint, int domain, struct sockaddr *name, socklen_t *length);

bool lanyard_is_unspecified(const struct lanyard_endpoint *endpoint);

// 127.0.0.0/8 or ::1, but none that stands for a virtual one.
bool lanyard_is_loopback(const struct lanyard_endpoint *endpoint);

bool lanyard_is_near(const struct lanyard_endpoint *endpoint);
bool lanyard_is_far(const struct lanyard_endpoint *endpoint);

// What the system says of a socket. False where it says nothing.
bool lanyard_near_name(int fd, struct lanyard_endpoint *endpoint);
bool lanyard_far_name(int fd, struct lanyard_endpoint *endpoint);

#endif
