// The interfaces that represent virtual networks.
#ifndef LANYARD_INTERFACES_H
#define LANYARD_INTERFACES_H

#include "names.h"

unsigned int lanyard_interface_flags(void);

// Whether programs see the virtual interfaces: not if their ports are only on the system's network.
bool lanyard_shows_interfaces(void);

// Whether programs see no interface of the system other than the loopback interface.
bool lanyard_hides_system(void);

// Gets this node's addresses and their interfaces, at most LANYARD_ADDRESSES_MAX. Returns the count; 0 if the service does not answer.
int lanyard_find_interfaces(struct lanyard_interface *interfaces);

// Whether an entry is the first of its interface.
bool lanyard_is_first(const struct lanyard_interface *interfaces, int index);

// Writes the netmask of an address or its broadcast address. The port of `address` is the prefix length.
void lanyard_write_mask(const struct lanyard_endpoint *address, bool is_broadcast, struct lanyard_endpoint *mask);

#endif
