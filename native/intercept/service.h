// Requests to the service.
#ifndef LANYARD_SERVICE_H
#define LANYARD_SERVICE_H

#include "names.h"

enum lanyard_listening { LANYARD_LISTEN_VIRTUAL, LANYARD_LISTEN_HOST, LANYARD_LISTEN_BOTH };

struct lanyard_settings {
  bool is_on;
  bool is_isolated;
  bool allows_outside; // Whether programs that cannot be redirected start anyway.
  enum lanyard_listening listening;
};

// Returns the settings of the environment: the variables of protocol.h.
const struct lanyard_settings *lanyard_settings(void);

struct lanyard_request lanyard_request_for(enum lanyard_operation operation);

// Sends a request about a socket. Returns 0, or a negative errno if no answer arrives: -ENETDOWN if no service is running.
// The service's own error is in the reply.
int lanyard_ask(int fd, const struct lanyard_request *request, struct lanyard_reply *reply);

// Opens the descriptor for one request in advance. Returns a negative errno if no descriptor is available.
long lanyard_open_question(void);

// Like lanyard_ask, for several sockets, with a descriptor of lanyard_open_question, which it closes. If the descriptor is negative, waits for a free one.
int lanyard_ask_on(long question, const int *about, size_t count, const struct lanyard_request *request, struct lanyard_reply *reply);
// Like lanyard_ask, with a second socket.
int lanyard_ask_with(int fd, int second, const struct lanyard_request *request, struct lanyard_reply *reply);

// Gets this node's addresses and their interfaces, at most LANYARD_ADDRESSES_MAX. Returns the count, or a negative errno.
int lanyard_ask_interfaces(struct lanyard_interface *interfaces);

// Like lanyard_ask, for a host name. The addresses follow the reply.
int lanyard_ask_name(const struct lanyard_request *request, const char *name, struct lanyard_reply *reply, struct lanyard_endpoint *addresses);

#endif
