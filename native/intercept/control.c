// Control messages of datagrams that contain addresses and interfaces: IP_PKTINFO, IPV6_PKTINFO and IP_ORIGDSTADDR.
#include "datagrams.h"
#include "system.h"
#include <netinet/in.h>

static struct cmsghdr *first_of(const struct msghdr *message) {
  return message->msg_control == NULL || message->msg_controllen < sizeof(struct cmsghdr) ? NULL : message->msg_control;
}

// Returns the next control message; NULL at the end or before an invalid message.
static struct cmsghdr *next_of(const struct msghdr *message, struct cmsghdr *at) {
  size_t length = CMSG_ALIGN(at->cmsg_len), left = (size_t)((char *)message->msg_control + message->msg_controllen - (char *)at);
  return at->cmsg_len < sizeof *at || length > left || left - length < sizeof *at ? NULL : (struct cmsghdr *)((char *)at + length);
}

static bool is_whole(const struct msghdr *message, const struct cmsghdr *at, size_t count) {
  return at->cmsg_len >= CMSG_LEN(count) && (char *)at + CMSG_LEN(count) <= (char *)message->msg_control + message->msg_controllen;
}

static bool is_v4_information(const struct msghdr *message, const struct cmsghdr *at) {
  return at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO && is_whole(message, at, sizeof(struct in_pktinfo));
}

static bool is_v6_information(const struct msghdr *message, const struct cmsghdr *at) {
  return at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO && is_whole(message, at, sizeof(struct in6_pktinfo));
}

// Reads an address with the same normalization as a socket name.
static void read_address(int family, const void *address, struct lanyard_endpoint *endpoint) {
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  memset(&v4, 0, sizeof v4);
  memset(&v6, 0, sizeof v6);
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  memcpy(family == AF_INET ? (void *)&v4.sin_addr : &v6.sin6_addr, address, family == AF_INET ? 4 : 16);
  lanyard_read_name(family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, family == AF_INET ? sizeof v4 : sizeof v6, endpoint);
}

bool lanyard_read_source(const struct msghdr *message, struct lanyard_endpoint *source) {
  memset(source, 0, sizeof *source);
  for (struct cmsghdr *at = first_of(message); at != NULL; at = next_of(message, at)) {
    if (is_v4_information(message, at)) {
      struct in_pktinfo information;
      memcpy(&information, CMSG_DATA(at), sizeof information);
      read_address(AF_INET, &information.ipi_spec_dst, source);
      source->scope = (uint32_t)information.ipi_ifindex;
      return true;
    }
    if (is_v6_information(message, at)) {
      struct in6_pktinfo information;
      memcpy(&information, CMSG_DATA(at), sizeof information);
      read_address(AF_INET6, &information.ipi6_addr, source);
      source->scope = information.ipi6_ifindex;
      return true;
    }
  }
  return false;
}

size_t lanyard_copy_control(const struct msghdr *message, bool without_source, void *to, size_t room) {
  size_t used = 0;
  for (struct cmsghdr *at = first_of(message); at != NULL; at = next_of(message, at)) {
    if (without_source && (is_v4_information(message, at) || is_v6_information(message, at)))
      continue;
    size_t count = at->cmsg_len, left = (size_t)((char *)message->msg_control + message->msg_controllen - (char *)at);
    count = count < left ? count : left;
    if (count < sizeof *at || CMSG_ALIGN(count) > room - used)
      break;
    memcpy((char *)to + used, at, count);
    used += CMSG_ALIGN(count);
  }
  return used;
}

void lanyard_give_origin(struct msghdr *message, const struct lanyard_origin *origin) {
  if (origin->local.family == 0)
    return;
  struct lanyard_name local, own;
  lanyard_write_name(&origin->local, AF_INET, &local);
  lanyard_write_name(&origin->own, AF_INET, &own);
  for (struct cmsghdr *at = first_of(message); at != NULL; at = next_of(message, at)) {
    if (is_v4_information(message, at)) {
      struct in_pktinfo information;
      information.ipi_ifindex = (int)origin->own.scope;
      information.ipi_addr = ((struct sockaddr_in *)&local.storage)->sin_addr;
      information.ipi_spec_dst = ((struct sockaddr_in *)&own.storage)->sin_addr;
      memcpy(CMSG_DATA(at), &information, sizeof information);
    } else if (is_v6_information(message, at)) {
      struct in6_pktinfo information;
      struct lanyard_name wide;
      lanyard_write_name(&origin->local, AF_INET6, &wide);
      information.ipi6_ifindex = origin->own.scope;
      information.ipi6_addr = ((struct sockaddr_in6 *)&wide.storage)->sin6_addr;
      memcpy(CMSG_DATA(at), &information, sizeof information);
    } else if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_ORIGDSTADDR && is_whole(message, at, sizeof(struct sockaddr_in)))
      memcpy(CMSG_DATA(at), &local.storage, sizeof(struct sockaddr_in));
  }
}
