// TCP sockets.
#ifndef LANYARD_STREAMS_H
#define LANYARD_STREAMS_H

#include "names.h"

// Handles the extra functions of a send call: connecting (MSG_FASTOPEN), and urgent data (MSG_OOB), which virtual connections do not carry. Returns 0 to continue
// with the changed flags, or a negative errno.
int lanyard_before_send(int fd, const void *name, socklen_t length, int *flags);

// Whether a TCP socket is bound to a loopback alias address, or connected to one.
bool lanyard_is_virtual(int fd);

// Sets an end-to-end option of a virtual connection. Returns 0 or a negative errno, or 1 if the option is not end-to-end or the socket is not virtual.
int lanyard_set_stream_option(int fd, int level, int option, const void *value, socklen_t length);

#endif
