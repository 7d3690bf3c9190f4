// The messages between the preloaded library and the service: one request and one reply on a connection of the service's local socket (SOCK_SEQPACKET).
// Both ends are on one machine, so numbers are in its byte order. The C# side is generated from this file at build (src/Lanyard.Intercept/Protocol.targets), so this file
// contains only constructs of both languages: constants, enumerations with values, and structures of integers and bytes, whose sizes are asserted.
#ifndef LANYARD_PROTOCOL_H
#define LANYARD_PROTOCOL_H

#include <stdint.h>

#define LANYARD_MAGIC 0x3449594cu // "LYI4"

// Sockets of virtual connections are sockets of the system on loopback alias addresses: 127.64.0.0/12 for the program's end, 127.80.0.0/12 for the
// peer's end. The service knows which virtual address each alias represents.
#define LANYARD_NEAR_FIRST 0x7f400000u
#define LANYARD_FAR_FIRST 0x7f500000u
#define LANYARD_RANGE_MASK 0xfff00000u

// Datagrams between a program's socket and the service carry a token of that socket as IP options: Router Alert options (RFC 2113), two bytes of the
// token in each. The kernel drops datagrams to the socket that lack its token; the service drops datagrams from the socket that lack its token.
#define LANYARD_TOKEN_BYTES 16
#define LANYARD_OPTION_TYPE 0x94
#define LANYARD_OPTION_BYTES 4

// The ports that the service assigns when a program does not choose one, from here upward.
#define LANYARD_FIRST_CHOSEN_PORT 32768

// Indexes of the interfaces that represent virtual networks: above those that the system assigns by counting up.
#define LANYARD_FIRST_INDEX 0x100000u

// The time for which the library caches the translation of a datagram's address, so that not every datagram needs a request.
#define LANYARD_REMEMBER_SECONDS 5

// The environment of redirected programs. Values: the path of the service's socket; the network, as sixteen hexadecimal digits or 0; 0 or 1; 0 or 1; virtual, host or
// both. The last variable marks programs whose system calls are supervised.
#define LANYARD_VARIABLE_SOCKET "LANYARD_INTERCEPT"
#define LANYARD_VARIABLE_NETWORK "LANYARD_NETWORK"
#define LANYARD_VARIABLE_ISOLATE "LANYARD_ISOLATE"
#define LANYARD_VARIABLE_OUTSIDE "LANYARD_OUTSIDE"
#define LANYARD_VARIABLE_LISTEN "LANYARD_LISTEN"
#define LANYARD_VARIABLE_SUPERVISED "LANYARD_SUPERVISED"

// The library's file, which is beside the lanyard command.
#define LANYARD_LIBRARY "liblanyard-intercept.so"

// The maximum length of a chain of scripts that interpret each other, and the bytes that are read of a script's first line. Both are the kernel's limits.
#define LANYARD_SCRIPTS_MAX 5
#define LANYARD_SCRIPT_LINE_MAX 256

#define LANYARD_NAME_MAX 255
#define LANYARD_ADDRESSES_MAX 32
#define LANYARD_DESCRIPTORS_MAX 2

// The socket of a request travels with it (SCM_RIGHTS): a process that has the socket may use it. The service binds the socket if necessary.
enum lanyard_operation {
  LANYARD_CONNECT = 1, // TCP to `virtual`. The reply's error is EINPROGRESS: the socket is connecting, even if it is a blocking socket.
                       // EPROTONOSUPPORT: a Multipath TCP socket. Retry with a TCP socket.
  LANYARD_OUTCOME = 2, // Asks for the result of connecting: the reply's error.
  LANYARD_BIND = 3,    // Binds to `virtual`.
  LANYARD_LISTEN = 4,  // Listens with `backlog`. Binds an unbound socket to the wildcard address.
  LANYARD_NAMES = 5,   // Asks for the virtual addresses of the socket's ends. For a datagram socket, the peer is `far`, or the connected peer. Reply: first and second.
                       // For an accepted connection, the second descriptor is its listener.
  LANYARD_SEND = 6,    // Sends datagrams to `virtual` from `own`. Reply: first = the alias destination, and the token, if the program must send it.
  LANYARD_GROUP = 7,   // Joins (flag) or leaves the multicast group `virtual` on the interface `own`, or with a flag the group's source `far`.
  LANYARD_RESOLVE = 8, // No socket. Resolves the host name that follows the request. Reply: followed by the addresses.
  LANYARD_OPTIONS = 9, // The socket's own options changed: the service applies the end-to-end options of a connection. With LANYARD_OUTGOING, the datagram
                       // socket sends multicast datagrams on the interface `own` (none: any).
  LANYARD_DISCONNECT = 10, // The datagram socket is no longer connected to a peer of a virtual network.
  LANYARD_INTERFACES = 11, // No socket. Reply: followed by one struct lanyard_interface for each address.
};

enum lanyard_flags {
  LANYARD_JOIN = 1,
  LANYARD_ECHO = 2, // A datagram socket whose datagrams are ICMP echo requests and replies.
  LANYARD_CONNECTED = 4, // The datagram socket will be connected to `virtual`.
  LANYARD_GROUPS = 8, // Groups and broadcasts go to virtual networks, even if the datagram socket is bound to an address of the system.
  LANYARD_SHARED = 16, // The datagram socket is also on the system's network, on the same port. A socket without a port gets a port that is free on both.
  LANYARD_SOURCE = 32, // Joins or leaves only one source of a group.
  LANYARD_BLOCK = 64, // Blocks (with LANYARD_JOIN) or unblocks one source of a group.
  LANYARD_OUTGOING = 128,
  LANYARD_OUTSIDE = 256, // In a request: the second socket (SCM_RIGHTS) carries the first socket's datagrams to the system's network.
                         // In a reply: the datagram socket is only on virtual networks and needs such a second socket.
  LANYARD_V4 = 512, // Resolves to IPv4 addresses only. A loopback alias address represents an IPv6 address.
};

enum lanyard_verdict {
  LANYARD_HOST = 0,    // Not an address of a virtual network: the system handles the call.
  LANYARD_VIRTUAL = 1,
};

struct lanyard_endpoint {
  uint8_t family; // 4, 6, or 0 for none.
  uint16_t port;
  uint32_t scope; // The interface index, or 0.
  uint8_t address[16]; // IPv4: the first four bytes.
};
_Static_assert(sizeof(struct lanyard_endpoint) == 24, "the size in C#");

// One address of this node on a virtual network, and the interface that represents the network.
struct lanyard_interface {
  struct lanyard_endpoint address; // Its port is the prefix length in bits; its scope is the interface index.
  char name[16];
  uint32_t mtu;
  uint8_t mac[6];
  uint16_t padding;
};
_Static_assert(sizeof(struct lanyard_interface) == 52, "the size in C#");

struct lanyard_request {
  uint32_t magic;
  uint16_t operation;
  uint16_t flags;
  uint64_t network; // 0: any network that the user may use.
  int32_t backlog;
  uint32_t padding;
  struct lanyard_endpoint virtual;
  struct lanyard_endpoint far;
  struct lanyard_endpoint own; // An address of this node, or an interface index (in its scope); family 0 and scope 0: any.
};
_Static_assert(sizeof(struct lanyard_request) == 96, "the size in C#");

struct lanyard_reply {
  uint32_t magic;
  int32_t error; // errno, or 0.
  uint16_t verdict;
  uint16_t count; // The number of endpoints or interfaces that follow.
  uint32_t flags; // LANYARD_ECHO if the socket is an echo (ping) socket; LANYARD_OUTSIDE.
  struct lanyard_endpoint first;
  struct lanyard_endpoint second;
  struct lanyard_endpoint own; // LANYARD_NAMES: this node's address for a received datagram if `first` is a group, and its interface.
  uint8_t token[LANYARD_TOKEN_BYTES]; // The token of a socket that is bound to an address of the system; otherwise zeros, because the socket's own IP options contain the token.
};
_Static_assert(sizeof(struct lanyard_reply) == 104, "the size in C#");

#endif
