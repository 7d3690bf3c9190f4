#include "environment.h"
#include "protocol.h"
#include "system.h"

#define PRELOAD "LD_PRELOAD"
#define LIBRARY_MAX 4096

// The service's socket has the longest value: the path of a Unix domain socket.
#define VARIABLE_MAX 160

static const char *const names[] = {LANYARD_VARIABLE_SOCKET, LANYARD_VARIABLE_NETWORK, LANYARD_VARIABLE_ISOLATE, LANYARD_VARIABLE_LISTEN, LANYARD_VARIABLE_OUTSIDE};
enum { NAMES = sizeof names / sizeof names[0] };

static char kept[NAMES][VARIABLE_MAX];
static char library[LIBRARY_MAX];

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0)
    length++;
  return length;
}

const char *lanyard_value_of(const char *entry, const char *name) {
  while (*name != 0 && *entry == *name) {
    entry++;
    name++;
  }
  return *name == 0 && *entry == '=' ? entry + 1 : NULL;
}

// Dynamic linkers split LD_PRELOAD at colons and white space.
static bool is_separator(char c) { return c == ':' || c == ' ' || (c >= '\t' && c <= '\r'); }

static const char *next_item(const char *text, size_t *length) {
  while (is_separator(*text))
    text++;
  for (*length = 0; text[*length] != 0 && !is_separator(text[*length]); ++*length) {
  }
  return *length == 0 ? NULL : text;
}

static bool is_equal(const char *a, const char *b, size_t length) { return memcmp(a, b, length) == 0; }

void lanyard_keep_variable(const char *entry) {
  const char *value;
  for (size_t i = 0; i < NAMES; i++) {
    if (lanyard_value_of(entry, names[i]) != NULL && length_of(entry) < VARIABLE_MAX)
      memcpy(kept[i], entry, length_of(entry) + 1);
  }
  if ((value = lanyard_value_of(entry, PRELOAD)) == NULL)
    return;
  const size_t name = sizeof LANYARD_LIBRARY - 1;
  size_t length;
  for (const char *item = value; (item = next_item(item, &length)) != NULL; item += length) {
    if (length > name && length < LIBRARY_MAX && item[length - name - 1] == '/' && is_equal(item + length - name, LANYARD_LIBRARY, name)) {
      memcpy(library, item, length);
      library[length] = 0;
      return;
    }
  }
}

const char *lanyard_library(void) { return library; }

static bool has_library(const char *preload) {
  const size_t whole = length_of(library);
  size_t length;
  for (const char *item = preload; (item = next_item(item, &length)) != NULL; item += length) {
    if (length == whole && is_equal(item, library, whole))
      return true;
  }
  return false;
}

static const char *find(char *const *environment, const char *name) {
  for (; environment != NULL && *environment != NULL; environment++) {
    const char *value = lanyard_value_of(*environment, name);
    if (value != NULL)
      return value;
  }
  return NULL;
}

bool lanyard_is_supervised(char *const *environment) { return find(environment, LANYARD_VARIABLE_SUPERVISED) != NULL; }

void lanyard_measure_environment(char *const *environment, size_t *entries, size_t *bytes) {
  const char *preload = find(environment, PRELOAD);
  *entries = NAMES + 2;
  for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++)
    ++*entries;
  *bytes = sizeof PRELOAD + 1 + length_of(library) + (preload == NULL ? 0 : length_of(preload)) + 1;
}

static char *append(char *to, const char *text) {
  size_t length = length_of(text);
  memcpy(to, text, length + 1);
  return to + length;
}

char **lanyard_carry_environment(char *const *environment, char **entries, char *bytes) {
  const char *preload = find(environment, PRELOAD);
  bool is_carried = library[0] == 0 || (preload != NULL && has_library(preload));
  size_t count = 0;
  for (char *const *entry = environment; entry != NULL && *entry != NULL; entry++) {
    if (is_carried || lanyard_value_of(*entry, PRELOAD) == NULL)
      entries[count++] = *entry;
  }
  for (size_t i = 0; i < NAMES; i++) {
    if (kept[i][0] != 0 && find(environment, names[i]) == NULL)
      entries[count++] = kept[i];
  }
  if (!is_carried) {
    entries[count++] = bytes;
    char *end = append(append(bytes, PRELOAD "="), library);
    if (preload != NULL && preload[0] != 0)
      append(append(end, ":"), preload);
  }
  entries[count] = NULL;
  return entries;
}
