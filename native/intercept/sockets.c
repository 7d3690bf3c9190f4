// The interposed calls of TCP sockets, and calls that are the same for all sockets. A virtual connection is a connection of the system to the service.
// The program's own descriptor is one end of it, so reading, writing, polling, duplicating and passing the descriptor need no interposed call.
#include "calls.h"
#include "datagrams.h"
#include "service.h"
#include "streams.h"
#include "system.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#define EXPORT __attribute__((visibility("default")))

static int set_option(int fd, int level, int option, int value) { return (int)SYS5(SYS_setsockopt, fd, level, option, &value, sizeof value); }

static bool ask_names(int fd, struct lanyard_reply *reply) {
  struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
  return lanyard_ask(fd, &request, reply) == 0 && reply->error == 0 && reply->verdict == LANYARD_VIRTUAL;
}

// Returns the outcome of a connection to a virtual address after the kernel reported `error`. A failed connection was reset; the service knows the reason. If the
// service does not know an open connection, it belongs to another program that took the port of an ended service.
static int outcome_of(int fd, int error) {
  struct lanyard_endpoint far;
  if (error != ECONNRESET && (error != 0 || !lanyard_far_name(fd, &far) || !lanyard_is_far(&far)))
    return error;
  struct lanyard_request request = lanyard_request_for(LANYARD_OUTCOME);
  struct lanyard_reply reply;
  if (lanyard_ask(fd, &request, &reply) != 0)
    return error == 0 ? ECONNABORTED : error;
  return reply.error != 0 ? reply.error : error;
}

static bool is_blocking(int fd) {
  long flags = SYS2(SYS_fcntl, fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

// Returns 1 if the kernel must connect the socket to the system's network.
static int connect_virtual(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name, socklen_t length) {
  struct lanyard_endpoint near, far;
  if (lanyard_far_name(fd, &far) && !lanyard_is_far(&far))
    return 1;
  struct lanyard_request request = lanyard_request_for(LANYARD_CONNECT);
  struct lanyard_reply reply;
  request.virtual = *destination;
  int error = lanyard_ask(fd, &request, &reply);
  if (error == 0 && reply.error == EPROTONOSUPPORT && (error = lanyard_become_host_socket(fd, socket.domain, SOCK_STREAM, 0)) == 0)
    error = lanyard_ask(fd, &request, &reply);
  if (error != 0)
    return error;
  if (reply.error != 0 || reply.verdict == LANYARD_VIRTUAL) {
    // The kernel waits for a pending connection. It applies the socket's own time limit (SO_SNDTIMEO), and signals interrupt the wait as usual.
    if ((reply.error != EINPROGRESS && reply.error != EALREADY) || !is_blocking(fd))
      return -reply.error;
    long result = SYS3(SYS_connect, fd, name, length);
    if (result == -EALREADY)
      return -reply.error;
    return result == 0 || result == -ECONNRESET ? -outcome_of(fd, (int)-result) : (int)result;
  }
  if (lanyard_settings()->is_isolated)
    return -ENETUNREACH;
  if (lanyard_near_name(fd, &near) && lanyard_is_near(&near) && (error = lanyard_become_host_socket(fd, socket.domain, SOCK_STREAM, 0)) != 0)
    return error;
  return 1;
}

static int connect_stream(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name, socklen_t length) {
  int result = connect_virtual(fd, socket, destination, name, length);
  return result == 1 ? (int)SYS3(SYS_connect, fd, name, length) : result;
}

bool lanyard_is_virtual(int fd) {
  struct lanyard_endpoint near, far;
  return lanyard_near_name(fd, &near) && (lanyard_is_near(&near) || (lanyard_far_name(fd, &far) && lanyard_is_far(&far)));
}

int lanyard_before_send(int fd, const void *name, socklen_t length, int *flags) {
  struct lanyard_endpoint destination;
  struct lanyard_socket socket;
  if ((*flags & (MSG_FASTOPEN | MSG_OOB)) == 0 || !lanyard_settings()->is_on || (socket = lanyard_socket_of(fd)).type != SOCK_STREAM)
    return 0;
  if ((*flags & MSG_OOB) != 0 && lanyard_is_virtual(fd))
    return -EOPNOTSUPP;
  if ((*flags & MSG_FASTOPEN) == 0 || !lanyard_read_name(name, length, &destination) || lanyard_is_loopback(&destination)
      || lanyard_is_unspecified(&destination))
    return 0;
  int result = connect_virtual(fd, socket, &destination, name, length);
  if (result == 0)
    *flags &= ~MSG_FASTOPEN;
  return result < 0 ? result : 0;
}

EXPORT int connect(int fd, const struct sockaddr *name, socklen_t length) {
  struct lanyard_endpoint destination;
  struct lanyard_socket socket;
  if (!lanyard_settings()->is_on || (socket = lanyard_socket_of(fd)).domain == 0)
    return (int)lanyard_result(SYS3(SYS_connect, fd, name, length));
  if (!lanyard_read_name(name, length, &destination) || lanyard_is_loopback(&destination) || lanyard_is_unspecified(&destination))
    return (int)lanyard_result(socket.type == SOCK_STREAM ? SYS3(SYS_connect, fd, name, length) : lanyard_connect_to_host(fd, socket, name, length));
  return (int)lanyard_result(socket.type == SOCK_STREAM ? connect_stream(fd, socket, &destination, name, length)
                                                           : lanyard_connect_datagrams(fd, socket, &destination, name, length));
}

// Returns -EAFNOSUPPORT if the address does not belong to a virtual network.
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

// Binds a datagram socket on the system's network and the virtual networks, on the same port. Without a port, the service chooses one.
static int bind_shared(int fd, const struct lanyard_endpoint *local, const struct sockaddr *name, socklen_t length) {
  int error = local->port == 0 ? 0 : (int)SYS3(SYS_bind, fd, name, length);
  if (error != 0)
    return error;
  error = bind_virtual(fd, local, LANYARD_SHARED);
  return error == -ENETDOWN && local->port == 0 ? (int)SYS3(SYS_bind, fd, name, length) : error;
}

EXPORT int bind(int fd, const struct sockaddr *name, socklen_t length) {
  const struct lanyard_settings *settings = lanyard_settings();
  struct lanyard_endpoint local;
  struct lanyard_socket socket;
  if (!settings->is_on || !lanyard_read_name(name, length, &local) || lanyard_is_loopback(&local) || (socket = lanyard_socket_of(fd)).domain == 0)
    return (int)lanyard_result(SYS3(SYS_bind, fd, name, length));
  if (lanyard_is_unspecified(&local)) {
    // A datagram socket without a port is a client socket. It may send to any network, so it is on the system's network too.
    bool is_client = socket.type == SOCK_DGRAM && local.port == 0;
    // Loopback alias addresses are IPv4 addresses, which an IPv6-only socket cannot reach.
    if (is_client && socket.domain == AF_INET6)
      set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (socket.type == SOCK_DGRAM && settings->listening != LANYARD_LISTEN_HOST && !settings->is_isolated
        && (is_client || settings->listening == LANYARD_LISTEN_BOTH))
      return (int)lanyard_result(bind_shared(fd, &local, name, length));
    if (settings->listening != LANYARD_LISTEN_VIRTUAL)
      return (int)lanyard_result(SYS3(SYS_bind, fd, name, length));
  }
  int error = bind_virtual(fd, &local, settings->listening == LANYARD_LISTEN_VIRTUAL ? LANYARD_GROUPS : 0);
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
    // The socket listens on the system's network and on the virtual networks.
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
  // The service has forgotten an ended connection, so its addresses are unknown.
  if (!ask_names(fd, &reply) || (is_far && reply.second.family == 0))
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
  int error;
  memcpy(&error, value, sizeof error);
  error = outcome_of(fd, error);
  memcpy(value, &error, sizeof error);
  return 0;
}

// Whether an isolated program may open a socket: Unix domain sockets, kernel interfaces, and redirected sockets. Returns 0 or an errno.
static int isolation_of(int domain, int type, int protocol) {
#define LANYARD_ISOLATED_FAMILY(family, number) \
  if (domain == family) \
    return 0;
#include "tables.h"
  if (domain != AF_INET && domain != AF_INET6)
    return EAFNOSUPPORT;
  type &= ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
#define LANYARD_ISOLATED_SOCKET(family, family_number, its_type, type_number, its_protocol, protocol_number) \
  if (domain == family && type == its_type && protocol == its_protocol) \
    return 0;
#include "tables.h"
  return EPROTONOSUPPORT;
}

// Creates a datagram socket to the service in place of a socket for pings: the system's ping sockets reach only its own network. The service sends the pings.
EXPORT int socket(int domain, int type, int protocol) {
  bool is_echo = (type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) == SOCK_DGRAM
      && ((domain == AF_INET && protocol == IPPROTO_ICMP) || (domain == AF_INET6 && protocol == IPPROTO_ICMPV6));
  int refused = lanyard_settings()->is_on && lanyard_settings()->is_isolated ? isolation_of(domain, type, protocol) : 0;
  if (refused != 0)
    return (int)lanyard_result(-refused);
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
