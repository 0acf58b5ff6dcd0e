// cmake/precompiled.cc: something to compile for the target that has the precompiled header.
