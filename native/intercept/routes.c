// Translates the destinations and senders of datagrams. Programs' datagrams go to, and come from, loopback alias addresses that represent virtual addresses. A
// connected socket needs no translation for each datagram.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>
#include <time.h>

// Caches translations for a short time, so that not every datagram needs a request to the service. The sequence number of an entry is odd during a write. A
// reader that finds it odd or changed ignores the entry.
#define REMEMBERED 64

struct remembered {
  uint32_t sequence;
  uint32_t second;
  struct lanyard_endpoint socket;
  struct lanyard_endpoint key;
  struct lanyard_endpoint source; // The source address that the program chose for the key.
  struct lanyard_endpoint value;
  struct lanyard_endpoint local;
  struct lanyard_endpoint own;
  uint8_t token[LANYARD_TOKEN_BYTES];
};

static struct remembered by_virtual[REMEMBERED];
static struct remembered by_far[REMEMBERED];

static uint32_t now_seconds(void) {
  struct timespec time = {0, 0};
  SYS2(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &time);
  return (uint32_t)time.tv_sec;
}

static struct remembered *slot_of(struct remembered *table, const struct lanyard_endpoint *socket, const struct lanyard_endpoint *key) {
  uint32_t hash = socket->port * 31u + key->port;
  for (size_t i = 0; i < sizeof key->address; i++)
    hash = hash * 31 + key->address[i] + socket->address[i] * 7u;
  return &table[(hash ^ hash >> 12) % REMEMBERED];
}

static bool recall(struct remembered *table, const struct lanyard_endpoint *socket, const struct lanyard_endpoint *key,
                   const struct lanyard_endpoint *source, struct remembered *found) {
  struct remembered *slot = slot_of(table, socket, key);
  uint32_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
  *found = *slot;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return (sequence & 1) == 0 && __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == sequence && found->value.family != 0
      && now_seconds() - found->second <= LANYARD_REMEMBER_SECONDS && memcmp(&found->socket, socket, sizeof *socket) == 0
      && memcmp(&found->key, key, sizeof *key) == 0 && memcmp(&found->source, source, sizeof *source) == 0;
}

// Stores an entry that is complete except for its time.
static void remember(struct remembered *table, const struct remembered *entry) {
  struct remembered *slot = slot_of(table, &entry->socket, &entry->key);
  uint32_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
  if ((sequence & 1) != 0 || !__atomic_compare_exchange_n(&slot->sequence, &sequence, sequence + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return;
  struct remembered copy = *entry;
  copy.sequence = sequence + 1;
  copy.second = now_seconds();
  *slot = copy;
  __atomic_store_n(&slot->sequence, sequence + 2, __ATOMIC_RELEASE);
}

// Returns the cache's key for a socket: its loopback alias address, which is unique, or its cookie if it is bound to an address of the system.
static bool identify(int fd, struct lanyard_endpoint *socket) {
  if (!lanyard_near_name(fd, socket))
    return false;
  if (lanyard_is_near(socket))
    return true;
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  if (SYS5(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0)
    return false;
  uint16_t port = socket->port;
  memset(socket, 0, sizeof *socket);
  socket->port = port;
  memcpy(socket->address, &cookie, sizeof cookie);
  return true;
}

// Requests the destination from the service. Adds a second socket, of this program's user, for the system's network if the socket is only on virtual networks.
static int ask_route(int fd, struct lanyard_socket socket, struct lanyard_request *request, struct lanyard_reply *reply) {
  int error = lanyard_ask(fd, request, reply);
  if (error != 0 || reply->error != 0)
    return error != 0 ? error : -reply->error;
  if (reply->verdict != LANYARD_HOST)
    return 0;
  if (lanyard_settings()->is_isolated && !lanyard_is_loopback(&request->virtual))
    return -ENETUNREACH;
  if ((reply->flags & LANYARD_OUTSIDE) == 0)
    return 0;
  long outside = SYS3(SYS_socket, socket.domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (outside < 0)
    return (int)outside;
  int broadcasts = 0;
  socklen_t length = sizeof broadcasts;
  if (SYS5(SYS_getsockopt, fd, SOL_SOCKET, SO_BROADCAST, &broadcasts, &length) == 0)
    SYS5(SYS_setsockopt, outside, SOL_SOCKET, SO_BROADCAST, &broadcasts, sizeof broadcasts);
  request->flags |= LANYARD_OUTSIDE;
  error = lanyard_ask_with(fd, (int)outside, request, reply);
  SYS1(SYS_close, outside);
  if (error != 0 || reply->error != 0)
    return error != 0 ? error : -reply->error;
  return reply->verdict == LANYARD_HOST ? -ENETUNREACH : 0;
}

// Finds the alias destination of datagrams, from the program's `source` if set. Returns 1 for the system's network, 0 if *route is set, or a negative errno.
static int find_far(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct lanyard_endpoint *source, uint16_t flags,
                    struct lanyard_route *route) {
  struct remembered entry;
  struct lanyard_endpoint self;
  if (!identify(fd, &self))
    return 1;
  route->options = lanyard_is_near(&self) ? LANYARD_AS_IT_IS : LANYARD_WITH_TOKEN;
  if (self.port != 0 && flags == 0 && recall(by_virtual, &self, destination, source, &entry)) {
    route->far = entry.value;
    memcpy(route->token, entry.token, sizeof route->token);
    return 0;
  }
  struct lanyard_request request = lanyard_request_for(LANYARD_SEND);
  struct lanyard_reply reply;
  request.virtual = *destination;
  request.own = *source;
  request.flags = flags | (lanyard_settings()->listening == LANYARD_LISTEN_VIRTUAL ? LANYARD_GROUPS : 0)
      | (lanyard_settings()->is_isolated ? 0 : LANYARD_SHARED);
  int error = ask_route(fd, socket, &request, &reply);
  if (error != 0)
    return error;
  if (reply.verdict == LANYARD_HOST) {
    if ((reply.flags & LANYARD_ECHO) == 0)
      return 1;
    error = lanyard_become_host_socket(fd, socket.domain, SOCK_DGRAM, socket.domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    return error == 0 ? 1 : error;
  }
  if (!identify(fd, &self))
    return -ENETDOWN;
  route->far = reply.first;
  route->options = lanyard_is_near(&self) ? LANYARD_AS_IT_IS : LANYARD_WITH_TOKEN;
  memcpy(route->token, reply.token, sizeof route->token);
  memset(&entry, 0, sizeof entry);
  entry.socket = self;
  entry.key = *destination;
  entry.source = *source;
  entry.value = reply.first;
  memcpy(entry.token, reply.token, sizeof entry.token);
  remember(by_virtual, &entry);
  return 0;
}

// Whether the kernel adds the token to the socket's datagrams: the socket is bound or connected to a loopback alias address.
static bool sends_token(int fd) {
  struct lanyard_endpoint endpoint;
  return (lanyard_near_name(fd, &endpoint) && lanyard_is_near(&endpoint)) || (lanyard_far_name(fd, &endpoint) && lanyard_is_far(&endpoint));
}

int lanyard_connect_to_host(int fd, struct lanyard_socket socket, const struct sockaddr *name, socklen_t length) {
  struct lanyard_endpoint near, far, destination;
  bool has_near = lanyard_near_name(fd, &near), is_ending = !lanyard_read_name(name, length, &destination);
  if (has_near && lanyard_is_near(&near) && !is_ending)
    return lanyard_connect_datagrams(fd, socket, &destination, name, length);
  if (lanyard_far_name(fd, &far) && lanyard_is_far(&far)) {
    struct lanyard_request request = lanyard_request_for(LANYARD_DISCONNECT);
    struct lanyard_reply reply;
    // Ignore the result: without a running service, there is nothing to undo.
    lanyard_ask(fd, &request, &reply);
    if (has_near && !lanyard_is_near(&near))
      SYS5(SYS_setsockopt, fd, IPPROTO_IP, IP_OPTIONS, NULL, 0);
  }
  return (int)SYS3(SYS_connect, fd, name, length);
}

int lanyard_connect_datagrams(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name,
                              socklen_t length) {
  struct lanyard_route route;
  struct lanyard_endpoint none, near, remote = *destination;
  memset(&none, 0, sizeof none);
  // The unspecified address means this host.
  if (lanyard_is_unspecified(&remote)) {
    remote.family = 4;
    remote.address[0] = 127;
    remote.address[3] = 1;
  }
  int found = find_far(fd, socket, &remote, &none, LANYARD_CONNECTED, &route);
  if (found < 0)
    return found;
  if (found == 1)
    return lanyard_near_name(fd, &near) && lanyard_is_near(&near) ? -ENETUNREACH : lanyard_connect_to_host(fd, socket, name, length);
  struct lanyard_name relay;
  lanyard_write_name(&route.far, socket.domain, &relay);
  return (int)SYS3(SYS_connect, fd, &relay.storage, relay.length);
}

// Whether a destination is the system's loopback: any loopback address, unless the socket is bound to a loopback alias address.
static bool is_of_host(int fd, const struct lanyard_endpoint *destination) {
  struct lanyard_endpoint near;
  return lanyard_is_loopback(destination) && !(lanyard_near_name(fd, &near) && lanyard_is_near(&near));
}

int lanyard_redirect(int fd, const void *name, socklen_t length, const struct lanyard_endpoint *source, struct lanyard_name *instead, struct lanyard_route *route) {
  struct lanyard_endpoint destination;
  struct lanyard_socket socket;
  route->options = LANYARD_AS_IT_IS;
  if (!lanyard_settings()->is_on || !lanyard_read_name(name, length, &destination) || lanyard_is_unspecified(&destination)
      || (socket = lanyard_socket_of(fd)).type != SOCK_DGRAM)
    return 1;
  int found = is_of_host(fd, &destination) ? 1 : find_far(fd, socket, &destination, source, 0, route);
  if (found == 0)
    lanyard_write_name(&route->far, socket.domain, instead);
  else if (found == 1)
    route->options = sends_token(fd) ? LANYARD_WITHOUT_TOKEN : LANYARD_AS_IT_IS;
  return found;
}

bool lanyard_translate(int fd, struct sockaddr_storage *name, socklen_t *length, struct lanyard_origin *origin) {
  struct lanyard_endpoint self, far, none;
  struct remembered entry;
  memset(origin, 0, sizeof *origin);
  memset(&none, 0, sizeof none);
  if (!lanyard_read_name((struct sockaddr *)name, *length, &far) || !lanyard_near_name(fd, &self))
    return true;
  if (!lanyard_is_far(&far))
    return !lanyard_is_near(&self);
  struct lanyard_socket socket = lanyard_socket_of(fd);
  if (socket.type != SOCK_DGRAM)
    return true;
  if (!identify(fd, &self))
    return false;
  if (!recall(by_far, &self, &far, &none, &entry)) {
    struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
    struct lanyard_reply reply;
    request.far = far;
    if (lanyard_ask(fd, &request, &reply) != 0 || reply.error != 0 || reply.verdict != LANYARD_VIRTUAL)
      return false;
    memset(&entry, 0, sizeof entry);
    entry.socket = self;
    entry.key = far;
    entry.value = reply.second;
    entry.local = reply.first;
    entry.own = reply.own;
    remember(by_far, &entry);
  }
  origin->sender = entry.value;
  origin->local = entry.local;
  origin->own = entry.own;
  struct lanyard_name full;
  lanyard_write_name(&origin->sender, socket.domain, &full);
  memcpy(name, &full.storage, full.length);
  *length = full.length;
  return true;
}
