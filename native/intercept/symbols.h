// Functions of the C library that this library replaces.
#ifndef LANYARD_SYMBOLS_H
#define LANYARD_SYMBOLS_H

// Returns the function that the program would call without this library; NULL if there is none.
void *lanyard_next(const char *name);

#endif
