// The interposed calls of TCP sockets, and of any socket where they do not differ. A virtual connection is a connection of the system to the service;
// the program's own descriptor is one end of it, so that reading, writing, polling, duplicating and passing it on need nothing from here.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#define EXPORT __attribute__((visibility("default")))

static int set_option(int fd, int level, int option, int value) { return (int)SYS5(SYS_setsockopt, fd, level, option, &value, sizeof value); }

static int get_option(int fd, int level, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  return SYS5(SYS_getsockopt, fd, level, option, &value, &length) == 0 ? value : 0;
}

// A socket that was bound to a virtual address because nobody could know better turns to the system's network: it becomes a new one.
int lanyard_become_host_socket(int fd, int domain, int type, int protocol) {
  static const int kept[][2] = {
      {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_REUSEADDR}, {SOL_SOCKET, SO_REUSEPORT}, {SOL_SOCKET, SO_OOBINLINE},
      {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_KEEPCNT},
      {IPPROTO_TCP, TCP_USER_TIMEOUT},
  };
  long status = SYS2(SYS_fcntl, fd, F_GETFL);
  long flags = SYS2(SYS_fcntl, fd, F_GETFD);
  long fresh = SYS3(SYS_socket, domain, type | SOCK_CLOEXEC, protocol);
  if (fresh < 0)
    return (int)fresh;
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
    set_option((int)fresh, kept[i][0], kept[i][1], get_option(fd, kept[i][0], kept[i][1]));
  struct linger linger;
  socklen_t length = sizeof linger;
  if (SYS5(SYS_getsockopt, fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0)
    SYS5(SYS_setsockopt, fresh, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  SYS3(SYS_fcntl, fresh, F_SETFL, status);
  long result = SYS3(SYS_dup3, fresh, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0);
  SYS1(SYS_close, fresh);
  return result < 0 ? (int)result : 0;
}

static int connect_stream(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name, socklen_t length) {
  struct lanyard_endpoint near, far;
  // The system knows what connecting again is.
  if (lanyard_far_name(fd, &far))
    return (int)SYS3(SYS_connect, fd, name, length);
  struct lanyard_request request = lanyard_request_for(LANYARD_CONNECT);
  struct lanyard_reply reply;
  request.virtual = *destination;
  int error = lanyard_ask(fd, &request, &reply);
  if (error != 0 || reply.error != 0 || reply.verdict == LANYARD_VIRTUAL)
    return error != 0 ? error : -reply.error;
  if (lanyard_settings()->is_isolated)
    return -ENETUNREACH;
  if (lanyard_near_name(fd, &near) && lanyard_is_near(&near) && (error = lanyard_become_host_socket(fd, socket.domain, SOCK_STREAM, 0)) != 0)
    return error;
  return (int)SYS3(SYS_connect, fd, name, length);
}

EXPORT int connect(int fd, const struct sockaddr *name, socklen_t length) {
  struct lanyard_endpoint destination;
  struct lanyard_socket socket;
  if (!lanyard_settings()->is_on || !lanyard_read_name(name, length, &destination) || lanyard_is_loopback(&destination)
      || lanyard_is_unspecified(&destination) || (socket = lanyard_socket_of(fd)).domain == 0)
    return (int)lanyard_result(SYS3(SYS_connect, fd, name, length));
  return (int)lanyard_result(socket.type == SOCK_STREAM ? connect_stream(fd, socket, &destination, name, length)
                                                           : lanyard_connect_datagrams(fd, socket, &destination, name, length));
}

// -EAFNOSUPPORT: the address is none of a virtual network.
static int bind_virtual(int fd, const struct lanyard_endpoint *local, uint16_t flags) {
  struct lanyard_request request = lanyard_request_for(LANYARD_BIND);
  struct lanyard_reply reply;
  request.virtual = *local;
  request.flags = flags;
  int error = lanyard_ask(fd, &request, &reply);
  if (error != 0 || reply.error != 0)
    return error != 0 ? error : -reply.error;
  return reply.verdict == LANYARD_HOST ? -EAFNOSUPPORT : 0;
}

EXPORT int bind(int fd, const struct sockaddr *name, socklen_t length) {
  const struct lanyard_settings *settings = lanyard_settings();
  struct lanyard_endpoint local;
  struct lanyard_socket socket;
  if (!settings->is_on || !lanyard_read_name(name, length, &local) || lanyard_is_loopback(&local) || (socket = lanyard_socket_of(fd)).domain == 0)
    return (int)lanyard_result(SYS3(SYS_bind, fd, name, length));
  if (lanyard_is_unspecified(&local)) {
    // A datagram socket on any port is a client's, which may speak to anybody; it becomes virtual when it speaks to somebody who is.
    bool is_client = socket.type == SOCK_DGRAM && local.port == 0;
    // What stands for virtual addresses are IPv4's, which a socket of IPv6 alone does not reach.
    if (is_client && socket.domain == AF_INET6)
      set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (settings->listening != LANYARD_LISTEN_VIRTUAL || is_client)
      return (int)lanyard_result(SYS3(SYS_bind, fd, name, length));
  }
  int error = bind_virtual(fd, &local, 0);
  if (error == -EAFNOSUPPORT)
    return (int)lanyard_result(settings->is_isolated ? -EADDRNOTAVAIL : SYS3(SYS_bind, fd, name, length));
  return (int)lanyard_result(error);
}

static int listen_stream(int fd, int backlog) {
  const struct lanyard_settings *settings = lanyard_settings();
  struct lanyard_endpoint near;
  if (!lanyard_near_name(fd, &near))
    return (int)SYS2(SYS_listen, fd, backlog);
  if (settings->listening != LANYARD_LISTEN_VIRTUAL && !lanyard_is_near(&near)) {
    int error = (int)SYS2(SYS_listen, fd, backlog);
    if (error != 0 || settings->listening == LANYARD_LISTEN_HOST || !lanyard_is_unspecified(&near))
      return error;
    // On the system's network and on the virtual ones alike.
  } else if (near.port != 0 && !lanyard_is_near(&near))
    return (int)SYS2(SYS_listen, fd, backlog);
  struct lanyard_request request = lanyard_request_for(LANYARD_LISTEN);
  struct lanyard_reply reply;
  request.backlog = backlog;
  int error = lanyard_ask(fd, &request, &reply);
  if (error != 0 || reply.error != 0)
    return error != 0 ? error : -reply.error;
  return reply.verdict == LANYARD_HOST ? (int)SYS2(SYS_listen, fd, backlog) : 0;
}

EXPORT int listen(int fd, int backlog) {
  if (!lanyard_settings()->is_on || lanyard_socket_of(fd).type != SOCK_STREAM)
    return (int)lanyard_result(SYS2(SYS_listen, fd, backlog));
  return (int)lanyard_result(listen_stream(fd, backlog));
}

static bool ask_names(int fd, struct lanyard_reply *reply) {
  struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
  return lanyard_ask(fd, &request, reply) == 0 && reply->error == 0 && reply->verdict == LANYARD_VIRTUAL;
}

EXPORT int accept4(int fd, struct sockaddr *name, socklen_t *length, int flags) {
  if (!lanyard_settings()->is_on)
    return (int)lanyard_result(SYS4(SYS_accept4, fd, name, length, flags));
  while (true) {
    struct sockaddr_storage storage;
    socklen_t full = sizeof storage;
    long accepted = SYS4(SYS_accept4, fd, &storage, &full, flags);
    if (accepted < 0)
      return (int)lanyard_result(accepted);
    struct lanyard_endpoint near, far;
    struct lanyard_socket socket = lanyard_socket_of((int)accepted);
    bool is_ours = socket.type == SOCK_STREAM && lanyard_read_name((struct sockaddr *)&storage, full, &far)
        && lanyard_near_name((int)accepted, &near) && (lanyard_is_far(&far) || lanyard_is_near(&near));
    if (!is_ours) {
      if (name != NULL && length != NULL) {
        memcpy(name, &storage, *length < full ? *length : full);
        *length = full;
      }
      return (int)accepted;
    }
    struct lanyard_reply reply;
    if (ask_names((int)accepted, &reply)) {
      lanyard_give_name(&reply.second, socket.domain, name, length);
      return (int)accepted;
    }
    // Some other program of this machine, which has no business here; or a connection that ended already.
    SYS1(SYS_close, accepted);
  }
}

EXPORT int accept(int fd, struct sockaddr *name, socklen_t *length) { return accept4(fd, name, length, 0); }

static int give_name(long call, int fd, struct sockaddr *name, socklen_t *length, bool is_far) {
  struct lanyard_endpoint near, far;
  struct lanyard_socket socket;
  if (!lanyard_settings()->is_on || !lanyard_near_name(fd, &near) || near.port == 0 || (socket = lanyard_socket_of(fd)).domain == 0)
    return (int)SYS3(call, fd, name, length);
  bool has_far = lanyard_far_name(fd, &far);
  if (!lanyard_is_near(&near) && !(has_far && lanyard_is_far(&far)))
    return (int)SYS3(call, fd, name, length);
  if (is_far && !has_far)
    return -ENOTCONN;
  struct lanyard_reply reply;
  // A connection that the service has forgotten, since it ended: its addresses are not known any more.
  if (!ask_names(fd, &reply))
    return is_far ? -ENOTCONN : (int)SYS3(call, fd, name, length);
  lanyard_give_name(is_far ? &reply.second : &reply.first, socket.domain, name, length);
  return 0;
}

EXPORT int getsockname(int fd, struct sockaddr *name, socklen_t *length) {
  return (int)lanyard_result(give_name(SYS_getsockname, fd, name, length, false));
}

EXPORT int getpeername(int fd, struct sockaddr *name, socklen_t *length) {
  return (int)lanyard_result(give_name(SYS_getpeername, fd, name, length, true));
}

EXPORT int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
  long result = SYS5(SYS_getsockopt, fd, level, option, value, length);
  struct lanyard_endpoint near;
  if (result != 0 || level != SOL_SOCKET || option != SO_ERROR || *length != sizeof(int) || !lanyard_settings()->is_on || !lanyard_near_name(fd, &near)
      || !lanyard_is_near(&near) || lanyard_socket_of(fd).type != SOCK_STREAM)
    return (int)lanyard_result(result);
  // A connection that does not come about is one that the service accepts and resets at once: it knows why.
  int error;
  memcpy(&error, value, sizeof error);
  struct lanyard_request request = lanyard_request_for(LANYARD_OUTCOME);
  struct lanyard_reply reply;
  if ((error == 0 || error == ECONNRESET) && lanyard_ask(fd, &request, &reply) == 0 && reply.error != 0)
    memcpy(value, &reply.error, sizeof reply.error);
  return 0;
}

// Sockets for pings. The system's are for its own network; here they are datagram sockets to the service, which pings.
EXPORT int socket(int domain, int type, int protocol) {
  bool is_echo = (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_DGRAM
      && ((domain == AF_INET && protocol == IPPROTO_ICMP) || (domain == AF_INET6 && protocol == IPPROTO_ICMPV6));
  if (!is_echo || !lanyard_settings()->is_on)
    return (int)lanyard_result(SYS3(SYS_socket, domain, type, protocol));
  long fd = SYS3(SYS_socket, domain, type, IPPROTO_UDP);
  if (fd < 0)
    return (int)lanyard_result(fd);
  struct lanyard_endpoint any;
  memset(&any, 0, sizeof any);
  any.family = domain == AF_INET ? 4 : 6;
  if (bind_virtual((int)fd, &any, LANYARD_ECHO) == 0)
    return (int)fd;
  SYS1(SYS_close, fd);
  return (int)lanyard_result(SYS3(SYS_socket, domain, type, protocol));
}
