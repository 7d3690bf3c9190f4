// Lists interfaces and addresses in each way that programs use: CALL INTERFACE ADDRESS/BITS.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void print(const char *call, const char *name, int family, const void *address, int bits) {
  char text[INET6_ADDRSTRLEN];
  printf("%s %s %s/%d\n", call, name, inet_ntop(family, address, text, sizeof text), bits);
}

static int bits_of(const unsigned char *mask, int bytes) {
  int bits = 0;
  for (int i = 0; i < bytes * 8; i++)
    bits += mask[i / 8] >> (7 - i % 8) & 1;
  return bits;
}

static void list_addresses(void) {
  struct ifaddrs *all;
  if (getifaddrs(&all) != 0)
    return perror("getifaddrs");
  for (struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
    if (one->ifa_addr == NULL)
      continue;
    if (one->ifa_addr->sa_family == AF_INET)
      print("getifaddrs", one->ifa_name, AF_INET, &((struct sockaddr_in *)one->ifa_addr)->sin_addr,
            bits_of((unsigned char *)&((struct sockaddr_in *)one->ifa_netmask)->sin_addr, 4));
    else if (one->ifa_addr->sa_family == AF_INET6)
      print("getifaddrs", one->ifa_name, AF_INET6, &((struct sockaddr_in6 *)one->ifa_addr)->sin6_addr,
            bits_of((unsigned char *)&((struct sockaddr_in6 *)one->ifa_netmask)->sin6_addr, 16));
  }
  freeifaddrs(all);
}

static void list_names(void) {
  struct if_nameindex *all = if_nameindex();
  printf("names");
  for (struct if_nameindex *one = all; one->if_index != 0; one++)
    printf(" %s", one->if_name);
  printf("\n");
  for (struct if_nameindex *one = all; one->if_index != 0; one++) {
    char name[IF_NAMESIZE] = "-";
    struct ifreq request;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, one->if_name);
    if_indextoname(if_nametoindex(one->if_name), name);
    ioctl(fd, SIOCGIFFLAGS, &request);
    int is_up = request.ifr_flags & IFF_UP;
    ioctl(fd, SIOCGIFHWADDR, &request);
    printf("%s is %s, %s, %s\n", one->if_name, name, is_up ? "up" : "down", request.ifr_hwaddr.sa_family == ARPHRD_ETHER ? "Ethernet" : "something else");
    close(fd);
  }
  if_freenameindex(all);
}

static void list_requests(void) {
  struct ifreq requests[32];
  struct ifconf list = {.ifc_len = sizeof requests, .ifc_req = requests};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (ioctl(fd, SIOCGIFCONF, &list) != 0)
    return perror("SIOCGIFCONF");
  for (int i = 0; i < list.ifc_len / (int)sizeof requests[0]; i++) {
    struct ifreq mask = requests[i];
    ioctl(fd, SIOCGIFNETMASK, &mask);
    print("SIOCGIFCONF", requests[i].ifr_name, AF_INET, &((struct sockaddr_in *)&requests[i].ifr_addr)->sin_addr,
          bits_of((unsigned char *)&((struct sockaddr_in *)&mask.ifr_netmask)->sin_addr, 4));
  }
  close(fd);
}

// Requests addresses from the kernel, with a buffer of the size that the kernel reports or with a large buffer.
static void ask_kernel(const char *call, int family, int is_sized) {
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct {
    struct nlmsghdr head;
    struct rtgenmsg what;
  } request = {{.nlmsg_len = NLMSG_LENGTH(sizeof request.what), .nlmsg_type = RTM_GETADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 77}, {family}};
  sendto(fd, &request, request.head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
  for (;;) {
    static char data[32768];
    struct sockaddr_nl from;
    struct iovec extent = {data, is_sized ? 100 : sizeof data};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &extent, .msg_iovlen = 1};
    int count = is_sized ? recvmsg(fd, &message, MSG_PEEK | MSG_TRUNC) : 0;
    if (is_sized && (message.msg_flags & MSG_TRUNC))
      extent.iov_len = count;
    message.msg_namelen = sizeof from;
    count = recvmsg(fd, &message, 0);
    if (count <= 0)
      return perror("recvmsg");
    for (struct nlmsghdr *one = (struct nlmsghdr *)data; NLMSG_OK(one, count); one = NLMSG_NEXT(one, count)) {
      if (one->nlmsg_type == NLMSG_DONE) {
        close(fd);
        return;
      }
      if (one->nlmsg_type != RTM_NEWADDR)
        continue;
      struct ifaddrmsg *head = NLMSG_DATA(one);
      int room = IFA_PAYLOAD(one);
      char name[IF_NAMESIZE] = "-";
      if_indextoname(head->ifa_index, name);
      for (struct rtattr *attribute = IFA_RTA(head); RTA_OK(attribute, room); attribute = RTA_NEXT(attribute, room))
        if (attribute->rta_type == IFA_ADDRESS)
          print(call, name, head->ifa_family, RTA_DATA(attribute), head->ifa_prefixlen);
    }
  }
}

int main(void) {
  list_addresses();
  list_names();
  list_requests();
  ask_kernel("netlink", AF_UNSPEC, 0);
  ask_kernel("sized", AF_INET, 1);
  ask_kernel("sized", AF_INET6, 1);
  return 0;
}
