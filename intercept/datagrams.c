// The interposed calls of datagram sockets. A virtual address is a loopback address here: datagrams go to the one that stands for the receiver, and come
// from the one that stands for the sender. So what a connected socket sends and receives needs nothing from here.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

// What stands for what is remembered for a while, so that the service is not asked for each datagram. An entry is written under its sequence number,
// which is odd meanwhile; whoever finds it odd or changed does without.
#define REMEMBERED 64
#define REMEMBER_SECONDS 5

struct remembered {
  uint32_t sequence;
  uint32_t second;
  struct lanyard_endpoint near;
  struct lanyard_endpoint key;
  struct lanyard_endpoint value;
};

static struct remembered by_virtual[REMEMBERED];
static struct remembered by_far[REMEMBERED];

static uint32_t now_seconds(void) {
  struct timespec time = {0, 0};
  SYS2(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &time);
  return (uint32_t)time.tv_sec;
}

static struct remembered *slot_of(struct remembered *table, const struct lanyard_endpoint *near, const struct lanyard_endpoint *key) {
  uint32_t hash = near->port * 31u + key->port;
  for (size_t i = 0; i < sizeof key->address; i++)
    hash = hash * 31 + key->address[i] + near->address[i] * 7u;
  return &table[(hash ^ hash >> 12) % REMEMBERED];
}

static bool recall(struct remembered *table, const struct lanyard_endpoint *near, const struct lanyard_endpoint *key, struct lanyard_endpoint *value) {
  struct remembered *slot = slot_of(table, near, key);
  uint32_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
  struct remembered copy = *slot;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  if ((sequence & 1) != 0 || __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) != sequence || copy.value.family == 0
      || now_seconds() - copy.second > REMEMBER_SECONDS || memcmp(&copy.near, near, sizeof *near) != 0 || memcmp(&copy.key, key, sizeof *key) != 0)
    return false;
  *value = copy.value;
  return true;
}

static void remember(struct remembered *table, const struct lanyard_endpoint *near, const struct lanyard_endpoint *key, const struct lanyard_endpoint *value) {
  struct remembered *slot = slot_of(table, near, key);
  uint32_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
  if ((sequence & 1) != 0 || !__atomic_compare_exchange_n(&slot->sequence, &sequence, sequence + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return;
  slot->second = now_seconds();
  slot->near = *near;
  slot->key = *key;
  slot->value = *value;
  __atomic_store_n(&slot->sequence, sequence + 2, __ATOMIC_RELEASE);
}

// Where datagrams to an address are sent to. 1: to the system's network. 0: to *far. Negative: an error.
static int find_far(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, uint16_t flags, struct lanyard_endpoint *far) {
  struct lanyard_endpoint near;
  if (!lanyard_near_name(fd, &near))
    return 1;
  if (near.port != 0 && flags == 0 && recall(by_virtual, &near, destination, far))
    return 0;
  struct lanyard_request request = lanyard_request_for(LANYARD_SEND);
  struct lanyard_reply reply;
  request.virtual = *destination;
  request.flags = flags | (lanyard_settings()->listening == LANYARD_LISTEN_VIRTUAL ? LANYARD_GROUPS : 0);
  int error = lanyard_ask(fd, &request, &reply);
  if (error != 0 || reply.error != 0)
    return error != 0 ? error : -reply.error;
  if (reply.verdict == LANYARD_HOST) {
    if (lanyard_settings()->is_isolated && !lanyard_is_loopback(destination))
      return -ENETUNREACH;
    if ((reply.flags & LANYARD_ECHO) == 0)
      return 1;
    error = lanyard_become_host_socket(fd, socket.domain, SOCK_DGRAM, socket.domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    return error == 0 ? 1 : error;
  }
  *far = reply.first;
  if (lanyard_near_name(fd, &near))
    remember(by_virtual, &near, destination, far);
  return 0;
}

int lanyard_connect_datagrams(int fd, struct lanyard_socket socket, const struct lanyard_endpoint *destination, const struct sockaddr *name,
                              socklen_t length) {
  struct lanyard_endpoint far;
  int found = find_far(fd, socket, destination, LANYARD_CONNECTED, &far);
  if (found < 0)
    return found;
  if (found == 1)
    return (int)SYS3(SYS_connect, fd, name, length);
  struct lanyard_name relay;
  lanyard_write_name(&far, socket.domain, &relay);
  return (int)SYS3(SYS_connect, fd, &relay.storage, relay.length);
}

// The system's loopback addresses are the system's; but what asks for pings there must get a socket of the system's.
static bool is_of_host(int fd, const struct lanyard_endpoint *destination) {
  struct lanyard_endpoint near;
  return lanyard_is_loopback(destination) && !(lanyard_near_name(fd, &near) && lanyard_is_near(&near));
}

// The name to send to instead: 1 leaves it as it is, 0 is *instead, negative is an error.
static int redirect(int fd, const void *name, socklen_t length, struct lanyard_name *instead) {
  struct lanyard_endpoint destination, far;
  struct lanyard_socket socket;
  if (!lanyard_settings()->is_on || !lanyard_read_name(name, length, &destination) || lanyard_is_unspecified(&destination)
      || lanyard_is_far(&destination) || is_of_host(fd, &destination) || (socket = lanyard_socket_of(fd)).type != SOCK_DGRAM)
    return 1;
  int found = find_far(fd, socket, &destination, 0, &far);
  if (found == 0)
    lanyard_write_name(&far, socket.domain, instead);
  return found;
}

EXPORT ssize_t sendto(int fd, const void *data, size_t count, int flags, const struct sockaddr *name, socklen_t length) {
  struct lanyard_name instead;
  int found = redirect(fd, name, length, &instead);
  if (found < 0)
    return lanyard_result(found);
  return found == 1 ? lanyard_result(SYS6(SYS_sendto, fd, data, count, flags, name, length))
                    : lanyard_result(SYS6(SYS_sendto, fd, data, count, flags, &instead.storage, instead.length));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  struct lanyard_name instead;
  int found = message == NULL ? 1 : redirect(fd, message->msg_name, message->msg_namelen, &instead);
  if (found < 0)
    return lanyard_result(found);
  if (found == 1)
    return lanyard_result(SYS3(SYS_sendmsg, fd, message, flags));
  struct msghdr copy = *message;
  copy.msg_name = &instead.storage;
  copy.msg_namelen = instead.length;
  return lanyard_result(SYS3(SYS_sendmsg, fd, &copy, flags));
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags) {
  // As many at a time as have room here; a system call takes what it can anyway.
  enum { AT_ONCE = 32 };
  struct lanyard_name names[AT_ONCE];
  struct mmsghdr copies[AT_ONCE];
  unsigned int taken = 0;
  int found = 1;
  if (count > AT_ONCE)
    count = AT_ONCE;
  for (; taken < count; taken++) {
    copies[taken] = messages[taken];
    struct msghdr *head = &copies[taken].msg_hdr;
    found = redirect(fd, head->msg_name, head->msg_namelen, &names[taken]);
    if (found < 0)
      break;
    if (found == 0) {
      head->msg_name = &names[taken].storage;
      head->msg_namelen = names[taken].length;
    }
  }
  if (taken == 0 && found < 0)
    return (int)lanyard_result(found);
  long sent = SYS4(SYS_sendmmsg, fd, copies, taken, flags);
  for (long i = 0; i < sent; i++)
    messages[i].msg_len = copies[i].msg_len;
  return (int)lanyard_result(sent);
}

// Whom a datagram came from, in place of the address that stands for it. False: from another program of this machine to a virtual socket.
static bool translate(int fd, struct sockaddr_storage *name, socklen_t *length) {
  struct lanyard_endpoint near, far, sender;
  if (!lanyard_read_name((struct sockaddr *)name, *length, &far) || !lanyard_near_name(fd, &near))
    return true;
  if (!lanyard_is_far(&far))
    return !lanyard_is_near(&near);
  struct lanyard_socket socket = lanyard_socket_of(fd);
  if (socket.type != SOCK_DGRAM)
    return true;
  if (!recall(by_far, &near, &far, &sender)) {
    struct lanyard_request request = lanyard_request_for(LANYARD_NAMES);
    struct lanyard_reply reply;
    request.far = far;
    if (lanyard_ask(fd, &request, &reply) != 0 || reply.error != 0 || reply.verdict != LANYARD_VIRTUAL)
      return false;
    sender = reply.second;
    remember(by_far, &near, &far, &sender);
  }
  struct lanyard_name full;
  lanyard_write_name(&sender, socket.domain, &full);
  memcpy(name, &full.storage, full.length);
  *length = full.length;
  return true;
}

static void give(const struct sockaddr_storage *name, socklen_t full, void *to, socklen_t *length) {
  memcpy(to, name, *length < full ? *length : full);
  *length = full;
}

// Takes a datagram out of the queue that was only looked at and is not for the program.
static void skip(int fd) {
  char nothing;
  SYS6(SYS_recvfrom, fd, &nothing, sizeof nothing, MSG_DONTWAIT, NULL, NULL);
}

EXPORT ssize_t recvfrom(int fd, void *data, size_t count, int flags, struct sockaddr *name, socklen_t *length) {
  if (name == NULL || length == NULL || !lanyard_settings()->is_on)
    return lanyard_result(SYS6(SYS_recvfrom, fd, data, count, flags, name, length));
  while (true) {
    struct sockaddr_storage storage;
    socklen_t full = sizeof storage;
    long received = SYS6(SYS_recvfrom, fd, data, count, flags, &storage, &full);
    if (received < 0)
      return lanyard_result(received);
    if (full == 0 || translate(fd, &storage, &full)) {
      give(&storage, full, name, length);
      return received;
    }
    if (flags & MSG_PEEK)
      skip(fd);
  }
}

EXPORT ssize_t __recvfrom_chk(int fd, void *data, size_t count, size_t room, int flags, struct sockaddr *name, socklen_t *length) {
  if (count > room)
    __builtin_trap();
  return recvfrom(fd, data, count, flags, name, length);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  if (message == NULL || message->msg_name == NULL || !lanyard_settings()->is_on)
    return lanyard_result(SYS3(SYS_recvmsg, fd, message, flags));
  while (true) {
    struct sockaddr_storage storage;
    struct msghdr copy = *message;
    copy.msg_name = &storage;
    copy.msg_namelen = sizeof storage;
    long received = SYS3(SYS_recvmsg, fd, &copy, flags);
    if (received < 0)
      return lanyard_result(received);
    if (copy.msg_namelen == 0 || translate(fd, &storage, &copy.msg_namelen)) {
      give(&storage, copy.msg_namelen, message->msg_name, &message->msg_namelen);
      message->msg_controllen = copy.msg_controllen;
      message->msg_flags = copy.msg_flags;
      return received;
    }
    if (flags & MSG_PEEK)
      skip(fd);
  }
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout) {
  if (!lanyard_settings()->is_on)
    return (int)lanyard_result(SYS5(SYS_recvmmsg, fd, messages, count, flags, timeout));
  unsigned int got = 0;
  // The first is waited for as the program says, the others are taken if they are there.
  while (got < count) {
    long received = SYS5(SYS_recvmmsg, fd, messages + got, count - got, flags | (got > 0 ? MSG_DONTWAIT : 0), timeout);
    if (received <= 0)
      return got > 0 ? (int)got : (int)lanyard_result(received);
    unsigned int kept = got;
    for (long i = 0; i < received; i++) {
      struct mmsghdr *message = &messages[got + (unsigned int)i];
      struct msghdr *head = &message->msg_hdr;
      struct sockaddr_storage storage;
      socklen_t full = head->msg_namelen;
      if (head->msg_name != NULL && full > 0 && full <= sizeof storage) {
        memcpy(&storage, head->msg_name, full);
        if (!translate(fd, &storage, &full))
          continue;
        memcpy(head->msg_name, &storage, full);
        head->msg_namelen = full;
      }
      if (kept != got + (unsigned int)i) {
        struct mmsghdr dropped = messages[kept];
        messages[kept] = *message;
        *message = dropped;
      }
      kept++;
    }
    if (kept > got)
      return (int)kept;
  }
  return (int)got;
}

// The group that an option joins or leaves; false where it is another option.
static bool read_group(int level, int option, const void *value, socklen_t length, struct lanyard_endpoint *group, bool *is_joining) {
  memset(group, 0, sizeof *group);
  if (level == IPPROTO_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP) && length >= (socklen_t)sizeof(struct ip_mreq)) {
    group->family = 4;
    memcpy(group->address, value, 4);
    *is_joining = option == IP_ADD_MEMBERSHIP;
    return true;
  }
  if (level == IPPROTO_IPV6 && (option == IPV6_JOIN_GROUP || option == IPV6_LEAVE_GROUP) && length >= (socklen_t)sizeof(struct ipv6_mreq)) {
    group->family = 6;
    memcpy(group->address, value, 16);
    *is_joining = option == IPV6_JOIN_GROUP;
    return true;
  }
  if ((level != IPPROTO_IP && level != IPPROTO_IPV6) || (option != MCAST_JOIN_GROUP && option != MCAST_LEAVE_GROUP)
      || length < (socklen_t)sizeof(struct group_req))
    return false;
  *is_joining = option == MCAST_JOIN_GROUP;
  const struct group_req *request = value;
  return lanyard_read_name((const struct sockaddr *)&request->gr_group, sizeof request->gr_group, group);
}

EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
  struct lanyard_endpoint group, near;
  bool is_joining;
  if (!lanyard_settings()->is_on || value == NULL || !read_group(level, option, value, length, &group, &is_joining) || !lanyard_near_name(fd, &near)
      || !lanyard_is_near(&near) || lanyard_socket_of(fd).type != SOCK_DGRAM)
    return (int)lanyard_result(SYS5(SYS_setsockopt, fd, level, option, value, length));
  struct lanyard_request request = lanyard_request_for(LANYARD_GROUP);
  struct lanyard_reply reply;
  request.virtual = group;
  if (is_joining)
    request.flags |= LANYARD_JOIN;
  int error = lanyard_ask(fd, &request, &reply);
  return (int)lanyard_result(error != 0 ? error : -reply.error);
}
