// Blocking calls, made through the C library so that pthread_cancel can cancel a thread that blocks in them. They return negative errnos, as system calls do.
#ifndef LANYARD_CALLS_H
#define LANYARD_CALLS_H

#include <sys/socket.h>
#include <time.h>

long lanyard_call_accept(int fd, void *name, socklen_t *length, int flags);
long lanyard_call_recvfrom(int fd, void *data, size_t count, int flags, void *name, socklen_t *length);
long lanyard_call_recvmsg(int fd, struct msghdr *message, int flags);
long lanyard_call_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);
long lanyard_call_sendto(int fd, const void *data, size_t count, int flags, const void *name, socklen_t length);
long lanyard_call_sendmsg(int fd, const struct msghdr *message, int flags);
long lanyard_call_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);

#endif
