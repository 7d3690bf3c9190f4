// The interposed accept calls: they recognize connections of the service and report the virtual peer.
#include "calls.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

// Whether a socket may accept virtual connections: it is bound to a loopback alias address, or listens on both networks.
static bool may_be_ours(int fd) {
  struct lanyard_endpoint own;
  return lanyard_near_name(fd, &own)
      && (lanyard_is_near(&own) || (lanyard_settings()->listening == LANYARD_LISTEN_BOTH && lanyard_is_unspecified(&own)))
      && lanyard_socket_of(fd).type == SOCK_STREAM;
}

// Whether accept would block.
static bool would_wait(int fd) {
  struct pollfd entry = {fd, POLLIN, 0};
  struct timespec none = {0, 0};
  return (SYS2(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) == 0 && SYS5(SYS_ppoll, &entry, 1, &none, NULL, 0) == 0;
}

// Whether both ends have the addresses that connections of the service have.
static bool has_alias(int fd, const struct sockaddr_storage *name, socklen_t length) {
  struct lanyard_endpoint near, far;
  return lanyard_read_name((const struct sockaddr *)name, length, &far) && lanyard_near_name(fd, &near) && (lanyard_is_far(&far) || lanyard_is_near(&near));
}

static int accept_stream(int fd, struct sockaddr *name, socklen_t *length, int flags) {
  while (true) {
    // Open the descriptor for the request first: without one, the connection stays queued. Do not occupy that descriptor while accept blocks.
    long question = lanyard_open_question();
    if (question < 0)
      return (int)question;
    if (would_wait(fd)) {
      SYS1(SYS_close, question);
      question = -1;
    }
    struct sockaddr_storage storage;
    socklen_t full = sizeof storage;
    int accepted = (int)lanyard_call_accept(fd, &storage, &full, flags);
    if (accepted < 0 || !has_alias(accepted, &storage, full)) {
      if (question >= 0)
        SYS1(SYS_close, question);
      if (accepted >= 0)
        lanyard_copy_name(&storage, full, name, length);
      return accepted;
    }
    struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
    struct lanyard_reply reply;
    const int about[] = {accepted, fd};
    if (lanyard_ask_on(question, about, 2, &request, &reply) == 0 && reply.error == 0 && reply.verdict == LANYARD_VIRTUAL) {
      lanyard_give_name(&reply.second, lanyard_socket_of(accepted).domain, name, length);
      return accepted;
    }
    // Another program of this machine, which may not connect here, or a connection that has already ended.
    SYS1(SYS_close, accepted);
  }
}

EXPORT int accept4(int fd, struct sockaddr *name, socklen_t *length, int flags) {
  return (int)lanyard_result(lanyard_settings()->is_on && may_be_ours(fd) ? accept_stream(fd, name, length, flags)
                                                                          : lanyard_call_accept(fd, name, length, flags));
}

EXPORT int accept(int fd, struct sockaddr *name, socklen_t *length) { return accept4(fd, name, length, 0); }
