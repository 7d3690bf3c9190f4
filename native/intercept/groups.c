// Options of datagram sockets for multicast groups, and options that the service applies on virtual networks.
#include "datagrams.h"
#include "service.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>

// The form of an option's value.
enum form { OTHER, SETTING, GROUP_V4, SOURCE_V4, GROUP_V6, GROUP, SOURCE, OUTGOING_V4, OUTGOING_V6 };

// The request to the service for an option.
struct change {
  enum lanyard_operation operation; // 0: not one of these options.
  uint16_t flags;
  struct lanyard_endpoint group;
  struct lanyard_endpoint source;
  struct lanyard_endpoint own; // An address of this node, or in its scope an interface index.
};

static enum form form_of(int level, int option, uint16_t *flags) {
#define LANYARD_DATAGRAM_OPTION(its_level, level_number, its_option, number, form, its_flags) \
  if (level == its_level && option == its_option) { \
    *flags = its_flags; \
    return form; \
  }
#include "tables.h"
  return OTHER;
}

static void set_v4(struct lanyard_endpoint *endpoint, const void *address) {
  endpoint->family = 4;
  memcpy(endpoint->address, address, 4);
}

// Reads a value of IPPROTO_IP: the group, the interface, and for four options a source.
static bool read_v4_group(bool has_source, const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)(has_source ? sizeof(struct ip_mreq_source) : sizeof(struct ip_mreq)))
    return false;
  set_v4(&change->group, value);
  set_v4(&change->own, value + 4);
  if (has_source)
    set_v4(&change->source, value + 8);
  else if (length >= (socklen_t)sizeof(struct ip_mreqn))
    memcpy(&change->own.scope, value + 8, sizeof(int));
  return true;
}

// Reads a protocol-independent value (MCAST_*): the interface index, the group, and for four options a source.
static bool read_group(bool has_source, const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)(has_source ? sizeof(struct group_source_req) : sizeof(struct group_req))
      || !lanyard_read_name((const struct sockaddr *)(value + offsetof(struct group_req, gr_group)), sizeof(struct sockaddr_storage), &change->group)
      || (has_source
          && !lanyard_read_name((const struct sockaddr *)(value + offsetof(struct group_source_req, gsr_source)), sizeof(struct sockaddr_storage), &change->source)))
    return false;
  memcpy(&change->own.scope, value, sizeof(uint32_t));
  return true;
}

static bool read_v6_group(const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)sizeof(struct ipv6_mreq))
    return false;
  change->group.family = 6;
  memcpy(change->group.address, value, 16);
  memcpy(&change->own.scope, value + 16, sizeof(uint32_t));
  return true;
}

// Reads the outgoing interface of multicast datagrams: an address, or a group (ignored) and an address, with an optional index.
static bool read_outgoing(bool is_v4, const char *value, socklen_t length, struct change *change) {
  if (length < (socklen_t)sizeof(int))
    return false;
  if (!is_v4)
    memcpy(&change->own.scope, value, sizeof(int));
  else
    set_v4(&change->own, length >= (socklen_t)sizeof(struct ip_mreq) ? value + 4 : value);
  if (is_v4 && length >= (socklen_t)sizeof(struct ip_mreqn))
    memcpy(&change->own.scope, value + 8, sizeof(int));
  return true;
}

static bool read_value(enum form form, const char *value, socklen_t length, struct change *change) {
  switch (form) {
  case SETTING:
    return true;
  case GROUP_V4:
  case SOURCE_V4:
    return read_v4_group(form == SOURCE_V4, value, length, change);
  case GROUP_V6:
    return read_v6_group(value, length, change);
  case GROUP:
  case SOURCE:
    return read_group(form == SOURCE, value, length, change);
  case OUTGOING_V4:
  case OUTGOING_V6:
    return read_outgoing(form == OUTGOING_V4, value, length, change);
  default:
    return false;
  }
}

static void read_option(int level, int option, const char *value, socklen_t length, struct change *change) {
  memset(change, 0, sizeof *change);
  enum form form = form_of(level, option, &change->flags);
  if (read_value(form, value, length, change))
    change->operation = form == SETTING || form == OUTGOING_V4 || form == OUTGOING_V6 ? LANYARD_OPTIONS : LANYARD_GROUP;
}

bool lanyard_set_datagram_option(int fd, int level, int option, const void *value, socklen_t length, long *result) {
  struct change change;
  struct lanyard_endpoint near;
  read_option(level, option, value, length, &change);
  if (change.operation == 0 || lanyard_socket_of(fd).type != SOCK_DGRAM || !lanyard_near_name(fd, &near))
    return false;
  bool is_near = lanyard_is_near(&near), is_setting = change.operation == LANYARD_OPTIONS && change.flags == 0;
  if (lanyard_settings()->listening == LANYARD_LISTEN_HOST && !is_near)
    return false;
  if (is_setting) {
    // The service reads the option when it first sees the socket.
    *result = SYS5(SYS_setsockopt, fd, level, option, value, length);
    if (*result != 0 || near.port == 0)
      return true;
  }
  struct lanyard_request request = lanyard_request_for(change.operation);
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
  if (change.operation == LANYARD_GROUP && !is_near && lanyard_settings()->listening == LANYARD_LISTEN_BOTH) {
    long systems = SYS5(SYS_setsockopt, fd, level, option, value, length);
    if (*result != 0)
      *result = systems;
  }
  return true;
}
