// The interposed calls that resolve host names: first on the virtual networks, then by the system.
#include "service.h"
#include "symbols.h"
#include "system.h"
#include <errno.h>
#include <netdb.h>

#define EXPORT __attribute__((visibility("default")))
#define TEXT_MAX 64

// Defined only if the program's C library is glibc.
extern const char *gnu_get_libc_version(void) __attribute__((weak));

static bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Whether a name needs no request to the service: an address, an empty name, or localhost.
static bool is_plain(const char *name) {
  bool has_colon = false, is_numeric = true;
  for (const char *c = name; *c != 0; c++) {
    has_colon |= *c == ':' || *c == '%' || *c == '/';
    is_numeric &= (*c >= '0' && *c <= '9') || *c == '.';
  }
  static const char local[] = "localhost";
  size_t i = 0;
  while (name[i] != 0 && name[i] == local[i])
    i++;
  return has_colon || name[0] == 0 || (name[i] == 0 && local[i] == 0) || (is_numeric && !(is_hex_digit(name[0]) && name[1] == 0));
}

static char *write_number(char *to, unsigned number, unsigned base) {
  char digits[8];
  int count = 0;
  do
    digits[count++] = "0123456789abcdef"[number % base];
  while ((number /= base) != 0);
  while (count > 0)
    *to++ = digits[--count];
  return to;
}

static void write_text(const struct lanyard_endpoint *address, char *to) {
  if (address->family == 4) {
    for (int i = 0; i < 4; i++) {
      if (i > 0)
        *to++ = '.';
      to = write_number(to, address->address[i], 10);
    }
  } else {
    for (int i = 0; i < 16; i += 2) {
      if (i > 0)
        *to++ = ':';
      to = write_number(to, (unsigned)address->address[i] << 8 | address->address[i + 1], 16);
    }
  }
  *to = 0;
}

// Resolves a name on the networks to addresses of a family (AF_UNSPEC: any). Returns their number; negative if the name belongs to no network.
static int resolve(const char *name, int family, struct lanyard_endpoint *addresses) {
  struct lanyard_request request = lanyard_request_for(LANYARD_RESOLVE);
  struct lanyard_reply reply;
  // A program that accepts only IPv4 addresses gets an alias address for an IPv6 address.
  if (family == AF_INET)
    request.flags = LANYARD_V4;
  int error = lanyard_ask_name(&request, name, &reply, addresses);
  if (error != 0 || reply.error != 0 || reply.verdict == LANYARD_HOST)
    return -1;
  int count = 0;
  for (int i = 0; i < reply.count; i++) {
    if (family == AF_UNSPEC || (family == AF_INET) == (addresses[i].family == 4))
      addresses[count++] = addresses[i];
  }
  return count;
}

typedef int getaddrinfo_type(const char *, const char *, const struct addrinfo *, struct addrinfo **);
typedef void freeaddrinfo_type(struct addrinfo *);

EXPORT int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  getaddrinfo_type *system = (getaddrinfo_type *)lanyard_next("getaddrinfo");
  if (system == NULL)
    return EAI_FAIL;
  if (!lanyard_settings()->is_on || name == NULL || is_plain(name) || (hints != NULL && (hints->ai_flags & AI_NUMERICHOST)))
    return system(name, service, hints, result);
  struct lanyard_endpoint addresses[LANYARD_ADDRESSES_MAX];
  int count = resolve(name, hints == NULL ? AF_UNSPEC : hints->ai_family, addresses);
  if (count < 0)
    return lanyard_settings()->is_isolated ? EAI_NONAME : system(name, service, hints, result);
  if (count == 0)
    return EAI_NONAME;
  // With musl, the results of several calls cannot be freed with one call.
  if (gnu_get_libc_version == NULL)
    count = 1;
  struct addrinfo plain;
  if (hints == NULL)
    memset(&plain, 0, sizeof plain);
  else
    plain = *hints;
  plain.ai_flags = (plain.ai_flags & ~(AI_ADDRCONFIG | AI_V4MAPPED | AI_ALL)) | AI_NUMERICHOST;
  plain.ai_family = AF_UNSPEC;
  struct addrinfo **end = result;
  *result = NULL;
  for (int i = 0; i < count; i++) {
    char text[TEXT_MAX];
    write_text(&addresses[i], text);
    int error = system(text, service, &plain, end);
    if (error != 0) {
      freeaddrinfo_type *release = (freeaddrinfo_type *)lanyard_next("freeaddrinfo");
      if (*result != NULL && release != NULL)
        release(*result);
      return error;
    }
    while (*end != NULL)
      end = &(*end)->ai_next;
  }
  return 0;
}

// Returns the name to resolve instead: the first address as text.
static const char *instead_of(const char *name, int family, char *text) {
  struct lanyard_endpoint addresses[LANYARD_ADDRESSES_MAX];
  if (!lanyard_settings()->is_on || name == NULL || is_plain(name) || resolve(name, family, addresses) <= 0)
    return name;
  write_text(&addresses[0], text);
  return text;
}

typedef struct hostent *gethostbyname_type(const char *);
typedef struct hostent *gethostbyname2_type(const char *, int);
typedef int gethostbyname_r_type(const char *, struct hostent *, char *, size_t, struct hostent **, int *);
typedef int gethostbyname2_r_type(const char *, int, struct hostent *, char *, size_t, struct hostent **, int *);

EXPORT struct hostent *gethostbyname(const char *name) {
  char text[TEXT_MAX];
  gethostbyname_type *system = (gethostbyname_type *)lanyard_next("gethostbyname");
  return system == NULL ? NULL : system(instead_of(name, AF_INET, text));
}

EXPORT struct hostent *gethostbyname2(const char *name, int family) {
  char text[TEXT_MAX];
  gethostbyname2_type *system = (gethostbyname2_type *)lanyard_next("gethostbyname2");
  return system == NULL ? NULL : system(instead_of(name, family, text), family);
}

EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *room, size_t size, struct hostent **result, int *error) {
  char text[TEXT_MAX];
  gethostbyname_r_type *system = (gethostbyname_r_type *)lanyard_next("gethostbyname_r");
  return system == NULL ? ENOSYS : system(instead_of(name, AF_INET, text), host, room, size, result, error);
}

EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host, char *room, size_t size, struct hostent **result, int *error) {
  char text[TEXT_MAX];
  gethostbyname2_r_type *system = (gethostbyname2_r_type *)lanyard_next("gethostbyname2_r");
  return system == NULL ? ENOSYS : system(instead_of(name, family, text), family, host, room, size, result, error);
}
