// Asking the service.
#ifndef LANYARD_SERVICE_H
#define LANYARD_SERVICE_H

#include "names.h"

enum lanyard_listening { LANYARD_LISTEN_VIRTUAL, LANYARD_LISTEN_HOST, LANYARD_LISTEN_BOTH };

struct lanyard_settings {
  bool is_on;
  bool is_isolated;
  enum lanyard_listening listening;
};

// What the environment says: LANYARD_INTERCEPT (the service's socket), LANYARD_NETWORK, LANYARD_ISOLATE, LANYARD_LISTEN.
const struct lanyard_settings *lanyard_settings(void);

struct lanyard_request lanyard_request_for(enum lanyard_op op);

// Asks about a socket. 0, or the negative errno of why nothing was answered: -ENETDOWN where no service is there, -EINTR where a signal came.
// What the service itself says is in the reply.
int lanyard_ask(int fd, const struct lanyard_request *request, struct lanyard_reply *reply);

// As lanyard_ask, for a host's name; the addresses come behind the reply.
int lanyard_ask_name(const struct lanyard_request *request, const char *name, struct lanyard_reply *reply, struct lanyard_endpoint *addresses);

#endif
