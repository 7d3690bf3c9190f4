// What the intercept and the service say to each other: one request and one reply on a connection of the service's local socket (SOCK_SEQPACKET).
// Both ends are on one machine, so numbers are in its byte order. The service's half is src/Lanyard.Service/Intercept/InterceptMessage.cs.
#ifndef LANYARD_PROTOCOL_H
#define LANYARD_PROTOCOL_H

#include <stdint.h>

#define LANYARD_MAGIC 0x3149594cu // "LYI1"

// Sockets of virtual connections are sockets of the system on loopback addresses that stand for them: 127.64.0.0/12 for the program's end,
// 127.80.0.0/12 for the other. What stands for what, the service knows.
#define LANYARD_NEAR_FIRST 0x7f400000u
#define LANYARD_FAR_FIRST 0x7f500000u
#define LANYARD_RANGE_MASK 0xfff00000u

#define LANYARD_NAME_MAX 255
#define LANYARD_ADDRESSES_MAX 32

enum lanyard_op {
  LANYARD_CONNECT = 1,  // TCP to `virtual`, from `near` if bound. Reply: first = where to bind (none: it is bound), second = where to connect to.
  LANYARD_OUTCOME = 2,  // How connecting from `near` went: the reply's error.
  LANYARD_BIND = 3,     // A socket to `virtual`. Reply: first = where to bind.
  LANYARD_LISTEN = 4,   // The socket bound to `near` listens; `virtual` where it was not bound by LANYARD_BIND.
  LANYARD_NAMES = 5,    // What `near` and `far` stand for. Reply: first and second.
  LANYARD_SEND = 6,     // Datagrams from `near` to `virtual`. Reply: first = where to bind, second = where to send to.
  LANYARD_GROUP = 7,    // Joins (flag) or leaves the multicast group `virtual` for the socket bound to `near`.
  LANYARD_RESOLVE = 8,  // A host's name, which follows. Reply: addresses follow.
};

enum lanyard_flag {
  LANYARD_NONBLOCKING = 1,
  LANYARD_V6_SOCKET = 2,
  LANYARD_V6_ONLY = 4,
  LANYARD_REUSE_PORT = 8,
  LANYARD_REUSE_ADDRESS = 16,
  LANYARD_JOIN = 32,
  LANYARD_ECHO = 64, // A datagram socket whose datagrams are ICMP echo requests and replies.
};

enum lanyard_verdict {
  LANYARD_HOST = 0,    // Not of a virtual network: the system's business.
  LANYARD_VIRTUAL = 1,
};

enum lanyard_type {
  LANYARD_STREAM = 1,
  LANYARD_DATAGRAM = 2,
};

struct lanyard_endpoint {
  uint8_t family; // 0: none. 4, 6.
  uint16_t port;
  uint32_t scope;
  uint8_t address[16]; // IPv4: the first four.
};

struct lanyard_request {
  uint32_t magic;
  uint16_t op;
  uint16_t flags;
  uint64_t network; // 0: any that the user may use.
  uint32_t type;
  uint32_t backlog;
  struct lanyard_endpoint virtual;
  struct lanyard_endpoint near;
  struct lanyard_endpoint far;
};

struct lanyard_reply {
  uint32_t magic;
  int32_t error; // errno, or 0.
  uint16_t verdict;
  uint16_t count; // Endpoints that follow.
  uint32_t flags; // LANYARD_ECHO where the socket is one.
  struct lanyard_endpoint first;
  struct lanyard_endpoint second;
};

#endif
