#include "netlink.h"
#include "interfaces.h"
#include "system.h"
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

// Pending dump requests. Each is one number, for atomic access: descriptor, family, message type, and sequence number.
#define QUESTIONS 16
#define LOOPBACK_INDEX 1
#define MESSAGE_MAX 128

static uint64_t questions[QUESTIONS];

static uint64_t question_of(int fd, unsigned char family, unsigned short type, uint32_t sequence) {
  return (uint64_t)(uint16_t)fd << 48 | (uint64_t)family << 40 | (uint64_t)(uint8_t)type << 32 | sequence;
}

static bool is_route(int fd) {
  int protocol = -1;
  socklen_t length = sizeof protocol;
  return SYS5(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 && protocol == NETLINK_ROUTE;
}

static bool is_kernel(const void *name, socklen_t length) {
  struct sockaddr_nl address;
  if (name == NULL || length < (socklen_t)sizeof address)
    return false;
  memcpy(&address, name, sizeof address);
  return address.nl_family == AF_NETLINK && address.nl_pid == 0;
}

void lanyard_note_dump(int fd, const void *name, socklen_t name_length, const void *data, size_t count) {
  struct {
    struct nlmsghdr head;
    struct rtgenmsg what;
  } request;
  if (count < NLMSG_LENGTH(sizeof request.what) || !is_kernel(name, name_length) || !lanyard_shows_interfaces() || !is_route(fd))
    return;
  memcpy(&request, data, NLMSG_LENGTH(sizeof request.what));
  if ((request.head.nlmsg_type != RTM_GETLINK && request.head.nlmsg_type != RTM_GETADDR) || (request.head.nlmsg_flags & NLM_F_DUMP) == 0)
    return;
  __atomic_store_n(&questions[request.head.nlmsg_seq % QUESTIONS],
                   question_of(fd, request.what.rtgen_family, request.head.nlmsg_type, request.head.nlmsg_seq), __ATOMIC_RELAXED);
}

struct writer {
  char *at;
  size_t used;
};

static void add(struct writer *writer, unsigned short type, const void *value, size_t count) {
  struct rtattr attribute = {.rta_len = (unsigned short)RTA_LENGTH(count), .rta_type = type};
  memcpy(writer->at + writer->used, &attribute, sizeof attribute);
  memcpy(writer->at + writer->used + RTA_LENGTH(0), value, count);
  memset(writer->at + writer->used + RTA_LENGTH(count), 0, RTA_SPACE(count) - RTA_LENGTH(count));
  writer->used += RTA_SPACE(count);
}

static size_t name_length(const char *name) {
  size_t length = 0;
  while (name[length] != 0)
    length++;
  return length + 1;
}

static void write_address(struct writer *writer, const struct lanyard_interface *interface) {
  const struct lanyard_endpoint *address = &interface->address;
  size_t bytes = address->family == 4 ? 4 : 16;
  struct ifaddrmsg head = {
      .ifa_family = address->family == 4 ? AF_INET : AF_INET6,
      .ifa_prefixlen = (unsigned char)address->port,
      .ifa_flags = IFA_F_PERMANENT,
      .ifa_scope = RT_SCOPE_UNIVERSE,
      .ifa_index = address->scope,
  };
  memcpy(writer->at + writer->used, &head, sizeof head);
  writer->used += NLMSG_ALIGN(sizeof head);
  add(writer, IFA_ADDRESS, address->address, bytes);
  if (address->family != 4)
    return;
  struct lanyard_endpoint broadcast;
  lanyard_write_mask(address, true, &broadcast);
  add(writer, IFA_LOCAL, address->address, bytes);
  add(writer, IFA_BROADCAST, broadcast.address, bytes);
  add(writer, IFA_LABEL, interface->name, name_length(interface->name));
}

static void write_link(struct writer *writer, const struct lanyard_interface *interface) {
  static const uint8_t everybody[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  struct ifinfomsg head = {
      .ifi_family = AF_UNSPEC,
      .ifi_type = ARPHRD_ETHER,
      .ifi_index = (int)interface->address.scope,
      .ifi_flags = lanyard_interface_flags(),
      .ifi_change = 0xffffffff,
  };
  memcpy(writer->at + writer->used, &head, sizeof head);
  writer->used += NLMSG_ALIGN(sizeof head);
  add(writer, IFLA_IFNAME, interface->name, name_length(interface->name));
  add(writer, IFLA_ADDRESS, interface->mac, sizeof interface->mac);
  add(writer, IFLA_BROADCAST, everybody, sizeof everybody);
  add(writer, IFLA_MTU, &interface->mtu, sizeof interface->mtu);
}

// Writes one message for each requested interface or address, before the last message of the kernel's answer.
static size_t write_answers(char *to, const struct nlmsghdr *done, unsigned short type, unsigned char family) {
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  int known = lanyard_find_interfaces(interfaces);
  size_t used = 0;
  for (int i = 0; i < known; i++) {
    int own = interfaces[i].address.family == 4 ? AF_INET : AF_INET6;
    if (type == RTM_GETLINK ? !lanyard_is_first(interfaces, i) : family != AF_UNSPEC && family != own)
      continue;
    struct writer writer = {to + used, NLMSG_HDRLEN};
    if (type == RTM_GETLINK)
      write_link(&writer, &interfaces[i]);
    else
      write_address(&writer, &interfaces[i]);
    struct nlmsghdr head = *done;
    head.nlmsg_len = (uint32_t)writer.used;
    head.nlmsg_type = type == RTM_GETLINK ? RTM_NEWLINK : RTM_NEWADDR;
    head.nlmsg_flags = NLM_F_MULTI;
    memcpy(writer.at, &head, sizeof head);
    used += NLMSG_ALIGN(writer.used);
  }
  return used;
}

// Removes hidden messages from an answer. Returns the remaining length.
static ssize_t compact(char *data, ssize_t count) {
  ssize_t kept = 0;
  for (ssize_t at = 0, length; at < count; at += length) {
    const struct nlmsghdr *message = (const struct nlmsghdr *)(data + at);
    length = NLMSG_ALIGN(message->nlmsg_len);
    if (message->nlmsg_type == NLMSG_NOOP)
      continue;
    memcpy(data + kept, message, (size_t)length);
    kept += length;
  }
  return kept;
}

// Returns the maximum size of the virtual messages for a descriptor's requests.
static size_t measure_answers(int fd) {
  char answers[LANYARD_ADDRESSES_MAX * MESSAGE_MAX];
  struct nlmsghdr done;
  size_t most = 0;
  memset(&done, 0, sizeof done);
  for (int i = 0; i < QUESTIONS; i++) {
    uint64_t question = __atomic_load_n(&questions[i], __ATOMIC_RELAXED);
    if (question == 0 || (uint16_t)(question >> 48) != (uint16_t)fd)
      continue;
    size_t used = write_answers(answers, &done, (uint8_t)(question >> 32), (unsigned char)(question >> 40));
    most = used > most ? used : most;
  }
  return most;
}

static void move_back(char *from, size_t count, size_t by) {
  while (count-- > 0)
    from[count + by] = from[count];
}

ssize_t lanyard_change_dump(int fd, const struct sockaddr_storage *name, void *data, ssize_t count, size_t room, int flags) {
  if (!is_kernel(name, sizeof(struct sockaddr_nl)) || !lanyard_shows_interfaces() || !is_route(fd))
    return count;
  // The answer is truncated, so its end is unknown. Report the required size.
  if (count > (ssize_t)room)
    return count + (ssize_t)measure_answers(fd);
  ssize_t there = count;
  for (ssize_t at = 0; there - at >= (ssize_t)sizeof(struct nlmsghdr);) {
    struct nlmsghdr *message = (struct nlmsghdr *)((char *)data + at);
    if (message->nlmsg_len < sizeof *message || message->nlmsg_len > (size_t)(there - at))
      break;
    if ((message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_NEWADDR) && message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg))) {
      // Both message types have the interface index at the same offset.
      struct ifaddrmsg head;
      memcpy(&head, NLMSG_DATA(message), sizeof head);
      if (lanyard_hides_system() && head.ifa_index != LOOPBACK_INDEX)
        message->nlmsg_type = NLMSG_NOOP;
    } else if (message->nlmsg_type == NLMSG_DONE) {
      uint64_t *slot = &questions[message->nlmsg_seq % QUESTIONS], question = __atomic_load_n(slot, __ATOMIC_RELAXED);
      unsigned char family = (unsigned char)(question >> 40);
      unsigned short type = (uint8_t)(question >> 32);
      if (question == 0 || question != question_of(fd, family, type, message->nlmsg_seq))
        break;
      char answers[LANYARD_ADDRESSES_MAX * MESSAGE_MAX];
      size_t used = write_answers(answers, message, type, family);
      if ((size_t)there + used > room) {
        ssize_t left = compact(data, at);
        memcpy((char *)data + left, message, (size_t)(there - at));
        there -= at - left;
        message = (struct nlmsghdr *)((char *)data + left);
        at = left;
        if ((size_t)there + used > room)
          return (flags & MSG_TRUNC) != 0 ? there + (ssize_t)used : there;
      }
      move_back((char *)message, (size_t)(there - at), used);
      memcpy(message, answers, used);
      if ((flags & MSG_PEEK) == 0)
        __atomic_store_n(slot, 0, __ATOMIC_RELAXED);
      return there + (ssize_t)used;
    }
    at += NLMSG_ALIGN(message->nlmsg_len);
  }
  return count;
}
