// The interposed calls that list this host's interfaces and addresses. The lists include the virtual networks. They replace the interfaces of the system if the
// program's ports are only on virtual networks. The loopback interface is always listed.
#include "interfaces.h"
#include "service.h"
#include "symbols.h"
#include "system.h"
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>

#define EXPORT __attribute__((visibility("default")))

extern void *malloc(size_t) __attribute__((weak));
extern void free(void *) __attribute__((weak));

unsigned int lanyard_interface_flags(void) { return IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST; }

bool lanyard_shows_interfaces(void) {
  const struct lanyard_settings *settings = lanyard_settings();
  return settings->is_on && settings->listening != LANYARD_LISTEN_HOST;
}

bool lanyard_hides_system(void) { return lanyard_settings()->listening == LANYARD_LISTEN_VIRTUAL; }

int lanyard_find_interfaces(struct lanyard_interface *interfaces) {
  int count = lanyard_shows_interfaces() ? lanyard_ask_interfaces(interfaces) : 0;
  return count < 0 ? 0 : count;
}

bool lanyard_is_first(const struct lanyard_interface *interfaces, int index) {
  for (int i = 0; i < index; i++) {
    if (interfaces[i].address.scope == interfaces[index].address.scope)
      return false;
  }
  return true;
}

void lanyard_write_mask(const struct lanyard_endpoint *address, bool is_broadcast, struct lanyard_endpoint *mask) {
  size_t bytes = address->family == 4 ? 4 : 16;
  memset(mask, 0, sizeof *mask);
  mask->family = address->family;
  for (size_t i = 0; i < bytes * 8; i++) {
    uint8_t bit = (uint8_t)(0x80 >> i % 8);
    bool is_set = i < address->port;
    if (is_broadcast)
      is_set = !is_set || (address->address[i / 8] & bit) != 0;
    if (is_set)
      mask->address[i / 8] |= bit;
  }
}

static bool is_equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

// The list that getifaddrs returns. It owns the system's list, whose parts it references.
struct list {
  struct ifaddrs *systems;
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  struct {
    struct lanyard_name address, mask, broadcast;
  } names[LANYARD_ADDRESSES_MAX];
  struct sockaddr_ll links[LANYARD_ADDRESSES_MAX];
  struct ifaddrs entries[];
};

static size_t add_link(struct list *list, int index, struct ifaddrs *entry) {
  struct sockaddr_ll *link = &list->links[index];
  link->sll_family = AF_PACKET;
  link->sll_ifindex = (int)list->interfaces[index].address.scope;
  link->sll_hatype = ARPHRD_ETHER;
  link->sll_halen = sizeof list->interfaces[index].mac;
  memcpy(link->sll_addr, list->interfaces[index].mac, sizeof list->interfaces[index].mac);
  entry->ifa_addr = (struct sockaddr *)link;
  entry->ifa_name = list->interfaces[index].name;
  entry->ifa_flags = lanyard_interface_flags();
  return 1;
}

static size_t add_address(struct list *list, int index, struct ifaddrs *entry) {
  const struct lanyard_endpoint *address = &list->interfaces[index].address;
  struct lanyard_endpoint plain = *address, mask, broadcast;
  int domain = address->family == 4 ? AF_INET : AF_INET6;
  plain.port = 0;
  plain.scope = 0;
  lanyard_write_mask(address, false, &mask);
  lanyard_write_mask(address, true, &broadcast);
  lanyard_write_name(&plain, domain, &list->names[index].address);
  lanyard_write_name(&mask, domain, &list->names[index].mask);
  lanyard_write_name(&broadcast, domain, &list->names[index].broadcast);
  entry->ifa_addr = (struct sockaddr *)&list->names[index].address.storage;
  entry->ifa_netmask = (struct sockaddr *)&list->names[index].mask.storage;
  if (domain == AF_INET)
    entry->ifa_broadaddr = (struct sockaddr *)&list->names[index].broadcast.storage;
  entry->ifa_name = list->interfaces[index].name;
  entry->ifa_flags = lanyard_interface_flags();
  return 1;
}

EXPORT int getifaddrs(struct ifaddrs **result) {
  int (*system)(struct ifaddrs **) = (int (*)(struct ifaddrs **))lanyard_next("getifaddrs");
  if (system == NULL || malloc == NULL)
    return (int)lanyard_result(-ENOSYS);
  if (!lanyard_shows_interfaces())
    return system(result);
  struct ifaddrs *systems;
  if (system(&systems) != 0)
    return -1;
  size_t count = 2 * LANYARD_ADDRESSES_MAX;
  for (struct ifaddrs *entry = systems; entry != NULL; entry = entry->ifa_next)
    count++;
  struct list *list = malloc(sizeof *list + count * sizeof list->entries[0]);
  if (list == NULL) {
    void (*release)(struct ifaddrs *) = (void (*)(struct ifaddrs *))lanyard_next("freeifaddrs");
    if (release != NULL)
      release(systems);
    return (int)lanyard_result(-ENOMEM);
  }
  memset(list, 0, sizeof *list + count * sizeof list->entries[0]);
  list->systems = systems;
  count = 0;
  for (struct ifaddrs *entry = systems; entry != NULL; entry = entry->ifa_next) {
    if (!lanyard_hides_system() || (entry->ifa_flags & IFF_LOOPBACK) != 0)
      list->entries[count++] = *entry;
  }
  int known = lanyard_find_interfaces(list->interfaces);
  for (int i = 0; i < known; i++) {
    if (lanyard_is_first(list->interfaces, i))
      count += add_link(list, i, &list->entries[count]);
  }
  for (int i = 0; i < known; i++)
    count += add_address(list, i, &list->entries[count]);
  for (size_t i = 0; i < count; i++)
    list->entries[i].ifa_next = i + 1 < count ? &list->entries[i + 1] : NULL;
  // The caller does not free an empty list.
  *result = count > 0 ? list->entries : NULL;
  if (count == 0) {
    void (*release)(struct ifaddrs *) = (void (*)(struct ifaddrs *))lanyard_next("freeifaddrs");
    if (release != NULL)
      release(systems);
    free(list);
  }
  return 0;
}

EXPORT void freeifaddrs(struct ifaddrs *entries) {
  void (*system)(struct ifaddrs *) = (void (*)(struct ifaddrs *))lanyard_next("freeifaddrs");
  if (system == NULL || entries == NULL)
    return;
  if (!lanyard_shows_interfaces()) {
    system(entries);
    return;
  }
  struct list *list = (struct list *)((char *)entries - offsetof(struct list, entries));
  system(list->systems);
  free(list);
}

// Returns one memory block: the entries, followed by the names.
EXPORT struct if_nameindex *if_nameindex(void) {
  struct if_nameindex *(*system)(void) = (struct if_nameindex * (*)(void)) lanyard_next("if_nameindex");
  void (*release)(struct if_nameindex *) = (void (*)(struct if_nameindex *))lanyard_next("if_freenameindex");
  if (system == NULL || release == NULL || malloc == NULL)
    return NULL;
  struct if_nameindex *systems = system();
  if (systems == NULL || !lanyard_shows_interfaces())
    return systems;
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  int known = lanyard_find_interfaces(interfaces);
  size_t count = 0;
  while (systems[count].if_index != 0)
    count++;
  size_t room = count + (size_t)known + 1;
  struct if_nameindex *list = malloc(room * (sizeof *list + IF_NAMESIZE));
  if (list != NULL) {
    char *names = (char *)(list + room);
    memset(list, 0, room * (sizeof *list + IF_NAMESIZE));
    size_t used = 0;
    for (size_t i = 0; i < count + (size_t)known; i++) {
      const char *name = i < count ? systems[i].if_name : interfaces[i - count].name;
      if (i < count ? lanyard_hides_system() && !is_equal(name, "lo") : !lanyard_is_first(interfaces, (int)(i - count)))
        continue;
      char *copy = names + used * IF_NAMESIZE;
      for (size_t at = 0; at < IF_NAMESIZE - 1 && name[at] != 0; at++)
        copy[at] = name[at];
      list[used].if_name = copy;
      list[used++].if_index = i < count ? systems[i].if_index : interfaces[i - count].address.scope;
    }
  }
  release(systems);
  if (list == NULL)
    lanyard_result(-ENOMEM);
  return list;
}

EXPORT void if_freenameindex(struct if_nameindex *list) {
  void (*system)(struct if_nameindex *) = (void (*)(struct if_nameindex *))lanyard_next("if_freenameindex");
  if (lanyard_shows_interfaces() && free != NULL)
    free(list);
  else if (system != NULL)
    system(list);
}

EXPORT unsigned int if_nametoindex(const char *name) {
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  unsigned int (*system)(const char *) = (unsigned int (*)(const char *))lanyard_next("if_nametoindex");
  for (int i = name == NULL ? 0 : lanyard_find_interfaces(interfaces); i-- > 0;) {
    if (is_equal(interfaces[i].name, name))
      return interfaces[i].address.scope;
  }
  return system == NULL ? 0 : system(name);
}

EXPORT char *if_indextoname(unsigned int index, char name[IF_NAMESIZE]) {
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  char *(*system)(unsigned int, char *) = (char *(*)(unsigned int, char *))lanyard_next("if_indextoname");
  for (int i = index < LANYARD_FIRST_INDEX ? 0 : lanyard_find_interfaces(interfaces); i-- > 0;) {
    if (interfaces[i].address.scope == index) {
      memcpy(name, interfaces[i].name, IF_NAMESIZE);
      return name;
    }
  }
  return system == NULL ? NULL : system(index, name);
}

// Answers SIOCGIFCONF with the IPv4 addresses. Without a buffer, reports the required size.
static long list_requests(int fd, struct ifconf *list) {
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  int known = lanyard_find_interfaces(interfaces), room = list->ifc_len, used = 0;
  bool is_measuring = list->ifc_req == NULL;
  long result = SYS3(SYS_ioctl, fd, SIOCGIFCONF, list);
  if (result < 0)
    return result;
  if (is_measuring) {
    list->ifc_len += known * (int)sizeof(struct ifreq);
    return 0;
  }
  for (int at = 0; at + (int)sizeof(struct ifreq) <= list->ifc_len; at += (int)sizeof(struct ifreq)) {
    struct ifreq *request = (struct ifreq *)(list->ifc_buf + at);
    if (!lanyard_hides_system() || is_equal(request->ifr_name, "lo")) {
      struct ifreq copy = *request;
      memcpy(list->ifc_buf + used, &copy, sizeof copy);
      used += (int)sizeof copy;
    }
  }
  for (int i = 0; i < known && used + (int)sizeof(struct ifreq) <= room; i++) {
    if (interfaces[i].address.family != 4)
      continue;
    struct ifreq request;
    struct lanyard_endpoint plain = interfaces[i].address;
    struct lanyard_name address;
    memset(&request, 0, sizeof request);
    plain.port = 0;
    lanyard_write_name(&plain, AF_INET, &address);
    memcpy(request.ifr_name, interfaces[i].name, IF_NAMESIZE);
    memcpy(&request.ifr_addr, &address.storage, sizeof request.ifr_addr);
    memcpy(list->ifc_buf + used, &request, sizeof request);
    used += (int)sizeof request;
  }
  list->ifc_len = used;
  return 0;
}

// Answers a request for one interface. Returns 1 if the system must answer.
static long tell_of(unsigned long what, struct ifreq *request) {
  struct lanyard_interface interfaces[LANYARD_ADDRESSES_MAX];
  const struct lanyard_interface *found = NULL, *found_v4 = NULL;
  int known = lanyard_find_interfaces(interfaces);
  for (int i = 0; i < known; i++) {
    if (what == SIOCGIFNAME ? interfaces[i].address.scope != (uint32_t)request->ifr_ifindex : !is_equal(interfaces[i].name, request->ifr_name))
      continue;
    found = &interfaces[i];
    if (interfaces[i].address.family == 4 && found_v4 == NULL)
      found_v4 = found;
  }
  if (found == NULL)
    return 1;
  struct lanyard_endpoint address;
  struct lanyard_name name;
  switch (what) {
  case SIOCGIFNAME:
    memcpy(request->ifr_name, found->name, IF_NAMESIZE);
    return 0;
  case SIOCGIFINDEX:
    request->ifr_ifindex = (int)found->address.scope;
    return 0;
  case SIOCGIFFLAGS:
    request->ifr_flags = (short)lanyard_interface_flags();
    return 0;
  case SIOCGIFMTU:
    request->ifr_mtu = (int)found->mtu;
    return 0;
  case SIOCGIFHWADDR:
    memset(&request->ifr_hwaddr, 0, sizeof request->ifr_hwaddr);
    request->ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request->ifr_hwaddr.sa_data, found->mac, sizeof found->mac);
    return 0;
  default:
    if (found_v4 == NULL)
      return -EADDRNOTAVAIL;
    address = found_v4->address;
    if (what == SIOCGIFNETMASK || what == SIOCGIFBRDADDR)
      lanyard_write_mask(&found_v4->address, what == SIOCGIFBRDADDR, &address);
    address.port = 0;
    lanyard_write_name(&address, AF_INET, &name);
    memcpy(&request->ifr_addr, &name.storage, sizeof request->ifr_addr);
    return 0;
  }
}

EXPORT int ioctl(int fd, unsigned long what, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, what);
  void *argument = __builtin_va_arg(list, void *);
  __builtin_va_end(list);
  long result = 1;
  // musl declares the request as int.
  switch ((unsigned int)what) {
  case SIOCGIFCONF:
    if (argument != NULL && lanyard_shows_interfaces())
      result = list_requests(fd, argument);
    break;
  case SIOCGIFNAME:
  case SIOCGIFINDEX:
  case SIOCGIFFLAGS:
  case SIOCGIFMTU:
  case SIOCGIFHWADDR:
  case SIOCGIFADDR:
  case SIOCGIFNETMASK:
  case SIOCGIFBRDADDR:
    if (argument != NULL && lanyard_shows_interfaces())
      result = tell_of((unsigned int)what, argument);
    break;
  default:
    break;
  }
  return (int)lanyard_result(result == 1 ? SYS3(SYS_ioctl, fd, what, argument) : result);
}
