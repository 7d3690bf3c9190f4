// Checks the numbers in tables.h, which the C# side takes from there.
#include "protocol.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LANYARD_STREAM_OPTION(level, level_number, option, number, action) _Static_assert(level == level_number && option == number, #option);
#define LANYARD_DATAGRAM_OPTION(level, level_number, option, number, form, flags) _Static_assert(level == level_number && option == number, #option);
#define LANYARD_KEPT_OPTION(level, level_number, option, number, bytes) _Static_assert(level == level_number && option == number, #option);
#define LANYARD_ISOLATED_FAMILY(family, number) _Static_assert(family == number, #family);
#define LANYARD_ISOLATED_SOCKET(family, family_number, type, type_number, protocol, protocol_number) \
  _Static_assert(family == family_number && type == type_number && protocol == protocol_number, #protocol);
#include "tables.h"

_Static_assert(sizeof(struct linger) == 8 && sizeof(struct timeval) == 16, "SO_LINGER, SO_RCVTIMEO and SO_SNDTIMEO");
