// Datagram sockets: UDP.
#ifndef LANYARD_DATAGRAMS_H
#define LANYARD_DATAGRAMS_H

#include "names.h"

// Replaces a socket by a socket of the system's network with the same descriptor number and options.
int lanyard_become_host_socket(int fd, int domain, int type, int protocol);

// Connects to an address of the system's network, or disconnects. Datagrams that the socket sends afterwards carry no token.
int lanyard_connect_to_host(int fd, struct lanyard_socket socket, const struct sockaddr *name, socklen_t length);

int lanyard_connect_datagrams(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name,
                              socklen_t length);

// The alias destination of datagrams and their IP options.
struct lanyard_route {
  struct lanyard_endpoint far;
  uint8_t token[LANYARD_TOKEN_BYTES];
  enum { LANYARD_AS_IT_IS, LANYARD_WITH_TOKEN, LANYARD_WITHOUT_TOKEN } options;
};

// Returns 1 to keep the destination, 0 to send to *instead, or a negative errno. `source` is the program's source address. Sets the IP options of the datagram in
// *route in either case.
int lanyard_redirect(int fd, const void *name, socklen_t length, const struct lanyard_endpoint *source, struct lanyard_name *instead, struct lanyard_route *route);

// The sender and the destination of a received datagram of a virtual network.
struct lanyard_origin {
  struct lanyard_endpoint sender;
  struct lanyard_endpoint local; // The destination address or group; family 0 if unknown.
  struct lanyard_endpoint own;   // This node's address; its scope is the interface index.
};

// Replaces an alias address with the sender, and reports the destination. Returns false if another program of this machine sent the datagram to a virtual socket.
bool lanyard_translate(int fd, struct sockaddr_storage *name, socklen_t *length, struct lanyard_origin *origin);

// Reads the source address or interface from a program's control messages. Returns false if they contain neither.
bool lanyard_read_source(const struct msghdr *message, struct lanyard_endpoint *source);

// Copies control messages, with without_source except those that lanyard_read_source reads. Returns the length of the copy; 0 if it does not fit.
size_t lanyard_copy_control(const struct msghdr *message, bool without_source, void *to, size_t room);

// Writes the destination on the virtual network into the control messages of a received datagram.
void lanyard_give_origin(struct msghdr *message, const struct lanyard_origin *origin);

// Handles a multicast option, or an option that the service must know. Returns false if the option concerns only the system.
bool lanyard_set_datagram_option(int fd, int level, int option, const void *value, socklen_t length, long *result);

#endif
