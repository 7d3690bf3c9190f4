// Changes the answers to programs that request interfaces and addresses from the kernel (rtnetlink(7)): the answers include the virtual networks.
#ifndef LANYARD_NETLINK_H
#define LANYARD_NETLINK_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

// Records a request for all interfaces or all addresses.
void lanyard_note_dump(int fd, const void *name, socklen_t name_length, const void *data, size_t count);

// Changes an answer of the kernel. Returns the length. With MSG_TRUNC, the length exceeds `room` if the answer does not fit.
ssize_t lanyard_change_dump(int fd, const struct sockaddr_storage *name, void *data, ssize_t count, size_t room, int flags);

#endif
