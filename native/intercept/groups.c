// Options of datagram sockets for multicast groups, and options that the service applies on virtual networks.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>

// The request to the service for an option.
struct change {
  enum lanyard_op op; // 0: not one of these options.
  uint16_t flags;
  struct lanyard_endpoint group;
  struct lanyard_endpoint source;
  struct lanyard_endpoint own; // An address of this node, or in its scope an interface index.
};

static void set_v4(struct lanyard_endpoint *endpoint, const void *address) {
  endpoint->family = 4;
  memcpy(endpoint->address, address, 4);
}

// The options that join a group, join and leave a source, and block and unblock a source. Any other option leaves the group.
struct group_options {
  int join, join_source, leave_source, block, unblock;
};

static uint16_t flags_of(int option, const struct group_options *options) {
  return option == options->join         ? LANYARD_JOIN
      : option == options->join_source   ? LANYARD_JOIN | LANYARD_SOURCE
      : option == options->leave_source  ? LANYARD_SOURCE
      : option == options->block         ? LANYARD_JOIN | LANYARD_BLOCK
      : option == options->unblock       ? LANYARD_BLOCK
                                         : 0;
}

// Reads an IPPROTO_IP option: the group, the interface, and for four options a source.
static void read_v4_group(int option, const char *value, socklen_t length, struct change *change) {
  bool has_source = option >= IP_UNBLOCK_SOURCE && option <= IP_DROP_SOURCE_MEMBERSHIP;
  if (length < (socklen_t)(has_source ? sizeof(struct ip_mreq_source) : sizeof(struct ip_mreq)))
    return;
  change->op = LANYARD_GROUP;
  set_v4(&change->group, value);
  set_v4(&change->own, value + 4);
  if (has_source)
    set_v4(&change->source, value + 8);
  else if (length >= (socklen_t)sizeof(struct ip_mreqn))
    memcpy(&change->own.scope, value + 8, sizeof(int));
  static const struct group_options options = {IP_ADD_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE};
  change->flags = flags_of(option, &options);
}

// Reads a protocol-independent option (MCAST_*): the interface index, the group, and for four options a source.
static void read_group(int option, const char *value, socklen_t length, struct change *change) {
  bool has_source = option != MCAST_JOIN_GROUP && option != MCAST_LEAVE_GROUP;
  if (length < (socklen_t)(has_source ? sizeof(struct group_source_req) : sizeof(struct group_req))
      || !lanyard_read_name((const struct sockaddr *)(value + offsetof(struct group_req, gr_group)), sizeof(struct sockaddr_storage), &change->group)
      || (has_source
          && !lanyard_read_name((const struct sockaddr *)(value + offsetof(struct group_source_req, gsr_source)), sizeof(struct sockaddr_storage), &change->source)))
    return;
  change->op = LANYARD_GROUP;
  memcpy(&change->own.scope, value, sizeof(uint32_t));
  static const struct group_options options = {MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_BLOCK_SOURCE, MCAST_UNBLOCK_SOURCE};
  change->flags = flags_of(option, &options);
}

static void read_v6_group(int option, const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)sizeof(struct ipv6_mreq))
    return;
  change->op = LANYARD_GROUP;
  change->group.family = 6;
  memcpy(change->group.address, value, 16);
  memcpy(&change->own.scope, value + 16, sizeof(uint32_t));
  change->flags = option == IPV6_JOIN_GROUP ? LANYARD_JOIN : 0;
}

// Reads the outgoing interface of multicast datagrams: an address, or a group (ignored) and an address, with an optional index.
static void read_outgoing(int level, const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)sizeof(int))
    return;
  change->op = LANYARD_OPTIONS;
  change->flags = LANYARD_OUTGOING;
  if (level == IPPROTO_IPV6)
    memcpy(&change->own.scope, value, sizeof(int));
  else
    set_v4(&change->own, length >= (socklen_t)sizeof(struct ip_mreq) ? value + 4 : value);
  if (level == IPPROTO_IP && length >= (socklen_t)sizeof(struct ip_mreqn))
    memcpy(&change->own.scope, value + 8, sizeof(int));
}

static void read_option(int level, int option, const char *value, socklen_t length, struct change *change) {
  memset(change, 0, sizeof *change);
  bool is_v4 = level == IPPROTO_IP, is_v6 = level == IPPROTO_IPV6;
  if (!is_v4 && !is_v6)
    return;
  if (option == MCAST_JOIN_GROUP || (option >= MCAST_BLOCK_SOURCE && option <= MCAST_LEAVE_SOURCE_GROUP))
    read_group(option, value, length, change);
  else if (is_v4 && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP || (option >= IP_UNBLOCK_SOURCE && option <= IP_DROP_SOURCE_MEMBERSHIP)))
    read_v4_group(option, value, length, change);
  else if (is_v6 && (option == IPV6_JOIN_GROUP || option == IPV6_LEAVE_GROUP))
    read_v6_group(option, value, length, change);
  else if (option == (is_v4 ? IP_MULTICAST_IF : IPV6_MULTICAST_IF))
    read_outgoing(level, value, length, change);
  else if (is_v4 ? option == IP_TTL || option == IP_TOS || option == IP_MULTICAST_TTL || option == IP_MULTICAST_LOOP
                 : option == IPV6_UNICAST_HOPS || option == IPV6_TCLASS || option == IPV6_MULTICAST_HOPS || option == IPV6_MULTICAST_LOOP)
    change->op = LANYARD_OPTIONS;
}

bool lanyard_set_datagram_option(int fd, int level, int option, const void *value, socklen_t length, long *result) {
  struct change change;
  struct lanyard_endpoint near;
  read_option(level, option, value, length, &change);
  if (change.op == 0 || lanyard_socket_of(fd).type != SOCK_DGRAM || !lanyard_near_name(fd, &near))
    return false;
  bool is_near = lanyard_is_near(&near), is_setting = change.op == LANYARD_OPTIONS && change.flags == 0;
  if (lanyard_settings()->listening == LANYARD_LISTEN_HOST && !is_near)
    return false;
  if (is_setting) {
    // The service reads the option when it first sees the socket.
    *result = SYS5(SYS_setsockopt, fd, level, option, value, length);
    if (*result != 0 || near.port == 0)
      return true;
  }
  struct lanyard_request request = lanyard_request_for(change.op);
  struct lanyard_reply reply;
  request.flags = change.flags;
  request.virtual = change.group;
  request.far = change.source;
  request.own = change.own;
  int error = lanyard_ask(fd, &request, &reply);
  if (is_setting)
    return true;
  if (error == 0 && reply.error == 0 && reply.verdict == LANYARD_HOST)
    return false;
  *result = error != 0 ? error : -reply.error;
  // With ports on both networks, join the group on the system's network as well.
  if (change.op == LANYARD_GROUP && !is_near && lanyard_settings()->listening == LANYARD_LISTEN_BOTH) {
    long systems = SYS5(SYS_setsockopt, fd, level, option, value, length);
    if (*result != 0)
      *result = systems;
  }
  return true;
}
