#include "calls.h"
#include "symbols.h"
#include "system.h"

// Resolved before the program starts, because symbol lookup is not safe in every later context. If a pointer is NULL, make the system call directly.
static int (*real_accept)(int, void *, socklen_t *, int);
static ssize_t (*real_recvfrom)(int, void *, size_t, int, void *, socklen_t *);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static int (*real_recvmmsg)(int, struct mmsghdr *, unsigned int, int, struct timespec *);
static ssize_t (*real_sendto)(int, const void *, size_t, int, const void *, socklen_t);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static int (*real_sendmmsg)(int, struct mmsghdr *, unsigned int, int);

__attribute__((constructor)) static void find_calls(void) {
  real_accept = (int (*)(int, void *, socklen_t *, int))lanyard_next("accept4");
  real_recvfrom = (ssize_t (*)(int, void *, size_t, int, void *, socklen_t *))lanyard_next("recvfrom");
  real_recvmsg = (ssize_t (*)(int, struct msghdr *, int))lanyard_next("recvmsg");
  real_recvmmsg = (int (*)(int, struct mmsghdr *, unsigned int, int, struct timespec *))lanyard_next("recvmmsg");
  real_sendto = (ssize_t (*)(int, const void *, size_t, int, const void *, socklen_t))lanyard_next("sendto");
  real_sendmsg = (ssize_t (*)(int, const struct msghdr *, int))lanyard_next("sendmsg");
  real_sendmmsg = (int (*)(int, struct mmsghdr *, unsigned int, int))lanyard_next("sendmmsg");
}

static long error_of(long result) { return result >= 0 ? result : -*__errno_location(); }

long lanyard_call_accept(int fd, void *name, socklen_t *length, int flags) {
  return real_accept == NULL ? SYS4(SYS_accept4, fd, name, length, flags) : error_of(real_accept(fd, name, length, flags));
}

long lanyard_call_recvfrom(int fd, void *data, size_t count, int flags, void *name, socklen_t *length) {
  return real_recvfrom == NULL ? SYS6(SYS_recvfrom, fd, data, count, flags, name, length) : error_of(real_recvfrom(fd, data, count, flags, name, length));
}

long lanyard_call_recvmsg(int fd, struct msghdr *message, int flags) {
  return real_recvmsg == NULL ? SYS3(SYS_recvmsg, fd, message, flags) : error_of(real_recvmsg(fd, message, flags));
}

long lanyard_call_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout) {
  return real_recvmmsg == NULL ? SYS5(SYS_recvmmsg, fd, messages, count, flags, timeout) : error_of(real_recvmmsg(fd, messages, count, flags, timeout));
}

long lanyard_call_sendto(int fd, const void *data, size_t count, int flags, const void *name, socklen_t length) {
  return real_sendto == NULL ? SYS6(SYS_sendto, fd, data, count, flags, name, length) : error_of(real_sendto(fd, data, count, flags, name, length));
}

long lanyard_call_sendmsg(int fd, const struct msghdr *message, int flags) {
  return real_sendmsg == NULL ? SYS3(SYS_sendmsg, fd, message, flags) : error_of(real_sendmsg(fd, message, flags));
}

long lanyard_call_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags) {
  return real_sendmmsg == NULL ? SYS4(SYS_sendmmsg, fd, messages, count, flags) : error_of(real_sendmmsg(fd, messages, count, flags));
}
