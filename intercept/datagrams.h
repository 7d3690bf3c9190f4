// Sockets of datagrams: UDP.
#ifndef LANYARD_DATAGRAMS_H
#define LANYARD_DATAGRAMS_H

#include "names.h"

// Makes a socket one of the system's own network, with the same number and options.
int lanyard_become_host_socket(int fd, int domain, int type, int protocol);

int lanyard_connect_datagrams(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name,
                              socklen_t length);

#endif
