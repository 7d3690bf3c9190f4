// End-to-end options of TCP sockets. On a virtual connection the service applies them, or they are refused. docs/programs.md lists them.
#include "service.h"
#include "streams.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

// From newer kernel headers; the numbers are fixed.
#define LANYARD_TCP_AO_FIRST 38
#define LANYARD_TCP_AO_LAST 40

enum action { NONE, TELL, CHECK_AND_TELL, REFUSE };

static enum action action_of(int level, int option) {
  switch (level) {
  case SOL_SOCKET:
    return option == SO_KEEPALIVE ? TELL : NONE;
  case IPPROTO_TCP:
    switch (option) {
    case TCP_KEEPIDLE:
    case TCP_KEEPINTVL:
    case TCP_KEEPCNT:
    case TCP_USER_TIMEOUT:
      return TELL;
    case TCP_CONGESTION:
      return CHECK_AND_TELL;
    case TCP_MAXSEG:
    case TCP_MD5SIG:
    case TCP_MD5SIG_EXT:
      return REFUSE;
    default:
      return option >= LANYARD_TCP_AO_FIRST && option <= LANYARD_TCP_AO_LAST ? REFUSE : NONE;
    }
  case IPPROTO_IP:
    return option == IP_TOS || option == IP_TTL ? TELL : option == IP_MINTTL || option == IP_OPTIONS ? REFUSE : NONE;
  case IPPROTO_IPV6:
    return option == IPV6_UNICAST_HOPS || option == IPV6_TCLASS ? TELL
        : option == IPV6_MINHOPCOUNT || option == IPV6_RTHDR || option == IPV6_HOPOPTS || option == IPV6_DSTOPTS ? REFUSE : NONE;
  default:
    return NONE;
  }
}

// Whether the service supports a congestion control algorithm.
static bool is_known(const char *name, socklen_t length) {
  static const char known[][6] = {"cubic", "reno", "bbr"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    socklen_t same = 0;
    while (same < length && known[i][same] != 0 && name[same] == known[i][same])
      same++;
    if (known[i][same] == 0 && (same == length || name[same] == 0))
      return true;
  }
  return false;
}

int lanyard_set_stream_option(int fd, int level, int option, const void *value, socklen_t length) {
  enum action action = action_of(level, option);
  if (action == NONE || !lanyard_settings()->is_on || lanyard_socket_of(fd).type != SOCK_STREAM || !lanyard_is_virtual(fd))
    return 1;
  if (action == REFUSE)
    return -ENOPROTOOPT;
  if (action == CHECK_AND_TELL && value != NULL && !is_known(value, length))
    return -ENOENT;
  int result = (int)SYS5(SYS_setsockopt, fd, level, option, value, length);
  if (result != 0)
    return result;
  // Before the connection exists, the service ignores the request and reads the options when it connects.
  struct lanyard_request request = lanyard_request_for(LANYARD_OPTIONS);
  struct lanyard_reply reply;
  lanyard_ask(fd, &request, &reply);
  return 0;
}
