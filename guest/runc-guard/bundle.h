#ifndef MOBYVM_BUNDLE_H
#define MOBYVM_BUNDLE_H

/* Calls back with the source of each mount in config.json of that folder, as far as it can be read. */
void each_mount_source(const char *folder, void (*source)(const char *path));

#endif
