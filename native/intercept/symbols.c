// Programs that look up functions by name (dlsym with a handle: Python's ctypes, .NET's P/Invoke, and others) get this library's functions, as linked programs do.
#include "symbols.h"
#include "service.h"
#include "system.h"
#include <elf.h>
#include <link.h>

#define EXPORT __attribute__((visibility("default")))
#define NEXT ((void *)-1l) // RTLD_NEXT

extern int dl_iterate_phdr(int (*)(struct dl_phdr_info *, size_t, void *), void *) __attribute__((weak));

typedef void *lookup_type(void *, const char *);

// The exported symbols of an object.
struct object {
  ElfW(Addr) base;
  const ElfW(Sym) *symbols;
  const char *names;
  const uint32_t *hash;
};

static struct object own;
static lookup_type *real_lookup;

static bool is_equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

// Searches the GNU hash table: buckets of symbols, each with a chain of hashes. The lowest bit marks the last hash of a chain.
static void *find_in(const struct object *object, const char *name) {
  if (object->hash == NULL || object->symbols == NULL || object->names == NULL)
    return NULL;
  uint32_t hash = 5381;
  for (const char *c = name; *c != 0; c++)
    hash = hash * 33 + (uint8_t)*c;
  uint32_t bucket_count = object->hash[0], first = object->hash[1], words = object->hash[2];
  const uint32_t *buckets = object->hash + 4 + words * (sizeof(ElfW(Addr)) / sizeof(uint32_t)), *chains = buckets + bucket_count;
  if (bucket_count == 0)
    return NULL;
  for (uint32_t i = buckets[hash % bucket_count]; i >= first; i++) {
    const ElfW(Sym) *symbol = &object->symbols[i];
    if ((chains[i - first] | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF && is_equal(object->names + symbol->st_name, name))
      return (void *)(object->base + symbol->st_value);
    if (chains[i - first] & 1)
      return NULL;
  }
  return NULL;
}

// Returns an address of the dynamic section: glibc relocates these addresses, musl does not.
static const void *at(const struct dl_phdr_info *information, ElfW(Addr) address) {
  return (const void *)(address < information->dlpi_addr ? address + information->dlpi_addr : address);
}

static int look_at(struct dl_phdr_info *information, size_t size, void *unused) {
  (void)size;
  (void)unused;
  struct object object = {information->dlpi_addr, NULL, NULL, NULL};
  bool is_own = false;
  for (int i = 0; i < information->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &information->dlpi_phdr[i];
    ElfW(Addr) start = information->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && (ElfW(Addr))&own >= start && (ElfW(Addr))&own < start + segment->p_memsz)
      is_own = true;
    if (segment->p_type != PT_DYNAMIC)
      continue;
    for (const ElfW(Dyn) *entry = (const ElfW(Dyn) *)start; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_SYMTAB)
        object.symbols = at(information, entry->d_un.d_ptr);
      else if (entry->d_tag == DT_STRTAB)
        object.names = at(information, entry->d_un.d_ptr);
      else if (entry->d_tag == DT_GNU_HASH)
        object.hash = at(information, entry->d_un.d_ptr);
    }
  }
  if (is_own)
    own = object;
  else if (real_lookup == NULL)
    real_lookup = (lookup_type *)find_in(&object, "dlsym");
  return 0;
}

// Idempotent, so concurrent calls are safe.
__attribute__((constructor)) static void find_real(void) {
  if (dl_iterate_phdr != NULL)
    dl_iterate_phdr(look_at, NULL);
}

static lookup_type *lookup(void) {
  // The constructor of another library may call before the constructor of this library, or libdl was loaded later.
  if (real_lookup == NULL)
    find_real();
  return real_lookup;
}

void *lanyard_next(const char *name) {
  lookup_type *real = lookup();
  void *found = real == NULL ? NULL : real(NEXT, name);
  return found;
}

EXPORT void *dlsym(void *restrict handle, const char *restrict name) {
  lookup_type *real = lookup();
  if (real == NULL)
    return NULL;
  void *ours = handle == NEXT || !lanyard_settings()->is_on ? NULL : find_in(&own, name);
  // The result of dlsym depends on its caller, so a tail call must take the place of this function.
  if (ours == NULL)
    return real(handle, name);
  // Another library may export a function of the same name.
  void *found = real(handle, name);
  return found != NULL && found == lanyard_next(name) ? ours : found;
}
