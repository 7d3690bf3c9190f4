// End-to-end options of TCP sockets. On a virtual connection the service applies them, or they are refused. docs/programs.md lists them.
#include "service.h"
#include "streams.h"
#include "system.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum action { NONE, TELL, CHECK_AND_TELL, REFUSE };

static enum action action_of(int level, int option) {
#define LANYARD_STREAM_OPTION(its_level, level_number, its_option, number, action) \
  if (level == its_level && option == its_option) \
    return action;
#include "tables.h"
  return NONE;
}

// Whether the service supports a congestion control algorithm.
static bool is_known(const char *name, socklen_t length) {
  static const char known[][6] = {
#define LANYARD_CONGESTION_ALGORITHM(algorithm) #algorithm,
#include "tables.h"
  };
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
