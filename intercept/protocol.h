// What the intercept and the service say to each other: one request and one reply on a connection of the service's local socket (SOCK_SEQPACKET).
// Both ends are on one machine, so numbers are in its byte order. The service's half is src/Lanyard.Service/Intercept/InterceptMessages.cs.
#ifndef LANYARD_PROTOCOL_H
#define LANYARD_PROTOCOL_H

#include <stdint.h>

#define LANYARD_MAGIC 0x3249594cu // "LYI2"

// Sockets of virtual connections are sockets of the system on loopback addresses that stand for them: 127.64.0.0/12 for the program's end,
// 127.80.0.0/12 for the other. What stands for what, the service knows.
#define LANYARD_NEAR_FIRST 0x7f400000u
#define LANYARD_FAR_FIRST 0x7f500000u
#define LANYARD_RANGE_MASK 0xfff00000u

#define LANYARD_NAME_MAX 255
#define LANYARD_ADDRESSES_MAX 32

// The socket that a request is about comes along (SCM_RIGHTS): who has it may use it. The service binds it where that is needed.
enum lanyard_op {
  LANYARD_CONNECT = 1, // TCP to `virtual`. The socket is connected, or connecting (EINPROGRESS) where it is a non-blocking one.
  LANYARD_OUTCOME = 2, // How connecting went: the reply's error.
  LANYARD_BIND = 3,    // To `virtual`.
  LANYARD_LISTEN = 4,  // With `backlog`. A socket that is not bound is bound to any address.
  LANYARD_NAMES = 5,   // What its ends stand for; of a datagram socket, the other one is `far`, or the one that it is connected to. Reply: first and second.
  LANYARD_SEND = 6,    // Datagrams to `virtual`. Reply: first = where to send to.
  LANYARD_GROUP = 7,   // Joins (flag) or leaves the multicast group `virtual`.
  LANYARD_RESOLVE = 8, // About no socket: a host's name, which follows. Reply: addresses follow.
};

enum lanyard_flag {
  LANYARD_JOIN = 1,
  LANYARD_ECHO = 2, // A datagram socket whose datagrams are ICMP echo requests and replies.
  LANYARD_CONNECTED = 4, // The datagram socket is about to be connected there.
  LANYARD_GROUPS = 8, // Groups and broadcasts are virtual networks', wherever the datagram socket is bound.
};

enum lanyard_verdict {
  LANYARD_HOST = 0,    // Not of a virtual network: the system's business.
  LANYARD_VIRTUAL = 1,
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
  int32_t backlog;
  uint32_t padding;
  struct lanyard_endpoint virtual;
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
