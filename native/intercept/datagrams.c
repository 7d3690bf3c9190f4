// The interposed calls that send and receive datagrams and set the options of their sockets.
#include "datagrams.h"
#include "calls.h"
#include "netlink.h"
#include "service.h"
#include "streams.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/uio.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

enum { CONTROL_MAX = 1024, OPTIONS_BYTES = LANYARD_TOKEN_BYTES / 2 * LANYARD_OPTION_BYTES };

// Sends with the IP options of a route after the program's own control messages. Omits a source address in those messages if the service handles it.
static long send_with_options(int fd, const struct msghdr *message, int flags, const struct lanyard_route *route, bool without_source) {
  union {
    struct cmsghdr first;
    uint8_t bytes[CONTROL_MAX + CMSG_SPACE(OPTIONS_BYTES)];
  } control;
  if (message->msg_controllen > CONTROL_MAX)
    return -ENOBUFS;
  memset(&control, 0, sizeof control);
  size_t used = lanyard_copy_control(message, without_source, control.bytes, CONTROL_MAX);
  if (route->options != LANYARD_AS_IT_IS) {
    size_t count = route->options == LANYARD_WITH_TOKEN ? OPTIONS_BYTES : 0;
    struct cmsghdr head;
    memset(&head, 0, sizeof head);
    head.cmsg_len = CMSG_LEN(count);
    head.cmsg_level = IPPROTO_IP;
    head.cmsg_type = IP_RETOPTS;
    memcpy(control.bytes + used, &head, sizeof head);
    for (size_t i = 0; i < count / LANYARD_OPTION_BYTES; i++) {
      const uint8_t option[LANYARD_OPTION_BYTES] = {LANYARD_OPTION_TYPE, LANYARD_OPTION_BYTES, route->token[2 * i], route->token[2 * i + 1]};
      memcpy(control.bytes + used + CMSG_LEN(0) + i * sizeof option, option, sizeof option);
    }
    used += CMSG_SPACE(count);
  }
  struct msghdr copy = *message;
  copy.msg_control = used == 0 ? NULL : &control;
  copy.msg_controllen = used;
  return lanyard_call_sendmsg(fd, &copy, flags);
}

// Whether a socket is connected to a peer on a virtual network, for sends without a destination.
static bool is_connected_to_far(int fd) {
  struct lanyard_endpoint far;
  return lanyard_far_name(fd, &far) && lanyard_is_far(&far);
}

static long send_message(int fd, const struct msghdr *message, int flags) {
  struct lanyard_name instead;
  struct lanyard_route route = {.options = LANYARD_AS_IT_IS};
  struct lanyard_endpoint source;
  bool has_source = lanyard_read_source(message, &source);
  if (message->msg_iovlen > 0)
    lanyard_note_dump(fd, message->msg_name, message->msg_namelen, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
  int found = message->msg_name == NULL ? !(has_source && is_connected_to_far(fd))
                                         : lanyard_redirect(fd, message->msg_name, message->msg_namelen, &source, &instead, &route);
  if (found < 0)
    return found;
  if (found == 1 && route.options == LANYARD_AS_IT_IS)
    return lanyard_call_sendmsg(fd, message, flags);
  struct msghdr copy = *message;
  if (found == 0 && message->msg_name != NULL) {
    copy.msg_name = &instead.storage;
    copy.msg_namelen = instead.length;
  }
  return route.options == LANYARD_AS_IT_IS && !has_source ? lanyard_call_sendmsg(fd, &copy, flags) : send_with_options(fd, &copy, flags, &route, found == 0);
}

EXPORT ssize_t sendto(int fd, const void *data, size_t count, int flags, const struct sockaddr *name, socklen_t length) {
  struct lanyard_name instead;
  struct lanyard_endpoint none;
  struct lanyard_route route = {.options = LANYARD_AS_IT_IS};
  memset(&none, 0, sizeof none);
  lanyard_note_dump(fd, name, length, data, count);
  int found = lanyard_before_send(fd, name, length, &flags);
  if (found == 0)
    found = lanyard_redirect(fd, name, length, &none, &instead, &route);
  if (found < 0)
    return lanyard_result(found);
  const void *to = found == 1 ? (const void *)name : &instead.storage;
  socklen_t to_length = found == 1 ? length : instead.length;
  if (route.options == LANYARD_AS_IT_IS)
    return lanyard_result(lanyard_call_sendto(fd, data, count, flags, to, to_length));
  struct iovec extent = {(void *)data, count};
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_name = (void *)to;
  message.msg_namelen = to_length;
  message.msg_iov = &extent;
  message.msg_iovlen = 1;
  return lanyard_result(send_with_options(fd, &message, flags, &route, false));
}

EXPORT ssize_t send(int fd, const void *data, size_t count, int flags) { return sendto(fd, data, count, flags, NULL, 0); }

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  if (message == NULL || !lanyard_settings()->is_on)
    return lanyard_result(lanyard_call_sendmsg(fd, message, flags));
  int found = lanyard_before_send(fd, message->msg_name, message->msg_namelen, &flags);
  return lanyard_result(found < 0 ? found : send_message(fd, message, flags));
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags) {
  if (!lanyard_settings()->is_on || messages == NULL)
    return (int)lanyard_result(lanyard_call_sendmmsg(fd, messages, count, flags));
  // Handles at most AT_ONCE messages at a time: the system call may send fewer messages than requested anyway.
  enum { AT_ONCE = 32 };
  struct lanyard_name names[AT_ONCE];
  struct mmsghdr copies[AT_ONCE];
  struct lanyard_route route;
  struct lanyard_endpoint source;
  unsigned int taken = 0;
  int found = count == 0 ? 0 : lanyard_before_send(fd, messages[0].msg_hdr.msg_name, messages[0].msg_hdr.msg_namelen, &flags);
  if (found < 0)
    return (int)lanyard_result(found);
  if (count > AT_ONCE)
    count = AT_ONCE;
  for (; taken < count; taken++) {
    copies[taken] = messages[taken];
    struct msghdr *head = &copies[taken].msg_hdr;
    // A message with its own source address or with options is sent separately.
    if (lanyard_read_source(head, &source))
      break;
    found = lanyard_redirect(fd, head->msg_name, head->msg_namelen, &source, &names[taken], &route);
    if (found < 0 || route.options != LANYARD_AS_IT_IS)
      break;
    if (found == 0) {
      head->msg_name = &names[taken].storage;
      head->msg_namelen = names[taken].length;
    }
  }
  if (taken == 0 && count > 0) {
    long result = found < 0 ? found : send_message(fd, &messages[0].msg_hdr, flags);
    if (result < 0)
      return (int)lanyard_result(result);
    messages[0].msg_len = (unsigned int)result;
    return 1;
  }
  long sent = lanyard_call_sendmmsg(fd, copies, taken, flags);
  for (long i = 0; i < sent; i++)
    messages[i].msg_len = copies[i].msg_len;
  return (int)lanyard_result(sent);
}

// Removes a datagram from the queue that was read with MSG_PEEK and is not for the program.
static void skip(int fd) {
  char nothing;
  SYS6(SYS_recvfrom, fd, &nothing, sizeof nothing, MSG_DONTWAIT, NULL, NULL);
}

EXPORT ssize_t recvfrom(int fd, void *data, size_t count, int flags, struct sockaddr *name, socklen_t *length) {
  if (name == NULL || length == NULL || !lanyard_settings()->is_on)
    return lanyard_result(lanyard_call_recvfrom(fd, data, count, flags, name, length));
  while (true) {
    struct sockaddr_storage storage;
    struct lanyard_origin origin;
    socklen_t full = sizeof storage;
    long received = lanyard_call_recvfrom(fd, data, count, flags, &storage, &full);
    if (received < 0)
      return lanyard_result(received);
    if (full == 0 || lanyard_translate(fd, &storage, &full, &origin)) {
      lanyard_copy_name(&storage, full, name, length);
      return storage.ss_family == AF_NETLINK ? lanyard_change_dump(fd, &storage, data, received, count, flags) : received;
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
  // Control messages contain addresses as well. Messages of the error queue contain no alias addresses.
  if (message == NULL || (message->msg_name == NULL && message->msg_controllen == 0) || !lanyard_settings()->is_on || (flags & MSG_ERRQUEUE) != 0)
    return lanyard_result(lanyard_call_recvmsg(fd, message, flags));
  while (true) {
    struct sockaddr_storage storage;
    struct lanyard_origin origin;
    struct msghdr copy = *message;
    copy.msg_name = &storage;
    copy.msg_namelen = sizeof storage;
    long received = lanyard_call_recvmsg(fd, &copy, flags);
    if (received < 0)
      return lanyard_result(received);
    memset(&origin, 0, sizeof origin);
    if (copy.msg_namelen == 0 || lanyard_translate(fd, &storage, &copy.msg_namelen, &origin)) {
      lanyard_give_origin(&copy, &origin);
      if (message->msg_name != NULL)
        lanyard_copy_name(&storage, copy.msg_namelen, message->msg_name, &message->msg_namelen);
      message->msg_controllen = copy.msg_controllen;
      message->msg_flags = copy.msg_flags;
      if (copy.msg_namelen > 0 && storage.ss_family == AF_NETLINK && copy.msg_iovlen == 1) {
        received = lanyard_change_dump(fd, &storage, copy.msg_iov[0].iov_base, received, copy.msg_iov[0].iov_len, flags);
        if ((size_t)received > copy.msg_iov[0].iov_len)
          message->msg_flags |= MSG_TRUNC;
      }
      return received;
    }
    if (flags & MSG_PEEK)
      skip(fd);
  }
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout) {
  if (!lanyard_settings()->is_on)
    return (int)lanyard_result(lanyard_call_recvmmsg(fd, messages, count, flags, timeout));
  // Handles at most AT_ONCE messages at a time. Receives complete names into its own buffers, because the program's buffers may be too small for an alias address.
  enum { AT_ONCE = 32 };
  struct sockaddr_storage names[AT_ONCE];
  struct mmsghdr copies[AT_ONCE];
  unsigned int got = 0;
  // With MSG_WAITFORONE, do not wait for further messages after the first.
  while (got < count) {
    unsigned int taken = count - got < AT_ONCE ? count - got : AT_ONCE;
    int how = flags | (got > 0 && (flags & MSG_WAITFORONE) ? MSG_DONTWAIT : 0);
    for (unsigned int i = 0; i < taken; i++) {
      copies[i] = messages[got + i];
      if (copies[i].msg_hdr.msg_name != NULL || copies[i].msg_hdr.msg_controllen != 0) {
        copies[i].msg_hdr.msg_name = &names[i];
        copies[i].msg_hdr.msg_namelen = sizeof names[i];
      }
    }
    long received = lanyard_call_recvmmsg(fd, copies, taken, how, timeout);
    if (received <= 0)
      return got > 0 ? (int)got : (int)lanyard_result(received);
    unsigned int kept = got;
    for (long i = 0; i < received; i++) {
      struct msghdr *copy = &copies[i].msg_hdr;
      struct lanyard_origin origin;
      memset(&origin, 0, sizeof origin);
      if (copy->msg_name != NULL && copy->msg_namelen > 0 && !lanyard_translate(fd, &names[i], &copy->msg_namelen, &origin))
        continue;
      lanyard_give_origin(copy, &origin);
      // The data are in the buffers of this message. If an earlier message was dropped, swap the messages so that the buffers move with the data.
      if (kept != got + (unsigned int)i) {
        struct mmsghdr dropped = messages[kept];
        messages[kept] = messages[got + (unsigned int)i];
        messages[got + (unsigned int)i] = dropped;
      }
      struct mmsghdr *message = &messages[kept];
      message->msg_len = copies[i].msg_len;
      message->msg_hdr.msg_controllen = copy->msg_controllen;
      message->msg_hdr.msg_flags = copy->msg_flags;
      if (copy->msg_name != NULL && message->msg_hdr.msg_name != NULL)
        lanyard_copy_name(&names[i], copy->msg_namelen, message->msg_hdr.msg_name, &message->msg_hdr.msg_namelen);
      kept++;
    }
    got = kept;
    if (got > 0 && received < taken)
      break;
  }
  return (int)got;
}

EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
  long result;
  if (lanyard_settings()->is_on && value != NULL && lanyard_set_datagram_option(fd, level, option, value, length, &result))
    return (int)lanyard_result(result);
  result = lanyard_set_stream_option(fd, level, option, value, length);
  if (result == 1)
    result = SYS5(SYS_setsockopt, fd, level, option, value, length);
  return (int)lanyard_result(result);
}
